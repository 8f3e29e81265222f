"""What is asked of the target in the background: one thing at a time, shown while it is under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from signoff.app.prompter import ScreenPrompter
from signoff.app.screens.run_page import LOOKING
from signoff.app.work import in_thread
from signoff.message import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signoff.app.screens.run_page import RunPage
    from signoff.engine import Key
    from signoff.walk import Walk


class Looking:
    """Looks at steps, and connects. Whoever calls sees to it that a newer one takes the older one's place."""

    def __init__(self, walk: Walk, page: RunPage) -> None:
        self._walk = walk
        self._page = page
        self._cancel: Event | None = None
        self._prompter: ScreenPrompter | None = None

    async def look(self, keys: Sequence[Key]) -> None:
        """Look at some steps; findings come in as events. Raises TargetError."""
        with self._under_way(LOOKING) as cancel:
            await in_thread(lambda: self._walk.probe(keys, cancel, self._page.tell_progress))

    async def connect(self) -> None:
        """Reach the target; what it wants to know is asked on the screen. Raises TargetError."""
        prompter = self._prompter = ScreenPrompter(self._page.app)
        with self._under_way(tr("Reaching {address}", address=self._walk.profile.address)):
            try:
                await in_thread(lambda: self._walk.connect(prompter))
            finally:
                prompter.close()

    @contextmanager
    def _under_way(self, doing: str) -> Iterator[Event]:
        cancel = self._cancel = Event()
        self._page.show_doing(doing)
        try:
            yield cancel
        finally:
            cancel.set()
            if self._cancel is cancel:  # no newer one is under way
                self._cancel = None
                self._page.show_doing("")

    def stop(self) -> bool:
        """Have what is under way end. False where nothing is."""
        if self._cancel is None:
            return False
        self._cancel.set()
        return True

    def close(self) -> None:
        """Have it end, and answer whatever it still asks with no."""
        self.stop()
        if self._prompter is not None:
            self._prompter.close()
