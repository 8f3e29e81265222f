"""A record of a newer signoff is called that, by whoever cannot judge it; never valid, and never invalid."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from signoff.cli import main
from signoff.errors import RecordError
from signoff.session.events import VERSION
from signoff.session.session import Session
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.store import summary
from signoff.session.verify import Status, verify
from unit.session.records import Place, lines, write
from unit.session.test_forged import Forger


def newer(place: Place, **changed: object) -> Forger:
    """A record whose beginning has a higher version, a field and an event that this signoff does not know."""
    forger = Forger(place).genesis()
    first = json.loads(forger.lines[0])
    first |= {"version": VERSION + 1, "signoff": "7.0", "probes": "ab" * 32, **changed}
    forger.lines = [
        json.dumps(first, sort_keys=True, separators=(",", ":")).encode() + b"\n",
        b'{"type":"unheard-of"}\n',
    ]
    return forger


def test_it_is_said_to_be_newer(place: Place) -> None:
    forger = newer(place)
    verdict = forger.verdict()
    assert (verdict.status, verdict.line, verdict.sealed, verdict.covered) == (Status.NEWER, 1, False, 0)
    assert "made by a newer version, signoff 7.0 (records of version 3)" in verdict.reason
    assert verdict.key == place.operator.fingerprint
    assert "newer version" in summary(forger.directory).damage


def test_the_command_says_so_and_is_not_content(place: Place) -> None:
    forger = newer(place)
    forger.verdict()
    done = CliRunner().invoke(main, ["verify", str(forger.directory)])
    assert done.exit_code == 3
    assert "NEWER" in done.output
    assert "signoff 7.0" in done.output
    told = json.loads(CliRunner().invoke(main, ["verify", str(forger.directory), "--format", "json"]).output)
    assert told["verdict"]["status"] == "NEWER"


def test_nobody_goes_on_with_it_or_hands_it_over(place: Place) -> None:
    forger = newer(place)
    forger.verdict(seal=False)
    with pytest.raises(RecordError, match="newer version"):
        Session.resume(forger.directory)
    done = CliRunner().invoke(main, ["sessions", "export", str(forger.directory)])
    assert done.exit_code != 0
    assert "newer version" in done.output


def test_a_number_that_nobody_signed_excuses_nothing(place: Place) -> None:
    """Else whoever spoils a record would only have to change its version."""
    directory = place.sealed()
    content = lines(directory)
    content[0] = content[0].replace(b'"version":2', b'"version":3')
    write(directory, content)
    verdict = verify(directory)
    assert (verdict.status, verdict.line) == (Status.INVALID, 1)


@pytest.mark.parametrize("version", [0, -1, "2", 2.5, True, None])
def test_what_is_no_higher_number_is_not_newer(place: Place, version: object) -> None:
    assert newer(place, version=version).verdict().status is Status.INVALID


def test_the_name_of_the_program_is_inert(place: Place) -> None:
    verdict = newer(place, signoff="\x1b]0;x\x07\n[red]" + "9" * 500).verdict()
    assert verdict.status is Status.NEWER
    assert verdict.reason.isprintable()
    assert len(verdict.reason) < 200


def test_ours_are_of_the_version_that_we_know(place: Place) -> None:
    directory = place.sealed()
    assert verify(directory).status is Status.VALID
    (directory / "seal.sig").write_text(place.operator.sign(RECORD, b""))
    (directory / "genesis.sig").write_text(place.operator.sign(GENESIS, lines(directory)[0]))
    assert verify(directory).status is Status.INVALID
