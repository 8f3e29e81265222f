"""The files with secrets: that they are there and read alike by all, and that nobody else may read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import filterfalse
from pathlib import PurePosixPath

from signoff.credentials.dotenv import EnvFile, Reader
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Environment, Kind, SecretFile
from signoff.message import NOTHING, Message, listed, say
from signoff.model import Vantage
from signoff.probes.base import Judgement
from signoff.probes.kit import Proves, decision, fail, informational, passed, unknown
from signoff.probes.remedies import ROOT, on_files, on_paths, within
from signoff.probes.secretfiles import (
    Reference,
    closed,
    foreign_files,
    listing,
    no_files,
    on_secrets,
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
_NAME_IT = decision(
    say("Where the project reads it, name it in targets.toml (env_files). Else: Ask its owner.")
)
_KEEP_ONE = decision(say("Keep one line of each: which one counts depends on the program that reads it."))
_PLAIN = decision(
    say(
        "Take a value of letters, digits, - and _ only, without quotes, blanks or a comment behind it:"
        " signoff generate key"
    )
)
_ASK = decision(say("Ask its owner."))
_AWAY = say("Move what nobody needs to where only its owner reads.")


@on_secrets(
    "env.present",
    title=say("Files with secrets"),
    expected=say("each file that something refers to is there, and has one reading"),
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
    make = say("Make it, and fill it in; or take the reference out.")
    for path in dict.fromkeys(one.path for one in known if one.required and not environment.file(one.path)):
        name, shown = PurePosixPath(path).name, one_line(path)
        by = listing(one.by for one in known if one.path == path)
        looked_for = within(path, environment.project) and (name[:4] == ".env" or ".env." in f"{name}.")
        if environment.absent.get(path, looked_for):
            remedy = on_paths("install -m 600 /dev/null", [path], make)
            yield fail(
                say("{path} is not there, and {by} reads it", path=shown, by=by), remedy=remedy, subject=path
            )
        else:
            observed = say("{by} reads {path}, which was not looked at", by=by, path=shown)
            yield unknown(observed, remedy=_NAME_IT, subject=path)


def _led_out(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Tell of links that lead out of the project: whose that file is cannot be seen."""
    for file in foreign_files(facts, profile):
        if file.kind is Kind.LIVE and within(file.path, facts[ENVIRONMENT].project):
            observed = say(
                "{path} leads out of the project, to {target}; whether the project reads it is not known",
                path=one_line(file.path),
                target=one_line(file.target),
            )
            yield unknown(observed, remedy=_NAME_IT, subject=file.path)


def _file(file: SecretFile, known: list[Reference]) -> list[Judgement]:
    """Judge one file by what it says and who reads it."""
    if file.content is None:
        return [unknown(closed(file), remedy=ROOT, subject=file.path)]
    if faults := [*_faults(file, file.content, {one.reader for one in known if one.reader})]:
        return faults
    secrets = [one.name for _, one in secrets_of([file])]
    observed = say(
        "{path}: {variables} variables, {count} of them secrets; read by {readers}",
        path=one_line(file.path),
        variables=len(file.content.variables),
        count=len(secrets),
        readers=listing(one.by for one in known) or say("nothing that was seen"),
    )
    evidence = (observed, listing(secrets))
    return [passed(observed, proves=Proves.CONFIGURED, evidence=evidence, subject=file.path)]


def _faults(file: SecretFile, content: EnvFile, readers: set[Reader]) -> Iterator[Judgement]:
    path = one_line(file.path)
    if content.broken:
        observed = say(
            "{path}: line {lines} cannot be read", path=path, lines=listing(map(str, content.broken))
        )
        mend = on_files(f"${{EDITOR:-vi}} +{content.broken[0]}", [file], say("Put it right."))
        yield fail(observed, remedy=mend, subject=f"{file.path}: lines")
    if content.repeated:
        observed = say(
            "{path}: {names} set twice, to different values", path=path, names=listing(content.repeated)
        )
        yield fail(observed, remedy=_KEEP_ONE, subject=f"{file.path}: repeated")
    for _, variable in secrets_of([file]):
        if disputed := readers.intersection(variable.disputed):
            observed = say(
                "{name} (line {line}) has another value for {readers} than for programs that read dotenv"
                " files",
                name=one_line(variable.name),
                line=variable.line,
                readers=listing(sorted(disputed)),
            )
            yield fail(observed, remedy=_PLAIN, subject=f"{file.path}: {variable.name}")


@on_secrets(
    "env.mode",
    title=say("Access to the files with secrets"),
    expected=say("mode 0600, or 0640 with the service's own group; no readable copies"),
    vantage=Vantage.HOST,
)
def mode(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge modes and owners of the files in use, of copies of them, and of the directories above."""
    environment = facts[ENVIRONMENT]
    services = {unit.user for unit in units_of(facts)}
    fault = partial(_fault, environment.members, services)
    used, others = used_files(facts, profile), foreign_files(facts, profile)
    if not used:
        yield unknown(no_files(facts).reason)
    yield from _above(environment)
    for file in (*used, *(file for file in environment.mounted if file.readable)):
        yield _access(file, fault(file))
    yield from (_draft(file.path.rpartition("/")[0]) for file in environment.files if file.is_draft)
    copies = [file for file in environment.files if file.kind is Kind.COPY and file not in (*used, *others)]
    open_ones, closed_ones = [*filter(fault, copies)], [*filterfalse(fault, copies)]
    for judged, what, files, remedy in (
        (fail, say("copies that others may read"), open_ones, on_files("chmod 600", open_ones, _AWAY)),
        (informational, say("copies that nothing reads"), closed_ones, decision(_AWAY)),
        # What is not the project's is none of its faults, and none of its business to change.
        (informational, say("files outside of the project"), [*filter(fault, others)], _ASK),
    ):
        if files:
            names = (
                f"{one.path} (a link to {one.target})" if one.path != one.target else one.path
                for one in files
            )
            observed = say("{what}: {files}", what=what, files=listing(names))
            yield judged(observed, evidence=map(_seen, files[:_SHOWN]), remedy=remedy, subject=str(what))


def _above(environment: Environment) -> Iterator[Judgement]:
    """Judge the directories above: who may write to one can replace what lies in it."""
    for one in environment.parents:
        if one.mode is not None and one.mode & 0o002 and not one.mode & 0o1000:
            remedy = on_paths("chmod o-w", [one.path], say("Let nobody else write there."))
            if not within(one.path, environment.project):
                ask = say(
                    "Ask its owner, {owner}: nobody else should write there.", owner=one_line(one.owner)
                )
                remedy = decision(listed([ask, say("Or move the project to another directory.")], " "))
            path, mode = one_line(one.path), f"{one.mode:04o}"
            observed = say("anybody may replace files in {path} ({mode})", path=path, mode=mode)
            yield fail(observed, remedy=remedy, subject=one.path)


def _draft(folder: str) -> Judgement:
    """Name what a rotation left that was cut off, by a kill or a power cut."""
    observed = say(
        "{folder} was left by a rotation that was cut off: it holds secrets, and whether the file beside it"
        " has the new ones or the old ones is not known",
        folder=one_line(folder),
    )
    remedy = say("See which values the services run with. The next rotation of the file removes it.")
    ended = say("no draft: a rotation ends done, or put back")
    return unknown(observed, remedy=decision(remedy), subject=f"{folder}: draft", expected=ended)


def _access(file: SecretFile, fault: Message) -> Judgement:
    seen = _seen(file)
    if file.access.mode is None:
        return unknown(say("{path}: its mode cannot be seen", path=one_line(file.path)), subject=file.path)
    if not fault:
        return passed(seen, proves=Proves.CONFIGURED, evidence=[seen], subject=file.path)
    remedy = on_files("chmod 600", [file], say("Close it."))
    return fail(say("{seen}: {fault}", seen=seen, fault=fault), remedy=remedy, subject=file.path)


def _seen(file: SecretFile) -> Message:
    return say(
        "{path} has mode {mode} and belongs to {owner}:{group}",
        path=one_line(file.path),
        mode=f"{file.access.mode or 0:04o}",
        owner=one_line(file.access.owner),
        group=one_line(file.access.group),
    )


def _fault(members: Mapping[str, frozenset[str]], services: set[str], file: SecretFile) -> Message:
    """Say why others may have what is in a file; nothing where they may not."""
    access, bits, folder = file.access, file.access.mode or 0, served(file.target)
    group, by_group = one_line(access.group), bits & 0o040
    unknown_group = by_group and access.group not in members
    others = listing(sorted(members.get(access.group, frozenset()) - {access.owner, "root"} - services))
    faults = {
        say("every user of the machine may read it"): bits & 0o004,
        say("every user has some right to it"): bits & 0o003,
        say("its owner is nobody in particular"): access.owner in {"nobody", "UNKNOWN"},
        say("the group {group} may change it", group=group): bits & 0o030 and not access.listed,
        say("its access control list (getfacl) lets others in"): bits & 0o070 and access.listed,
        say("who is in the group {group} cannot be told, and it may read it", group=group): unknown_group,
        say("the group {group} may read it, and so {users}", group=group, users=others): by_group and others,
        say("it lies in {folder}, a directory that web servers serve from", folder=folder): folder,
    }
    return next((fault for fault, there_is in faults.items() if there_is), NOTHING)
