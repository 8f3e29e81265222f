"""One finding: symbol, word, title, what was observed, what was expected, and the evidence folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.selection import Selection
from textual.widgets import Static

from signoff.app.theme import STYLES
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.rows import Row, Rows
from signoff.message import say, tr, translated
from signoff.model import SYMBOLS, Finding, Result, Vantage, word

_FROM = {
    Vantage.HOST: say("on the host"),
    Vantage.OUTSIDE: say("from outside"),
    Vantage.PROJECT: say("in the project"),
}
_QUIET = frozenset({Result.PASS, Result.FIXED, Result.NOTAPPLICABLE, Result.INFORMATIONAL})
_HEAD = len("  observed  ")
_MOST_EVIDENCE = 40


def expects_again(finding: Finding, before: Finding | None) -> bool:
    """Whether the finding before this one has just said what is expected of both."""
    return (
        before is not None
        and before.result not in _QUIET
        and (before.probe, before.expected) == (finding.probe, finding.expected)
    )


def rows_of(finding: Finding, *, unfolded: bool, expected: bool = True) -> Rows:
    """Return a finding as rows, with or without what was ``expected``."""
    style = STYLES[finding.result]
    quiet = finding.result in _QUIET
    title = line(finding.title, "" if quiet else "bold")
    if quiet and not unfolded:
        # What is as it should be takes a line or two, so that the rest is seen.
        more = " ▸" if finding.evidence else ""
        title = joined(title, "  ", line(finding.observed, "$muted"), (more, "$muted"))
    first = Row(
        Content.styled(f"{SYMBOLS[finding.result]} {word(finding.result)}", f"bold {style}"),
        title,
        # The long words (informational, notapplicable) take their room alone, not from all the others.
        max(_HEAD, len(word(finding.result)) + 4),
        Content.styled(translated(_FROM[finding.vantage]), "$muted"),
    )
    if quiet and not unfolded:
        return Rows(first)
    rows = [first, _row(tr("observed"), text(finding.observed or tr("nothing")))]
    if finding.expected and (expected or unfolded):
        rows.append(_row(tr("expected"), text(finding.expected)))
    return Rows(*rows, *_evidence(finding.evidence, unfolded=unfolded))


def _row(label: str, body: Content) -> Row:
    return Row(joined("  ", (label, "$muted")), body, _HEAD)


def _evidence(lines: Sequence[str], *, unfolded: bool) -> Iterator[Row]:
    count = len(lines)
    if lines and not unfolded:
        folded = tr("{count} line, folded", "{count} lines, folded", count=count)
        yield Row(Content.styled(tr("▸ evidence"), "$muted"), Content.styled(folded, "$muted"), _HEAD)
        return
    for number, excerpt in enumerate(lines[:_MOST_EVIDENCE]):
        yield _row("" if number else tr("evidence"), text(excerpt, "$muted"))
    if count > _MOST_EVIDENCE:
        yield _row(
            "",
            Content.styled(tr("{count} lines more, in the record", count=count - _MOST_EVIDENCE), "$muted"),
        )


class FindingView(Static, can_focus=True):
    """A finding that can be focused, and unfolded."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "unfold",
            "Evidence",
            id="evidence-here",
            show=False,
            tooltip="Show or hide the evidence behind this finding",
        ),
    ]

    def __init__(self, finding: Finding, *, unfolded: bool, expected: bool) -> None:
        super().__init__(rows_of(finding, unfolded=unfolded, expected=expected), markup=False)
        self.finding = finding
        self.unfolded = unfolded
        self.expected = expected

    def show(self, finding: Finding, *, unfolded: bool, expected: bool) -> None:
        """Show another finding, or the same one as it is now."""
        if (finding, unfolded, expected) != (self.finding, self.unfolded, self.expected):
            self.finding, self.unfolded, self.expected = finding, unfolded, expected
            self.update(rows_of(finding, unfolded=unfolded, expected=expected))

    def action_unfold(self) -> None:
        """Show or hide the evidence."""
        self.show(self.finding, unfolded=not self.unfolded, expected=self.expected)

    def on_click(self, event: events.Click) -> None:
        """Unfold with the mouse."""
        if event.chain == 1 and not self.screen.get_selected_text():
            self.action_unfold()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Give the whole finding where some of it is selected with the mouse."""
        return rows_of(self.finding, unfolded=self.unfolded).plain, "\n"
