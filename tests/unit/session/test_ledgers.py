"""The ledgers of a team: collected, never mixed, in whatever order and however often they arrive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff import durable
from signoff.errors import RecordError
from signoff.session import ledger, ledgers
from signoff.session.ledger import LedgerEntry
from signoff.session.ledgers import Chain, Taken, chain, chains_at, disagreements, known, merge
from signoff.session.line import canonical, digest
from signoff.session.verify import Standing, Status, verify
from unit.session.records import Place


def written(words: Sequence[str]) -> list[bytes]:
    """Return a ledger's lines: one session begun for each word; like words make like lines."""
    lines: list[bytes] = []
    for number, word in enumerate(words, 1):
        entry = LedgerEntry(
            seq=number,
            prev=digest(lines[-1]) if lines else "",
            time="2026-01-02T03:04:05.000Z",
            kind="genesis",
            session=f"20260102-0304{number:02}-{word:a>8}",
            digest=digest(word.encode()),
        )
        lines.append(canonical(msgspec.to_builtins(entry)))
    return lines


def made(*words: str) -> Chain:
    return chain("/".join(words), b"".join(written(words)))


def held(state: Path) -> dict[str, bytes]:
    """Return all that is kept, by name."""
    kept = state / "ledgers"
    return {str(path.relative_to(kept)): path.read_bytes() for path in kept.rglob("*") if path.is_file()}


# Few words and short chains, so that chains are often alike, prefixes of another, or forks.
CHAINS = st.lists(
    st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map(lambda words: made(*words)), max_size=6
)
STATES = count()


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a place for many state directories; what is written need not reach the disk there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield tmp_path_factory.mktemp("states")


@settings(max_examples=60, deadline=None)
@given(CHAINS, st.randoms(use_true_random=False), st.integers(0, 6))
def test_the_order_and_the_portions_do_not_matter(
    states: Path, chains: list[Chain], random: object, cut: int
) -> None:
    one, other, again = (states / str(next(STATES)) for _ in range(3))
    merge(one, chains)
    shuffled = list(chains)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own random.Random
    merge(other, shuffled[:cut])
    merge(other, shuffled[cut:])
    assert held(one) == held(other)
    merge(one, chains)
    assert held(one) == held(other), "once more changes nothing"
    if chains:
        merge(again, [*chains_at(one)])
        assert held(again) == held(one), "what is known goes on from one to the next"
    _nothing_is_lost(one, chains)


def _nothing_is_lost(state: Path, chains: list[Chain]) -> None:
    kept = list(held(state).values())
    for one in chains:
        assert any(data.startswith(one.data) for data in kept)
    for data in kept:
        assert any(one.data == data for one in chains), "no chain is made up"
        assert not any(other != data and other.startswith(data) for other in kept)


def test_a_longer_one_takes_the_shorter_ones_place(tmp_path: Path) -> None:
    assert [taken for _, taken in merge(tmp_path, [made("a")])] == [Taken.NEW]
    assert [taken for _, taken in merge(tmp_path, [made("a", "b")])] == [Taken.LONGER]
    assert [taken for _, taken in merge(tmp_path, [made("a")])] == [Taken.KNOWN]
    (one,) = known(tmp_path)
    assert (one.own, one.reading.lines, list(disagreements([one]))) == (False, 2, [])
    assert one.path.stat().st_mode & 0o7777 == 0o600


def test_a_fork_is_kept_and_told(tmp_path: Path) -> None:
    merge(tmp_path, [made("a", "b", "c"), made("a", "b", "d", "e")])
    (told,) = disagreements(known(tmp_path))
    assert "the same up to line 2 and differ after it" in told
    assert len(held(tmp_path)) == 2


def test_this_machines_own_is_never_written_to_unasked(tmp_path: Path) -> None:
    own = tmp_path / "ledger.jsonl"
    own.write_bytes(made("a", "b").data)
    assert [taken for _, taken in merge(tmp_path, [made("a")])] == [Taken.KNOWN]
    assert held(tmp_path) == {}
    merge(tmp_path, [made("a", "b", "c", "d")])
    assert own.read_bytes() == made("a", "b").data
    (told,) = disagreements(known(tmp_path))
    assert "ends at line 2, and a copy of it here goes on to line 4" in told.replace(
        "it goes", "it here goes"
    )
    longer = made("a", "b", "c", "d")
    assert [taken for _, taken in merge(tmp_path, [longer], restore=True)] == [Taken.RESTORED]
    assert (own.read_bytes(), held(tmp_path)) == (longer.data, {})
    assert [one.own for one in known(tmp_path)] == [True]


def test_a_fork_of_the_own_one_is_never_restored(tmp_path: Path) -> None:
    own = tmp_path / "ledger.jsonl"
    own.write_bytes(made("a", "b").data)
    assert [taken for _, taken in merge(tmp_path, [made("a", "c", "d")], restore=True)] == [Taken.NEW]
    assert own.read_bytes() == made("a", "b").data
    assert "differ after" in next(disagreements(known(tmp_path)))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: [lines[0], lines[1].replace(b"genesis", b"genesiz"), lines[2]], 2),
        (lambda lines: [b"rubbish\n", *lines[1:]], 1),
        (lambda lines: [*lines, b"\x1b]0;pwn\x07\n"], 4),
    ],
)
def test_one_that_does_not_hold_is_refused_with_its_line(change: object, line: int) -> None:
    data = b"".join(change(written(["a", "b", "c"])))  # type: ignore[operator]  # one of the above
    with pytest.raises(RecordError, match=f"line {line} of the ledger does not hold"):
        chain("anna", data)


def test_one_that_was_copied_while_it_was_written_counts_up_to_its_last_line() -> None:
    torn = chain("anna", made("a", "b").data + b'{"digest":"0')
    assert torn.data == made("a", "b").data


def test_a_kept_one_that_was_changed_is_told_and_healed(tmp_path: Path) -> None:
    merge(tmp_path, [made("a", "b")])
    (path,) = (tmp_path / "ledgers").glob("*/*.jsonl")
    path.write_bytes(made("a").data)
    (one,) = known(tmp_path)
    assert "not what was taken in" in one.reading.damage[0].reason
    merge(tmp_path, [made("a", "b")])
    assert known(tmp_path)[0].reading.damage == []


@pytest.mark.parametrize("at", ["the draft", "the name", "the removal"])
def test_stopped_at_any_moment_it_holds_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    merge(tmp_path, [made("a")])

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    target, name = {
        "the draft": (durable, "write_all"),
        "the name": (Path, "replace"),
        "the removal": (Path, "unlink"),
    }[at]
    with monkeypatch.context() as patch:
        patch.setattr(target, name, stop)
        with pytest.raises(KeyboardInterrupt):
            merge(tmp_path, [made("a", "b")])
    (one,) = known(tmp_path)
    assert (one.reading.damage, one.reading.lines) == ([], 2 if at == "the removal" else 1)
    merge(tmp_path, [made("a", "b")])
    assert [one.reading.lines for one in known(tmp_path)] == [2]


def test_two_at_once(tmp_path: Path) -> None:
    sources = [tmp_path / f"{number}.jsonl" for number in range(2)]
    for path, word in zip(sources, "bc", strict=True):
        path.write_bytes(made("a", *word * 8).data)
    script = (
        "import sys; from pathlib import Path; from signoff.session.ledgers import *\n"
        "one = chains_at(Path(sys.argv[2]))[0]\n"
        "data = one.data.splitlines(keepends=True)\n"
        "for n in range(1, len(data) + 1): merge(Path(sys.argv[1]), [chain('x', b''.join(data[:n]))])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "state")]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    running = [subprocess.Popen([*command, str(path)], env=environment) for path in sources]
    assert [process.wait(60) for process in running] == [0, 0]
    assert sorted(held(tmp_path / "state").values()) == sorted(path.read_bytes() for path in sources)


def test_what_is_no_source_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for path in (tmp_path, tmp_path / "empty", tmp_path / "none"):
        with pytest.raises(RecordError):
            chains_at(path)
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(RecordError):
        chains_at(tmp_path / "link")


@pytest.fixture
def colleague(place: Place) -> Place:
    """Anna's machine, whose operator this machine's list trusts as well."""
    return Place(place.config, place.sessions.parent.parent / "anna" / "sessions", place.operator)


def start_at(place: Place) -> Path:
    with place.start(sessions=place.sessions) as session:
        session.seal(place.operator)
    return session.directory


def test_a_colleagues_record_is_held_against_their_ledger(
    place: Place, colleague: Place, tmp_path: Path
) -> None:
    record = start_at(colleague)
    handed = shutil.copytree(record, tmp_path / "handed" / record.name)
    assert verify(handed).ledger is Standing.UNKNOWN
    merge(place.sessions.parent, chains_at(colleague.ledger))
    verdict = verify(handed)
    assert (verdict.status, verdict.ledger) == (Status.VALID, Standing.LISTED)
    name = ledger.read(colleague.ledger).first[:12]
    assert any(f"stands in the ledger {name} of another machine" in remark for remark in verdict.remarks)
    # A ledger that knows another seal of it, and is a chain that holds:
    begun, sealed = ledger.read(colleague.ledger).entries
    lines = [canonical(msgspec.to_builtins(begun))]
    other = msgspec.structs.replace(sealed, prev=digest(lines[0]), digest="0" * 64)
    forked = chain("fork", lines[0] + canonical(msgspec.to_builtins(other)))
    merge(place.sessions.parent, [forked])
    verdict = verify(handed)
    assert (verdict.status, verdict.ledger) == (Status.INVALID, Standing.CONTRADICTS)
    assert f"the ledger {name} of another machine knows another seal" in verdict.reason


def test_a_ledger_that_is_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "MAX_SIZE", 100)
    (tmp_path / "x").write_bytes(made("a").data)
    with pytest.raises(RecordError, match="no ledger is"):
        chains_at(tmp_path / "x")
