"""One-time codes: the standards' vectors, another program's codes, clocks that differ, codes used twice."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from urllib.parse import parse_qs, unquote, urlsplit

import mintotp
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.credentials import totp
from signoff.credentials.redact import LeakError, Redactor
from signoff.credentials.secret import Secret
from signoff.credentials.totp import Answer, Verifier
from signoff.errors import UsageError

RFC_SEED = Secret(base64.b32encode(b"12345678901234567890").decode())
RFC_6238 = {  # appendix B, the rows for SHA-1
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
RFC_4226 = (  # appendix D
    "755224",
    "287082",
    "359152",
    "969429",
    "338314",
    "254676",
    "287922",
    "162583",
    "399871",
    "520489",
)
NOW = 1_700_000_010


def code(offset: int = 0) -> str:
    """Return another program's code for a number of steps from NOW."""
    made: str = mintotp.hotp(RFC_SEED.reveal(), NOW // 30 + offset)
    return made


@pytest.mark.parametrize(("at", "eight"), RFC_6238.items())
def test_the_vectors_of_rfc_6238(at: int, eight: str) -> None:
    assert pyotp.TOTP(RFC_SEED.reveal(), digits=8).at(at) == eight
    # Truncation is modulo a power of ten (RFC 4226, 5.3): six digits are the last six of eight.
    assert Verifier(RFC_SEED).check(eight[-6:], now=at) == totp.Checked(Answer.ACCEPTED)


@pytest.mark.parametrize(("counter", "expected"), enumerate(RFC_4226))
def test_the_vectors_of_rfc_4226(counter: int, expected: str) -> None:
    checked = Verifier(RFC_SEED).check(expected, now=counter * 30 + 29)
    assert checked == totp.Checked(Answer.ACCEPTED)


def test_a_new_seed_works_with_another_program_now() -> None:
    enrolment = totp.new("admin@shop.example", "Shop")
    assert Verifier(enrolment.secret).check(mintotp.totp(enrolment.secret.reveal()))
    assert len(base64.b32decode(enrolment.secret.reveal())) * 8 == 160
    assert totp.new("admin@shop.example", "Shop").secret != enrolment.secret


@pytest.mark.parametrize(
    ("offset", "checked", "words"),
    [
        (0, totp.Checked(Answer.ACCEPTED, 0), "Accepted."),
        (-1, totp.Checked(Answer.ACCEPTED, -30), "about 30 s behind"),
        (1, totp.Checked(Answer.ACCEPTED, 30), "about 30 s ahead of"),
        (-2, totp.Checked(Answer.FAR, -60), "about 60 s behind"),
        (2, totp.Checked(Answer.FAR, 60), "about 60 s ahead of"),
        (-10, totp.Checked(Answer.FAR, -300), "about 5 minutes behind"),
        (-21, totp.Checked(Answer.WRONG), "not this key's code"),
    ],
)
def test_one_step_of_drift_is_taken_and_told(offset: int, checked: totp.Checked, words: str) -> None:
    verifier = Verifier(RFC_SEED)
    assert verifier.check(code(offset), now=NOW) == checked
    assert words in checked.words()
    assert bool(checked) == (verifier.last is not None) == (abs(offset) <= 1)


def test_no_code_is_taken_twice() -> None:
    verifier = Verifier(RFC_SEED)
    assert verifier.check(code(), now=NOW)
    assert verifier.last == NOW // 30
    for again in (code(), code(-1)):
        assert verifier.check(again, now=NOW).answer is Answer.USED
        assert verifier.check(again, now=NOW + 29).answer is Answer.USED
    assert verifier.check(code(1), now=NOW + 30)
    assert Verifier(RFC_SEED, last=NOW // 30).check(code(), now=NOW).answer is Answer.USED, "kept elsewhere"


def test_a_refused_code_leaves_the_next_one_good() -> None:
    verifier = Verifier(RFC_SEED)
    for wrong in (code(5), "000000", "12"):
        assert not verifier.check(wrong, now=NOW)
    assert verifier.check(code(), now=NOW)


@pytest.mark.parametrize(
    "typed",
    [
        "287 082",
        " 287082\n",
        "287-082",
        "２８７０８２",
        "287\u00a0082",
        "2 8 7 0 8 2",
        "２８７　０８２",
        "287\u2009082",
    ],
)
def test_what_people_type_is_understood(typed: str) -> None:
    assert Verifier(RFC_SEED).check(typed, now=59)


@pytest.mark.parametrize(
    "typed", ["", "28708", "2870822", "28708x", "²87082x", "٢٨٧٠٨٢", "+87082", "28.082", "k"]
)
def test_what_is_no_code_is_told_apart_from_a_wrong_one(typed: str) -> None:
    assert Verifier(RFC_SEED).check(typed, now=59).answer is Answer.MALFORMED


def test_the_clocks_beginning_is_no_error() -> None:
    assert Verifier(RFC_SEED).check(RFC_4226[1], now=0).drift == 30


@given(st.text(max_size=40))
def test_nothing_typed_is_an_error(typed: str) -> None:
    assert Verifier(RFC_SEED).check(typed, now=NOW).answer in Answer


@given(st.text(max_size=200), st.text(max_size=200))
def test_every_label_makes_a_uri_that_fits_and_says_what_it_shows(account: str, issuer: str) -> None:
    try:
        enrolment = totp.new(account, issuer)
    except UsageError:
        return
    uri = enrolment.uri.reveal()
    assert len(uri) <= totp.LONGEST_URI
    assert uri.isascii()
    parts = urlsplit(uri)
    fields = parse_qs(parts.query, strict_parsing=True)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert fields == {"secret": [enrolment.secret.reveal()], "issuer": [enrolment.issuer]}
    label = unquote(parts.path[1:])
    assert label in {enrolment.account, f"{enrolment.issuer}:{enrolment.account}"}
    assert enrolment.account
    assert enrolment.issuer
    assert totp.read_seed(enrolment.uri) == enrolment.secret
    assert pyotp.parse_uri(uri).secret == enrolment.secret.reveal()


def test_a_usual_label_names_the_issuer_twice_and_is_not_shortened() -> None:
    enrolment = totp.new("admin@shop.example", "Shop")
    seed = enrolment.secret.reveal()
    assert enrolment.uri.reveal() == f"otpauth://totp/Shop:admin@shop.example?secret={seed}&issuer=Shop"
    assert not enrolment.shortened


def test_a_long_label_is_shortened_and_says_so() -> None:
    enrolment = totp.new("administrator@" + "backoffice." * 6 + "shop.example", "Магазин у дома")
    assert enrolment.shortened
    assert enrolment.issuer == "Магазин"
    assert enrolment.account == "administrator@backoffice.back"


@pytest.mark.parametrize("name", ["", "  ", "a:b", "\x1b[31m", "\u200b"])
def test_names_that_apps_would_misread_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        totp.new(name, "Shop")
    with pytest.raises(UsageError):
        totp.new("admin", name)


def test_the_text_form_is_in_groups_and_reads_back() -> None:
    enrolment = totp.new("admin", "Shop")
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", enrolment.text.reveal())
    for form in (
        enrolment.text.reveal(),
        enrolment.text.reveal().lower().replace(" ", "-"),
        "  " + enrolment.uri.reveal(),
    ):
        assert totp.read_seed(Secret(form)) == enrolment.secret


@pytest.mark.parametrize(
    "given",
    [
        "",
        "not a seed!",
        "0189",
        "ABC",
        "otpauth://",
        "otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQ&counter=1",
        "otpauth://totp/a",
        "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&digits=8",
        "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&period=60",
        "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&algorithm=SHA256",
        "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&secret=MFRGGZDFMZTWQ2LK",
        "otpauth://[/?secret=GEZDGNBVGY3TQOJQ",
    ],
)
def test_what_is_no_seed_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(UsageError) as refused:
        totp.read_seed(Secret(given))
    for part in (given, "GEZDGNBVGY3TQOJQ"):
        assert not part or part not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_uri_may_say_what_is_taken_for_granted() -> None:
    seed = RFC_SEED.reveal()
    uri = Secret(f"otpauth://totp/a?secret={seed.lower()}&digits=6&period=30&algorithm=sha1&issuer=b")
    assert totp.read_seed(uri) == RFC_SEED


@pytest.mark.parametrize(
    ("characters", "taken"), [(16, False), (23, False), (24, False), (26, True), (103, True)]
)
def test_a_seed_has_128_bits(characters: int, taken: bool) -> None:
    seed = Secret((RFC_SEED.reveal() * 4)[:characters])
    if taken:
        assert totp.read_seed(seed) == seed
        assert Verifier(seed).check("000000", now=NOW).answer in Answer
    else:
        with pytest.raises(UsageError, match="bits"):
            totp.read_seed(seed)


def test_recovery_codes_are_many_and_different_and_of_120_bits() -> None:
    codes = totp.recovery_codes()
    assert len({one.reveal() for one in codes}) == 10
    assert all(re.fullmatch(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}", one.reveal()) for one in codes)


def test_a_recovery_codes_hash_is_the_same_however_it_is_typed() -> None:
    (one,) = totp.recovery_codes(1)
    plain = one.reveal().replace("-", "")
    assert totp.recovery_hash(one) == hashlib.sha256(plain.encode()).hexdigest()
    assert totp.recovery_hash(Secret(one.reveal().lower().replace("-", " "))) == totp.recovery_hash(one)


def test_nothing_that_is_printed_shows_the_seed() -> None:
    enrolment = totp.new("admin", "Shop")
    seed = enrolment.secret.reveal()
    verifier = Verifier(enrolment.secret)
    verifier.check(mintotp.totp(seed), now=time.time())
    assert seed not in f"{enrolment} {enrolment!r} {verifier!r} {verifier}"
    assert enrolment.text.reveal() not in repr(enrolment)


def test_the_redactor_refuses_every_form_of_the_seed() -> None:
    enrolment, redactor = totp.new("admin", "Shop"), Redactor()
    redactor.know(enrolment.known())
    for form in (enrolment.secret, enrolment.text, enrolment.uri, Secret(enrolment.secret.reveal().lower())):
        with pytest.raises(LeakError, match="TOTP seed of admin"):
            redactor.refuse(b"note: " + form.reveal().encode())
