"""A checklist file is read whole, or refused with file, line and reason."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest

from signoff.checklist.load import available, find, load
from signoff.errors import ChecklistError, UsageError
from signoff.facts.base import Facts
from signoff.message import NOTHING, say
from signoff.model import Result
from signoff.probes import all_probes
from signoff.probes.base import Judgement, Probe, probe, with_parameters
from signoff.target.profile import Profile

GOOD = """\
schema: 1
id: small
title: {en: Small, ru: Малый}
about: {en: A small one.}
steps:
  - id: first
    title: {en: First}
    ask: {en: Do it.}
    why: {en: Because.}
    severity: critical
    items: [A1]
    probes: [env.present]
    confirm:
      statement: {en: It is done.}
      value: {en: The date}
    remedy: {en: Do it now.}
    valid_days: 30
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "small.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(tmp_path: Path, text: str | bytes, probes: Collection[str] | None = None) -> str:
    path = written(tmp_path, text)
    with pytest.raises(ChecklistError) as caught:
        load(path, probes)
    assert caught.value.message.startswith(f"{path}:")
    return caught.value.message.removeprefix(f"{path}:")


def test_reads_a_good_one(tmp_path: Path) -> None:
    found = load(written(tmp_path, GOOD), {"env.present"})
    step = found.checklist.step("first")
    assert found.checklist.title.to("ru") == "Малый"
    assert step.title.to("ru") == "First", "what is not translated is shown in English"
    assert step.valid.days == 30
    assert len(found.digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("schema: 1", "schema: 2", 1, "schema: there is no '2'; known: 1"),
        ("id: small", "id: Small One", 2, "is not an id"),
        ("id: first", "id: 7", 6, "id: needs text, not a number; put it in quotes"),
        (
            "severity: critical",
            "severity: dreadful",
            10,
            "severity: there is no 'dreadful'; known: critical, high, medium, low",
        ),
        ("why: {en: Because.}", "wy: {en: Because.}", 9, "unknown key 'wy'; did you mean 'why'?"),
        ("why: {en: Because.}", "why: {ru: Потому.}", 9, "why: the key 'en' is missing"),
        ("why: {en: Because.}", "why: {en: ' '}", 9, "why says nothing"),
        ("valid_days: 30", "valid_days: 0", 17, "at least one day"),
        (
            "valid_days: 30",
            "actions: [fly]\n    valid_days: 30",
            17,
            "no action 'fly'",
        ),
        (
            "valid_days: 30",
            "actions: [rotate-secrets, rotate-secrets]\n    valid_days: 30",
            17,
            "the action 'rotate-secrets' stands here twice",
        ),
        ("valid_days: 30", "valid_days: soon", 17, "valid_days: needs a whole number, not text"),
        ("items: [A1]", "items: []", 11, "at least one source item"),
        ("probes: [env.present]", "probes: [env.present, env.present]", 12, "stands here twice"),
        ("probes: [env.present]", "probes: [env.nothing]", 12, "no probe 'env.nothing'"),
        ("probes: [env.present]", "probes: [env.presents]", 12, "did you mean 'env.present'?"),
        ("value: {en: The date}", "value: {en: ''}", 15, "critical step"),
        ("items: [A1]", "items: [A1]\n    items: [A2]", 12, "stands here twice"),
        ("items: [A1]", "items: &a [A1]", 11, "anchors and aliases"),
        ("items: [A1]", "items: [A1", 12, "not YAML"),
        ("items: [A1]", "items: [A\x01]", 11, "U+0001"),
    ],
)
def test_refuses_with_line_and_reason(tmp_path: Path, old: str, new: str, line: int, reason: str) -> None:
    assert GOOD.count(old) == 1
    message = refusal(tmp_path, GOOD.replace(old, new), {"env.present"})
    assert message.startswith(f"{line}: "), message
    assert reason in message


class Header(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    at_least: int = 0


@with_parameters("t.header", Header)
def header(wanted: Header) -> Probe:
    if wanted.at_least < 0:
        raise ValueError("at_least: needs a number above zero")
    return bare


@probe("t.bare", title=say("B"), expected=NOTHING, needs=())
def bare(facts: Facts, profile: Profile) -> Judgement:
    return Judgement(result=Result.PASS, observed=say("x"))


KNOWN = {"env.present": bare, "t.bare": bare, "t.header": header}


def test_a_use_has_parameters_and_items(tmp_path: Path) -> None:
    uses = (
        "probes: [env.present, {use: t.header, with: {name: a, at_least: 3}, items: [H2]}, "
        "{use: t.header, with: {name: b}}]"
    )
    path = written(tmp_path, GOOD.replace("probes: [env.present]", uses))
    found = load(path, KNOWN).checklist.step("first").uses
    assert [str(one) for one in found] == [
        "env.present",
        "t.header (at_least: 3, name: a)",
        "t.header (name: b)",
    ]
    assert [one.items for one in found] == [(), ("H2",), ()]
    assert load(path, set(KNOWN)), "names alone say nothing of parameters"


@pytest.mark.parametrize(
    ("uses", "line", "reason"),
    [
        ("{use: t.heder, with: {name: a}}", 14, "there is no probe 't.heder'; did you mean 't.header'?"),
        ("{use: t.header, wth: {name: a}}", 14, "unknown key 'wth'; did you mean 'with'?"),
        (
            "{use: t.header,\n         with: {nam: a}}",
            15,
            "t.header: unknown key 'nam'; did you mean 'name'?",
        ),
        (
            "{use: t.header,\n         with: {name: a,\n                at_least: x}}",
            16,
            "t.header: at_least: needs a whole number, not text",
        ),
        ("{use: t.header, with: {at_least: 7}}", 14, "t.header: the key 'name' is missing"),
        (
            "{use: t.header, with: {name: a, at_least: -7}}",
            14,
            "t.header: at_least: needs a number above zero",
        ),
        ("t.header", 14, "t.header: the key 'name' is missing"),
        ("{use: t.bare, with: {name: a}}", 14, "t.bare: takes no parameters"),
        ("{use: t.header, with: [a]}", 14, "with: needs keys with values, not a list"),
        ("7", 14, "probes, item 2: needs text, not a number; put it in quotes"),
        (
            "{use: t.header, with: {name: a}}\n      - {use: t.header, with: {name: a}, items: [H1]}",
            15,
            "the probe 't.header (name: a)' stands here twice",
        ),
        ("{use: env.present}", 14, "the probe 'env.present' stands here twice"),
    ],
)
def test_refuses_parameters_with_line_and_reason(tmp_path: Path, uses: str, line: int, reason: str) -> None:
    text = GOOD.replace("probes: [env.present]", f"probes: [env.present]\n      - {uses}")
    text = text.replace("probes: [env.present]\n", "probes:\n      - env.present\n")
    message = refusal(tmp_path, text, KNOWN)
    assert message.splitlines() == [f"{line}: {reason}"]


def test_refuses_two_steps_of_one_name(tmp_path: Path) -> None:
    twice = GOOD + GOOD[GOOD.index("  - id") :]
    assert refusal(tmp_path, twice).startswith("18: the step 'first' stands here twice")


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "just words", "a: b", "- - - -"])
def test_refuses_what_is_no_checklist(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).startswith("1: ")


def test_refuses_what_is_no_text(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"schema: 1\nid: \xff\n") == "2: not UTF-8"


def test_refuses_depth_without_a_crash(tmp_path: Path) -> None:
    assert "nested too deeply" in refusal(tmp_path, "[" * 5000 + "]" * 5000)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ChecklistError, match="No such file"):
        load(tmp_path / "none.yaml")


def test_finds_by_id_and_by_path(tmp_path: Path) -> None:
    assert find("quick-production") == available()["quick-production"]
    path = written(tmp_path, GOOD)
    assert find(str(path)) == path
    with pytest.raises(UsageError, match="quick-productoin"):
        find("quick-productoin")


@pytest.mark.parametrize("name", list(available()))
def test_what_comes_with_signoff_is_whole(name: str) -> None:
    found = load(available()[name], all_probes()).checklist
    assert found.id == name
    texts = [found.title, found.about]
    for step in found.steps:
        texts += [step.title, step.ask, step.why, step.remedy]
        if step.confirm:
            texts += [step.confirm.statement, step.confirm.value]
    assert all(text.en and text.ru for text in texts), "every text is there in both languages"
