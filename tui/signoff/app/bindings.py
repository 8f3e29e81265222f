"""Bindings from the table of keys that the app shares with the plain walk."""

from __future__ import annotations

from textual.binding import Binding

from signoff.walk_keys import WALK_KEYS


def walk_key(name: str, action: str, *, show: bool = True) -> Binding:
    """Return the binding of a key of the table, for an action of a screen's."""
    one = WALK_KEYS[name]
    # Textual would spell it out.
    display = one.key if one.key == "?" else None
    return Binding(one.key, action, one.name, id=one.id, show=show, key_display=display, tooltip=one.help)
