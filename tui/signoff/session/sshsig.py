"""SSH signatures (OpenSSH, PROTOCOL.sshsig): made as ssh-keygen makes them, read more strictly than it does.

A namespace says what a signature is for, so that none can stand in for another:

``GENESIS``     the operator's, over a record's first line: this session was begun, by me, on this target
``RECORD``      the operator's, over the whole file's exact bytes: this is what was found and said
``COUNTERSIGN`` another person's, over the same bytes: I had this before me as it is
``CHECKPOINT``  the session key's, over the record so far, inside the record
``TRIAL``       the operator's, over nothing of meaning: that a key can sign
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from signoff.message import say
from signoff.session.keys import PublicKey
from signoff.session.wire import Reader, SignatureError, from_base64, string

GENESIS: Final = "genesis@signoff.v1"
RECORD: Final = "record@signoff.v1"
COUNTERSIGN: Final = "countersign@signoff.v1"
CHECKPOINT: Final = "checkpoint@signoff.v1"
TRIAL: Final = "trial@signoff.v1"

MAX_ARMOUR: Final = 16384
"""The most bytes that an armoured signature may have; an RSA key of 16384 bits needs half of it."""

_MAGIC: Final = b"SSHSIG"
_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----\n"
_END: Final = b"-----END SSH SIGNATURE-----\n"
_COLUMNS: Final = 70
_HASHES: Final[dict[bytes, str]] = {b"sha256": "sha256", b"sha512": "sha512"}


@dataclass(frozen=True, slots=True)
class Signature:
    """A parsed signature. It says nothing until ``verify`` has returned."""

    key: PublicKey
    namespace: bytes
    algorithm: str
    """The hash of the message, ``sha256`` or ``sha512``."""
    blob: bytes

    def verify(self, namespace: str, digest: bytes) -> None:
        """Raise SignatureError unless this signs the message with this ``digest`` for this ``namespace``.

        ``digest`` is the message's hash by ``algorithm``: a long message needs never be held in memory.
        """
        if self.namespace != namespace.encode("ascii"):
            raise SignatureError(
                say(
                    "the signature is for {signed}, not {namespace}",
                    signed=ascii(self.namespace.decode("latin-1")),
                    namespace=namespace,
                )
            )
        self.key.verify(self.blob, _to_sign(self.namespace, self.algorithm, digest))

    def verify_message(self, namespace: str, message: bytes) -> None:
        """Raise SignatureError unless this signs ``message`` for this ``namespace``."""
        self.verify(namespace, hashlib.new(self.algorithm, message).digest())


def make(key: PublicKey, namespace: str, message: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Return the armoured signature over ``message``; ``sign`` makes the SSH signature blob."""
    name = namespace.encode("ascii")
    blob = sign(_to_sign(name, "sha512", hashlib.sha512(message).digest()))
    parts = (key.blob, name, b"", b"sha512", blob)
    return armour(_MAGIC + (1).to_bytes(4, "big") + b"".join(string(part) for part in parts))


def armour(blob: bytes) -> str:
    """Return a signature's bytes as text, exactly as ssh-keygen writes it."""
    text = base64.b64encode(blob)
    lines = [text[at : at + _COLUMNS] + b"\n" for at in range(0, len(text), _COLUMNS)]
    return (_BEGIN + b"".join(lines) + _END).decode("ascii")


def parse(armoured: bytes | str) -> Signature:
    """Read an armoured signature. Raise SignatureError unless it is in the one form that ``armour`` gives.

    Not accepted, though some verifiers do: CRLF, anything before or after the armour, other line lengths,
    bytes after the blob's end, a ``reserved`` that is not empty, a hash other than SHA-256 and SHA-512.
    """
    try:
        text = armoured.encode("ascii") if isinstance(armoured, str) else armoured
    except UnicodeEncodeError:
        raise SignatureError(say("the signature is not ASCII")) from None
    if len(text) > MAX_ARMOUR:
        raise SignatureError(say("the signature is far too long"))
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise SignatureError(say("the signature does not begin and end as ssh-keygen writes it"))
    body = from_base64(text[len(_BEGIN) : -len(_END)].replace(b"\n", b""))
    if armour(body).encode("ascii") != text:
        raise SignatureError(say("the signature is not laid out as ssh-keygen writes it"))
    return _parse_blob(body)


def _parse_blob(body: bytes) -> Signature:
    reader = Reader(body)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise SignatureError(say("this is not an SSH signature"))
    if reader.uint32() != 1:
        raise SignatureError(say("the SSH signature is of an unknown version"))
    key, namespace, reserved, algorithm, blob = (reader.string() for _ in range(5))
    reader.end()
    if reserved:
        raise SignatureError(say("the signature's reserved field is not empty"))
    if algorithm not in _HASHES:
        raise SignatureError(say("the signature's hash is neither SHA-256 nor SHA-512"))
    return Signature(PublicKey.from_blob(key), namespace, _HASHES[algorithm], blob)


def _to_sign(namespace: bytes, algorithm: str, digest: bytes) -> bytes:
    return _MAGIC + b"".join(string(part) for part in (namespace, b"", algorithm.encode("ascii"), digest))
