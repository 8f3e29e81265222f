"""Signing through an ssh-agent: stock OpenSSH's, one with security keys, and such as are out of order."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signoff.errors import RecordError, StoppedError
from signoff.session import agent as agent_module
from signoff.session import agent_signer, sshsig
from signoff.session.agent import Agent, AgentError
from signoff.session.agent_signer import AgentSigner
from signoff.session.keys import PublicKey
from signoff.session.signer import KeySigner, sign
from signoff.session.sshsig import RECORD
from signoff.session.wire import Reader, SignatureError, string
from unit.session.agents import (
    IN_MEMORY,
    SK_ECDSA,
    SK_ED25519,
    AtHand,
    SecurityKey,
    SoftAgent,
    StockAgent,
    in_memory,
    listening,
    rsa_key,
    stock_agent,
)
from unit.session.conftest import SshKeygen

MESSAGE = b"what was found and said\n"


@pytest.fixture
def soft(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftAgent]:
    with listening(KeySigner.generate("ben@ops"), in_memory("ed25519")) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        yield agent


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> Iterator[StockAgent]:
    with stock_agent() as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        yield agent


@pytest.fixture
def accepted(ssh_keygen: SshKeygen, tmp_path: Path) -> Callable[[PublicKey, str], bool]:
    def ask(key: PublicKey, signature: str) -> bool:
        (tmp_path / "allowed").write_text(f"anna@ops {key.line}\n")
        (tmp_path / "sig").write_text(signature)
        return ssh_keygen(tmp_path / "allowed", "anna@ops", RECORD, tmp_path / "sig", MESSAGE)

    return ask


Accepted = Callable[[PublicKey, str], bool]


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_every_kind_of_key_signs_from_memory(kind: str, accepted: Accepted) -> None:
    signer = in_memory(kind)
    assert accepted(signer.key, sign(signer, RECORD, MESSAGE))


def test_a_stock_agent_signs_with_every_kind(stock: StockAgent, accepted: Accepted) -> None:
    keys = [in_memory(kind) for kind in IN_MEMORY]
    at_hand = AtHand()
    for one in keys:
        stock.add(one)
    assert [one.key for one in Agent.here().listed()] == [one.key for one in keys]
    for one in keys:
        signer = AgentSigner("anna@ops", one.key, at_hand)
        signer.ready()
        assert accepted(one.key, sign(signer, RECORD, MESSAGE))
    assert at_hand.waited == [], "nobody is bothered where nobody is needed"


def test_an_rsa_key_signs_with_sha_512_alone(stock: StockAgent) -> None:
    signer = in_memory("rsa")
    stock.add(signer)
    for one in (signer, AgentSigner("anna@ops", signer.key, AtHand())):
        blob = sshsig.parse(sign(one, RECORD, MESSAGE)).blob
        assert Reader(blob).string() == b"rsa-sha2-512"


@pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
def test_a_security_key_signs_when_it_is_touched(kind: str, soft: SoftAgent, accepted: Accepted) -> None:
    token, at_hand = SecurityKey(kind), AtHand()
    soft.keys.append(token)
    signature = sign(AgentSigner("anna@ops", token.key, at_hand), RECORD, MESSAGE)
    assert accepted(token.key, signature)
    assert len(at_hand.waited) == 1
    assert at_hand.waited[0].startswith("Touch your security key now")
    assert at_hand.waited[0].endswith("(60 s)")


@pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
def test_a_security_key_that_was_not_touched_signs_nothing(
    kind: str, soft: SoftAgent, accepted: Accepted
) -> None:
    token = SecurityKey(kind, flags=0)
    soft.keys.append(token)
    signer = AgentSigner("anna@ops", token.key, AtHand())
    with pytest.raises(RecordError, match="without having been touched"):
        sign(signer, RECORD, MESSAGE)
    assert accepted(token.key, signer.sign(RECORD, MESSAGE)), "ssh-keygen does not ask for the touch"


@pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
def test_another_application_s_security_key_is_one_all_the_same(
    kind: str, soft: SoftAgent, accepted: Accepted
) -> None:
    token = SecurityKey(kind, flags=5, application=b"ssh:signoff")
    soft.keys.append(token)
    assert accepted(token.key, sign(AgentSigner("anna@ops", token.key, AtHand()), RECORD, MESSAGE))


@pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
def test_stock_ssh_keygen_signs_through_the_same_agent(kind: str, soft: SoftAgent, tmp_path: Path) -> None:
    """So the tests' agent is no invention: OpenSSH takes it for one, and its signature is ours as well."""
    token = SecurityKey(kind)
    soft.keys.append(token)
    (tmp_path / "key.pub").write_text(f"{token.key.line} anna@ops\n")
    made = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", tmp_path / "key.pub", "-n", RECORD],
        input=MESSAGE,
        capture_output=True,
        check=True,
        env={**os.environ},
    )
    signature = sshsig.parse(made.stdout)
    signature.verify_message(RECORD, MESSAGE)
    assert signature.key == token.key


@pytest.mark.parametrize("changed", ["flags", "counter", "application", "type"])
def test_what_a_security_key_vouches_for_cannot_be_changed(changed: str) -> None:
    token = SecurityKey(SK_ECDSA)
    key, blob = token.key, token.blob(MESSAGE)
    if changed == "flags":
        blob = blob[:-5] + b"\x05" + blob[-4:]
    elif changed == "counter":
        blob = blob[:-4] + b"\0\0\0\x63"
    elif changed == "application":
        key = PublicKey(key.kind, key.blob.replace(string(b"ssh:"), string(b"ssh.")))
    else:
        kind = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
        blob = blob.replace(string(SK_ECDSA.encode()), string(kind))
    token.key.verify(token.blob(MESSAGE), MESSAGE)
    with pytest.raises(SignatureError):
        key.verify(blob, MESSAGE)


def test_without_an_agent_there_is_no_signature(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    signer = AgentSigner("anna@ops", KeySigner.generate("x").key, AtHand())
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(AgentError, match="SSH_AUTH_SOCK is not set"):
        signer.ready()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))
    with pytest.raises(AgentError, match="cannot be reached: No such file"):
        signer.sign(RECORD, MESSAGE)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / ("long" * 40)))
    with pytest.raises(AgentError, match="cannot be reached"):
        signer.ready()


def test_a_key_that_was_removed_is_told(stock: StockAgent) -> None:
    key = KeySigner.generate("x")
    stock.add(key)
    signer = AgentSigner("anna@ops", key.key, AtHand())
    signer.ready()
    stock.remove_all()
    for use in (signer.ready, lambda: signer.sign(RECORD, MESSAGE)):
        with pytest.raises(AgentError, match="does not have the key SHA256:") as raised:
            use()
        assert "ssh-add" in raised.value.hint


RUBBISH: dict[str, bytes] = {
    "another kind of answer": string(b"\x63"),
    "an empty answer": string(b""),
    "a huge length": b"\xff\xff\xff\xff",
    "more than OpenSSH takes": (1 << 18 | 1).to_bytes(4, "big") + b"\x0c",
    "an answer cut short": string(b"\x0c\0\0\0\x05\0\0"),
    "bytes after the end": string(b"\x0c\0\0\0\0extra"),
    "a key cut short": string(b"\x0c\0\0\0\1" + string(string(b"ssh")[:5]) + string(b"x")),
    "very many keys": string(b"\x0c\xff\xff\xff\xff"),
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing": b"",
    "a signature": string(b"\x0e" + string(b"x")),
}


@pytest.mark.parametrize("reply", RUBBISH.values(), ids=RUBBISH.keys())
def test_an_agent_that_answers_rubbish_is_told(reply: bytes, soft: SoftAgent) -> None:
    signer = AgentSigner("anna@ops", soft.keys[1].key, AtHand())
    good = soft.on_list
    soft.on_list = lambda _request: reply
    with pytest.raises(AgentError, match=r"does not answer like an ssh-agent|hung up without"):
        signer.ready()
    soft.on_list = good
    soft.on_sign = lambda _request: reply
    with pytest.raises(RecordError, match=r"does not (answer like|hold)|hung up without an answer"):
        sign(signer, RECORD, MESSAGE)


def test_an_agent_that_takes_its_time_is_listened_to(soft: SoftAgent, accepted: Accepted) -> None:

    def slowly(request: bytes) -> bytes:
        time.sleep(0.15)
        return soft.signed(request)

    soft.on_sign = slowly
    signer = AgentSigner("anna@ops", soft.keys[1].key, AtHand())
    assert accepted(signer.key, sign(signer, RECORD, MESSAGE))


def test_a_signature_by_another_key_is_noticed(soft: SoftAgent) -> None:
    other, mine = soft.keys

    def by_the_other(request: bytes) -> bytes:
        return soft.signed(request[:1] + string(other.key.blob) + request[5 + len(mine.key.blob) :])

    soft.on_sign = by_the_other
    with pytest.raises(RecordError, match="does not hold"):
        sign(AgentSigner("anna@ops", mine.key, AtHand()), RECORD, MESSAGE)


def test_a_signature_over_something_else_is_noticed(soft: SoftAgent) -> None:
    soft.on_sign = lambda request: string(b"\x0e" + string(soft.keys[1].blob(b"something else")))
    with pytest.raises(RecordError, match="does not hold"):
        sign(AgentSigner("anna@ops", soft.keys[1].key, AtHand()), RECORD, MESSAGE)


@pytest.mark.parametrize("algorithm", ["ssh-rsa", "rsa-sha2-256", ""])
def test_an_agent_that_knows_no_sha_512_is_told(algorithm: str, soft: SoftAgent) -> None:
    class Old(KeySigner):
        _private: RSAPrivateKey

        def blob(self, message: bytes) -> bytes:
            if not algorithm:
                return b"\0\0\0\x63"
            hashed = hashes.SHA1() if algorithm == "ssh-rsa" else hashes.SHA256()  # noqa: S303 - an old agent's
            return string(algorithm.encode()) + string(
                self._private.sign(message, padding.PKCS1v15(), hashed)
            )

    old = Old("anna@ops", rsa_key())
    soft.keys.append(old)
    with pytest.raises(AgentError, match=f"signed with '{algorithm}', not rsa-sha2-512"):
        sign(AgentSigner("anna@ops", old.key, AtHand()), RECORD, MESSAGE)


@pytest.mark.parametrize("kind", ["ed25519", SK_ED25519])
def test_an_agent_that_refuses_is_told(kind: str, soft: SoftAgent) -> None:
    key = SecurityKey(kind) if kind == SK_ED25519 else in_memory(kind)
    soft.keys.append(key)
    soft.on_sign = lambda _request: string(b"\x05")
    with pytest.raises(AgentError, match="refused to sign with SHA256:") as raised:
        sign(AgentSigner("anna@ops", key.key, AtHand()), RECORD, MESSAGE)
    assert ("touched in time" in raised.value.hint) is (kind == SK_ED25519)


@pytest.fixture
def hung(soft: SoftAgent, monkeypatch: pytest.MonkeyPatch) -> SoftAgent:
    monkeypatch.setattr(agent_signer, "SECONDS", 0.3)
    monkeypatch.setattr(agent_signer, "_SOON", 0.1)
    monkeypatch.setattr(agent_module, "_TO_LIST", 0.3)

    def hang(_request: bytes) -> bytes:
        time.sleep(30)
        return b""

    soft.on_sign = hang
    return soft


@pytest.mark.parametrize(
    ("kind", "said"), [("ed25519", "did not answer within"), (SK_ECDSA, "was not touched within")]
)
def test_nobody_is_waited_for_for_ever(kind: str, said: str, hung: SoftAgent) -> None:
    key, at_hand = SecurityKey(kind) if kind == SK_ECDSA else in_memory(kind), AtHand()
    hung.keys.append(key)
    begun = time.monotonic()
    with pytest.raises(AgentError, match=said):
        sign(AgentSigner("anna@ops", key.key, at_hand), RECORD, MESSAGE)
    assert time.monotonic() - begun < 1.5
    assert len(at_hand.waited) == 1, "the operator knew what it hung on"


def test_an_agent_that_lists_nothing_is_not_waited_for_for_ever(hung: SoftAgent) -> None:
    hung.on_list = hung.on_sign
    with pytest.raises(AgentError, match="did not answer within"):
        AgentSigner("anna@ops", hung.keys[1].key, AtHand()).ready()


def test_the_operator_can_stop_waiting(hung: SoftAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_signer, "SECONDS", 20)
    token = SecurityKey(SK_ED25519)
    hung.keys.append(token)
    begun = time.monotonic()
    with pytest.raises(StoppedError):
        sign(AgentSigner("anna@ops", token.key, AtHand(stops=True)), RECORD, MESSAGE)
    assert time.monotonic() - begun < 0.25


def test_a_comment_is_inert(soft: SoftAgent) -> None:
    key = soft.keys[0].key
    soft.on_list = lambda _request: string(
        b"\x0c\0\0\0\1" + string(key.blob) + string(b"\x1b[2Jben@ops\x1b]0;x\x07")
    )
    (one,) = Agent.here().listed()
    assert one.comment == "ben@ops"


def test_an_rsa_key_of_2048_bits_is_too_weak(accepted: Accepted) -> None:
    weak = KeySigner("anna@ops", rsa.generate_private_key(65537, 2048))
    with pytest.raises(RecordError, match="less than 3072"):
        sign(weak, RECORD, MESSAGE)
    assert accepted(weak.key, weak.sign(RECORD, MESSAGE)), "ssh-keygen takes it"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.binary(min_size=1, max_size=80).map(string)))
def test_whatever_an_agent_answers_is_told_and_never_crashes(soft: SoftAgent, reply: bytes) -> None:
    soft.on_list, soft.hangs_up = lambda _request: reply, True
    with pytest.raises(AgentError):
        AgentSigner("anna@ops", soft.keys[0].key, AtHand()).ready()
    soft.on_list, soft.on_sign = soft.listed, lambda _request: reply
    with pytest.raises(RecordError):
        sign(AgentSigner("anna@ops", soft.keys[0].key, AtHand()), RECORD, MESSAGE)
