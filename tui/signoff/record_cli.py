"""What is done with a record once it is there: verifying it, having it witnessed, handing it over."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signoff import completion
from signoff.commands import Command, Group
from signoff.errors import RecordError, UsageError
from signoff.message import say, tr, translated

if TYPE_CHECKING:
    from signoff.checklist.model import Checklist, Language
    from signoff.session.state import SessionState
    from signoff.session.verdict import Verdict

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_allowed_signers = click.option(
    "--allowed-signers",
    type=_FILE,
    help="The keys you trust, in ssh-keygen's format; this machine's own without it.",
)
_revoked = click.option(
    "--revoked", type=_FILE, help="Public keys, one a line, that are not to be trusted at any time."
)
_tsa_ca = click.option(
    "--tsa-ca", type=_FILE, help="The root certificate (PEM) of the time-stamping authority you trust."
)


@click.command(cls=Command)
@click.argument("record", shell_complete=completion.session_ids)
@_allowed_signers
@_revoked
@_tsa_ca
@click.option(
    "--at",
    metavar="TIME",
    help="Judge the keys as of then, knowing that they had signed: 2026-01-02T03:04:05Z, or 20260102030405Z.",
)
@click.option("--nonce", help="The word that you, as the auditor, gave before: no other record will do.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def verify(
    record: str,
    allowed_signers: Path | None,
    revoked: Path | None,
    tsa_ca: Path | None,
    at: str | None,
    nonce: str | None,
    form: str,
) -> int:
    """Verify a record: a session's id, or the directory or archive that somebody handed you.

    Its witnesses, a time-stamp and counter-signatures, are judged with it. With --tsa-ca there has to be a
    time-stamp that holds.

    Whether your list allows a key is judged now. A time-stamp that holds proves that the operator had signed
    by then: their key is judged as of its time, so that one that has expired since passes. Without a
    time-stamp it passes only as of a --at TIME that you vouch for; a revoked key never does. The authority's
    certificate, too, is judged as of the time-stamp; whether it was revoked is not asked.

    \b
    Exit codes: 0 valid; 1 invalid, untrusted, or a witness does not hold; 2 wrong use; 3 not sealed.
    Examples:
      signoff verify latest
      signoff verify ./record --allowed-signers operators
      signoff verify signoff-20260102-030405-1a2b3c4d.tar.gz --nonce 7f3a --tsa-ca authority.pem
      signoff verify ./record --allowed-signers operators --at 2026-01-02T03:04:05Z --format json
    """
    import json

    from signoff.report.judging import judge, verified, verified_lines
    from signoff.session.when import read_time

    if nonce == "":
        raise UsageError(
            say("--nonce wants a word."), say("Leave it out to take a record with any nonce, or none.")
        )
    judged_at = read_time(at) if at is not None else None
    with _opened(record) as (directory, shown):
        verdict = judge(
            directory, allowed_signers, at=judged_at, nonce=nonce, tsa_ca=tsa_ca, revoked_keys=revoked
        )
    if form == "json":
        click.echo(json.dumps(verified(shown, verdict), indent=2))
    else:
        click.echo("\n".join(verified_lines(shown, verdict)))
    return exit_code(verdict)


def exit_code(verdict: Verdict) -> int:
    """Return the exit code that a verdict earns: with a witness that does not hold, all is not well."""
    from signoff.session.verdict import Status

    if verdict.broken:
        return 1
    return {Status.VALID: 0, Status.UNSEALED: 3, Status.NEWER: 3}.get(verdict.status, 1)


@click.command(cls=Command)
@click.argument("record", shell_complete=completion.session_ids)
@_allowed_signers
@_tsa_ca
@click.option(
    "--as", "name", metavar="NAME", help="Your name in allowed_signers; your identity's without it."
)
@click.option("--yes", is_flag=True, help="Sign without asking.")
def countersign(
    record: str, allowed_signers: Path | None, tsa_ca: Path | None, name: str | None, yes: bool
) -> int:
    """Sign somebody else's sealed record as the second person, with your own key.

    RECORD is a directory (unpack an archive first). It has to be valid by your own list of allowed signers:
    now, or as of its time-stamp, by an authority whose certificate you have. You see who made it, on what,
    what came out and what was left open; then you type yes. Your signature lies with the record afterwards:
    send it back as countersign-....sig, or the whole folder.

    \b
    Exit codes: 0 signed; 1 the record does not hold, or you did not want to; 2 wrong use.
    Examples:
      signoff countersign ./20260102-030405-1a2b3c4d --allowed-signers operators
      signoff countersign ./20260102-030405-1a2b3c4d --as ben@ops --yes
    """
    from signoff.report.judging import usual_authority
    from signoff.report.text import countersign_lines, verdict_lines
    from signoff.session import countersign as second
    from signoff.session.stock import command
    from signoff.session.store import find, read
    from signoff.session.verdict import Bearing, Witness
    from signoff.session.verify import verify as check
    from signoff.terminal import signer_here

    try:
        directory = find(record)
    except RecordError:
        if Path(record).is_file():
            raise UsageError(
                say("{record} is an archive.", record=record),
                say("Unpack it first: tar -xzf {record}", record=record),
            ) from None
        raise
    tsa_ca = tsa_ca or usual_authority(directory)
    verdict = check(directory, allowed_signers, tsa_ca=tsa_ca)
    for line in verdict_lines(verdict):
        click.echo(line)
    if reason := second.refusal(verdict):
        click.echo(tr("Not signed: {reason}.", reason=reason), err=True)
        return 1
    signer = signer_here()
    name = name or signer.name
    second.check_second(directory, verdict, signer, name)
    for line in countersign_lines(read(directory).state):
        click.echo(line)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                say("Nobody can be asked here: this is no terminal."), say("To sign without: --yes")
            )
        asked = tr(
            "Sign this record as {name} ({fingerprint})? Type yes", name=name, fingerprint=signer.fingerprint
        )
        if click.prompt(asked, default="", show_default=False, err=True).strip().lower() != "yes":
            click.echo(tr("Not signed."), err=True)
            return 1
    path = second.countersign(directory, signer, allowed_signers, name=name, tsa_ca=tsa_ca)
    click.echo(tr("signed     {path}", path=path))
    click.echo(tr("Whoever verifies needs your line of allowed_signers, from you yourself:"))
    click.echo(f"  {second.allowed_line(signer, name)}")
    click.echo(tr("and can do so without signoff:"))
    made = Witness("counter-signature", path.name, Bearing.HOLDS, name)
    click.echo(f"  {command(directory, made)}")
    return 0


@click.group(cls=Group)
def witness() -> None:
    """Have a sealed record witnessed from outside."""


@witness.command("timestamp")
@click.argument("session", metavar="ID", shell_complete=completion.session_ids)
@click.option("--tsa", metavar="URL", help="The authority's address; the one in settings.toml without it.")
@_tsa_ca
def witness_timestamp(session: str, tsa: str | None, tsa_ca: Path | None) -> None:
    """Have a time-stamping authority (RFC 3161) witness that a sealed record exists now, as it is.

    It learns a SHA-256 of the record with its seal, and nothing else. Its answer is verified with the
    authority's root certificate, which you give, and kept with the record as timestamp.tsr.

    \b
    Examples:
      signoff witness timestamp latest --tsa http://timestamp.example/tsr --tsa-ca authority.pem
      signoff witness timestamp latest              with both from settings.toml, [timestamp]
    """
    from signoff.report.summary import timestamp
    from signoff.session.store import find
    from signoff.session.verdict import Status
    from signoff.session.verify import verify as check
    from signoff.settings import load_settings
    from signoff.tsa import stamp

    settings = load_settings().timestamp
    url, authorities = tsa or settings.url, tsa_ca or settings.ca_file
    if not url:
        raise UsageError(say("Which authority?"), say("--tsa URL, or url under [timestamp] in settings.toml"))
    if authorities is None:
        raise UsageError(
            say("Whose word is to be taken? An answer that nobody vouches for is no witness."),
            say(
                "--tsa-ca FILE with the authority's root certificate, or ca under [timestamp] in "
                "settings.toml"
            ),
        )
    directory = find(session)
    verdict = check(directory)
    if not verdict.sealed or verdict.status in {Status.INVALID, Status.NEWER}:
        raise RecordError(
            say(
                "{name} is {status}: only a sealed record that holds can be stamped.",
                name=directory.name,
                status=verdict.status.value,
            ),
            say("Finish it first: signoff run --resume"),
        )
    made = stamp(directory, url, authorities)
    click.echo(f"{timestamp(made.time)}  {made.authority}")


@click.command("export", cls=Command)
@click.argument("session", metavar="ID", shell_complete=completion.session_ids)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it; signoff-<id>.tar.gz, here, without it.",
)
@click.option("--attest", is_flag=True, help="With an in-toto attestation for machines, signed by you now.")
@click.option(
    "--ledger",
    "with_ledger",
    is_flag=True,
    help="With this machine's ledger up to the record's seal: which sessions there were, not what they say.",
)
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@click.pass_obj
def export(
    language: Language, session: str, output: Path | None, attest: bool, with_ledger: bool, force: bool
) -> None:
    """Write a sealed record into one archive, to be handed to an auditor.

    It holds the record, its checklists and witnesses, a report to read, and VERIFY.md: how to verify all of
    it with ssh-keygen, sha256sum and openssl alone. Of one record it always makes the same bytes.

    \b
    Examples:
      signoff sessions export latest
      signoff sessions export 20260102-030405-1a2b3c4d --output for-the-auditor.tar.gz --attest
      signoff sessions export latest --ledger       a colleague takes it in: signoff ledger merge
    """
    from functools import partial

    from signoff.report import exporting
    from signoff.session.store import find
    from signoff.text import one_line

    directory = find(session)
    made = exporting.export(
        directory,
        output,
        language,
        attest=partial(_attestation, directory) if attest else None,
        with_ledger=with_ledger,
        force=force,
    )
    if made.remark:
        click.echo(one_line(translated(made.remark), 400), err=True)
    click.echo(made.path)
    click.echo(
        tr(
            "{files} files; tell whoever gets it your fingerprint yourself: {key}",
            files=made.files,
            key=made.key,
        ),
        err=True,
    )


def _attestation(directory: Path, state: SessionState, checklists: Sequence[Checklist]) -> bytes:
    """Return the in-toto attestation of a session, signed by its operator."""
    import hashlib

    from signoff.report.attestation import payload
    from signoff.session.bundle import JOURNAL
    from signoff.session.dsse import envelope
    from signoff.terminal import signer_here

    signer = signer_here()
    if state.genesis is None or signer.fingerprint != state.genesis.operator.key:
        raise RecordError(
            say(
                "{name} ({fingerprint}) did not make this record.",
                name=signer.name,
                fingerprint=signer.fingerprint,
            ),
            say("Only its operator attests it; leave --attest out."),
        )
    digest = hashlib.sha256((directory / JOURNAL).read_bytes()).hexdigest()
    return envelope(payload(state, checklists, digest), signer)


@contextmanager
def _opened(record: str) -> Iterator[tuple[Path, Path]]:
    """Give a record's folder, and the folder to speak of: an archive's own, once it is unpacked by hand."""
    from signoff.session.store import find

    try:
        directory = find(record)
    except RecordError:
        if not Path(record).is_file():
            raise
        from signoff.session.archive import unpacked

        with unpacked(Path(record)) as directory:
            yield directory, Path(directory.name)
    else:
        yield directory, directory
