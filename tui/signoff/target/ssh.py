"""A target over SSH."""

from __future__ import annotations

from signoff.errors import TargetError
from signoff.target.address import SshAddress
from signoff.target.base import Prompter, Target


def connect(address: SshAddress, prompter: Prompter) -> Target:
    """Return the target at an address, connected and logged in."""
    raise TargetError(f"Targets over SSH are not built yet ({address.host}, {prompter}).")
