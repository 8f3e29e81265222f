"""Signatures: ssh-keygen and we agree on the good ones, and we refuse every odd one."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.session.keys import PublicKey
from signoff.session.signer import KeySigner
from signoff.session.sshsig import GENESIS, RECORD, armour, parse
from signoff.session.wire import SignatureError, string
from unit.session.armours import ODD_SIGNATURES, blob_of, parts_of, put_together, with_part
from unit.session.conftest import SshKeygen

MESSAGE = b"what was found and said\n"
P = 2**255 - 19
Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7  # of a point of order 8


@pytest.fixture(scope="module")
def signer() -> KeySigner:
    return KeySigner.generate("tester@host")


def accepted_by_ssh_keygen(
    ssh_keygen: SshKeygen, tmp_path: Path, key: PublicKey, signature: bytes | str, name: str = "tester@host"
) -> bool:
    text = signature.encode() if isinstance(signature, str) else signature
    (tmp_path / "allowed").write_text(f"{name} {key.line}\n")
    (tmp_path / "sig").write_bytes(text)
    return ssh_keygen(tmp_path / "allowed", name, RECORD, tmp_path / "sig", MESSAGE)


def accepted_by_us(signature: bytes | str) -> bool:
    try:
        parse(signature).verify_message(RECORD, MESSAGE)
    except SignatureError:
        return False
    return True


def test_ours_is_accepted_by_both(signer: KeySigner, ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    text = signer.sign(RECORD, MESSAGE)
    assert accepted_by_us(text)
    assert accepted_by_ssh_keygen(ssh_keygen, tmp_path, signer.key, text)


def test_ours_is_byte_for_byte_what_ssh_keygen_makes(signer: KeySigner, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    key = tmp_path / "key"
    key.write_bytes(signer.private_bytes())
    key.chmod(0o600)
    theirs = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", RECORD],
        input=MESSAGE,
        capture_output=True,
        check=True,
    )
    assert theirs.stdout.decode() == signer.sign(RECORD, MESSAGE)


@pytest.mark.parametrize(
    "kind",
    [("ed25519", ""), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "3072")],
    ids="".join,
)
def test_what_ssh_keygen_makes_is_accepted(kind: tuple[str, str], tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    bits = ["-b", kind[1]] if kind[1] else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind[0], *bits, "-N", "", "-f", tmp_path / "key"], check=True)
    for algorithm in ("sha256", "sha512"):
        made = subprocess.run(
            [
                "ssh-keygen",
                "-q",
                "-Y",
                "sign",
                "-f",
                tmp_path / "key",
                "-n",
                RECORD,
                "-O",
                f"hashalg={algorithm}",
            ],
            input=MESSAGE,
            capture_output=True,
            check=True,
        ).stdout
        signature = parse(made)
        signature.verify_message(RECORD, MESSAGE)
        signature.verify(RECORD, hashlib.new(algorithm, MESSAGE).digest())
        assert signature.key == PublicKey.from_line((tmp_path / "key.pub").read_text())
        for namespace, message in ((RECORD, MESSAGE + b"x"), (GENESIS, MESSAGE)):
            with pytest.raises(SignatureError):
                signature.verify_message(namespace, message)


def test_a_fingerprint_is_the_one_that_ssh_keygen_shows(signer: KeySigner, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    (tmp_path / "key.pub").write_text(f"{signer.key.line} {signer.name}\n")
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.split()[1] == signer.fingerprint


def _one_wide(text: str) -> str:
    return f"{text.splitlines()[0]}\n{base64.b64encode(blob_of(text)).decode()}\n{text.splitlines()[-1]}\n"


ODD: dict[str, Callable[[str], str]] = {
    **{f"{odd.row}: {odd.what}": odd.change for odd in ODD_SIGNATURES},
    "hash sha384": with_part(3, b"sha384"),
    "hash SHA512": with_part(3, b"SHA512"),
    "an empty line after END": lambda text: text + "\n",
    "no line feed after END": lambda text: text[:-1],
    "BOM": lambda text: "\ufeff" + text,
    "one wide line": _one_wide,
    "a space in the base64": lambda text: text.replace("U1NIU0lH", "U1NI U0lH"),
    "an empty line in the base64": lambda text: text.replace("U1NIU0lH", "\nU1NIU0lH"),
    "other version": lambda text: armour(b"SSHSIG" + (2).to_bytes(4, "big") + blob_of(text)[10:]),
    "other magic": lambda text: armour(b"SSHSIX" + blob_of(text)[6:]),
    "cut": lambda text: armour(blob_of(text)[:-1]),
    "namespace empty": with_part(1, b""),
    "namespace with NUL": with_part(1, RECORD.encode() + b"\0"),
    "public key of another": with_part(0, KeySigner.generate("x").key.blob),
    "public key with a tail": lambda text: put_together([parts_of(text)[0] + b"\0", *parts_of(text)[1:]]),
    "signature with a tail": lambda text: put_together([*parts_of(text)[:4], parts_of(text)[4] + b"\0"]),
    "empty": lambda text: "",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_signature_is_refused(odd: Callable[[str], str], signer: KeySigner) -> None:
    text = signer.sign(RECORD, MESSAGE)
    assert accepted_by_us(text)
    mutated = odd(text)
    assert mutated != text
    assert not accepted_by_us(mutated)


@pytest.mark.parametrize("point", [0, 1, P - 1, P, P + 1, Y8, P - Y8])
def test_a_key_under_which_anything_is_signed_is_refused(point: int) -> None:
    """With A of small order, R = the neutral element and S = 0 hold for a fraction of all messages."""
    raw, forgery = point.to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32)
    key = PublicKey("ssh-ed25519", string(b"ssh-ed25519") + string(raw))
    assert any(_holds(raw, forgery, bytes([number])) for number in range(200))
    for number in range(200):
        with pytest.raises(SignatureError, match="weak"):
            key.verify(string(b"ssh-ed25519") + string(forgery), bytes([number]))


def _holds(raw: bytes, signature: bytes, message: bytes) -> bool:
    """Tell what OpenSSL, through cryptography, says of a signature."""
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_every_flipped_byte_is_refused(signer: KeySigner) -> None:
    text = signer.sign(RECORD, MESSAGE).encode()
    for at in range(len(text)):
        for mask in (0x01, 0x20, 0x80):
            assert not accepted_by_us(text[:at] + bytes([text[at] ^ mask]) + text[at + 1 :]), at


def test_whatever_we_accept_of_mutated_signatures_ssh_keygen_accepts(
    signer: KeySigner, ssh_keygen: SshKeygen, tmp_path: Path
) -> None:
    """Ours is the strict one: never do we accept what it refuses."""
    text = signer.sign(RECORD, MESSAGE)
    for odd in ODD.values():
        mutated = odd(text)
        if not accepted_by_ssh_keygen(ssh_keygen, tmp_path, signer.key, mutated):
            assert not accepted_by_us(mutated)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ssh-ed25519", "malformed|cut short"),
        ("ssh-ed25519 !!!!", "malformed"),
        ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIDNgcepyRCjL7XWuAY+aktvKiJDWWngR8+z5k2J2/tZt", "another type"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDNgcepyRCjL7XWuAY+aktvKiJDWWngR8+z5k2J2/tZu=", "canonical"),
    ],
)
def test_a_public_key_that_is_none_is_refused(line: str, reason: str) -> None:
    with pytest.raises(SignatureError, match=reason):
        PublicKey.from_line(line)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_rubbish_never_crashes(rubbish: bytes) -> None:
    for text in (rubbish, armour(rubbish), armour(b"SSHSIG\0\0\0\1" + rubbish)):
        assert not accepted_by_us(text)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp521",
            "ssh-rsa",
            "sk-ssh-ed25519@openssh.com",
            "sk-ecdsa-sha2-nistp256@openssh.com",
            "ssh-dss",
        ]
    ),
    st.lists(st.binary(max_size=70), max_size=4),
    st.lists(st.binary(max_size=70), max_size=4),
)
def test_a_rubbish_key_of_a_known_type_never_crashes(
    kind: str, key: list[bytes], signature: list[bytes]
) -> None:
    name = string(kind.encode())
    with pytest.raises(SignatureError):
        PublicKey.from_blob(name + b"".join(map(string, key))).verify(
            name + b"".join(map(string, signature)), MESSAGE
        )
