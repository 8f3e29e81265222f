"""That the services run with today's secrets: a new one in a file counts once they are started anew.

Values are compared in memory; only the variables' names come out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from signoff.credentials.dotenv import Variable
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT, SecretFile
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.running import Running, blind, running
from signoff.probes.secretfiles import listing, readable_files, secrets_of, used_files
from signoff.target.profile import Profile

_ROOT = decision(say("Run signoff with a user who may use sudo."))
_NOTHING_RUNS = say("no running service of the project was found (put their names into targets.toml)")
_NAME_THEM = decision(
    say("Name them in targets.toml (services), or check by hand that each was started after the change.")
)


@dataclass(frozen=True, slots=True)
class _Match:
    """How a service's secrets stand to the files': names by what was seen of them."""

    same: tuple[str, ...]
    other: tuple[str, ...]
    without: tuple[str, ...]


@probe(
    "env.running",
    title=say("Secrets of the running services"),
    expected=say("each service's environment holds the files' values"),
    needs=(ENVIRONMENT, UNITS, CONTAINERS),
    vantage=Vantage.HOST,
)
def values(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each running service, then name the secrets that none of them shows."""
    known = _secrets(readable_files(facts, profile))
    services = running(facts, profile, frozenset(known))
    shown: set[str] = set()
    for service in services:
        match = _match(service, known)
        shown.update(match.same, match.other, match.without)
        yield from _judge(service, match)
    yield from _not_seen(facts)
    hidden = [name for name in known if name not in shown]
    if not services:
        if not blind(facts):
            raise Unavailable(_NOTHING_RUNS)
    elif hidden and all(service.seen for service in services):
        yield Judgement(
            result=Result.UNKNOWN,
            subject="not seen",
            observed=say(
                "in no service's environment: {listing}; nothing uses it, or a program reads the file itself",
                listing=listing(hidden),
            ),
            remedy=decision(
                say("Take out what nothing uses. A program that reads the file itself has old values.")
            ),
        )


def _not_seen(facts: Facts) -> Iterator[Judgement]:
    for reason in blind(facts):
        observed = say("not all services were seen: {reason}", reason=reason)
        yield Judgement(result=Result.UNKNOWN, subject=reason, observed=observed, remedy=_ROOT)
    if not facts.missing(UNITS) and facts[UNITS].hidden:
        observed = say(
            "not all services were seen: other users' processes may not be looked into, and what "
            "runs apart from systemd and Docker would not show"
        )
        yield Judgement(result=Result.UNKNOWN, subject="other users", observed=observed, remedy=_ROOT)


def _secrets(files: tuple[SecretFile, ...]) -> Mapping[str, tuple[tuple[SecretFile, Variable], ...]]:
    """Return the secrets that have a value, by name; two files may have one each."""
    found = defaultdict[str, list[tuple[SecretFile, Variable]]](list)
    for file, variable in secrets_of(files):
        if variable.value:
            found[variable.name].append((file, variable))
    return {name: tuple(pairs) for name, pairs in found.items()}


def _match(service: Running, known: Mapping[str, tuple[tuple[SecretFile, Variable], ...]]) -> _Match:
    same, other, without = [], [], []
    for name, pairs in known.items():
        mine = [pair for pair in pairs if _reads(service, pair[0])] or pairs
        given = [environment[name] for environment in service.environments if name in environment]
        if instead := _instead(service, name, given, known):
            same.append(instead)
        elif any(not _is_one_of(value, mine) for value in given):
            other.append(name)
        elif given and len(given) == len(service.environments):
            same.append(name)
        elif service.whole and service.environments and any(_reads(service, file) for file, _ in pairs):
            # The whole file is given to it, and this was not in it then.
            without.append(name)
    return _Match(tuple(dict.fromkeys(same)), tuple(other), tuple(without))


def _instead(
    service: Running,
    name: str,
    given: list[Secret],
    known: Mapping[str, tuple[tuple[SecretFile, Variable], ...]],
) -> str:
    """Return the variable whose value compose gives a container under another's name, where it does.

    ``environment: {POSTGRES_PASSWORD: ${ADMIN_PASSWORD}}``: the file's own POSTGRES_PASSWORD is not meant.
    """
    if service.interpolates is None or name in service.interpolates or service.reads or not given:
        return ""
    return next(
        (
            one
            for one in sorted(service.interpolates & known.keys())
            if all(_is_one_of(value, known[one]) for value in given)
        ),
        "",
    )


def _reads(service: Running, file: SecretFile) -> bool:
    return bool({file.path, file.target} & service.reads)


def _is_one_of(value: Secret, pairs: Iterable[tuple[SecretFile, Variable]]) -> bool:
    return any(variable.may_be(value) for _, variable in pairs)


def _judge(service: Running, match: _Match) -> Iterator[Judgement]:
    if match.other or match.without:
        parts = []
        if match.other:
            parts.append(f"runs with another {listing(match.other)} than the file's")
        if match.without:
            parts.append(f"runs without {listing(match.without)}")
        yield Judgement(
            result=Result.FAIL,
            subject=service.name,
            observed=say("{name} {parts}", name=service.name, parts=", and ".join(parts)),
            remedy=service.remedy,
        )
    elif not service.seen:
        yield Judgement(
            result=Result.UNKNOWN,
            subject=service.name,
            observed=say("{name}: its environment needs root to be read", name=service.name),
            remedy=_ROOT,
        )
    elif match.same:
        yield Judgement(
            result=Result.PASS,
            subject=service.name,
            observed=say(
                "{name} runs with the file's {listing}", name=service.name, listing=listing(match.same)
            ),
        )


@probe(
    "env.restarted",
    title=say("Restart since the secrets' last change"),
    expected=say("each service started after its files' last change"),
    needs=(ENVIRONMENT, UNITS, CONTAINERS),
    vantage=Vantage.HOST,
)
def restarted(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each running service by its start and its files' times, and by its values where they are seen."""
    files = used_files(facts, profile)
    readable = tuple(file for file in files if file.content)
    known = _secrets(readable)
    services = running(facts, profile, frozenset(known))
    for service in services:
        mine = tuple(file for file in files if _reads(service, file)) or files
        yield _since(service, mine, _match(service, known) if len(readable) == len(files) else None)
    yield from _not_seen(facts)
    if not services and not blind(facts):
        raise Unavailable(_NOTHING_RUNS)


def _since(service: Running, files: tuple[SecretFile, ...], match: _Match | None) -> Judgement:
    changed = max((file.changed for file in files if file.changed), default=None)
    touched = max((file.touched for file in files if file.touched), default=None)
    if service.apart and match is not None and not match.same and not match.other:
        observed = say("{name} is given none of the secrets", name=service.name)
        return Judgement(result=Result.NOTAPPLICABLE, subject=service.name, observed=observed)
    if service.started is None or changed is None or touched is None:
        return Judgement(
            result=Result.UNKNOWN,
            subject=service.name,
            observed=say(
                "{name}: when it started, or when the file changed, cannot be seen", name=service.name
            ),
            remedy=_NAME_THEM,
        )
    times = f"started {_utc(service.started)}, the file changed {_utc(changed)}"
    stale = match is not None and bool(match.other or match.without)
    proved = match is not None and bool(match.same) and service.seen and not stale
    if stale or (service.started < changed and not proved):
        reason = ", and runs with other values than the file's" if stale else ""
        return Judgement(
            result=Result.FAIL,
            subject=service.name,
            observed=say("{name} {times}{reason}", name=service.name, times=times, reason=reason),
            remedy=service.remedy,
        )
    if service.started < touched and not proved:
        # cp -p and mv leave an old time of change on a new content; chmod leaves a new time on an old one.
        return Judgement(
            result=Result.UNKNOWN,
            subject=service.name,
            observed=say(
                "{name} {times}; it was touched {utc}, and its content perhaps too",
                name=service.name,
                times=times,
                utc=_utc(touched),
            ),
            remedy=service.remedy,
        )
    if service.container and match is None:
        return Judgement(
            result=Result.UNKNOWN,
            subject=service.name,
            observed=say(
                "{name} {times}; but it has the values that it was made with, and the file's cannot "
                "be read without root",
                name=service.name,
                times=times,
            ),
            remedy=_ROOT,
        )
    same = ", with the values that it runs with" if service.started < changed else ""
    return Judgement(
        result=Result.PASS,
        subject=service.name,
        observed=say("{name} {times}{same}", name=service.name, times=times, same=same),
    )


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
