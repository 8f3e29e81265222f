"""Key files: every kind, with a passphrase and without, and what is no key to sign with."""

from __future__ import annotations

import subprocess
from base64 import encodebytes
from pathlib import Path

import pytest

from signoff.errors import RecordError
from signoff.session.key_file import FileSigner, load_key, public_half, save_key
from signoff.session.signer import sign
from signoff.session.sshsig import RECORD
from signoff.session.wire import string
from unit.session.agents import IN_MEMORY, SK_ED25519, AtHand, SecurityKey, in_memory
from unit.session.conftest import SshKeygen

MESSAGE = b"what was found and said\n"


def keygen(*arguments: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_a_protected_file_signs_with_every_kind(kind: str, ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    path, at_hand = tmp_path / "key", AtHand("wrong", "sesame, open")
    made = in_memory(kind)
    save_key(made, path)
    assert load_key(path, "x").key == made.key
    keygen("-p", "-a", "1", "-P", "", "-N", "sesame, open", "-f", path)
    assert public_half(path) == made.key, "this part is in the clear"
    signer = FileSigner("anna@ops", made.key, path, at_hand.passphrase)
    (tmp_path / "sig").write_text(sign(signer, RECORD, MESSAGE))
    (tmp_path / "allowed").write_text(f"anna@ops {made.key.line}\n")
    assert ssh_keygen(tmp_path / "allowed", "anna@ops", RECORD, tmp_path / "sig", MESSAGE)
    assert at_hand.asked == [str(path)] * 2


def encrypted(path: Path, cipher: str) -> Path:
    save_key(in_memory("ed25519"), path)
    keygen("-p", "-a", "1", "-Z", cipher, "-P", "", "-N", "sesame", "-f", path)
    return path


@pytest.mark.parametrize("cipher", ["aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"])
def test_the_usual_ciphers_are_read(cipher: str, tmp_path: Path) -> None:
    at_hand = AtHand("wrong", "sesame")
    assert load_key(encrypted(tmp_path / "key", cipher), "x", at_hand.passphrase).sign(RECORD, MESSAGE)
    assert len(at_hand.asked) == 2


def test_a_cipher_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = encrypted(tmp_path / "key", "chacha20-poly1305@openssh.com")
    with pytest.raises(RecordError, match="encrypted in a way") as raised:
        load_key(path, "x", AtHand("sesame").passphrase)
    assert "ssh-keygen -p -Z aes256-ctr" in raised.value.hint


def test_what_cannot_sign_is_told(tmp_path: Path) -> None:
    hint: dict[str, str] = {}
    keygen("-t", "ecdsa", "-m", "PEM", "-N", "", "-f", tmp_path / "pem")
    for name, content in {"token": token_handle(), "public": b"ssh-ed25519 AAAA x", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    for name in ("pem", "token", "public", "empty", "missing"):
        with pytest.raises(RecordError) as raised:
            load_key(tmp_path / name, "x")
        hint[name] = str(raised.value)
    assert "ssh-keygen -p -f" in hint["pem"]
    assert "lives in a security key" in hint["token"]
    assert "ssh-add" in hint["token"]
    assert "public half" in hint["public"]
    assert "damaged" in hint["empty"]
    assert "is gone" in hint["missing"]


def token_handle() -> bytes:
    """Return the beginning of the file that ssh-keygen -t ed25519-sk leaves: no key, but the way to it."""
    none = string(b"none") + string(b"none") + string(b"") + (1).to_bytes(4, "big")
    blob = b"openssh-key-v1\0" + none + string(SecurityKey(SK_ED25519).key.blob) + string(bytes(64))
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n%b-----END OPENSSH PRIVATE KEY-----\n" % encodebytes(blob)
