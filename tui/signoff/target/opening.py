"""From a profile to a target that can be asked."""

from __future__ import annotations

from signoff.target.address import parse_address
from signoff.target.base import Prompter, Target
from signoff.target.local import LocalTarget
from signoff.target.profile import Profile


def open_target(profile: Profile, prompter: Prompter) -> Target:
    """Return the target of a profile, connected and logged in.

    Blocks while it connects and while the operator is asked. Raise UsageError for an address that is
    none, TargetError where the target cannot be reached or must not be talked to.
    """
    address = parse_address(profile.address)
    if address is None:
        return LocalTarget(prompter)
    # paramiko takes longer to import than everything else together: only where it is used.
    from signoff.target.ssh import connect

    return connect(address, prompter)
