"""What the ledgers miss, opened: what it means, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from signoff.app.home_lines import begun_at
from signoff.app.screens.base import Dialog
from signoff.app.view import moment
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.rows import Row as Drawn
from signoff.app.widgets.rows import Rows
from signoff.message import tr

if TYPE_CHECKING:
    from signoff.report.gaps import Advice
    from signoff.session.survey import Row

_LABEL = 11


class GapDialog(Dialog[bool]):
    """Tells of a gap. True where the record is to be looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "look", "Look", id="look", tooltip="Look at the record, as far as it is here"),
        Binding("y", "copy", "Copy", id="copy-gap", tooltip="Copy this text to the terminal's clipboard"),
        Binding("escape,enter", "back", "Back", id="back", tooltip="Go back"),
    ]

    def __init__(self, title: str, rows: Iterable[Drawn], *, here: bool) -> None:
        super().__init__()
        self._title = title
        self._rows = Rows(*rows)
        self._here = here

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(classes="dialog -tall"):
            yield Static(line(self._title), classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body"):
                yield Static(self._rows, markup=False)
            yield Static(self._keys(), classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        super().on_mount()
        self.query_one(".dialog-body").focus()

    def _keys(self) -> Content:
        def key(binding: str) -> tuple[str, str]:
            return (self.signoff.key_name(self, binding), "bold $accent")

        look = joined(key("look"), tr(" looks at the record   ")) if self._here else Content("")
        return joined(look, key("copy-gap"), tr(" copies this   "), key("back"), tr(" goes back"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a record that is here can be looked at."""
        return self._here if action == "look" else True

    def action_look(self) -> None:
        """Turn to the record."""
        self.dismiss(True)

    def action_copy(self) -> None:
        """Copy all of it."""
        self.signoff.copy(f"{self._title}\n{self._rows.plain}")

    def action_back(self) -> None:
        """Close."""
        self.dismiss(False)


def gap_dialog(row: Row) -> GapDialog:
    """Tell what is wrong with a session's place in the ledgers."""
    from signoff import paths
    from signoff.report.gaps import advice, problem_line

    def drawn() -> Iterator[Drawn]:
        begun = begun_at(row)
        if begun:
            yield _labelled(tr("begun"), tr("{begun}, by the ledger", begun=moment(begun)))
        known = ", ".join(one.name for one in row.ledgers) or tr("no ledger")
        yield _labelled(tr("known by"), known)
        if row.summary:
            yield _labelled(tr("record"), str(row.summary.directory))
        for problem in row.problems:
            told = advice(row, problem, paths.sessions_directory())
            yield from _page(problem_line(problem), told)

    return GapDialog(tr("Session {session}", session=row.session), drawn(), here=row.summary is not None)


def trouble_dialog(trouble: str) -> GapDialog:
    """Tell what is wrong with a ledger itself."""
    from signoff.report.gaps import LEDGER

    return GapDialog(tr("The ledger"), list(_page(trouble, LEDGER))[1:], here=False)


def _page(problem: str, told: Advice) -> Iterator[Drawn]:
    yield _blank()
    yield Drawn(Content.styled("!", "bold $error"), text(problem, "bold $error"), 2)
    yield _blank()
    yield Drawn(Content(""), text(told.means), 0)
    yield _blank()
    yield Drawn(Content(""), Content.styled(tr("What to do"), "bold $primary"), 0)
    for number, one in enumerate(told.do, 1):
        yield Drawn(Content.styled(f"{number}", "bold $accent"), text(one), 2)


def _labelled(label: str, value: str) -> Drawn:
    return Drawn(Content.styled(label, "$muted"), line(value), _LABEL)


def _blank() -> Drawn:
    return Drawn(Content(""), Content(" "), 0)
