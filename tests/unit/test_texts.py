"""Every text for people is a template with named values, so that it can be said in another language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import signoff
from signoff.locale.extract import found
from signoff.locale.mo import entries
from unit.bare_texts import bare, unfit

ROOT = Path(signoff.__file__).parent
LATER = ("facts", "probes")
"""Folders that are not held to it yet."""
NOT_OURS = {
    "checklist/yaml.py": "what PyYAML says, to be told in our words",
    "toml.py": "what tomlkit says, to be told in our words",
    "target/outside.py": "what web servers are sent; mypy holds its errors to it",
    "report/handover.py": "what is handed over is in English, as the record is",
    "report/instructions.py": "what is handed over is in English, as the record is",
    "session/limits.py": "what is handed over is in English, as the record is",
    "message.py": "where templates are filled in",
    "locale/extract.py": "where they are found",
    "locale/mo.py": "where they are compiled",
}


def modules(*folders: str) -> list[str]:
    """Return the modules of some folders; of the whole program but what comes later where none is named."""
    every = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
    wanted = [one for one in every if one.split("/")[0] in folders] if folders else every
    return [one for one in wanted if one not in NOT_OURS and (folders or one.split("/")[0] not in LATER)]


@pytest.mark.parametrize("module", modules())
def test_no_text_is_bare(module: str) -> None:
    assert list(bare((ROOT / module).read_text("utf-8"))) == []


@pytest.mark.parametrize("module", modules())
def test_a_template_is_a_literal_with_a_place_for_each_value(module: str) -> None:
    assert list(unfit((ROOT / module).read_text("utf-8"))) == []


def test_whoever_is_exempt_is_there() -> None:
    assert all((ROOT / name).is_file() for name in NOT_OURS)
    assert all((ROOT / name).is_dir() for name in LATER)


MUTATIONS = {
    "a title": ("app/screens/answering.py", 'tr("Skip this step")', '"Skip this step"'),
    "a label of a word": ("app/widgets/finding.py", 'tr("observed")', '"observed"'),
    "a style is none": ("app/screens/help.py", 'tr("Symbols")', '"Symbols", "bold $accent"'),
    "a notice": ("app/app.py", 'tr("q quits, ctrl+q also while typing.")', '"q quits, ctrl+q also."'),
    "a line of the plain walk": ("plain.py", 'tr("Recorded as your word.")', '"Recorded as your word."'),
    "an f-string": ("plain.py", 'tr("Still open: {names}", names=names)', 'f"Still open: {names}"'),
    "an error": ("saying.py", 'say("Nothing was said.")', '"Nothing was said."'),
    "a value": ("session/files.py", 'say("A folder could not be made")', '"A folder could not be made"'),
    "what an action tells": (
        "actions/base.py",
        'say("Putting everything back.")',
        '"Putting everything back."',
    ),
}


@pytest.mark.parametrize(("module", "text", "instead"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_bare_text_is_found(module: str, text: str, instead: str) -> None:
    source = (ROOT / module).read_text("utf-8")
    assert text in source
    assert len(list(bare(source.replace(text, instead, 1)))) == 1


@pytest.mark.parametrize(
    "line",
    [
        'raise UsageError("There is no such file.")',
        'raise TargetError(say("{what}.", what="the host hung up"))',
        'Judgement(Result.FAIL, observed=f"{port} is open")',
        'wrong(f"readable by {who}, and more")',
        'each("the ports of the host", ports, look)',
        'label = "Backups" if there else ""',
        'click.echo("sealed")',
        'Input(placeholder="Where is it?")',
    ],
)
def test_a_bare_text_of_any_kind_is_found(line: str) -> None:
    assert list(bare(line))


@pytest.mark.parametrize(
    "line",
    [
        '"""A docstring is for developers."""',
        'Static(id="the-title", classes="dialog title")',
        'NAME = re.compile(r"one or the other")',
        'script = f"cd {folder} && make all of it"',
        'joined((key, "bold $accent"))',
        '_log.warning("it was %s", name)',
        'found = keys["not a text"] if one == "some words" else None',
        'tr("Said in a template.")',
        'x: "Callable[[A], B]" = cast("Some Type", y)',
        'raise AssertionError("cannot happen")',
    ],
)
def test_what_is_no_text_is_let_be(line: str) -> None:
    assert list(bare(line)) == []


@pytest.mark.parametrize(
    "call",
    [
        'say(f"{name} is gone")',
        'say("gone: " + name)',
        "say(text)",
        'say("gone: {}".format(name))',
        'say("{name} is gone")',
        'say("{name} is gone", path=name)',
        'say("gone", name=name)',
        'lambda: tr("{count} line", "{count} lines of {file}", count=1)',
        'say("{count} line", plural=f"{n} lines", count=n)',
        'say("gone: {name}" if one else other, name=name)',
        'TITLE = tr("Gone")',
        'def gone(title: str = tr("Gone")) -> None: ...',
    ],
)
def test_an_unfit_template_is_found(call: str) -> None:
    assert list(unfit(call))


@pytest.mark.parametrize(
    "call",
    [
        'say("{name} is gone", name=one_line(name))',
        'TITLE = say("Gone")',
        'def gone() -> str: return tr("Gone")',
        'lambda n: tr("one line", "{count} lines", count=n)',
        'say("{count} line", plural="{count} lines", count=n)',
        'say("{name} is gone" if one else "where is {name}?", name=name)',
        'HINT = "See {place}."\nsay(HINT, place=place)',
    ],
)
def test_a_fit_template_is_let_be(call: str) -> None:
    assert list(unfit(call)) == []


def test_the_extraction_finds_every_kind_of_text() -> None:
    import ast

    source = '''
HINT = "See {place}."

@main.command()
@click.option("--all", help="All of them.")
def show() -> None:
    """Show it.

    More about it.

    \\b
    Example:
      signoff show
    """
    say(HINT, place=1)
    tr("one line" if x else "no line", y=say("{count} step", plural="{count} steps", count=2))
    Binding("q", "quit", "Quit", tooltip="Leave it")
'''
    assert {texts for _line, texts in found(ast.parse(source))} == {
        ("See {place}.",),
        ("All of them.",),
        ("Show it.",),
        ("More about it.",),
        ("one line",),
        ("no line",),
        ("{count} step", "{count} steps"),
        ("Quit",),
        ("Leave it",),
    }


def test_a_translation_has_the_places_of_its_text() -> None:
    po = (ROOT / "locale" / "ru" / "LC_MESSAGES" / "signoff.po").read_text("utf-8")
    pairs = [pair for pair in entries(po) if pair[0]]
    assert len(pairs) > 100
    for text, translation in pairs:
        places = set(re.findall(r"\{\w+\}", text))
        for form in translation.split("\0"):
            assert set(re.findall(r"\{\w+\}", form)) == places, text
