"""The operator's key: one of their own that settings.toml names, or one made for signoff on first use."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
import tempfile
from pathlib import Path

from signoff import own_files, paths
from signoff.durable import sync_folder, write_all, write_new
from signoff.errors import RecordError, SignoffError, UsageError
from signoff.message import say
from signoff.session.agent import Agent, AgentError
from signoff.session.agent_signer import AgentSigner
from signoff.session.events import is_name
from signoff.session.files import make_folder, record_error
from signoff.session.key_file import FileSigner, Passphrase, public_half
from signoff.session.keys import PublicKey
from signoff.session.signer import Attendant, KeySigner, Signer
from signoff.session.trust import append, signers_line
from signoff.session.wire import SignatureError
from signoff.settings import Identity, load_settings


def in_use(attendant: Attendant) -> Signer:
    """Return the signer that settings.toml names; the own key, made on first use, where it names none.

    No passphrase is asked for yet, and no agent is asked. Raises UsageError, RecordError.
    """
    chosen = load_settings().identity
    return signer_of(chosen, attendant) if chosen else load_or_create(attendant.passphrase)


def signer_of(chosen: Identity, attendant: Attendant) -> Signer:
    """Return the signer that settings name. Raises UsageError."""
    place = f"{paths.settings_file()}: [identity]"
    try:
        key = PublicKey.from_line(chosen.key)
        key.check()
    except SignatureError as problem:
        raise UsageError(
            say("{place} key: {problem}.", place=place, problem=problem),
            say("Choose the key anew: signoff identity use"),
        ) from None
    if not is_name(chosen.name):
        raise UsageError(
            say("{place} name: this cannot be an operator's name.", place=place),
            say("Use letters, digits, . _ + @ -"),
        )
    if chosen.file:
        return FileSigner(chosen.name, key, Path(chosen.file).expanduser(), attendant.passphrase)
    return AgentSigner(chosen.name, key, attendant)


def load_or_create(passphrase: Passphrase | None = None, *, path: Path | None = None) -> FileSigner:
    """Return the signer with the own key; make the key on first use. Raises RecordError.

    The key lies at ``path`` (``paths.identity_file()``), mode 0600 in a folder 0700, its public half beside
    it. It gets a line in this machine's own allowed_signers, in the same folder; a line that the operator
    has commented out is left so. A key whose public half alone is left is not made anew: what it has begun,
    no other could seal.
    """
    path = path or paths.identity_file()
    make_folder(path.parent)
    public = path.with_suffix(".pub")
    if not path.exists() and not public.exists():
        _create(path)
    name, known = _public(public)
    key = public_half(path) if path.exists() or known is None else known
    if known not in {None, key}:
        raise RecordError(
            say("{public} is not the public half of {name}.", public=public, name=path.name),
            say("Move it aside, and it is written anew."),
        )
    if known is None:
        _write_public(public, name, key)
    publish(name, key, path.with_name(paths.allowed_signers_file().name))
    return FileSigner(name, key, path, passphrase)


def allowed_signers_line(signer: Signer) -> str:
    """Return the line by which anybody can trust this operator's records."""
    return signers_line(signer.name, signer.key)


def publish(name: str, key: PublicKey, path: Path | None = None) -> None:
    """Have this machine trust a key of its own operator, unless its list has the two in a line already."""
    path = path or paths.allowed_signers_file()
    own_files.check(path)
    try:
        known = path.read_bytes() if path.exists() else b""
    except OSError as problem:
        raise record_error(problem, say("The allowed signers could not be read"), path) from None
    words = (name.encode("ascii"), key.line.encode("ascii"))
    if not any(all(word in line for word in words) for line in known.split(b"\n")):
        append(path, [signers_line(name, key)])


def way_back(fingerprint: str) -> str:
    """Return how the operator turns to another key of theirs."""
    with contextlib.suppress(SignoffError):
        _, own = _public(paths.identity_file().with_suffix(".pub"))
        if own and own.fingerprint == fingerprint:
            return "signoff identity use own"
    with contextlib.suppress(AgentError):
        if any(one.key.fingerprint == fingerprint for one in Agent.here().listed()):
            return f"signoff identity use agent {fingerprint}"
    return say(
        "signoff identity use FILE, or signoff identity use agent {fingerprint}", fingerprint=fingerprint
    )


def default_name() -> str:
    """Return the operator's name where they gave none: the own key's, or who and where they are."""
    name, _ = _public(paths.identity_file().with_suffix(".pub"))
    return name


def _create(path: Path) -> None:
    """Make the key. Of two processes that do so at once, one makes it and both then read the same."""
    signer = KeySigner.generate(_whoami())
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
        raise record_error(problem, say("The signing key could not be made"), path) from None


def _write_public(public: Path, name: str, key: PublicKey) -> None:
    try:
        write_new(public, f"{key.line} {name}\n".encode("ascii"))
    except OSError as problem:
        raise record_error(problem, say("The public key could not be written"), public) from None


def _public(public: Path) -> tuple[str, PublicKey | None]:
    """Return the own key's public half and its name, which a new host name does not change."""
    try:
        own_files.judge(public)
        text = public.read_text("utf-8", "replace")
    except FileNotFoundError:
        return _whoami(), None
    except OSError as problem:
        raise record_error(problem, say("The public key could not be read"), public) from None
    words = text.split()
    name = words[2] if len(words) == 3 else ""
    if not is_name(name):
        raise RecordError(
            say("{public} does not end with a name such as deploy@laptop.", public=public),
            say(
                "Write one word of letters, digits and . _ + @ - after the key, the one allowed_signers has."
            ),
        )
    try:
        return name, PublicKey.from_line(text.strip())
    except SignatureError as problem:
        raise RecordError(
            say("{public}: {problem}.", public=public, problem=problem),
            say("Move it aside, and it is written anew."),
        ) from None


def _whoami() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    name = re.sub(r"[^A-Za-z0-9._+@-]", "-", f"{user}@{socket.gethostname()}")[:128].lstrip(".+@-")
    return name if is_name(name) else "operator"
