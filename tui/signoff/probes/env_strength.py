"""The secrets themselves: strong, each for one thing, none of a provider's test mode, no debugging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from signoff.credentials.rating import Verdict, provider_test_keys, rate, reused
from signoff.credentials.recognise import Form, words
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Kind, kind_of
from signoff.facts.units import UNITS
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.rated import weakness
from signoff.probes.secretfiles import (
    listing,
    readable_files,
    secrets_of,
    surroundings,
    units_of,
    variables_of,
)
from signoff.target.profile import Profile
from signoff.text import one_line

_GENERATE: Final = {
    Form.KEY: "signoff generate key. A new key ends sessions; where it encrypts data, old data is lost.",
    Form.DJANGO: "signoff generate django. A new key ends sessions and password-reset links.",
    Form.JWT: "signoff generate jwt. A new key ends all sessions.",
    Form.FERNET: "signoff generate fernet. Decrypt first with the old key what it encrypted.",
    Form.POSTGRES: "signoff generate postgres. Alter the role in the database first, then the file: the file"
    " alone changes nothing in a database that is there already.",
    Form.REDIS: "signoff generate redis. Set it in Redis (requirepass, or its ACL file) and in the file.",
    Form.PASSWORD: "signoff generate password. Set it where the account is, and in the file.",
    Form.ISSUED: "Have the provider issue a new one, and revoke this one.",
}


@probe(
    "env.strength",
    title="Strength of the secrets",
    expected="no default or placeholder; keys of 32 bytes and 128 bits; database passwords of 16 characters"
    " of four classes, or 128 bits",
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def strength(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each secret. What cannot be judged from here, an unused provider's key, is unknown."""
    context = surroundings(facts, profile)
    examples = (file for file in facts[ENVIRONMENT].files if file.kind is Kind.EXAMPLE)
    published = {variable.value: file.path for file, variable in variables_of(examples) if variable.value}
    ratings, strong = [], []
    for file, variable in secrets_of(readable_files(facts, profile)):
        rating = rate(variable.name, variable.value, context)
        ratings.append(rating)
        name, fault = one_line(rating.name), weakness(rating)
        if not fault and variable.value in published:
            fault = f"the value that stands in {one_line(published[variable.value])}"
        if not fault:
            strong.append(rating)
        elif rating.verdict is Verdict.EMPTY and not rating.own:
            yield Judgement(
                result=Result.UNKNOWN,
                subject=f"{file.path}: {name}",
                observed=f"{name} is empty: whether something needs it cannot be seen from here",
                remedy="Set it, or take the line out.",
            )
        else:
            yield Judgement(
                result=Result.FAIL,
                subject=f"{file.path}: {name}",
                observed=f"{name} is {fault}",
                remedy=_GENERATE[rating.form],
            )
    if not ratings:
        yield Judgement(result=Result.UNKNOWN, observed="none of the variables looks like a secret")
    elif strong:
        least = min(rating.bits for rating in strong)
        yield Judgement(
            result=Result.PASS,
            subject="strong",
            observed=f"{listing(rating.name for rating in strong)}: strong, {least} bits or more",
        )


@probe(
    "env.reuse",
    title="Reuse of secrets",
    expected="each key and password is used for one thing only",
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def reuse(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge whether variables share a value."""
    groups = reused(_variables(facts, profile))
    for names in groups:
        yield Judgement(
            result=Result.FAIL,
            subject=listing(names),
            observed=f"{listing(names)} have the same value",
            remedy="Make a new one for all but one of them: signoff generate key",
        )
    if not groups:
        yield Judgement(result=Result.PASS, observed="no two secrets have the same value")


@probe(
    "env.test-keys",
    title="Test keys",
    expected="no test or sandbox key",
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def test_keys(facts: Facts, profile: Profile) -> Judgement:
    """Judge by the prefixes that providers give their test keys."""
    places = _places(facts, profile)
    if names := [f"{name}{where}" for where, found in places for name in provider_test_keys(found)]:
        return Judgement(
            result=Result.FAIL,
            observed=f"{listing(names)}: a provider's test key, or the address of its sandbox",
            remedy="Put in the production keys from the providers' consoles.",
        )
    return Judgement(result=Result.PASS, observed="no value has the prefix of a test key")


_ON: Final = frozenset({"true", "yes", "on", "t", "y", "enabled"})
_DEVELOPING: Final = frozenset({"dev", "develop", "development", "local", "test", "testing", "debug"})


@probe(
    "env.debug",
    title="Debugging and development modes",
    expected="DEBUG off, the environment called production, no wildcard among the allowed hosts",
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def debug(facts: Facts, profile: Profile) -> Judgement:
    """Judge the switches that open a program up for developers."""
    faults = [
        f"{one_line(fault)}{where}"
        for where, variables in _places(facts, profile)
        for name, value in variables.items()
        if (fault := _switch(name.upper(), value.reveal().strip().casefold()))
    ]
    if faults:
        return Judgement(
            result=Result.FAIL,
            observed="; ".join(faults),
            remedy="Turn it off in the file, and restart the services that read it.",
        )
    return Judgement(result=Result.PASS, observed="no switch for debugging or development is on")


def _switch(name: str, value: str) -> str:
    parts = words(name)
    on = value in _ON or (value.isdecimal() and int(value) > 0)
    if on and (parts[-1:] == ("debug",) or name == "DEBUG_MODE"):
        return f"{name} is on"
    modes = set(value.split(",")) & _DEVELOPING
    if modes and (parts[-1:] in {("env",), ("environment",)} or name == "SPRING_PROFILES_ACTIVE"):
        return f"{name} is {min(modes)}"
    if name.endswith("ALLOWED_HOSTS") and "*" in {host.strip(" []'\"") for host in value.split(",")}:
        return f"{name} takes any host"
    return ""


def _places(facts: Facts, profile: Profile) -> Iterator[tuple[str, Mapping[str, Secret]]]:
    """Yield variables with where they are set: in the files, and in compose files and units, which go first.

    A default (``DEBUG: ${DEBUG:-1}``) counts where the files do not say otherwise.
    """
    said = _variables(facts, profile)
    yield "", said
    for compose in facts[ENVIRONMENT].compose:
        for service in compose.services if kind_of(compose.path) is Kind.LIVE else ():
            overridden = service.interpolates & said.keys()
            own = {name: value for name, value in service.environment.items() if name not in overridden}
            yield f" in {one_line(compose.path)}", own
    for unit in units_of(facts):
        yield f" in {one_line(unit.name)}", unit.environment


def _variables(facts: Facts, profile: Profile) -> dict[str, Secret]:
    """Return all variables of the files in use, by name; a file's name is added where two files have one."""
    found: dict[str, Secret] = {}
    for file, variable in variables_of(readable_files(facts, profile)):
        other = found.get(variable.name, variable.value) != variable.value
        found[f"{variable.name} ({one_line(file.path)})" if other else variable.name] = variable.value
    return found
