"""The keys that can be pressed now, on the last line. The way out is always in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from signoff.app.widgets.content import joined
from signoff.message import own

_KEPT = frozenset({"help", "quit"})


@dataclass(frozen=True, slots=True)
class Key:
    """A key with what it does, as it is drawn, and the id of its binding."""

    id: str
    key: str
    shown: str
    does: str
    enabled: bool

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return len(self.shown) + 1 + len(self.does)


class KeyBar(Static):
    """Draws the bindings of the screen on one line; a click presses the key.

    Textual's Footer makes a widget of each key again at every change, which costs more than all the rest
    of the screen, and lets the last ones, the way out among them, fall off a narrow terminal.
    """

    def __init__(self) -> None:
        super().__init__(id="keys", markup=False)
        self._keys: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        """Follow the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is not self.screen or not self.is_attached:
            return
        keys = tuple(
            Key(
                binding.id or "",
                binding.key,
                self.app.get_key_display(binding),
                own(binding.description),
                enabled,
            )
            for _node, binding, enabled, _tooltip in screen.active_bindings.values()
            if binding.show
        )
        first_of_each = {key.id: key for key in reversed(keys)}
        keys = tuple(key for key in keys if first_of_each[key.id] is key)
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _fitting(self, gap: int) -> Sequence[Key]:
        """Return the keys for which there is room; help and quit go last."""
        room = self.content_size.width
        kept = [key for key in self._keys if key.id in _KEPT]
        left = room - sum(key.width + gap for key in kept)
        chosen = []
        for key in self._keys:
            if key.id in _KEPT:
                continue
            left -= key.width + gap
            if left < -gap:
                break
            chosen.append(key)
        return [*chosen, *kept]

    @property
    def _gap(self) -> int:
        return 2 if sum(key.width + 2 for key in self._keys) <= self.content_size.width + 2 else 1

    def render(self) -> Content:
        """Draw the keys."""
        gap = " " * self._gap
        parts = [
            joined(
                (key.shown, "bold $accent" if key.enabled else "$muted"),
                " ",
                (key.does, "" if key.enabled else "$muted"),
                gap,
            )
            for key in self._fitting(len(gap))
        ]
        return joined(*parts).truncate(max(1, self.content_size.width))

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        at = event.get_content_offset(self)
        if at is None:
            return
        end = 0
        for key in self._fitting(self._gap):
            end += key.width + self._gap
            if at.x < end:
                self.app.simulate_key(key.key)
                return
