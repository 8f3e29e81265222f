"""Collect facts: host commands in few batches, each look from outside once its needs are there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from signoff.facts.base import (
    Fact,
    Facts,
    HostFact,
    Malformed,
    Noted,
    OutsideFact,
    Unavailable,
    closure,
    needs_of,
    text_for,
)
from signoff.facts.sections import left_out, strangers
from signoff.message import say
from signoff.model import Vantage
from signoff.target.addresses import outside_addresses
from signoff.target.base import Target
from signoff.target.command import Command, Output, Problem
from signoff.target.outside import Outside, OutsideError
from signoff.target.profile import Profile
from signoff.text import one_line

_TICK = 0.05  # seconds; how soon a cancelled collection ends


@dataclass(frozen=True, slots=True)
class Collected:
    """One fact looked up: its value (or why there is none), and what proves it was looked up.

    ``command`` is what ran, ``digest`` the SHA-256 of what it printed; both are empty for what is asked
    from outside, the digest also where the output holds secrets.
    """

    fact: Fact[Any]
    value: Any
    command: str = ""
    status: int | None = None
    size: int = 0
    digest: str = ""
    as_root: bool = False

    @property
    def vantage(self) -> Vantage:
        """Where it was looked up from."""
        return Vantage.OUTSIDE if isinstance(self.fact, OutsideFact) else Vantage.HOST

    @property
    def problem(self) -> str:
        """Why there is no value, or not all of it; empty where there is one."""
        match self.value:
            case Unavailable() | Malformed():
                return self.value.reason
            case Noted() if self.value.left_out:
                return f"not everything was looked at: {'; '.join(self.value.left_out)}"
        return ""


def collect(
    wanted: Iterable[Fact[Any]],
    target: Target,
    profile: Profile,
    cancel: Event,
    known: Mapping[str, Any] | None = None,
    session: str = "",
) -> Iterator[Collected]:
    """Look up facts and everything they need; yield each as soon as it is there.

    ``known`` are values from the same run, by fact id, that need no second look. After ``cancel`` is set
    the iteration ends early, and what was not looked up is not yielded. ``session`` is the one in which the
    operator consented to the active facts among them; without it these are unavailable.
    """
    known = known or {}
    todo = [fact for fact in closure(wanted) if fact.id not in known]
    work = _Work(target, profile, cancel, known, todo, session)
    work.start()
    for _ in todo:
        one = work.next()
        if one is None:
            return
        yield one


class _Work:
    """One collection under way: batches for the host in threads, each look from outside in another.

    A host fact's place is in the batch of those that have to wait as often; a batch is asked as soon as its
    own needs are there. The threads are daemons, so that nobody who quits has to wait for an answer that may
    never come.
    """

    def __init__(
        self,
        target: Target,
        profile: Profile,
        cancel: Event,
        known: Mapping[str, Any],
        todo: Sequence[Fact[Any]],
        session: str,
    ) -> None:
        self._target = target
        self._profile = profile
        self._cancel = cancel
        self._session = session
        self._values = dict(known)
        self._waiting = [fact for fact in todo if isinstance(fact, OutsideFact)]
        self._batches = batches(todo)
        self._outside: Outside | None = None
        self._lock = Lock()
        self._done: SimpleQueue[Collected | Exception] = SimpleQueue()

    def start(self) -> None:
        self._look_where_ready()

    def next(self) -> Collected | None:
        """Wait for the next fact; None where the work was cancelled."""
        while True:
            try:
                one = self._done.get(timeout=_TICK)
            except Empty:
                if self._cancel.is_set():
                    return None
                continue
            if isinstance(one, Exception):
                raise one
            self._values[one.fact.id] = one.value
            if not self._cancel.is_set():
                self._look_where_ready()
            return one

    def _in_thread(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as defect:  # noqa: BLE001 - raised again where the facts are read
                self._done.put(defect)

        Thread(target=guarded, daemon=True).start()

    def _ask_host(self, facts: Sequence[HostFact[Any]], values: Facts) -> None:
        asked: dict[str, _Asked] = {}
        for fact in facts:
            found = _attempt(partial(_asked, fact, self._profile, values), fact)
            if isinstance(found, _Asked):
                asked[fact.id] = found
            else:
                self._done.put(Collected(fact=fact, value=found))
        commands = [one.command for one in asked.values()]
        for output in self._target.collect(commands, self._cancel) if commands else ():
            if output.problem is not Problem.CANCELLED:
                self._done.put(_collected(asked[output.id], output, self._profile))

    def _look_where_ready(self) -> None:
        """Ask every batch, and start every look from outside, whose needs are there."""
        ready = [batch for batch in self._batches if self._has(batch)]
        self._batches = [batch for batch in self._batches if batch not in ready]
        for batch in ready:
            self._in_thread(partial(self._ask_host, batch, Facts(dict(self._values))))
        looks = [fact for fact in self._waiting if self._has((fact,))]
        self._waiting = [fact for fact in self._waiting if fact not in looks]
        for fact in looks:
            self._in_thread(partial(self._look, fact, Facts(dict(self._values))))

    def _has(self, facts: Iterable[Fact[Any]]) -> bool:
        return all(need.id in self._values for fact in facts for need in needs_of(fact))

    def _look(self, fact: OutsideFact[Any], facts: Facts) -> None:
        with self._lock:
            # Resolving the URL's name may take a while: done once, and in a thread.
            if self._outside is None:
                addresses = outside_addresses(self._target, self._profile)
                self._outside = Outside(addresses, cancel=self._cancel)
        outside = self._outside
        value = _attempt(lambda: fact.look(self._allowed(fact, outside), self._profile, facts), fact)
        if not self._cancel.is_set():
            self._done.put(Collected(fact=fact, value=value))

    def _allowed(self, fact: OutsideFact[Any], outside: Outside) -> Outside:
        if not fact.active:
            return outside
        if not self._session:
            raise Unavailable(say("{title}: not without consent", title=fact.title))
        return outside.marked(self._session, fact.most)


def batches(facts: Sequence[Fact[Any]]) -> list[tuple[HostFact[Any], ...]]:
    """Return the host's facts by how often each has to wait for others; first in each those that others need.

    ``facts`` are all that are to be looked up, needs first; what they need beside is known already.
    """
    waits: dict[str, int] = {}
    after: dict[str, int] = {}
    for fact in facts:
        waits[fact.id] = max((after[need.id] for need in needs_of(fact) if need.id in after), default=0)
        after[fact.id] = waits[fact.id] + isinstance(fact, HostFact)
    needed = {need.id for fact in facts for need in needs_of(fact)}
    hosts = [fact for fact in facts if isinstance(fact, HostFact)]
    hosts.sort(key=lambda fact: fact.id not in needed)
    return [
        tuple(fact for fact in hosts if waits[fact.id] == turn)
        for turn in sorted({waits[fact.id] for fact in hosts})
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A host fact as it is asked for: what runs, and what of the values could not be given."""

    fact: HostFact[Any]
    command: Command
    left_out: tuple[str, ...]


def _asked(fact: HostFact[Any], profile: Profile, values: Facts) -> _Asked:
    script = text_for(fact.script, profile)
    given = [(name, value) for name, every in fact.given(values, profile).items() for value in every]
    # One a line: what has a line feed in it is no line, and a NUL ends a shell's word.
    odd = [value for _, value in given if set("\n\r\0") & set(value)]
    lines = "".join(f"{name}\t{value}\n" for name, value in given if value not in odd)
    if fact.needs:
        script = f"values=$(cat)\n{script}"
    command = Command(fact.id, script, fact.root, fact.timeout, fact.cap, lines)
    return _Asked(
        fact, command, tuple(say("a name with a line feed: {name}", name=one_line(one)) for one in odd)
    )


def _collected(asked: _Asked, output: Output, profile: Profile) -> Collected:
    fact = asked.fact
    return Collected(
        fact=fact,
        value=_value(fact, output, profile, asked.left_out),
        command=asked.command.script,
        status=output.status,
        size=len(output.stdout),
        digest="" if fact.sensitive else hashlib.sha256(output.stdout).hexdigest(),
        as_root=output.as_root,
    )


def _value(fact: HostFact[Any], output: Output, profile: Profile, not_given: tuple[str, ...] = ()) -> Any:
    by_hand = text_for(fact.by_hand, profile)
    match output.problem:
        case Problem.NEEDS_ROOT:
            said = one_line(output.stderr)
            why = f" ({said})" if said else ""
            return Unavailable(
                say("{title}: needs root, and sudo was refused{why}", title=fact.title, why=why), by_hand
            )
        case Problem.TIMED_OUT:
            return Unavailable(
                say(
                    "{title}: no answer within {timeout} s",
                    title=fact.title,
                    timeout=format(fact.timeout, "g"),
                ),
                by_hand,
            )
        case Problem.KILLED | Problem.LOST | Problem.CANCELLED:
            return Unavailable(
                say("{title}: {problem}", title=fact.title, problem=output.problem.value), by_hand
            )
        case None:
            pass
    if output.truncated:
        # Half of a list must never look like the whole of it.
        return Unavailable(say("{title}: more than {cap} bytes", title=fact.title, cap=fact.cap), by_hand)
    value = _attempt(lambda: fact.parse(output), fact)
    marks, others = (*not_given, *left_out(output)), strangers(output)
    if isinstance(value, (Unavailable, Malformed)) or not (marks or others):
        return value
    return Noted(value, marks, others)


def _attempt(look: Callable[[], Any], fact: Fact[Any]) -> Any:
    try:
        return look()
    except (Unavailable, Malformed) as absent:
        return absent
    except OutsideError as refused:
        return Unavailable(say("{title}: {reason}", title=fact.title, reason=refused.message))
    except Exception as defect:  # noqa: BLE001 - one fact that cannot be read must not end the session
        return Malformed(
            say(
                "{title}: cannot be read ({name__})", title=one_line(fact.title), name__=type(defect).__name__
            )
        )
