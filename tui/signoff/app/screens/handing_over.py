"""What an operator takes along from an enrolment, once: the key for the product, or the recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from signoff.app.screens.masked import MaskedScreen
from signoff.app.screens.prompts import TypedWord
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.credentials.secret import Secret
from signoff.credentials.totp import Enrolment, recovery_hash
from signoff.message import say, tr

KEY_LOST: Final = say(
    "The key is nowhere but here and in the authenticator app; by leaving it is forgotten. Delete the entry."
)


@dataclass(frozen=True, slots=True)
class HandOver:
    """What is handed over, and what is said of it. Going on takes a yes to what it ``asks``, if anything."""

    title: str
    lead: str
    values: Sequence[Secret]
    note: str
    lost: str
    asks: str = ""
    hashes: Sequence[str] = ()


class HandOverScreen(MaskedScreen[bool]):
    """Shows secrets once. True: the operator has them; False: they went back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "H",
            "hashes",
            "Copy hashes",
            id="copy-hashes",
            tooltip="Copy the SHA-256 of each code: what the product keeps to know them by",
        ),
        Binding("ctrl+s", "go_on", "Go on", id="go-on", tooltip="Go on; a word is asked for before anything"),
        Binding("escape", "back", "Back", id="back", tooltip="Go back; asks where something would be lost"),
    ]

    def __init__(self, handed: HandOver) -> None:
        super().__init__()
        self._handed = handed
        self.values = tuple(handed.values)

    @property
    def would_be_lost(self) -> str:
        """What leaving now loses."""
        return "" if self.taken and not self._handed.asks else self._handed.lost

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(tr("Second factor"), self._handed.title)
        with VerticalScroll(id="page"):
            yield Static(text(self._handed.lead), markup=False)
            yield Static(id="handed", markup=False)
            yield Static(text(self._handed.note, "$muted"), markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Start masked."""
        self.query_one("#page").focus()
        self.draw()

    def draw(self) -> None:
        """Draw the values."""
        self.query_one("#handed", Static).update(text(self.masked, "bold $accent"))
        go_on = joined("   ", (self.signoff.key_name(self, "go-on"), "bold $accent"), tr(" goes on"))
        self.query_one(StatusLine).idle(joined(self.state, go_on))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer hashes where there are any."""
        return bool(self._handed.hashes) if action == "hashes" else True

    def action_hashes(self) -> None:
        """Copy the hashes; nobody finds 120 bits by them."""
        self.signoff.copy("\n".join(self._handed.hashes))

    def action_go_on(self) -> None:
        """Go on, where the operator has what is theirs."""
        if self._handed.asks:
            self._ask(tr("Is it there?"), self._handed.asks, "yes", tr("record this"))
        elif self.taken:
            self.dismiss(True)
        else:
            self._ask(tr("Go on without them?"), self._handed.lost, "leave", tr("go on without them"))

    def action_back(self) -> None:
        """Go back."""
        if self._handed.asks:
            self.dismiss(False)  # whoever asked keeps the key
        else:
            self.action_go_on()

    def _ask(self, title: str, body: str, word: str, does: str) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(True)

        self.app.push_screen(TypedWord(title, text(body), word, does), answered)


def key_by_hand(enrolment: Enrolment) -> HandOver:
    """Hand over a key that signoff delivers nowhere."""
    return HandOver(
        tr("The key, for the product"),
        tr("The code was right. The product needs the same key, and has it from you:"),
        (enrolment.secret,),
        tr("Base32, as products take it. It is written nowhere."),
        KEY_LOST,
        asks=tr(
            "The product has the key of {account}. That is recorded, as taken by hand.",
            account=enrolment.account,
        ),
    )


def codes_for(enrolment: Enrolment, where: str, codes: Sequence[Secret]) -> HandOver:
    """Hand over the recovery codes of an enrolment that is complete; ``where`` its key is, in a sentence."""
    return HandOver(
        tr("Recovery codes"),
        tr(
            "Enrolled, and verified with a code: {account}, {issuer}. {where}\nFor the day when the device "
            "is lost: {count} codes, each for one login.",
            account=enrolment.account,
            issuer=enrolment.issuer,
            where=where,
            count=len(codes),
        ),
        codes,
        tr(
            "The product has to know them: it keeps the SHA-256 of each, which can be copied too, and "
            "strikes "
            "out what was used."
        ),
        tr("Nobody has seen these recovery codes, and they are not shown again."),
        hashes=tuple(map(recovery_hash, codes)),
    )
