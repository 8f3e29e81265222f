"""The secrets of a target's files, rated: on the way to replacing some of them, and to look at from home."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static

from signoff.app.prompter import ScreenPrompter
from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.reading import ReadingDialog
from signoff.app.secret_pages import about, about_files, files_page, secret_page
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.secret_list import SecretList
from signoff.app.work import background, in_thread
from signoff.errors import SignoffError, StoppedError
from signoff.message import say, tr
from signoff.model import Result

if TYPE_CHECKING:
    from signoff.probes.rated import RatedSecret
    from signoff.rating import Rated
    from signoff.target.profile import Profile

_UNREAD = say("They were not looked at to the end.")
_UNSURE = frozenset({Result.UNKNOWN, Result.ERROR})


class SecretsScreen(SignoffScreen[bool]):
    """Lists every secret with its rating, and what is wrong around its file. It shows no value."""

    CHOOSING: ClassVar[bool]
    """Whether secrets can be chosen here."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "details", "Details", id="details", tooltip="All that is said of the highlighted line"),
        Binding("r", "look", "Again", id="look-again", show=False, tooltip="Read the files anew"),
        Binding("escape", "back", "Back", id="back", tooltip="Go back; nothing is changed"),
    ]

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place
        self._why: str = _UNREAD
        self._cancel: Event | None = None

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(tr("Secrets"), self._place)
        yield SecretList(choosing=self.CHOOSING)
        yield Static(id="about-secret", markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Look, once there is something to see."""
        super().on_mount()
        self.query_one(SecretList).focus()
        self.look()

    # looking

    @abstractmethod
    def read(self, cancel: Event) -> Rated:
        """Read the files. Called in a thread. Raises SignoffError."""

    @background("look")
    async def look(self) -> None:
        """Read the files, and what runs with them."""
        cancel = self._cancel = Event()
        stop = self.signoff.key_name(self, "back")
        self._why = _UNREAD
        listed = self.query_one(SecretList)
        # What was read before must not stand there as if it were so now.
        listed.show((), (), self.size.width)
        self.query_one(StatusLine).busy(tr("Reading the files, and what runs with them"), stop=stop)
        try:
            found = await in_thread(lambda: self.read(cancel))
            self._why = ""
            listed.show(found.secrets, found.amiss, self.size.width)
        except SignoffError as error:
            self._why = error.words
            raise
        finally:
            cancel.set()
            self._cancel = None
            self._tell()

    def stop(self) -> bool:
        """Stop looking, and go back. False where nothing was going on."""
        if self._cancel is None:
            return False
        self._cancel.set()
        self.dismiss(False)
        return True

    def action_look(self) -> None:
        """Look again; what was chosen is forgotten."""
        if self._cancel is None:
            self.look()

    def action_back(self) -> None:
        """Go back."""
        if not self.stop():
            self.dismiss(False)

    @property
    def has_rated(self) -> bool:
        """Whether the files have been read."""
        return self._cancel is None and not self._why

    # telling

    @on(SecretList.Chosen)
    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        """Say what the highlighted line is, and how it stands with all of them."""
        if not self.is_attached or self._cancel is not None:
            return
        listed = self.query_one(SecretList)
        here: Content = Content("")
        if listed.current:
            here = about(listed.current)
        elif listed.finding:
            here = about_files(listed.finding)
        elif self._why:
            here = text(self._why, "$warning")
        self.query_one("#about-secret", Static).update(here)
        self.query_one(StatusLine).idle(self._state(listed))
        self.refresh_bindings()

    def _state(self, listed: SecretList) -> Content:
        if self._why:
            again = (self.signoff.key_name(self, "look-again"), "bold $accent")
            return joined((tr("The files could not be read."), "$warning"), "   ", again, tr(" tries again"))
        if not listed.secrets:
            nothing = (
                tr("Nothing could be rated.") if listed.amiss else tr("No variable looks like a secret.")
            )
            return Content.styled(nothing, "$warning")
        return Content("   ").join(self.standing(listed))

    def standing(self, listed: SecretList) -> Iterator[Content]:
        """Yield how it stands with the secrets, part by part."""
        results = [*(one.result for one in listed.secrets), *(one.result for one in listed.amiss)]
        weak = sum(one.result is Result.FAIL for one in listed.secrets)
        files = sum(one.result is Result.FAIL for one in listed.amiss)
        unsure = sum(result in _UNSURE for result in results)
        for count, what, style in (
            (weak, tr("of {count} not in order", count=len(listed.secrets)), "$error"),
            (files, tr("about the files"), "$error"),
            (unsure, tr("not known"), "$warning"),
        ):
            if count:
                yield Content.styled(f"{count} {what}", style)
        if not (weak or files or unsure):
            yield Content.styled(tr("all in order"), "$success")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There are details where a line is highlighted."""
        if action == "details":
            listed = self.query(SecretList)
            return True if listed and (listed.first().current or listed.first().finding) else None
        return True

    def details(self, one: RatedSecret) -> Content:
        """Return all that is said of a secret."""
        return secret_page(one)

    def action_details(self) -> None:
        """Show all that is said of the highlighted line."""
        listed = self.query_one(SecretList)
        if listed.current:
            self.app.push_screen(ReadingDialog(tr("A secret"), self.details(listed.current)))
        elif listed.finding:
            self.app.push_screen(ReadingDialog(tr("The files"), files_page(listed.finding)))


class RatingScreen(SecretsScreen):
    """Rates the secrets of a target outside of a session. True where they are to be replaced in one."""

    CHOOSING = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "x",
            "replace",
            "Start secret-rotation",
            id="replace-in-session",
            tooltip="Begin the checklist secret-rotation on this target: there they can be replaced",
        ),
        Binding(
            "enter",
            "details",
            "Details",
            id="details",
            show=False,
            key_display="Enter",
            tooltip="All that is said of the highlighted line",
        ),
    ]

    def __init__(self, profile: Profile) -> None:
        where = tr("this machine") if profile.address == "local" else profile.address
        super().__init__(f"{profile.name} · {where}" if profile.name not in {"", "local"} else where)
        self._profile = profile
        self._prompter: ScreenPrompter | None = None

    def on_mount(self) -> None:
        """Be ready to ask what the target wants to know."""
        self._prompter = ScreenPrompter(self.app)
        super().on_mount()

    def on_unmount(self) -> None:
        """Answer whatever is still asked with no."""
        if self._prompter is not None:
            self._prompter.close()

    def read(self, cancel: Event) -> Rated:
        """Reach the target, and let go of it."""
        from signoff.rating import rate_target

        if self._prompter is None:
            raise StoppedError(say("Stopped."))
        return rate_target(self._profile, self._prompter, cancel)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is replaced where nothing could be rated."""
        if action == "replace":
            return True if self.query(SecretList) and self.query_one(SecretList).secrets else None
        return super().check_action(action, parameters)

    def details(self, one: RatedSecret) -> Content:
        """Say also where it is replaced: what is changed is written down, and that takes a session."""
        key = (self.signoff.key_name(self, "replace-in-session"), "bold $accent")
        return joined(
            super().details(one),
            "\n\n",
            key,
            tr(" starts the checklist secret-rotation: there it can be replaced."),
        )

    def action_replace(self) -> None:
        """Go where secrets are replaced."""
        if self._cancel is None:
            self.dismiss(True)
