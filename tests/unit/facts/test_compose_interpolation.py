"""Which variables compose fills in: whatever they reach has to be made anew when they change."""

from __future__ import annotations

from signoff.credentials.secret import Secret
from signoff.facts.compose import parse_compose

TEXT = """
x-common: &common
  environment: {SHARED: "${SHARED_SECRET}"}
services:
  web: {env_file: .env, environment: {LISTEN: 0.0.0.0}}
  db: {environment: {POSTGRES_PASSWORD: "${POSTGRES_ADMIN_PASSWORD:?missing}", POSTGRES_DB: "$POSTGRES_DB"}}
  redis:
    command: ["redis-server", "--requirepass", "${REDIS_PASSWORD:-${OLD_PASSWORD}}"]
    healthcheck: {test: "REDISCLI_AUTH=$$NOT_THIS redis-cli ping"}
  worker: {<<: *common, image: "shop:${TAG-latest}"}
  mail: {environment: [SMTP_PASSWORD, "HOST=mail"]}
  relay: {environment: {SMTP_PASSWORD: , HOST: mail}}
"""


def test_what_is_filled_in_is_found_wherever_it_stands() -> None:
    services = {one.name: one.interpolates for one in parse_compose("c.yml", Secret(TEXT)).services}
    assert services == {
        "web": frozenset(),
        "db": {"POSTGRES_ADMIN_PASSWORD", "POSTGRES_DB"},
        "redis": {"REDIS_PASSWORD", "OLD_PASSWORD"},
        "worker": {"SHARED_SECRET", "TAG"},
        "mail": {"SMTP_PASSWORD"},
        "relay": {"SMTP_PASSWORD"},
    }
