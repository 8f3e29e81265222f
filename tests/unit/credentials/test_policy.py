"""Which policy fits a variable: by its name and by the shape of its present value."""

from __future__ import annotations

import pytest

from signoff.credentials.policy import make, policy_for
from signoff.credentials.rating import Verdict, rate
from signoff.credentials.secret import Secret
from signoff.errors import UsageError

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("name", "value", "policy", "kind", "length"),
    [
        ("DJANGO_SECRET_KEY", "changeme", "django", "django", None),
        ("SECRET_KEY", "changeme", "key", "key", None),
        ("SECRET_KEY", HEX, "key", "hex", 64),
        ("SECRET_KEY", HEX[:32], "key", "hex", 64),
        ("SESSION_SECRET", "keyboard cat", "key", "key", None),
        ("JWT_SECRET_KEY", "changeme", "jwt", "jwt", None),
        ("JWT_SECRET", "x" * 64, "jwt", "jwt", 86),
        ("JWT_SECRET", HEX * 2, "jwt", "hex", 128),
        ("FERNET_KEY", "changeme", "fernet", "fernet", None),
        ("SECRET_KEY", "jhv_zhZubr5NuFhjHUyAXS_3YzJne-bDRKgMuMB7k2A=", "fernet", "fernet", None),
        ("ENCRYPTION_KEY", "jhv_zhZubr5NuFhjHUyAXS_3YzJne-bDRKgMuMB7k2A=", "fernet", "fernet", None),
        ("FIELD_ENCRYPTION_KEY", HEX[:32], "encryption", "hex", 32),
        ("AES_KEY", HEX, "encryption", "hex", 64),
        ("ENCRYPTION_KEY", "sixteen byte key", "foreign", "", None),
        ("APP_KEY", "base64:p2fsVvv8Yq0T0gQF2h1c8bq8S8fH2mXx9JmJq3sWb9E=", "foreign", "", None),
        ("RAILS_MASTER_KEY", "not hex", "foreign", "", None),
        ("PASSWORD_SALT", "salt", "pepper", "key", None),
        ("PEPPER", HEX, "pepper", "hex", 64),
        ("POSTGRES_PASSWORD", "postgres", "postgres", "postgres", None),
        ("DB_PASSWORD", HEX, "postgres", "postgres", None),
        ("PGPASSWORD", "x", "postgres", "postgres", None),
        ("DATABASE_URL", "postgresql://shop:pw@db:5432/shop", "postgres", "postgres", None),
        ("SQLALCHEMY_URL", "postgresql+asyncpg://shop:pw@db/shop", "postgres", "postgres", None),
        ("DATABASE_URL", "mysql://root:pw@db/shop", "account", "", None),
        ("MYSQL_PASSWORD", "pw", "account", "", None),
        ("MYSQL_DB_PASSWORD", "pw", "account", "", None),
        ("REDIS_PASSWORD", "pw", "redis", "redis", None),
        ("CELERY_BROKER_URL", "redis://:pw@redis:6379/1", "redis", "redis", None),
        ("CELERY_BROKER_URL", "amqp://shop:pw@rabbit//", "account", "", None),
        ("SMTP_PASSWORD", "pw", "smtp", "", None),
        ("EMAIL_HOST_PASSWORD", "pw", "smtp", "", None),
        ("EMAIL_URL", "smtp+tls://shop:pw@mail.example:587", "smtp", "", None),
        ("STRIPE_API_KEY", "sk_live_51H8abcdefghijkl", "issued", "", None),
        ("SECRET_KEY", "sk_live_51H8abcdefghijkl", "issued", "", None),
        ("VAULT_TOKEN", "hvs.CAESIJ", "issued", "", None),
        (
            "JWT_PRIVATE_KEY",
            "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----",
            "issued",
            "",
            None,
        ),
        ("ADMIN_PASSWORD", "pw", "account", "", None),
    ],
)
def test_the_policy_of_a_variable(name: str, value: str, policy: str, kind: str, length: int | None) -> None:
    found = policy_for(name, Secret(value))
    assert (found.id, found.kind, found.length) == (policy, kind, length)
    assert found.entails


@pytest.mark.parametrize(
    "name",
    ["DJANGO_SECRET_KEY", "SECRET_KEY", "JWT_SECRET", "FERNET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"],
)
@pytest.mark.parametrize("old", ["changeme", HEX, HEX[:32], "z" * 70])
def test_a_made_value_is_strong_under_its_own_name(name: str, old: str) -> None:
    made = make(policy_for(name, Secret(old))).value
    assert rate(name, made).verdict is Verdict.STRONG
    assert made != Secret(old)


def test_data_is_only_ever_lost_by_a_policy_that_says_so() -> None:
    losing = {"FERNET_KEY": "x", "ENCRYPTION_KEY": HEX, "PEPPER": "x", "APP_KEY": "base64:AAAA"}
    assert all(policy_for(name, Secret(value)).orphans for name, value in losing.items())
    keeping = {"SECRET_KEY": "x", "JWT_SECRET": HEX, "POSTGRES_PASSWORD": "x", "STRIPE_API_KEY": "x"}
    assert not any(policy_for(name, Secret(value)).orphans for name, value in keeping.items())


def test_what_a_provider_issues_is_not_made_up() -> None:
    with pytest.raises(UsageError) as refused:
        make(policy_for("STRIPE_API_KEY", Secret("sk_live_51H8abcdefghijkl")))
    assert "provider" in refused.value.hint
