"""What is proposed for a second factor, and which places can be chosen."""

from __future__ import annotations

import pytest

from signoff.enrolling import Place, new_file, proposed, unready
from signoff.target.profile import Profile
from signoff.target.second_factor import SecondFactor

FACTOR = SecondFactor(sql="UPDATE admins SET totp = :seed WHERE email = :account")


@pytest.mark.parametrize(
    ("url", "account", "issuer"),
    [
        ("https://www.shop.example/", "admin@shop.example", "shop.example"),
        ("https://shop.example:8443", "admin@shop.example", "shop.example"),
        ("https://[2001:db8::7]/", "admin", "shop"),
        ("https://203.0.113.7", "admin", "shop"),
        ("", "admin", "shop"),
    ],
)
def test_account_and_issuer_come_from_the_sites_name(url: str, account: str, issuer: str) -> None:
    assert proposed(Profile(name="shop", url=url)) == (account, issuer)


def test_the_database_wants_a_statement_and_a_name() -> None:
    assert "[shop.second_factor]" in unready(Profile(name="shop"), Place.DATABASE)
    assert "database" in unready(Profile(name="shop", second_factor=FACTOR), Place.DATABASE)
    assert unready(Profile(database="shop", second_factor=FACTOR), Place.DATABASE) == ""
    for place in set(Place) - {Place.DATABASE}:
        assert unready(Profile(), place) == ""


def test_files_that_are_proposed() -> None:
    assert new_file(Profile(name="shop")) == "~/shop-second-factor.key"
    assert Profile(project="/srv/shop").env_file == "/srv/shop/.env"
    assert Profile(project="/srv/shop", env_files=("conf/env", ".env")).env_file == "/srv/shop/conf/env"
    assert Profile(env_files=()).env_file == ".env"
