"""A step: what is asked, why, what the machine saw, how to put it right, what a person said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from signoff.app.theme import STYLES
from signoff.app.view import KINDS, MARKS, Remedy, StepView, moment
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.finding import FindingView, expects_again
from signoff.app.widgets.rows import Row, Rows
from signoff.checklist.model import ACTIONS
from signoff.message import listed, tr, translated
from signoff.model import Result, Severity, word
from signoff.report.remedies import parts

KeyName = Callable[[str], str]
"""Tells by a binding's id which key it has now."""

_SEVERITY = {
    Severity.CRITICAL: "bold $error",
    Severity.HIGH: "$error",
    Severity.MEDIUM: "$warning",
    Severity.LOW: "$muted",
}


class StepPanel(VerticalScroll, inherit_bindings=False):
    """Shows one step. It knows no walk: ``show`` is given all there is to see."""

    # Not those of its base: left and right turn to the steps nearby.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up", id="read-up", show=False, tooltip="Read back by a line"),
        Binding("down", "scroll_down", "Down", id="read-down", show=False, tooltip="Read on by a line"),
        Binding("home", "scroll_home", "Top", id="read-top", show=False, tooltip="Read from the top"),
        Binding("end", "scroll_end", "End", id="read-end", show=False, tooltip="Read the end"),
    ]

    def __init__(self) -> None:
        super().__init__(id="panel")
        self._view: StepView | None = None
        self._drawn: tuple[object, ...] = ()
        self._unfolded = False
        self._remedies: tuple[Remedy, ...] = ()

    def compose(self) -> ComposeResult:
        """Make the sections; the empty ones stay hidden."""
        yield Static(id="title", markup=False)
        yield Static(id="ask", markup=False)
        yield Static(id="why", markup=False)
        yield Static(id="saw", classes="heading", markup=False)
        yield Vertical(id="findings")
        yield Static(tr("Put it right"), id="right", classes="heading", markup=False)
        yield Vertical(id="remedies")
        yield Static(tr("A person says"), id="says", classes="heading", markup=False)
        yield Static(id="said", markup=False)
        yield Static(tr("Done from here"), id="did", classes="heading", markup=False)
        yield Static(id="done", markup=False)
        yield Static(tr("What you can do"), id="can", classes="heading", markup=False)
        yield Static(id="now", markup=False)
        yield Static(tr("On the way to the target"), id="way", classes="heading", markup=False)
        yield Static(id="way-notes", markup=False)

    def show(
        self,
        view: StepView,
        key_name: KeyName,
        *,
        busy: bool,
        sealed: bool,
        connected: bool,
        way: Sequence[str] = (),
    ) -> None:
        """Show a step as it is now; draws only what has changed. ``way`` is what to know of the target."""
        drawn = (view, busy, sealed, connected, tuple(way), self._unfolded, key_name("confirm"))
        if drawn == self._drawn:
            return
        another = self._view is None or self._view.key != view.key
        self._view, self._drawn = view, drawn
        with self.app.batch_update():
            self._write(view, key_name, busy=busy, sealed=sealed, connected=connected)
            self._show_way(way)
        if another:
            self.scroll_home(animate=False)

    def _write(self, view: StepView, key_name: KeyName, *, busy: bool, sealed: bool, connected: bool) -> None:
        self.query_one("#title", Static).update(_title(view))
        self.query_one("#ask", Static).update(text(view.ask))
        self.query_one("#why", Static).update(text(view.why, "$muted"))
        self.query_one("#saw", Static).update(_saw(view, busy=busy))
        self._show_findings(view)
        self._show_remedies(view.remedies)
        said = list(_said(view))
        self.query_one("#said", Static).update(Rows(*said))
        done = list(_done(view))
        self.query_one("#done", Static).update(Rows(*done))
        shown = {"#says": said, "#said": said, "#did": done, "#done": done, "#right": view.remedies}
        for name, there in shown.items():
            self.query_one(name).display = bool(there)
        self.query_one("#now", Static).update(Rows(*_now(view, key_name, sealed=sealed, connected=connected)))

    def _show_way(self, notes: Sequence[str]) -> None:
        self.query_one("#way-notes", Static).update(text(listed(notes, "\n"), "$muted"))
        for name in ("#way", "#way-notes"):
            self.query_one(name).display = bool(notes)

    def _show_findings(self, view: StepView) -> None:
        box = self.query_one("#findings", Vertical)
        there = list(box.query_children(FindingView))
        befores = (None, *view.findings)
        # A dozen secrets may fail alike: what is expected of them is said once.
        says = [not expects_again(one, before) for one, before in zip(view.findings, befores, strict=False)]
        for shown, finding, expected in zip(there, view.findings, says, strict=False):
            shown.show(finding, unfolded=self._unfolded, expected=expected)
        for surplus in there[len(view.findings) :]:
            surplus.remove()
        new = list(zip(view.findings, says, strict=True))[len(there) :]
        if new:
            box.mount_all(
                [FindingView(one, unfolded=self._unfolded, expected=expected) for one, expected in new]
            )

    def _show_remedies(self, remedies: tuple[Remedy, ...]) -> None:
        if remedies == self._remedies:
            return
        self._remedies = remedies
        box = self.query_one("#remedies", Vertical)
        wanted: list[tuple[str, Content | Rows]] = []
        for remedy in remedies:
            if remedy.title:
                wanted.append(("remedy-title", line(remedy.title, "$muted")))
            wanted.append(("remedy", text(remedy.text)))
            exact = [(translated(label), body) for label, body in parts(remedy.fix)]
            indent = max((len(label) for label, _ in exact), default=0) + 2
            if exact:
                rows = [Row(text(label, "$muted"), text(body), indent) for label, body in exact]
                wanted.append(("remedy", Rows(*rows)))
        box.remove_children()
        box.mount_all([Static(content, classes=name, markup=False) for name, content in wanted])

    def unfold(self) -> None:
        """Show or hide the evidence of all findings."""
        self._unfolded = not self._unfolded
        for shown in self.query(FindingView):
            shown.show(shown.finding, unfolded=self._unfolded, expected=shown.expected)


def _title(view: StepView) -> Rows:
    number = f"{view.number}  "
    severity = Content.styled(word(view.severity), _SEVERITY[view.severity])
    words = joined(
        (view.symbol, f"bold {STYLES[view.result]}") if view.has_probes else "",
        " " * view.has_probes,
    )
    state = joined(words, (view.words, STYLES[view.result] if view.has_probes else "$muted"))
    indent = len(number)
    return Rows(
        Row(Content.styled(number, "bold $primary"), line(view.title, "bold"), indent, severity),
        Row(Content(""), state, indent),
    )


def _saw(view: StepView, *, busy: bool) -> Content:
    if not view.has_probes:
        return joined(
            tr("The machine saw  "), (tr("nothing: only a person can know this"), "not bold $muted")
        )
    if not view.findings:
        state = tr("looking …") if busy else tr("nothing yet")
        return joined(tr("The machine saw  "), (state, "not bold $muted"))
    if not view.probed:
        state = tr("looking …") if busy else tr("not all of it: the look was not finished")
        return joined(tr("The machine saw  "), (state, "not bold $warning"))
    return Content(tr("The machine saw"))


def _said(view: StepView) -> Iterator[Row]:
    indent = 13

    def labelled(label: str, body: Content) -> Row:
        return Row(joined("  ", (label, "$muted")), body, indent)

    if view.answer:
        attested, time = view.answer.attested, view.answer.time
        kind = joined(
            (f"{MARKS[attested.kind]} {translated(KINDS[attested.kind])}", "bold $accent"),
            (f"  {moment(time)}", "$muted"),
        )
        yield Row(Content(""), kind, 0)
        for label, value in (
            (tr("statement"), attested.statement),
            (tr("saw"), attested.value),
            (tr("reason"), attested.reason),
            (tr("until"), attested.until),
        ):
            if value:
                yield labelled(label, text(value))
        if attested.kind == "confirmed" and view.result is Result.FAIL:
            yield labelled(
                tr("but"), Content.styled(tr("the machine saw a failure; the step stays open"), "$error")
            )
    for time, note in view.notes:
        yield labelled(tr("note"), joined(text(note), (f"  {moment(time)}", "$muted")))


def _done(view: StepView) -> Iterator[Row]:
    from signoff.report.text import enrolled_line

    for time, enrolled in view.enrolled:
        words = joined(text(enrolled_line(enrolled)), (f"  {moment(time)}", "$muted"))
        yield Row(Content.styled(tr("  second factor "), "$muted"), words, 16)


def _now(view: StepView, key_name: KeyName, *, sealed: bool, connected: bool) -> Iterator[Row]:
    if sealed:
        yield Row(Content(""), Content.styled(tr("The record is sealed; nothing can be added."), "$muted"), 0)
        return
    for binding, body in (*_to_do(view, connected=connected), *_to_say(view)):
        yield Row(Content.styled(key_name(binding), "bold $accent"), Content("") + body, 4)


def _to_do(view: StepView, *, connected: bool) -> Iterator[tuple[str, str]]:
    if not connected:
        yield "recheck", tr("connect to the target, and look again")
        return
    if view.actions:
        yield "act", "; ".join(translated(ACTIONS[action]) for action in view.actions)
    if view.result in {Result.FAIL, Result.ERROR, Result.UNKNOWN} or not view.probed:
        yield "recheck", tr("look again, once you have put it right")


def _to_say(view: StepView) -> Iterator[tuple[str, str | Content]]:
    if view.answer and view.answer.attested.kind == "confirmed":
        yield "confirm", tr("confirm again, with what you see now")
    elif view.statement:
        yield "confirm", joined(tr("confirm: "), text(view.statement, "$muted"))
    if view.to_copy:
        yield "copy", tr("copy the command, or the new line")
    if view.permit:
        yield "permit", text(view.permit)
    if view.open:
        yield "accept-risk", tr("accept the risk, with a reason and until a date")
        yield "skip", tr("skip, with a reason")
        yield "not-applicable", tr("say that it does not apply, with a reason")
    if view.answer:
        yield "withdraw", tr("take your answer back")
