"""A change to the target on its way: in a thread of its own, which nothing in the app may cut short."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from signoff.app.work import spawn
from signoff.message import say, tr

if TYPE_CHECKING:
    from signoff.actions.base import Outcome, Tell


def stays(stop: str) -> str:
    """Return why the app cannot be left now; ``stop`` is the key that stops what is under way."""
    return tr("It is under way: {stop} stops it, and puts everything back. Then you can leave.", stop=stop)


class Undertaking:
    """Carries something out. It ends by itself; stopped, it puts everything back first.

    What it says is gathered here and read by whoever wants to: nothing on the screen can make it fail.
    """

    def __init__(self, work: Callable[[Tell, Event], Outcome]) -> None:
        self._work = work
        self._stop = Event()
        self._ended = Event()
        self.said: list[str] = []
        """Line by line, what happens."""
        self.outcome: Outcome | None = None
        """How it ended; None after a defect too."""
        self.defect: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        spawn(self._run)

    def _run(self) -> None:
        try:
            self.outcome = self._work(self.said.append, self._stop)
        except BaseException as defect:  # noqa: BLE001 - shown by whoever waits for the end
            self.defect = defect
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Ask for everything to be put back."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._ended.is_set()

    def wait(self) -> None:
        """Wait until it is over."""
        self._ended.wait()

    def then(self, do: Callable[[], object]) -> None:
        """Do something once it is over, in a thread."""

        def wait() -> None:
            self.wait()
            do()

        spawn(wait)

    def ending(self) -> tuple[str, ...]:
        """Return in words how it ended, and what is left to do by hand. Once it is over."""
        from signoff.rotating import told

        if self.outcome is not None:
            return told(self.outcome)
        return (
            say("A defect in the program ({name}).", name=type(self.defect).__name__),
            say("What had been changed was put back where that could be done; the record says which."),
        )

    def see_out(self, tell: Callable[[str], object]) -> None:
        """Stop it, and stay until it is over: the app has ended before it. Says how it ended."""
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)
        self.stop()
        # The terminal may have gone, which is no reason to leave anything half done.
        with contextlib.suppress(OSError):
            if not self.ended:
                tell(say("Stopping, and putting everything back."))
        self.wait()
        with contextlib.suppress(OSError):
            for line in self.ending():
                tell(line)
