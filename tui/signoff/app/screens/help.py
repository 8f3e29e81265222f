"""What every key does where one is: made from the bindings that are in force, the operator's own included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from signoff.app.screens.base import Dialog
from signoff.app.view import KINDS, MARKS
from signoff.app.widgets.content import joined
from signoff.app.widgets.rows import Row, Rows
from signoff.message import own, say, tr, translated
from signoff.model import SYMBOLS, Result, word

_MEANINGS = {
    Result.PASS: say("the machine saw that it is right"),
    Result.FAIL: say("the machine saw that it is wrong"),
    Result.UNKNOWN: say("the machine could not see it"),
    Result.ERROR: say("what the machine got could not be read"),
    Result.NOTCHECKED: say("not looked at yet, or not to the end"),
    Result.INFORMATIONAL: say("something to know, neither right nor wrong"),
    Result.NOTAPPLICABLE: say("the machine saw that it does not apply"),
}


class HelpScreen(Dialog[None]):
    """Lists the keys with what they do, and the symbols with what they mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter", "back", "Back", id="back", tooltip="Close the help"),
    ]

    def __init__(self, keys: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__()
        self._shown = keys

    @classmethod
    def of(cls, screen: Screen[Any]) -> HelpScreen:
        """Make the help for a screen."""
        return cls(tuple(_keys(screen)))

    def compose(self) -> ComposeResult:
        """Make the screen."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog -tall"):
            yield Static(tr("Keys"), classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body"):
                yield Static(Rows(*self._key_rows()), markup=False)
                yield Static(tr("Symbols"), classes="heading", markup=False)
                yield Static(Rows(*_symbol_rows()), markup=False)
            yield Static(
                joined((back, "bold $accent"), tr(" goes back")), classes="dialog-keys", markup=False
            )

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one(".dialog-body").focus()

    def _key_rows(self) -> Iterator[Row]:
        indent = max((len(key) for key, _, _ in self._shown), default=0) + 2
        for key, tooltip, name in self._shown:
            yield Row(
                Content.styled(key, "bold $accent"), Content(tooltip), indent, Content.styled(name, "$muted")
            )
        for key, what in (
            (tr("arrows"), tr("move; in a list and in a text")),
            ("tab", tr("go to the next part of the screen")),
        ):
            yield Row(Content.styled(key, "bold $accent"), Content(what), indent)

    def action_back(self) -> None:
        """Close."""
        self.dismiss(None)


def _keys(screen: Screen[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield key, meaning and name of what is bound: one line a binding, however many keys it has."""
    found: dict[str, tuple[list[str], str]] = {}
    active = screen.active_bindings.values()
    # The screen's own first, then the app's, then those of the part that has the focus.
    for _node, binding, _enabled, _tooltip in sorted(active, key=lambda one: _rank(one.node, screen)):
        if binding.id and binding.tooltip:
            keys, _ = found.setdefault(binding.id, ([], own(binding.tooltip)))
            name = screen.app.get_key_display(binding)
            if name not in keys:
                keys.append(name)
    for name, (keys, tooltip) in found.items():
        yield " ".join(keys), tooltip, name


def _rank(node: DOMNode, screen: Screen[Any]) -> int:
    return 0 if node is screen else 1 if node is screen.app else 2


def _symbol_rows() -> Iterator[Row]:
    for result, meaning in _MEANINGS.items():
        yield Row(
            Content(f"{SYMBOLS[result]} {word(result)}"), Content.styled(translated(meaning), "$muted"), 18
        )
    for kind, mark in MARKS.items():
        yield Row(
            Content(f"{mark} {translated(KINDS[kind])}"), Content.styled(tr("a person said so"), "$muted"), 18
        )
