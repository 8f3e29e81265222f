"""Secrets rotated on real hosts: the product runs on, the old ones are refused, and faults are put back."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal, cast

import pytest
from desk import Desk
from labhost.host import Host

from lab import Lab
from signoff.actions import base, postgres
from signoff.actions.base import Ending, Outcome, StepRecord
from signoff.actions.rotation import FACTS, RotationPlan, carry_out, plan
from signoff.credentials.redact import Redactor
from signoff.facts.base import Facts
from signoff.facts.collect import collect
from signoff.session.identity import load_or_create
from signoff.session.session import Session
from signoff.target.base import Target
from signoff.target.command import Output
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from unit.session.records import CHECKLISTS, TARGET
from unit.target.rig import Operator

pytestmark = pytest.mark.lab

ENV = "/srv/shop/.env"
ALL = ("SECRET_KEY", "JWT_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
HEALTH = "curl --silent --insecure --resolve shop.test:443:127.0.0.1 https://shop.test/healthz"
WELL = '{"postgresql": "ok", "redis": "ok"}'

Start = Callable[..., Host]


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
                "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' shop-db-1"
            )
            return cls(
                host,
                f"docker exec -i -e PGPASSWORD shop-db-1 psql -h {address} -U",
                "docker exec -i -e REDISCLI_AUTH shop-redis-1 redis-cli",
                "cd /srv/shop && docker compose up -d --force-recreate web 2> /dev/null",
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
            f"for i in $(seq 100); do {HEALTH} | grep -q postgresql && exit; sleep 0.2; done\n"
            f"{HEALTH}; systemctl status --no-pager shop; tail -n 20 /var/log/postgresql/*.log; exit 1"
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
            f"docker exec shop-db-1 psql -U postgres -Atc {shlex.quote(sql)}"
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


@dataclass
class Meddled:
    """A target in whose work somebody meddles, once: around the first script that holds a word."""

    target: Target
    word: bytes
    meddle: Callable[[], object]
    when: Literal["before", "during", "after"]
    spent: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)

    def execute(self, script: str, payload: bytes = b"", **more: Any) -> Output:
        hit = not self.spent and self.word in script.encode() + payload
        self.spent = self.spent or hit
        if hit and self.when == "before":
            self.meddle()
        if hit and self.when == "during":
            Thread(target=self.meddle).start()
        output = self.target.execute(script, payload, **more)
        if hit and self.when == "after":
            self.meddle()
        return output


@dataclass
class Desktop:
    """An operator's session on a product, within this process, so that somebody can meddle."""

    product: Product
    target: Target
    record: StepRecord
    profile: Profile
    said: list[str]

    def planned(self, *names: str) -> RotationPlan:
        facts = {one.fact.id: one.value for one in collect(FACTS, self.target, self.profile, Event())}
        return plan(Facts(facts), self.profile, names)

    def rotate(self, made: RotationPlan, target: object = None, cancel: Event | None = None) -> Outcome:
        over = cast("Target", target or self.target)
        return carry_out(made, over, self.record, self.said.append, cancel or Event())

    def ended(self) -> list[str]:
        lines = (self.record.session.directory / "session.jsonl").read_text().splitlines()
        return [one["outcome"] for one in map(json.loads, lines) if one["type"] == "done"]


@pytest.fixture
def sit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Host], Desktop]]:
    """Return a function that opens a session on a host."""
    opened: list[Desktop] = []

    def sit_(host: Host) -> Desktop:
        (tmp_path / "known_hosts").write_text(host.known_hosts)
        (tmp_path / "config").write_text(
            f"Host *\n  IdentityFile {host.ssh_key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {tmp_path}/known_hosts\n"
        )
        ssh = tmp_path / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {tmp_path}/config "$@"\n')
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.setenv("HOME", str(tmp_path))
        profile = Profile(name="shop", address=host.target(), project="/srv/shop")
        redactor = Redactor()
        session = Session.start(
            signer=load_or_create(path=tmp_path / "identity"),
            target=TARGET,
            checklists=CHECKLISTS,
            guard=redactor.refuse,
            sessions=tmp_path / "sessions",
        )
        record = StepRecord(session, "quick", "secrets", redactor)
        target = open_target(profile, Operator(trusts=False))
        opened.append(Desktop(Product.of(host), target, record, profile, []))
        return opened[-1]

    yield sit_
    for one in opened:
        one.target.close()
        one.record.session.close()


@pytest.fixture(scope="module")
def shaken_host(lab: Lab) -> Iterator[Host]:
    """A good host of this module's own: each test leaves it as it was, or the next one says so."""
    host = lab.up("good")
    yield host
    host.stop()


Sit = Callable[[Host], Desktop]


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until this holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.1)


KILL_CONNECTIONS = "pkill -KILL -f '^sshd: deploy'"


def put_back(desktop: Desktop, before: str, outcome: Outcome) -> None:
    """Everything is as it was, the product runs, and the record says so."""
    assert outcome.ending is Ending.PUT_BACK, (outcome, desktop.said)
    assert outcome.reason
    assert desktop.product.state() == before
    desktop.product.wait_well()
    assert set(desktop.ended()) == {"undone"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_postgresql_stops_midway(
    sit: Sit, shaken_host: Host, monkeypatch: pytest.MonkeyPatch, when: Literal["before", "after"]
) -> None:
    """Before the role is altered, and between that and the login; it comes back some seconds later."""
    monkeypatch.setattr(postgres, "PATIENCE", 1.0)
    desktop = sit(shaken_host)
    before = desktop.product.state()
    stop = (
        "systemctl stop postgresql@15-main; (sleep 6; systemctl start postgresql@15-main) > /dev/null 2>&1 &"
    )
    meddled = Meddled(desktop.target, b"ALTER ROLE", lambda: shaken_host.exec(stop), when)
    outcome = desktop.rotate(desktop.planned(*ALL), meddled)
    put_back(desktop, before, outcome)


def test_a_postgresql_that_stays_away_is_told(
    sit: Sit, shaken_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE", 1.0)
    monkeypatch.setattr(base, "PATIENCE", 3.0)
    desktop = sit(shaken_host)
    before = desktop.product.state()
    old = desktop.product.env()["POSTGRES_PASSWORD"]
    meddled = Meddled(
        desktop.target, b"ALTER ROLE", lambda: shaken_host.exec("systemctl stop postgresql@15-main"), "after"
    )
    outcome = desktop.rotate(desktop.planned("POSTGRES_PASSWORD"), meddled)
    shaken_host.exec("systemctl start postgresql@15-main")
    assert outcome.ending is Ending.STUCK
    assert outcome.left[0].startswith("role shop of PostgreSQL: ")
    assert desktop.ended() == ["unknown"]
    assert not desktop.product.takes("shop", old)
    # What is said to be left can be put right as said.
    desktop = sit(shaken_host)
    outcome = desktop.rotate(desktop.planned("POSTGRES_PASSWORD"))
    assert outcome.ending is Ending.DONE, outcome
    assert "another password than the file's" in "\n".join(desktop.said)
    assert before != desktop.product.state()
    desktop.product.wait_well()


def test_a_wrong_superuser_changes_nothing(sit: Sit, shaken_host: Host) -> None:
    desktop = sit(shaken_host)
    before = desktop.product.state()
    made = desktop.planned(*ALL)
    (role,) = made.roles
    wrong = replace(made, roles=(replace(role, server=replace(role.server, superuser="shop")),))
    outcome = desktop.rotate(wrong)
    assert outcome.ending is Ending.REFUSED
    assert "as its superuser shop" in outcome.reason
    assert desktop.product.state() == before
    assert desktop.ended() == []


@pytest.mark.parametrize(
    "word", [b"ALTER ROLE", b"CONFIG SET requirepass", b"STRIPE_API_KEY=", b"systemctl restart"]
)
@pytest.mark.parametrize("when", ["during", "after"])
def test_the_connection_is_killed(
    sit: Sit, shaken_host: Host, word: bytes, when: Literal["during", "after"]
) -> None:
    """While the role is altered, Redis told, the file written, the service restarted; and just after each."""
    desktop = sit(shaken_host)
    before = desktop.product.state()

    def kill() -> None:
        time.sleep(0.15 if when == "during" else 0)
        shaken_host.exec(KILL_CONNECTIONS, check=False)

    meddled = Meddled(desktop.target, word, kill, when)
    outcome = desktop.rotate(desktop.planned(*ALL), meddled)
    assert meddled.spent
    if outcome.ending is Ending.DONE:
        # It was killed between two scripts, or after the last word: the next one went over a new connection.
        desktop.product.wait_well()
        assert desktop.product.state() != before
        return
    put_back(desktop, before, outcome)


def test_what_goes_on_after_the_connection_was_lost_is_waited_for(
    sit: Sit, shaken_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role cannot be altered before a lock is released, and by then nobody is there any more."""
    monkeypatch.setattr(postgres, "FOR_A_LOCK", 25)
    desktop = sit(shaken_host)
    before = desktop.product.state()
    lock = "BEGIN; LOCK pg_authid IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(60)"

    def psql(statement: str) -> str:
        return shaken_host.exec("cd /; runuser -u postgres -- psql -XAtq", stdin=statement)

    waits = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ALTER ROLE%'"
    )
    sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"

    def meddle() -> None:
        until(lambda: psql(waits) == "1")
        shaken_host.exec(KILL_CONNECTIONS, check=False)
        time.sleep(2)
        psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")

    waiting = Thread(target=lambda: shaken_host.run(f"cd /; runuser -u postgres -- psql -Xqc '{lock}'"))
    waiting.start()
    until(lambda: psql(sleeps) == "1")
    meddled = Meddled(desktop.target, b"ALTER ROLE", meddle, "during")
    outcome = desktop.rotate(desktop.planned("POSTGRES_PASSWORD", "SECRET_KEY"), meddled)
    waiting.join()
    assert "connection was lost" in outcome.reason
    assert "has its old password again" in "\n".join(desktop.said)
    put_back(desktop, before, outcome)


def test_a_request_to_stop_puts_everything_back(sit: Sit, shaken_host: Host) -> None:
    desktop = sit(shaken_host)
    before = desktop.product.state()
    cancel = Event()
    meddled = Meddled(desktop.target, b"systemctl restart", cancel.set, "before")
    outcome = desktop.rotate(desktop.planned(*ALL), meddled, cancel)
    put_back(desktop, before, outcome)


def test_a_file_that_changed_meanwhile_is_left_alone(sit: Sit, shaken_host: Host) -> None:
    desktop = sit(shaken_host)
    made = desktop.planned(*ALL)
    shaken_host.exec(f"sed -i 's/^SECRET_KEY=.*/SECRET_KEY={'k' * 50}/' {ENV}")
    before = desktop.product.state()
    outcome = desktop.rotate(made)
    assert outcome.ending is Ending.REFUSED
    assert "changed meanwhile" in outcome.reason
    assert desktop.product.state() == before


def test_a_login_that_proves_nothing_is_refused(sit: Sit, fresh_host: Start) -> None:
    """With `trust` on loopback any password is taken there."""
    host = fresh_host()
    host.exec(
        "sed -i '/127.0.0.1/s/scram-sha-256/trust/' /etc/postgresql/15/main/pg_hba.conf"
        " && systemctl reload postgresql@15-main"
    )
    desktop = sit(host)
    before = desktop.product.state()
    outcome = desktop.rotate(desktop.planned("POSTGRES_PASSWORD"))
    assert outcome.ending is Ending.REFUSED
    assert "any password" in outcome.reason
    assert desktop.product.state() == before


def test_containers_that_do_not_become_healthy(sit: Sit, fresh_host: Start) -> None:
    """The web service starts with the old key only; the containers of the stores were made anew already."""
    host = fresh_host("good-docker")
    desktop = sit(host)
    key = desktop.product.env()["SECRET_KEY"]
    picky = f'case "$$SECRET_KEY" in {key[:12]}*) exec python3 app.py ;; esac; exit 1'
    host.put(
        "/srv/shop/compose.override.yaml",
        f'services:\n  web:\n    command: ["sh", "-c", {json.dumps(picky)}]\n',
    )
    host.exec("cd /srv/shop && docker compose up -d 2> /dev/null")
    desktop.product.wait_well()
    before = desktop.product.state()
    old = desktop.product.env()["REDIS_PASSWORD"]
    made = desktop.planned(*ALL, "POSTGRES_ADMIN_PASSWORD")
    command = (
        "cd /srv/shop && docker compose -p shop -f compose.yaml -f compose.override.yaml"
        " up -d --no-deps --force-recreate "
    )
    assert any(line.startswith(command) for line in made.preview), made.preview
    outcome = desktop.rotate(made)
    put_back(desktop, before, outcome)
    assert Product.of(host).opens(old)


def test_the_connection_is_killed_while_containers_are_made(sit: Sit, fresh_host: Start) -> None:
    host = fresh_host("good-docker")
    desktop = sit(host)
    before = desktop.product.state()
    old = desktop.product.env()["REDIS_PASSWORD"]

    def kill() -> None:
        time.sleep(2)
        host.exec(KILL_CONNECTIONS, check=False)

    meddled = Meddled(desktop.target, b"--force-recreate", kill, "during")
    outcome = desktop.rotate(desktop.planned(*ALL), meddled)
    put_back(desktop, before, outcome)
    assert Product.of(host).opens(old)
