"""The secrets of the target's files, rated; those that are chosen are replaced."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static

from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.carrying_out import CarryingOut
from signoff.app.screens.prompts import SecretDialog
from signoff.app.screens.rotation_plan import RotationPlanScreen
from signoff.app.undertaking import Undertaking
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.secret_list import SecretList
from signoff.app.work import background, in_thread
from signoff.errors import UsageError
from signoff.model import Result

if TYPE_CHECKING:
    from signoff.actions.rotation import RotationPlan
    from signoff.actions.variables import Entry
    from signoff.app.offers import Changed
    from signoff.credentials.secret import Secret
    from signoff.engine import Key
    from signoff.probes.rated import RatedSecret
    from signoff.rotating import Rotation
    from signoff.walk import Walk


class RotationScreen(SignoffScreen[None]):
    """Lists every secret with its rating, and has some of them replaced. It shows no value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "choose_weak", "Weak ones", id="choose-weak", tooltip="Choose what is not in order"),
        Binding("0", "choose_none", "None", id="choose-none", tooltip="Choose nothing"),
        Binding("r", "look", "Again", id="look-again", tooltip="Read the files anew"),
        Binding("escape", "back", "Back", id="back", tooltip="Go back; nothing is changed"),
    ]

    def __init__(self, walk: Walk, key: Key, changed: Changed) -> None:
        super().__init__()
        self._walk = walk
        self._key = key
        self._changed = changed
        self._rotation: Rotation | None = None
        self._cancel: Event | None = None

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar("Secrets", self._walk.target.address)
        yield SecretList()
        yield Static(id="about-secret", markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Look, once there is something to see."""
        self.query_one(SecretList).focus()
        self.look()

    # looking

    @background("look")
    async def look(self) -> None:
        """Read the files, and what runs with them."""
        from signoff.actions.rotation import FACTS
        from signoff.facts.git import GIT
        from signoff.rotating import Rotation

        cancel = self._cancel = Event()
        stop = self.signoff.key_name(self, "back")
        self._rotation = None
        self.query_one(StatusLine).busy("Reading the files, and what runs with them", stop=stop)
        try:
            facts = await in_thread(lambda: self._walk.look((*FACTS, GIT), cancel))
            rotation = Rotation(self._walk, self._key, facts)
            secrets = rotation.secrets()
            self._rotation = rotation
            self.query_one(SecretList).show(secrets, self.size.width)
        finally:
            cancel.set()
            self._cancel = None
            self._tell()

    def stop(self) -> bool:
        """Stop looking, and go back. False where nothing was going on."""
        if self._cancel is None:
            return False
        self._cancel.set()
        self.dismiss(None)
        return True

    def action_look(self) -> None:
        """Look again; what was chosen is forgotten."""
        self.look()

    def action_back(self) -> None:
        """Go back."""
        if not self.stop():
            self.dismiss(None)

    # choosing

    @on(SecretList.Chosen)
    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        """Say what the highlighted one is, and how many are chosen."""
        if not self.is_attached or self._cancel is not None:
            return
        secrets = self.query_one(SecretList)
        here = secrets.current
        self.query_one("#about-secret", Static).update(_about(here) if here else "")
        weak = sum(one.result is Result.FAIL for one in secrets.secrets)
        state = joined(
            (f"{len(secrets.chosen)} of {len(secrets.secrets)} chosen", "bold"),
            (f"   {weak} not in order", "$error") if weak else ("   all in order", "$success"),
        )
        if self._rotation is None:
            state = Content.styled("The files could not be read.", "$warning")
        elif not secrets.secrets:
            state = Content.styled("No variable looks like a secret.", "$warning")
        self.query_one(StatusLine).idle(state)

    def action_choose_weak(self) -> None:
        """Choose what is not in order, of the file in which the highlight is."""
        self.query_one(SecretList).choose_weak()

    def action_choose_none(self) -> None:
        """Choose nothing."""
        self.query_one(SecretList).choose_none()

    # replacing

    @on(SecretList.Done)
    def _done(self) -> None:
        if self.query_one(SecretList).chosen:
            self.replace()
        else:
            one, weak = (self.signoff.key_name(self, name) for name in ("choose", "choose-weak"))
            self.notify(f"Nothing is chosen: {one} chooses, {weak} what is not in order.", markup=False)

    @background("replace")
    async def replace(self) -> None:
        """Ask for what others issue, show the plan, and carry it out when it was said yes to."""
        rotation = self._rotation
        if rotation is None:
            return
        names, path = _named(self.query_one(SecretList).chosen)
        given: dict[str, Secret] = {}
        for entry in rotation.to_paste(names, path):
            value = await self.app.push_screen_wait(_paste(entry))
            if value is None:
                return
            given[entry.name] = value
        plan = await in_thread(lambda: rotation.plan(names, path, given))
        if await self.app.push_screen_wait(RotationPlanScreen(plan)):
            await self._carry_out(rotation, plan)

    async def _carry_out(self, rotation: Rotation, plan: RotationPlan) -> None:
        undertaking = Undertaking(partial(rotation.carry_out, plan))
        screen = CarryingOut("Replacing secrets", undertaking, plan.afterwards, self._changed)
        await self.app.push_screen_wait(screen)
        self.dismiss(None)


def _named(chosen: tuple[RatedSecret, ...]) -> tuple[tuple[str, ...], str]:
    """Return the names, and the file where they are all of one. Raises UsageError."""
    names = tuple(dict.fromkeys(one.name for one in chosen))
    paths = {one.path for one in chosen}
    if len(paths) > 1 and len(names) < len(chosen):
        raise UsageError(
            "The same name is chosen in several files.",
            "Replace those of one file first. Where they have the same value they change together.",
        )
    return names, paths.pop() if len(paths) == 1 else ""


def _paste(entry: Entry) -> SecretDialog:
    from signoff.actions.rotation import accepted

    def problem(given: Secret) -> str:
        try:
            accepted(entry, given)
        except UsageError as refusal:
            return f"{refusal.message} {refusal.hint}"
        return ""

    return SecretDialog(
        f"The new {line(entry.name, width=50).plain}",
        f"It is {entry.policy.title}. {entry.policy.entails}",
        "goes back; nothing is changed",
        problem,
    )


def _about(one: RatedSecret) -> Content:
    policy = one.policy
    how = "you paste it" if policy.pasted else "made here"
    return joined(
        line(one.name, "bold", width=60),
        ("  line ", "$muted"),
        f"{one.line}",
        (f"  {policy.title}, {how}\n", "$muted"),
        text(policy.entails, "$error" if policy.orphans else ""),
    )
