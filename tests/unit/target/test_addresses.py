"""Where a target is looked at from outside: at its own addresses, and never at this machine's."""

from __future__ import annotations

import pytest

from signoff.target.addresses import outside_addresses
from signoff.target.profile import Profile
from unit.fakes import FakeTarget


@pytest.mark.parametrize(
    ("profile", "addresses"),
    [
        (Profile(), ("192.0.2.1",)),
        (Profile(url="https://127.0.0.2"), ("192.0.2.1", "127.0.0.2")),
        (Profile(url="https://[::1]:8443/x"), ("192.0.2.1", "::1")),
        (Profile(url="https://shop.invalid"), ("192.0.2.1",)),
        (
            Profile(url="https://127.0.0.2", addresses=("192.0.2.1", "2001:db8::1")),
            ("192.0.2.1", "2001:db8::1"),
        ),
    ],
)
def test_of_a_host(profile: Profile, addresses: tuple[str, ...]) -> None:
    assert outside_addresses(FakeTarget(outside_addresses=("192.0.2.1",)), profile) == addresses


def test_this_machine_has_no_outside() -> None:
    here = FakeTarget(address="local", outside_addresses=("192.0.2.1",))
    assert outside_addresses(here, Profile(url="https://127.0.0.2")) == ()
