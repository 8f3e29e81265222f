"""What is generated reads back identically, ten thousand times of each kind, through the real programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from labhost.host import Host

from signoff.credentials.generate import KINDS
from unit.generated import by_bash, by_dotenv, by_url, by_yaml, env_file, environ, values

pytestmark = pytest.mark.lab

TIMES = 10_000
FILE = "/run/many.env"
IMAGE = "python:3.11-slim-bookworm"


def by_systemd(host: Host) -> dict[str, str]:
    """What a service gets from EnvironmentFile=."""
    unit = f"systemd-run --quiet --wait --pipe --property=EnvironmentFile={FILE}"
    return environ(host.exec(f"{unit} cat /proc/self/environ").encode())


def by_docker(host: Host) -> dict[str, str]:
    """What a process gets in a container."""
    run = f"docker run --rm --network=none --env-file={FILE} {IMAGE}"
    return environ(host.exec(f"{run} cat /proc/self/environ").encode())


def by_compose(
    host: Host, compose: str, variables: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What compose reads as a service's env_file, and as the file for ${...} in the compose file."""
    services: dict[str, Any] = {
        "filed": {"image": IMAGE, "env_file": FILE},
        "put-in": {"image": IMAGE, "environment": {name: f"${{{name}}}" for name in variables}},
    }
    document = yaml.dump({"version": "3.7", "services": services})
    said = host.exec(f"{compose} -p many --env-file {FILE} -f - config 2> /dev/null", stdin=document)
    read = yaml.load(said, yaml.CSafeLoader)["services"]
    return read["filed"]["environment"], read["put-in"]["environment"]


class TestReaders:
    """One host for all kinds."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_reader_reads_what_was_generated(self, class_host: Host, kind: str) -> None:
        many = values(kind, TIMES)
        assert len(set(many.values())) == TIMES
        raw = env_file(many)
        class_host.put(FILE, raw, 0o600)
        assert many.items() <= by_systemd(class_host).items()
        assert many.items() <= by_docker(class_host).items()
        assert by_compose(class_host, "docker-compose", many) == (many, many)
        assert by_dotenv(raw) == many
        assert many.items() <= by_bash(raw).items()
        assert by_yaml(many) == many
        assert by_url(many) == many


@pytest.mark.parametrize("kind", KINDS)
def test_compose_2_reads_it_too(kept_host: Callable[[str], Host], kind: str) -> None:
    host = kept_host("good-docker")
    many = values(kind, TIMES)
    host.put(FILE, env_file(many), 0o600)
    assert by_compose(host, "docker compose", many) == (many, many)
