"""Secrets, file by file, each with its rating; they can be chosen. No value is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from signoff.app.theme import STYLES
from signoff.app.widgets.content import joined, line
from signoff.app.widgets.rows import Row, Rows
from signoff.message import tr
from signoff.model import SYMBOLS, Finding, Result

if TYPE_CHECKING:
    from signoff.probes.rated import RatedSecret

_WIDEST_NAME = 40
_BESIDES = len("[x] ✗   postgres  1000 characters  1000 bits  strong ") + 3
"""Columns that an entry takes besides its name, with the list's own."""


class SecretList(OptionList):
    """Lists secrets. What is chosen is kept by the place in the list: two files may share a name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "Choose", id="choose", tooltip="Choose this one, or not"),
        Binding(
            "enter",
            "done",
            "Go on",
            id="choice-made",
            key_display="Enter",
            tooltip="Show what replacing the chosen ones takes; changes nothing yet",
        ),
    ]

    class Chosen(Message):
        """Something was chosen, or not any more."""

    class Done(Message):
        """The choice is made."""

    def __init__(self, *, choosing: bool) -> None:
        super().__init__(id="secrets", markup=False, compact=True)
        self.secrets: tuple[RatedSecret, ...] = ()
        self.amiss: tuple[Finding, ...] = ()
        self._choosing = choosing
        self._rows: list[int | None] = []
        self._chosen: set[int] = set()

    def show(self, secrets: Iterable[RatedSecret], amiss: Iterable[Finding], width: int) -> None:
        """Show these, and above them what is amiss with their files; nothing is chosen."""
        self.secrets, self.amiss, self._chosen = tuple(secrets), tuple(amiss), set()
        self._draw(width)
        first = next((row for row, number in enumerate(self._rows) if number is not None), None)
        self.highlighted = first if first is not None else 1 if self.amiss else None
        self.post_message(self.Chosen())

    def _draw(self, width: int) -> None:
        options = list(self._files())
        self._rows = [None] * len(options)
        path = None
        for number, one in enumerate(self.secrets):
            if one.path != path:
                path = one.path
                title = joined("\n" if options else "", line(path, "bold $primary"))
                options.append(Option(title, disabled=True))
                self._rows.append(None)
            options.append(Option(self._entry(number, width)))
            self._rows.append(number)
        before = self.highlighted
        self.set_options(options)
        self.highlighted = before

    def _files(self) -> Iterator[Option]:
        if self.amiss:
            yield Option(Content.styled(tr("The files"), "bold $primary"), disabled=True)
        for one in self.amiss:
            head = Content.styled(SYMBOLS[one.result], f"bold {STYLES[one.result]}")
            yield Option(Rows(Row(head, line(one.observed, STYLES[one.result]), 2)))

    def _entry(self, number: int, width: int) -> Rows:
        one = self.secrets[number]
        longest = max(len(line(each.name).plain) for each in self.secrets)
        room = max(8, min(longest, _WIDEST_NAME, width - _BESIDES))
        rating, style = one.rating, STYLES[one.result]
        entry = joined(
            (self._box(number), "bold $accent"),
            (f"{SYMBOLS[one.result]} ", f"bold {style}"),
            line(rating.name, "bold").truncate(room, ellipsis=True, pad=True),
            (
                tr(
                    "  {form}  {length} characters  {bits} bits",
                    form=f"{rating.form.value:<8}",
                    length=f"{rating.length:>4}",
                    bits=f"{rating.bits:>4}",
                ),
                "$muted",
            ),
        )
        if not one.problems:
            return Rows(Row(Content(""), joined(entry, (tr("  strong"), style)), 0))
        problems = line("; ".join(one.problems), style)
        return Rows(Row(Content(""), entry, 0), Row(Content(""), problems, len(self._box(number)) + 2))

    def _box(self, number: int) -> str:
        if not self._choosing:
            return ""
        return "[x] " if number in self._chosen else "[ ] "

    # choosing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can be chosen, no key chooses."""
        return self._choosing or action not in {"choose", "done"}

    @property
    def chosen(self) -> tuple[RatedSecret, ...]:
        """Those that are chosen, in their order."""
        return tuple(self.secrets[number] for number in sorted(self._chosen))

    @property
    def current(self) -> RatedSecret | None:
        """The highlighted one."""
        number = self._number(self.highlighted)
        return None if number is None else self.secrets[number]

    @property
    def finding(self) -> Finding | None:
        """What is amiss with the files, where that is highlighted."""
        row = self.highlighted
        # The first line is the heading.
        return self.amiss[row - 1] if row is not None and 0 < row <= len(self.amiss) else None

    def _number(self, row: int | None) -> int | None:
        return self._rows[row] if row is not None and row < len(self._rows) else None

    def choose_weak(self) -> None:
        """Choose what is not in order, of the file in which the highlight is."""
        here = self.current or next(iter(self.secrets), None)
        if here is not None:
            self._choose(self._chosen | set(self._weak(here.path)))

    def _weak(self, path: str) -> Iterator[int]:
        for number, one in enumerate(self.secrets):
            if one.path == path and one.result is Result.FAIL:
                yield number

    def choose_none(self) -> None:
        """Choose nothing."""
        self._choose(set())

    def _choose(self, chosen: set[int]) -> None:
        changed, self._chosen = self._chosen ^ chosen, chosen
        for row, number in enumerate(self._rows):
            if number in changed:
                self.replace_option_prompt_at_index(row, self._entry(number, self.app.size.width))
        self.post_message(self.Chosen())

    def _turn(self, row: int | None) -> None:
        number = self._number(row)
        if number is not None and self._choosing:
            self._choose(self._chosen ^ {number})

    def action_choose(self) -> None:
        """Choose the highlighted one, or not."""
        self._turn(self.highlighted)

    def action_done(self) -> None:
        """Go on with what is chosen."""
        self.post_message(self.Done())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose with the mouse: Enter does not come here."""
        event.stop()
        self._turn(event.option_index)

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the names to the width."""
        self._draw(self.app.size.width)
