"""What is kept of listeners, interfaces and the view from outside is read again as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from signoff.facts.base import Fact, HostFact
from signoff.facts.containers import CONTAINERS
from signoff.facts.docker_engine import DOCKER_ENGINE
from signoff.facts.network import INTERFACES, LISTENERS, SSH_SERVER
from signoff.facts.outside import OUTSIDE_PORTS, of_this_machine
from signoff.facts.packing import WithheldError, pack, unpack
from signoff.probes.containers import MADE, TOP, Made
from unit.network_hosts import GOOD, HOST, RECORDED, outside, parsed


def again(fact: Fact[Any], value: Any) -> Any:
    return unpack(fact, pack(fact, value))


@pytest.mark.parametrize("fact", [LISTENERS, INTERFACES, SSH_SERVER, DOCKER_ENGINE], ids=lambda one: one.id)
def test_recorded_hosts(fact: HostFact[Any]) -> None:
    assert fact in HOST
    for file in sorted(RECORDED.glob(f"*/{fact.id}.txt")):
        value = parsed(file.parent.name, fact)
        assert str(again(fact, value)) == str(value)
        if not isinstance(value, Exception):
            assert again(fact, value) == value


def test_the_view_from_outside() -> None:
    view = outside(also={(GOOD[0], 5432): "postgresql"}).without(
        {"127.0.0.1": of_this_machine(["127.0.0.1"])}
    )
    assert again(OUTSIDE_PORTS, view) == view
    mute = outside(addresses=GOOD, silence="refused")
    assert again(OUTSIDE_PORTS, mute) == mute


def test_processes_and_powers_of_containers() -> None:
    top = {"running": ("a",), "a": ("UID PID COMMAND", "0 1 tini")}
    assert again(TOP, top) == top
    made = {"made": (Made("a", privileged=False, capabilities=None, pid="", mounts=("/srv",)),)}
    assert again(MADE, made) == made


def test_of_containers_all_is_kept_but_the_values_of_their_environment() -> None:
    containers = parsed("good", CONTAINERS)
    packed = pack(CONTAINERS, containers)
    secrets = [value for one in containers for value in one.env.values() if len(value) > 5]
    assert secrets
    assert not any(value.reveal().encode() in packed for value in secrets if value.reveal().isalnum())
    kept = unpack(CONTAINERS, packed)
    assert [replace(one, env={}) for one in kept] == [replace(one, env={}) for one in containers]
    assert [set(one.env) for one in kept] == [set(one.env) for one in containers]
    for value in (value for one in kept for value in one.env.values()):
        for ask in (value.reveal, lambda value=value: bool(value), lambda value=value: value == value):
            with pytest.raises(WithheldError):
                ask()
