"""``signoff identity``: the key that signs, and whose keys this machine believes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signoff import completion
from signoff.commands import Group
from signoff.errors import UsageError
from signoff.message import say, tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signoff.session.signer import Signer
    from signoff.session.trust import Trusted

_MAX_INPUT = 1 << 20


@click.group(cls=Group)
def identity() -> None:
    """Show and choose the key that signs your records, and trust your colleagues' keys."""


@identity.command("show")
@click.option("--line", is_flag=True, help="Only the line of allowed_signers, for a pipe or a file.")
def show(line: bool) -> None:
    """Show the key that signs: its name, fingerprint and place, and the line that an auditor wants from you.

    \b
    Examples:
      signoff identity show
      signoff identity show --line | ssh audit.example 'cat >> allowed_signers'
    """
    from signoff.session.identity import allowed_signers_line
    from signoff.terminal import signer_here

    signer = signer_here()
    if not line:
        for label, value in _described(signer):
            click.echo(f"{label:<12} {value}")
        click.echo(tr("\nFor an auditor's allowed_signers:"))
    click.echo(allowed_signers_line(signer))


@identity.command("use")
@click.argument(
    "which",
    nargs=-1,
    required=True,
    metavar="FILE | agent [SHA256:...] | own",
    shell_complete=completion.signing_keys,
)
@click.option("--name", default="", help="The name to sign under; the key's comment without it.")
def use(which: tuple[str, ...], name: str) -> None:
    """Choose the key that signs from now on: a key file, a key of your ssh-agent, or the own one.

    It signs something first, and is chosen only if that holds; a security key wants a touch, a protected file
    its passphrase. Ed25519, ECDSA and RSA (3072 bits or more) work; security keys (FIDO) through the agent.

    \b
    Examples:
      signoff identity use ~/.ssh/id_ed25519
      signoff identity use agent                    the agent's only key, or say which there are
      signoff identity use agent SHA256:cSRg... --name anna@ops
      signoff identity use own                      back to the key that signoff made
    """
    from signoff.session.choosing import use_agent, use_file, use_own
    from signoff.terminal import TerminalAttendant

    attendant = TerminalAttendant()
    match which:
        case ("own",):
            if name:
                raise UsageError(say("The own key has its name already."), say("Leave --name out."))
            signer = use_own(attendant)
        case ("agent",) | ("agent", _):
            signer = use_agent("".join(which[1:]), name, attendant)
        case (file,):
            signer = use_file(Path(file), name, attendant)
        case _:
            raise UsageError(
                say("One key signs."), say("signoff identity use FILE, or: agent SHA256:..., or: own")
            )
    click.echo(
        tr(
            "From now on {name} signs with {fingerprint}; it has just signed, and that holds.",
            name=signer.name,
            fingerprint=signer.fingerprint,
        )
    )
    click.echo(tr("Sessions that were begun with another key are sealed with that one."), err=True)
    if refusal := _refusal(signer):
        click.echo(tr("But `signoff verify` will not trust it here: {refusal}.", refusal=refusal), err=True)


@identity.command("trust")
@click.argument("given", nargs=-1, required=True, metavar="FILE_OR_LINE")
@click.option("--name", default="", help="The name to trust it under; a bare public key needs it.")
@click.option("--namespaces", default="", help="What it may sign; what signoff signs without it.")
@click.option("--valid-after", default="", metavar="TIME", help="From when on: YYYYMMDD[HHMM[SS]][Z].")
@click.option("--valid-before", default="", metavar="TIME", help="Until when; a Z at the end is UTC.")
def trust(given: tuple[str, ...], name: str, namespaces: str, valid_after: str, valid_before: str) -> None:
    """Believe records that a colleague signs: add their line to this machine's allowed_signers.

    FILE holds lines as `signoff identity show --line` prints them, or a public key (with --name); - is
    standard input. Compare the fingerprint with what your colleague sees before you rely on it.

    \b
    Examples:
      signoff identity trust anna.line
      ssh anna.example signoff identity show --line | signoff identity trust -
      signoff identity trust id_ed25519.pub --name anna@ops --valid-before 20271231Z
      signoff identity trust anna@ops ssh-ed25519 AAAA...
    """
    from signoff.session.trust import Terms, trust

    terms = Terms(name, namespaces, valid_after, valid_before)
    for trusted in trust(_lines(given), terms):
        for line in _told(trusted):
            click.echo(line)


def _refusal(signer: Signer) -> str:
    """Return why this machine's own list would not take a record by the signer; empty where it would."""
    from signoff import paths
    from signoff.session.allowed_signers import read
    from signoff.session.sshsig import RECORD
    from signoff.text import one_line

    listed = read(paths.allowed_signers_file())
    return one_line(listed.refusal(signer.name, signer.key, RECORD, datetime.now(UTC)), 400)


def _described(signer: Signer) -> Iterator[tuple[str, str]]:
    from signoff.errors import RecordError
    from signoff.session.agent import Agent
    from signoff.session.agent_signer import AgentSigner
    from signoff.session.key_file import FileSigner

    touch = tr(", in a security key: wants a touch for each signature") if signer.key.wants_touch else ""
    yield tr("name"), signer.name
    yield tr("key"), signer.fingerprint
    yield tr("kind"), f"{signer.key.kind}{touch}"
    if isinstance(signer, FileSigner):
        yield tr("file"), str(signer.path) if signer.path.exists() else tr("{path} (gone)", path=signer.path)
    try:
        has = signer.key in {one.key for one in Agent.here().listed()}
        said = tr("has it") if has else tr("does not have it")
    except RecordError as problem:
        said = problem.message
    if isinstance(signer, AgentSigner) or said == "has it":
        yield "ssh-agent", said


def _lines(given: tuple[str, ...]) -> list[str]:
    """Return the lines of a file or of standard input, or the line itself. Raises UsageError."""
    if given == ("-",):
        if sys.stdin.isatty():
            raise UsageError(say("Nothing is piped in."), say("Give a file, or the line itself."))
        text = sys.stdin.buffer.read(_MAX_INPUT).decode("utf-8", "replace")
    elif len(given) == 1 and " " not in given[0].strip():
        text = _read(Path(given[0]))
    else:
        text = " ".join(given)
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise UsageError(say("There is no line in it."), say("See: signoff identity trust --help"))
    return lines


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_INPUT).decode("utf-8", "replace")
    except OSError as problem:
        raise UsageError(
            say("{path}: {strerror}.", path=path, strerror=problem.strerror),
            say("Give a file, or the line itself; see: signoff identity trust --help"),
        ) from None


def _told(trusted: Trusted) -> Iterator[str]:
    entry = trusted.entry
    yield tr(
        "{value}: {principals}  {fingerprint}",
        value=tr("Trusted") if trusted.new else tr("Trusted already"),
        principals=entry.principals,
        fingerprint=entry.key.fingerprint,
    )
    for label, at in ((tr("from"), entry.valid_after), (tr("until"), entry.valid_before)):
        if at:
            yield f"  {label} {at:%Y-%m-%d %H:%M:%S} UTC"
    for other in trusted.others:
        yield tr("  {principals} has another key too: {other}", principals=entry.principals, other=other)
    yield f"  {trusted.line}"
