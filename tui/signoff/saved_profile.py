"""What targets.toml says of a session's target, and whether that was changed while the session is open."""

from __future__ import annotations

from threading import Lock

from msgspec.structs import replace

from signoff.errors import SignoffError
from signoff.message import say
from signoff.target.address import parse_address
from signoff.target.profile import Profile
from signoff.target.profiles import load_profiles


class SavedProfile:
    """The saved profile of a session's target, by its name.

    Where the target is never changes: the session is bound to it. ``notes`` tell the operator what was not
    taken over. Hold ``lock`` from asking whether it was changed until it is taken over.
    """

    def __init__(self, used: Profile) -> None:
        self.lock = Lock()
        self.notes: tuple[str, ...] = ()
        self._used = used
        self._taken: Profile | None = None

    def changed(self) -> Profile | None:
        """Return the saved profile if it is not the one taken last; None also where none is saved."""
        saved = self._read()
        return saved if saved != self._taken else None

    def take(self, saved: Profile | None = None) -> None:
        """Count a profile, or else whatever is saved now, as known."""
        self._taken = saved or self._read()

    def _read(self) -> Profile | None:
        try:
            saved = load_profiles().get(self._used.name)
        except SignoffError as problem:
            self.notes = (say("The profile was not read again. {message}", message=problem.message),)
            return self._taken
        self.notes = ()
        if saved is None:
            return None
        if _place(saved) != _place(self._used):
            moved = say(
                "targets.toml has another address for {name}: {address}.",
                name=saved.name,
                address=saved.address,
            )
            stays = say(
                "This session stays at {address}; start a new one for the other.", address=self._used.address
            )
            self.notes = (f"{moved} {stays}",)
        return replace(saved, address=self._used.address)


def _place(profile: Profile) -> tuple[str, str, int] | None:
    """Return where a target is; in which of its directories the project lies is no matter."""
    address = parse_address(profile.address)
    return (address.user, address.host, address.port) if address else None
