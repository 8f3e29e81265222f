"""The secrets themselves: strong, each for one thing, none of a provider's test mode, no debugging."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from signoff.credentials.dotenv import Variable
from signoff.credentials.policy import policy_for
from signoff.credentials.rating import Verdict, provider_test_keys, rate, reused
from signoff.credentials.recognise import words
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Kind, kind_of
from signoff.message import NOTHING, Message, listed, say
from signoff.probes.base import Judgement
from signoff.probes.kit import Proves, decision, fail, passed, unknown
from signoff.probes.rated import weakness
from signoff.probes.secretfiles import (
    listing,
    on_secrets,
    readable_files,
    secrets_of,
    surroundings,
    units_of,
    variables_of,
)
from signoff.target.profile import Profile
from signoff.text import one_line


@on_secrets(
    "env.strength",
    title=say("Strength of the secrets"),
    expected=say(
        "no default or placeholder; keys of 32 bytes and 128 bits; database passwords of 16 characters"
        " of four classes, or 128 bits"
    ),
)
def strength(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each secret. What cannot be judged from here, an unused provider's key, is unknown."""
    context = surroundings(facts, profile)
    examples = (file for file in facts[ENVIRONMENT].files if file.kind is Kind.EXAMPLE)
    published = {variable.value: file.path for file, variable in variables_of(examples) if variable.value}
    secrets = secrets_of(readable_files(facts, profile))
    strong = []
    for file, variable in secrets:
        rating = rate(variable.name, variable.value, context)
        name, subject, fault = one_line(rating.name), f"{file.path}: {rating.name}", weakness(rating)
        if not fault and variable.value in published:
            fault = say("the value that stands in {path}", path=one_line(published[variable.value]))
        if not fault:
            strong.append(rating)
        elif rating.verdict is Verdict.EMPTY and not rating.own:
            observed = say("{name} is empty: whether something needs it cannot be seen from here", name=name)
            yield unknown(observed, remedy=decision(say("Set it, or take the line out.")), subject=subject)
        else:
            observed = say("{name} is {fault}", name=name, fault=fault)
            yield fail(observed, remedy=decision(_renewal(variable)), subject=subject)
    if not secrets:
        yield unknown(say("none of the variables looks like a secret"))
    elif strong:
        names, least = listing(one.name for one in strong), min(one.bits for one in strong)
        observed = say("{names}: strong, {least} bits or more", names=names, least=least)
        evidence = [say("{name}: {bits} bits", name=one_line(one.name), bits=one.bits) for one in strong]
        yield passed(observed, proves=Proves.CONFIGURED, evidence=evidence, subject="strong")


def _renewal(variable: Variable) -> Message:
    policy = policy_for(variable.name, variable.value)
    if policy.pasted:
        return policy.entails
    return say("signoff generate {kind}. {entails}", kind=policy.kind, entails=policy.entails)


@on_secrets(
    "env.reuse",
    title=say("Reuse of secrets"),
    expected=say("each key and password is used for one thing only"),
)
def reuse(facts: Facts, profile: Profile) -> list[Judgement]:
    """Judge whether variables share a value."""
    variables = _variables(facts, profile)
    anew = decision(say("Make a new one for all but one of them: signoff generate key"))
    found = [
        fail(say("{names} have the same value", names=names), remedy=anew, subject=names)
        for names in map(listing, reused(variables))
    ]
    return found or [_none(say("no two secrets have the same value"), [variables])]


def _none(observed: Message, looked_at: Iterable[Mapping[str, Secret]]) -> Judgement:
    """Pass by the variables that were looked at; unknown where there are none."""
    names = listing((name for variables in looked_at for name in variables), 40)
    return passed(observed, proves=Proves.CONFIGURED, evidence=[names] if names else [])


@on_secrets(
    "env.test-keys",
    title=say("Test keys"),
    expected=say("no test or sandbox key"),
)
def test_keys(facts: Facts, profile: Profile) -> Judgement:
    """Judge by the prefixes that providers give their test keys."""
    places = [*_places(facts, profile)]
    if names := [f"{name}{where}" for where, found in places for name in provider_test_keys(found)]:
        observed = say("{names}: a provider's test key, or the address of its sandbox", names=listing(names))
        put = say("Put in the production keys from the providers' consoles.")
        return fail(observed, remedy=decision(put))
    return _none(say("no value has the prefix of a test key"), (found for _, found in places))


_ON: Final = frozenset({"true", "yes", "on", "t", "y", "enabled"})
_DEVELOPING: Final = frozenset({"dev", "develop", "development", "local", "test", "testing", "debug"})


@on_secrets(
    "env.debug",
    title=say("Debugging and development modes"),
    expected=say("DEBUG off, the environment called production, no wildcard among the allowed hosts"),
)
def debug(facts: Facts, profile: Profile) -> Judgement:
    """Judge the switches that open a program up for developers."""
    places = [*_places(facts, profile)]
    faults = [
        say("{fault}{where}", fault=fault, where=where)
        for where, variables in places
        for name, value in variables.items()
        if (fault := _switch(one_line(name.upper()), value.reveal().strip().casefold()))
    ]
    if faults:
        off = say("Turn it off in the file, and restart the services that read it.")
        return fail(listed(faults), remedy=decision(off))
    return _none(say("no switch for debugging or development is on"), (found for _, found in places))


def _switch(name: str, value: str) -> Message:
    parts = words(name)
    on = value in _ON or (value.isdecimal() and int(value) > 0)
    if on and (parts[-1:] == ("debug",) or name == "DEBUG_MODE"):
        return say("{name} is on", name=name)
    modes = set(value.split(",")) & _DEVELOPING
    if modes and (parts[-1:] in {("env",), ("environment",)} or name == "SPRING_PROFILES_ACTIVE"):
        return say("{name} is {mode}", name=name, mode=min(modes))
    if name.endswith("ALLOWED_HOSTS") and "*" in {host.strip(" []'\"") for host in value.split(",")}:
        return say("{name} takes any host", name=name)
    return NOTHING


def _places(facts: Facts, profile: Profile) -> Iterator[tuple[Message, Mapping[str, Secret]]]:
    """Yield variables with where they are set: in the files, and in compose files and units, which go first.

    A default (``DEBUG: ${DEBUG:-1}``) counts where the files do not say otherwise.
    """
    said = _variables(facts, profile)
    yield NOTHING, said
    for compose in facts[ENVIRONMENT].compose:
        for service in compose.services if kind_of(compose.path) is Kind.LIVE else ():
            overridden = service.interpolates & said.keys()
            own = {name: value for name, value in service.environment.items() if name not in overridden}
            yield say(" in {place}", place=one_line(compose.path)), own
    for unit in units_of(facts):
        yield say(" in {place}", place=one_line(unit.name)), unit.environment


def _variables(facts: Facts, profile: Profile) -> dict[str, Secret]:
    """Return all variables of the files in use, by name; a file's name is added where two files have one."""
    found: dict[str, Secret] = {}
    for file, variable in variables_of(readable_files(facts, profile)):
        other = found.get(variable.name, variable.value) != variable.value
        found[f"{variable.name} ({one_line(file.path)})" if other else variable.name] = variable.value
    return found
