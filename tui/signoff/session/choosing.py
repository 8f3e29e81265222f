"""Choosing the key to sign with: it has to sign something first, then settings.toml remembers it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from signoff import paths
from signoff.durable import write_new
from signoff.errors import UsageError
from signoff.message import Message, listed, say
from signoff.session.agent import Agent, AgentKey
from signoff.session.events import is_name
from signoff.session.files import make_folder, record_error
from signoff.session.identity import default_name, load_or_create, publish, signer_of
from signoff.session.key_file import public_half
from signoff.session.keys import PublicKey
from signoff.session.signer import Attendant, Signer, sign
from signoff.session.sshsig import TRIAL
from signoff.session.wire import SignatureError
from signoff.settings import Identity, load_settings
from signoff.text import one_line

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def use_own(attendant: Attendant) -> Signer:
    """Turn back to the own key. Raises RecordError, UsageError."""
    signer = load_or_create(attendant.passphrase)
    _prove(signer)
    _remember(None)
    return signer


def use_file(path: Path, name: str, attendant: Attendant) -> Signer:
    """Choose a key file. Raises RecordError, UsageError."""
    path = path.expanduser().absolute()
    key = public_half(path)
    return _use(Identity(_name(name, _comment(path, key)), key.line, str(path)), attendant)


def use_agent(fingerprint: str, name: str, attendant: Attendant) -> Signer:
    """Choose a key that the agent has; without a fingerprint its only one. Raises RecordError, UsageError."""
    usable = [one for one in Agent.here().listed() if _is_usable(one.key)]
    found = [one for one in usable if fingerprint in {"", one.key.fingerprint}]
    if len(found) != 1:
        wrong = (
            say("has no usable key {fingerprint}", fingerprint=one_line(fingerprint, 60))
            if fingerprint
            else say("has more than one key")
        )
        raise UsageError(
            say("Your ssh-agent {wrong}.", wrong=wrong if usable else say("has no usable key")),
            _choice(usable),
        )
    (chosen,) = found
    return _use(Identity(_name(name, chosen.comment), chosen.key.line), attendant)


def _choice(usable: list[AgentKey]) -> Message:
    if not usable:
        return say("Add one with ssh-add; `ssh-add -l` lists what is there.")
    lines = (f"  {one.key.fingerprint}  {one.key.kind}  {one_line(one.comment, 40)}" for one in usable)
    return listed((say("signoff identity use agent SHA256:..., of these:"), *lines), "\n")


def _is_usable(key: PublicKey) -> bool:
    try:
        key.check()
    except SignatureError:
        return False
    return True


def _name(asked: str, comment: str) -> str:
    if asked and not is_name(asked):
        raise UsageError(
            say("{asked} cannot be a name.", asked=repr(one_line(asked, 40))),
            say("Use letters, digits, . _ + @ -"),
        )
    return asked or (comment if is_name(comment) else default_name())


def _comment(path: Path, key: PublicKey) -> str:
    """Return the comment of the public half beside a key file, where there is one."""
    try:
        text = path.with_name(f"{path.name}.pub").read_text("utf-8", "replace").strip()
        return text.split(maxsplit=2)[2] if PublicKey.from_line(text) == key else ""
    except (OSError, SignatureError, IndexError):
        return ""


def _use(chosen: Identity, attendant: Attendant) -> Signer:
    signer = signer_of(chosen, attendant)
    _prove(signer)
    publish(signer.name, signer.key)
    _remember(chosen)
    return signer


def _prove(signer: Signer) -> None:
    """Have it sign something that means nothing; the signature is verified. Raises RecordError."""
    signer.ready()
    sign(signer, TRIAL, secrets.token_bytes(32))


def _remember(chosen: Identity | None) -> None:
    """Write the choice into settings.toml; the rest of the file stays as it is."""
    import tomlkit

    load_settings()
    path = paths.settings_file()
    make_folder(path.parent)
    try:
        path = path.resolve()
        document: TOMLDocument = tomlkit.parse(path.read_text("utf-8") if path.exists() else "")
        if chosen is None:
            document.pop("identity", None)
        else:
            table: Any = tomlkit.table()
            table.update(msgspec.to_builtins(chosen))
            document["identity"] = table
        write_new(path, tomlkit.dumps(document).encode("utf-8"))
    except OSError as problem:
        raise record_error(problem, say("The settings could not be written"), path) from None
