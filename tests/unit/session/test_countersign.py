"""A second person's signature: over the record's exact bytes, by somebody else, and trusted by the list."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from signoff.errors import RecordError
from signoff.report.text import verdict_lines
from signoff.session.agent_signer import AgentSigner
from signoff.session.countersign import allowed_line, countersign
from signoff.session.identity import allowed_signers_line
from signoff.session.signer import KeySigner
from signoff.session.sshsig import COUNTERSIGN, RECORD
from signoff.session.stock import command
from signoff.session.verdict import Bearing
from signoff.session.verify import Status, Verdict, verify
from signoff.session.witness import countersign_name
from unit.session.agents import IN_MEMORY, SK_ECDSA, SK_ED25519, AtHand, SecurityKey, in_memory, listening
from unit.session.conftest import SshKeygen
from unit.session.records import Place, journal


@pytest.fixture
def handed(place: Place, tmp_path: Path) -> Path:
    """A sealed record, as it lies on the desk of somebody else."""
    directory = place.sealed()
    return Path(shutil.copytree(directory, tmp_path / "desk" / directory.name))


@pytest.fixture
def second() -> KeySigner:
    return KeySigner.generate("ben@ops")


@pytest.fixture
def trusting(place: Place, second: KeySigner, tmp_path: Path) -> Path:
    """The list of a verifier who knows both."""
    path = tmp_path / "operators"
    path.write_text(f"{allowed_signers_line(place.operator)}\n{allowed_line(second)}\n")
    return path


def only(verdict: Verdict) -> tuple[Bearing, str, str]:
    (witness,) = verdict.witnesses
    return witness.bearing, witness.who, witness.reason


def test_holds_for_whoever_knows_the_second_person(
    handed: Path, second: KeySigner, trusting: Path, ssh_keygen: SshKeygen
) -> None:
    path = countersign(handed, second, trusting)
    assert path.name == countersign_name(second.key)
    assert path.stat().st_mode & 0o777 == 0o600
    verdict = verify(handed, trusting)
    assert verdict.status is Status.VALID
    assert only(verdict) == (Bearing.HOLDS, "ben@ops", "")
    assert f"witness    counter-signature by ben@ops ({path.name})" in list(verdict_lines(verdict))
    assert ssh_keygen(trusting, "ben@ops", COUNTERSIGN, path, journal(handed).read_bytes())


@pytest.mark.parametrize("kind", [*IN_MEMORY, SK_ED25519, SK_ECDSA])
def test_is_made_with_every_kind_of_key(
    place: Place,
    handed: Path,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ssh_keygen: SshKeygen,
) -> None:
    token = SecurityKey(kind) if kind.startswith("sk-") else in_memory(kind)
    with listening(token) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        signer = AgentSigner("ben@ops", token.key, AtHand())
        path = countersign(handed, signer)
    known = tmp_path / "known"
    known.write_text(f"{allowed_signers_line(place.operator)}\n{allowed_line(signer)}\n")
    assert only(verify(handed, known)) == (Bearing.HOLDS, "ben@ops", "")
    assert ssh_keygen(known, "ben@ops", COUNTERSIGN, path, journal(handed).read_bytes())


def test_the_command_that_is_shown_works_without_signoff(
    handed: Path, second: KeySigner, trusting: Path, tmp_path: Path
) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    countersign(handed, second, trusting)
    (witness,) = verify(handed, trusting).witnesses
    trusting.rename(tmp_path / "allowed_signers")
    shown = command(handed, witness)
    done = subprocess.run(shown, shell=True, cwd=tmp_path, capture_output=True, text=True)  # noqa: S602
    assert (done.returncode, done.stdout[:5]) == (0, "Good ")


def test_says_nothing_to_whoever_does_not(place: Place, handed: Path, second: KeySigner) -> None:
    countersign(handed, second)
    verdict = verify(handed)
    assert (verdict.status, verdict.broken) == (Status.VALID, ())
    bearing, who, reason = only(verdict)
    assert (bearing, who) == (Bearing.UNTRUSTED, second.fingerprint)
    assert "not among the allowed signers" in reason
    assert not any(line.startswith("witness ") for line in verdict_lines(verdict))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('ben@ops namespaces="record@signoff.v1" {key}', "does not allow the key to sign"),
        ('ben@ops valid-before="20200101" {key}', "allowed the key until"),
        ("ben@ops cert-authority {key}", "certificate authority"),
        ("{operator} {key}", "no second person"),
        ("* {key}", "no second person"),
        ("ben@ops,{operator} {key}", "no second person"),
    ],
)
def test_is_trusted_as_the_list_says(
    place: Place, handed: Path, second: KeySigner, tmp_path: Path, line: str, reason: str
) -> None:
    countersign(handed, second)
    text = line.format(key=second.key.line, operator=place.operator.name)
    (tmp_path / "list").write_text(f"{allowed_signers_line(place.operator)}\n{text}\n")
    bearing, _, said = only(verify(handed, tmp_path / "list"))
    assert bearing is Bearing.UNTRUSTED
    assert reason in said


def test_the_operator_is_no_second_person(place: Place, handed: Path) -> None:
    with pytest.raises(RecordError, match="second person"):
        countersign(handed, place.operator)
    namesake = KeySigner.generate(place.operator.name)
    with pytest.raises(RecordError, match="--as NAME"):
        countersign(handed, namesake)
    for name in ("-x", "a b", "*"):
        with pytest.raises(RecordError, match="--as NAME"):
            countersign(handed, namesake, name=name)
    countersign(handed, namesake, name="ben@ops").unlink()
    forced = handed / countersign_name(place.operator.key)
    forced.write_text(place.operator.sign(COUNTERSIGN, journal(handed).read_bytes()))
    verdict = verify(handed)
    assert (verdict.status, verdict.broken) == (Status.VALID, (forced.name,))


def test_is_made_of_nothing_but_a_valid_record(place: Place, second: KeySigner, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="UNSEALED"):
        countersign(place.unsealed(), second)
    directory = place.sealed()
    (tmp_path / "empty").write_text("")
    with pytest.raises(RecordError, match="UNTRUSTED"):
        countersign(directory, second, tmp_path / "empty")
    (directory / "timestamp.tsr").write_bytes(b"x")
    with pytest.raises(RecordError, match=r"timestamp\.tsr does not hold"):
        countersign(directory, second)
    journal(directory).write_bytes(journal(directory).read_bytes().replace(b"3 keys", b"4 keys"))
    with pytest.raises(RecordError, match="INVALID"):
        countersign(directory, second)
    assert not list(directory.glob("countersign-*"))


def test_is_made_once_by_each(handed: Path, second: KeySigner) -> None:
    countersign(handed, second)
    with pytest.raises(RecordError, match="already"):
        countersign(handed, second)
    countersign(handed, KeySigner.generate("cleo@ops"))
    assert len(verify(handed).witnesses) == 2


def test_leaves_nothing_where_the_record_changes_meanwhile(handed: Path, second: KeySigner) -> None:
    class Slow(KeySigner):
        def sign(self, namespace: str, message: bytes) -> str:
            armour = super().sign(namespace, message)
            journal(handed).write_bytes(message.replace(b"3 keys", b"4 keys"))
            return armour

    with pytest.raises(RecordError, match="changed while it was signed"):
        countersign(handed, Slow(second.name, second._private))
    assert not list(handed.glob("countersign-*"))


class TestDoesNotHold:
    def broken(self, directory: Path, name: str) -> str:
        verdict = verify(directory)
        assert (verdict.status, verdict.broken) == (Status.VALID, (name,))
        said = list(verdict_lines(verdict))
        assert said[0] == f"VALID, but {name} does not hold"
        return verdict.witnesses[0].reason

    def test_with_a_bit_flipped(self, handed: Path, second: KeySigner) -> None:
        path = countersign(handed, second)
        whole = path.read_bytes()
        for at in range(0, len(whole), 5):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert self.broken(handed, path.name)

    def test_for_another_record(self, place: Place, handed: Path, second: KeySigner) -> None:
        path = countersign(handed, second)
        other = place.sealed()
        shutil.copy(path, other)
        assert "does not fit" in self.broken(other, path.name)

    def test_in_another_namespace(self, handed: Path, second: KeySigner) -> None:
        path = handed / countersign_name(second.key)
        path.write_text(second.sign(RECORD, journal(handed).read_bytes()))
        assert "is for" in self.broken(handed, path.name)

    def test_under_another_keys_name(self, handed: Path, second: KeySigner) -> None:
        path = countersign(handed, second)
        path.rename(handed / "countersign-0123456789abcdef.sig")
        assert "another key" in self.broken(handed, "countersign-0123456789abcdef.sig")

    def test_as_a_link_or_a_folder(self, handed: Path, second: KeySigner) -> None:
        path = handed / countersign_name(second.key)
        path.symlink_to(handed / "seal.sig")
        assert "cannot be read" in self.broken(handed, path.name)
        path.unlink()
        path.mkdir()
        assert "cannot be read" in self.broken(handed, path.name)

    def test_where_there_are_very_many(self, handed: Path) -> None:
        for number in range(70):
            (handed / f"countersign-{number:016x}.sig").write_bytes(b"")
        assert len(verify(handed).witnesses) == 65
