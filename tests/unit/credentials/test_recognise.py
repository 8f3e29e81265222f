"""Which variables hold secrets, by name and by the shape of the value."""

from __future__ import annotations

import pytest

from signoff.credentials.recognise import secret_like, url_password
from signoff.credentials.secret import Secret

RANDOM = "kV7x9mQzXw2Lp0RtYb8Nc4Hd6Js1Kg5F"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", RANDOM),
        ("jwtSecret", RANDOM),
        ("POSTGRES_PASSWORD", "123456"),
        ("PGPASSWORD", "true"),
        ("DB_PASS", "postgres"),
        ("REDISCLI_AUTH", "foobared"),
        ("STRIPE_API_KEY", "x"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("APP_SALT", "abc"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "3b241101-e2bb-4255-8caf-4136c566a962"),
        ("HEROKU_API_KEY", "3b241101-e2bb-4255-8caf-4136c566a962"),
        ("DATABASE_URL", "postgresql://u:p@h/d"),
        ("BROKER", "redis://:p@h:6379/0"),
        ("CALLBACK", "https://hooks.slack.com/services/T0/B0/xyz"),
        ("PG", "host=db user=shop password=abc"),
        ("DATABASE_URL", "postgresql://shop:${POSTGRES_PASSWORD:-hunter2}@db:5432/shop"),
        ("FEED", "https://example.com/feed?token=abc"),
        ("MODE", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        ("NEXT_PUBLIC_STRIPE", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        ("BOT", "123456789:AAF-kV7x9mQzXw2Lp0RtYb8Nc4Hd6Js1Kg5"),
        ("SIGNING", RANDOM),
        ("GITHUB", "ghp_kV7x9mQzXw2Lp0RtYb8Nc4Hd6Js1Kg5F"),
        ("SERVICE", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"),
        ("ADMIN_EMAIL_PASSWORD", "me@example.com"),
    ],
)
def test_these_are_secrets(name: str, value: str) -> None:
    assert secret_like(name, Secret(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("PWD", "/tmp/fresh"),
        ("DATABASE_URL", "postgresql://shop:${POSTGRES_PASSWORD}@db:5432/shop"),
        ("DATABASE_URL", "postgresql://shop:$POSTGRES_PASSWORD@db:5432/shop"),
        ("DATABASE_URL", "postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD:?set it}@db:5432/shop"),
        ("OLDPWD", "/srv/shop-2"),
        ("LANG", "C.UTF-8"),
        ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
        ("PYTHON_SHA256", "8fb5f9fbc7609fa822cb31549884575db7fd9657cbffb89510b5d7975963a83a"),
        ("GIT_COMMIT", "8fb5f9fbc7609fa822cb31549884575db7fd9657"),
        ("POSTGRES_USER", "postgres"),
        ("POSTGRES_DB", "shop"),
        ("DEBUG", "1"),
        ("REQUIRE_AUTH", "true"),
        ("USE_TOKEN", "yes"),
        ("SUPPORT_EMAIL", "support@shop.test"),
        ("TOKEN_EMAIL", "support@shop.test"),
        ("REDIS_URL", "redis://redis:6379/0"),
        ("AUTH_URL", "https://login.example/oauth"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"),
        ("JWT_ALGORITHM", "HS256"),
        ("SECRET_KEY_FILE", "/run/secrets/key"),
        ("API_KEY", "/run/secrets/api_key"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("RECAPTCHA_SITE_KEY", "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_TYooMQauvdEDq54NiTphI7jx"),
        ("STRIPE_KEY", "pk_live_TYooMQauvdEDq54NiTphI7jx"),
        ("SSH_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me@host"),
        ("VAPID_PUBLIC_KEY", RANDOM),
        ("ADMIN_PASSWORD_HASH", "$2b$12$abcdefghijklmnopqrstuv"),
        ("TOKEN", "$2b$12$abcdefghijklmnopqrstuv"),
        ("SENTRY_DSN", "https://0123456789abcdef@o1.ingest.sentry.io/1"),
        ("SSH_AUTH_SOCK", "/run/user/1000/agent"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("KEYBOARD", "us"),
        ("BUILD_ID", "123e4567-e89b-12d3-a456-426614174000"),
        ("AUTH_BACKEND", "ldap"),
        ("HOSTNAME", "8f3c9d1e2b7a"),
    ],
)
def test_these_are_none(name: str, value: str) -> None:
    assert not secret_like(name, Secret(value))


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("postgresql://u:p%40ss%2Fw@h:5432/d", "p@ss/w"),
        ("redis://:abc@h", "abc"),
        ("host=h password='a b' user=u", "a b"),
        ("https://h/p?x=1&api_key=abc", "abc"),
        ("redis://h:6379", None),
        ("postgresql://u@h/d", None),
        ("http://[bad", None),
        ("no url", None),
        ("", None),
    ],
)
def test_the_password_in_a_url(text: str, password: str | None) -> None:
    found = url_password(Secret(text))
    assert (found.reveal() if found else None) == password
