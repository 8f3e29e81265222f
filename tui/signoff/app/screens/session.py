"""A past session: does it hold, and what happened when; what a person said beside what the machine saw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from signoff.app.past import happening_line, machine_rows, person_rows, verdict_page, verdict_rows
from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.prompts import Choice
from signoff.app.screens.reading import ReadingDialog
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.long_list import LongList
from signoff.app.widgets.rows import Row, Rows
from signoff.app.work import background, in_thread
from signoff.message import say, tr, translated
from signoff.session.timeline import By
from signoff.session.verdict import Status

if TYPE_CHECKING:
    from signoff.report.looking import Look
    from signoff.session.timeline import Happening, Key
    from signoff.session.verdict import Verdict

_SHOWN = {
    "all": (say("everything"), frozenset(By)),
    "findings": (say("what the machine saw"), frozenset({By.MACHINE})),
    "said": (say("what a person said"), frozenset({By.PERSON})),
}


class SessionScreen(SignoffScreen[None]):
    """Shows a session that is over, or was left. Nothing can be changed here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "only('all')", "All", id="show-all", tooltip="Show everything that happened"),
        Binding("f", "only('findings')", "Findings", id="show-findings", tooltip="Only what machines saw"),
        Binding("s", "only('said')", "Said", id="show-said", tooltip="Only what a person said"),
        Binding("l", "only_step", "Step", id="show-step", tooltip="Only what happened at one step"),
        Binding("v", "verdict", "Verdict", id="verdict", tooltip="All that the verification found"),
        Binding("x", "export", "Export", id="export", tooltip="Write an archive to hand over, here"),
        Binding("r", "resume", "Go on", id="resume", tooltip="Go on with a session that was left"),
        Binding("escape", "back", "Back", id="back", tooltip="Go back"),
        Binding("y", "copy", "Copy", id="copy", tooltip="Copy a command that verifies the record"),
        Binding("o", "overview", "Overview", id="overview", tooltip="Each step as it was at the end"),
    ]

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._look: Look | None = None
        self._verdict: Verdict | None = None
        self._only = "all"
        self._step: Key | None = None
        self._rows: list[Happening] = []
        self._several_days = False

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar()
        yield Static(id="verdict", markup=False)
        yield LongList(self._line, id="timeline")
        with VerticalScroll(id="behind"):
            yield Static(id="when", markup=False)
            with Horizontal(id="both"):
                yield Static(id="machine", markup=False)
                yield Static(id="person", markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the session, and then judge it."""
        super().on_mount()
        self.query_one(LongList).focus()
        self.query_one(StatusLine).busy(tr("Reading the record"))
        self.read()

    @background("read")
    async def read(self) -> None:
        """Read first, since that is fast and can be looked at; verify then."""
        from signoff.report.judging import judge
        from signoff.report.looking import look

        directory, language = self._directory, self.signoff.language
        self._look = await in_thread(lambda: look(directory, language))
        days = {one.time.date() for one in self._look.timeline.happenings}
        self._several_days = len(days) > 1
        self._show()
        self._choose()
        self._verdict = await in_thread(lambda: judge(directory))
        self._show()

    def _show(self) -> None:
        look = self._look
        if look is None:
            return
        state = look.record.state
        genesis = state.genesis
        self.query_one(TitleBar).show(
            tr("Session {name}", name=look.record.directory.name), genesis.target.name if genesis else ""
        )
        self.query_one("#verdict", Static).update(Rows(*verdict_rows(self._verdict, state)))
        self._tell()
        self.refresh_bindings()

    def _tell(self) -> None:
        look = self._look
        if look is None:
            return
        status = self.query_one(StatusLine)
        if look.record.damage:
            status.idle(joined((tr("damaged after this"), "bold $error"), "  ", line(look.record.damage)))
            return
        at = tr(" at {title}", title=self._title(self._step)) if self._step else ""
        shown = joined(
            tr("{count} shown", count=len(self._rows)),
            (f" · {translated(_SHOWN[self._only][0])}{at}", "$muted"),
        )
        trouble = joined("  ", line(look.trouble, "$warning")) if look.trouble else Content("")
        status.idle(joined(shown, trouble))

    def _title(self, step: Key | None) -> str:
        if step is None or self._look is None:
            return ""
        return self._look.titles.get(step, step[1])

    def _line(self, number: int, width: int) -> Content:
        one = self._rows[number]
        return happening_line(one, self._title(one.step), self._several_days, width)

    def _choose(self) -> None:
        """Show what is wanted, and stay as near as can be to what was highlighted."""
        if self._look is None:
            return
        lines = self.query_one(LongList)
        before = self._rows[lines.highlighted].line if self._rows else 0
        wanted = _SHOWN[self._only][1]
        self._rows = [
            one
            for one in self._look.timeline.happenings
            if one.by in wanted and self._step in {None, one.step}
        ]
        at = next(
            (number for number, one in enumerate(self._rows) if one.line >= before), len(self._rows) - 1
        )
        lines.show(len(self._rows), at)
        self._tell()

    @on(LongList.Highlighted)
    def _highlighted(self) -> None:
        """Show what lies behind the line: what a person said beside what the machine saw."""
        if self._look is None:
            return
        lines = self.query_one(LongList)
        one = self._rows[lines.highlighted] if self._rows else None
        both = self.query_one("#both")
        both.display = one is not None and one.step is not None
        if one is None:
            self.query_one("#when", Static).update(Content.styled(tr("There is none."), "$muted"))
            return
        self.query_one("#when", Static).update(self._when(one))
        if one.step is None:
            return
        standing = self._look.timeline.standing(one.step, one.line)
        machine, person = self.query_one("#machine", Static), self.query_one("#person", Static)
        machine.update(Rows(_heading(tr("The machine saw"), "$primary"), *machine_rows(one, standing)))
        person.update(Rows(_heading(tr("A person says"), "$accent"), *person_rows(one, standing)))
        # Where they stand one below the other, what was chosen comes first.
        turned = one.by is By.PERSON and not self.has_class("-wide")
        both.move_child(person, before=machine) if turned else both.move_child(machine, before=person)
        self.query_one("#behind").scroll_home(animate=False)

    def _when(self, one: Happening) -> Content:
        from signoff.report.timeline import told

        at = one.time.strftime("%Y-%m-%d %H:%M:%S UTC")
        head = joined((tr("{at} · line {line}", at=at, line=one.line), "$muted"))
        if one.step:
            shown = joined(head, " · ", line(self._title(one.step), "bold"))
            if one.by is not By.SESSION:
                return shown
            head = joined(shown, "\n")
        else:
            head = joined(head, "\n")
        word, rest = told(one)
        return joined(head, (f"{word}  ", "bold"), text(rest))

    # what can be done

    def action_only(self, what: str) -> None:
        """Show only some, or everything again."""
        self._only = what
        if what == "all":
            self._step = None
        self._choose()

    def action_only_step(self) -> None:
        """Choose a step."""
        if self._look is None:
            return
        steps = self._look.timeline.steps

        def chosen(number: int | None) -> None:
            if number is not None:
                self._step = steps[number - 1] if number else None
                self._choose()

        names = [Content(tr("All steps")), *(line(self._title(step)) for step in steps)]
        self.app.push_screen(Choice(tr("Which step?"), names, verb=tr("shows it")), chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a sealed record can be exported, and only one that was left can be gone on with."""
        look, verdict = self._look, self._verdict
        if action == "verdict":
            return True if verdict else None
        if action == "overview":
            return True if look and look.checklists else None
        if action == "export":
            return verdict.sealed if verdict else None
        if action == "resume":
            genesis = look.record.state.genesis if look else None
            left = verdict is not None and not verdict.sealed and verdict.status is not Status.INVALID
            return left and genesis is not None and genesis.mode == "walk"
        return True

    def action_verdict(self) -> None:
        """Show all that the verification found."""
        if self._verdict:
            body = Content("\n").join(list(verdict_page(self._verdict)))
            self.app.push_screen(ReadingDialog(tr("Verdict"), body))

    @background("overview")
    async def action_overview(self) -> None:
        """Show each step as it was at the end."""
        from signoff.app.closing import Closing
        from signoff.app.screens.finish import FinishScreen

        look = self._look
        if look is None:
            return
        record = look.record
        closing = Closing(
            record.state, look.checklists, record.directory, sealed=record.sealed, damage=record.damage
        )
        self.app.push_screen(FinishScreen(closing))

    @background("export")
    async def action_export(self) -> None:
        """Write the archive into the folder that signoff was started in."""
        from signoff.report.exporting import export

        directory, language = self._directory, self.signoff.language
        self.query_one(StatusLine).busy(tr("Writing the archive"))
        try:
            made = await in_thread(lambda: export(directory, None, language))
        finally:
            self._tell()
        self.notify(
            tr("{path}\nTell whoever gets it your fingerprint yourself.", path=made.path.resolve()),
            markup=False,
        )

    def action_copy(self) -> None:
        """Choose a command, and copy it."""
        from signoff.session.stock import commands, commands_for

        if self._look is None:
            return
        if self._verdict:
            found = list(commands_for(self._directory, self._verdict))
        else:
            genesis = self._look.record.state.genesis
            name = genesis.operator.name if genesis else ""
            found = list(commands(self._directory, name, sealed=self._look.record.sealed))

        def copy(number: int | None) -> None:
            if number is not None:
                self.signoff.copy(found[number])

        self.app.push_screen(Choice(tr("Copy"), [line(one) for one in found], verb=tr("copies")), copy)

    def action_resume(self) -> None:
        """Go on with the session."""
        from signoff.app.app import Start

        self.signoff.open_walk(Start(resume=self._directory.name))

    def action_back(self) -> None:
        """Go back."""
        self.dismiss(None)


def _heading(title: str, style: str) -> Row:
    return Row(Content(""), Content.styled(title, f"bold {style}"), 0)
