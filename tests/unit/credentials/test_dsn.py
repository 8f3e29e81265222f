"""Connection strings: of a changed password only its own bytes change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.credentials.dsn import Account, account, with_password
from signoff.credentials.recognise import url_password
from signoff.credentials.secret import Secret

CASES = [
    (
        "postgresql://shop:old@db:5432/shop?sslmode=require",
        "postgresql://shop:{}@db:5432/shop?sslmode=require",
    ),
    ("postgres://shop:o%6Cd@[fd00::1]/shop", "postgres://shop:{}@[fd00::1]/shop"),
    ("redis://:old@redis:6379/0", "redis://:{}@redis:6379/0"),
    ("redis://old:old@old:6379/old", "redis://old:{}@old:6379/old"),
    ("redis://redis:6379/0?password=old&db=old", "redis://redis:6379/0?password={}&db={}"),
    ("POSTGRESQL+asyncpg://u%40x:old@h/d#old", "POSTGRESQL+asyncpg://u%40x:{}@h/d#old"),
    ("host=db user=shop password=old dbname=shop", "host=db user=shop password={} dbname=shop"),
    ("host=db password = 'old' dbname=old", "host=db password = {} dbname=old"),
]


@pytest.mark.parametrize(("before", "after"), CASES[:4] + CASES[5:])
def test_only_the_passwords_bytes_change(before: str, after: str) -> None:
    changed = with_password(Secret(before), Secret("new-1"))
    assert changed is not None
    assert changed.reveal() == after.format("new-1")


def test_a_parameter_that_is_no_password_stays() -> None:
    changed = with_password(Secret("redis://redis/0?password=old&db=old"), Secret("new"))
    assert changed is not None
    assert changed.reveal() == "redis://redis/0?password=new&db=old"


@pytest.mark.parametrize(
    "value", ["redis://redis:6379/0", "just text", "postgresql://shop@db/shop", "http://["]
)
def test_without_a_password_there_is_nothing_to_change(value: str) -> None:
    assert with_password(Secret(value), Secret("new")) is None


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t"), min_size=1))
def test_any_password_is_read_back(password: str) -> None:
    for text, _ in CASES[:5]:
        changed = with_password(Secret(text), Secret(password))
        assert changed is not None
        assert url_password(changed) == Secret(password)
        assert account(changed) == account(Secret(text))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("postgresql://shop:x@db:6432/shop?a=b", Account("shop", "db", 6432, "shop")),
        ("postgres://u%40x:x@[fd00::1]/d%2F1", Account("u@x", "fd00::1", 0, "d/1")),
        (
            "postgresql:///shop?host=/run/postgresql&user=shop&password=x",
            Account("shop", "/run/postgresql", 0, "shop"),
        ),
        ("redis://:x@redis/1", Account("", "redis", 0, "1")),
        ("host=db port=5433 user='sh op' password=x dbname=shop", Account("sh op", "db", 5433, "shop")),
        ("redis://:x@h:99999/1", None),
        ("plain", None),
    ],
)
def test_whom_and_where_it_means(value: str, expected: Account | None) -> None:
    assert account(Secret(value)) == expected
