"""A target that answers from memory, and probes that say what they are told; the walk is the real one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import msgspec

from signoff.facts.base import Facts, HostFact
from signoff.message import NOTHING, listed
from signoff.model import Fix, Result, Vantage
from signoff.probes.base import Judgement, Probe, Remedy
from signoff.target.base import Target
from signoff.target.command import Command, Output, Problem
from signoff.target.profile import Profile

MACHINE = b"shop\n4c2fa7e05e4b4e8b8a3f6d1f7f6f1d2a\nDebian GNU/Linux 12 (bookworm)\n"
HOST_KEY = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"


@dataclass
class FakeTarget:
    """Implements ``signoff.target.base.Target``. ``hold`` keeps the probes waiting until it is set.

    Nothing is changed, unless there are ``hands`` to do it: this machine, for files of the test's own.
    """

    outputs: dict[str, bytes] = field(default_factory=dict)
    hold: Event | None = None
    lost: bool = False
    address: str = "deploy@shop.example:22"
    host_key: str = HOST_KEY
    outside_addresses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    closed: bool = False
    hands: Target | None = None

    def collect(self, commands: Sequence[Command], cancel: Event) -> Iterator[Output]:
        for command in commands:
            held = self.hold is not None and command.id in self.outputs
            while held and self.hold and not self.hold.is_set() and not cancel.is_set():
                time.sleep(0.005)
            if cancel.is_set():
                yield Output(command.id, problem=Problem.CANCELLED)
            elif self.lost:
                yield Output(command.id, problem=Problem.LOST)
            elif self.hands is not None and command.id == "env-file":
                yield from self.hands.collect([command], cancel)
            elif command.id == "machine":
                yield Output(command.id, 0, MACHINE)
            else:
                yield Output(command.id, 0, self.outputs.get(command.id, b""))

    def execute(
        self,
        script: str,
        payload: bytes = b"",
        *,
        root: bool = False,
        timeout: float = 60.0,
        cancel: Event | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Output:
        if self.hands is None:
            raise AssertionError("nothing is to be changed")
        return self.hands.execute(
            script, payload, root=root, timeout=timeout, cancel=cancel, on_output=on_output
        )

    def close(self) -> None:
        self.closed = True


def judgement(result: Result, observed: str, **more: Any) -> dict[str, Any]:
    """Return a judgement as a fake probe's output has it."""
    return {"result": result.value, "observed": observed, **more}


def _remedy(one: dict[str, Any]) -> Remedy | None:
    fix = msgspec.convert(one.get("fix", {"kind": "decision"}), Fix)
    return Remedy(listed((one["remedy"],)), fix) if one.get("remedy") else None


def command(text: str) -> dict[str, str]:
    """Return a remedy that is a command, as a fake probe's output has it."""
    return {"kind": "command", "command": text}


def _judge(name: str, fact: HostFact[list[dict[str, Any]]]) -> Probe:
    def judge(facts: Facts, _profile: Profile) -> Iterator[Judgement]:
        for one in facts[fact]:
            yield Judgement(
                result=Result(one["result"]),
                observed=one["observed"],
                expected=one.get("expected", ""),
                title=one.get("title", ""),
                subject=one.get("title", ""),
                evidence=tuple(one.get("evidence", ())),
                remedy=_remedy(one),
                vantage=Vantage(one.get("vantage", "host")),
            )

    return Probe(
        id=name, title=listed((name,)), expected=NOTHING, vantage=Vantage.HOST, needs=(fact,), judge=judge
    )


def _parse(output: Output) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output.stdout)
    return found


def fake_probes(names: Sequence[str]) -> dict[str, Probe]:
    """Return a probe for each name; what it finds is what the target answers for the name."""
    return {
        name: _judge(
            name, HostFact(id=name, title=listed((name.replace(".", " "),)), script="true", parse=_parse)
        )
        for name in names
    }


def outputs(findings: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, bytes]:
    """Return what a fake target answers, for the findings that its probes shall have."""
    return {name: json.dumps(list(found)).encode() for name, found in findings.items()}


P, F, U, E, INFO, NA = (
    Result.PASS,
    Result.FAIL,
    Result.UNKNOWN,
    Result.ERROR,
    Result.INFORMATIONAL,
    Result.NOTAPPLICABLE,
)

SHOP: dict[str, list[dict[str, Any]]] = {
    "env.present": [judgement(P, "/srv/shop/.env, 14 variables", title="The file with the secrets is there")],
    "env.mode": [
        judgement(
            F,
            "0644 deploy:deploy: everybody on the machine can read it",
            expected="0600, or 0640 with the service's own group",
            title=".env is readable by its owner only",
            evidence=["-rw-r--r-- 1 deploy deploy 612 2026-01-02 03:00 /srv/shop/.env"],
            remedy="Let only its owner read it.",
            fix=command("chmod 600 /srv/shop/.env"),
            vantage="project",
        )
    ],
    "env.git": [judgement(P, "not tracked, and in no commit", title=".env is not in git", vantage="project")],
    "env.strength": [
        judgement(P, "SECRET_KEY: 43 characters, 257 bits", title="SECRET_KEY is strong", vantage="project"),
        judgement(
            F,
            "SMTP_PASSWORD: 9 characters, a common word and two digits",
            expected="128 bits or more, made by a random number generator",
            title="SMTP_PASSWORD is weak",
            remedy="Make a new one with `signoff generate password`, set it at the provider, then in .env.",
            vantage="project",
        ),
    ],
    "env.reuse": [judgement(P, "every value is used once", title="No secret is used twice")],
    "env.test-keys": [judgement(P, "none of 14", title="No test keys")],
    "env.running": [
        judgement(
            U,
            "needs root, and sudo was refused",
            expected="the running services have the file's values",
            title="The services run with these secrets",
            remedy="Run by hand and judge for yourself: sudo docker inspect shop-web-1",
            fix=command("sudo docker inspect shop-web-1"),
        )
    ],
    "env.restarted": [judgement(P, "web, worker: 4 minutes after the file", title="Restarted since")],
    "network.datastore-ports": [
        judgement(
            F,
            "203.0.113.7:5432 open, published by docker (container shop-db-1)",
            expected="refused or filtered, from every address",
            title="PostgreSQL answers from outside",
            evidence=[
                "connect 203.0.113.7:5432: accepted, SSLRequest answered N",
                "docker inspect shop-db-1: 5432/tcp -> 0.0.0.0:5432, [::]:5432",
                "ufw status: 5432/tcp DENY IN Anywhere",
            ],
            remedy="Publish it to this machine only.",
            fix={
                "kind": "edit",
                "file": "/srv/shop/compose.yaml",
                "before": '- "5432:5432"',
                "after": '- "127.0.0.1:5432:5432"',
                "then": "docker compose up -d db",
            },
            vantage="outside",
        ),
        judgement(
            P, "203.0.113.7:6379 refused", title="Redis does not answer from outside", vantage="outside"
        ),
    ],
    "network.published-ports": [judgement(P, "80, 443", title="Published container ports")],
    "network.host-networking": [judgement(P, "no container", title="No container in the host's network")],
    "network.docker-bypass": [
        judgement(
            F,
            "DOCKER-USER is empty: what Docker publishes passes ufw",
            expected="a rule in DOCKER-USER, or nothing published",
            title="The firewall holds for containers",
            remedy="Drop what comes from outside before Docker takes it in.",
            fix=command("iptables -I DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport 5432 -j DROP"),
        )
    ],
    "network.firewall": [judgement(P, "active, deny (incoming)", title="ufw denies by default")],
    "network.only-expected": [
        judgement(P, "22, 80, 443 and nothing else of 1000", title="Only 80, 443 and SSH", vantage="outside")
    ],
    "jobs.backup-scheduled": [judgement(P, "/etc/cron.d/shop-backup, daily 02:30", title="Scheduled")],
    "jobs.backup-ran": [judgement(P, "today 02:30, exit status 0", title="It ran")],
    "backups.age": [judgement(P, "38 minutes", title="The newest dump is fresh")],
    "backups.size": [judgement(P, "4.4 MB, median of 7: 4.3 MB", title="It has the usual size")],
    "backups.integrity": [judgement(P, "read to its end by pg_restore", title="It can be read")],
    "backups.retention": [judgement(P, "14 dumps, 14 days", title="Retention")],
    "backups.modes": [judgement(P, "0600 root:root", title="Dumps are private")],
    "backups.encryption": [
        judgement(INFO, "custom format, not encrypted; on the same disk", title="Encryption of the dumps")
    ],
    "admin.outside": [
        judgement(
            E,
            "https://shop.example/admin/: the answer is no HTTP",
            expected="refused, 403 or 404",
            title="The panel from outside",
            vantage="outside",
        )
    ],
    "admin.forged-header": [judgement(NA, "no proxy is trusted", title="Forged X-Forwarded-For")],
    "admin.raw-address": [judgement(P, "404", title="By IP address", vantage="outside")],
    "admin.restriction": [judgement(P, "allow 10.8.0.0/24; deny all", title="The proxy's own rule")],
}
