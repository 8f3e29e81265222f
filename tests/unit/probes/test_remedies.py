"""Remedies do no harm: to what is not the project's, through links, or to what nobody can bring back."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

import signoff
from signoff.checklist.load import available
from signoff.facts.base import Facts
from signoff.facts.compose import Compose, ComposeService, EnvReference
from signoff.facts.environment import ENVIRONMENT, Access, Kind, SecretFile
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.model import Command, Decision, Finding, Result, Vantage, worst
from signoff.probes.env import mode, present
from signoff.probes.remedies import command, on_files, typeable, within
from signoff.probes.secretfiles import foreign_files, used_files
from signoff.session.state import StepState
from unit.env_hosts import SHOP, facts, judge, results
from unit.harmless import harm_in

ENV = "/srv/shop/.env"
PACKAGE = Path(signoff.__file__).parent


def file(path: str, target: str = "", bits: int = 0o644, kind: Kind = Kind.COPY) -> SecretFile:
    access = Access(path, bits, "mallory", "mallory")
    return SecretFile(access, kind, None, None, 10, readable=True, target=target or path, content=None)


def host(*files: SecretFile, **changes: Any) -> Facts:
    """Return a good host with further files in its project."""
    known = facts("good-root")
    environment = known[ENVIRONMENT]
    environment = replace(environment, files=(*environment.files, *files), **changes)
    return Facts({**known.values, ENVIRONMENT.id: environment})


# Whose a file is


def test_a_copy_that_leads_to_another_projects_file_is_told_of_and_left_alone() -> None:
    known = host(file("/srv/shop/.env.bak", "/srv/victim/.env"))
    found = judge(mode, known)
    assert set(found) == {ENV, "files outside of the project"}
    finding = found["files outside of the project"]
    assert (finding.result, finding.remedy) == ("informational", "Ask its owner.")
    assert "/srv/shop/.env.bak (a link to /srv/victim/.env)" in finding.observed
    assert worst(one.result for one in found.values()) is Result.PASS


def test_files_elsewhere_fail_no_step_and_come_last() -> None:
    elsewhere = (file("/srv/other/.env.bak"), file("/home/bob/app/.env", kind=Kind.LIVE))
    *before, last = mode.findings(host(elsewhere=elsewhere), SHOP)
    assert (last.result, last.remedy) == ("informational", "Ask its owner.")
    assert {one.result for one in before} == {"pass"}
    assert "chmod" not in last.remedy


def test_copies_in_the_project_are_closed_and_not_deleted() -> None:
    known = host(file("/srv/shop/.env.bak"), file("/srv/shop/-x.env~"))
    finding = judge(mode, known)["copies that others may read"]
    assert finding.result == "fail"
    assert finding.fix == Command("chmod 600 /srv/shop/.env.bak '/srv/shop/-x.env~'")


def test_a_link_within_the_project_is_named_with_what_changes() -> None:
    known = host(file("/srv/shop/.env.bak", "/srv/shop/data/env.old"))
    finding = judge(mode, known)["copies that others may read"]
    assert finding.fix == Command("chmod 600 /srv/shop/data/env.old")
    assert finding.remedy.endswith(
        "/srv/shop/.env.bak is a link, and /srv/shop/data/env.old is what changes."
    )


LINK = file("/srv/shop/.env.live", "/srv/shared/shop.env", kind=Kind.LIVE)


def test_a_link_out_of_the_project_that_nothing_names_is_not_known_to_be_its_own() -> None:
    known = host(LINK)
    assert LINK not in used_files(known, SHOP)
    assert foreign_files(known, SHOP) == (LINK,)
    finding = judge(present, known)[LINK.path]
    assert finding.result == "unknown"
    assert "leads out of the project, to /srv/shared/shop.env" in finding.observed
    assert results(mode, known) == {ENV: "pass", "files outside of the project": "informational"}


def _by_unit(known: Facts, path: str) -> Facts:
    unit = replace(known[UNITS].units[0], env_files=(EnvReference(path),))
    return Facts({**known.values, UNITS.id: replace(known[UNITS], units=(unit,))})


def _by_compose(known: Facts, path: str) -> Facts:
    compose = Compose("/srv/shop/compose.yml", (ComposeService("web", (EnvReference(path),)),))
    environment = replace(known[ENVIRONMENT], compose=(compose,))
    return Facts({**known.values, ENVIRONMENT.id: environment})


@pytest.mark.parametrize("path", [LINK.path, LINK.target])
@pytest.mark.parametrize("how", ["unit", "compose", "profile"])
def test_what_the_product_names_is_its_own_wherever_it_lies(how: str, path: str) -> None:
    known, profile = host(LINK), SHOP
    if how == "profile":
        profile = msgspec.structs.replace(SHOP, env_files=(".env", path))
    else:
        known = _by_unit(known, path) if how == "unit" else _by_compose(known, path)
    assert LINK in used_files(known, profile)
    assert foreign_files(known, profile) == ()
    finding = judge(mode, known, profile)[LINK.path]
    assert finding.result == "fail"
    assert finding.fix == Command("chmod 600 /srv/shared/shop.env")
    assert "/srv/shop/.env.live is a link" in finding.remedy


@pytest.mark.parametrize("by_compose", [False, True])
def test_the_file_that_is_read_unasked_is_the_projects_own(by_compose: bool) -> None:
    known = facts("good-root", units="nosystemd")
    compose = (Compose("/srv/shop/compose.yml"),) if by_compose else ()
    files = (file(ENV, "/etc/shop.env", kind=Kind.LIVE),)
    environment = replace(known[ENVIRONMENT], files=files, compose=compose)
    known = Facts({**known.values, ENVIRONMENT.id: environment})
    profile = msgspec.structs.replace(SHOP, env_files=("other",)) if by_compose else SHOP
    assert used_files(known, profile) == files


@pytest.mark.parametrize("path", ["/srv", "/"])
def test_a_directory_above_the_project_is_its_owners_business(path: str) -> None:
    finding = judge(mode, host(parents=(Access(path, 0o777, "root", "root"),)))[path]
    assert finding.result == "fail"
    assert finding.remedy.startswith("Ask its owner, root")
    assert finding.fix == Decision()


# How a file is named


@pytest.mark.parametrize(
    "name",
    ["/srv/shop/a b", "/srv/shop/$(id)", "/srv/shop/'\"`", "/srv/shop/;rm -rf x", "-rf", "/srv/shop/ä"],
)
def test_a_name_reaches_a_program_as_it_is(name: str) -> None:
    words = shlex.split(command("chmod 600", [name]))
    assert words[:2] == ["chmod", "600"]
    assert words[2:] == (["--", name] if name.startswith("-") else [name])


@pytest.mark.parametrize(
    "name",
    [
        "/p/a\nb",
        "/p/a\tb",
        "/p/a\x1b[2Jb",
        "/p/a\u202eb",
        "/p/a?b",
        "/p/a\x00b",
        "/p/a  b",
        "/p/" + "a" * 5000,
        "",
    ],
)
def test_a_name_that_cannot_be_typed_gets_no_command(name: str) -> None:
    assert not typeable(name)
    said = command("chmod 600", ["/p/ok", name])
    assert said.startswith("by hand")
    assert said.isprintable()


def test_several_files_and_links() -> None:
    found = (file("/p/a"), file("/p/b", "/p/c"), file("/p/d", "/p/a"))
    remedy = on_files("chmod 600", found, say("Close them."))
    assert remedy.fix == Command("chmod 600 /p/a /p/c")
    assert remedy.words == (
        "Close them. /p/b is a link, and /p/c is what changes. /p/d is a link, and /p/a is what changes."
    )


@pytest.mark.parametrize(
    ("path", "inside"), [("/p", True), ("/p/a", True), ("/pa", False), ("/", False), ("/q/p", False)]
)
def test_within(path: str, inside: bool) -> None:
    assert within(path, "/p") is inside


# What is only told


@pytest.mark.parametrize("result", list(Result))
def test_what_is_only_told_changes_no_result(result: Result) -> None:
    assert worst([result, Result.INFORMATIONAL]) is result
    assert worst([Result.INFORMATIONAL, result]) is result


def test_what_is_only_told_comes_last_wherever_a_step_is_read() -> None:
    def finding(probe: str, result: Result) -> Finding:
        return Finding(probe=probe, title=probe, result=result, vantage=Vantage.HOST, observed=probe)

    state = StepState("c", "s", probed=True)
    state.by_probe["a"] = (finding("told", Result.INFORMATIONAL), finding("good", Result.PASS))
    state.by_probe["b"] = (finding("absent", Result.NOTAPPLICABLE), finding("bad", Result.FAIL))
    assert [one.title for one in state.findings] == ["good", "absent", "bad", "told"]
    results = [state.result]
    state.by_probe["b"] = ()
    assert [*results, state.result] == [Result.FAIL, Result.PASS]


# What no text proposes


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text("utf-8"))
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield f"{path.name}:{node.lineno}", node.value


def _sources() -> list[Path]:
    return sorted(
        path
        for folder in ("probes", "credentials", "target", "app", "report")
        for path in (PACKAGE / folder).rglob("*.py")
    )


def test_no_text_of_the_program_proposes_to_lose_anything() -> None:
    found = [(where, harm) for path in _sources() for where, text in _texts(path) if (harm := harm_in(text))]
    assert found == []


def test_no_checklist_proposes_to_lose_anything() -> None:
    texts = {path.name: path.read_text("utf-8") for path in available().values()}
    assert len(texts) > 1
    assert {name: harm for name, text in texts.items() if (harm := harm_in(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "shred -u /srv/shop/.env.bak",
        "rm -rf /tmp/x",
        "cd /x && rm y",
        "sudo rm /x",
        "find /x -delete",
        "find /x -exec rm {} +",
        "DROP TABLE users",
        "git push --force",
        "git filter-repo --path .env",
        "git reset --hard",
        "truncate -s 0 /x",
        "docker system prune",
        "docker compose down -v",
        "docker rm -f shop",
        "dropdb restored",
        "echo x > /etc/y",
    ],
)
def test_what_would_lose_something_is_found(text: str) -> None:
    assert harm_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "git -C /srv/shop --literal-pathspecs rm --cached -- .env",
        "-j DROP",
        "drop network_mode: host",
        "pg_restore -f /dev/null x 2> /dev/null",
        "publish it on loopback only, or drop it; then: docker compose up -d",
        "chmod 600 /srv/shop/.env.bak",
        "sudo docker service update --publish-rm 80 web",
    ],
)
def test_what_loses_nothing_is_not(text: str) -> None:
    assert not harm_in(text)
