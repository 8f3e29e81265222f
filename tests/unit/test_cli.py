"""The command line as scripts see it: exit codes, streams, and a clear word for every bad input."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from signoff.cli import main

CLOSED = "ssh://nobody@127.0.0.1:1"
"""Nothing listens on tcpmux: the connection is refused at once."""


@dataclass
class Shell:
    """A new user's machine: an empty home, and signoff."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "signoff", *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=self.environment | more,
            cwd=self.home,
            timeout=60,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The word to the operator: on standard error, no traceback, exit code 2."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_unknown_checklist(shell: Shell) -> None:
    refused(shell.run("audit", "quick-prod"), "no checklist 'quick-prod'", "quick-production")


def test_malformed_checklist(shell: Shell) -> None:
    path = shell.home / "mine.yaml"
    path.write_text("schema: 1\nid: mine\ntitle: {en: [}\n")
    refused(shell.run("audit", str(path)), f"{path}:3: not YAML")
    refused(shell.run("checklist", "validate", str(path)), f"{path}:3: not YAML")


def test_unreachable_host(shell: Shell) -> None:
    for command in (("audit",), ("run", "--plain")):
        refused(shell.run(*command, "--target", CLOSED), "127.0.0.1", "refused")
    assert shell.run("sessions", "list").stdout == "", "no session is begun for a target that is not there"


def test_target_that_is_none(shell: Shell) -> None:
    refused(shell.run("audit", "--target", "http://x"), "ssh://")


def test_no_terminal(shell: Shell) -> None:
    for command in ((), ("run",), ("run", "--resume")):
        refused(shell.run(*command), "no terminal", "--plain")


def test_dumb_terminal(shell: Shell) -> None:
    master, terminal = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "signoff", "run"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=shell.environment | {"TERM": "dumb"},
        cwd=shell.home,
    )
    os.close(terminal)
    said = b""
    while child.poll() is None or select.select([master], [], [], 0)[0]:
        try:
            said += os.read(master, 4096)
        except OSError:
            break
    assert child.wait(30) == 2
    assert b"cannot draw the app" in said
    assert b"\x1b" not in said


def test_no_room_for_a_record(shell: Shell) -> None:
    (shell.home / "state").write_text("a file where a folder is wanted")
    refused(shell.run("audit", XDG_STATE_HOME=str(shell.home / "state")), str(shell.home / "state"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(shell: Shell) -> None:
    (shell.home / "state").mkdir(mode=0o500)
    refused(shell.run("audit", XDG_STATE_HOME=str(shell.home / "state")), "Permission denied")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("steps: {nothing: {skipped: because}}", "no step 'nothing'; known: rotate-secrets"),
        ("steps: {backups: {skipped: a, confirmed: b}}", "two answers"),
        ("steps: {backups: {accepted: a}}", "until when"),
        ("steps: {backups: {accepted: a, until: soon}}", "'soon' is no date"),
        ("steps: {backups: {skiped: a}}", "did you mean 'skipped'?"),
        ("steps: [", "not YAML"),
    ],
)
def test_answers_that_make_no_sense(shell: Shell, text: str, word: str) -> None:
    path = shell.home / "answers.yaml"
    path.write_text(text)
    refused(shell.run("run", "--plain", "--answers", str(path)), f"{path}:1:", word)


def test_words_that_do_not_go_together(shell: Shell) -> None:
    refused(shell.run("run", "--answers", "x"), "--plain")
    refused(shell.run("run", "quick-production", "--resume=latest"), "resumed")
    refused(shell.run("run", "--plain", "--resume"), "no unfinished session")
    refused(shell.run("verify", "nothing"), "nothing")
    refused(shell.run("generate", "magic"), "magic")
    refused(shell.run("nonsense"), "nonsense")


def test_settings_that_cannot_be_read(shell: Shell) -> None:
    path = shell.home / ".config" / "signoff" / "settings.toml"
    path.parent.mkdir(parents=True)
    path.write_text("langage = 'ru'\n")
    refused(shell.run("checklist", "list"), str(path), "langage")


def test_generate_prints_the_value_and_nothing_else(shell: Shell) -> None:
    done = shell.run("generate", "key", "--count", "3")
    assert (done.returncode, done.stderr) == (0, "")
    values = done.stdout.splitlines()
    assert len(set(values)) == 3
    assert {len(value) for value in values} == {43}


def test_speaks_russian_when_asked(shell: Shell) -> None:
    assert "Закрыть порты" in shell.run("checklist", "show", "quick-production", LC_ALL="ru_RU.UTF-8").stdout
    assert "Закрыть порты" in shell.run("--language", "ru", "checklist", "show", "quick-production").stdout
    assert "Close the database" in shell.run("checklist", "show", "quick-production").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--language", "ru", "checklist", "show", "quick-production"),
        ("--lang=ru", "checklist", "show", "quick-production"),
        ("checklist", "--lang", "ru", "show", "quick-production"),
        ("checklist", "show", "--language", "ru", "quick-production"),
        ("checklist", "show", "quick-production", "--lang", "ru"),
        ("--language", "en", "checklist", "show", "quick-production", "--language=ru"),
    ],
)
@pytest.mark.usefixtures("russian")
def test_the_language_is_chosen_anywhere(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    said = CliRunner().invoke(main, arguments).output
    assert "Закрыть порты" in said
    assert "   Зачем: " in said
    assert "Why: " not in said


@pytest.mark.usefixtures("russian")
def test_help_and_errors_are_in_the_chosen_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    run = CliRunner().invoke
    said = run(main, ["run", "--lang", "ru", "--help"]).output
    assert "Пройти список шаг за шагом." in said
    assert "Вопросы и ответы построчно" in said
    assert "signoff run --resume   " in said, "examples are the same in any language"
    assert "Пройти список шаг за шагом." in run(main, ["--language", "ru", "--help"]).output
    refused = run(main, ["run", "--plain", "--target", "nowhere", "--language", "ru"])
    assert (refused.exit_code, refused.output.splitlines()[0]) == (2, "signoff: Цели с именем nowhere нет.")
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    assert "Вопросы и ответы построчно" in run(main, ["run", "--help"]).output
    assert "Questions and answers" in run(main, ["run", "--lang", "en", "--help"]).output


def test_a_language_that_nobody_has_is_refused(shell: Shell) -> None:
    refused(shell.run("where", "--language", "xx"), "--language", "'en'", "'ru'")


@pytest.mark.slow
def test_audit_here_is_recorded_and_verifies(shell: Shell) -> None:
    done = shell.run("audit", "--format", "json")
    shown = json.loads(done.stdout)
    assert done.returncode in {1, 3}, "an empty folder cannot be all well"
    assert [step["step"] for step in shown["steps"]] == [
        "rotate-secrets",
        "close-ports",
        "backups",
        "admin-access",
    ]
    assert "pass" not in {step["result"] for step in shown["steps"]}, "nothing here earns a pass"
    verified = shell.run("verify", shown["session"])
    assert verified.returncode == 0, verified.stdout
    assert verified.stdout.startswith("VALID\n")
    assert shown["session"] in shell.run("sessions", "list").stdout
    assert "Close the database" in shell.run("sessions", "show", "latest").stdout


@pytest.mark.slow
def test_plain_without_a_terminal_waits_for_nobody_and_can_be_resumed(shell: Shell) -> None:
    done = shell.run("run", "--plain")
    assert done.returncode in {1, 3}
    session = done.stdout.rsplit("signoff run --resume ", 1)[1].strip()
    answers = shell.home / "answers.yaml"
    answers.write_text("steps: {close-ports: {skipped: No port is ours., note: Asked.}}")
    again = shell.run("run", "--plain", f"--resume={session}", "--answers", str(answers))
    assert "a person says: skipped, because: No port is ours." in again.stdout
    assert shell.run("verify", session).returncode == 0
    refused(shell.run("run", "--plain", f"--resume={session}"), "sealed")


def test_where_names_what_is_used(shell: Shell) -> None:
    lines = dict(line.split(maxsplit=1) for line in shell.run("where").stdout.splitlines() if "  " in line)
    assert lines["identity"] == str(shell.home / ".config" / "signoff" / "identity")
    assert lines["ledger"] == str(shell.home / ".local" / "state" / "signoff" / "ledger.jsonl")


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("run",),
        ("audit",),
        ("checklist", "list"),
        ("checklist", "show"),
        ("checklist", "validate"),
        ("generate",),
        ("verify",),
        ("sessions", "list"),
        ("sessions", "show"),
        ("sessions", "export"),
        ("ledger", "merge"),
        ("countersign",),
        ("witness", "timestamp"),
        ("where",),
    ],
)
def test_every_command_has_examples(shell: Shell, command: tuple[str, ...]) -> None:
    done = shell.run(*command, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout


def test_completion_knows_the_checklists(shell: Shell) -> None:
    asked = {"_SIGNOFF_COMPLETE": "bash_complete", "COMP_WORDS": "signoff audit qu", "COMP_CWORD": "2"}
    assert "quick-production" in shell.run(**asked).stdout
