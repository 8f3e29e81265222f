"""Public keys in OpenSSH's form, and what they say of a signature. Stricter than OpenSSH, never laxer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signoff.message import say
from signoff.session.wire import Reader, SignatureError, from_base64

ED25519: Final = "ssh-ed25519"
RSA: Final = "ssh-rsa"
RSA_SHA512: Final = "rsa-sha2-512"
"""The one way in which signoff signs with an RSA key (RFC 8332)."""

# RFC 8032: the field's prime, the group's order, and the y of the points of order 1, 2, 4 and 8, under
# which a signature holds for any message.
_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_Y8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
# 2048 bits are 112 bits of strength, which NIST SP 800-57 ends with 2030; a record is to outlive that.
_RSA_BITS: Final = range(3072, 16385)
_USER_PRESENT: Final = 0x01
_GAP: Final = re.compile(r"[ \t]+")
_BAD: Final = say("the signature does not fit the signed bytes")


class _Check(Protocol):
    """Raises SignatureError unless a signature blob is over a message."""

    def __call__(self, signed: Reader, message: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: the name of its type, and its blob (RFC 4253, section 6.6)."""

    kind: str
    blob: bytes

    @classmethod
    def from_blob(cls, blob: bytes) -> PublicKey:
        """Read a blob's type; its numbers are read when it verifies. Raises SignatureError."""
        try:
            kind = Reader(blob).string().decode("ascii")
        except UnicodeDecodeError:
            raise SignatureError(say("the key's type is not a name")) from None
        return cls(kind, blob)

    @classmethod
    def from_line(cls, line: str) -> PublicKey:
        """Read ``TYPE BASE64 [COMMENT]``. Raises SignatureError."""
        kind, text, *_comment = [*_GAP.split(line, maxsplit=2), ""]
        try:
            key = cls.from_blob(from_base64(text.encode("ascii")))
        except UnicodeEncodeError:
            raise SignatureError(say("the base64 is malformed")) from None
        if key.kind != kind:
            raise SignatureError(say("the key is of another type than it says"))
        return key

    @property
    def line(self) -> str:
        """The key in OpenSSH's one-line form, without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode('ascii')}"

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint as ``ssh-keygen -l`` shows it, ``SHA256:...``."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode("ascii")
        return f"SHA256:{digest.rstrip('=')}"

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise SignatureError unless ``signature``, an SSH signature blob, is this key's."""
        self._check()(Reader(signature), message)

    def check(self) -> None:
        """Raise SignatureError unless the key is of an accepted kind, strong enough, and well formed."""
        self._check()

    def _check(self) -> _Check:
        read = _KINDS.get(self.kind)
        if "-cert-v" in self.kind:
            raise SignatureError(say("the key is a certificate, which signoff does not accept"))
        if read is None:
            raise SignatureError(say("keys of the type {kind} are not accepted", kind=ascii(self.kind)))
        fields = Reader(self.blob)
        fields.string()
        return read(self.kind, fields)

    @property
    def wants_touch(self) -> bool:
        """Whether it lives in a security key (FIDO), which signs only when it is touched."""
        return self.kind.startswith("sk-")


def _type(signed: Reader, *names: str) -> str:
    name = signed.string().decode("ascii", "replace")
    if name not in names:
        raise SignatureError(
            say("the signature is of the type {name}, which does not fit the key", name=ascii(name))
        )
    return name


def _ed25519_point(point: bytes) -> Callable[[bytes, bytes], None]:
    if len(point) != 32:
        raise SignatureError(say("the Ed25519 key is of a wrong length"))
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)
    if y >= _P or y in _SMALL_ORDER:
        raise SignatureError(say("the Ed25519 key is a weak one"))

    def check(signature: bytes, message: bytes) -> None:
        if len(signature) != 64:
            raise SignatureError(say("the Ed25519 signature is of a wrong length"))
        if int.from_bytes(signature[32:], "little") >= _L:
            raise SignatureError(say("the Ed25519 signature is not in its one proper form (RFC 8032, 5.1.7)"))
        try:
            Ed25519PublicKey.from_public_bytes(point).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise SignatureError(_BAD) from None

    return check


def _ecdsa_point(curve: str, point: bytes) -> Callable[[bytes, bytes], None]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    curves: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
        "nistp256": (ec.SECP256R1(), hashes.SHA256()),
        "nistp384": (ec.SECP384R1(), hashes.SHA384()),
        "nistp521": (ec.SECP521R1(), hashes.SHA512()),
    }
    group, algorithm = curves[curve]
    if point[:1] != b"\x04":
        raise SignatureError(say("the ECDSA key's point is not in its uncompressed form"))
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(group, point)
    except ValueError:
        raise SignatureError(say("the ECDSA key is not a point of its curve")) from None

    def check(signature: bytes, message: bytes) -> None:
        numbers = Reader(signature)
        r, s = numbers.mpint(), numbers.mpint()
        numbers.end()
        try:
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(algorithm))
        except (InvalidSignature, ValueError):
            raise SignatureError(_BAD) from None

    return check


def _ed25519_key(kind: str, fields: Reader) -> _Check:
    verify = _ed25519_point(fields.string())
    fields.end()

    def check(signed: Reader, message: bytes) -> None:
        _type(signed, kind)
        signature = signed.string()
        signed.end()
        verify(signature, message)

    return check


def _ecdsa_key(kind: str, fields: Reader) -> _Check:
    curve, point = fields.string().decode("ascii", "replace"), fields.string()
    fields.end()
    if kind != f"ecdsa-sha2-{curve}":
        raise SignatureError(say("the ECDSA key is of another curve than it says"))
    verify = _ecdsa_point(curve, point)

    def check(signed: Reader, message: bytes) -> None:
        _type(signed, kind)
        signature = signed.string()
        signed.end()
        verify(signature, message)

    return check


def _rsa_key(_kind: str, fields: Reader) -> _Check:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    exponent, modulus = fields.mpint(), fields.mpint()
    fields.end()
    if modulus.bit_length() not in _RSA_BITS:
        raise SignatureError(say("the RSA key has less than 3072 or more than 16384 bits"))
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise SignatureError(say("the RSA key is malformed")) from None

    def check(signed: Reader, message: bytes) -> None:
        # RFC 8332; a signature with SHA-1 (ssh-rsa) is not accepted.
        name = _type(signed, "rsa-sha2-256", RSA_SHA512)
        signature = signed.string()
        signed.end()
        if len(signature) != (modulus.bit_length() + 7) // 8:
            raise SignatureError(say("the RSA signature is of a wrong length"))
        algorithm = hashes.SHA512() if name == RSA_SHA512 else hashes.SHA256()
        try:
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        except (InvalidSignature, ValueError):
            raise SignatureError(_BAD) from None

    return check


def _security_key(application: bytes, signed: Reader, message: bytes) -> bytes:
    """Return what a security key signs (PROTOCOL.u2f): it must have been touched.

    ssh-keygen -Y verify does not ask for the touch, and lets nobody say in allowed_signers that it does.
    """
    flags, counter = signed.take(1), signed.take(4)
    signed.end()
    if not flags[0] & _USER_PRESENT:
        raise SignatureError(say("the security key signed without having been touched"))
    return hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(message).digest()


def _security_key_check(kind: str, application: bytes, verify: Callable[[bytes, bytes], None]) -> _Check:
    def check(signed: Reader, message: bytes) -> None:
        _type(signed, kind)
        signature = signed.string()
        verify(signature, _security_key(application, signed, message))

    return check


def _sk_ed25519_key(kind: str, fields: Reader) -> _Check:
    verify, application = _ed25519_point(fields.string()), fields.string()
    fields.end()
    return _security_key_check(kind, application, verify)


def _sk_ecdsa_key(kind: str, fields: Reader) -> _Check:
    curve, point, application = fields.string(), fields.string(), fields.string()
    fields.end()
    if curve != b"nistp256":
        raise SignatureError(say("the ECDSA key is of another curve than it says"))
    return _security_key_check(kind, application, _ecdsa_point("nistp256", point))


_KINDS: Final[dict[str, Callable[[str, Reader], _Check]]] = {
    ED25519: _ed25519_key,
    "ecdsa-sha2-nistp256": _ecdsa_key,
    "ecdsa-sha2-nistp384": _ecdsa_key,
    "ecdsa-sha2-nistp521": _ecdsa_key,
    RSA: _rsa_key,
    "sk-ssh-ed25519@openssh.com": _sk_ed25519_key,
    "sk-ecdsa-sha2-nistp256@openssh.com": _sk_ecdsa_key,
}
