"""Remedies for files: they touch what is the project's own, follow no link unseen, and delete nothing.

What lies outside of the project is its owner's: to be asked, and no command.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from shlex import quote
from typing import Final

from signoff.facts.environment import SecretFile
from signoff.message import Message, listed, say
from signoff.probes import kit
from signoff.probes.base import Remedy
from signoff.text import one_line

ROOT: Final = kit.decision(say("Run signoff with a user who may use sudo."))
_WIDTH: Final = 4096


def within(path: str, folder: str) -> bool:
    """Tell whether a real path lies in a folder, or is the folder."""
    return PurePosixPath(path).is_relative_to(folder)


def typeable(path: str) -> bool:
    """Tell whether a name can be given to a command as it is shown.

    The scripts tell a line feed or a tab in a name as ``?``; what else is no ordinary character is not shown.
    """
    return bool(path) and "?" not in path and one_line(path, _WIDTH) == path


def command(words: str, paths: Iterable[str]) -> str:
    """Return a command on files, their names quoted; in words where a name cannot be typed."""
    named = list(dict.fromkeys(paths))
    if not all(map(typeable, named)):
        shown = ", ".join(one_line(path, _WIDTH) for path in named)
        return f"by hand, for a name holds unusual characters: {words} of {shown}"
    ends = "-- " if any(path.startswith("-") for path in named) else ""
    return f"{words} {ends}{' '.join(map(quote, named))}"


def on_paths(words: str, paths: Iterable[str], what: Message) -> Remedy:
    """Return a command on files as a remedy; where a name cannot be typed, it is for a person to do."""
    named = list(paths)
    text = command(words, named)
    if all(map(typeable, named)):
        return kit.command(text, what)
    return kit.decision(say("{what} ({by_hand})", what=what, by_hand=text))


def on_files(words: str, files: Iterable[SecretFile], what: Message) -> Remedy:
    """Return a command on files, by where they really lie; it says which name leads to another file."""
    found = list(files)
    led = [
        say(
            "{path} is a link, and {target} is what changes.",
            path=one_line(one.path),
            target=one_line(one.target),
        )
        for one in found
        if one.target != one.path
    ]
    return on_paths(words, (one.target for one in found), listed([what, *led], " "))
