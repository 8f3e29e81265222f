"""The ledgers of a team: other machines' are kept beside the own one, each as it is, none ever rewritten.

A ledger is one machine's chain, so that ledgers are not mixed but collected: what is kept is the set of the
longest known chains. Taking one in that is known, or that was longer before, changes nothing; taking in a
longer one puts it in the shorter one's place. Whatever the order, the set comes out the same. Two chains that
begin alike and go on differently are both kept: one machine's ledger has been made anew, or rolled back.

A chain is kept as ``ledgers/<digest of its first line>/<digest of its last>.jsonl``: a name that no other
content can have, so that a file is written once, and an interruption leaves the old one, or both.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Final

from signoff import own_files, paths
from signoff.durable import sync_folder, write_new
from signoff.errors import RecordError
from signoff.message import say
from signoff.session import ledger
from signoff.session.bundle import LEDGER
from signoff.session.files import make_folder, open_regular, record_error
from signoff.session.ledger import Reading

KEPT: Final = paths.ledgers_directory().name
MAX_SIZE: Final = 1 << 26
"""The most bytes that a ledger from elsewhere may have: a hundred thousand sessions fit."""

_WHAT = say("The ledgers could not be merged")
_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Known:
    """A ledger that is known here: this machine's ``own``, or one that was taken in."""

    path: Path
    own: bool
    reading: Reading

    @property
    def name(self) -> str:
        """What it is called: nobody but its machine can say whose it is, so it goes by its first line."""
        return say("this machine") if self.own else self.reading.first[:12] or self.path.parent.name[:12]

    @property
    def whose(self) -> str:
        """What it is called in a sentence."""
        return say("the ledger") if self.own else say("the ledger {name} of another machine", name=self.name)


@dataclass(frozen=True, slots=True)
class Chain:
    """A ledger from elsewhere whose lines all hold; ``data`` is without a torn last line."""

    source: str
    data: bytes
    reading: Reading


class Taken(StrEnum):
    """What became of a ledger that was to be taken in."""

    NEW = "new"
    LONGER = "longer"
    """It goes on from the one that was known, and has taken its place."""
    KNOWN = "known"
    RESTORED = "restored"
    """It is this machine's own, which had lost its end, and has it again."""


def known(state: Path) -> list[Known]:
    """Return the ledgers known in a state directory, the own one first. Raises RecordError, ExposedError.

    One that another of them holds whole is left out: an interruption may have left it behind. Where others
    can write to this machine's own, they are not believed; a directory from elsewhere may lie anywhere.
    """
    own = state / LEDGER
    if state.resolve() == paths.state_directory().resolve():
        for path in (own, state / KEPT, *(state / KEPT).glob("*/*.jsonl")):
            own_files.check(path)
    kept = [one for folder in sorted((state / KEPT).glob("*")) for one in _kept(folder)]
    found = [Known(own, True, ledger.read(own))] if own.is_file() else []
    return [*found, *(one for one in kept if not _held(one, [*found, *kept]))]


def to_ask(directory: Path, given: Path | None) -> tuple[list[Known], bool]:
    """Return the ledgers to ask about a record, and whether the first is the one that its own machine keeps.

    One that is ``given`` is asked alone.
    """
    if given is not None:
        return ([Known(given, True, ledger.read(given))] if given.is_file() else []), given.is_file()
    here = paths.state_directory()
    # Beside a folder of another name lies what may be anybody's: in /tmp, say.
    beside = directory.parent.parent if directory.parent.name == paths.sessions_directory().name else here
    ledgers = known(beside) if beside.resolve() == here.resolve() else [*known(beside), *known(here)]
    return ledgers, directory.parent.parent == beside and (beside / LEDGER).is_file()


def disagreements(ledgers: Sequence[Known]) -> Iterator[str]:
    """Yield, for people, where two of the ledgers are one machine's and do not agree."""
    for one, other in combinations(ledgers, 2):
        shared = one.reading.shared(other.reading)
        if not shared or one.reading.holds(other.reading):
            continue
        if other.reading.holds(one.reading):
            yield (
                say(
                    "{name}: the ledger ends at line {lines}, and a copy of it goes on to line {copied}: "
                    "its end has been cut off, or an old state was put back",
                    name=one.name,
                    lines=one.reading.lines,
                    copied=other.reading.lines,
                )
            )
        else:
            yield (
                say(
                    "{name}: there are two ledgers that are the same up to line {shared} and differ after "
                    "it: one of them was made anew or rolled back ({path}, {other})",
                    name=one.name,
                    shared=shared,
                    path=one.path,
                    other=other.path,
                )
            )


def chain(source: str, data: bytes) -> Chain:
    """Return a ledger from elsewhere, checked. Raises RecordError unless every line holds."""
    reading = Reading()
    ledger.parse(io.BytesIO(data), reading)
    broken = [one for one in reading.damage if one.line <= reading.lines]
    if broken:
        raise RecordError(
            say(
                "{source}: line {line} of the ledger does not hold: {reason}.",
                source=source,
                line=broken[0].line,
                reason=broken[0].reason,
            ),
            say("Nothing of it was taken in. Ask for it anew, and ask why."),
        )
    if not reading.lines:
        raise RecordError(say("{source}: there is no ledger in it.", source=source))
    return Chain(source, data[: reading.size], reading)


def chains_at(path: Path) -> list[Chain]:
    """Return the ledgers at a path: a ledger's file, a state directory, or a record handed over.

    Raises RecordError where there is none, or one does not hold.
    """
    if path.is_dir():
        found = [*(one for one in [path / LEDGER] if one.exists()), *sorted((path / KEPT).glob("*/*.jsonl"))]
        if not found:
            raise RecordError(
                say("{path}: there is no ledger in it.", path=path),
                say("Give a state directory (it has {ledger}), or a file.", ledger=LEDGER),
            )
        return [chain(str(one), _content(one)) for one in found]
    data = _content(path)
    if not data.startswith(b"\x1f\x8b"):
        return [chain(str(path), data)]
    from signoff.session.archive import unpacked

    with unpacked(path) as directory:
        if not (directory / LEDGER).exists():
            raise RecordError(
                say("{path}: there is no ledger in it.", path=path),
                say("Ask for one: signoff sessions export ID --ledger"),
            )
        return [chain(str(path), _content(directory / LEDGER))]


def merge(state: Path, chains: Sequence[Chain], *, restore: bool = False) -> list[tuple[Chain, Taken]]:
    """Take ledgers in, and tell what became of each. Raises RecordError, each being taken in or not.

    Its lines are not signed, so that anybody can add some to a copy: into this machine's own ledger nothing
    is put unless ``restore`` says so, and nothing there is ever replaced.
    """
    from signoff.session.lock import Lock  # slow to import, and never needed to verify

    make_folder(state)
    with Lock(state / f"{KEPT}.lock", say("The merging of ledgers"), wait=_WAIT):
        try:
            for draft in (state / KEPT).glob("*/.*"):  # of a merge that was killed
                draft.unlink()
            return [(one, _take(state, one, restore=restore)) for one in chains]
        except OSError as problem:
            raise record_error(problem, _WHAT, state) from None


def _take(state: Path, new: Chain, *, restore: bool) -> Taken:
    own, folder = ledger.read(state / LEDGER), state / KEPT / new.reading.first
    if restore and own.lines and new.reading.lines > own.lines and new.reading.holds(own):
        _restore(state / LEDGER, new)
        _clear(folder, new.reading)
        return Taken.RESTORED
    if own.holds(new.reading) or any(one.reading.holds(new.reading) for one in _sound(folder)):
        return Taken.KNOWN
    for made in (folder.parent, folder):
        if not made.exists():
            make_folder(made)
            sync_folder(made.parent)
    path = folder / f"{new.reading.head}.jsonl"
    write_new(path, new.data)
    return Taken.LONGER if _clear(folder, new.reading, path) else Taken.NEW


def _restore(path: Path, new: Chain) -> None:
    from signoff.session.lock import Lock

    with Lock(path.with_suffix(".lock"), say("The ledger"), wait=_WAIT):
        if not new.reading.holds(ledger.read(path)):
            raise RecordError(
                say("This machine's ledger has just gone on."), say("Look again: signoff sessions list")
            )
        write_new(path, new.data)


def _clear(folder: Path, by: Reading, but: Path | None = None) -> bool:
    """Remove the kept ledgers that another one holds whole; tell whether there were any."""
    held = [one for one in _sound(folder) if one.path != but and by.holds(one.reading)]
    for one in held:
        one.path.unlink(missing_ok=True)
    if held:
        sync_folder(folder)
    return bool(held)


def _kept(folder: Path) -> Iterator[Known]:
    for path in sorted(folder.glob("*.jsonl")):
        reading = ledger.read(path)
        if (reading.first, reading.head) != (folder.name, path.stem):
            reading.damage.append(
                ledger.Damage(
                    reading.lines, say("it is not what was taken in: its name tells of another content")
                )
            )
        yield Known(path, False, reading)


def _sound(folder: Path) -> list[Known]:
    return [one for one in _kept(folder) if not one.reading.damage]


def _held(one: Known, among: Sequence[Known]) -> bool:
    """Tell whether a kept ledger is held whole by another; of two that are the same, by the first."""
    if one.reading.damage:
        return False
    before = True
    for other in among:
        if other is one:
            before = False
        elif other.reading.holds(one.reading) and (before or other.reading.lines > one.reading.lines):
            return True
    return False


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as problem:
        raise record_error(problem, say("The ledger could not be read"), path) from None
    if len(data) > MAX_SIZE:
        raise RecordError(
            say("{path} is longer than {max_size} MiB: no ledger is.", path=path, max_size=MAX_SIZE >> 20)
        )
    return data
