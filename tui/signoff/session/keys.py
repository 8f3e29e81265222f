"""Public keys in OpenSSH's form, and what they say of a signature. Stricter than OpenSSH, never laxer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signoff.session.wire import Reader, SignatureError, from_base64, string

ED25519: Final = "ssh-ed25519"

# RFC 8032: the field's prime, the group's order, and the y of the points of order 1, 2, 4 and 8, under
# which a signature holds for any message.
_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_Y8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
_RSA_BITS: Final = range(2048, 16385)
_USER_PRESENT: Final = 0x01
_BAD: Final = "the signature does not fit the signed bytes"


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
            raise SignatureError("the key's type is not a name") from None
        return cls(kind, blob)

    @classmethod
    def from_line(cls, line: str) -> PublicKey:
        """Read ``TYPE BASE64 [COMMENT]``. Raises SignatureError."""
        kind, _, rest = line.partition(" ")
        text = rest.split(maxsplit=1)[0] if rest.strip() else ""
        try:
            key = cls.from_blob(from_base64(text.encode("ascii")))
        except UnicodeEncodeError:
            raise SignatureError("the base64 is malformed") from None
        if key.kind != kind:
            raise SignatureError("the key is of another type than it says")
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
        check = _CHECKS.get(self.kind)
        if check is None:
            raise SignatureError(f"keys of the type {self.kind!a} are not accepted")
        fields, signed = Reader(self.blob), Reader(signature)
        fields.string()
        check(self.kind, fields, signed, message)


def ed25519(key: Ed25519PublicKey) -> PublicKey:
    """Return an Ed25519 key in OpenSSH's form."""
    return PublicKey(ED25519, string(ED25519.encode()) + string(key.public_bytes_raw()))


def _type(signed: Reader, *names: str) -> str:
    name = signed.string().decode("ascii", "replace")
    if name not in names:
        raise SignatureError(f"the signature is of the type {name!a}, which does not fit the key")
    return name


def _check_ed25519_point(point: bytes, signature: bytes, message: bytes) -> None:
    if len(point) != 32 or len(signature) != 64:
        raise SignatureError("the Ed25519 key or signature is of a wrong length")
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)
    if y >= _P or y in _SMALL_ORDER:
        raise SignatureError("the Ed25519 key is a weak one")
    if int.from_bytes(signature[32:], "little") >= _L:
        raise SignatureError("the Ed25519 signature is not in its one proper form (RFC 8032, 5.1.7)")
    try:
        Ed25519PublicKey.from_public_bytes(point).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureError(_BAD) from None


def _check_ed25519(kind: str, fields: Reader, signed: Reader, message: bytes) -> None:
    point = fields.string()
    fields.end()
    _type(signed, kind)
    signature = signed.string()
    signed.end()
    _check_ed25519_point(point, signature, message)


def _check_ecdsa_point(curve: str, point: bytes, signature: bytes, message: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    curves: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
        "nistp256": (ec.SECP256R1(), hashes.SHA256()),
        "nistp384": (ec.SECP384R1(), hashes.SHA384()),
        "nistp521": (ec.SECP521R1(), hashes.SHA512()),
    }
    numbers = Reader(signature)
    r, s = numbers.mpint(), numbers.mpint()
    numbers.end()
    group, algorithm = curves[curve]
    try:
        if point[:1] != b"\x04":
            raise SignatureError("the ECDSA key's point is not in its uncompressed form")
        key = ec.EllipticCurvePublicKey.from_encoded_point(group, point)
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise SignatureError(_BAD) from None
    except SignatureError:
        raise
    except ValueError:
        raise SignatureError("the ECDSA key is not a point of its curve") from None


def _check_ecdsa(kind: str, fields: Reader, signed: Reader, message: bytes) -> None:
    curve = fields.string().decode("ascii", "replace")
    point = fields.string()
    fields.end()
    if kind != f"ecdsa-sha2-{curve}":
        raise SignatureError("the ECDSA key is of another curve than it says")
    _type(signed, kind)
    signature = signed.string()
    signed.end()
    _check_ecdsa_point(curve, point, signature, message)


def _check_rsa(kind: str, fields: Reader, signed: Reader, message: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    exponent, modulus = fields.mpint(), fields.mpint()
    fields.end()
    # RFC 8332; a signature with SHA-1 (ssh-rsa) is not accepted.
    name = _type(signed, "rsa-sha2-256", "rsa-sha2-512")
    signature = signed.string()
    signed.end()
    if modulus.bit_length() not in _RSA_BITS:
        raise SignatureError("the RSA key has less than 2048 or more than 16384 bits")
    if len(signature) != (modulus.bit_length() + 7) // 8:
        raise SignatureError("the RSA signature is of a wrong length")
    algorithm = hashes.SHA512() if name == "rsa-sha2-512" else hashes.SHA256()
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        key.verify(signature, message, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        raise SignatureError(_BAD) from None
    except ValueError:
        raise SignatureError("the RSA key is malformed") from None


def _security_key(application: bytes, signed: Reader, message: bytes) -> bytes:
    """Return what a security key signs (PROTOCOL.u2f): it must have been touched."""
    flags, counter = signed.take(1), signed.take(4)
    signed.end()
    if not flags[0] & _USER_PRESENT:
        raise SignatureError("the security key signed without having been touched")
    return hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(message).digest()


def _check_sk_ed25519(kind: str, fields: Reader, signed: Reader, message: bytes) -> None:
    point, application = fields.string(), fields.string()
    fields.end()
    _type(signed, kind)
    signature = signed.string()
    _check_ed25519_point(point, signature, _security_key(application, signed, message))


def _check_sk_ecdsa(kind: str, fields: Reader, signed: Reader, message: bytes) -> None:
    curve, point, application = fields.string(), fields.string(), fields.string()
    fields.end()
    if curve != b"nistp256":
        raise SignatureError("the ECDSA key is of another curve than it says")
    _type(signed, kind)
    signature = signed.string()
    _check_ecdsa_point("nistp256", point, signature, _security_key(application, signed, message))


_CHECKS: Final[dict[str, Callable[[str, Reader, Reader, bytes], None]]] = {
    ED25519: _check_ed25519,
    "ecdsa-sha2-nistp256": _check_ecdsa,
    "ecdsa-sha2-nistp384": _check_ecdsa,
    "ecdsa-sha2-nistp521": _check_ecdsa,
    "ssh-rsa": _check_rsa,
    "sk-ssh-ed25519@openssh.com": _check_sk_ed25519,
    "sk-ecdsa-sha2-nistp256@openssh.com": _check_sk_ecdsa,
}
