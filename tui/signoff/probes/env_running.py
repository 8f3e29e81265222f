"""That the services run with today's secrets: a new one in a file counts once they are started anew.

Values are compared in memory; only the variables' names come out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from signoff.credentials.dotenv import Variable
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT, SecretFile
from signoff.facts.units import UNITS
from signoff.message import Message, listed, say
from signoff.model import Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import Proves, decision, fail, notapplicable, passed, unknown
from signoff.probes.remedies import ROOT
from signoff.probes.running import Running, blind, running
from signoff.probes.secretfiles import listing, readable_files, secrets_of, used_files
from signoff.target.profile import Profile

_NAME_THEM = decision(
    say("Name them in targets.toml (services), or check by hand that each was started after the change.")
)
_TAKE_OUT = decision(say("Take out what nothing uses. A program that reads the file itself has old values."))
_UTC = "%Y-%m-%d %H:%M:%S UTC"
_Known = Mapping[str, list[tuple[SecretFile, Variable]]]
"""The secrets that have a value, by name; two files may have one each."""


@dataclass(frozen=True, slots=True)
class _Match:
    """How a service's secrets stand to the files': names by what was seen of them."""

    same: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def stale(self) -> Message:
        """What it runs with instead of the files' values; nothing where that is not seen."""
        told = {
            say("runs with another {names} than the file's", names=listing(self.other)): self.other,
            say("runs without {names}", names=listing(self.without)): self.without,
        }
        return listed((text for text, names in told.items() if names), ", and ")


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
    hidden = dict.fromkeys(known)
    for service in services:
        match = _match(service, known)
        hidden = {name: None for name in hidden if name not in (*match.same, *match.other, *match.without)}
        yield from _judge(service, match)
    yield from _not_seen(facts, services)
    if services and hidden and all(service.seen for service in services):
        names, why = listing(hidden), say("nothing uses it, or a program reads the file itself")
        observed = say("in no service's environment: {names}; {why}", names=names, why=why)
        yield unknown(observed, remedy=_TAKE_OUT, subject="not seen")


def _not_seen(facts: Facts, services: tuple[Running, ...]) -> Iterator[Judgement]:
    """Name what may run and was not seen; raise Unavailable where nothing runs for all that was."""
    reasons = {reason: reason for reason in blind(facts)}
    if not facts.missing(UNITS) and facts[UNITS].hidden:
        reasons["other users"] = say(
            "other users' processes may not be looked into, and what runs apart from systemd and Docker would"
            " not show"
        )
    for subject, reason in reasons.items():
        observed = say("not all services were seen: {reason}", reason=reason)
        yield unknown(observed, remedy=ROOT, subject=str(subject))
    if not services and not blind(facts):
        nothing = say("no running service of the project was found (put their names into targets.toml)")
        raise Unavailable(nothing)


def _secrets(files: Iterable[SecretFile]) -> _Known:
    found = defaultdict[str, list[tuple[SecretFile, Variable]]](list)
    for file, variable in secrets_of(files):
        if variable.value:
            found[variable.name].append((file, variable))
    return found


def _match(service: Running, known: _Known) -> _Match:
    same, other, without = [], [], []
    for name, pairs in known.items():
        mine = [pair for pair in pairs if _reads(service, pair[0])]
        given = [environment[name] for environment in service.environments if name in environment]
        if instead := _instead(service, name, given, known):
            same.append(instead)
        elif not all(_is_one_of(value, mine or pairs) for value in given):
            other.append(name)
        elif given and len(given) == len(service.environments):
            same.append(name)
        elif service.whole and service.environments and mine:
            # The whole file is given to it, and this was not in it then.
            without.append(name)
    return _Match(tuple(dict.fromkeys(same)), tuple(other), tuple(without))


def _instead(service: Running, name: str, given: list[Secret], known: _Known) -> str:
    """Return the variable whose value compose gives a container under another's name, where it does.

    ``environment: {POSTGRES_PASSWORD: ${ADMIN_PASSWORD}}``: the file's own POSTGRES_PASSWORD is not meant.
    """
    filled_in = service.interpolates or frozenset()
    if service.reads or name in filled_in or not given:
        return ""
    fits = (
        one
        for one in sorted(filled_in & known.keys())
        if all(_is_one_of(value, known[one]) for value in given)
    )
    return next(fits, "")


def _reads(service: Running, file: SecretFile) -> bool:
    return bool({file.path, file.target} & service.reads)


def _is_one_of(value: Secret, pairs: Iterable[tuple[SecretFile, Variable]]) -> bool:
    return any(variable.may_be(value) for _, variable in pairs)


def _judge(service: Running, match: _Match) -> Iterator[Judgement]:
    name = service.name
    if match.stale:
        observed = say("{service} {stale}", service=name, stale=match.stale)
        yield fail(observed, remedy=service.remedy, subject=name)
    elif not service.seen:
        observed = say("{service}: its environment needs root to be read", service=name)
        yield unknown(observed, remedy=ROOT, subject=name)
    elif match.same:
        observed = say("{service} runs with the file's {names}", service=name, names=listing(match.same))
        yield passed(observed, proves=Proves.RUNNING, evidence=[observed], subject=name)


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
    known = _secrets(files)
    compared = all(file.content for file in files)
    services = running(facts, profile, frozenset(known))
    for service in services:
        mine = [file for file in files if _reads(service, file)] or files
        match = _match(service, known) if compared else _Match()
        if service.apart and compared and not match.same and not match.other:
            observed = say("{service} is given none of the secrets", service=service.name)
            yield notapplicable(observed, subject=service.name)
        else:
            yield _since(service, mine, match, compared=compared)
    yield from _not_seen(facts, services)


def _since(service: Running, files: Iterable[SecretFile], match: _Match, *, compared: bool) -> Judgement:
    name, started = service.name, service.started
    changed = max((file.changed for file in files if file.changed), default=None)
    touched = max((file.touched for file in files if file.touched), default=None)
    if started is None or changed is None or touched is None:
        observed = say("{service}: when it started, or when the file changed, cannot be seen", service=name)
        return unknown(observed, remedy=_NAME_THEM, subject=name)
    at, then = f"{started:{_UTC}}", f"{changed:{_UTC}}"
    times = say("{service} started {at}, the file changed {then}", service=name, at=at, then=then)
    proved = match.same and service.seen and not match.stale
    if match.stale or (started < changed and not proved):
        observed = listed(filter(None, (times, match.stale)), ", and ")
        return fail(observed, remedy=service.remedy, subject=name)
    if started < touched and not proved:
        # cp -p and mv leave an old time of change on a new content; chmod leaves a new time on an old one.
        touch = say("it was touched {touched}, and its content perhaps too", touched=f"{touched:{_UTC}}")
        return unknown(listed((times, touch)), remedy=service.remedy, subject=name)
    if service.container and not compared:
        made = say("but it has the values that it was made with, and the file's cannot be read without root")
        return unknown(listed((times, made)), remedy=ROOT, subject=name)
    if started < changed:
        times = say("{times}, with the values that it runs with", times=times)
    return passed(times, proves=Proves.RUNNING, evidence=[times], subject=name)
