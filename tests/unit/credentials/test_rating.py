"""Rating what is there: what everybody knows is found, and a random value is never called one."""

from __future__ import annotations

import base64
import random

import pytest

from signoff.credentials.generate import KINDS, generate
from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.rating import Verdict, provider_test_keys, rate, reused
from signoff.credentials.recognise import Form
from signoff.credentials.secret import Secret


@pytest.mark.parametrize(
    "value",
    [
        "your-secret-key-here",
        "CHANGE_ME_PLEASE_TO_SOMETHING_RANDOM",
        "django-insecure-abc123",
        "django-insecure-" + "q8$z)m2k^w!n5x@b7v&c3(p9*r1_t4y6u0e+i-o=a#s%d%f"[:50],
        "minioadmin",
        "postgres",
        "guest",
        "changeme",
        "change_me",
        "ChangeThis",
        "P@ssw0rd",
        "s3cr3t",
        "password123",
        "my-super-secret-password-2024",
        "dev-secret-key",
        "secret",
        "xxxxxxxxxxxxxxxx",
        "<your key>",
        "{{ secret_key }}",
        "your-256-bit-secret",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "sk_live_example_key",
        "insert-your-key",
        "keyboard cat",
    ],
)
def test_what_everybody_knows_is_a_default(value: str) -> None:
    rating = rate("SECRET_KEY", Secret(value))
    assert rating.verdict is Verdict.DEFAULT
    assert value not in repr(rating)


@pytest.mark.parametrize(
    "value",
    [
        "kV7test9mQzXw2Lp0RtYb8Nc4example5Hd6Js1Kg",
        "Xk29admin4Lq0ZmWn8RtYvBc3password7Hd1Js5K",
        "a" + "0123456789abcdef"[::-1] + "7f3e9d1c5b8a2046e",
    ],
)
def test_a_long_random_value_with_a_word_in_it_is_no_placeholder(value: str) -> None:
    assert not is_placeholder(value)
    assert rate("SECRET_KEY", Secret(value)).verdict is Verdict.STRONG


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in {"uuid", "recovery-codes", "passphrase"}]
)
def test_what_generate_makes_is_strong_at_its_shortest(kind: str) -> None:
    name = {"postgres": "POSTGRES_PASSWORD", "redis": "REDIS_PASSWORD", "password": "SMTP_PASSWORD"}.get(
        kind, "FERNET_KEY" if kind == "fernet" else "SECRET_KEY"
    )
    length = max(KINDS[kind].shortest, 32) if name == "SECRET_KEY" else KINDS[kind].shortest
    for _ in range(4):
        assert rate(name, generate(kind, length).value, ["shop"]).verdict is Verdict.STRONG


def test_what_openssl_makes_is_strong() -> None:
    numbers = random.Random(7)
    for _ in range(25):
        hexadecimal, base = numbers.randbytes(16).hex(), base64.b64encode(numbers.randbytes(24)).decode()
        assert rate("SECRET_KEY", Secret(hexadecimal)).verdict is Verdict.STRONG
        assert rate("JWT_SECRET_KEY", Secret(base)).verdict is Verdict.STRONG


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("SECRET_KEY", "Zq7-vT2mK9xWc4bN", Verdict.SHORT),
        ("SECRET_KEY", "abcdefghijklmnopqrstuvwxyz0123456789", Verdict.WEAK),
        ("SECRET_KEY", "correct horse battery staple for the shop", Verdict.WEAK),
        ("SECRET_KEY", "abababababababababababababababababababab", Verdict.WEAK),
        ("JWT_SECRET_KEY", "0123456789" * 5, Verdict.WEAK),
        ("POSTGRES_PASSWORD", "Summer2024!Summer", Verdict.WEAK),
        ("POSTGRES_PASSWORD", "Zq7-vT2mK9xWc4b", Verdict.SHORT),
        ("POSTGRES_PASSWORD", "Zq7-vT2mK9xWc4bN", Verdict.STRONG),
        # Sixteen and random, yet without a symbol: 95 bits do not make up for it.
        ("POSTGRES_PASSWORD", "Zq7svT2mK9xWc4bN", Verdict.WEAK),
        # No capitals, no symbols, and still far above what is asked: B7's classes would fail it falsely.
        (
            "POSTGRES_PASSWORD",
            "4b1d7e90c2f83a56d4e19b70f2c85a3e7d60194bc8e2f5a1036d9c7e4b81f250",
            Verdict.STRONG,
        ),
        ("SMTP_PASSWORD", "kqzvhwpxnrtbjmdf", Verdict.STRONG),
        ("SMTP_PASSWORD", "kqzvhwpx", Verdict.SHORT),
        ("SMTP_PASSWORD", "", Verdict.EMPTY),
        ("FERNET_KEY", "kV7x9mQzXw2Lp0RtYb8Nc4Hd6Js1Kg5F", Verdict.WEAK),
    ],
)
def test_length_alphabet_and_dictionary(name: str, value: str, verdict: Verdict) -> None:
    assert rate(name, Secret(value)).verdict is verdict


@pytest.mark.parametrize(
    "value",
    [
        base64.b64encode(b"password123456789012345678901234567").decode(),
        base64.b64encode(b"supersecretkeysupersecretkeysupersecret\n").decode(),
        base64.urlsafe_b64encode(b"my-super-secret-key-for-production").decode(),
        b"supersecretkeysupersecretkey".hex(),
        "5f4dcc3b5aa765d61d8327deb882cf99",  # md5 of password
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",  # sha256 of password
        "6b3a55e0261b0304143f805a24924d0c1c44524821305f31d9277843b8a10f4e",  # echo password | sha256sum
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",  # the UUID of every manual
        "c232ab00-9414-11ec-b3c8-9f6bdeced846",  # RFC 9562, appendix A.1: the time and a MAC address
    ],
)
def test_a_weak_value_is_weak_in_any_writing(value: str) -> None:
    assert rate("SECRET_KEY", Secret(value)).verdict in {Verdict.WEAK, Verdict.DEFAULT}


@pytest.mark.parametrize("key", [bytes(32), b"0123456789" * 3 + b"01", b"passwordpasswordpasswordpassword"])
def test_a_fernet_key_of_the_right_form_may_be_weak(key: bytes) -> None:
    value = Secret(base64.urlsafe_b64encode(key).decode())
    assert rate("FERNET_KEY", value).verdict in {Verdict.WEAK, Verdict.DEFAULT}


def test_a_random_uuid_holds_122_bits() -> None:
    value = generate("uuid").value
    assert rate("POSTGRES_PASSWORD", value).verdict is Verdict.STRONG
    assert rate("SECRET_KEY", value).bits == 122


def test_hex_and_base64_of_random_text_stay_strong() -> None:
    inner = random.Random(3).randbytes(32).hex()
    for value in (inner, base64.b64encode(inner.encode()).decode(), inner.encode().hex()):
        assert rate("SECRET_KEY", Secret(value)).verdict is Verdict.STRONG


def test_the_names_of_host_and_project_count_for_nothing() -> None:
    value = Secret("Acmeshop-Acmeshop-9")
    alone, known = (
        rate("SMTP_PASSWORD", value),
        rate("SMTP_PASSWORD", value, ["acmeshop.example", "acmeshop"]),
    )
    assert known.verdict is Verdict.DEFAULT
    assert known.bits < alone.bits


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("postgresql://shop:postgres@db/shop", Verdict.DEFAULT),
        ("postgresql://shop:p%40ssw0rd@db/shop", Verdict.DEFAULT),
        ("postgresql://shop:Zq7%2DvT2mK9xWc4bN@db/shop", Verdict.STRONG),
        ("host=db user=shop password=postgres dbname=shop", Verdict.DEFAULT),
    ],
)
def test_the_password_inside_a_url_is_rated(url: str, verdict: Verdict) -> None:
    rating = rate("DATABASE_URL", Secret(url))
    assert rating.verdict is verdict


def test_a_very_long_value_is_rated() -> None:
    assert rate("SECRET_KEY", generate("key", 400).value).verdict is Verdict.STRONG
    assert rate("SECRET_KEY", Secret("changeme" * 60)).verdict is Verdict.DEFAULT


@pytest.mark.parametrize(
    ("variables", "groups"),
    [
        ({"SECRET_KEY": "one", "JWT_SECRET_KEY": "one"}, [("SECRET_KEY", "JWT_SECRET_KEY")]),
        ({"SECRET_KEY": "one", "SESSION_SECRET": "one"}, [("SECRET_KEY", "SESSION_SECRET")]),
        ({"POSTGRES_PASSWORD": "one", "REDIS_PASSWORD": "one"}, [("POSTGRES_PASSWORD", "REDIS_PASSWORD")]),
        (
            {"SMTP_PASSWORD": "a b", "DATABASE_URL": "postgres://u:a%20b@h/d"},
            [("SMTP_PASSWORD", "DATABASE_URL")],
        ),
        ({"POSTGRES_PASSWORD": "a b", "DATABASE_URL": "postgres://u:a%20b@h/d"}, []),
        ({"REDIS_PASSWORD": "one", "CELERY_BROKER_URL": "redis://:one@redis:6379/0"}, []),
        ({"SMTP_PASSWORD": "one", "EMAIL_HOST_PASSWORD": "one"}, []),
        ({"STRIPE_API_KEY": "one", "STRIPE_SECRET_KEY": "one"}, []),
        ({"SECRET_KEY": "", "JWT_SECRET_KEY": ""}, []),
        ({"POSTGRES_USER": "shop", "POSTGRES_DB": "shop"}, []),
    ],
)
def test_reuse(variables: dict[str, str], groups: list[tuple[str, ...]]) -> None:
    assert list(reused({name: Secret(value) for name, value in variables.items()})) == groups


def test_test_keys() -> None:
    found = provider_test_keys(
        {
            name: Secret(value)
            for name, value in {
                "A": "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
                "B": "pk_test_TYooMQauvdEDq54NiTphI7jx",
                "C": "rk_test_abcdefgh12345678",
                "D": "https://api.sandbox.paypal.com/v1",
                "E": "sandbox-sq0idb-abcdef",
                "F": "whsec_test_5WtTgFYjNzcXn8",
                "G": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
                "H": "https://api.paypal.com",
                "I": "kV7sk_test_9mQzXw2Lp0RtYb8Nc4",
                "J": "https://sandboxes.example/",
                "K": "1",
            }.items()
        }
    )
    assert found == ("A", "B", "C", "D", "E", "F")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("YOOKASSA_SECRET_KEY", "test_Fh8hUAVVBGUGbjmlzba6TB0iyUbos_lueTHE-axOwM0"),
        ("RAZORPAY_KEY_ID", "rzp_test_1DP5mmOlF5G5ag"),
        ("FLW_SECRET_KEY", "FLWSECK_TEST-1a2b3c4d5e6f7a8b9c0d-X"),
        ("MIDTRANS_SERVER_KEY", "SB-Mid-server-GwUP_WGbJPXsDzsNEBRs8IYA"),
        ("XENDIT_KEY", "xnd_development_O46JfOtygef9kMNsK"),
        ("CHECKOUT_KEY", "sk_sbox_abcdefghijklmnopqrstuvwx12"),
        ("RECAPTCHA_SECRET_KEY", "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"),
        ("TURNSTILE_SECRET_KEY", "1x0000000000000000000000000000000AA"),
        ("HCAPTCHA_SECRET", "0x0000000000000000000000000000000000000000"),
        ("PAYPAL_MODE", "Sandbox"),
        ("PLAID_ENV", "sandbox"),
        ("BRAINTREE_ENVIRONMENT", "sandbox"),
        ("STRIPE_MODE", "test"),
        ("PAYPAL_SANDBOX", "true"),
        ("PAYMENTS_TEST_MODE", "1"),
        ("SMTP_HOST", "sandbox.smtp.mailtrap.io"),
        ("MAIL_HOST", "mailhog"),
    ],
)
def test_a_test_mode_is_found_under_every_name(name: str, value: str) -> None:
    assert provider_test_keys({name: Secret(value)}) == (name,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("YOOKASSA_SECRET_KEY", "live_Fh8hUAVVBGUGbjmlzba6TB0iyUbos_lueTHE-axOwM0"),
        ("POSTGRES_DB", "test_database_for_the_shop_of_ours"),
        ("PAYPAL_MODE", "live"),
        ("PAYPAL_SANDBOX", "false"),
        ("SMTP_HOST", "live.smtp.mailtrap.io"),
        ("SMTP_HOST", "smtp.yandex.ru"),
        ("GAME_MODE", "sandboxed"),
    ],
)
def test_what_only_looks_like_a_test_mode(name: str, value: str) -> None:
    assert provider_test_keys({name: Secret(value)}) == ()


def test_the_form_says_what_to_generate() -> None:
    forms = {
        "SECRET_KEY": Form.KEY,
        "DJANGO_SECRET_KEY": Form.DJANGO,
        "JWT_SECRET_KEY": Form.JWT,
        "POSTGRES_PASSWORD": Form.POSTGRES,
        "PGPASSWORD": Form.POSTGRES,
        "DB_PASS": Form.POSTGRES,
        "REDIS_PASSWORD": Form.REDIS,
        "REDISCLI_AUTH": Form.REDIS,
        "SMTP_PASSWORD": Form.PASSWORD,
        "STRIPE_API_KEY": Form.ISSUED,
        "FERNET_KEY": Form.FERNET,
        "SESSION_SECRET": Form.KEY,
    }
    assert {name: rate(name, Secret("x")).form for name in forms} == forms
