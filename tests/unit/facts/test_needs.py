"""A host fact that goes by others: asked when they are there; what it is given is data, whatever it holds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import Any

from signoff.facts.base import HostFact, Noted, OutsideFact, Unavailable, closure, text_for
from signoff.facts.collect import batches, collect
from signoff.facts.discovery import DISCOVERY_FACTS
from signoff.facts.identity import MACHINE
from signoff.facts.sections import read_script, sections
from signoff.message import say
from signoff.probes import all_probes
from signoff.target.command import Output
from signoff.target.local import LocalTarget
from signoff.target.profile import Profile
from unit.fakes import FakeTarget, NobodyThere

HOSTILE = (
    "it's",
    '"quoted"',
    "$(touch PWNED)",
    "`touch PWNED`",
    "; touch PWNED; #",
    "${HOME} $HOME * ?",
    "{name} {0} {}",
    "%s %b \\n \\0101 \\",
    "-n -e -- -rf",
    "\tbegins with a tab",
    " blanks  within ",
    "кириллица 鍵 \U0001f511",
    "",
)
BROKEN = ("a\nb", "a\rb", "a\0b")


def given(names: tuple[str, ...]) -> tuple[HostFact[Any], HostFact[Any]]:
    """A fact with these names as its value, and one that is given them and prints them."""
    first: HostFact[Any] = HostFact("first", say("First"), script="true", parse=lambda _: names)
    second: HostFact[Any] = HostFact(
        "second",
        say("Second"),
        script=read_script("head_of got; given name | show", "head_of other; given none | show"),
        parse=lambda output: {one.name: one.lines for one in sections(output)},
        needs=(first,),
        given=lambda facts, profile: {"name": facts[first], "other": ["x"]},
    )
    return first, second


def test_hostile_names_are_data() -> None:
    _, second = given(HOSTILE)
    target = LocalTarget(NobodyThere())
    found = {one.fact.id: one for one in collect([second], target, Profile(), Event())}
    assert found["second"].value["got"][: len(HOSTILE)] == HOSTILE
    assert set(found["second"].value["other"]) <= {""}
    assert not any(name in found["second"].command for name in HOSTILE if len(name) > 3)


def test_a_name_that_is_no_line_is_left_out_and_said() -> None:
    _, second = given(("a", *BROKEN, "b"))
    found = {
        one.fact.id: one.value for one in collect([second], LocalTarget(NobodyThere()), Profile(), Event())
    }
    assert isinstance(found["second"], Noted)
    assert found["second"].value["got"][:2] == ("a", "b")
    assert len(found["second"].left_out) == len(BROKEN)


def test_it_is_asked_when_its_own_needs_are_there() -> None:
    _, second = given(("a",))
    slow: HostFact[str] = HostFact("slow", say("Slow"), script="", parse=lambda _: "slow")
    target = FakeTarget({"second": b"#got\n|a\n\n#end\n"})
    found = [one.fact.id for one in collect([slow, second], target, Profile(), Event())]
    assert target.batches == [("first", "slow"), ("second",)], "what others wait for comes first"
    assert set(found) == {"first", "slow", "second"}
    assert found.index("first") < found.index("second")


def test_without_its_needs_it_is_not_asked() -> None:
    first, second = given(("a",))

    def absent(_: Output) -> Any:
        raise Unavailable(say("no first"), "first --by hand")

    gone: HostFact[Any] = HostFact(**{**vars(first), "parse": absent})
    waiting: HostFact[Any] = HostFact(
        **{**vars(second), "needs": (gone,), "given": lambda facts, profile: {"name": facts[gone]}}
    )
    target = FakeTarget()
    found = {one.fact.id: one for one in collect([waiting], target, Profile(), Event())}
    assert target.batches == [("first",)]
    assert isinstance(found["second"].value, Unavailable)
    assert found["second"].value.by_hand == "first --by hand"
    assert found["second"].command == ""


def every_fact() -> Iterator[Any]:
    probes = (fact for one in all_probes().values() for fact in one.needs)
    yield from closure((MACHINE, *DISCOVERY_FACTS, *probes))


def test_an_audit_takes_three_batches_at_most_and_the_first_is_the_largest() -> None:
    sizes = [len(batch) for batch in batches(list(every_fact()))]
    assert len(sizes) <= 3
    assert sizes[0] == max(sizes)


def test_a_look_from_outside_is_no_batch() -> None:
    first, second = given(("a",))
    outside: OutsideFact[str] = OutsideFact(
        "outside", say("Outside"), look=lambda outside, profile, facts: "", needs=(first,)
    )
    third: HostFact[Any] = HostFact(**{**vars(second), "id": "third", "needs": (outside, first)})
    assert [[fact.id for fact in batch] for batch in batches([first, outside, second, third])] == [
        ["first"],
        ["second", "third"],
    ]


LIBRARIES = frozenset({"lib.sh", "trust.sh", "servers.sh", "kept.sh", "unpack.sh"})
"""Scripts that are functions alone: they look at nothing until one is called."""


def test_no_script_runs_twice_an_audit() -> None:
    folder = files("signoff.facts").joinpath("scripts")
    texts = {one.name: one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".sh")}
    scripts = [
        text_for(fact.script, Profile(project="/srv/shop"))
        for fact in every_fact()
        if isinstance(fact, HostFact)
    ]
    for name, text in texts.items():
        assert sum(text in script for script in scripts) == (len(scripts) if name == "lib.sh" else 1) or (
            name in LIBRARIES
        ), name
    assert len(set(scripts)) == len(scripts)


HOSTILE_PROFILE = Profile(
    project="/srv/$(touch PWNED)'\"`touch PWNED`;touch PWNED",
    url="https://shop.test/'$(touch PWNED)",
    env_files=("$(touch PWNED)", "it's.env", '"; touch PWNED; "'),
    services=("$(touch PWNED)", "'; touch PWNED; '"),
    admin_paths=("/$(touch PWNED)", "/'; touch PWNED; '"),
    database="shop'; touch PWNED; '",
    backup_directory="/var/`touch PWNED`'\"",
)


def test_what_a_profile_says_is_data_in_every_script(tmp_path: Path) -> None:
    """The words that the profile brings in are run on their own: as assignments, and nothing else."""
    for fact in every_fact():
        if not isinstance(fact, HostFact) or not callable(fact.script):
            continue
        plain, hostile = (fact.script(one).splitlines() for one in (Profile(), HOSTILE_PROFILE))
        own = [line for line in hostile if line not in plain]
        done = subprocess.run(["sh", "-c", "\n".join(own)], cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), fact.id
    assert not list(tmp_path.iterdir())
