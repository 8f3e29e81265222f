"""Collect facts: all host commands in one batch, then what is asked from outside, each as it can be had."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from signoff.facts.base import Fact, Facts, HostFact, Malformed, OutsideFact, Unavailable, text_for
from signoff.model import Vantage
from signoff.target.addresses import outside_addresses
from signoff.target.base import Target
from signoff.target.command import Command, Output, Problem
from signoff.target.outside import Outside
from signoff.target.profile import Profile
from signoff.text import one_line

_OUTSIDE_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Collected:
    """One fact looked up: its value (or why there is none), and what proves it was looked up.

    ``command`` is what ran, ``digest`` the SHA-256 of what it printed; both are empty for what is asked
    from outside, the digest also where the output holds secrets.
    """

    fact: Fact[Any]
    value: Any
    command: str = ""
    status: int | None = None
    size: int = 0
    digest: str = ""
    as_root: bool = False

    @property
    def vantage(self) -> Vantage:
        """Where it was looked up from."""
        return Vantage.OUTSIDE if isinstance(self.fact, OutsideFact) else Vantage.HOST

    @property
    def problem(self) -> str:
        """Why there is no value; empty where there is one."""
        return self.value.reason if isinstance(self.value, (Unavailable, Malformed)) else ""


def closure(facts: Iterable[Fact[Any]]) -> tuple[Fact[Any], ...]:
    """Return the facts and all that they need, each once, needs first."""
    found: dict[str, Fact[Any]] = {}

    def add(fact: Fact[Any]) -> None:
        if fact.id in found:
            return
        if isinstance(fact, OutsideFact):
            for needed in fact.needs:
                add(needed)
        found[fact.id] = fact

    for fact in facts:
        add(fact)
    return tuple(found.values())


def collect(
    wanted: Iterable[Fact[Any]],
    target: Target,
    profile: Profile,
    cancel: Event,
    known: Mapping[str, Any] | None = None,
) -> Iterator[Collected]:
    """Look up facts and everything they need; yield each as soon as it is there.

    ``known`` are values from the same run, by fact id, that need no second look. After ``cancel`` is set
    the iteration ends early, and what was not looked up is not yielded.
    """
    values: dict[str, Any] = dict(known or {})
    todo = [fact for fact in closure(wanted) if fact.id not in values]
    host = {fact.id: fact for fact in todo if isinstance(fact, HostFact)}
    for one in _from_host(host, target, profile, cancel):
        values[one.fact.id] = one.value
        yield one
    outside = [fact for fact in todo if isinstance(fact, OutsideFact)]
    for one in _from_outside(outside, Outside(outside_addresses(target, profile)), profile, values, cancel):
        yield one


def _from_host(
    facts: Mapping[str, HostFact[Any]], target: Target, profile: Profile, cancel: Event
) -> Iterator[Collected]:
    commands = [
        Command(fact.id, text_for(fact.script, profile), fact.root, fact.timeout, fact.cap)
        for fact in facts.values()
    ]
    scripts = {command.id: command.script for command in commands}
    if not commands:
        return
    for output in target.collect(commands, cancel):
        if output.problem is Problem.CANCELLED:
            continue
        fact = facts[output.id]
        yield Collected(
            fact=fact,
            value=_value(fact, output, profile),
            command=scripts[output.id],
            status=output.status,
            size=len(output.stdout),
            digest="" if fact.sensitive else hashlib.sha256(output.stdout).hexdigest(),
            as_root=output.as_root,
        )


def _value(fact: HostFact[Any], output: Output, profile: Profile) -> Any:
    by_hand = text_for(fact.by_hand, profile)
    match output.problem:
        case Problem.NEEDS_ROOT:
            return Unavailable(f"{fact.title}: needs root, and sudo was refused", by_hand)
        case Problem.TIMED_OUT:
            return Unavailable(f"{fact.title}: no answer within {fact.timeout:g} s", by_hand)
        case Problem.KILLED | Problem.LOST | Problem.CANCELLED:
            return Unavailable(f"{fact.title}: {output.problem.value}", by_hand)
        case None:
            pass
    if output.truncated:
        # Half of a list must never look like the whole of it.
        return Unavailable(f"{fact.title}: more than {fact.cap} bytes", by_hand)
    return _attempt(lambda: fact.parse(output), fact)


def _attempt(look: Callable[[], Any], fact: Fact[Any]) -> Any:
    try:
        return look()
    except (Unavailable, Malformed) as absent:
        return absent
    except Exception as defect:  # noqa: BLE001 - one fact that cannot be read must not end the session
        return Malformed(f"{one_line(fact.title)}: cannot be read ({type(defect).__name__})")


def _from_outside(
    facts: list[OutsideFact[Any]], outside: Outside, profile: Profile, values: dict[str, Any], cancel: Event
) -> Iterator[Collected]:
    """Look from outside, several facts at a time, each once what it needs is there."""
    waiting = list(facts)
    with ThreadPoolExecutor(_OUTSIDE_AT_ONCE, thread_name_prefix="outside") as pool:
        while waiting and not cancel.is_set():
            ready = [fact for fact in waiting if all(needed.id in values for needed in fact.needs)]
            if not ready:
                return
            waiting = [fact for fact in waiting if fact not in ready]
            seen = Facts(dict(values))
            looks = {
                pool.submit(_attempt, partial(fact.look, outside, profile, seen), fact): fact
                for fact in ready
            }
            for done in as_completed(looks):
                fact = looks[done]
                values[fact.id] = done.result()
                yield Collected(fact=fact, value=values[fact.id])
