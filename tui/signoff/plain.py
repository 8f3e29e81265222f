"""The plain walk: questions and answers, line by line.

For screen readers, dumb terminals and scripts. What a person answers goes to standard output's dialogue;
progress and messages go to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

import click

from signoff.answers import Answers, load_answers
from signoff.checklist.load import Loaded
from signoff.checklist.model import Language
from signoff.engine import Key
from signoff.errors import RecordError, SignoffError, TargetError, UsageError
from signoff.model import Result
from signoff.report.summary import exit_code
from signoff.report.text import counts_line, step_lines
from signoff.target.base import Prompter
from signoff.target.profiles import resolve
from signoff.terminal import TerminalPrompter, say, show_progress, signer_here
from signoff.text import inert, one_line
from signoff.walk import Walk


def run_plain(
    loaded: Sequence[Loaded],
    target: str,
    answers_file: Path | None,
    resume: str | None,
    language: Language,
    nonce: str,
) -> int:
    """Walk a session by questions and answers. Returns the exit code."""
    answers = load_answers(answers_file) if answers_file else None
    prompter = TerminalPrompter(answers.host_key if answers else "")
    signer = signer_here()
    if resume:
        walk = Walk.resume(resume, signer)
        say(f"Going on with session {walk.session.id}.")
    else:
        walk = Walk.begin(resolve(target), loaded, signer, prompter, nonce=nonce)
    with closing(walk):
        _connect(walk, prompter)
        for note in walk.notes:
            say(inert(note))
        if answers:
            answers.check(walk)
        face = _Face(walk, language, interactive=sys.stdin.isatty() and not answers)
        finished = face.scripted(answers) if answers else face.walk()
        checklists = [one.checklist for one in walk.checklists]
        state, record = walk.session.state, walk.session.directory
    click.echo(counts_line(state))
    click.echo(f"record {record}")
    if not finished:
        click.echo(f"Not sealed. Go on with: signoff run --resume {state.session}")
    else:
        click.echo(f"Verify it with: signoff verify {state.session}")
    return exit_code(state, checklists, walked=True)


def _connect(walk: Walk, prompter: Prompter) -> None:
    if walk.connected:
        return
    try:
        walk.connect(prompter)
    except TargetError as error:
        say(f"The target cannot be probed now: {inert(error.message)}")
        say(inert(error.hint))


class _Face:
    """One walk, line by line."""

    def __init__(self, walk: Walk, language: Language, *, interactive: bool) -> None:
        self._walk = walk
        self._language = language
        self._interactive = interactive

    def scripted(self, answers: Answers) -> bool:
        """Probe everything, give the scripted answers, and seal unless the script says not to."""
        if self._walk.connected:
            self._walk.probe(progress=show_progress)
        for key in self._walk.keys:
            self._walk.enter(key)
            answers.give(self._walk, key, self._language)
            self._show(key)
        if answers.finish:
            self._walk.finish()
        return answers.finish

    def walk(self) -> bool:
        """Ask step by step, from where the operator last was. True once the record is sealed."""
        if self._walk.connected:
            self._walk.probe(progress=show_progress)
        keys = self._walk.keys
        for key in keys[keys.index(self._walk.position()) :]:
            self._walk.enter(key)
            self._show(key)
            if self._interactive and not self._ask(key):
                return False
        return self._interactive and self._seal()

    def _show(self, key: Key) -> None:
        step = self._walk.step(key)
        number = self._walk.keys.index(key) + 1
        click.echo()
        title = inert(step.title.to(self._language))
        click.echo(f"Step {number} of {len(self._walk.keys)} ({step.severity.value}): {title}")
        click.echo(inert(step.ask.to(self._language)))
        click.echo(inert(step.why.to(self._language)))
        for line in step_lines(title, self._walk.state(key), still_open=self._walk.is_open(key)):
            click.echo(line)
        if self._walk.state(key).result is not Result.PASS:
            click.echo("How to put it right:")
            click.echo(inert(step.remedy.to(self._language)))

    def _ask(self, key: Key) -> bool:
        """Take what the operator does with a step, until they go on. False to stop."""
        doings: dict[str, tuple[str, Callable[[Key], None]]] = {
            "c": ("confirm", self._confirm),
            "s": ("skip", self._skip),
            "a": ("accept the risk", self._accept),
            "x": ("does not apply", self._not_applicable),
            "n": ("note", self._note),
            "r": ("look again", self._recheck),
        }
        choices = ", ".join(f"{letter} {name}" for letter, (name, _) in doings.items())
        while True:
            letter = _ask(f"{choices}, Enter next step, q stop").lower()
            if letter == "q":
                return False
            if not letter:
                return True
            if letter not in doings:
                click.echo(f"There is no {one_line(letter, 20)!r} here.")
                continue
            try:
                doings[letter][1](key)
            except SignoffError as error:
                click.echo(inert(str(error)))

    def _confirm(self, key: Key) -> None:
        confirm = self._walk.step(key).confirm
        if confirm is None:
            click.echo("There is nothing to confirm here: the machine sees all of it.")
            return
        click.echo(f"You confirm: {inert(confirm.statement.to(self._language))}")
        value = _ask(f"{inert(confirm.value.to(self._language))} (empty to leave it)")
        if value:
            self._walk.confirm(key, value, self._language)
            click.echo("Recorded as your word.")

    def _skip(self, key: Key) -> None:
        if reason := _ask("Why is it skipped? (empty to leave it)"):
            self._walk.skip(key, reason)

    def _not_applicable(self, key: Key) -> None:
        if reason := _ask("Why does it not apply? (empty to leave it)"):
            self._walk.not_applicable(key, reason)

    def _accept(self, key: Key) -> None:
        reason = _ask("Why is the risk accepted? (empty to leave it)")
        if reason:
            until = _ask("Until when? (YYYY-MM-DD)")
            self._walk.accept_risk(key, reason, _date(until))

    def _note(self, key: Key) -> None:
        if text := _ask("Note (empty to leave it)"):
            self._walk.note(key, text)

    def _recheck(self, key: Key) -> None:
        if not self._walk.connected:
            raise TargetError(
                "The target is not connected.", "Stop with q, and resume once it can be reached."
            )
        before = self._walk.notes
        self._walk.probe([key], progress=show_progress)
        for note in self._walk.notes:
            if note not in before:
                say(inert(note))
        self._show(key)

    def _seal(self) -> bool:
        still_open = [key for key in self._walk.keys if self._walk.is_open(key)]
        if still_open:
            names = ", ".join(inert(self._walk.step(key).title.to(self._language)) for key in still_open)
            click.echo(f"Still open: {names}")
        while _ask("Type seal to sign and close the record; anything else leaves it open") == "seal":
            try:
                self._walk.finish()
            except RecordError as error:
                if self._walk.session.state.sealed is not None:
                    raise
                click.echo(inert(str(error)))
            else:
                return True
        return False


def _ask(question: str) -> str:
    return str(click.prompt(question, default="", show_default=False)).strip()


def _date(text: str) -> date:
    """Read a date as YYYY-MM-DD (RFC 3339). Raises UsageError."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{one_line(text, 40)!r} is no date.", "Write it as YYYY-MM-DD.") from None
