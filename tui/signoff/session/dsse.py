"""A DSSE envelope (Dead Simple Signing Envelope 1.0.2): a statement for machines, signed.

Its signature is a plain one, over bytes that DSSE lays down. An SSH signature, and whatever a security key
(FIDO) signs, is another thing: such a key cannot make one.
"""

from __future__ import annotations

import base64
import json
from typing import Final, Literal

import msgspec

from signoff.errors import RecordError
from signoff.message import say
from signoff.session.keys import ED25519, PublicKey
from signoff.session.signer import Signer
from signoff.session.wire import Reader, SignatureError, from_base64, string

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


def pae(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """Return the bytes that are signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode("ascii"), len(payload), payload)


def envelope(payload: bytes, signer: Signer) -> bytes:
    """Return ``payload`` in an envelope with the signer's signature. Raises RecordError where they cannot."""
    if signer.key.kind != ED25519:
        raise RecordError(
            say(
                "The key {fingerprint} is of the type {kind}; an attestation needs {ed25519}.",
                fingerprint=signer.fingerprint,
                kind=signer.key.kind,
                ed25519=ED25519,
            ),
            say("A security key (FIDO) can sign records only. Leave the attestation out."),
        )
    signed = pae(payload)
    blob = signer.blob(signed)
    try:
        signer.key.verify(blob, signed)
        reader = Reader(blob)
        reader.string()
        signature = reader.string()
    except SignatureError as problem:
        raise RecordError(
            say(
                "The signature by {fingerprint} does not hold: {problem}.",
                fingerprint=signer.fingerprint,
                problem=problem,
            )
        ) from None
    whole = {
        "payloadType": PAYLOAD_TYPE,
        "payload": _base64(payload),
        "signatures": [{"keyid": signer.fingerprint, "sig": _base64(signature)}],
    }
    return json.dumps(whole, sort_keys=True).encode("ascii") + b"\n"


def opened(data: bytes, key: PublicKey) -> bytes:
    """Return the payload of an envelope that ``key``, and nobody else, has signed. Raises SignatureError."""
    try:
        whole = msgspec.json.decode(data, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SignatureError(say("it is not a DSSE envelope with an in-toto statement")) from None
    if [one.keyid for one in whole.signatures] != [key.fingerprint]:
        raise SignatureError(say("it is not signed by the operator's key alone"))
    payload = from_base64(whole.payload.encode("utf-8"))
    signature = from_base64(whole.signatures[0].sig.encode("utf-8"))
    key.verify(string(ED25519.encode()) + string(signature), pae(payload))
    return payload


class _Signature(msgspec.Struct, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    payloadType: Literal["application/vnd.in-toto+json"]  # noqa: N815 - DSSE's own name
    payload: str
    signatures: list[_Signature]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
