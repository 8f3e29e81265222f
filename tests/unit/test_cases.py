"""Every case comes out as its folder says; and no probe with cases passes on what was not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from signoff.facts.base import Fact, HostFact, Unavailable, closure
from signoff.message import say
from signoff.model import Result, worst
from unit.case_files import CASES, Case

PASSES = [case for case in CASES if case.result is Result.PASS]
_PLACES = 40


def name(case: Case) -> str:
    return "-".join((*case.path.parts[-3:-1], case.path.stem))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_case_comes_out_as_its_folder_says(case: Case) -> None:
    found = case.findings()
    said = "\n".join(f"{one.result}: {one.observed}" for one in found)
    assert worst(one.result for one in found) is case.result, said
    assert case.heading.use.use == case.path.parts[-3]
    for one in found:
        assert bool(one.proves) is (one.result is Result.PASS)
        assert one.remedy or one.result not in {Result.FAIL, Result.UNKNOWN}


def test_every_probe_has_each_kind_of_case_and_a_near_twin() -> None:
    kinds = {
        probe: {case.result for case in cases}
        for probe, cases in groupby(CASES, key=lambda case: case.heading.use.use)
    }
    assert kinds
    assert all({Result.PASS, Result.FAIL, Result.UNKNOWN} <= kind for kind in kinds.values()), kinds
    twins = {case.heading.use.use for case in PASSES if case.path.stem.startswith("twin-")}
    assert twins == set(kinds)


def spoilt(case: Case, fact: Fact[Any], whole: Any) -> Iterator[Any]:
    """Yield what a fact's value is where not all of it was seen."""
    yield Unavailable(say("not there"))
    text = case.told[fact.id]
    if isinstance(fact, HostFact):
        yield case.value(fact, "")
        yield case.value(fact, "#end\n")
        # Of the containers' fact the versions of compose come last, and play no part here.
        end = text.index("#plugin" if fact.id == "containers" else "\n#end")
        for place in range(0, end, max(1, end // _PLACES)):
            yield case.value(fact, f"{text[:place]}\n#end\n")
    else:
        yield ()
        for number, reply in enumerate(whole):
            yield (*whole[:number], replace(reply, status=0, headers=(), error="lost"), *whole[number + 1 :])


@pytest.mark.parametrize("case", PASSES, ids=name)
def test_nothing_passes_on_what_was_not_seen(case: Case) -> None:
    values = case.values()
    tried = 0
    for fact in closure(case.probe.needs):
        for value in spoilt(case, fact, values[fact.id]):
            if repr(value) == repr(values[fact.id]):
                continue
            tried += 1
            found = case.findings({**values, fact.id: value})
            assert worst(one.result for one in found) is not Result.PASS, fact.id
    assert tried > len(values)
