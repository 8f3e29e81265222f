"""The operator's own key: made on first use, and trusted by this machine."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
import tempfile
from pathlib import Path

from signoff import paths
from signoff.errors import RecordError
from signoff.session.events import is_name
from signoff.session.files import make_folder, record_error, sync_folder, write_all, write_new
from signoff.session.signer import KeySigner, Passphrase, Signer, load_key
from signoff.session.sshsig import GENESIS, RECORD

__all__ = ["KeySigner", "Passphrase", "Signer", "allowed_signers_line", "load_or_create"]

NAMESPACES = f"{GENESIS},{RECORD}"
"""What an operator's key signs for."""


def load_or_create(passphrase: Passphrase | None = None, *, path: Path | None = None) -> KeySigner:
    """Return the operator's signer; make the key on first use. Raises RecordError.

    The key lies at ``path`` (``paths.identity_file()``), mode 0600 in a folder 0700, its public half beside
    it. It gets a line in this machine's own allowed_signers, in the same folder; a line that the operator
    has commented out is left so.
    """
    path = path or paths.identity_file()
    make_folder(path.parent)
    if not path.exists():
        _create(path)
    signer = load_key(path, _name(path), passphrase)
    _publish(signer, path)
    return signer


def allowed_signers_line(signer: KeySigner) -> str:
    """Return the line by which anybody can trust this operator's records."""
    return f'{signer.name} namespaces="{NAMESPACES}" {signer.key.line}'


def _create(path: Path) -> None:
    """Make the key. Of two processes that do so at once, one makes it and both then read the same."""
    signer = KeySigner.generate(_default_name())
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            write_all(descriptor, signer.private_bytes(), 0)
            os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            sync_folder(path.parent)
        finally:
            os.close(descriptor)
            Path(draft).unlink()
    except OSError as problem:
        raise record_error(problem, "The signing key could not be made", path) from None


def _publish(signer: KeySigner, path: Path) -> None:
    public = path.with_suffix(".pub")
    allowed = path.with_name(paths.allowed_signers_file().name)
    try:
        if not public.exists():
            write_new(public, f"{signer.key.line} {signer.name}\n".encode("ascii"))
        known = allowed.read_bytes() if allowed.exists() else b""
        if signer.key.line.encode("ascii") not in known:
            gap = b"" if known.endswith(b"\n") or not known else b"\n"
            write_new(allowed, known + gap + allowed_signers_line(signer).encode("ascii") + b"\n")
    except OSError as problem:
        raise record_error(problem, "The public key could not be written", path.parent) from None


def _name(path: Path) -> str:
    """Return the name that the public key's comment gives, so that a new host name changes nothing."""
    public = path.with_suffix(".pub")
    try:
        words = public.read_text("utf-8", "replace").split()
    except FileNotFoundError:
        return _default_name()
    except OSError as problem:
        raise record_error(problem, "The public key could not be read", public) from None
    name = words[2] if len(words) == 3 else ""
    if not is_name(name):
        raise RecordError(
            f"{public} does not end with a name such as deploy@laptop.",
            "Write one word of letters, digits and . _ + @ - after the key, the one allowed_signers has.",
        )
    return name


def _default_name() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    name = re.sub(r"[^A-Za-z0-9._+@-]", "-", f"{user}@{socket.gethostname()}")[:128].lstrip(".+@-")
    return name if is_name(name) else "operator"
