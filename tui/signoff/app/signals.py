"""What ends the app from outside, also where its terminal takes no more.

Over a connection that broke, what is drawn waits for ever, and all that the app would do waits behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from signoff.app.work import spawn

if TYPE_CHECKING:
    from types import FrameType

    from signoff.app.undertaking import Undertaking

_SECONDS = {signal.SIGHUP: 2.0, signal.SIGTERM: 5.0, signal.SIGINT: 5.0}
"""What ends the app, and for how many seconds its screen may keep it from that."""


def catch(told: Callable[[signal.Signals], object], undertaking: Callable[[], Undertaking | None]) -> None:
    """Tell the app, in its loop, of each signal that ends it; and end the process should it not do so itself.

    ``undertaking`` gives the change that is under way, which is put back first.
    """
    loop = asyncio.get_running_loop()

    def caught(number: int, _frame: FrameType | None) -> None:
        # Not by the loop's own means: it may be what waits.
        one = signal.Signals(number)
        spawn(partial(_leave_anyway, one, undertaking()))
        with contextlib.suppress(RuntimeError):  # the loop has ended: what is left is the farewell
            loop.call_soon_threadsafe(told, one)

    for one in _SECONDS:
        signal.signal(one, caught)


def _leave_anyway(one: signal.Signals, undertaking: Undertaking | None) -> None:
    """End the process. All that was answered is on disk."""
    if undertaking is not None:
        undertaking.stop()
        undertaking.wait()
    time.sleep(_SECONDS[one])
    os._exit(128 + one)
