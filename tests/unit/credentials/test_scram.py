"""PostgreSQL's stored passwords, against what PostgreSQL 15 itself and the RFC have."""

from __future__ import annotations

import base64

import pytest

from signoff.credentials.scram import accepts, prepared, verifier
from signoff.credentials.secret import Secret

# RFC 7677, section 3: user, pencil; the keys are those that PostgreSQL 15 stores for that salt.
RFC = (
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)


def test_the_example_of_the_rfc() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert verifier(Secret("pencil"), salt=salt).reveal() == RFC
    assert accepts(Secret(RFC), "user", Secret("pencil")) is True
    assert accepts(Secret(RFC), "user", Secret("pencils")) is False


def test_each_verifier_has_its_own_salt() -> None:
    one, other = verifier(Secret("x")), verifier(Secret("x"))
    assert one != other
    assert accepts(one, "any", Secret("x")) is accepts(other, "any", Secret("x")) is True
    assert "SCRAM" not in repr(one)


@pytest.mark.parametrize(
    ("password", "stored"),
    [
        ("I\u00adX", "JyL+3RADMN0Jhs0ZxRVZfg==$Sbf4PfiTYXaOIEv1f6NMK3Q2irZmr7Ktui8n6+DyZnw="),
        ("p\u00e4 ss\u00a0\u2168", "pAIAWGqExRoU+GOvjmxbmg==$ix9bz8SVwg0bjr8dpiJQh4p1C5f6A3NLk4D3hTKMeJU="),
        ("\u06271", "9x18C4YjI4+cHWQwpawJzw==$qeqQp7TwkS9FUgPtfzHZY0lJIOUTgmth8MRoPL8dMNc="),
        ("\u0627x\u0628", "VUwTq4v1iFZKlg/bVf4gig==$AAYsKG9m/RG70Mq9o7oiqW/xUTV8ntAZpji6ENn62Hk="),
        ("x\u0221", "G3OLoJ6M/ehoTJfToHPADQ==$wJE78NWOThBHHJvTPi5JRG/UYVEiJRv670mODEjWbL0="),
        ("\u00ad", "8V3Xej7yNVf3jAXTJxsypw==$y6rpwKArOoEudVBDGqpdxKWtYaJSXyGnD6Kmdr6kwMk="),
    ],
)
def test_what_postgresql_itself_has_stored(password: str, stored: str) -> None:
    """Recorded from PostgreSQL 15.20: SASLprep, and what it refuses taken as it is."""
    salt, key = stored.split("$")
    assert verifier(Secret(password), salt=base64.b64decode(salt)).reveal().split(":")[1] == f"{salt}${key}"


def test_other_forms() -> None:
    md5 = Secret("md531dcc6c3366b993fb4b6c619e63776f2")  # of PostgreSQL 15.20, for the role t
    assert accepts(md5, "t", Secret("pencil")) is True
    assert accepts(md5, "u", Secret("pencil")) is False
    assert accepts(Secret(""), "user", Secret("")) is False
    assert accepts(Secret("plain"), "user", Secret("plain")) is None


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("I\u00adX", "IX"),  # RFC 4013, section 3: the soft hyphen is mapped to nothing
        ("user", "user"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("\u0007", "\u0007"),  # ASCII is left alone, as PostgreSQL leaves it
        ("a\u00a0b", "a b"),
        ("\u0627\u0031", "\u0627\u0031"),  # prohibited (bidi): as it is
        ("\u00ad", "\u00ad"),  # nothing would be left: as it is
    ],
)
def test_saslprep(password: str, expected: str) -> None:
    assert prepared(Secret(password)) == expected.encode()


def test_a_password_that_is_no_text_is_taken_as_it_is() -> None:
    assert prepared(Secret("\udcff")) == b"\xff"
