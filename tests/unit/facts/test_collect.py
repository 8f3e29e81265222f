"""Facts are collected once, in one batch, and a missing one is a reason, never an empty value."""

from __future__ import annotations

import hashlib
from threading import Event

import pytest

from signoff.facts.base import Fact, Facts, HostFact, Malformed, OutsideFact, Unavailable, closure
from signoff.facts.collect import Collected, collect
from signoff.message import say
from signoff.target.command import Output, Problem, Root
from signoff.target.outside import Outside
from signoff.target.profile import Profile
from unit.fakes import FakeTarget

NAME: HostFact[str] = HostFact(
    "name", say("the name"), script="uname -n", parse=lambda output: output.stdout.decode()
)
SECRET: HostFact[str] = HostFact(
    "secret",
    say("the secrets"),
    script=lambda profile: f"cat {profile.project}/.env",
    parse=lambda output: output.stdout.decode(),
    root=Root.REQUIRE,
    sensitive=True,
    by_hand="sudo cat .env",
)


def _ports(outside: Outside, profile: Profile, facts: Facts) -> str:
    return f"{facts[NAME]} {' '.join(outside.addresses)}"


PORTS: OutsideFact[str] = OutsideFact("ports", say("the ports"), look=_ports, needs=(NAME,))


def collected(target: FakeTarget, *facts: Fact[str], cancel: Event | None = None) -> dict[str, Collected]:
    found = collect(facts, target, Profile(project="/srv/shop"), cancel or Event())
    return {one.fact.id: one for one in found}


def test_all_host_commands_go_in_one_batch_and_each_once() -> None:
    target = FakeTarget({"name": b"shop"}, outside_addresses=("192.0.2.1",))
    found = collected(target, PORTS, SECRET, NAME, PORTS)
    assert target.batches == [("name", "secret")]
    assert found["ports"].value == "shop 192.0.2.1"
    assert list(found) == ["name", "secret", "ports"]


def test_closure_puts_needs_first() -> None:
    assert [fact.id for fact in closure([PORTS, SECRET])] == ["name", "ports", "secret"]


def test_says_what_was_run_and_proves_it_but_not_of_secrets() -> None:
    found = collected(FakeTarget({"name": b"shop", "secret": b"KEY=1"}), NAME, SECRET)
    assert (found["name"].command, found["name"].status, found["name"].size) == ("uname -n", 0, 4)
    assert found["name"].digest == hashlib.sha256(b"shop").hexdigest()
    assert found["secret"].command == "cat /srv/shop/.env"
    assert found["secret"].digest == ""


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (Output("secret", problem=Problem.NEEDS_ROOT), "the secrets: needs root, and sudo was refused"),
        (
            Output("secret", stderr=b"ann is not in the sudoers file\n", problem=Problem.NEEDS_ROOT),
            "the secrets: needs root, and sudo was refused (ann is not in the sudoers file)",
        ),
        (Output("secret", problem=Problem.TIMED_OUT), "the secrets: no answer within 10 s"),
        (Output("secret", problem=Problem.LOST), "the secrets: the connection was lost"),
        (Output("secret", status=0, truncated=True), "the secrets: more than 1048576 bytes"),
    ],
)
def test_what_could_not_be_had_is_a_reason(output: Output, reason: str) -> None:
    found = collected(FakeTarget({"secret": output}), SECRET)["secret"]
    assert found.problem == reason
    with pytest.raises(Unavailable) as absent:
        Facts({"secret": found.value})[SECRET]
    assert absent.value.by_hand == "sudo cat .env"


def test_a_parser_that_trips_is_malformed_and_tells_nothing_of_the_text() -> None:
    def trip(output: Output) -> str:
        raise KeyError(output.stdout.decode())

    odd: HostFact[str] = HostFact("odd", say("an odd thing"), script="odd", parse=trip)
    value = collected(FakeTarget({"odd": b"hunter2"}), odd)["odd"].value
    assert isinstance(value, Malformed)
    assert "hunter2" not in value.reason + value.excerpt


def test_a_fact_from_outside_that_trips_is_malformed_too() -> None:
    def trip(outside: Outside, profile: Profile, facts: Facts) -> str:
        raise RuntimeError("hunter2")

    odd: OutsideFact[str] = OutsideFact("odd", say("an odd thing"), look=trip)
    assert collected(FakeTarget(), odd)["odd"].problem == "an odd thing: cannot be read (RuntimeError)"


def test_cancelled_facts_are_not_there_at_all() -> None:
    cancel = Event()
    target = FakeTarget({"name": b"shop"}, before=lambda name: cancel.set() if name == "secret" else None)
    assert list(collected(target, NAME, SECRET, PORTS, cancel=cancel)) == ["name"]
