"""Parsing what the scripts print about files with secrets, units and git; recorded on lab hosts."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from signoff.credentials.dotenv import read
from signoff.credentials.redact import find_secrets
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts, HostFact, Malformed, Unavailable
from signoff.facts.compose import EnvReference, parse_compose
from signoff.facts.dockerfile import parse_dockerfile, parse_dockerignore
from signoff.facts.environment import ENVIRONMENT, Environment, Kind, kind_of
from signoff.facts.git import GIT, Git
from signoff.facts.identity import MACHINE
from signoff.facts.packing import pack, unpack
from signoff.facts.units import UNITS, Units
from signoff.message import say
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit.here import look

RECORDED = Path(__file__).parent.parent / "recorded/env"


def output(name: str, fact: str) -> Output:
    return Output(fact, 0, (RECORDED / f"{name}.{fact}").read_bytes())


def environment(name: str) -> Environment:
    return ENVIRONMENT.parse(output(name, "environment"))


def units(name: str) -> Units:
    return UNITS.parse(output(name, "units"))


def git(name: str) -> Git:
    return GIT.parse(output(name, "git"))


def test_the_files_of_a_project() -> None:
    found = environment("good-root")
    assert found.project == "/srv/shop"
    env, example = found.files
    assert (env.path, env.access.mode, env.access.owner, env.access.group) == (
        "/srv/shop/.env",
        0o600,
        "shop",
        "shop",
    )
    assert env.changed == datetime.fromtimestamp(1795362855, UTC)
    assert env.content is not None
    assert {"SECRET_KEY", "POSTGRES_PASSWORD", "SUPPORT_EMAIL"} <= env.content.variables.keys()
    assert example.kind is Kind.EXAMPLE
    assert [parent.path for parent in found.parents] == ["/srv/shop", "/srv", "/"]
    assert found.members["docker"] == {"deploy"}
    assert found.members["shop"] == {"shop"}


def test_a_file_that_may_not_be_read_has_no_content() -> None:
    found = environment("good-viewer")
    file = found.live[0]
    assert (file.readable, file.content, file.access.mode) == (False, None, 0o600)


def test_the_secrets_of_a_file_are_found_for_the_redactor_and_nothing_else() -> None:
    names = {name for name, _ in find_secrets(environment("good-root"))}
    assert {"SECRET_KEY", "JWT_SECRET_KEY", "POSTGRES_PASSWORD", "STRIPE_API_KEY"} <= names
    assert not {"POSTGRES_HOST", "SUPPORT_EMAIL", "POSTGRES_USER", "value"} & names


def test_what_is_absent_is_told() -> None:
    found = environment("missing")
    assert found.absent == {"/srv/shop/.env": True}
    assert found.live == ()


@pytest.mark.parametrize(("name", "tells"), [("closed", "without root"), ("nowhere", "not known")])
def test_a_project_that_cannot_be_entered_is_a_reason(name: str, tells: str) -> None:
    with pytest.raises(Unavailable, match=tells) as caught:
        environment(name)
    with pytest.raises(Unavailable, match=tells):
        GIT.given(Facts({ENVIRONMENT.id: caught.value}), Profile())


def test_odd_files() -> None:
    found = environment("odd")
    kinds = {file.path.removeprefix("/srv/shop/"): file.kind for file in found.files}
    assert kinds == {
        ".env": Kind.LIVE,
        ".env.example": Kind.EXAMPLE,
        ".env.link": Kind.LIVE,
        ".env.prod": Kind.LIVE,
        ".env.save": Kind.COPY,
        ".env.swp": Kind.COPY,
        "public/.env": Kind.LIVE,
    }
    link = found.file("/srv/shop/.env.link")
    assert link is not None
    assert link.target == "/srv/shop/.env"
    prod = found.file("/srv/shop/.env.prod")
    assert prod is not None
    assert prod.content is not None
    assert (prod.content.repeated, prod.content.broken) == (("B_TOKEN",), (4,))
    assert [file.path for file in found.elsewhere] == ["/var/www/old/.env"]
    (compose,) = found.compose
    assert compose.services[0].env_files == (
        EnvReference(".env"),
        EnvReference(".env.optional", required=False),
        EnvReference("./.env.absent"),
        EnvReference("../elsewhere/app.conf"),
    )
    assert set(compose.services[0].environment) == {"SECRET_KEY"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".env", Kind.LIVE),
        (".env.production", Kind.LIVE),
        ("prod.env", Kind.LIVE),
        (".env.local", Kind.LIVE),
        (".envrc", Kind.LIVE),
        (".env.example", Kind.EXAMPLE),
        (".env.sample", Kind.EXAMPLE),
        (".env.dist", Kind.EXAMPLE),
        ("example.env", Kind.EXAMPLE),
        (".env.template", Kind.EXAMPLE),
        (".env.bak", Kind.COPY),
        (".env~", Kind.COPY),
        (".env.signoff-0123456789abcdef", Kind.COPY),
        (".env.swp", Kind.COPY),
        (".env.old", Kind.COPY),
        (".env.save", Kind.COPY),
        (".env.2024-01-31", Kind.COPY),
        (".env-backup", Kind.COPY),
        (".env.prod.bak", Kind.COPY),
        (".env.bak2", Kind.COPY),
        ("#.env#", Kind.COPY),
        (".env.test", Kind.DEVELOPMENT),
        (".env.development", Kind.DEVELOPMENT),
    ],
)
def test_kinds_by_name(name: str, kind: Kind) -> None:
    assert kind_of(f"/srv/shop/{name}") is kind


def test_units_and_their_processes() -> None:
    (unit,) = units("good-root").units
    assert (unit.name, unit.active, unit.user) == ("shop.service", True, "shop")
    assert unit.env_files == (EnvReference("/srv/shop/.env"),)
    assert unit.started is not None
    assert unit.started.tzinfo is UTC
    (process,) = unit.processes
    assert process.whole
    assert process.environment is not None
    file = environment("good-root").live[0].content
    assert file is not None
    assert process.environment["SECRET_KEY"] == file.variables["SECRET_KEY"].value
    assert process.started is not None
    assert abs((process.started - unit.started).total_seconds()) <= 1


def test_another_users_process_is_seen_without_its_environment() -> None:
    found = units("good-viewer")
    assert found.hidden
    assert found.units[0].processes[0].environment is None


def test_a_unit_with_two_processes_and_quoted_variables() -> None:
    worker = next(unit for unit in units("worker").units if unit.name == "shop-worker.service")
    assert worker.env_files == (
        EnvReference("/srv/shop/.env"),
        EnvReference("/srv/shop/.env.extra", required=False),
    )
    assert worker.environment["TITLE"] == Secret("two words")
    values = {process.environment["SMTP_PASSWORD"] for process in worker.processes if process.environment}
    assert len(values) == 2


def test_an_environment_that_a_title_was_written_over_is_not_whole() -> None:
    worker = next(unit for unit in units("titled").units if unit.name == "shop-worker.service")
    (process,) = worker.processes
    assert not process.whole


def test_a_process_of_no_unit() -> None:
    (stray,) = units("stray").strays
    assert stray.environment is not None
    assert "SECRET_KEY" in stray.environment


def test_no_systemd() -> None:
    found = units("nosystemd")
    assert found.units == ()


def test_git_of_a_good_project() -> None:
    found = git("good-root")
    assert (found.top, found.whole, found.tracked) == ("/srv/shop", True, (".env.example",))
    assert found.unignored == ()
    assert found.search.complete
    assert found.search.files == ("/srv/shop/.env",)


def test_git_of_a_bad_project() -> None:
    found = git("bad-root")
    assert ".env" in found.tracked
    assert len(found.history[".env"]) == 1
    assert "STRIPE_API_KEY" in found.search.found


def test_a_file_removed_from_the_index_stays_in_the_history() -> None:
    found = git("removed")
    assert found.tracked == ()
    assert ".env" in found.history


def test_a_value_in_the_history_of_another_file_and_a_token_in_a_remote() -> None:
    found = git("branch")
    assert len(found.search.found["SECRET_KEY"]) == 2
    assert found.open_remotes == ("origin",)
    assert found.unignored == ("/srv/g/branch/.env",)
    assert "ghp_" not in repr(found)


def test_a_shallow_clone_is_not_whole() -> None:
    assert not git("shallow").whole


def test_no_repository_is_proved() -> None:
    assert git("plain").top == ""


@pytest.mark.parametrize("name", ["good-root", "bad-root", "branch", "removed", "shallow", "plain"])
def test_what_git_knows_is_kept_as_it_is(name: str) -> None:
    assert unpack(GIT, pack(GIT, git(name))) == git(name)


def test_which_machine_it_is_is_kept_as_it_is() -> None:
    machine = MACHINE.parse(Output("machine", 0, b"shop\n\nDebian GNU/Linux 12\n"))
    assert machine == ("shop", "", "Debian GNU/Linux 12")
    assert unpack(MACHINE, pack(MACHINE, machine)) == machine


def test_what_to_look_for_in_the_history() -> None:
    """A value as any program reads it; of several lines the last long one; a URL's password beside."""
    first, last = "MC4CAQAwBQYDK2VwBCIEIAAA" + "a" * 40, "QyNTUxOQAAACBkV7x9mQzXw2" + "b" * 40
    content = (
        "A_PASSWORD='kV7x9mQz Xw2L' # note\nSHORT=1234567\nURL=postgres://shop:p%40ssw0rd@db/shop\n"
        f'KEY="-----BEGIN PRIVATE KEY-----\n{first}\n{last}\nshort\n-----END PRIVATE KEY-----"\n'
    )
    known = environment("good-root")
    (env, *others) = known.files
    files = (replace(env, content=read(content.encode())), *others)
    given = GIT.given(Facts({ENVIRONMENT.id: replace(known, files=files)}), Profile(project="/srv/shop"))
    assert [*given["file"]] == [*given["searched"]] == ["/srv/shop/.env"]
    found = {tuple(line.split("\t")) for line in given["value"]}
    assert found >= {("A_PASSWORD", "kV7x9mQz Xw2L"), ("URL", "p%40ssw0rd")}
    assert {text for name, text in found if name == "KEY"} == {last}
    assert not [line for line in found if line[0] == "SHORT"]


@pytest.mark.parametrize(("name", "tells"), [("nogit", "no git here"), ("refused", "could not be asked")])
def test_git_that_cannot_be_asked_is_a_reason(name: str, tells: str) -> None:
    with pytest.raises(Unavailable, match=tells):
        git(name)


@pytest.mark.parametrize("fact", [ENVIRONMENT, UNITS, GIT], ids=lambda fact: fact.id)
def test_a_cut_output_is_malformed_and_quotes_nothing(fact: HostFact[Any]) -> None:
    whole = output("bad-root" if fact is not UNITS else "worker", fact.id).stdout
    for end in range(0, len(whole) - 5, 97):
        with pytest.raises(Malformed) as garbled:
            fact.parse(Output(fact.id, 0, whole[:end]))
        assert "mail-password" not in f"{garbled.value.reason}{garbled.value.excerpt}"


def test_a_compose_file_that_is_no_yaml_is_told_without_its_text() -> None:
    found = parse_compose("c.yml", Secret("services:\n  web:\n   - *hunter2secret\n  bad: [\n"))
    assert "line" in found.problem
    assert "hunter2" not in found.problem


@pytest.mark.parametrize(
    ("written", "literal"),
    [
        ("plain", "plain"),
        ("${SECRET_KEY}", None),
        ("$SECRET_KEY", None),
        ("${SECRET_KEY:-changeme}", "changeme"),
        ("${SECRET_KEY-changeme}", "changeme"),
        ("${SECRET_KEY:?must be set}", None),
        ("${SECRET_KEY:-}", None),
        ("postgres://u:${PASSWORD}@db", "postgres://u:${PASSWORD}@db"),
    ],
)
def test_what_stands_in_a_compose_file_itself(written: str, literal: str | None) -> None:
    text = f"services: {{a: {{environment: {{A_SECRET: {json.dumps(written)}}}}}}}"
    (service,) = parse_compose("c.yml", Secret(text)).services
    assert dict(service.environment) == ({} if literal is None else {"A_SECRET": Secret(literal)})


def test_a_dockerfile() -> None:
    text = """# ENV COMMENT=1
FROM python:3.12-slim AS base
ARG VERSION
ARG TOKEN=abc "TWO=b c"
ENV OLD the value
ENV A=1 \\
    B="two words" C=$VERSION
COPY --from=base / /x
COPY --chown=app:app . /app
"""
    found = parse_dockerfile("/srv/shop/Dockerfile", Secret(text))
    variables = {name: value.reveal() for name, value in found.variables.items()}
    assert variables == {"TOKEN": "abc", "TWO": "b c", "OLD": "the value", "A": "1", "B": "two words"}
    assert found.takes_all
    assert not parse_dockerfile("D", Secret("COPY --from=base . .\nCOPY app.py ./\n")).takes_all
    assert parse_dockerfile("D", Secret('ADD ["./", "/app"]\n')).takes_all
    assert not parse_dockerfile("D", None).readable
    written = parse_dockerfile("D", Secret("env\tA\tone two\n  arg B=2\ncopy\t.\t/app\n"))
    assert {name: value.reveal() for name, value in written.variables.items()} == {"A": "one two", "B": "2"}
    assert written.takes_all


@pytest.mark.parametrize(
    ("patterns", "ignored"),
    [
        (".env\n", True),
        (".env*\n.git\n", True),
        ("**/.env\n", True),
        ("*\n", True),
        ("*\n!.env\n", False),
        ("*.env\n", True),
        ("# .env\n", False),
        ("config/.env\n", False),
        ("/.env\n", True),
        ("node_modules\n", False),
        ("./.env\n", True),
        ("**.env\n", True),
        ("**/**/.env*\n", True),
        ("**\n! .env\n", False),
        (".\n", False),
        ("/\n", False),
        ("!\n", False),
    ],
)
def test_dockerignore(patterns: str, ignored: bool) -> None:
    assert parse_dockerignore("/srv/shop/.dockerignore", Secret(patterns)).ignores(".env") is ignored


def test_dockerignore_within_directories() -> None:
    found = parse_dockerignore("d", Secret("*.env\nconfig\n"))
    assert found.ignores("config/app.env")
    assert not found.ignores("other/app.env")  # a star does not cross a slash
    for patterns in ("**/*.env", "**.env", "a/**", "a/**/app.env", "*/b", "**/b/*"):
        assert parse_dockerignore("d", Secret(patterns)).ignores("a/b/app.env")
    for patterns in ("*/app.env", "b", "a/**/b/**/b", "**/a/app.env"):
        assert not parse_dockerignore("d", Secret(patterns)).ignores("a/b/app.env")


def test_compose_tags_and_lists() -> None:
    service = "env_file: !override [one.env], environment: [A=1, B], volumes: ['./d:/d', 'v:/v']"
    text = f"services: {{a: {{{service}}}}}"
    (found,) = parse_compose("c.yml", Secret(text)).services
    assert found.env_files == (EnvReference("one.env"),)
    assert dict(found.environment) == {"A": Secret("1")}
    assert found.mounts == ("./d",)


def run(fact: HostFact[Any], project: Path, shell: str = "sh") -> Any:
    """Run a fact's script on this machine, as it would run on a target."""
    return look(fact, Profile(project=str(project)), shell)


def in_git(directory: Path, *arguments: str) -> None:
    names = {
        "GIT_AUTHOR_NAME": "T",
        "GIT_AUTHOR_EMAIL": "t@t",
        "GIT_COMMITTER_NAME": "T",
        "GIT_COMMITTER_EMAIL": "t@t",
    }
    subprocess.run(
        ["git", "-C", str(directory), *arguments],
        check=True,
        capture_output=True,
        env={**os.environ, **names},
    )


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_scripts_run_here_whatever_a_path_is_called(tmp_path: Path, shell: str) -> None:
    project = tmp_path / 'it\'s a "shop" $HOME'
    project.mkdir()
    value = "kV7x9mQzXw2Lp0RtYb8Nc4 'q' \"$x\" \\ #7"
    (project / ".env").write_text(f"A_SECRET={quote(value)}\nB_TOKEN=plain-value-kV7x9mQz # note\n")
    in_git(project, "init", "-q")
    (project / "old.txt").write_text("token: plain-value-kV7x9mQz\n")
    in_git(project, "add", "old.txt")
    in_git(project, "commit", "-qm", "one")
    found = run(ENVIRONMENT, project, shell)
    assert found.project == str(project)
    assert [file.path for file in found.files] == [str(project / ".env")]
    history = run(GIT, project, shell)
    assert set(history.search.found) == {"B_TOKEN"}


def test_what_is_known_by_name_is_looked_at_and_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ENV A_TOKEN=hunter2hunter2\n" * 20_000)
    (tmp_path / "secret").write_text("x")
    (tmp_path / "compose.yaml").write_text("services: {}\nsecrets:\n  token:\n    file: ./secret # one\n")
    found = run(ENVIRONMENT, tmp_path)
    assert found.absent == {f"{tmp_path}/.env": True}
    assert [(one.path, one.readable) for one in found.dockerfiles] == [(f"{tmp_path}/Dockerfile", False)]
    assert [(one.path, one.target) for one in found.mounted] == [(f"{tmp_path}/secret",) * 2]


def test_the_files_that_services_read_are_given_by_name() -> None:
    known = Facts({UNITS.id: units("worker")})
    assert list(ENVIRONMENT.given(known, Profile())["file"]) == [
        ".env",
        *("/srv/shop/.env", "/srv/shop/.env.extra", "/srv/shop/.env"),
    ]
    unseen = Facts({UNITS.id: Unavailable(say("units: no answer"))})
    assert list(ENVIRONMENT.given(unseen, Profile())["file"]) == [".env"]


def test_a_repository_within_the_project_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    in_git(tmp_path / "app", "init", "-q")
    with pytest.raises(Unavailable, match="repository of its own"):
        run(GIT, tmp_path)


def test_git_runs_nothing_that_the_repository_asks_for(tmp_path: Path) -> None:
    """A repository's own configuration must not start programs, least of all for root."""
    in_git(tmp_path, "init", "-q")
    trace = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    (tmp_path / ".env").write_text("A_SECRET=kV7x9mQzXw2Lp0RtYb8Nc4\n")
    (tmp_path / ".gitattributes").write_text("* diff=evil\n")
    in_git(tmp_path, "add", ".env", ".gitattributes")
    in_git(tmp_path, "commit", "-qm", "one")
    for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv", "diff.evil.command"):
        in_git(tmp_path, "config", key, str(program))
    in_git(tmp_path, "config", "log.showSignature", "true")
    in_git(tmp_path, "config", "gpg.program", str(program))
    found = run(GIT, tmp_path)
    assert "A_SECRET" in found.search.found
    assert not trace.exists()


def test_the_record_of_readings_is_whole() -> None:
    assert len(json.loads((RECORDED / "readings.json").read_text("utf-8"))) > 40
