"""Files that decide what signoff does and believes: nobody else may change or replace them.

As for ssh: each, and every folder above it, belongs to the operator or to root, and neither others nor a
group that somebody else is in may write to it (an access list shows as the group's right). Of a folder that
all may write to, each only to what is theirs, such as /tmp, what lies in it is asked instead. A symbolic
link is judged with its whole way.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Final

from signoff.errors import ExposedError
from signoff.message import say

_MOST_LINKS: Final = 40
_ACCESS_LIST: Final = "system.posix_acl_access"


def judge(path: Path) -> None:
    """Raise ExposedError where others could change what is at ``path``.

    Raises OSError where it is not there, or cannot be looked at.
    """
    for place, status in _way(path):
        if status.st_uid not in {os.geteuid(), 0}:
            raise _foreign(path, place, status)
        shared_folder = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if _others_can_write(place, status) and not shared_folder:
            raise _writable(path, place, status)


def check(path: Path) -> None:
    """Raise ExposedError where others could change or make what is, or is to be, at ``path``.

    What cannot be looked at passes here: it cannot be read either.
    """
    with contextlib.suppress(OSError):
        judge(path)


def _way(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield all that the way to ``path`` leads through, links and what they point to, itself last."""
    place, links = Path("/"), 0
    ahead = [*reversed(Path.cwd().joinpath(path).parts)]
    while ahead:
        part = ahead.pop()
        place = place.parent if part == ".." else place / part
        status = place.lstat()
        yield place, status
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            ahead += reversed(place.readlink().parts)
            place = place.parent


def _others_can_write(place: Path, status: os.stat_result) -> bool:
    if stat.S_ISLNK(status.st_mode):
        return False
    if status.st_mode & stat.S_IWGRP and (_has_access_list(place) or not _is_private(status)):
        return True
    return bool(status.st_mode & stat.S_IWOTH)


def _is_private(status: os.stat_result) -> bool:
    """Whether the owner alone is in the group, as where each user has one (login.defs(5))."""
    with contextlib.suppress(KeyError):
        owner = pwd.getpwuid(status.st_uid)
        members = {one.pw_name for one in pwd.getpwall() if one.pw_gid == status.st_gid}
        return {*members, *grp.getgrgid(status.st_gid).gr_mem} <= {owner.pw_name}
    return False


def _writable(path: Path, place: Path, status: os.stat_result) -> ExposedError:
    if status.st_mode & stat.S_IWOTH:
        who: str = say("everybody")
    elif _has_access_list(place):
        who = say("whoever its access list names")
    else:
        who = say("the group {group}", group=_group(status.st_gid))
    command = f"{_sudo(status)}chmod go-w {quote(str(place))}"
    return ExposedError(
        say("Others can change {path}: {who} can write to {place}.", path=path, who=who, place=place),
        say("If you are sure that nobody has: {command}", command=command),
    )


def _foreign(path: Path, place: Path, status: os.stat_result) -> ExposedError:
    owner, me = _user(status.st_uid), _user(os.geteuid())
    link = "-h " if stat.S_ISLNK(status.st_mode) else ""
    command = f"{_sudo(status)}chown {link}{quote(me)} {quote(str(place))}"
    return ExposedError(
        say(
            "Others can change {path}: {place} belongs to {owner}, and you are {me}.",
            path=path,
            place=place,
            owner=owner,
            me=me,
        ),
        say(
            "Use signoff as {owner}, or if you are sure that nothing was changed: {command}",
            owner=owner,
            command=command,
        ),
    )


def _sudo(status: os.stat_result) -> str:
    return "" if os.geteuid() in {status.st_uid, 0} else "sudo "


def _has_access_list(place: Path) -> bool:
    if not hasattr(os, "getxattr"):
        return False
    with contextlib.suppress(OSError):
        return bool(os.getxattr(place, _ACCESS_LIST))
    return False


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
