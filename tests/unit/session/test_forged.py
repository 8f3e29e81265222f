"""Records that are signed all right, and that a signoff would not have written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from signoff.session.clock import Moment
from signoff.session.events import VERSION, Entered, Genesis, Noted, OperatorRef, Sealed
from signoff.session.signer import KeySigner
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.tip import Tip
from signoff.session.verify import Status, Verdict, verify
from unit.session.records import CHECKLISTS, TARGET, Place, write

OTHER = KeySigner.generate("other@host")


class Forger:
    """Writes whole records, signed by whomever, of whatever shape."""

    def __init__(self, place: Place, operator: KeySigner | None = None) -> None:
        self.operator = operator or place.operator
        self.key = KeySigner.generate("session")
        self.tip = Tip("20260102-030405-abcdefgh")
        self.directory = place.sessions / self.tip.session
        self.directory.mkdir(parents=True)
        self.lines: list[bytes] = []

    def genesis(self, **changed: object) -> Forger:
        fields = {
            "version": VERSION,
            "signoff": "0.1.0",
            "session_key": self.key.key.line,
            "ledger": "",
            "target": TARGET,
            "checklists": CHECKLISTS,
            "operator": OperatorRef(self.operator.name, self.operator.fingerprint),
            "mode": "walk",
            **changed,
        }
        return self.add(Genesis(**fields))  # type: ignore[arg-type]  # a test's fields, by name

    def add(self, *events: object) -> Forger:
        for event in events:
            self.lines.append(self.tip.add(event)[1])  # type: ignore[arg-type]  # any event
        return self

    def checkpoint(self, key: KeySigner | None = None) -> Forger:
        self.lines.append(self.tip.add_checkpoint(key or self.key)[1])
        return self

    def verdict(self, *, seal: bool = True) -> Verdict:
        write(self.directory, self.lines)
        (self.directory / "genesis.sig").write_text(self.operator.sign(GENESIS, self.lines[0]))
        if seal:
            (self.directory / "seal.sig").write_text(self.operator.sign(RECORD, b"".join(self.lines)))
        return verify(self.directory)


SEALED = Sealed(counts={}, open=())
NOTE = Noted(checklist="quick", step="ports", text="x")


class TestForgedByTheOperator:
    def test_the_forger_can_write_a_good_one(self, place: Place) -> None:
        verdict = Forger(place).genesis().add(NOTE).checkpoint().add(SEALED).checkpoint().verdict()
        assert verdict.status is Status.VALID

    def test_no_genesis(self, place: Place) -> None:
        verdict = Forger(place).add(SEALED).checkpoint().verdict()
        assert (verdict.status, verdict.line) == (Status.INVALID, 1)

    def test_two_geneses(self, place: Place) -> None:
        verdict = Forger(place).genesis().genesis().verdict(seal=False)
        assert (verdict.status, verdict.line) == (Status.INVALID, 2)

    def test_a_seal_on_a_record_that_does_not_say_it_is_over(self, place: Place) -> None:
        verdict = Forger(place).genesis().add(NOTE).checkpoint().verdict()
        assert verdict.status is Status.INVALID
        assert "does not say" in verdict.reason

    def test_a_decision_after_the_end(self, place: Place) -> None:
        forged = Forger(place).genesis().add(SEALED).checkpoint().add(NOTE).checkpoint()
        verdict = forged.verdict()
        assert (verdict.status, verdict.line) == (Status.INVALID, 4)

    def test_a_decision_without_its_checkpoint(self, place: Place) -> None:
        verdict = Forger(place).genesis().add(NOTE, NOTE).checkpoint().verdict(seal=False)
        assert (verdict.status, verdict.line) == (Status.INVALID, 3)
        assert "checkpoint" in verdict.reason

    def test_a_checkpoint_by_another_key(self, place: Place) -> None:
        verdict = Forger(place).genesis().add(NOTE).checkpoint(OTHER).verdict(seal=False)
        assert (verdict.status, verdict.line) == (Status.INVALID, 3)
        assert "another key" in verdict.reason

    def test_a_step_that_genesis_does_not_name(self, place: Place) -> None:
        verdict = Forger(place).genesis().add(Entered(checklist="quick", step="x")).verdict(seal=False)
        assert (verdict.status, verdict.line) == (Status.INVALID, 2)
        assert "No such step" in verdict.reason

    @pytest.mark.parametrize(
        "changed",
        [
            {"session_key": "ssh-ed25519 AAAA"},
            {"session_key": KeySigner.generate("x").key.line + " comment"},
            {"session_key": ""},
            {"operator": OperatorRef("x", "SHA256:other")},
            {"operator": OperatorRef("a b", "")},
            {"operator": OperatorRef("\x1b]0;x\x07", "")},
            {"checklists": ()},
        ],
        ids=["no key", "a comment", "empty key", "other operator", "two names", "escapes", "no checklists"],
    )
    def test_an_odd_genesis(self, place: Place, changed: dict[str, object]) -> None:
        verdict = Forger(place).genesis(**changed).add(NOTE).checkpoint().verdict(seal=False)
        assert verdict.status is Status.INVALID
        assert verdict.line in {1, 2}
        assert "\x1b" not in repr(verdict)

    def test_the_monotonic_clock_run_backwards(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        forged = Forger(place).genesis()
        before = forged.tip.moment
        assert before is not None
        back = Moment(before.time, before.monotonic - 1, before.boot)
        monkeypatch.setattr(Tip, "_now", lambda self: back)
        verdict = forged.add(NOTE).checkpoint().verdict(seal=False)
        assert (verdict.status, verdict.line) == (Status.INVALID, 2)
        assert "monotonic" in verdict.reason

    def test_a_reboot_and_a_clock_set_back_are_no_forgery(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forged = Forger(place).genesis()
        rebooted = Moment(datetime(2001, 1, 1, tzinfo=UTC), 5, "another-boot")
        monkeypatch.setattr(Tip, "_now", lambda self: rebooted)
        verdict = forged.add(SEALED).checkpoint().verdict()
        assert verdict.status is Status.VALID
        assert verdict.remarks[0] == "the clock had been set back at line 2"

    def test_a_key_that_the_operator_does_not_own(self, place: Place) -> None:
        verdict = Forger(place, KeySigner.generate(place.operator.name)).genesis().verdict(seal=False)
        assert verdict.status is Status.UNTRUSTED
