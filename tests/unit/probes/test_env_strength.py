"""env.strength, env.reuse, env.test-keys, env.debug: the four cases, and what must not fail falsely."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signoff.credentials.generate import generate
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts, Unavailable
from signoff.facts.compose import parse_compose
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.git import GIT
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.probes.base import Probe
from signoff.probes.env_strength import debug, reuse, strength, test_keys
from unit.env_hosts import facts, judge, results, with_content

ENV = "/srv/shop/.env"
ALL = pytest.mark.parametrize("probe", [strength, reuse, test_keys, debug], ids=lambda probe: probe.id)


def good(content: str) -> Facts:
    return with_content(facts("good-root"), content.encode())


@ALL
def test_a_good_host_passes(probe: Probe) -> None:
    assert set(results(probe, facts("good-root")).values()) == {"pass"}


@ALL
def test_a_bad_host_fails(probe: Probe) -> None:
    assert "fail" in results(probe, facts("bad-root")).values()


@ALL
def test_what_may_not_be_read_is_unknown(probe: Probe) -> None:
    assert results(probe, facts("good-viewer")) == {"": "unknown"}


@ALL
def test_no_file_is_unknown(probe: Probe) -> None:
    assert results(probe, facts("missing", units="nosystemd")) == {"": "unknown"}
    assert results(probe, facts("good-root", environment=Unavailable(say("closed")))) == {"": "unknown"}


def test_each_weak_secret_is_named_with_its_reason_and_remedy() -> None:
    found = judge(strength, facts("bad-root"))
    assert found[f"{ENV}: SECRET_KEY"].observed == "SECRET_KEY is a default or placeholder"
    assert "signoff generate key" in found[f"{ENV}: SECRET_KEY"].remedy
    assert "signoff generate jwt" in found[f"{ENV}: JWT_SECRET_KEY"].remedy
    assert "The role gets it first" in found[f"{ENV}: POSTGRES_PASSWORD"].remedy
    assert "changeme" not in repr(found)


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("SECRET_KEY=short-kV7x9mQz", "fail"),
        ("SECRET_KEY=", "fail"),
        ("POSTGRES_PASSWORD=Zq7-vT2mK9xWc4b", "fail"),
        ("POSTGRES_PASSWORD=4b1d7e90c2f83a56d4e19b70f2c85a3e7d60194bc8e2f5a1036d9c7e4b81f250", "pass"),
        ("DATABASE_URL=postgresql://shop:p%40ssw0rd@db/shop", "fail"),
        ("DATABASE_URL=postgresql://shop:shop@db/shop", "fail"),
        ("DATABASE_URL=postgresql://shop:${DB_PASSWORD:-shop}@db/shop", "fail"),
        # What it refers to is judged where it stands.
        ("DB_PASSWORD=Zq7-vT2mK9xWc4bN\nDATABASE_URL=postgresql://shop:${DB_PASSWORD}@db/shop", "pass"),
        ("SENTRY_AUTH_TOKEN=", "unknown"),
        ("SMTP_PASSWORD=", "unknown"),
        ("SUPPORT_EMAIL=a@b.example", "unknown"),  # nothing that looks like a secret
    ],
)
def test_strength(line: str, result: str) -> None:
    assert set(results(strength, good(line + "\n")).values()) == {result}


def test_the_names_of_the_project_and_its_users_make_no_password() -> None:
    content = "POSTGRES_USER=zebrafarm\nPOSTGRES_PASSWORD=Zebrafarm-Zebrafarm-7\n"
    assert results(strength, good(content)) == {f"{ENV}: POSTGRES_PASSWORD": "fail"}


def test_one_key_for_two_purposes_fails() -> None:
    value = generate("key").value.reveal()
    found = judge(reuse, good(f"SECRET_KEY={value}\nJWT_SECRET_KEY={value}\n"))
    assert found["SECRET_KEY, JWT_SECRET_KEY"].result == "fail"
    assert value not in repr(found)


def test_a_url_that_repeats_the_databases_password_is_no_reuse() -> None:
    value = generate("postgres").value.reveal()
    content = f"POSTGRES_PASSWORD={value}\nDATABASE_URL=postgresql://shop:{value}@db/shop\n"
    assert results(reuse, good(content)) == {"": "pass"}


def test_test_keys_are_named() -> None:
    finding = judge(test_keys, facts("bad-root"))[""]
    assert finding.observed.startswith("STRIPE_API_KEY:")
    assert "sk_test" not in finding.observed


def test_a_live_key_that_holds_the_word_test_passes() -> None:
    assert results(test_keys, good("STRIPE_API_KEY=sk_live_51Htest_4eC39HqLyjWDarjtT1zdp7dc\n")) == {
        "": "pass"
    }


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("DEBUG=1", "fail"),
        ("DEBUG=True", "fail"),
        ("DJANGO_DEBUG=on", "fail"),
        ("NODE_ENV=development", "fail"),
        ("SHOP_DEBUG=true", "fail"),
        ("DEBUG=2", "fail"),
        ("ASPNETCORE_ENVIRONMENT=Development", "fail"),
        ("MIX_ENV=dev", "fail"),
        ("SPRING_PROFILES_ACTIVE=dev,metrics", "fail"),
        ("DEBUG=00", "pass"),
        ("SHOP_DEBUG=off", "pass"),
        ("SENTRY_ENVIRONMENT=production", "pass"),
        ("ALLOWED_HOSTS=*", "fail"),
        ("DJANGO_ALLOWED_HOSTS=shop.example,*", "fail"),
        ("DEBUG=0", "pass"),
        ("DEBUG=", "pass"),
        ("DEBUG=false", "pass"),
        ("NODE_ENV=production", "pass"),
        ("ALLOWED_HOSTS=*.shop.example", "pass"),
        ("DEBUG_LEVEL=1", "pass"),
    ],
)
def test_debugging(line: str, result: str) -> None:
    assert results(debug, good(line + "\n")) == {"": result}


def composed(text: str, content: str = "", name: str = "docker-compose.yml") -> Facts:
    known = good(content or f"SECRET_KEY={generate('key').value.reveal()}\n")
    environment = replace(known[ENVIRONMENT], compose=(parse_compose(f"/srv/shop/{name}", Secret(text)),))
    return Facts({**known.values, ENVIRONMENT.id: environment})


SWITCHED = "services:\n  web:\n    environment:\n      DEBUG: {}\n      STRIPE_KEY: {}\n"


def test_a_compose_file_or_a_unit_turns_debugging_on_whatever_the_file_says() -> None:
    both = composed(SWITCHED.format("'1'", "sk_test_4eC39HqLyjWDarjtT1zdp7dc"), "DEBUG=0\n")
    assert judge(debug, both)[""].observed == "DEBUG is on in /srv/shop/docker-compose.yml"
    assert results(test_keys, both) == {"": "fail"}
    known = facts("good-root")
    (unit,) = known[UNITS].units
    units = replace(known[UNITS], units=(replace(unit, environment={"DEBUG": Secret("yes")}),))
    in_unit = Facts({**known.values, UNITS.id: units})
    assert judge(debug, in_unit)[""].observed == "DEBUG is on in shop.service"


def test_a_default_that_the_file_overrides_and_a_compose_file_for_developers_are_none() -> None:
    text = SWITCHED.format("${DEBUG:-1}", "${STRIPE_KEY}")
    assert results(debug, composed(text, "DEBUG=0\n")) == {"": "pass"}
    assert results(debug, composed(text)) == {"": "fail"}
    for name in ("docker-compose.dev.yml", "docker-compose.example.yml"):
        assert results(debug, composed(SWITCHED.format("'1'", "x"), name=name)) == {"": "pass"}


def test_a_strong_value_that_stands_in_the_example_is_known_to_everybody() -> None:
    value = generate("key").value.reveal()
    known = with_content(good(f"SECRET_KEY={value}\n"), f"SECRET_KEY={value}\n".encode(), f"{ENV}.example")
    found = judge(strength, Facts({**known.values, GIT.id: Unavailable(say("no git"))}))
    assert found[f"{ENV}: SECRET_KEY"].result == "fail"
    assert ".env.example" in found[f"{ENV}: SECRET_KEY"].observed


def test_nothing_of_the_files_is_quoted() -> None:
    known = facts("bad-root")
    values = [
        variable.value.reveal()
        for file in known[ENVIRONMENT].live
        if file.content
        for variable in file.content.variables.values()
        if len(variable.value) > 8
    ]
    text = repr([judge(probe, known) for probe in (strength, reuse, test_keys, debug)])
    assert values
    assert not [value for value in values if value in text]
