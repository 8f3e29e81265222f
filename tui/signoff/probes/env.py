"""The files with secrets: that they are there and read alike by all, and that nobody else may read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from signoff.credentials.recognise import secret_like
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Access, Environment, Kind, SecretFile
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.remedies import ASK, command, on_files, within
from signoff.probes.secretfiles import (
    Reference,
    closed,
    foreign_files,
    listing,
    no_files,
    readers,
    references,
    secrets_of,
    served,
    used_files,
)
from signoff.target.profile import Profile
from signoff.text import one_line

_SHOWN = 20
"""The files that are shown as evidence; all of them count."""


@probe(
    "env.present",
    title=say("Files with secrets"),
    expected=say("each file that something refers to is there, and has one reading"),
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def present(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge that the files are there, can be read, and mean the same to all their readers."""
    environment = facts[ENVIRONMENT]
    known = references(facts, profile)
    missing = tuple(_missing(environment, known))
    used = used_files(facts, profile)
    led_out = tuple(_led_out(facts, profile))
    if not missing and not used and not led_out:
        raise no_files(facts)
    yield from missing
    yield from led_out
    for file in used:
        yield from _file(file, environment, known)


def _missing(environment: Environment, known: tuple[Reference, ...]) -> Iterator[Judgement]:
    for path in dict.fromkeys(one.path for one in known if one.required):
        by = listing(dict.fromkeys(one.by for one in known if one.path == path))
        if environment.file(path):
            continue
        inside = PurePosixPath(path).is_relative_to(environment.project)
        if environment.absent.get(path, inside and _looked_for(path)):
            yield Judgement(
                result=Result.FAIL,
                subject=path,
                observed=say("{path} is not there, and {by} reads it", path=one_line(path), by=by),
                remedy=decision(
                    say(
                        "{command}, and fill it in; or take the reference out.",
                        command=command("install -m 600 /dev/null", [path]),
                    )
                ),
            )
        else:
            yield Judgement(
                result=Result.UNKNOWN,
                subject=path,
                observed=say("{by} reads {path}, which was not looked at", by=by, path=one_line(path)),
                remedy=decision(say("Name it in targets.toml as one of env_files.")),
            )


def _led_out(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Tell of links that lead out of the project: whose that file is cannot be seen."""
    environment = facts[ENVIRONMENT]
    for file in foreign_files(facts, profile):
        if file.kind is Kind.LIVE and within(file.path, environment.project):
            yield Judgement(
                result=Result.UNKNOWN,
                subject=file.path,
                observed=say(
                    "{path} leads out of the project, to {target}; whether the project reads it is not known",
                    path=one_line(file.path),
                    target=one_line(file.target),
                ),
                remedy=decision(
                    say(
                        "Where the project reads it, name it in targets.toml (env_files). Else: {ask}.",
                        ask=ASK,
                    )
                ),
            )


def _looked_for(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.startswith(".env") or name.endswith(".env") or ".env." in name


def _file(file: SecretFile, environment: Environment, known: tuple[Reference, ...]) -> Iterator[Judgement]:
    if file.content is None:
        yield Judgement(
            result=Result.UNKNOWN,
            subject=file.path,
            observed=closed(file),
            remedy=decision(say("Run signoff with a user who may use sudo.")),
        )
        return
    faults = [*_faults(file, environment, known)]
    yield from faults
    if not faults:
        by = listing(dict.fromkeys(one.by for one in known if one.path in {file.path, file.target}))
        secrets = secrets_of([file])
        yield Judgement(
            result=Result.PASS,
            subject=file.path,
            observed=say(
                "{path}: {count} variables, {count2} of them secrets{value}",
                path=one_line(file.path),
                count=len(file.content.variables),
                count2=len(secrets),
                value=f"; read by {by}" if by else "",
            ),
        )


def _faults(file: SecretFile, environment: Environment, known: tuple[Reference, ...]) -> Iterator[Judgement]:
    content = file.content
    if content is None:
        return
    if content.broken:
        yield Judgement(
            result=Result.FAIL,
            subject=f"{file.path}: lines",
            observed=say(
                "{path}: line {listing} cannot be read",
                path=one_line(file.path),
                listing=listing(map(str, content.broken)),
            ),
            remedy=decision(
                say(
                    "Put it right: {on_files}",
                    on_files=on_files(f"${{EDITOR:-vi}} +{content.broken[0]}", [file]),
                )
            ),
        )
    if content.repeated:
        yield Judgement(
            result=Result.FAIL,
            subject=f"{file.path}: repeated",
            observed=say(
                "{path}: {listing} set twice, to different values",
                path=one_line(file.path),
                listing=listing(content.repeated),
            ),
            remedy=decision(
                say("Keep one line of each: which one counts depends on the program that reads it.")
            ),
        )
    actual = readers(file, environment, known)
    for variable in content.variables.values():
        disputed = actual.intersection(variable.disputed)
        if disputed and secret_like(variable.name, variable.value):
            yield Judgement(
                result=Result.FAIL,
                subject=f"{file.path}: {variable.name}",
                observed=say(
                    "{name} (line {line}) has another value for {listing} than for programs that read "
                    "dotenv files",
                    name=one_line(variable.name),
                    line=variable.line,
                    listing=listing(sorted(disputed)),
                ),
                remedy=decision(
                    say(
                        "Take a value of letters, digits, - and _ only, without quotes, blanks or a comment "
                        "behind it: signoff generate key"
                    )
                ),
            )


@probe(
    "env.mode",
    title=say("Access to the files with secrets"),
    expected=say("mode 0600, or 0640 with the service's own group; no readable copies"),
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.HOST,
)
def mode(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge modes and owners of the files in use, of copies of them, and of the directories above."""
    environment = facts[ENVIRONMENT]
    users = {unit.user for unit in facts[UNITS].units} if not facts.missing(UNITS) else set()
    used = used_files(facts, profile)
    if not used:
        yield Judgement(result=Result.UNKNOWN, observed=no_files(facts).reason)
    for directory in environment.parents:
        if directory.mode is not None and directory.mode & 0o002 and not directory.mode & 0o1000:
            yield Judgement(
                result=Result.FAIL,
                subject=directory.path,
                observed=say(
                    "anybody may replace files in {path} ({mode})",
                    path=one_line(directory.path),
                    mode=format(directory.mode, "04o"),
                ),
                remedy=_close_directory(directory, environment),
            )
    for file in used:
        yield _access(file, environment, users)
    for file in environment.mounted:
        if file.readable:
            yield _access(file, environment, users)
    yield from _drafts(file for file in environment.files if file.is_draft)
    copies = [file for file in environment.files if file.kind is Kind.COPY and file not in used]
    others = foreign_files(facts, profile)
    yield from _copies([file for file in copies if file not in others], environment, users)
    yield from _foreign([file for file in others if _fault(file, environment, users)])


def _close_directory(directory: Access, environment: Environment) -> str:
    if within(directory.path, environment.project):
        return command("chmod o-w", [directory.path])
    owner = one_line(directory.owner)
    return f"{ASK}, {owner}: nobody else should write there. Or move the project to another directory."


def _drafts(files: Iterable[SecretFile]) -> Iterator[Judgement]:
    """Name what a rotation left that was cut off, by a kill or a power cut."""
    for file in files:
        folder = file.path.rpartition("/")[0]
        yield Judgement(
            result=Result.UNKNOWN,
            subject=f"{folder}: draft",
            observed=say(
                "{folder} was left by a rotation that was cut off: it holds secrets, and whether the "
                "file beside it has the new ones or the old ones is not known",
                folder=one_line(folder),
            ),
            expected=say("no draft: a rotation ends done, or put back"),
            remedy=decision(
                say("See which values the services run with. The next rotation of the file removes it.")
            ),
        )


def _copies(files: list[SecretFile], environment: Environment, services: set[str]) -> Iterator[Judgement]:
    """Judge what lies in the project and nothing reads."""
    open_ones = [file for file in files if _fault(file, environment, services)]
    closed_ones = [file for file in files if file not in open_ones]
    away = decision(say("Move what nobody needs to where only its owner reads."))
    if open_ones:
        yield Judgement(
            result=Result.FAIL,
            subject="copies that others may read",
            observed=_told("files with secrets that others may read", open_ones),
            evidence=_evidence(open_ones),
            remedy=decision(say("{on_files}\n{away}", on_files=on_files("chmod 600", open_ones), away=away)),
        )
    if closed_ones:
        yield Judgement(
            result=Result.INFORMATIONAL,
            subject="copies that nothing reads",
            observed=_told("files with secrets that nothing reads", closed_ones),
            evidence=_evidence(closed_ones),
            remedy=away,
        )


def _foreign(files: list[SecretFile]) -> Iterator[Judgement]:
    """Tell of what is not the project's: it is none of its faults, and none of its business to change."""
    if files:
        yield Judgement(
            result=Result.INFORMATIONAL,
            subject="files outside of the project",
            observed=_told("outside of the project, files with secrets that others may read", files),
            expected=say("nothing: they are not the project's"),
            evidence=_evidence(files),
            remedy=decision(say("{ask}.", ask=ASK)),
        )


def _told(what: str, files: list[SecretFile]) -> str:
    return f"{what}: {listing(_led(file) for file in files)}"


def _led(file: SecretFile) -> str:
    return file.path if file.target == file.path else f"{file.path} (a link to {file.target})"


def _evidence(files: list[SecretFile]) -> tuple[str, ...]:
    more = f"and {len(files) - _SHOWN} more"
    return (*(_seen(file) for file in files[:_SHOWN]), *([more] if len(files) > _SHOWN else []))


def _access(file: SecretFile, environment: Environment, services: set[str]) -> Judgement:
    if file.access.mode is None:
        observed = say("{path}: its mode cannot be seen", path=one_line(file.path))
        return Judgement(result=Result.UNKNOWN, subject=file.path, observed=observed)
    fault = _fault(file, environment, services)
    if not fault:
        return Judgement(result=Result.PASS, subject=file.path, observed=_seen(file))
    return Judgement(
        result=Result.FAIL,
        subject=file.path,
        observed=say("{seen}: {fault}", seen=_seen(file), fault=fault),
        remedy=on_files("chmod 600", [file]),
    )


def _seen(file: SecretFile) -> str:
    access = file.access
    owners = f"{one_line(access.owner)}:{one_line(access.group)}"
    return f"{one_line(file.path)} has mode {access.mode or 0:04o} and belongs to {owners}"


def _fault(file: SecretFile, environment: Environment, services: set[str]) -> str:
    return _too_open(file.access, environment, services) or _wrong_place(file)


def _too_open(access: Access, environment: Environment, services: set[str]) -> str:
    bits = access.mode or 0
    if bits & 0o007:
        return "every user of the machine may read it" if bits & 0o004 else "every user has some right to it"
    if access.owner in {"nobody", "UNKNOWN"}:
        return "its owner is nobody in particular"
    if bits & 0o030 and not access.listed:
        return f"the group {one_line(access.group)} may change it"
    if bits & 0o070 and access.listed:
        return "its access control list (getfacl) lets others in"
    if bits & 0o040:
        strangers = environment.members.get(access.group, frozenset()) - {access.owner, "root"} - services
        if access.group not in environment.members:
            return f"who is in the group {one_line(access.group)} cannot be told, and it may read it"
        if strangers:
            return f"the group {one_line(access.group)} may read it, and so {listing(sorted(strangers))}"
    return ""


def _wrong_place(file: SecretFile) -> str:
    folder = served(file.target)
    return f"it lies in {folder}, a directory that web servers serve from" if folder else ""
