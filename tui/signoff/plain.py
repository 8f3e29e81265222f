"""The plain walk: questions and answers, line by line.

For screen readers, dumb terminals and scripts. What a person answers goes to standard output's dialogue;
progress and messages go to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from enum import Enum
from pathlib import Path

import click

from signoff.answers import Answers, load_answers
from signoff.checklist.load import Loaded
from signoff.checklist.model import ACTIONS, Language
from signoff.engine import Key
from signoff.errors import RecordError, SignoffError, TargetError
from signoff.message import own, say, tr, translated
from signoff.model import Result, word
from signoff.report.consent import consent_lines
from signoff.report.summary import exit_code
from signoff.report.text import step_lines, totals_lines
from signoff.saying import day
from signoff.target.base import Prompter
from signoff.target.profiles import resolve
from signoff.terminal import TerminalPrompter, show_progress, signer_here, tell
from signoff.text import inert, one_line, spoken
from signoff.walk import Walk
from signoff.walk_keys import WALK_KEYS


def run_plain(
    loaded: Sequence[Loaded],
    target: str,
    answers_file: Path | None,
    resume: str | None,
    language: Language,
    nonce: str,
) -> int:
    """Walk a session by questions and answers. Returns the exit code."""

    def read(checklists: Sequence[Loaded]) -> tuple[Answers | None, TerminalPrompter]:
        answers = load_answers(answers_file, checklists, language) if answers_file else None
        return answers, TerminalPrompter(answers.host_key if answers else "")

    if resume:
        walk = Walk.resume(resume, signer_here())
    else:
        answers, prompter = read(loaded)
        walk = Walk.begin(resolve(target), loaded, signer_here(), prompter, nonce=nonce)
    with closing(walk):
        if resume:
            answers, prompter = read(walk.checklists)
            tell(tr("Going on with session {id}.", id=walk.session.id))
            _connect(walk, prompter)
        for note in walk.notes:
            tell(note)
        face = _Face(walk, language, interactive=sys.stdin.isatty() and not answers)
        finished = face.scripted(answers) if answers else face.walk()
        checklists = [one.checklist for one in walk.checklists]
        state, record = walk.session.state, walk.session.directory
    for line in totals_lines(state):
        click.echo(line)
    click.echo(tr("record {record}", record=record))
    if not finished:
        click.echo(tr("Not sealed. Go on with: signoff run --resume {session}", session=state.session))
    else:
        click.echo(tr("Verify it with: signoff verify {session}", session=state.session))
    return exit_code(state, checklists, walked=True)


def _connect(walk: Walk, prompter: Prompter) -> None:
    try:
        walk.connect(prompter)
    except TargetError as error:
        tell(tr("The target cannot be probed now: {message}", message=error.message))
        tell(error.hint)


class _Over(Enum):
    """What ends the talk about a step."""

    STEP = "the operator goes on to the next one"
    SEALED = "the record is sealed"
    LEFT = "the operator leaves"


class _Face:
    """One walk, line by line."""

    def __init__(self, walk: Walk, language: Language, *, interactive: bool) -> None:
        self._walk = walk
        self._language = language
        self._interactive = interactive
        self.doings: dict[str, Callable[[Key], _Over | None]] = {
            "act": self._act,
            "confirm": self._confirm,
            "skip": self._skip,
            "accept-risk": self._accept,
            "not-applicable": self._not_applicable,
            "note": self._note,
            "withdraw": self._withdraw,
            "permit": self._permit,
            "recheck": self._recheck,
            "recheck-all": self._recheck_all,
            "generate": self._generate,
            "finish": self._finish,
            "help": self._help,
            "quit": self._quit,
        }
        """What is done, by the ids of the table of keys."""

    def scripted(self, answers: Answers) -> bool:
        """Probe everything, give the scripted answers, and seal unless the script says not to."""
        answers.permit(self._walk)
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
            if self._interactive and (over := self._ask(key)) is not _Over.STEP:
                return over is _Over.SEALED
        return self._interactive and self._finish() is _Over.SEALED

    def _show(self, key: Key) -> None:
        step = self._walk.step(key)
        number = self._walk.keys.index(key) + 1
        click.echo()
        title = inert(step.title.to(self._language))
        click.echo(
            tr(
                "Step {number} of {count} ({severity}): {title}",
                number=number,
                count=len(self._walk.keys),
                severity=word(step.severity),
                title=title,
            )
        )
        click.echo(inert(step.ask.to(self._language)))
        click.echo(inert(step.why.to(self._language)))
        for line in step_lines(title, self._walk.state(key), still_open=self._walk.is_open(key)):
            click.echo(line)
        if self._walk.state(key).result is not Result.PASS:
            click.echo(tr("How to put it right:"))
            click.echo(inert(step.remedy.to(self._language)))

    def _ask(self, key: Key) -> _Over:
        """Take what the operator does with a step, until they go on, seal, or leave."""
        while True:
            there = {one.key: one for one in WALK_KEYS.values() if self._offers(one.id, key)}
            keys = ", ".join(f"{one.key} {own(one.name)}" for one in there.values())
            typed = _ask(tr("Enter Next, {keys}", keys=keys))
            if not typed:
                return _Over.STEP
            if typed not in there:
                click.echo(tr("There is no {typed} here; ? shows the keys.", typed=repr(one_line(typed, 20))))
                continue
            try:
                over = self.doings[there[typed].id](key)
            except SignoffError as error:
                click.echo(spoken(error.words))
            else:
                if over is not None:
                    return over

    def _offers(self, name: str, key: Key) -> bool:
        """Tell whether a key is there on a step; those that ask for what it has not are left out."""
        match name:
            case "act":
                return bool(self._walk.step(key).actions)
            case "confirm":
                return self._walk.step(key).confirm is not None
            case "withdraw":
                return self._walk.state(key).answer is not None
            case "permit":
                return bool(self._walk.active(key))
            case _:
                return name in self.doings

    def _act(self, key: Key) -> None:
        from signoff.fixing import FIXES

        for action in self._walk.step(key).actions:
            click.echo(f"{translated(ACTIONS[action]).capitalize()}.")
            if FIXES[action](self._walk, key, _ask):
                self._recheck(key)

    def _confirm(self, key: Key) -> None:
        confirm = self._walk.step(key).confirm
        assert confirm is not None  # noqa: S101 - the key is not offered
        click.echo(tr("You confirm: {statement}", statement=inert(confirm.statement.to(self._language))))
        value = _ask(tr("{value} (empty to leave it)", value=inert(confirm.value.to(self._language))))
        if value:
            self._walk.confirm(key, value, self._language)
            click.echo(tr("Recorded as your word."))

    def _skip(self, key: Key) -> None:
        if reason := _ask(tr("Why is it skipped? (empty to leave it)")):
            self._walk.skip(key, reason)

    def _not_applicable(self, key: Key) -> None:
        if reason := _ask(tr("Why does it not apply? (empty to leave it)")):
            self._walk.not_applicable(key, reason)

    def _accept(self, key: Key) -> None:
        reason = _ask(tr("Why is the risk accepted? (empty to leave it)"))
        if reason:
            until = _ask(tr("Until when? (YYYY-MM-DD)"))
            self._walk.accept_risk(key, reason, day(until))

    def _note(self, key: Key) -> None:
        if text := _ask(tr("Note (empty to leave it)")):
            self._walk.note(key, text)

    def _withdraw(self, key: Key) -> None:
        if reason := _ask(tr("Why is the answer taken back? (empty to leave it)")):
            self._walk.withdraw(key, reason)

    def _permit(self, key: Key) -> None:
        changed = False
        for one in self._walk.active(key):
            given = not self._walk.permitted(key, one)
            click.echo(inert("\n".join(consent_lines(one, self._walk.session.id))))
            words = tr("Type yes to permit it in this session; anything else does not")
            if not given:
                words = tr("You have permitted it. Type yes to withdraw that; anything else does not")
            if _ask(words) == "yes":
                self._walk.consent(key, one.name, given=given)
                changed = True
        if changed and self._walk.connected:
            self._recheck(key)

    def _recheck(self, key: Key) -> None:
        self._look_again([key])
        self._show(key)

    def _recheck_all(self, _key: Key) -> None:
        self._look_again(self._walk.keys)
        for key in self._walk.keys:
            self._show(key)

    def _look_again(self, keys: Sequence[Key]) -> None:
        if not self._walk.connected:
            raise TargetError(
                say("The target is not connected."), say("Leave with q, and resume once it can be reached.")
            )
        before = self._walk.notes
        self._walk.probe(keys, progress=show_progress)
        for note in self._walk.notes:
            if note not in before:
                tell(note)

    def _generate(self, _key: Key) -> None:
        from signoff.credentials.generate import generate

        made = generate(_ask(tr("What kind? key, password, django, ... (Enter: key)")) or "key")
        self._walk.know([(say("a generated value"), made.value)])
        click.echo(made.value.reveal())

    def _finish(self, _key: Key | None = None) -> _Over | None:
        return _Over.SEALED if self._seal() else None

    def _help(self, _key: Key) -> None:
        click.echo(tr("Enter  Turn to the next step"))
        for one in WALK_KEYS.values():
            if one.id in self.doings:
                click.echo(f"{one.key:<6} {own(one.help)}")

    def _quit(self, _key: Key) -> _Over:
        return _Over.LEFT

    def _seal(self) -> bool:
        still_open = [key for key in self._walk.keys if self._walk.is_open(key)]
        if still_open:
            names = ", ".join(inert(self._walk.step(key).title.to(self._language)) for key in still_open)
            click.echo(tr("Still open: {names}", names=names))
        while _ask(tr("Type seal to sign and close the record; anything else leaves it open")) == "seal":
            try:
                self._walk.finish()
            except RecordError as error:
                if self._walk.session.state.sealed is not None:
                    raise
                click.echo(spoken(error.words))
            else:
                return True
        return False


def _ask(question: str) -> str:
    return str(click.prompt(question, default="", show_default=False)).strip()
