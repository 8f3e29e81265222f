"""Work that takes time, off the screen's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from textual import work
from textual.worker import Worker

T = TypeVar("T")
P = ParamSpec("P")


class _Screen(Protocol):
    def trouble(self, error: Exception) -> None: ...


S = TypeVar("S", bound=_Screen)


def background(
    group: str, *, exclusive: bool = True
) -> Callable[[Callable[Concatenate[S, P], Awaitable[None]]], Callable[Concatenate[S, P], Worker[None]]]:
    """Make a screen's method a worker: what it raises is shown in a dialog, and ends nothing.

    An exclusive one takes the place of the group's worker before it, which is cancelled.
    """

    def decorate(
        method: Callable[Concatenate[S, P], Awaitable[None]],
    ) -> Callable[Concatenate[S, P], Worker[None]]:
        @wraps(method)
        async def run(self: S, *args: P.args, **kwargs: P.kwargs) -> None:
            try:
                await method(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the one place where trouble in the background is told
                self.trouble(error)

        make = work(group=group, exclusive=exclusive, exit_on_error=False)
        return cast("Callable[Concatenate[S, P], Worker[None]]", make(run))

    return decorate


def spawn(function: Callable[[], object]) -> threading.Thread:
    """Run ``function`` in a thread that Python's end does not wait for.

    A pool's thread would be joined when Python ends: quitting would wait for a connection that hangs.
    """
    thread = threading.Thread(target=function, daemon=True, name="signoff-work")
    thread.start()
    return thread


class _Handover(Generic[T]):
    """Brings a result from a thread to the loop, or to ``late`` where nobody waits for it any more."""

    def __init__(self, function: Callable[[], T], late: Callable[[T], object]) -> None:
        self._function = function
        self._late = late
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def run(self) -> None:
        try:
            result = self._function()
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            self._in_loop(self._fail, error)
            return
        if not self._in_loop(self._succeed, result):
            self._late(result)

    def _in_loop(self, settle: Callable[[Any], None], value: object) -> bool:
        try:
            self._loop.call_soon_threadsafe(settle, value)
        except RuntimeError:  # the loop is closed: the app has gone
            return False
        return True

    def _succeed(self, result: T) -> None:
        if self.future.cancelled():
            self.too_late(result)
        else:
            self.future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.future.cancelled():
            self.future.set_exception(error)

    def too_late(self, result: T) -> None:
        spawn(lambda: self._late(result))


async def in_thread(function: Callable[[], T], *, late: Callable[[T], object] = lambda _: None) -> T:
    """Run ``function`` in a thread and return its result, or raise what it raised.

    Where the work is cancelled or the app goes before the result is there, ``late`` is called with the
    result, in a thread: to close what was opened.
    """
    handover = _Handover(function, late)
    spawn(handover.run)
    try:
        return await handover.future
    except asyncio.CancelledError:
        future = handover.future
        if not future.cancelled() and future.exception() is None:
            handover.too_late(future.result())
        raise
