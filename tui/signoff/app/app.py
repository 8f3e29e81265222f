"""The application: what all screens share, how it starts, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segments
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.timer import Timer

from signoff.app import guard, signals
from signoff.app.bindings import walk_key
from signoff.app.keys import keymap
from signoff.app.theme import DARK, LIGHT, NAMES
from signoff.app.undertaking import stays
from signoff.app.work import spawn
from signoff.errors import SignoffError
from signoff.message import Message, listed, say, tr, translated
from signoff.settings import Settings, load_settings
from signoff.text import inert

if TYPE_CHECKING:
    from rich.console import RenderableType

    from signoff.app.undertaking import Undertaking
    from signoff.checklist.load import Loaded
    from signoff.credentials.secret import Secret
    from signoff.target.profile import Profile
    from signoff.walk import Walk

_CLOSING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Start:
    """What to begin with: a new session, one to resume, or neither: the home screen."""

    profile: Profile | None = None
    checklists: tuple[Loaded, ...] = ()
    resume: str | None = None
    nonce: str = ""


class SignoffApp(App[int]):
    """The app. It holds the walk that is open, and nothing that anybody answered."""

    TITLE = "signoff"
    CSS_PATH = Path(__file__).parent / "signoff.tcss"
    ENABLE_COMMAND_PALETTE = False  # it would offer to take a screenshot of whatever is shown
    BINDINGS: ClassVar[list[BindingType]] = [
        walk_key("help", "keys"),
        Binding("f1", "keys", "Help", id="help-always", show=False, tooltip="Help, also while typing"),
        walk_key("quit", "quit"),
        Binding(
            "ctrl+q",
            "quit",
            "Quit",
            id="quit-always",
            show=False,
            priority=True,
            tooltip="Leave, also while typing",
        ),
        Binding(
            "ctrl+t",
            "next_theme",
            "Theme",
            id="theme",
            show=False,
            tooltip="Dark, light, or the terminal's own colours",
        ),
        Binding(
            "ctrl+c", "stop", "Stop", id="stop", show=False, tooltip="Stop what is going on; never quits"
        ),
    ]

    def __init__(self, start: Start | None = None, *, language: str = "en") -> None:
        guard.clean_environment()
        super().__init__()
        self.start = start or Start()
        self.language = language
        self.walk: Walk | None = None
        self.undertaking: Undertaking | None = None
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._clearing: Timer | None = None
        self._defect: BaseException | None = None
        self._signals = False
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give Textual's own themes the colours that only ours name."""
        return {"muted": "ansi_bright_black" if self.current_theme.ansi else "#8a929c"}

    # beginning and end

    def on_mount(self) -> None:
        """Show the first screen, and only then look at anything."""
        from signoff.app.screens.home import HomeScreen

        if self._signals:
            signals.catch(self._on_signal, lambda: self.undertaking)
        trouble = self._settle_in()
        self.push_screen(HomeScreen())
        if self.start.profile is not None or self.start.resume is not None:
            self.open_walk(self.start)
        for message, hint in trouble:
            self.show_error(message, hint)

    def _settle_in(self) -> list[tuple[Message, Message]]:
        try:
            settings = load_settings()
        except SignoffError as error:
            settings = Settings()
            trouble = [(error.message, error.hint)]
        else:
            trouble = []
        theme = NAMES.get(settings.theme, settings.theme)
        if theme in self.available_themes:
            self.theme = theme
        elif theme:
            known = ", ".join(NAMES)
            trouble.append(
                (
                    say("settings.toml: there is no theme {theme}.", theme=settings.theme),
                    say("Known: {known}.", known=known),
                )
            )
        keys, wrong = keymap(settings.keys)
        self.set_keymap(keys)
        if wrong:
            trouble.append((listed(("settings.toml: ", wrong[0]), ""), listed(wrong[1:], "\n")))
        return trouble

    def open_walk(self, start: Start) -> None:
        """Begin or resume a session, and turn to it once its target has been reached."""
        from signoff.app.screens.opening import OpeningScreen

        self.push_screen(OpeningScreen(start))

    def run_guarded(self) -> int:
        """Run in the terminal; return the exit code, and say how to come back."""
        self._signals = True
        with contextlib.suppress(KeyboardInterrupt):
            self.run()
        if self._clearing is not None and self.clipboard:
            # Nobody is left to do it when its time has come.
            print("\x1b]52;c;\a" + tr("The secret in the terminal's clipboard was cleared."))  # noqa: T201
        if self.undertaking is not None:
            self.undertaking.see_out(lambda line: print(inert(translated(line)), flush=True))  # noqa: T201
        walk = self.walk
        if walk is None:
            return self.return_code or 0
        spawn(walk.close).join(_CLOSING_SECONDS)
        if self._defect is None:
            print(_farewell(walk))  # noqa: T201 - the screen has gone; this is what stays in the terminal
        return self.return_code or _exit_code(walk)

    def _on_signal(self, one: signal.Signals) -> None:
        # What is under way is seen out first, and nothing ends the app meanwhile.
        leave = partial(self.exit, return_code=128 + one)
        if self.undertaking is None:
            leave()
        else:
            self.undertaking.stop()
            loop = asyncio.get_running_loop()
            self.undertaking.then(lambda: loop.call_soon_threadsafe(leave))

    # trouble

    def show_error(
        self, message: str, hint: str = "", *, again: str = "", then: Callable[[], object] | None = None
    ) -> None:
        """Say in a dialog what went wrong; ``then`` is called where the offered way out is chosen."""
        from signoff.app.screens.prompts import ErrorDialog

        def closed(chosen: bool | None) -> None:
            if chosen and then is not None:
                then()

        self.push_screen(ErrorDialog(message, hint, again=again), closed)

    def panic(self, *_renderables: RenderableType) -> None:
        """End after a defect. What Textual wants to print may show a secret: it is replaced."""
        report = guard.crash_report(self._defect, self.walk.session.id if self.walk else "")
        self._exit_renderables[:] = [Segments(list(self.console.render(report, self.console.options)))]
        self._close_messages_no_wait()

    def _handle_exception(self, error: Exception) -> None:
        self._defect = self._defect or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual's prints a traceback with all locals.
        self.panic()

    # what screens use

    def copy(self, value: str, told: str = "") -> None:
        """Send a text to the terminal's clipboard (OSC 52), in place of any secret there; say so."""
        if self._clearing is not None:
            self._clearing.stop()
            self._clearing = None
        self.copy_to_clipboard(inert(value))
        self.notify(told or tr("Sent to the terminal's clipboard."), markup=False)

    def know(self, values: Sequence[Secret]) -> None:
        """Keep secrets that the operator is about to see out of the record."""
        if self.walk is not None:
            self.walk.know((say("a generated value"), value) for value in values)

    def copy_secret(self, values: Sequence[Secret], seconds: float) -> None:
        """Send secrets to the terminal's clipboard, and clear it after a while, or when the app ends."""
        self.copy_to_clipboard("\n".join(value.reveal() for value in values))
        if self._clearing is not None:
            self._clearing.stop()
        self._clearing = self.set_timer(seconds, lambda: self.copy_to_clipboard(""))
        self.notify(
            tr("Sent to the terminal's clipboard; cleared in {seconds} s.", seconds=f"{seconds:.0f}"),
            markup=False,
        )

    def walk_opened(self, walk: Walk) -> None:
        """Turn from the opening screen to the walk."""
        from signoff.app.screens.run import RunScreen

        self.walk = walk
        self.switch_screen(RunScreen(walk))

    def get_key_display(self, binding: Binding) -> str:
        """Return how a key is written: ``ctrl+s``, not ``^s``; somebody tired has to press it."""
        shown = super().get_key_display(binding)
        return f"ctrl+{shown[1:]}" if len(shown) == 2 and shown.startswith("^") else shown

    def key_name(self, screen: Screen[Any], binding_id: str) -> str:
        """Return the key that a binding has now, as the footer shows it."""
        for _node, binding, _enabled, _tooltip in screen.active_bindings.values():
            if binding.id == binding_id:
                return self.get_key_display(binding)
        return ""

    def action_keys(self) -> None:
        """Show what every key does."""
        from signoff.app.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen.of(self.screen))

    async def action_quit(self) -> None:
        """Leave when nothing is under way; ask first where something would be lost that is nowhere else."""
        from signoff.app.screens.leaving import LeavingDialog, loss

        if self.undertaking is not None and not self.undertaking.ended:
            self.notify(stays(self.key_name(self.screen, "put-back") or "ctrl+c"), markup=False)
            return
        lost = loss(reversed(self.screen_stack))
        if not lost:
            self.exit()
        elif not isinstance(self.screen, LeavingDialog):
            self.push_screen(LeavingDialog(lost), lambda yes: self.exit() if yes else None)

    def action_next_theme(self) -> None:
        """Turn to the next set of colours."""
        names = list(NAMES.values())
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]

    def action_stop(self) -> None:
        """Stop what is going on; say how to quit where nothing is."""
        stop = getattr(self.screen, "stop", None)
        if not (stop and stop()):
            self.notify(tr("q quits, ctrl+q also while typing."), markup=False)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Do nothing: clashes were told when the settings were read."""


def _farewell(walk: Walk) -> str:
    session = walk.session
    if session.state.sealed:
        return tr(
            "The record is sealed: {directory}\nVerify it with:\n  signoff verify {id}",
            directory=session.directory,
            id=session.id,
        )
    return tr(
        "Nothing is lost: every answer is on disk. Go on with:\n  signoff run --resume {id}", id=session.id
    )


def _exit_code(walk: Walk) -> int:
    from signoff.report.summary import exit_code

    return exit_code(walk.session.state, [one.checklist for one in walk.checklists], walked=True)
