"""Between choosing a target and the first step: the target is reached, and the record is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from signoff.app.attendant import ScreenAttendant
from signoff.app.prompter import ScreenPrompter
from signoff.app.screens.base import SignoffScreen
from signoff.app.widgets.bars import TitleBar
from signoff.app.widgets.content import joined, line
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.work import background, in_thread
from signoff.checklist.load import Loaded
from signoff.message import tr

if TYPE_CHECKING:
    from signoff.app.app import Start
    from signoff.session.signer import Attendant
    from signoff.target.base import Prompter
    from signoff.walk import Walk


class OpeningScreen(SignoffScreen[None]):
    """Opens a walk in the background, and hands it to the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="cancel", tooltip="Stop, and go back to the home screen"),
    ]

    def __init__(self, start: Start) -> None:
        super().__init__()
        self._start = start
        self._prompter: ScreenPrompter | None = None
        self._seconds = 0

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(tr("Opening"))
        with Vertical(id="opening"):
            yield Static(self._doing(), id="doing", markup=False)
            yield Static(id="waited", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin, and count the seconds."""
        self._prompter = ScreenPrompter(self.app)
        self.set_interval(1, self._tick)
        # Not before the first frame: what is imported to reach a target takes longer than drawing.
        self.call_after_refresh(self.open, self._prompter)

    def on_unmount(self) -> None:
        """Answer whatever is still asked with no."""
        if self._prompter is not None:
            self._prompter.close()

    @background("open")
    async def open(self, prompter: ScreenPrompter) -> None:
        """Open the walk; where that fails, go back and say why."""
        start, attendant = self._start, ScreenAttendant(self.app)
        try:
            walk = await in_thread(
                lambda: open_walk(start, prompter, attendant), late=lambda walk: walk.close()
            )
        except Exception as error:  # noqa: BLE001 - told by the screen below, which stays
            self.app.pop_screen()
            below = self.app.screen
            if isinstance(below, SignoffScreen):
                below.trouble(error)
            return
        self.signoff.walk_opened(walk)

    def action_cancel(self) -> None:
        """Stop waiting; what is still opened is closed at once."""
        self.workers.cancel_group(self, "open")
        self.app.pop_screen()

    def stop(self) -> bool:
        """Cancel, for the app's stop key."""
        self.action_cancel()
        return True

    def _doing(self) -> Content:
        profile = self._start.profile
        if profile is None:
            return joined(tr("Opening the session "), line(self._start.resume or "", "bold"), " …")
        where = tr("this machine") if profile.address == "local" else profile.address
        return joined(tr("Reaching "), line(where, "bold"), " …")

    def _tick(self) -> None:
        self._seconds += 1
        self.query_one("#waited", Static).update(Content.styled(f"{self._seconds} s", "$muted"))


def open_walk(start: Start, prompter: Prompter, attendant: Attendant) -> Walk:
    """Begin a session, or resume one. Called in a thread: here the heavy libraries are imported."""
    from signoff.session import identity
    from signoff.walk import Walk

    signer = identity.in_use(attendant)
    if start.resume is not None:
        return Walk.resume(start.resume, signer)
    assert start.profile is not None  # noqa: S101 - a start is one or the other
    checklists = start.checklists or default_checklists()
    return Walk.begin(start.profile, checklists, signer, prompter, nonce=start.nonce)


def default_checklists() -> tuple[Loaded, ...]:
    """Load the checklist that is walked where none was chosen."""
    from signoff.checklist.load import find, load
    from signoff.probes import all_probes

    return (load(find("quick-production"), all_probes()),)
