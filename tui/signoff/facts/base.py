"""What a fact is: a read-only look, and the parser of what it returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from signoff.message import NOTHING, Message
from signoff.target.command import Output, Root
from signoff.target.profile import Profile

if TYPE_CHECKING:
    from signoff.target.outside import Outside

T = TypeVar("T")

Script = str | Callable[[Profile], str]


class Unavailable(Exception):  # noqa: N818 - not a failure of the program: a reason for `unknown`
    """A fact could not be had. ``reason`` says why, ``by_hand`` what the operator can run instead."""

    def __init__(self, reason: Message, by_hand: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.by_hand = by_hand


class Malformed(Exception):  # noqa: N818 - a reason for `error`
    """A fact was had, but its text is not what its program prints. ``excerpt`` is a part of it."""

    def __init__(self, reason: Message, excerpt: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.excerpt = excerpt


@dataclass(frozen=True)
class Noted(Generic[T]):
    """A fact's value, and what there is to know of the look.

    Of what was ``left_out`` no claim can be made, and so none about all. ``strangers`` are processes and the
    like of people who are not to be trusted: they were passed over.
    """

    value: T
    left_out: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Fact(Generic[T]):
    """Something that can be looked up on a target, once a run. ``title`` names it for people."""

    id: str
    title: Message


@dataclass(frozen=True, eq=False)
class HostFact(Fact[T]):
    """A fact from a read-only POSIX sh script on the target.

    ``parse`` turns the output into a typed value; it is pure, and raises Unavailable (the program is
    not there, the file cannot be read) or Malformed. It is only called when the script ran to its end.
    ``sensitive`` output holds secrets: neither it nor a hash of it goes into the record.
    ``by_hand`` is the command shown to the operator where the script could not run.
    ``kept`` is the type of the value (as msgspec.convert takes it) where it holds no secret and may be kept
    beside the record, so that it can be judged again; None where it must not.

    ``needs`` are facts that it goes by: ``given`` makes of them the values that the script gets, by name, and
    that it reads with ``given NAME`` of lib.sh, one a line. They are data, and never a part of its text.
    ``given`` may raise Unavailable or Malformed: then the script is not run.
    """

    script: Script
    parse: Callable[[Output], T]
    root: Root = Root.NO
    timeout: float = 10.0
    cap: int = 1 << 20
    sensitive: bool = False
    by_hand: Script = ""
    kept: Any = None
    needs: tuple[Fact[Any], ...] = ()
    given: Callable[[Facts, Profile], Mapping[str, Iterable[str]]] = lambda facts, profile: {}


@dataclass(frozen=True, eq=False)
class OutsideFact(Fact[T]):
    """A fact from connections or requests made by the operator's machine.

    ``needs`` are the facts that say where to look; ``look`` raises Unavailable where it cannot. ``kept`` is
    as for a fact of the host. An ``active`` one does more than look: its requests name signoff and the
    session, and there are at ``most`` so many.
    """

    look: Callable[[Outside, Profile, Facts], T]
    needs: tuple[Fact[Any], ...] = ()
    kept: Any = None
    active: bool = False
    most: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError where there is no end to what an active one sends."""
        if self.active != (self.most > 0):
            raise ValueError(f"{self.id}: an active fact says how many requests it makes at most")


@dataclass(frozen=True)
class Facts:
    """The facts collected so far: ``facts[LISTENERS]`` is the typed value, or raises why there is none."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, fact: Fact[T]) -> T:
        """Return the fact's value; raise Unavailable or Malformed where there is none."""
        value = self.values[fact.id]
        if isinstance(value, (Unavailable, Malformed)):
            raise value
        found: T = value.value if isinstance(value, Noted) else value
        return found

    def replaced(self, fact: Fact[T], value: T) -> Facts:
        """Return the facts with another value for one; what there is to know of its look stays."""
        was = self.values[fact.id]
        kept = Noted(value, was.left_out, was.strangers) if isinstance(was, Noted) else value
        return Facts({**self.values, fact.id: kept})

    def notes(self, facts: Iterable[Fact[Any]]) -> Noted[None]:
        """Return what there is to know of the looks for these facts, and for what they need."""
        found = [value for fact in closure(facts) if isinstance(value := self.values.get(fact.id), Noted)]
        return Noted(
            None,
            tuple(dict.fromkeys(mark for one in found for mark in one.left_out)),
            tuple(dict.fromkeys(name for one in found for name in one.strangers)),
        )

    def missing(self, fact: Fact[Any]) -> Message:
        """Return why the fact cannot be had, or an empty text when it can."""
        value = self.values[fact.id]
        return value.reason if isinstance(value, (Unavailable, Malformed)) else NOTHING


def closure(facts: Iterable[Fact[Any]]) -> tuple[Fact[Any], ...]:
    """Return the facts and all that they need, each once, needs first.

    Raises ValueError where two different facts have one id: one of them would be judged by the other's value.
    """
    found: dict[str, Fact[Any]] = {}

    def add(fact: Fact[Any]) -> None:
        if fact.id in found:
            if found[fact.id] is not fact:
                raise ValueError(f"two facts are called {fact.id!r}")
            return
        for needed in needs_of(fact):
            add(needed)
        found[fact.id] = fact

    for fact in facts:
        add(fact)
    return tuple(found.values())


def needs_of(fact: Fact[Any]) -> tuple[Fact[Any], ...]:
    """Return the facts that it goes by."""
    return fact.needs if isinstance(fact, (HostFact, OutsideFact)) else ()


def text_for(script: Script, profile: Profile) -> str:
    """Return the script's text for one target."""
    return script(profile) if callable(script) else script
