"""What an operator can do with a walk, what is refused, and that going on finds everything as it was."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from signoff import reaching
from signoff.checklist.load import Loaded, find, load
from signoff.checklists_used import checklists_of
from signoff.errors import RecordError, TargetError, UsageError
from signoff.model import Result
from signoff.probes import all_probes
from signoff.session import session as session_module
from signoff.session.signer import KeySigner
from signoff.session.verify import Status, verify
from signoff.target.profile import Profile
from signoff.walk import Walk
from unit.fakes import FakeTarget, NobodyThere

PORTS = ("quick-production", "close-ports")
TOMORROW = datetime.now(UTC).date() + timedelta(days=1)
SHOP = Profile(name="shop", address="ssh://deploy@shop.example")


class Desk:
    """Somebody with a key, a checklist, and a target that answers."""

    def __init__(self, target: FakeTarget) -> None:
        self.target = target
        self.signer = KeySigner.generate("ann@desk")
        self.loaded: Loaded = load(find("quick-production"), all_probes())

    def begin(self) -> Walk:
        return Walk.begin(SHOP, [self.loaded], self.signer, NobodyThere())

    def resume(self, reference: str = "latest") -> Walk:
        return Walk.resume(reference, self.signer)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    sitting = Desk(FakeTarget({"machine": b"shop\n0123456789abcdef\nDebian\n"}))
    monkeypatch.setattr(reaching, "open_target", lambda profile, prompter: sitting.target)
    return sitting


def test_binds_the_target_and_the_checklist(desk: Desk) -> None:
    genesis = desk.begin().session.state.genesis
    assert genesis
    assert (genesis.target.machine_id, genesis.target.host_key) == ("0123456789abcdef", "SHA256:fake")
    assert genesis.checklists[0].digest == desk.loaded.digest


def test_what_is_said_is_there_after_an_interruption(desk: Desk) -> None:
    walk = desk.begin()
    walk.enter(PORTS)
    walk.confirm(PORTS, "22, 80 and 443", "ru")
    walk.note(PORTS, "Asked Bob.")
    walk.close()
    again = desk.resume()
    assert again.position() == PORTS
    answer = again.state(PORTS).answer
    assert answer
    assert answer.attested.value == "22, 80 and 443"
    assert answer.attested.statement.startswith("Файрвол провайдера"), "as it was read"
    assert [text for _, text in again.state(PORTS).notes] == ["Asked Bob."]
    assert not again.connected
    again.connect(NobodyThere())
    assert again.connected


def test_another_machine_is_not_taken_for_the_same(desk: Desk) -> None:
    desk.begin().close()
    walk = desk.resume()
    desk.target = FakeTarget({"machine": b"shop\nfedcba9876543210\nDebian\n"})
    with pytest.raises(TargetError, match="not the machine"):
        walk.connect(NobodyThere())
    assert desk.target.closed
    assert not walk.connected
    walk.skip(PORTS, "It can still be answered.")


def test_another_operator_does_not_go_on(desk: Desk) -> None:
    desk.begin().close()
    desk.signer = KeySigner.generate("bob@desk")
    with pytest.raises(RecordError, match="another key"):
        desk.resume()


@pytest.mark.parametrize(
    ("tell", "why"),
    [
        (lambda walk: walk.confirm(PORTS, "   "), "Nothing was said"),
        (lambda walk: walk.confirm(PORTS, "\x1b[2J\u202e"), "Nothing was said"),
        (lambda walk: walk.skip(PORTS, ""), "Nothing was said"),
        (lambda walk: walk.not_applicable(PORTS, ""), "Nothing was said"),
        (lambda walk: walk.note(PORTS, ""), "Nothing was said"),
        (lambda walk: walk.note(PORTS, "x" * 2001), "longer than 2000"),
        (lambda walk: walk.accept_risk(PORTS, "", TOMORROW), "Nothing was said"),
        (lambda walk: walk.accept_risk(PORTS, "late", date(2020, 1, 1)), "not in the future"),
        (lambda walk: walk.withdraw(PORTS, "why not"), "no answer to take back"),
    ],
)
def test_half_an_answer_is_none(desk: Desk, tell: Callable[[Walk], None], why: str) -> None:
    walk = desk.begin()
    before = walk.session.state.events
    with pytest.raises(UsageError, match=why):
        tell(walk)
    assert walk.session.state.events == before


def test_an_answer_can_be_taken_back_and_stays_in_the_record(desk: Desk) -> None:
    walk = desk.begin()
    walk.accept_risk(PORTS, "Moving soon.", TOMORROW)
    walk.withdraw(PORTS, "A slip.")
    assert walk.state(PORTS).answer is None
    assert b"Moving soon." in (walk.session.directory / "session.jsonl").read_bytes()


def test_a_machine_that_says_nothing_earns_no_pass(desk: Desk) -> None:
    walk = desk.begin()
    walk.probe()
    assert Result.PASS not in {walk.state(key).result for key in walk.keys}
    assert all(walk.is_open(key) for key in walk.keys)


def test_finished_is_sealed_and_cannot_be_gone_on_with(desk: Desk) -> None:
    walk = desk.begin()
    walk.skip(PORTS, "Not ours.")
    walk.finish()
    walk.close()
    sealed = walk.session.state.sealed
    assert sealed
    assert "quick-production/close-ports" not in sealed.open
    assert len(sealed.open) == 3
    with pytest.raises(RecordError, match="sealed"):
        desk.resume(walk.session.id)
    with pytest.raises(RecordError, match="no unfinished"):
        desk.resume()


def test_a_seal_that_was_interrupted_is_made_up_for(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, data: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    walk = desk.begin()
    with monkeypatch.context() as broken:
        broken.setattr(session_module, "write_new", fail)
        with pytest.raises(RecordError):
            walk.finish()
    walk.close()
    signers = tmp_path / "signers"
    signers.write_text(f"{desk.signer.name} {desk.signer.key.line}\n")
    assert verify(walk.session.directory, signers).status is Status.UNSEALED
    with pytest.raises(RecordError, match="sealed now"):
        desk.resume(walk.session.id)
    assert verify(walk.session.directory, signers).status is Status.VALID


def test_the_checklist_is_kept_as_it_was_used(desk: Desk) -> None:
    walk = desk.begin()
    walk.close()
    copy = walk.session.directory / "quick-production.yaml"
    assert copy.read_bytes() == desk.loaded.raw
    copy.unlink()
    assert checklists_of(walk.session.directory)[0].checklist.id == "quick-production", (
        "the built-in is the same"
    )
    copy.write_bytes(desk.loaded.raw.replace(b"critical", b"low"))
    desk.loaded = load(find("quick-production"))
    assert checklists_of(walk.session.directory)[0].digest == desk.loaded.digest, "a changed copy is not used"
