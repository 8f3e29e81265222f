"""Who signs. What all signers share, and the one that holds its key in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from threading import Event
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signoff.credentials.secret import Secret
from signoff.errors import RecordError
from signoff.message import say
from signoff.session import sshsig
from signoff.session.keys import ED25519, RSA, RSA_SHA512, PublicKey
from signoff.session.wire import SignatureError, mpint, string

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey

Know = Callable[[Iterable[tuple[str, Secret]]], None]
"""Takes secrets with their names, to keep them out of the record: ``Redactor.know``."""


class Attendant(Protocol):
    """Is at hand while a key signs. Its methods may be called from a worker thread, and block it."""

    def passphrase(self, path: str) -> Secret | None:
        """Ask for the passphrase of the key file at a path; None where the operator gives up."""

    def waiting(self, what: str, seconds: float) -> AbstractContextManager[Event]:
        """Say ``what`` the operator is to do, and for how long it is waited for, while the block lasts.

        The event is set where the operator wants to wait no longer.
        """


class Signer(Protocol):
    """Signs for the operator."""

    @property
    def name(self) -> str:
        """The principal's name, as allowed_signers lists it."""

    @property
    def key(self) -> PublicKey:
        """The public key."""

    @property
    def fingerprint(self) -> str:
        """The public key's fingerprint, ``SHA256:...``."""

    def tell(self, know: Know) -> None:
        """Tell ``know`` of every secret that is typed for the key from now on, or was before."""

    def ready(self) -> None:
        """Get what signing needs, the passphrase say, or the agent's word that it has the key.

        Nothing has been begun yet, and a person may take their time. Raises RecordError.
        """

    def sign(self, namespace: str, message: bytes) -> str:
        """Return an armoured SSH signature over ``message`` for ``namespace``.

        May wait for a person: a touch. Raises RecordError; StoppedError where they stop it.
        """

    def blob(self, message: bytes) -> bytes:
        """Return the SSH signature blob over exactly these bytes. Raises as ``sign`` does."""


class KeySigner:
    """A private key held in memory: Ed25519, ECDSA or RSA."""

    def __init__(self, name: str, private: PrivateKey) -> None:
        self.name = name
        self.key = public_key(private)
        self._private = private

    def __repr__(self) -> str:
        return f"KeySigner({self.name!r}, {self.key.fingerprint})"

    @classmethod
    def generate(cls, name: str) -> KeySigner:
        """Make a new Ed25519 key."""
        return cls(name, Ed25519PrivateKey.generate())

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, ``SHA256:...``."""
        return self.key.fingerprint

    def tell(self, know: Know) -> None:
        """Tell nothing: no secret was typed for it."""

    def ready(self) -> None:
        """Do nothing: the key is here."""

    def sign(self, namespace: str, message: bytes) -> str:
        """Return an armoured SSH signature over ``message`` for ``namespace``."""
        return sshsig.make(self.key, namespace, message, self.blob)

    def blob(self, message: bytes) -> bytes:
        """Return the SSH signature blob over exactly these bytes."""
        return _signed(self._private, self.key, message)

    def private_bytes(self) -> bytes:
        """Return the private key in OpenSSH's format, without a passphrase."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self._private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def sign(signer: Signer, namespace: str, message: bytes) -> str:
    """Return the signer's signature, checked, so that it cannot ruin a record. Raises RecordError."""
    armour = signer.sign(namespace, message)
    try:
        signature = sshsig.parse(armour)
        signature.verify_message(namespace, message)
    except SignatureError as problem:
        raise RecordError(
            say(
                "The signature by {fingerprint} does not hold: {problem}.",
                fingerprint=signer.fingerprint,
                problem=problem,
            ),
            say("Use another signing key."),
        ) from None
    if signature.key != signer.key:
        raise RecordError(
            say("The signature was made by another key than was asked."), say("Use another signing key.")
        )
    return armour


def public_key(private: PrivateKey) -> PublicKey:
    """Return a private key's public half."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return PublicKey.from_line(line.decode("ascii"))


def _signed(private: PrivateKey, key: PublicKey, message: bytes) -> bytes:
    """Return the SSH signature blob over a message (RFC 8709, 5656 and 8332)."""
    if isinstance(private, Ed25519PrivateKey):
        return string(ED25519.encode()) + string(private.sign(message))
    if key.kind == RSA:
        return string(RSA_SHA512.encode()) + string(_signed_rsa(private, message))  # type: ignore[arg-type]
    return string(key.kind.encode()) + string(_signed_ecdsa(private, message))  # type: ignore[arg-type]


def _signed_rsa(private: RSAPrivateKey, message: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return private.sign(message, padding.PKCS1v15(), hashes.SHA512())


def _signed_ecdsa(private: EllipticCurvePrivateKey, message: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    algorithms: dict[int, hashes.HashAlgorithm] = {
        256: hashes.SHA256(),
        384: hashes.SHA384(),
        521: hashes.SHA512(),
    }
    algorithm = algorithms[private.curve.key_size]
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(algorithm)))
    return mpint(r) + mpint(s)
