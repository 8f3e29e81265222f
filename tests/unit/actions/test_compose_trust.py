"""Compose is run only on files that nobody else can change; where that cannot be seen, it says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from signoff.actions.base import ActionError, LastingError
from signoff.actions.restart import Restart
from signoff.actions.restart_plan import ComposeServices, RestartPlan
from signoff.facts.composed import Composed
from signoff.target.command import Output

MADE = Composed(("docker", "compose"), "shop", "/srv/shop", ("/tmp/evil.yml",), (), "web")


def asked(*outputs: Output) -> list[str]:
    """Ask compose of a project, given what the host says in turn; return the scripts that were run."""
    scripts: list[str] = []
    answers = iter(outputs)

    def run(what: str, script: str) -> Output:
        scripts.append(script)
        return next(answers)

    hands: Any = SimpleNamespace(run=run)
    restart = Restart(RestartPlan(project="/srv/shop"), hands, cast(Any, None))
    restart._ask(ComposeServices(MADE, ()))
    return scripts


def test_a_file_that_others_can_change_is_refused_before_compose_is_run() -> None:
    with pytest.raises(LastingError, match=r"can change /tmp/evil\.yml: compose is not run"):
        asked(Output("x", 0, b"#foreign\t/tmp/evil.yml\n#end\n"))


def test_a_look_that_fails_is_no_leave() -> None:
    with pytest.raises(ActionError, match="could not be seen: sh: no such thing"):
        asked(Output("x", 2, b"", b"sh: no such thing\n"))


def test_all_that_compose_reads_is_looked_at_first() -> None:
    look, question = asked(Output("x", 0, b"#end\n"), Output("x", 0, b"services: {}\n"))
    for path in ("/srv/shop/.env", "/tmp/evil.yml"):
        assert path in look
    assert "config" in question
