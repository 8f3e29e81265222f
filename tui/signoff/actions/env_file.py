"""Replacing a file with secrets on a target: whole or not at all, and with everything that it had.

The same as `signoff.credentials.env_file` does on this machine, by a script of POSIX sh on the host.
"""

from __future__ import annotations

import re
from importlib.resources import files
from shlex import quote
from threading import Event
from typing import Final

from signoff.credentials.env_text import (
    LARGEST,
    EnvFileError,
    EnvText,
    Identity,
    UncertainError,
    changed,
    draft_name,
    failed_there,
    fingerprint,
    hard_linked,
    is_draft,
    kept_mode,
    no_file,
    owner_lost,
    remarks,
    too_large,
)
from signoff.errors import TargetError
from signoff.message import say
from signoff.target.base import Target
from signoff.target.command import Command, Output, Problem, Root
from signoff.text import one_line

_FILE: Final = re.compile(
    rb"((?:#draft\t[^\n]*\n)*)#file\t(/[^\t\n]*)\t(yes|no)\t(yes|no)\t"
    rb"([0-7]+) ([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+) ([0-9.]*)\n(.*)",
    re.DOTALL,
)
_NOT_KEPT: Final = say(
    "An access control list or extended attributes, where it has any, are lost: cp cannot keep them there."
)
_TRIES: Final = 3  # to read a file that is being written


class EnvFile:
    """A file on a target, read and written as the login user, or as root.

    The methods raise EnvFileError (nothing was changed), ConcurrentEditError and UncertainError, all of them
    from ``signoff.credentials.env_file``. ``group_reads`` as there.
    """

    def __init__(self, target: Target, path: str, *, root: bool = False, group_reads: bool = False) -> None:
        if not path.startswith("/") or not path.isprintable():
            raise EnvFileError(
                say("{path} is no absolute path.", path=one_line(path)), say("Name the file from / on.")
            )
        self.path = path
        self._target = target
        self._root = root
        self._group_reads = group_reads
        self._tried: set[str] = set()

    def read(self) -> EnvText:
        """Return what is there."""
        for _ in range(_TRIES):
            text = self._read()
            if text is not None:
                return text
        raise changed(self.path)

    def remarks(self, text: EnvText) -> tuple[str, ...]:
        """Return what is to be said before what was read is replaced: links, mode, drafts."""
        return remarks(self.path, text, group_reads=self._group_reads)

    def write(self, new: bytes, expected: EnvText) -> EnvText:
        """Put ``new`` in the place of what was read, and return what is there now.

        Raise ConcurrentEditError where something else is there than ``expected``. When the connection is
        lost, look what became of it; raise UncertainError only where that cannot be found out.
        """
        self._tried.add(fingerprint(new))
        kept = kept_mode(expected.identity, group_reads=self._group_reads)
        return self._replace(new, expected, mode=kept)

    def restore(self, before: EnvText) -> EnvText:
        """Put back content, owner, mode, attributes and time of change as they were read.

        Only over what ``write`` of this object has written, or tried to; does nothing where nothing changed.
        """
        now = self.read()
        if now.raw == before.raw and now.identity == before.identity:
            return now
        if fingerprint(now.raw) not in self._tried:
            if now.raw == before.raw:
                return now
            raise changed(self.path)
        return self._replace(before.raw, now, mode=before.identity.mode, like=before.identity)

    def _read(self) -> EnvText | None:
        """Return what is there; None where it was being written."""
        head = f"path={quote(self.path)} limit={LARGEST}\n"
        command = Command(
            "env-file",
            head + _script("env-read.sh"),
            Root.REQUIRE if self._root else Root.NO,
            timeout=20.0,
            cap=LARGEST + (1 << 16),
        )
        try:
            (output,) = self._target.collect([command], Event())
        except TargetError as error:
            raise EnvFileError(
                say("{path} cannot be read: {error}", path=one_line(self.path), error=error.message),
                error.hint,
            ) from None
        if output.problem:
            raise self._not_run(say("cannot be read"), output)
        return self._parsed(output)

    def _parsed(self, output: Output) -> EnvText | None:
        found = _FILE.fullmatch(output.stdout)
        if found is None or output.truncated:
            raise self._refusal(say("cannot be read"), output)
        drafts, path, listed, keeps, mode, uid, gid, size, seconds, precise, raw = found.groups()
        if len(raw) != int(size):
            return None
        name = path.decode("utf-8", "surrogateescape").rpartition("/")[2]
        left = [line.partition("\t")[2] for line in drafts.decode("utf-8", "surrogateescape").splitlines()]
        return EnvText(
            raw,
            Identity(
                path=path.decode("utf-8", "surrogateescape"),
                mode=int(mode, 8),
                uid=int(uid),
                gid=int(gid),
                mtime=_nanoseconds(seconds.decode(), precise.decode()),
                listed=listed == b"yes",
            ),
            drafts=tuple(entry for entry in left if is_draft(entry, name)),
            notes=() if keeps == b"yes" else (_NOT_KEPT,),
        )

    def _replace(self, new: bytes, expected: EnvText, *, mode: int, like: Identity | None = None) -> EnvText:
        """Replace what is expected there by ``new``: as that is, or ``like`` what was."""
        there = expected.identity
        owner = like or there
        draft = draft_name(there.path.rpartition("/")[2])
        values = {
            "path": self.path,
            "real": there.path,
            "seen": f"{there.mode:o} {there.uid}:{there.gid}",
            "mode": f"{mode:o}",
            "owner": f"{owner.uid}:{owner.gid}",
            "when": f"{like.mtime // 10**9}.{like.mtime % 10**9:09}" if like else "",
            "draft": draft,
        }
        if b"\0" in new:
            raise EnvFileError(
                say("{path} cannot be replaced by a content with a NUL in it.", path=one_line(self.path))
            )
        payload = f"{fingerprint(expected.raw)} {fingerprint(new)}\n".encode() + new
        try:
            output = self._target.execute(_head(values) + _script("env-replace.sh"), payload, root=self._root)
        except TargetError as error:
            raise EnvFileError(
                say("{path} cannot be replaced: {error}", path=one_line(self.path), error=error.message),
                error.hint,
            ) from None
        if output.problem in {Problem.LOST, Problem.TIMED_OUT, Problem.KILLED}:
            return self._looked_up(new, expected, draft)
        if output.problem:
            raise self._not_run(say("cannot be replaced"), output)
        if output.stdout == b"#replaced\n":
            return self.read()
        raise self._refusal(say("cannot be replaced"), output)

    def _looked_up(self, new: bytes, expected: EnvText, draft: str) -> EnvText:
        """Find out what is there after a write of which nobody knows whether it ran."""
        folder = expected.identity.path.rpartition("/")[0]
        try:
            # Were it still running, it could not go on without its draft.
            gone = self._target.execute(f"rm -rf -- {quote(f'{folder}/{draft}')}\n", root=self._root)
            now = self.read() if gone.problem is None else None
        except (EnvFileError, TargetError):
            now = None
        if now is None:
            raise UncertainError(
                say("The connection was lost while {path} was being replaced.", path=one_line(self.path)),
                say("It has its old content or the new one, whole. Look which, when the host answers again."),
            )
        if now.raw == new:
            return now
        if now.raw == expected.raw:
            raise EnvFileError(
                say(
                    "{path} was not replaced: the connection was lost. It is as it was.",
                    path=one_line(self.path),
                )
            )
        raise changed(self.path)

    def _not_run(self, what: str, output: Output) -> EnvFileError:
        reason = str(output.problem)
        if output.problem is Problem.NEEDS_ROOT:
            reason = say("it needs root, and {stderr}", stderr=one_line(output.stderr))
        return EnvFileError(
            say(
                "{path} {what}: {reason}. It is as it was.",
                path=one_line(self.path),
                what=what,
                reason=reason,
            )
        )

    def _refusal(self, what: str, output: Output) -> Exception:
        """Return the error for what a script said, and its programs before it."""
        word = output.stdout.splitlines()[-1:]
        said = one_line(output.stderr)
        match word:
            case [b"#changed"]:
                return changed(self.path)
            case [b"#kind"]:
                return no_file(self.path)
            case [b"#links"]:
                return hard_linked(self.path)
            case [b"#large"]:
                return too_large(self.path)
            case [b"#unsure"]:
                return UncertainError(
                    say(
                        "{path} is replaced, but its directory could not be synced: {said}.",
                        path=one_line(self.path),
                        said=said,
                    ),
                    say(
                        "Look at the disk (dmesg, smartctl): the old content may come back with the next "
                        "start."
                    ),
                )
            case [b"#owner"]:
                return owner_lost(self.path)
            case [b"#attributes"]:
                return EnvFileError(
                    say(
                        "{path} {what} with its attributes: {said}. It is as it was.",
                        path=one_line(self.path),
                        what=what,
                        said=said,
                    )
                )
            case _:
                return failed_there(what, self.path, said)


def _script(name: str) -> str:
    return files("signoff.actions").joinpath("scripts", name).read_text("utf-8")


def _head(values: dict[str, str]) -> str:
    return "".join(f"{name}={quote(value)}\n" for name, value in values.items())


def _nanoseconds(seconds: str, precise: str) -> int:
    """Return a time in nanoseconds; not every stat knows more than whole seconds."""
    fraction = precise.partition(".")[2] if precise.startswith(f"{seconds}.") else ""
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0") or 0)
