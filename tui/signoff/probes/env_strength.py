"""The secrets themselves: strong, each for one thing, none of a provider's test mode, no debugging."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from signoff.credentials.dotenv import Variable
from signoff.credentials.rating import Rating, Verdict, provider_test_keys, rate, reused
from signoff.credentials.recognise import Form, form_of, words
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Kind, SecretFile, kind_of
from signoff.facts.units import UNITS
from signoff.message import listed, say
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.secretfiles import listing, readable_files, secrets_of, surroundings
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
    title=say("Strength of the secrets"),
    expected=say(
        "no default or placeholder; keys of 32 bytes and 128 bits; database passwords of 16 "
        "characters of four classes, or 128 bits"
    ),
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def strength(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each secret. What cannot be judged from here, an unused provider's key, is unknown."""
    context = surroundings(facts, profile)
    found = secrets_of(readable_files(facts, profile))
    ratings = [(file, rate(variable.name, variable.value, context)) for file, variable in found]
    published = {one.subject: one for one in _published(facts, found)}
    yield from published.values()
    strong = [
        rating
        for file, rating in ratings
        if rating.verdict is Verdict.STRONG and f"{file.path}: {one_line(rating.name)}" not in published
    ]
    for file, rating in ratings:
        if rating.verdict is not Verdict.STRONG:
            yield _weak(rating, file.path)
    if not ratings:
        yield Judgement(result=Result.UNKNOWN, observed=say("none of the variables looks like a secret"))
    elif strong:
        least = min(rating.bits for rating in strong)
        yield Judgement(
            result=Result.PASS,
            subject="strong",
            observed=say(
                "{listing}: strong, {least} bits or more",
                listing=listing(rating.name for rating in strong),
                least=least,
            ),
        )


def _published(facts: Facts, found: Iterable[tuple[SecretFile, Variable]]) -> Iterator[Judgement]:
    """Judge what looks strong, and stands in an example file, which is made to be read by everybody."""
    examples = {
        variable.value: file.path
        for file in facts[ENVIRONMENT].files
        if file.kind is Kind.EXAMPLE and file.content
        for variable in file.content.variables.values()
        if variable.value
    }
    for file, variable in found:
        path = examples.get(variable.value)
        if path and rate(variable.name, variable.value).verdict is Verdict.STRONG:
            name = one_line(variable.name)
            yield Judgement(
                result=Result.FAIL,
                subject=f"{file.path}: {name}",
                observed=say("{name} is the value that stands in {path}", name=name, path=one_line(path)),
                remedy=_GENERATE[form_of(variable.name, variable.value)],
            )


def _weak(rating: Rating, path: str) -> Judgement:
    name = one_line(rating.name)
    subject = f"{path}: {name}"
    if rating.verdict is Verdict.EMPTY and not rating.own:
        return Judgement(
            result=Result.UNKNOWN,
            subject=subject,
            observed=say("{name} is empty: whether something needs it cannot be seen from here", name=name),
            remedy=decision(say("Set it, or take the line out.")),
        )
    observed = say("{name} is {verdict}", name=name, verdict=rating.verdict.value)
    if rating.verdict not in {Verdict.EMPTY, Verdict.DEFAULT}:
        observed += f": {listing(rating.reasons)}"
    return Judgement(result=Result.FAIL, subject=subject, observed=observed, remedy=_GENERATE[rating.form])


@probe(
    "env.reuse",
    title=say("Reuse of secrets"),
    expected=say("each key and password is used for one thing only"),
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def reuse(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge whether variables share a value."""
    variables = _variables(facts, profile)
    groups = reused(variables)
    for names in groups:
        yield Judgement(
            result=Result.FAIL,
            subject=listing(names),
            observed=say("{listing} have the same value", listing=listing(names)),
            remedy=decision(say("Make a new one for all but one of them: signoff generate key")),
        )
    if not groups:
        yield Judgement(result=Result.PASS, observed=say("no two secrets have the same value"))


@probe(
    "env.test-keys",
    title=say("Test keys"),
    expected=say("no test or sandbox key"),
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def test_keys(facts: Facts, profile: Profile) -> Judgement:
    """Judge by the prefixes that providers give their test keys."""
    names = [*provider_test_keys(_variables(facts, profile))]
    for where, variables in _beside(facts, profile):
        names += [f"{one_line(name)} in {where}" for name in provider_test_keys(variables)]
    if names:
        return Judgement(
            result=Result.FAIL,
            observed=say(
                "{listing}: a provider's test key, or the address of its sandbox", listing=listing(names)
            ),
            remedy=decision(say("Put in the production keys from the providers' consoles.")),
        )
    return Judgement(result=Result.PASS, observed=say("no value has the prefix of a test key"))


_ON: Final = frozenset({"true", "yes", "on", "t", "y", "enabled"})
_DEVELOPING: Final = frozenset({"dev", "develop", "development", "local", "test", "testing", "debug"})


@probe(
    "env.debug",
    title=say("Debugging and development modes"),
    expected=say("DEBUG off, the environment called production, no wildcard among the allowed hosts"),
    needs=(ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def debug(facts: Facts, profile: Profile) -> Judgement:
    """Judge the switches that open a program up for developers."""
    faults = [
        fault
        for name, value in _variables(facts, profile).items()
        if (fault := _switch(name.upper(), value.reveal().strip().casefold()))
    ]
    for where, variables in _beside(facts, profile):
        found = [
            _switch(name.upper(), value.reveal().strip().casefold()) for name, value in variables.items()
        ]
        faults += [f"{fault} in {where}" for fault in found if fault]
    if faults:
        return Judgement(
            result=Result.FAIL,
            observed=listed((one_line(fault) for fault in faults), "; "),
            remedy=decision(say("Turn it off in the file, and restart the services that read it.")),
        )
    return Judgement(result=Result.PASS, observed=say("no switch for debugging or development is on"))


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


def _beside(facts: Facts, profile: Profile) -> Iterator[tuple[str, dict[str, Secret]]]:
    """Yield what compose files and units set themselves: it goes before what stands in the file.

    A default (``DEBUG: ${DEBUG:-1}``) counts where the file does not say otherwise.
    """
    said = _variables(facts, profile)
    for compose in facts[ENVIRONMENT].compose:
        for service in compose.services if kind_of(compose.path) is Kind.LIVE else ():
            yield (
                one_line(compose.path),
                {
                    name: value
                    for name, value in service.environment.items()
                    if not (name in service.interpolates and name in said)
                },
            )
    for unit in () if facts.missing(UNITS) else facts[UNITS].units:
        yield one_line(unit.name), dict(unit.environment)


def _variables(facts: Facts, profile: Profile) -> dict[str, Secret]:
    """Return all variables of the files in use, by name; a file's name is added where two files have one."""
    found: dict[str, Secret] = {}
    for file in readable_files(facts, profile):
        for variable in file.content.variables.values() if file.content else ():
            name = variable.name
            if name in found and found[name] != variable.value:
                name = f"{name} ({one_line(file.path)})"
            found[name] = variable.value
    return found
