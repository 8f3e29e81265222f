"""A file with secrets as it was read, what may become of it, and the errors for people."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from typing import Final

from signoff.errors import SignoffError
from signoff.message import NOTHING, Message, say
from signoff.text import one_line

LARGEST: Final = 1 << 20
"""The most bytes that a file with settings may have."""

_REASONS: Final[dict[int, tuple[Message, Message]]] = {
    errno.ENOENT: (say("it is not there"), say("See whether the path is right.")),
    errno.EACCES: (
        say("permission was denied"),
        say("Run it as the owner of the file and of its directory, or as root."),
    ),
    errno.EPERM: (
        say("permission was denied"),
        say(
            "Run it as the owner, or as root. For root: is the file or its directory immutable? "
            "See lsattr(1)."
        ),
    ),
    errno.ENOSPC: (say("the disk is full"), say("Free some space, then try again.")),
    errno.EDQUOT: (say("the disk quota is used up"), say("Free some space, then try again.")),
    errno.EROFS: (say("the file system is read-only"), say("Mount it writable, then try again.")),
    errno.EIO: (
        say("the disk reports an error"),
        say("Look at the disk (dmesg, smartctl) before you go on."),
    ),
    errno.EBUSY: (say("it is a mount point of its own"), say("Change the file that is mounted there.")),
    errno.ELOOP: (say("its symbolic links lead nowhere"), say("Put the links right, then try again.")),
}


class EnvFileError(SignoffError):
    """A file could not be read or replaced. It is as it was."""


class ConcurrentEditError(EnvFileError):
    """Somebody else has changed the file meanwhile. It is as they left it."""


class UncertainError(SignoffError):
    """It is not known whether the file was replaced: the old content is there or the new one, whole."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is besides its content. ``path`` is where it really is, after symbolic links.

    ``listed`` tells whether an access control list (acl(5)) names more users. ``mtime`` is in nanoseconds.
    """

    path: str
    mode: int
    uid: int
    gid: int
    mtime: int
    listed: bool = False
    attributes: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EnvText:
    """A file's content as it was read, and what else it was at that time.

    ``drafts`` are the folders that killed writes have left beside it: the next write removes them. ``notes``
    say what of it a write would not keep.
    """

    raw: bytes = field(repr=False)
    identity: Identity
    drafts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def kept_mode(identity: Identity, *, group_reads: bool = False) -> int:
    """Return the mode that a file has after it was written: no wider than 0600 unless its group needs it.

    A group that may read a file closed to others (0640) was let in on purpose, and stays; that of a file
    open to all (0644) stays where a service reads it so (``group_reads``). Whom an access control list names
    was let in on purpose too.
    """
    if identity.listed:
        return identity.mode & 0o660
    return identity.mode & (0o640 if group_reads or not identity.mode & 0o007 else 0o600)


def remarks(path: str, text: EnvText, *, group_reads: bool = False) -> tuple[str, ...]:
    """Return what is to be said before a file is written: links, mode, and what is left of killed writes."""
    said = []
    real, mode = text.identity.path, text.identity.mode
    if real != os.path.normpath(path):
        said.append(
            say(
                "{path} leads to {real}: that file is replaced, the link stays.",
                path=one_line(path),
                real=one_line(real),
            )
        )
    kept = kept_mode(text.identity, group_reads=group_reads)
    if kept != mode:
        said.append(say("Its mode goes from {mode} to {kept}.", mode=f"{mode:04o}", kept=f"{kept:04o}"))
    if text.drafts:
        said.append(
            say(
                "A killed write left {drafts} beside it: that is removed.",
                drafts=one_line(", ".join(text.drafts)),
            )
        )
    return (*said, *text.notes)


def draft_name(name: str) -> str:
    """Return a new name for a draft's folder: beside the file in listings, and ignored where ``.env*`` is."""
    return f"{name}.signoff-{secrets.token_hex(8)}"


def is_draft(entry: str, name: str) -> bool:
    """Tell whether a directory's entry is the draft of a file."""
    return entry.startswith(name) and re.fullmatch(r"\.signoff-[0-9a-f]{16}", entry[len(name) :]) is not None


def fingerprint(raw: bytes) -> str:
    """Return the SHA-256 by which contents are compared. Never recorded: it is as secret as they are."""
    return hashlib.sha256(raw).hexdigest()


def changed(path: str) -> ConcurrentEditError:
    """Return the error of a file that is not what was read."""
    return ConcurrentEditError(
        say(
            "{path} was changed by somebody else meanwhile; it is left as they have it.", path=one_line(path)
        ),
        say("Look at it, then begin again."),
    )


def failed(what: str, path: str, problem: OSError) -> EnvFileError:
    """Return the error of a file that ``what`` (`cannot be read`), and why."""
    return _failed(what, path, *_REASONS.get(problem.errno or 0, (problem.strerror or str(problem), NOTHING)))


def failed_there(what: str, path: str, said: str) -> EnvFileError:
    """Return the same of a file on another machine, where programs ``said`` why, in C's words."""
    known = (reason for number, reason in _REASONS.items() if os.strerror(number) in said)
    return _failed(what, path, *next(known, (said or say("the host does not say why"), NOTHING)))


def _failed(what: str, path: str, reason: Message | str, hint: Message) -> EnvFileError:
    return EnvFileError(
        say("{path} {what}: {reason}. It is as it was.", path=one_line(path), what=what, reason=reason), hint
    )


def owner_lost(path: str) -> EnvFileError:
    """Return the error of a file that would not be its owner's, or its group's, any more."""
    return EnvFileError(
        say(
            "{path} cannot be replaced: its owner or group could not be kept. It is as it was.",
            path=one_line(path),
        ),
        say("Do it as the owner, who has to be in the file's group, or as root."),
    )


def no_file(path: str) -> EnvFileError:
    """Return the error of a folder, a pipe, a device."""
    return EnvFileError(say("{path} is no regular file.", path=one_line(path)), say("Name a file."))


def too_large(path: str) -> EnvFileError:
    """Return the error of what can hardly be settings."""
    return EnvFileError(
        say("{path} is too large for a file with settings.", path=one_line(path)),
        say("At most {largest} bytes.", largest=LARGEST),
    )


def hard_linked(path: str) -> EnvFileError:
    """Return the error of a file with two names: rename(2) would leave the old content to the other one."""
    return EnvFileError(
        say("{path} has another name (a hard link), which would keep the old content.", path=one_line(path)),
        say(
            "Find it with `find DIRECTORY -samefile {path}`, and make one of the two a symbolic link.",
            path=quote(path),
        ),
    )
