"""Commands for files that a remedy names: they touch what is the project's own, follow no link unseen,
and delete nothing.

What lies outside of the project is its owner's: ``ASK``, and no command.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from shlex import quote
from typing import Final

from signoff.facts.environment import SecretFile
from signoff.text import one_line

ASK: Final = "Ask its owner"
"""The remedy for what is not the project's own."""
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


def on_files(words: str, files: Iterable[SecretFile]) -> str:
    """Return a command on files, by where they really lie; says which name leads to another file."""
    paths = [(file.path, file.target) for file in files]
    led = [(one_line(path), one_line(target)) for path, target in paths if target != path]
    return "; ".join(
        [
            command(words, (target for _, target in paths)),
            *(f"{path} is a link, and {target} is what changes" for path, target in led),
        ]
    )
