"""What is missing, made anew, or cut off: all sessions held against all ledgers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from signoff.report.listing import exit_code, listing, listing_lines
from signoff.session.ledgers import chains_at, merge
from signoff.session.survey import Gap, survey
from unit.session.records import Place, journal, lines, write


def gaps() -> dict[str, list[Gap]]:
    return {row.session: [one.gap for one in row.problems] for row in survey().rows}


def text() -> str:
    return "\n".join(listing_lines(survey()))


def cut_ledger(place: Place, keep: int) -> None:
    place.ledger.write_bytes(b"".join(place.ledger.read_bytes().splitlines(keepends=True)[:keep]))


def test_all_is_well(place: Place) -> None:
    sealed, still = place.sealed(), place.unsealed()
    assert gaps() == {sealed.name: [], still.name: []}
    assert exit_code(survey()) == 0
    assert "known by" not in text(), "there is only one ledger"


def test_nothing_at_all_is_well(place: Place) -> None:
    del place
    assert (gaps(), exit_code(survey()), list(listing_lines(survey()))) == ({}, 0, [])


def test_a_missing_one_is_told(place: Place) -> None:
    gone = place.sealed()
    shutil.rmtree(gone)
    assert gaps() == {gone.name: [Gap.MISSING]}
    assert exit_code(survey()) == 1
    assert f"{gone.name}  missing" in text()


def test_one_that_is_being_begun_is_not_missing(place: Place) -> None:
    one = place.unsealed()
    one.rename(one.with_name(f".new-{one.name}"))
    assert gaps() == {one.name: []}


def test_one_made_anew_is_told(place: Place) -> None:
    one, other = place.sealed(), place.sealed()
    shutil.rmtree(one)
    other.rename(one)
    assert gaps() == {one.name: [Gap.REMADE], other.name: [Gap.MISSING]}
    assert f"holds another session, {other.name}" in text()


def test_another_beginning_or_end_is_told(place: Place) -> None:
    one = place.sealed()
    data = place.ledger.read_bytes().splitlines(keepends=True)
    sealed = json.loads(data[1])["digest"]
    place.ledger.write_bytes(data[0] + data[1].replace(sealed.encode(), b"0" * 64))
    assert gaps() == {one.name: [Gap.REMADE]}
    assert "another seal" in text()


@pytest.mark.parametrize("how", ["the signature", "the end"])
def test_a_seal_that_was_taken_away_is_told(place: Place, how: str) -> None:
    one = place.sealed()
    (one / "seal.sig").unlink()
    if how == "the end":
        write(one, lines(one)[:4])
    assert gaps() == {one.name: [Gap.REMADE]}
    assert "a seal of this session, which has been taken away" in text()
    assert exit_code(survey()) == 1


def test_a_ledgers_cut_tail_is_told_where_it_shows(place: Place) -> None:
    place.sealed()
    second, third = place.sealed(), place.sealed()
    cut_ledger(place, 2)
    # The second says behind which line it was begun; the third names a line that is gone.
    assert gaps()[second.name] == [Gap.CUT]
    assert gaps()[third.name] == [Gap.UNLISTED]
    assert "behind line 2 of the ledger, which is the last one now" in text()
    assert "does not know it, nor the line that it was begun behind" in text()
    assert exit_code(survey()) == 1


def test_a_ledger_that_is_gone_is_uncertain(place: Place) -> None:
    one = place.sealed()
    place.ledger.unlink()
    assert gaps() == {one.name: [Gap.UNLISTED]}
    assert exit_code(survey()) == 3


def test_a_damaged_line_is_told_with_its_number_and_reason(place: Place) -> None:
    place.sealed()
    place.ledger.write_bytes(b"\x1b]0;pwn\x07\n" + place.ledger.read_bytes())
    assert "this machine: the ledger is damaged at line 1: it is not a line of a ledger" in text()
    assert "\x1b" not in text()
    assert exit_code(survey()) == 1


def test_a_damaged_record_is_told_once(place: Place) -> None:
    one = place.unsealed()
    journal(one).write_bytes(lines(one)[0] + b"{}\n")
    assert gaps() == {one.name: [Gap.DAMAGED]}
    assert text().count("damaged") == 1
    assert exit_code(survey()) == 1


def test_a_team_sees_all_sessions_and_who_knows_them(place: Place, tmp_path: Path) -> None:
    anna = Place(place.config, tmp_path / "anna" / "sessions", place.operator)
    theirs, ours = [], place.sealed()
    for _ in range(2):
        with anna.start(sessions=anna.sessions) as session:
            session.seal(anna.operator)
        theirs.append(session.directory)
    here = shutil.copytree(theirs[0], place.sessions / theirs[0].name)
    assert gaps()[here.name] == [Gap.UNLISTED]
    merge(place.sessions.parent, chains_at(anna.sessions.parent))
    assert gaps() == {ours.name: [], theirs[0].name: [], theirs[1].name: []}
    assert exit_code(survey()) == 0
    shown = listing(survey())
    name = shown["ledgers"][1]["name"]
    by = {one["session"]: (one["ledgers"], one["record"]) for one in shown["sessions"]}
    assert by == {
        ours.name: (["this machine"], str(ours)),
        theirs[0].name: ([name], str(here)),
        theirs[1].name: ([name], None),
    }
    assert f"{theirs[1].name}  not here  known by: {name}" in text()
    assert f"ledger {name}: 4 lines, until " in text()
    json.dumps(shown)


def test_two_ledgers_that_know_different_ones_of_an_id_are_told(place: Place, tmp_path: Path) -> None:
    one = place.sealed()
    shutil.copytree(place.sessions.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / "ledger.jsonl"
    forged = json.loads(copy.read_bytes().splitlines()[0]) | {"digest": "0" * 64}
    line = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    copy.write_bytes(line)
    merge(place.sessions.parent, chains_at(copy))
    assert gaps() == {one.name: [Gap.REMADE]}
    assert "the ledgers know 2 beginnings of it" in text()
