"""Replacing a file with secrets on this machine: whole or not at all, and with everything that it had.

The new file is made within a folder of its own beside the old one, which nobody else can enter. When it has
content, owner, mode and attributes, and is on disk, it takes the place of the old one by rename(2): whatever
moment it ends at, the old content is there or the new.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from signoff.credentials.env_text import (
    LARGEST,
    Identity,
    changed,
    draft_name,
    failed,
    fingerprint,
    hard_linked,
    is_draft,
    kept_mode,
    no_file,
    owner_lost,
    remarks,
    too_large,
)
from signoff.credentials.env_text import ConcurrentEditError as ConcurrentEditError
from signoff.credentials.env_text import EnvFileError as EnvFileError
from signoff.credentials.env_text import EnvText as EnvText
from signoff.credentials.env_text import UncertainError as UncertainError
from signoff.message import say
from signoff.text import one_line

_NEW: Final = "new"  # the file's name within its draft
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ACL: Final = "system.posix_acl_access"
_MEASURED: Final = frozenset({"security.ima", "security.evm"})
"""Attributes that the kernel works out anew from the content (ima-evm-utils, evmctl(1))."""


class EnvFile:
    """A file of this machine's. Its methods raise EnvFileError; ``signoff.actions.env_file`` has its twin."""

    def __init__(self, path: Path, *, group_reads: bool = False) -> None:
        self.path = str(path.absolute())
        self._group_reads = group_reads
        self._tried: set[str] = set()

    def read(self) -> EnvText:
        """Return what is there."""
        with _place(self.path) as place:
            return place.read()

    def remarks(self, text: EnvText) -> tuple[str, ...]:
        """Return what is to be said before what was read is replaced: links, mode, drafts."""
        return remarks(self.path, text, group_reads=self._group_reads)

    def write(self, new: bytes, expected: EnvText) -> EnvText:
        """Put ``new`` in the place of what was read, and return what is there now.

        Raise ConcurrentEditError where something else is there than ``expected``.
        """
        self._tried.add(fingerprint(new))
        kept = kept_mode(expected.identity, group_reads=self._group_reads)
        with _place(self.path) as place:
            place.expect(expected)
            return place.replace(new, expected, mode=kept)

    def restore(self, before: EnvText) -> EnvText:
        """Put back content, owner, mode, attributes and time of change as they were read.

        Only over what ``write`` of this object has written, or tried to; does nothing where nothing changed.
        """
        with _place(self.path) as place:
            now = place.read()
            if now.identity == before.identity and now.raw == before.raw:
                return now
            if fingerprint(now.raw) not in self._tried:
                if now.raw == before.raw:
                    return now
                raise changed(self.path)
            return place.replace(before.raw, now, mode=before.identity.mode, like=before.identity)


@contextlib.contextmanager
def _place(path: str) -> Iterator[_Place]:
    try:
        real = os.path.realpath(path, strict=True)
        folder, name = os.path.split(real)
        descriptor = os.open(folder, _FOLDER)
    except OSError as problem:
        raise failed(say("cannot be read"), path, problem) from None
    try:
        yield _Place(real, name, descriptor)
    finally:
        os.close(descriptor)


class _Place:
    """A file by its real name, in a directory that is held open."""

    def __init__(self, path: str, name: str, folder: int) -> None:
        self._path = path
        self._name = name
        self._folder = folder

    def read(self) -> EnvText:
        try:
            descriptor = os.open(
                self._name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._folder
            )
            try:
                status = os.fstat(descriptor)
                self._check(status)
                raw = _read(descriptor)
                attributes = _attributes(descriptor)
            finally:
                os.close(descriptor)
            entries = os.listdir(self._folder)  # noqa: PTH208 - of a directory held open
        except OSError as problem:
            raise failed(say("cannot be read"), self._path, problem) from None
        identity = Identity(
            path=self._path,
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            mtime=status.st_mtime_ns,
            listed=_ACL in attributes,
            attributes=attributes,
        )
        drafts = sorted(entry for entry in entries if is_draft(entry, self._name))
        return EnvText(raw, identity, tuple(drafts))

    def expect(self, expected: EnvText) -> None:
        """Raise ConcurrentEditError where something else is there now."""
        now = self.read()
        if now.raw != expected.raw or now.identity != expected.identity:
            raise changed(self._path)

    def replace(self, raw: bytes, expected: EnvText, *, mode: int, like: Identity | None = None) -> EnvText:
        """Put ``raw`` in the place of what is expected there: as that is, or ``like`` what was."""
        try:
            for old in expected.drafts:
                _remove(self._folder, old)
            with _draft(self._folder, draft_name(self._name)) as draft:
                self._write(draft, raw, like or expected.identity, mode, timed=like is not None)
                self.expect(expected)
                os.rename(_NEW, self._name, src_dir_fd=draft, dst_dir_fd=self._folder)
        except OSError as problem:
            raise failed(say("cannot be replaced"), self._path, problem) from None
        try:
            os.fsync(self._folder)
        except OSError as problem:
            raise UncertainError(
                say(
                    "{path} is replaced, but the disk reports an error: {strerror}.",
                    path=one_line(self._path),
                    strerror=problem.strerror,
                ),
                say("Look at the disk (dmesg, smartctl): the old content may come back with the next start."),
            ) from None
        return self.read()

    def _write(self, draft: int, raw: bytes, like: Identity, mode: int, *, timed: bool) -> None:
        """Write the new file within its draft, and bring it to the disk."""
        descriptor = os.open(_NEW, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=draft)
        try:
            written = 0
            while written < len(raw):
                count = os.write(descriptor, raw[written:])
                if count == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written += count
            status = os.fstat(descriptor)
            if (status.st_uid, status.st_gid) != (like.uid, like.gid):
                try:
                    os.fchown(descriptor, like.uid, like.gid)
                except PermissionError:
                    raise owner_lost(self._path) from None
            _set_attributes(descriptor, like)
            os.fchmod(descriptor, mode)
            if timed:
                os.utime(descriptor, ns=(status.st_atime_ns, like.mtime))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise no_file(self._path)
        if status.st_size > LARGEST:
            raise too_large(self._path)
        if status.st_nlink > 1:
            raise hard_linked(self._path)


def _read(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, LARGEST):
        parts.append(part)
    return b"".join(parts)


def _attributes(descriptor: int) -> dict[str, bytes]:
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = os.listxattr(descriptor)
    except OSError as problem:
        if problem.errno == errno.ENOTSUP:
            return {}
        raise
    return {name: os.getxattr(descriptor, name) for name in names if name not in _MEASURED}


@contextlib.contextmanager
def _draft(folder: int, name: str) -> Iterator[int]:
    """Make a folder that nobody else can enter; at the end it is removed with what is in it."""
    os.mkdir(name, 0o700, dir_fd=folder)
    try:
        descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    finally:
        _remove(folder, name)


def _remove(folder: int, name: str) -> None:
    """Remove a draft. One of another user's stays: the next read tells of it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_NEW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        os.rmdir(name, dir_fd=folder)


def _set_attributes(descriptor: int, like: Identity) -> None:
    """Give a draft exactly these attributes; the directory may have given it an access control list."""
    given = _attributes(descriptor)
    for name in given.keys() - like.attributes.keys():
        if not name.startswith("security."):
            os.removexattr(descriptor, name)
    for name, value in like.attributes.items():
        if given.get(name) != value:
            os.setxattr(descriptor, name, value)
