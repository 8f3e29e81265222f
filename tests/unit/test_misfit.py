"""Files that an operator writes: what is wrong is said in our words, with file, line and the nearest name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from signoff import answers, paths
from signoff.answers import load_answers
from signoff.checklist.load import find, load
from signoff.checklist.model import Checklist
from signoff.checklist.yaml import Document
from signoff.errors import SignoffError
from signoff.misfit import _NEEDS, MisfitError, fitted
from signoff.settings import Settings, load_settings
from signoff.target.profile import Profile
from signoff.target.profiles import load_profiles
from signoff.toml import TomlFile
from unit.checklist.test_load import GOOD

THEIRS = (
    *(
        "Object ",
        "Expected `",
        "Expected '",
        " - at `$",
        "`str`",
        "`int`",
        "Invalid",
        "(at line",
        "enum value",
    ),
    *("mapping values", "expected <", "while parsing", "could not find", "scanning", "did not find"),
)
"""Words of msgspec, tomllib and PyYAML."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    paths.settings_file().parent.mkdir(parents=True)
    return tmp_path


def _answers(text: str) -> Path:
    path = paths.config_directory() / "answers.yaml"
    path.write_text(text)
    load_answers(path, [load(find("quick-production"))], "en")
    return path


def _checklist(text: str) -> Path:
    path = paths.config_directory() / "small.yaml"
    path.write_text(text)
    load(path)
    return path


def _targets(text: str) -> Path:
    paths.targets_file().write_text(text)
    load_profiles()
    return paths.targets_file()


def _settings(text: str) -> Path:
    paths.settings_file().write_text(text)
    load_settings()
    return paths.settings_file()


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (
            _answers,
            "finish: true\nsteps:\n  backups:\n    confirmd: a\n",
            "answers.yaml:4: unknown key 'confirmd'; did you mean 'confirmed'?",
        ),
        (_answers, "steps:\n", "answers.yaml:1: steps: needs keys with values, not an empty value"),
        (_answers, "finish: maybe\n", "answers.yaml:1: finish: needs true or false, not text"),
        (
            _answers,
            "steps:\n  backups:\n    confirmed: 7\n",
            "answers.yaml:3: confirmed: needs text, not a number; put it in quotes",
        ),
        (_answers, "steps: [backups]\n", "answers.yaml:1: steps: needs keys with values, not a list"),
        (_answers, "- a\n", "answers.yaml:1: needs keys with values, not a list"),
        (_answers, "steps:\n  backups: {}\n", "answers.yaml:2: backups: no answer"),
        (_answers, "steps:\n  backups: a: b\n", "answers.yaml:2: not YAML: a colon within a value"),
        (_answers, "steps:\n\tbackups: a\n", "answers.yaml:2: not YAML: a tab cannot indent"),
        (_answers, "steps:\n  x: 'a\n", "answers.yaml:3: not YAML: the quotes are not closed"),
        (_answers, "steps:\n  a: 1\n b: 2\n", "answers.yaml:3: not YAML: the line is indented"),
        (_answers, "finish\nsteps:\n", "answers.yaml:2: not YAML"),
        (
            _checklist,
            GOOD.replace("confirm:", "confrm:"),
            "small.yaml:13: unknown key 'confrm'; did you mean 'confirm'?",
        ),
        (_checklist, GOOD.replace("[A1]", "A1"), "small.yaml:11: items: needs a list, not text"),
        (_checklist, GOOD.replace("items: [A1]", "items: [7]"), "small.yaml:11: items, item 1: needs text"),
        (
            _checklist,
            GOOD.replace("    why: {en: Because.}\n", ""),
            "small.yaml:6: steps, item 1: the key 'why'",
        ),
        (_checklist, GOOD.replace("schema: 1\n", ""), "small.yaml:1: the key 'schema' is missing"),
        (
            _checklist,
            GOOD.replace("severity: critical", "severity: critcal"),
            "small.yaml:10: severity: there is no 'critcal'; did you mean 'critical'?",
        ),
        (
            _targets,
            '# mine\n[shop]\nadress = "local"\n',
            "toml:3: [shop] unknown key 'adress'; did you mean 'address'?",
        ),
        (
            _targets,
            '[a]\n[shop]\nopen_ports = [\n  80,\n  "x",\n]\n',
            "toml:3: [shop] open_ports, item 2: needs a whole",
        ),
        (
            _targets,
            "[shop]\nproject = 7\n",
            "toml:2: [shop] project: needs text, not a number; put it in quotes",
        ),
        (
            _targets,
            "[shop]\nproject = 2026-01-02\n",
            "toml:2: [shop] project: needs text, not a date or time",
        ),
        (
            _targets,
            "[a]\n[shop.second_factor]\nundo = ''\n",
            "toml:2: [shop] second_factor: the key 'sql' is missing",
        ),
        (
            _targets,
            "[shop]\n\naddress = local\n",
            "toml:3: not TOML: a value is missing, or lacks its quotes",
        ),
        (_targets, "[shop]\naddress\n", "toml:2: not TOML: a key needs = and a value"),
        (_targets, "[shop]\n[shop]\n", "toml:2: not TOML: this table stands here twice"),
        (_targets, "[shop]\nopen_ports = [1,\n", "toml:2: not TOML"),
        (_targets, "a = " + "[" * 5000, "toml: nested too deeply"),
        (
            _settings,
            'theme = ""\nlangage = "ru"\n',
            "toml:2: unknown key 'langage'; did you mean 'language'?",
        ),
        (_settings, 'language = "fr"\n', "toml:1: language: there is no 'fr'; known: en, ru"),
        (
            _settings,
            "[keys]\n# mine\nrecheck = 5\n",
            "toml:3: recheck: needs text, not a number; put it in quotes",
        ),
        (_settings, "\n[identity]\nname = 'ann'\n", "toml:2: identity: the key 'key' is missing"),
        (_settings, "identity = 'ann'\n", "toml:1: identity: needs keys with values, not text"),
        (_settings, "theme = 'a\n", "toml:1: not TOML: the quotes are not closed"),
    ],
)
def test_what_does_not_fit_is_said_in_our_words(read: Callable[[str], Path], text: str, told: str) -> None:
    with pytest.raises(SignoffError) as refused:
        read(text)
    assert told in refused.value.message
    assert refused.value.message.startswith(str(paths.config_directory()))
    assert refused.value.exit_code == 2
    for words in THEIRS:
        assert words not in str(refused.value)


def test_all_that_does_not_fit_is_said_at_once_in_the_order_of_the_lines() -> None:
    with pytest.raises(SignoffError) as refused:
        _checklist(GOOD.replace("schema: 1", "schma: 1").replace("valid_days: 30", "valid_days: soon"))
    assert [line.split(":")[1] for line in refused.value.message.splitlines()] == ["1", "17"]


def _kinds(kind: Any) -> Iterator[Any]:
    yield kind
    for inner in (
        *getattr(kind, "types", ()),
        *(field.type for field in getattr(kind, "fields", ())),
        *(getattr(kind, name) for name in ("item_type", "key_type", "value_type") if hasattr(kind, name)),
    ):
        yield from _kinds(inner)


@pytest.mark.parametrize("model", [answers._File, Checklist, Profile, Settings])
def test_every_kind_of_value_in_our_files_has_words(model: type) -> None:
    for kind in _kinds(inspect.type_info(model)):
        if isinstance(kind, inspect.UnionType):
            others = [type(one) for one in kind.types if type(one) is not inspect.NoneType]
            assert len(others) == 1 or others == [inspect.StrType, inspect.StructType]
        elif not isinstance(kind, (inspect.EnumType, inspect.LiteralType, inspect.NoneType, inspect.AnyType)):
            assert type(kind).__name__ in _NEEDS


@pytest.mark.parametrize("value", [None, [], {}, "", 1, True, 1.5, {"steps": None}, {"steps": {"a": [1]}}])
def test_whatever_does_not_fit_is_told(value: object) -> None:
    """A value that the types refuse never gets through, and is never refused without a word."""
    for model in (answers._File, Checklist, Profile, Settings):
        try:
            msgspec.convert(value, model)
        except msgspec.ValidationError:
            with pytest.raises(MisfitError) as refused:
                fitted(value, model, lambda _place: 1)
            assert all(
                reason and not any(one in reason for one in THEIRS) for _, reason in refused.value.problems
            )
            assert "this does not fit" not in str(refused.value)


TOML = '''a = 1

[shop]  # mine
name = """
[shop.inner]
deep = 1
"""
list = [
  1,
  2,
]
[shop.inner]
deep = {x = 1, y = 2}
[[many]]
a = 1
[[many]]
a = 2
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("a",), 1),
        (("shop",), 3),
        (("shop", "name"), 4),
        (("shop", "list", 1), 8),
        (("shop", "inner"), 12),
        (("shop", "inner", "deep", "y"), 13),
        (("shop", "missing"), 3),
        (("many", 1, "a"), 17),
        (("none",), 0),
        ((), 0),
    ],
)
def test_a_value_of_toml_stands_where_its_statement_begins(place: tuple[Any, ...], line: int) -> None:
    assert TomlFile(TOML).line(place) == line


def test_a_value_of_yaml_stands_where_it_is_written() -> None:
    document = Document("a: 1\nb:\n  - c: 1\n    d.e: 2\n")
    places: list[tuple[Any, ...]] = [("a",), ("b", 0, "c"), ("b", 0, "d.e"), ("b", 7), ()]
    assert [document.line(place) for place in places] == [1, 3, 4, 2, 1]
