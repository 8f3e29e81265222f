"""Real material to begin from, made by the program itself and by stock ssh-keygen's peers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate

from signoff.model import Finding, Result, Vantage
from signoff.session import sshsig
from signoff.session.archive import pack
from signoff.session.dsse import envelope
from signoff.session.events import (
    DECISIONS,
    AnyEvent,
    Attested,
    ChecklistRef,
    Done,
    Enrolled,
    Entered,
    Found,
    Genesis,
    Intended,
    Looked,
    Noted,
    OperatorRef,
    Probed,
    Recovered,
    Resumed,
    Sealed,
    TargetRef,
)
from signoff.session.keys import PublicKey
from signoff.session.ledger import LedgerEntry
from signoff.session.line import canonical, digest
from signoff.session.signer import KeySigner
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.timestamp import certificates, request
from signoff.session.tip import Tip
from signoff.session.wire import string
from unit.authority import Authority

NAME = "anna@ops"
MESSAGE = b"what was found and said\n"
PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'
_PLACE = {"checklist": "quick", "step": "ports"}
_FINDING = Finding(
    probe="network.listeners",
    title="What listens",
    result=Result.FAIL,
    vantage=Vantage.OUTSIDE,
    observed='0.0.0.0:5432, "é"\t\x7f',
    items=("A2",),
    evidence=("LISTEN",),
)
EVENTS: tuple[AnyEvent, ...] = (
    Entered(**_PLACE),
    Looked(
        fact="x", vantage="host", command="ss", status=None, size=3, digest="", as_root=False, problem="cut"
    ),
    Found(**_PLACE, probe="network.listeners", findings=(_FINDING,)),
    Probed(**_PLACE, complete=True),
    Attested(**_PLACE, kind="accepted", reason="moving", until="2026-03-01"),
    Noted(**_PLACE, text="wörter"),
    Intended(**_PLACE, action="rotate", subject=".env", preview="KEY", digests={"before": "a", "after": "b"}),
    Done(intent=12, outcome="done", digests={".env": "b"}),
    Enrolled(**_PLACE, account="a", issuer="b", verified=True),
    Resumed(signoff="0.1.0", host_key="SHA256:x", machine_id="m"),
    Recovered(size=7, digest="c" * 64),
)
SEALED = Sealed(counts={"pass": 1, "fail": 0}, open=("quick/ports",))


@dataclass(frozen=True)
class Stamp:
    """An authority's answer, what it is for, and whom to trust for it."""

    answer: bytes
    digest: bytes
    authorities: tuple[Certificate, ...]


@dataclass(frozen=True)
class Seeds:
    """A sealed and an open record (their files by name), and all that goes with them."""

    session: str
    operator: KeySigner
    key: KeySigner
    sealed: dict[str, bytes]
    open: dict[str, bytes]
    ledger: bytes
    allowed: bytes
    signatures: list[bytes]
    blobs: list[bytes]
    keys: list[PublicKey]
    archive: bytes
    envelope: bytes
    stamp: Stamp
    note = Noted(**_PLACE, text="went on")

    @property
    def lines(self) -> list[bytes]:
        """Every line that is anywhere in them."""
        files = (self.sealed["session.jsonl"], self.open["session.jsonl"])
        return sorted({line for file in files for line in file.splitlines(keepends=True)})


def plant() -> Seeds:
    """Make them, with new keys."""
    session = "20260102-030405-abcdefgh"
    operator, key = KeySigner.generate(NAME), KeySigner.generate(session)
    written = _write(session, operator, key)
    begun = written[0]
    ended = _write(session, operator, key, SEALED)
    sealed = b"".join(ended)
    signatures = {signer: make() for signer, make in _signatures(operator).items()}
    common = {"session.key": key.private_bytes(), "quick.yaml": b"id: quick\n"}
    return Seeds(
        session=session,
        operator=operator,
        key=key,
        open={"session.jsonl": b"".join(written), "genesis.sig": _sign(operator, GENESIS, begun), **common},
        sealed={
            "session.jsonl": sealed,
            "genesis.sig": _sign(operator, GENESIS, ended[0]),
            "seal.sig": _sign(operator, RECORD, sealed),
            "quick.yaml": common["quick.yaml"],
        },
        ledger=_ledger(session, ended[0], sealed),
        allowed=_allowed(operator),
        signatures=list(signatures.values()),
        blobs=[base64.b64decode(b"".join(text.splitlines()[1:-1])) for text in signatures.values()],
        keys=[operator.key, *signatures],
        archive=pack(session, {"session.jsonl": sealed, "genesis.sig": b"x\n", "seal.sig": b"x\n"}, 0),
        envelope=envelope(PAYLOAD, operator),
        stamp=_stamp(),
    )


def _stamp() -> Stamp:
    with TemporaryDirectory() as folder:
        authority = Authority(Path(folder) / "authority")
        answer = authority.stamp(request(MESSAGE).as_bytes())
        return Stamp(answer, sha256(MESSAGE).digest(), tuple(certificates(authority.ca)))


def _sign(operator: KeySigner, namespace: str, message: bytes) -> bytes:
    return operator.sign(namespace, message).encode("ascii")


def _write(session: str, operator: KeySigner, key: KeySigner, *more: AnyEvent) -> list[bytes]:
    tip = Tip(session)
    genesis = Genesis(
        version=1,
        signoff="0.1.0",
        session_key=key.key.line,
        ledger="",
        target=TargetRef(
            name="shop",
            address="shop.example",
            host_key="SHA256:x",
            machine_id="m",
            profile={"open_ports": [80, 443], "é": {"a": None}},
        ),
        checklists=(ChecklistRef("quick", digest(b"id: quick\n"), ("ports",)),),
        operator=OperatorRef(operator.name, operator.fingerprint),
        mode="walk",
        nonce="n",
    )
    written = [tip.add(genesis)[1]]
    for event in (*EVENTS, *more):
        written.append(tip.add(event)[1])
        if isinstance(event, DECISIONS):
            written.append(tip.add_checkpoint(key)[1])
    return written


def _ledger(session: str, begun: bytes, sealed: bytes) -> bytes:
    lines, before = b"", ""
    of = (("genesis", session, digest(begun)), ("recovered", "", "a" * 64), ("seal", session, digest(sealed)))
    for number, (kind, whose, what) in enumerate(of, 1):
        entry = LedgerEntry(
            seq=number,
            prev=before,
            time="2026-01-02T03:04:05.678Z",
            kind=kind,  # type: ignore[arg-type]  # one of the three
            session=whose,
            digest=what,
        )
        line = canonical({name: getattr(entry, name) for name in entry.__struct_fields__})
        lines, before = lines + line, digest(line)
    return lines


def _allowed(operator: KeySigner) -> bytes:
    line, other = operator.key.line, KeySigner.generate("other").key.line
    return (
        "# operators\n"
        f'ben@ops,!*@dev cert-authority,namespaces="git" {other} of 2026\n'
        f'"carl@*" valid-after="20200101",valid-before="20991231235959Z" {other}\n'
        f'{NAME} namespaces="*@signoff.v1" {line}\n'
    ).encode("ascii")


def _signatures(operator: KeySigner) -> dict[PublicKey, Callable[[], bytes]]:
    """Return, by key, how to sign MESSAGE: one key of each family that is not a security key."""
    made: dict[PublicKey, Callable[[], bytes]] = {operator.key: lambda: _sign(operator, RECORD, MESSAGE)}
    curve = ec.generate_private_key(ec.SECP256R1())
    kind, point = (
        b"ecdsa-sha2-nistp256",
        curve.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
    )

    def by_curve(message: bytes) -> bytes:
        numbers = decode_dss_signature(curve.sign(message, ec.ECDSA(hashes.SHA256())))
        return string(kind) + string(b"".join(map(_mpint, numbers)))

    large = rsa.generate_private_key(65537, 3072)
    numbers = large.public_key().public_numbers()

    def by_rsa(message: bytes) -> bytes:
        return string(b"rsa-sha2-512") + string(large.sign(message, padding.PKCS1v15(), hashes.SHA512()))

    blobs = {
        string(kind) + string(b"nistp256") + string(point): by_curve,
        string(b"ssh-rsa") + _mpint(numbers.e) + _mpint(numbers.n): by_rsa,
    }
    for blob, sign in blobs.items():
        key = PublicKey.from_blob(blob)
        made[key] = lambda key=key, sign=sign: sshsig.make(key, RECORD, MESSAGE, sign).encode("ascii")  # type: ignore[misc]
    return made


def _mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))
