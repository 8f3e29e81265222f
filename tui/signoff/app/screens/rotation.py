"""The secrets of the target's files, rated; those that are chosen are replaced."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content

from signoff.app.screens.carrying_out import CarryingOut
from signoff.app.screens.prompts import SecretDialog
from signoff.app.screens.rotation_plan import RotationPlanScreen
from signoff.app.screens.secrets import SecretsScreen
from signoff.app.undertaking import Undertaking
from signoff.app.widgets.content import line
from signoff.app.widgets.secret_list import SecretList
from signoff.app.work import background, in_thread
from signoff.errors import UsageError
from signoff.message import listed, say, tr

if TYPE_CHECKING:
    from signoff.actions.rotation import RotationPlan
    from signoff.actions.variables import Entry
    from signoff.app.offers import Changed
    from signoff.credentials.secret import Secret
    from signoff.engine import Key
    from signoff.probes.rated import RatedSecret
    from signoff.rating import Rated
    from signoff.rotating import Rotation
    from signoff.walk import Walk


class RotationScreen(SecretsScreen):
    """Rates the secrets on a step of a walk, and has those replaced that are chosen."""

    CHOOSING = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "choose_weak", "Weak ones", id="choose-weak", tooltip="Choose what is not in order"),
        Binding("0", "choose_none", "None", id="choose-none", tooltip="Choose nothing"),
    ]

    def __init__(self, walk: Walk, key: Key, changed: Changed) -> None:
        super().__init__(walk.target.address)
        self._walk = walk
        self._key = key
        self._changed = changed
        self._rotation: Rotation | None = None

    def read(self, cancel: Event) -> Rated:
        """Read the files, and what runs with them."""
        from signoff.facts.git import GIT
        from signoff.rotating import Rotation

        self._rotation = None
        rotation = Rotation.on(self._walk, cancel, GIT)
        rated = rotation.rated()
        self._rotation = rotation
        return rated

    def standing(self, listed: SecretList) -> Iterator[Content]:
        """Say also how many are chosen."""
        yield Content.styled(
            tr("{chosen} of {secrets} chosen", chosen=len(listed.chosen), secrets=len(listed.secrets)), "bold"
        )
        yield from super().standing(listed)

    # choosing

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
            self.notify(
                tr("Nothing is chosen: {one} chooses, {weak} what is not in order.", one=one, weak=weak),
                markup=False,
            )

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
            await self._carry_out(plan)

    async def _carry_out(self, plan: RotationPlan) -> None:
        from signoff.rotating import carry_out

        undertaking = Undertaking(partial(carry_out, self._walk, self._key, plan))
        screen = CarryingOut(tr("Replacing secrets"), undertaking, plan.afterwards, self._changed)
        await self.app.push_screen_wait(screen)
        self.dismiss(False)


def _named(chosen: tuple[RatedSecret, ...]) -> tuple[tuple[str, ...], str]:
    """Return the names, and the file where they are all of one. Raises UsageError."""
    names = tuple(dict.fromkeys(one.name for one in chosen))
    paths = {one.path for one in chosen}
    if len(paths) > 1 and len(names) < len(chosen):
        raise UsageError(
            say("The same name is chosen in several files."),
            say("Replace those of one file first. Where they have the same value they change together."),
        )
    return names, paths.pop() if len(paths) == 1 else ""


def _paste(entry: Entry) -> SecretDialog:
    from signoff.actions.rotation import accepted

    def problem(given: Secret) -> str:
        try:
            accepted(entry, given)
        except UsageError as refusal:
            return listed(filter(None, (refusal.message, refusal.hint)), " ")
        return ""

    return SecretDialog(
        tr("The new {name}", name=line(entry.name, width=50).plain),
        tr("It is {title}. {entails}", title=entry.policy.title, entails=entry.policy.entails),
        tr("goes back; nothing is changed"),
        problem,
    )
