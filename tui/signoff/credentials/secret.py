"""A value that must not be shown: it hides itself from everything that prints."""

from __future__ import annotations

import hmac
from typing import Final

HIDDEN: Final = "•" * 8


class Secret:
    """A secret text. ``repr``, ``str``, ``format`` and rich show dots; ``reveal`` alone gives the value."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the value. Call it as late as can be, and keep the result in no variable that lives on."""
        return self.__value

    def __len__(self) -> int:
        return len(self.__value)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # An environment's bytes need not be UTF-8; an encoding error would carry the value along.
        mine, theirs = (value.encode("utf-8", "surrogatepass") for value in (self.__value, other.__value))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash(self.__value)

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __rich_repr__(self) -> object:
        yield HIDDEN

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled or copied to another process")
