"""For whom a second factor is, and where its key goes: what is asked before a key is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from signoff.app.widgets.content import joined, text
from signoff.enrolling import PLACES, Place, Wanted, new_file, proposed, unready
from signoff.errors import UsageError
from signoff.message import say, tr, translated

if TYPE_CHECKING:
    from signoff.target.profile import Profile

_PLACES: Final = tuple(Place)
_FIELDS: Final = {"file": Place.FILE, "env-file": Place.VARIABLE, "variable": Place.VARIABLE}
"""Which field belongs to which place."""


class EnrolmentForm(VerticalScroll):
    """The form. What is proposed comes from the target's profile."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(id="page", can_focus=False)
        self._profile = profile

    def compose(self) -> ComposeResult:
        """Make the form."""
        account, issuer = proposed(self._profile)
        yield from _field("account", tr("Account"), account)
        yield from _field("issuer", tr("Issuer"), issuer)
        yield Static(tr("Where the key goes once a code was right"), classes="heading", markup=False)
        options = (Option(_named(one), disabled=bool(unready(self._profile, one))) for one in _PLACES)
        yield OptionList(*options, id="places", markup=False, compact=True)
        yield from _field("file", tr("File"), new_file(self._profile))
        yield from _field("env-file", tr("File"), self._profile.env_file)
        yield from _field("variable", tr("Variable"), "ADMIN_TOTP_SECRET")
        yield Static(id="place-about", markup=False)
        yield Static(id="problem", markup=False)

    def on_mount(self) -> None:
        """Start in the first field, with the first place."""
        self.query_one("#account").focus()

    @property
    def place(self) -> Place:
        """Where the key is to go."""
        return _PLACES[self.query_one("#places", OptionList).highlighted or 0]

    @property
    def issuer(self) -> str:
        """Who asks for the code."""
        return self._typed("issuer")

    def wanted(self) -> Wanted:
        """Return what is chosen. Raises UsageError."""
        if not self._typed("account"):
            raise UsageError(say("Which account?"))
        if not self._typed("issuer"):
            raise UsageError(say("Which issuer?"))
        place = self.place
        if reason := unready(self._profile, place):
            raise UsageError(say("{upper}{reason}.", upper=reason[0].upper(), reason=reason[1:]))
        file = {Place.FILE: self._typed("file"), Place.VARIABLE: self._typed("env-file")}.get(place, "")
        variable = self._typed("variable") if place is Place.VARIABLE else ""
        if place in {Place.FILE, Place.VARIABLE} and not file:
            raise UsageError(say("Which file?"))
        if place is Place.VARIABLE and not variable:
            raise UsageError(say("Which variable?"))
        return Wanted(self._typed("account"), place, file, variable)

    def _typed(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()

    def hold(self, *, made: bool) -> None:
        """Keep account and issuer as they are while there is a key for them."""
        fields = [self.query_one(f"#{field}", Input) for field in ("account", "issuer")]
        if made and self.screen.focused in fields:
            self.query_one("#places").focus()
        for field in fields:
            field.disabled = made

    def tell(self, said: str, style: str = "$error") -> None:
        """Show a remark below the form."""
        self.query_one("#problem", Static).update(text(said, style))

    @on(OptionList.OptionHighlighted)
    def _chosen(self) -> None:
        place = self.place
        places = self.query_one("#places", OptionList)
        for number, one in enumerate(_PLACES):
            places.replace_option_prompt_at_index(number, _named(one, chosen=one is place))
        for field, belongs in _FIELDS.items():
            self.query_one(f"#{field}-row").display = belongs is place
        self.query_one("#place-about", Static).update(text(self._about(place), "$muted"))

    @on(Input.Changed)
    def _changed(self) -> None:
        self.tell("")

    def _about(self, place: Place) -> str:
        factor = self._profile.second_factor
        match place:
            case Place.HAND:
                about = tr("It is written nowhere: once a code was right you take it to the product.")
            case Place.FILE:
                about = tr("Mode 0600. A file that exists is not touched.")
            case Place.VARIABLE:
                about = tr(
                    "On {address}. A value that is there already is not replaced.",
                    address=self._profile.address,
                )
            case Place.DATABASE:
                about = f"{factor.database or self._profile.database}: {factor.sql}" if factor else ""
        lacks = unready(self._profile, Place.DATABASE)
        return tr("{about}\n(The database: {lacks}.)", about=about, lacks=lacks) if lacks else about


def _field(name: str, label: str, value: str) -> ComposeResult:
    with Horizontal(classes="field", id=f"{name}-row"):
        yield Static(label, classes="label", markup=False)
        yield Input(value, id=name, compact=True, max_length=300)


def _named(place: Place, *, chosen: bool = False) -> Content:
    return joined("● " if chosen else "○ ", translated(PLACES[place]))
