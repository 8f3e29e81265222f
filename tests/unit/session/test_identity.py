"""The operator's key: made once, kept close, and believed by this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from signoff import paths
from signoff.credentials.secret import Secret
from signoff.errors import RecordError
from signoff.session import identity
from signoff.session.events import is_name
from signoff.session.key_file import load_key
from signoff.session.signer import KeySigner, sign
from signoff.session.sshsig import GENESIS, RECORD
from unit.session.conftest import SshKeygen
from unit.session.records import Place


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_it_is_made_on_first_use_and_then_kept(place: Place) -> None:
    again = identity.load_or_create()
    assert (again.name, again.key) == (place.operator.name, place.operator.key)
    assert is_name(again.name)
    assert "@" in again.name
    assert mode(paths.identity_file()) == 0o600
    assert mode(paths.config_directory()) == 0o700


def test_its_public_half_and_its_line_in_allowed_signers_are_there(place: Place) -> None:
    operator = place.operator
    assert (place.config / "identity.pub").read_text() == f"{operator.key.line} {operator.name}\n"
    assert place.allowed_signers.read_text() == (
        f'{operator.name} namespaces="genesis@signoff.v1,record@signoff.v1" {operator.key.line}\n'
    )


def test_ssh_keygen_can_sign_with_it_and_verifies_it(
    place: Place, ssh_keygen: SshKeygen, tmp_path: Path
) -> None:
    for namespace, good in ((GENESIS, True), (RECORD, True), ("file", False)):
        made = subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", paths.identity_file(), "-n", namespace],
            input=b"m",
            capture_output=True,
            check=True,
        )
        (tmp_path / "sig").write_bytes(made.stdout)
        allowed = place.allowed_signers
        assert ssh_keygen(allowed, place.operator.name, namespace, tmp_path / "sig", b"m") is good


def test_a_new_host_name_does_not_change_the_operators_name(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "another-host")
    assert identity.load_or_create().name == place.operator.name


def test_other_lines_of_allowed_signers_are_kept(place: Place) -> None:
    place.allowed_signers.write_text("# mine\nben@ops ssh-ed25519 AAAA")
    identity.load_or_create()
    line = identity.allowed_signers_line(place.operator)
    assert place.allowed_signers.read_text() == f"# mine\nben@ops ssh-ed25519 AAAA\n{line}\n"


def test_an_own_line_that_was_commented_out_stays_so(place: Place) -> None:
    revoked = f"# {identity.allowed_signers_line(place.operator)}\n"
    place.allowed_signers.write_text(revoked)
    identity.load_or_create()
    assert place.allowed_signers.read_text() == revoked


def test_a_lost_public_half_is_written_again(place: Place) -> None:
    (place.config / "identity.pub").unlink()
    assert identity.load_or_create().key == place.operator.key
    assert (place.config / "identity.pub").read_text().startswith(place.operator.key.line)


def test_a_key_that_others_can_read_is_refused(place: Place) -> None:
    paths.identity_file().chmod(0o640)
    with pytest.raises(RecordError, match="Others can read") as raised:
        identity.load_or_create()
    assert "chmod 600" in raised.value.hint


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_damaged_key_is_refused_and_not_replaced(place: Place, content: bytes) -> None:
    paths.identity_file().write_bytes(content)
    with pytest.raises(RecordError, match="damaged"):
        identity.load_or_create()
    assert paths.identity_file().read_bytes() == content


def test_a_key_put_in_its_place_is_not_taken_for_it(place: Place) -> None:
    paths.identity_file().write_bytes(KeySigner.generate("x").private_bytes())
    with pytest.raises(RecordError, match="not the public half"):
        identity.load_or_create()


def test_a_key_that_is_gone_is_not_made_anew(place: Place) -> None:
    paths.identity_file().unlink()
    signer = identity.load_or_create()
    assert signer.key == place.operator.key, "what was begun with it can be gone on with"
    for use in (signer.ready, lambda: signer.sign(RECORD, b"m")):
        with pytest.raises(RecordError, match="identity is gone"):
            use()
    assert not paths.identity_file().exists()


def test_a_public_half_without_a_name_is_refused(place: Place) -> None:
    (place.config / "identity.pub").write_text(place.operator.key.line + " two words\n")
    with pytest.raises(RecordError, match="name"):
        identity.load_or_create()


def test_the_key_may_lie_elsewhere_behind_a_link(place: Place, tmp_path: Path) -> None:
    paths.identity_file().rename(tmp_path / "elsewhere")
    paths.identity_file().symlink_to(tmp_path / "elsewhere")
    assert identity.load_or_create().key == place.operator.key
    (tmp_path / "elsewhere").chmod(0o644)
    with pytest.raises(RecordError, match="Others can read"):
        identity.load_or_create()


class Answers:
    """Somebody who is asked for a passphrase."""

    def __init__(self, *given: str | None) -> None:
        self.given = list(given)
        self.asked: list[str] = []

    def __call__(self, path: str) -> Secret | None:
        self.asked.append(path)
        answer = self.given.pop(0)
        return None if answer is None else Secret(answer)


@pytest.fixture
def protected(place: Place) -> Place:
    command = ["ssh-keygen", "-q", "-p", "-N", "open sesame", "-P", "", "-f", str(paths.identity_file())]
    subprocess.run(command, check=True, capture_output=True)
    return place


def test_a_passphrase_is_asked_until_it_is_right(protected: Place) -> None:
    answers = Answers("wrong", "open sesame")
    signer = identity.load_or_create(answers)
    assert signer.key == protected.operator.key
    assert answers.asked == [], "nothing is to be signed yet"
    signer.ready()
    assert answers.asked == [str(paths.identity_file())] * 2
    assert sign(signer, RECORD, b"m")
    assert len(answers.asked) == 2, "once is enough"


def test_whatever_is_typed_for_the_key_is_kept_out_of_the_record(protected: Place) -> None:
    known: list[str] = []
    signer = identity.load_or_create(Answers("of another key", "open sesame"))
    signer.tell(lambda secrets: known.extend(secret.reveal() for _, secret in secrets))
    signer.ready()
    assert known == ["of another key", "open sesame"]
    known.clear()
    signer.tell(lambda secrets: known.extend(secret.reveal() for _, secret in secrets))
    assert known == ["of another key", "open sesame"], "also where somebody asks later"


@pytest.mark.parametrize("given", [("a", "b", "c"), (None,), ("a", None)])
def test_without_the_passphrase_there_is_no_signer(protected: Place, given: tuple[str | None, ...]) -> None:
    answers = Answers(*given)
    with pytest.raises(RecordError, match="has a passphrase") as raised:
        identity.load_or_create(answers).ready()
    assert not answers.given
    assert "sesame" not in str(raised.value)


def test_nobody_to_ask_is_an_error_with_a_reason(protected: Place) -> None:
    with pytest.raises(RecordError, match="has a passphrase"):
        identity.load_or_create().ready()


def test_two_processes_at_once_end_up_with_one_key(tmp_path: Path) -> None:
    script = "from signoff.session.identity import load_or_create; print(load_or_create().fingerprint)"
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    running = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = {process.communicate(timeout=30)[0] for process in running}
    assert len(said) == 1
    assert said.pop().startswith("SHA256:")
    assert sorted(path.name for path in (tmp_path / "signoff").iterdir()) == [
        "allowed_signers",
        "identity",
        "identity.pub",
    ]


def test_a_signer_shows_nothing_of_its_key() -> None:
    signer = KeySigner.generate("a@b")
    shown = repr(signer) + str(signer) + repr(vars(signer))
    assert signer.fingerprint in shown
    assert signer.private_bytes().decode().splitlines()[2] not in shown


def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(RecordError, match="permission"):
        identity.load_or_create(path=tmp_path / "identity")


def test_a_missing_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="gone"):
        load_key(tmp_path / "none", "a@b")
