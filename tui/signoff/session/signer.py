"""Who signs. A key file signs by itself; an agent, or a security key behind one, can take its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signoff.credentials.secret import Secret
from signoff.errors import RecordError
from signoff.session import sshsig
from signoff.session.files import open_regular, record_error, write_new
from signoff.session.keys import ED25519, PublicKey, ed25519
from signoff.session.wire import string

Passphrase = Callable[[str], Secret | None]
"""Asks for the passphrase of the key file at a path; None where the operator gives up."""

_ATTEMPTS = 3
_MAX_KEY_FILE = 65536


class Signer(Protocol):
    """Signs for the operator. ``sign`` may wait for a person (a touch); it raises RecordError."""

    @property
    def name(self) -> str:
        """The principal's name, as allowed_signers lists it."""

    @property
    def key(self) -> PublicKey:
        """The public key."""

    @property
    def fingerprint(self) -> str:
        """The public key's fingerprint, ``SHA256:...``."""

    def sign(self, namespace: str, message: bytes) -> str:
        """Return an armoured SSH signature over ``message`` for ``namespace``."""


class KeySigner:
    """An Ed25519 key held in memory."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self.name = name
        self.key = ed25519(private.public_key())
        self._private = private

    def __repr__(self) -> str:
        return f"KeySigner({self.name!r}, {self.key.fingerprint})"

    @classmethod
    def generate(cls, name: str) -> KeySigner:
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate())

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, ``SHA256:...``."""
        return self.key.fingerprint

    def sign(self, namespace: str, message: bytes) -> str:
        """Return an armoured SSH signature over ``message`` for ``namespace``."""
        return sshsig.make(self.key, namespace, message, self._blob)

    def private_bytes(self) -> bytes:
        """Return the private key in OpenSSH's format, without a passphrase."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self._private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

    def _blob(self, message: bytes) -> bytes:
        return string(ED25519.encode()) + string(self._private.sign(message))


def save_key(signer: KeySigner, path: Path) -> None:
    """Write a signer's private key, mode 0600. Raises RecordError."""
    try:
        write_new(path, signer.private_bytes())
    except OSError as problem:
        raise record_error(problem, "A signing key could not be written", path) from None


def load_key(path: Path, name: str, passphrase: Passphrase | None = None) -> KeySigner:
    """Read an Ed25519 private key in OpenSSH's format. Raises RecordError.

    Like ssh, it refuses a key that others can read. ``passphrase`` is asked, three times at most, where the
    key is protected by one.
    """
    data = _read_private(path)
    private = _decrypt(data, path, passphrase)
    if not isinstance(private, Ed25519PrivateKey):
        raise RecordError(
            f"The signing key {path} is not an Ed25519 key.", "Use an Ed25519 key, or move this one aside."
        )
    return KeySigner(name, private)


def _read_private(path: Path) -> bytes:
    try:
        with open_regular(path.resolve()) as file:
            status = os.fstat(file.fileno())
            data = file.read(_MAX_KEY_FILE)
    except OSError as problem:
        raise record_error(problem, "The signing key could not be read", path) from None
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid not in {os.geteuid(), 0}:
        raise RecordError(
            f"Others can read or write the signing key {path}.",
            f"If you are sure that nobody has: chmod 600 {path}",
        )
    return data


def _decrypt(data: bytes, path: Path, passphrase: Passphrase | None) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    unreadable = RecordError(
        f"The signing key {path} is damaged, or not in OpenSSH's format.",
        "Restore it from a backup, or move it aside and begin anew.",
    )
    try:
        return load_ssh_private_key(data, password=None)
    except TypeError:
        pass  # it has a passphrase
    except (ValueError, UnsupportedAlgorithm):
        raise unreadable from None
    for _ in range(_ATTEMPTS if passphrase else 0):
        answer = passphrase(str(path)) if passphrase else None
        if answer is None:
            break
        try:
            return load_ssh_private_key(data, password=answer.reveal().encode())
        except (ValueError, UnsupportedAlgorithm):
            continue
    raise RecordError(
        f"The signing key {path} has a passphrase, and the right one was not given.",
        "Try again with the passphrase at hand.",
    )
