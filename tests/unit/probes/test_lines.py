"""What a probe costs: lines that are neither blank nor comment nor docstring nor import, its script apart.

`pytest -s` prints the figures.
"""

from __future__ import annotations

import ast
from importlib.resources import files
from types import ModuleType

import pytest

from signoff.probes import containers, http, ssh

MOST, MOST_OF_A_SECOND, MOST_OF_A_SCRIPT = 45, 15, 30


def logical(source: str) -> int:
    """Count the lines that somebody had to think of."""
    silent: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        for inner in (one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)):
            text = isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
            if text or isinstance(inner, (ast.Import, ast.ImportFrom)):
                silent.update(range(inner.lineno, (inner.end_lineno or inner.lineno) + 1))
    lines = enumerate(map(str.strip, source.splitlines()), 1)
    return sum(bool(line) and not line.startswith("#") and number not in silent for number, line in lines)


def source_of(module: ModuleType) -> str:
    return files("signoff.probes").joinpath(f"{module.__name__.rpartition('.')[2]}.py").read_text("utf-8")


def function(source: str, name: str) -> str:
    """A function with its decorators."""
    (found,) = (
        one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef) and one.name == name
    )
    first = min([found.lineno, *(one.lineno for one in found.decorator_list)])
    return "\n".join(source.splitlines()[first - 1 : found.end_lineno])


@pytest.mark.parametrize(
    ("module", "second", "scripts"),
    [
        (ssh, "root_login", ("sshd.sh",)),
        (http, "", ()),
        (containers, "", ("docker-top.sh", "docker-made.sh")),
    ],
    ids=["ssh", "http", "containers"],
)
def test_a_probe_costs_few_lines(module: ModuleType, second: str, scripts: tuple[str, ...]) -> None:
    source = source_of(module)
    more = logical(function(source, second)) if second else 0
    first = logical(source) - more
    folder = files("signoff.facts").joinpath("scripts")
    texts = [line for one in scripts for line in folder.joinpath(one).read_text("utf-8").splitlines()]
    script = sum(bool(line.strip()) and not line.strip().startswith("#") for line in texts)
    print(f"{module.__name__}: {first} lines with its facts, {more} for a second probe, {script} of script")
    assert first <= MOST
    assert more <= MOST_OF_A_SECOND
    assert script <= MOST_OF_A_SCRIPT


def test_the_count_leaves_out_what_is_no_work() -> None:
    head = '"""Text\n\nmore."""\n\nimport os\n\n# why\nx = 1  # one\n\n'
    assert logical(head + 'def f():\n    """Text."""\n    return """a\nb"""\n') == 4
