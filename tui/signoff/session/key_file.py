"""Private keys in files, in OpenSSH's format; a passphrase is asked for when the key is needed first."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from signoff import own_files
from signoff.credentials.secret import Secret
from signoff.durable import write_new
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.files import open_regular, record_error
from signoff.session.keys import PublicKey
from signoff.session.signer import KeySigner, Know
from signoff.session.wire import Reader, SignatureError, from_base64

if TYPE_CHECKING:
    from signoff.session.signer import PrivateKey

Passphrase = Callable[[str], Secret | None]
"""Asks for the passphrase of the key file at a path; None where the operator gives up."""

_ATTEMPTS: Final = 3
_MAX_KEY_FILE: Final = 65536
_BEGIN: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_END: Final = b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC: Final = b"openssh-key-v1\0"
_WHAT: Final = say("the signing key's passphrase")


class FileSigner:
    """A key in a file, which is not read before it has to be: a session can be resumed without it."""

    def __init__(self, name: str, key: PublicKey, path: Path, passphrase: Passphrase | None = None) -> None:
        self.name = name
        self.key = key
        self.path = path
        self._passphrase = passphrase
        self._loaded: KeySigner | None = None
        self._typed: list[Secret] = []
        self._know: Know = _nobody

    def __repr__(self) -> str:
        return f"FileSigner({self.name!r}, {self.key.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, ``SHA256:...``."""
        return self.key.fingerprint

    def tell(self, know: Know) -> None:
        """Tell ``know`` of every passphrase that is typed, wrong ones too: they are some other key's."""
        self._know = know
        know((_WHAT, one) for one in self._typed)

    def ready(self) -> None:
        """Read the key, and ask for its passphrase. Raises RecordError."""
        self._signer()

    def sign(self, namespace: str, message: bytes) -> str:
        """Return an armoured SSH signature over ``message`` for ``namespace``. Raises RecordError."""
        return self._signer().sign(namespace, message)

    def blob(self, message: bytes) -> bytes:
        """Return the SSH signature blob over exactly these bytes. Raises RecordError."""
        return self._signer().blob(message)

    def _signer(self) -> KeySigner:
        if self._loaded is None:
            loaded = load_key(self.path, self.name, self._ask if self._passphrase else None)
            if loaded.key != self.key:
                raise RecordError(
                    say(
                        "The key in {path} is not {fingerprint} any more.",
                        path=self.path,
                        fingerprint=self.fingerprint,
                    ),
                    say(
                        "Put that one back, or choose the new one: signoff identity use {path}",
                        path=quote(str(self.path)),
                    ),
                )
            self._loaded = loaded
        return self._loaded

    def _ask(self, path: str) -> Secret | None:
        answer = self._passphrase(path) if self._passphrase else None
        if answer:
            self._typed.append(answer)
            self._know([(_WHAT, answer)])
        return answer


def _nobody(secrets: object) -> None:
    """Nobody wants to know yet."""


def save_key(signer: KeySigner, path: Path) -> None:
    """Write a signer's private key, mode 0600. Raises RecordError."""
    try:
        write_new(path, signer.private_bytes())
    except OSError as problem:
        raise record_error(problem, say("A signing key could not be written"), path) from None


def load_key(path: Path, name: str, passphrase: Passphrase | None = None) -> KeySigner:
    """Read a private key in OpenSSH's format. Raises RecordError.

    Like ssh, it refuses a key that others can read. ``passphrase`` is asked, three times at most, where the
    key is protected by one.
    """
    data = _read_private(path)
    key = _public_half(data, path)
    _check_usable(key, path)
    signer = KeySigner(name, _decrypt(data, path, passphrase))
    if signer.key != key:
        raise _unreadable(path)
    return signer


def public_half(path: Path) -> PublicKey:
    """Return the public half of a private key file; that part needs no passphrase. Raises RecordError."""
    key = _public_half(_read_private(path), path)
    _check_usable(key, path)
    return key


def _read_private(path: Path) -> bytes:
    try:
        with open_regular(path.resolve()) as file:
            status = os.fstat(file.fileno())
            data = file.read(_MAX_KEY_FILE)
    except FileNotFoundError:
        raise RecordError(
            say("The signing key {path} is gone.", path=path),
            say("Put it back where it was, from a backup if need be."),
        ) from None
    except OSError as problem:
        raise record_error(problem, say("The signing key could not be read"), path) from None
    if data.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        raise RecordError(
            say("{path} is the public half of a key.", path=path),
            say("Give the private half, or have the agent sign: signoff identity use agent SHA256:..."),
        )
    own_files.check(path)
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid not in {os.geteuid(), 0}:
        raise RecordError(
            say("Others can read or write the signing key {path}.", path=path),
            say("If you are sure that nobody has: chmod 600 {path}", path=quote(str(path))),
        )
    return data


def _unreadable(path: Path) -> RecordError:
    return RecordError(
        say("The signing key {path} is damaged, or not in OpenSSH's format.", path=path),
        say(
            "Restore it from a backup, or move it aside and begin anew. An older format is "
            "converted by ssh-keygen -p -f {path}",
            path=quote(str(path)),
        ),
    )


def _public_half(data: bytes, path: Path) -> PublicKey:
    """Read the beginning of the format (PROTOCOL.key), which is in the clear."""
    text = data.strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise _unreadable(path)
    try:
        reader = Reader(from_base64(b"".join(text[len(_BEGIN) : -len(_END)].split())))
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise _unreadable(path)
        _cipher, _kdf, _options = (reader.string() for _ in range(3))
        if reader.uint32() != 1:
            raise _unreadable(path)
        return PublicKey.from_blob(reader.string())
    except SignatureError:
        raise _unreadable(path) from None


def _check_usable(key: PublicKey, path: Path) -> None:
    if key.wants_touch:
        raise RecordError(
            say("The key {path} lives in a security key, and signs through an ssh-agent only.", path=path),
            say(
                "ssh-add {path}, then: signoff identity use agent {fingerprint}",
                path=quote(str(path)),
                fingerprint=key.fingerprint,
            ),
        )
    try:
        key.check()
    except SignatureError as problem:
        raise RecordError(
            say("{path} cannot sign a record: {problem}.", path=path, problem=problem),
            say("An Ed25519 key is best: ssh-keygen -t ed25519"),
        ) from None


def _decrypt(data: bytes, path: Path, passphrase: Passphrase | None) -> PrivateKey:
    from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm

    try:
        return _private(data, None)
    except TypeError:
        pass  # it has a passphrase
    except ValueError:
        raise _unreadable(path) from None
    except UnsupportedAlgorithm:  # of the cipher: the kind of key is known already
        raise RecordError(
            say("The signing key {path} is encrypted in a way that signoff cannot read.", path=path),
            say("ssh-keygen -p -Z aes256-ctr -f {path}, or have the agent sign.", path=quote(str(path))),
        ) from None
    for _ in range(_ATTEMPTS if passphrase else 0):
        answer = passphrase(str(path)) if passphrase else None
        if not answer:
            break
        try:
            return _private(data, answer)
        except (ValueError, InvalidTag):
            continue
    raise RecordError(
        say("The signing key {path} has a passphrase, and the right one was not given.", path=path),
        say(
            "Try again with the passphrase at hand, in a terminal. Where it is lost, choose "
            "another key: signoff identity use"
        ),
    )


def _private(data: bytes, passphrase: Secret | None) -> PrivateKey:
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    # Of other kinds than the three the public half has been refused already.
    return load_ssh_private_key(data, passphrase.reveal().encode() if passphrase else None)  # type: ignore[return-value]
