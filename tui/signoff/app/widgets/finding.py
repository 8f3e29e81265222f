"""One finding: symbol, word, title, what was observed, what was expected, and the evidence folded away."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.selection import Selection
from textual.widgets import Static

from signoff.app.theme import STYLES
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.rows import Row, Rows
from signoff.model import SYMBOLS, Finding, Result, Vantage

_FROM = {Vantage.HOST: "on the host", Vantage.OUTSIDE: "from outside", Vantage.PROJECT: "in the project"}
_QUIET = frozenset({Result.PASS, Result.FIXED, Result.NOTAPPLICABLE, Result.INFORMATIONAL})
_HEAD = len("? unknown  ")
_LABEL = len("observed  ")
_MOST_EVIDENCE = 40


def rows_of(finding: Finding, *, unfolded: bool) -> Rows:
    """Return a finding as rows."""
    # The long words (informational, notapplicable) take their room alone, not from all the others.
    indent = max(_HEAD, len(finding.result.value) + 4)
    style = STYLES[finding.result]
    folded = finding.result in _QUIET and not unfolded
    title = line(finding.title, "" if finding.result in _QUIET else "bold")
    if folded:
        # What is as it should be takes a line or two, so that the rest is seen.
        more = " ▸" if finding.evidence else ""
        title = joined(title, "  ", line(finding.observed, "$muted"), (more, "$muted"))
    rows = [
        Row(
            Content.styled(f"{SYMBOLS[finding.result]} {finding.result.value}", f"bold {style}"),
            title,
            indent,
            Content.styled(_FROM[finding.vantage], "$muted"),
        )
    ]
    if folded:
        return Rows(*rows)

    def labelled(label: str, body: Content) -> Row:
        head = joined(" " * indent, (label, "$muted"))
        return Row(head, body, indent + _LABEL)

    rows.append(labelled("observed", text(finding.observed or "nothing")))
    if finding.expected:
        rows.append(labelled("expected", text(finding.expected)))
    if finding.evidence and unfolded:
        rows += [
            labelled("" if number else "evidence", text(excerpt, "$muted"))
            for number, excerpt in enumerate(finding.evidence[:_MOST_EVIDENCE])
        ]
        if len(finding.evidence) > _MOST_EVIDENCE:
            more = f"{len(finding.evidence) - _MOST_EVIDENCE} lines more, in the record"
            rows.append(labelled("", Content.styled(more, "$muted")))
    elif finding.evidence:
        count = len(finding.evidence)
        more = f"▸ evidence, {count} {'line' if count == 1 else 'lines'}"
        rows.append(Row(Content(" " * indent), Content.styled(more, "$muted"), indent))
    return Rows(*rows)


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

    def __init__(self, finding: Finding, *, unfolded: bool) -> None:
        super().__init__(rows_of(finding, unfolded=unfolded), markup=False)
        self.finding = finding
        self.unfolded = unfolded

    def show(self, finding: Finding, *, unfolded: bool) -> None:
        """Show another finding, or the same one as it is now."""
        if (finding, unfolded) != (self.finding, self.unfolded):
            self.finding, self.unfolded = finding, unfolded
            self.update(rows_of(finding, unfolded=unfolded))

    def action_unfold(self) -> None:
        """Show or hide the evidence."""
        self.show(self.finding, unfolded=not self.unfolded)

    def on_click(self, event: events.Click) -> None:
        """Unfold with the mouse."""
        if event.chain == 1 and not self.screen.get_selected_text():
            self.action_unfold()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Give the whole finding where some of it is selected with the mouse."""
        return rows_of(self.finding, unfolded=self.unfolded).plain, "\n"
