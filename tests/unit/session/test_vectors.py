"""Signatures that others made to try verifiers with: OpenSSH's own, and Project Wycheproof's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from signoff.session.keys import PublicKey
from signoff.session.sshsig import parse
from signoff.session.wire import SignatureError, string

RECORDED = Path(__file__).parents[1] / "recorded"
OPENSSH = RECORDED / "openssh"
SIGNED = (OPENSSH / "signed-data").read_bytes()
NAMESPACE = (OPENSSH / "namespace").read_text()


def wycheproof(name: str) -> list[dict[str, Any]]:
    """Return the tests of a file, in its order."""
    lines = (RECORDED / "wycheproof" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def mpint(number: str) -> bytes:
    """Return a hexadecimal number in SSH's form."""
    value = int(number, 16)
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


class TestOpenSSH:
    @pytest.mark.parametrize("name", ["ed25519", "ecdsa", "rsa", "ed25519_sk", "ecdsa_sk"])
    def test_what_it_takes_is_taken(self, name: str) -> None:
        signature = parse((OPENSSH / f"{name}.sig").read_bytes())
        signature.verify_message(NAMESPACE, SIGNED)
        assert signature.key == PublicKey.from_line((OPENSSH / f"{name}.pub").read_text())
        for namespace, message in ((NAMESPACE, SIGNED + b"\n"), ("unittest2", SIGNED), (NAMESPACE, b"")):
            with pytest.raises(SignatureError):
                signature.verify_message(namespace, message)

    @pytest.mark.parametrize("name", ["dsa", "ecdsa_sk_webauthn"])
    def test_keys_that_we_do_not_take_are_refused_with_a_reason(self, name: str) -> None:
        with pytest.raises(SignatureError, match=r"not accepted|of the type"):
            parse((OPENSSH / f"{name}.sig").read_bytes()).verify_message(NAMESPACE, SIGNED)

    def test_no_signature_stands_in_for_another(self) -> None:
        signatures = [parse(path.read_bytes()) for path in sorted(OPENSSH.glob("*.sig"))]
        for one in signatures:
            for other in signatures:
                if one.key != other.key:
                    with pytest.raises(SignatureError):
                        one.key.verify(other.blob, SIGNED)


class TestWycheproof:
    def test_ed25519(self) -> None:
        """What is invalid is refused, malleable signatures among it; so is a key of small order."""
        tried = {"valid": 0, "invalid": 0, "acceptable": 0}
        for test in wycheproof("ed25519"):
            key = PublicKey.from_blob(string(b"ssh-ed25519") + string(bytes.fromhex(test["key"])))
            blob = string(b"ssh-ed25519") + string(bytes.fromhex(test["sig"]))
            weak = "SmallOrderPublicKey" in test["flags"]
            _hold(key, blob, test, test["result"] == "valid" or (test["result"] == "acceptable" and not weak))
            tried[test["result"]] += 1
        assert tried == {"valid": 117, "invalid": 64, "acceptable": 29}

    def test_ecdsa(self) -> None:
        tests = wycheproof("ecdsa-nistp256")
        kind = string(b"ecdsa-sha2-nistp256")
        for test in tests:
            key = PublicKey.from_blob(kind + string(b"nistp256") + string(bytes.fromhex(test["key"])))
            _hold(key, kind + string(b"".join(map(mpint, test["sig"]))), test, test["result"] == "valid")
        assert len(tests) > 150


def _hold(key: PublicKey, blob: bytes, test: dict[str, Any], good: bool) -> None:
    refusal = ""
    try:
        key.verify(blob, bytes.fromhex(test["msg"]))
    except SignatureError as problem:
        refusal = str(problem)
    assert (refusal == "") == good, (test["id"], test["comment"], refusal)
