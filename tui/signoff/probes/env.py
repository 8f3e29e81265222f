"""The files with secrets: that they are there and read alike by all, and that nobody else may read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath

from signoff.credentials.dotenv import EnvFile, Reader
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Environment, Kind, SecretFile
from signoff.facts.units import UNITS
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.remedies import ASK, command, on_files, within
from signoff.probes.secretfiles import (
    Reference,
    closed,
    foreign_files,
    listing,
    no_files,
    references,
    secrets_of,
    served,
    units_of,
    used_files,
)
from signoff.target.profile import Profile
from signoff.text import one_line

_SHOWN = 20
"""The files that are shown as evidence; all of them count."""


@probe(
    "env.present",
    title="Files with secrets",
    expected="each file that something refers to is there, and has one reading",
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def present(facts: Facts, profile: Profile) -> list[Judgement]:
    """Judge that the files are there, can be read, and mean the same to all their readers."""
    known = references(facts, profile)
    found = [*_missing(facts[ENVIRONMENT], known), *_led_out(facts, profile)]
    for file in used_files(facts, profile):
        found += _file(file, [one for one in known if one.path in {file.path, file.target}])
    if not found:
        raise no_files(facts)
    return found


def _missing(environment: Environment, known: tuple[Reference, ...]) -> Iterator[Judgement]:
    for path in dict.fromkeys(one.path for one in known if one.required):
        by = listing(one.by for one in known if one.path == path)
        if environment.file(path):
            continue
        inside = PurePosixPath(path).is_relative_to(environment.project)
        if environment.absent.get(path, inside and _looked_for(path)):
            yield Judgement(
                result=Result.FAIL,
                subject=path,
                observed=f"{one_line(path)} is not there, and {by} reads it",
                remedy=f"{command('install -m 600 /dev/null', [path])}, and fill it in; or take the reference"
                " out.",
            )
        else:
            yield Judgement(
                result=Result.UNKNOWN,
                subject=path,
                observed=f"{by} reads {one_line(path)}, which was not looked at",
                remedy="Name it in targets.toml as one of env_files.",
            )


def _led_out(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Tell of links that lead out of the project: whose that file is cannot be seen."""
    environment = facts[ENVIRONMENT]
    for file in foreign_files(facts, profile):
        if file.kind is Kind.LIVE and within(file.path, environment.project):
            yield Judgement(
                result=Result.UNKNOWN,
                subject=file.path,
                observed=f"{one_line(file.path)} leads out of the project, to {one_line(file.target)};"
                " whether the project reads it is not known",
                remedy=f"Where the project reads it, name it in targets.toml (env_files). Else: {ASK}.",
            )


def _looked_for(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.startswith(".env") or name.endswith(".env") or ".env." in name


def _file(file: SecretFile, known: list[Reference]) -> Iterator[Judgement]:
    """Judge one file by what it says and who reads it."""
    if file.content is None:
        yield Judgement(
            result=Result.UNKNOWN,
            subject=file.path,
            observed=closed(file),
            remedy="Run signoff with a user who may use sudo.",
        )
        return
    faults = [*_faults(file, file.content, {one.reader for one in known if one.reader})]
    yield from faults
    if not faults:
        by = listing(one.by for one in known)
        secrets = secrets_of([file])
        yield Judgement(
            result=Result.PASS,
            subject=file.path,
            observed=f"{one_line(file.path)}: {len(file.content.variables)} variables, {len(secrets)} of them"
            f" secrets{f'; read by {by}' if by else ''}",
        )


def _faults(file: SecretFile, content: EnvFile, readers: set[Reader]) -> Iterator[Judgement]:
    if content.broken:
        yield Judgement(
            result=Result.FAIL,
            subject=f"{file.path}: lines",
            observed=f"{one_line(file.path)}: line {listing(map(str, content.broken))} cannot be read",
            remedy=f"Put it right: {on_files(f'${{EDITOR:-vi}} +{content.broken[0]}', [file])}",
        )
    if content.repeated:
        yield Judgement(
            result=Result.FAIL,
            subject=f"{file.path}: repeated",
            observed=f"{one_line(file.path)}: {listing(content.repeated)} set twice, to different values",
            remedy="Keep one line of each: which one counts depends on the program that reads it.",
        )
    for _, variable in secrets_of([file]):
        if disputed := readers.intersection(variable.disputed):
            yield Judgement(
                result=Result.FAIL,
                subject=f"{file.path}: {variable.name}",
                observed=f"{one_line(variable.name)} (line {variable.line}) has another value for"
                f" {listing(sorted(disputed))} than for programs that read dotenv files",
                remedy="Take a value of letters, digits, - and _ only, without quotes, blanks or a comment"
                " behind it: signoff generate key",
            )


@probe(
    "env.mode",
    title="Access to the files with secrets",
    expected="mode 0600, or 0640 with the service's own group; no readable copies",
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.HOST,
)
def mode(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge modes and owners of the files in use, of copies of them, and of the directories above."""
    environment = facts[ENVIRONMENT]
    services = {unit.user for unit in units_of(facts)}
    fault = partial(_fault, environment.members, services)
    used, others = used_files(facts, profile), foreign_files(facts, profile)
    if not used:
        yield Judgement(result=Result.UNKNOWN, observed=no_files(facts).reason)
    yield from _above(environment)
    for file in (*used, *(file for file in environment.mounted if file.readable)):
        yield _access(file, fault(file))
    yield from _drafts(file for file in environment.files if file.is_draft)
    kept = (*used, *others)
    copies = [file for file in environment.files if file.kind is Kind.COPY and file not in kept]
    away = "Move what nobody needs to where only its owner reads."
    open_ones = [file for file in copies if fault(file)]
    closing = f"{on_files('chmod 600', open_ones)}\n{away}"
    yield from _together(Result.FAIL, "copies that others may read", open_ones, closing)
    rest = [file for file in copies if file not in open_ones]
    yield from _together(Result.INFORMATIONAL, "copies that nothing reads", rest, away)
    # What is not the project's is none of its faults, and none of its business to change.
    open_others = [file for file in others if fault(file)]
    yield from _together(Result.INFORMATIONAL, "files outside of the project", open_others, f"{ASK}.")


def _above(environment: Environment) -> Iterator[Judgement]:
    """Judge the directories above: who may write to one can replace what lies in it."""
    for directory in environment.parents:
        if directory.mode is None or not directory.mode & 0o002 or directory.mode & 0o1000:
            continue
        ask = f"{ASK}, {one_line(directory.owner)}: nobody else should write there. Or move the project to"
        yield Judgement(
            result=Result.FAIL,
            subject=directory.path,
            observed=f"anybody may replace files in {one_line(directory.path)} ({directory.mode:04o})",
            remedy=command("chmod o-w", [directory.path])
            if within(directory.path, environment.project)
            else f"{ask} another directory.",
        )


def _drafts(files: Iterable[SecretFile]) -> Iterator[Judgement]:
    """Name what a rotation left that was cut off, by a kill or a power cut."""
    for file in files:
        folder = file.path.rpartition("/")[0]
        yield Judgement(
            result=Result.UNKNOWN,
            subject=f"{folder}: draft",
            observed=f"{one_line(folder)} was left by a rotation that was cut off: it holds secrets, and"
            " whether the file beside it has the new ones or the old ones is not known",
            expected="no draft: a rotation ends done, or put back",
            remedy="See which values the services run with. The next rotation of the file removes it.",
        )


def _together(result: Result, what: str, files: list[SecretFile], remedy: str) -> Iterator[Judgement]:
    """Judge files that nothing of the project reads as one: there may be many."""
    if files:
        names = (
            one.path if one.target == one.path else f"{one.path} (a link to {one.target})" for one in files
        )
        yield Judgement(
            result=result,
            subject=what,
            observed=f"{what}: {listing(names)}",
            evidence=tuple(map(_seen, files[:_SHOWN])),
            remedy=remedy,
        )


def _access(file: SecretFile, fault: str) -> Judgement:
    if file.access.mode is None:
        observed = f"{one_line(file.path)}: its mode cannot be seen"
        return Judgement(result=Result.UNKNOWN, subject=file.path, observed=observed)
    if not fault:
        return Judgement(result=Result.PASS, subject=file.path, observed=_seen(file))
    return Judgement(
        result=Result.FAIL,
        subject=file.path,
        observed=f"{_seen(file)}: {fault}",
        remedy=on_files("chmod 600", [file]),
    )


def _seen(file: SecretFile) -> str:
    access = file.access
    owners = f"{one_line(access.owner)}:{one_line(access.group)}"
    return f"{one_line(file.path)} has mode {access.mode or 0:04o} and belongs to {owners}"


def _fault(members: Mapping[str, frozenset[str]], services: set[str], file: SecretFile) -> str:
    """Say why others may have what is in a file; empty where they may not."""
    access, bits, folder = file.access, file.access.mode or 0, served(file.target)
    group = one_line(access.group)
    strangers = members.get(access.group, frozenset()) - {access.owner, "root"} - services
    faults = {
        "every user of the machine may read it": bits & 0o004,
        "every user has some right to it": bits & 0o003,
        "its owner is nobody in particular": access.owner in {"nobody", "UNKNOWN"},
        f"the group {group} may change it": bits & 0o030 and not access.listed,
        "its access control list (getfacl) lets others in": bits & 0o070 and access.listed,
        f"who is in the group {group} cannot be told, and it may read it": bits & 0o040
        and access.group not in members,
        f"the group {group} may read it, and so {listing(sorted(strangers))}": bits & 0o040 and strangers,
        f"it lies in {folder}, a directory that web servers serve from": folder,
    }
    return next((fault for fault, there_is in faults.items() if there_is), "")
