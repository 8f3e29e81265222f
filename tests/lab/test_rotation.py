"""Secrets rotated on real hosts: the product runs on, the old ones are refused, and faults are put back."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from labhost.host import Host

from lab import Lab

pytestmark = pytest.mark.lab

ENV = "/srv/shop/.env"
ALL = ("SECRET_KEY", "JWT_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
HEALTH = "curl --silent --insecure --resolve shop.test:443:127.0.0.1 https://shop.test/healthz"
WELL = '{"postgresql": "ok", "redis": "ok"}'

Start = Callable[..., Host]


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Iterator[Desk]:
    sitting = Desk(tmp_path, lab.ca_certificate)
    yield sitting
    sitting.close()


@dataclass
class Product:
    """The shop as one variant runs it: how its stores are asked, and how it is restarted."""

    host: Host
    database: str
    cache: str
    restart: str

    @classmethod
    def of(cls, host: Host) -> Product:
        if host.variant == "good-docker":
            address = host.exec(
                "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' shop_db_1"
            )
            return cls(
                host,
                f"docker exec -i -e PGPASSWORD shop_db_1 psql -h {address} -U",
                "docker exec -i -e REDISCLI_AUTH shop_redis_1 redis-cli",
                "cd /srv/shop && docker-compose up -d --force-recreate web 2> /dev/null",
            )
        return cls(host, "psql -h 127.0.0.1 -U", "redis-cli", "systemctl restart shop")

    def env(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.host.exec(f"cat {ENV}").splitlines())

    def takes(self, role: str, password: str) -> bool:
        """Whether PostgreSQL lets a role in."""
        ask = f"PGPASSWORD={shlex.quote(password)} {self.database} {role} -d shop -w -Atc 'SELECT 1'"
        return self.host.run(f"export PGPASSWORD; {ask}").stdout == "1\n"

    def opens(self, password: str) -> bool:
        """Whether Redis takes a password."""
        return self.host.run(f"REDISCLI_AUTH={shlex.quote(password)} {self.cache} PING").stdout == "PONG\n"

    def wait_well(self) -> None:
        self.host.exec(
            f"for i in $(seq 100); do {HEALTH} | grep -q postgresql && exit; sleep 0.2; done; exit 1"
        )

    def plant(self, **values: str) -> None:
        """Put values into the file, and run with them."""
        for name, value in values.items():
            self.host.exec(f"sed -i 's/^{name}=.*/{name}={value}/' {ENV}")
        self.host.exec(self.restart)
        self.wait_well()

    def state(self) -> str:
        """All that a rotation may touch, as it is now."""
        sql = "SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY 1"
        as_admin = (
            f"docker exec shop_db_1 psql -U postgres -Atc {shlex.quote(sql)}"
            if self.host.variant == "good-docker"
            else f"runuser -u postgres -- psql -Atc {shlex.quote(sql)}; sha256sum /etc/redis/redis.conf;"
            " stat -c '%a %U %G' /etc/redis/redis.conf"
        )
        return self.host.exec(f"sha256sum {ENV}; stat -c '%a %U %G %y' {ENV}; cd /; {as_admin}")


def events(desk: Desk) -> list[dict[str, Any]]:
    (folder,) = (desk.home / "state" / "signoff" / "sessions").iterdir()
    return [json.loads(line) for line in (folder / "session.jsonl").read_text().splitlines()]


def secrets_are_nowhere(desk: Desk, values: list[str], *outputs: str) -> None:
    """No value of the file stands in anything that was written or printed on the desk."""
    written = [path.read_bytes() for path in (desk.home / "state").rglob("*") if path.is_file()]
    for value in values:
        for text in (*written, *(output.encode() for output in outputs)):
            assert value.encode() not in text


@pytest.mark.parametrize("variant", ["good", "good-docker"])
def test_rotation_of_everything(desk: Desk, fresh_host: Start, variant: str) -> None:
    """From a failing step to a passing one, in one session."""
    product = Product.of(fresh_host(variant))
    product.plant(SECRET_KEY="changeme", JWT_SECRET_KEY="changeme")
    before = product.env()
    names = (*ALL, "POSTGRES_ADMIN_PASSWORD") if variant == "good-docker" else ALL
    desk.know(product.host)
    done = desk.signoff("env", "rotate", ".env", *names, "--target", "shop", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr

    after = product.env()
    product = Product.of(product.host)
    assert {name for name in before if before[name] != after[name]} == set(names)
    assert list(after) == list(before)
    assert product.host.exec(HEALTH) == WELL
    assert product.takes("shop", after["POSTGRES_PASSWORD"])
    assert not product.takes("shop", before["POSTGRES_PASSWORD"])
    assert product.opens(after["REDIS_PASSWORD"])
    assert not product.opens(before["REDIS_PASSWORD"])
    if variant == "good-docker":
        assert product.takes("postgres", after["POSTGRES_ADMIN_PASSWORD"])
        assert not product.takes("postgres", before["POSTGRES_ADMIN_PASSWORD"])

    record = events(desk)
    strength = [
        one["findings"] for one in record if one["type"] == "findings" and one["probe"] == "env.strength"
    ]
    assert [{finding["result"] for finding in found} for found in (strength[0], strength[-1])] == [
        {"fail", "pass"},
        {"pass"},
    ]
    intended = {one["seq"]: one for one in record if one["type"] == "intended"}
    ended = {one["intent"]: one["outcome"] for one in record if one["type"] == "done"}
    assert ended == dict.fromkeys(intended, "done")
    assert {one["action"] for one in intended.values()} == {
        "postgres.password",
        "redis.password",
        "env.edit",
        "services.restart",
    }
    secrets = [value for name, value in [*before.items(), *after.items()] if name in names and len(value) > 8]
    secrets_are_nowhere(desk, secrets, done.stdout, done.stderr)
    assert desk.signoff("verify", "latest").returncode == 0


def test_passwords_within_urls_change_along(desk: Desk, fresh_host: Start) -> None:
    product = Product.of(fresh_host())
    old = product.env()["POSTGRES_PASSWORD"]
    product.host.exec(
        f"printf 'DATABASE_URL=postgresql://shop:%s@127.0.0.1:5432/shop?connect_timeout=3\\n' {old} >> {ENV}"
    )
    desk.know(product.host)
    done = desk.signoff("env", "rotate", "POSTGRES_PASSWORD", "--target", "shop", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    new = product.env()["POSTGRES_PASSWORD"]
    assert product.env()["DATABASE_URL"] == f"postgresql://shop:{new}@127.0.0.1:5432/shop?connect_timeout=3"
    assert product.host.exec(HEALTH) == WELL


def test_a_failing_restart_puts_everything_back(desk: Desk, fresh_host: Start) -> None:
    """The unit starts with the old key only, as a program that decodes its key would."""
    product = Product.of(fresh_host())
    key = product.env()["SECRET_KEY"]
    product.host.put(
        "/etc/systemd/system/shop.service.d/picky.conf",
        f"[Service]\nExecStartPre=/bin/grep -q '^SECRET_KEY={key[:12]}' {ENV}\n",
    )
    product.host.exec("systemctl daemon-reload && systemctl restart shop")
    product.wait_well()
    before = product.state()
    desk.know(product.host)
    done = desk.signoff("env", "rotate", *ALL, "--target", "shop", "--yes")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Everything was put back." in done.stderr
    assert "shop.service" in done.stderr
    assert product.state() == before
    assert product.host.exec(HEALTH) == WELL
    record = events(desk)
    assert {one["outcome"] for one in record if one["type"] == "done"} == {"undone"}
    assert len([one for one in record if one["type"] == "done"]) == len(
        [one for one in record if one["type"] == "intended"]
    )
    assert desk.signoff("verify", "latest").returncode == 0
