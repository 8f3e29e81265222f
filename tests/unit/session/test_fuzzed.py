"""What tests/fuzz fuzzes for long, for a moment and in every test run: real material, changed anyhow."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.mutations import RUBBISH
from fuzz.run import NAMES
from fuzz.seeds import plant
from fuzz.targets import Targets


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Targets:
    return Targets(plant(), Path(tmp_path_factory.mktemp("fuzzed")))


def test_each_target_has_its_name(targets: Targets) -> None:
    assert tuple(targets.all()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_seed_is_good(targets: Targets, name: str) -> None:
    target, seeds = targets.all()[name]
    for seed in seeds:
        target(seed)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_changed_holds(targets: Targets, name: str, data: st.DataObject) -> None:
    target, seeds = targets.all()[name]
    seed = data.draw(st.sampled_from(seeds))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(seed)))
        stop = data.draw(st.integers(start, min(len(seed), start + 40)))
        seed = seed[:start] + data.draw(st.binary(max_size=40) | st.sampled_from(RUBBISH)) + seed[stop:]
    target(seed)
