"""A host with a hostile local user is judged as the same host without them, and nothing of theirs is run.

Whoever looks as root, here or over SSH by sudo, trusts only root. Each attack of `stranger.py` is tried
alone, and all of them at once.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, findings
from labhost.host import Host, Result
from required import give_up
from stranger import (
    ATTACKS,
    CLEAN_PATH,
    HOME,
    OWN_PROJECT,
    SERVERS,
    UID,
    Attack,
    executed,
    forget,
    plant,
    settle,
    uproot,
)

import signoff
from lab import Lab
from matrix import Result as Record
from signoff.checklist.load import builtin_directory

pytestmark = pytest.mark.lab

SLACK = 45.0
"""What all attacks together may cost an audit, in seconds: less than the time limit of the slowest script."""

THERE = "/opt/signoff"
SEAT = "/root/seat"
PROFILE = """
[shop]
address = "{address}"
url = "https://shop.test"
addresses = ["{ipv4}", "{ipv6}"]
project = "/srv/shop"
admin_paths = ["/admin/", "/api/admin/users"]
database = "shop"
"""
ANSWERS = """\
steps:
  rotate-secrets: {confirmed: "2026-01-02"}
  close-ports: {confirmed: none}
  backups: {confirmed: "2026-01-02, 4000 rows"}
  admin-access: {confirmed: 2 of 2, note: Ann and Bob.}
"""
WALK = ("run", "--plain", "--target", "shop", "--answers", "answers.yaml")
ROTATED = ("JWT_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")

Verdicts = Mapping[tuple[str, str], tuple[str, ...]]
"""The results by probe and subject."""


class NoReport(Exception):  # noqa: N818 - an outcome
    """An audit came to no end."""


# signoff on the host itself


def _requirements(name: str, found: dict[str, metadata.Distribution]) -> dict[str, metadata.Distribution]:
    """A distribution and all that it needs to run."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key not in found:
        found[key] = metadata.distribution(name)
        for line in found[key].requires or ():
            words = re.match(r"[\w.-]+", line)
            if words and ";" not in line:
                _requirements(words[0], found)
    return found


def package() -> bytes:
    """This signoff with what it needs, as an archive for a host with the same Python."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(Path(signoff.__file__).parent, "tui/signoff")
        tar.add(builtin_directory(), "checklists")
        for name, one in _requirements("signoff", {}).items():
            for file in one.files or () if name != "signoff" else ():
                path = Path(str(one.locate_file(file)))
                if ".." not in file.parts and path.is_file():
                    tar.add(path, f"site/{file}")
    return archive.getvalue()


LAUNCHER = f"""#!/usr/bin/python3 -P
import sys
sys.path[:0] = ["{THERE}/tui", "{THERE}/site"]
from signoff.cli import main
sys.exit(main())
"""


def install(host: Host, authority: Path) -> None:
    """Put signoff on the host, and an operator's folders for root."""
    if not host.exec("python3 -V").startswith(f"Python {sys.version_info[0]}.{sys.version_info[1]}."):
        give_up("the host has another Python than this machine")
    host.exec(f"mkdir -p {THERE} && tar -C {THERE} -x --no-same-owner", stdin=package())
    host.put(f"{THERE}/signoff", LAUNCHER, 0o755)
    host.put(f"{THERE}/ca.crt", authority.read_bytes())
    profile = PROFILE.format(address="local", ipv4=host.ipv4, ipv6=host.ipv6)
    host.put(f"{SEAT}/config/signoff/targets.toml", profile, 0o600)
    host.put(f"{SEAT}/answers.yaml", ANSWERS)
    host.exec(f"chmod 700 {SEAT}")


@dataclass
class Scene:
    """A host, looked at by root on itself and from a desk; and how it was judged before the stranger came."""

    host: Host
    desk: Desk
    before: dict[str, Verdicts] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    walked: dict[str, int] = field(default_factory=dict)

    def signoff(
        self, way: str, *arguments: str, environment: Mapping[str, str] | None = None, folder: str = SEAT
    ) -> Result:
        """Run signoff, here or there."""
        if way == "ssh":
            try:
                done = self.desk.signoff(*arguments)
            except subprocess.TimeoutExpired as late:
                return Result(124, "", f"not ended after {late.timeout:.0f} s")
            return Result(done.returncode, done.stdout, done.stderr)
        variables = {
            "PATH": CLEAN_PATH,
            "HOME": SEAT,
            "XDG_CONFIG_HOME": f"{SEAT}/config",
            "XDG_STATE_HOME": f"{SEAT}/state",
            "XDG_CACHE_HOME": f"{SEAT}/cache",
            "SSL_CERT_FILE": f"{THERE}/ca.crt",
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        }
        words = [f"{name}={value}" for name, value in variables.items()]
        run = shlex.join(["/usr/bin/env", "-i", *words, f"{THERE}/signoff", *arguments])
        return self.host.run(f"cd {folder} && /usr/bin/timeout 180 {run}")

    def audit(
        self, way: str, probes: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Verdicts:
        """Audit the shop by the quick list, or by these probes alone."""
        name = self._checklist(probes) if probes else "quick-production"
        done = self.signoff(
            way, "audit", name, "--target", "shop", "--format", "json", environment=environment
        )
        if done.code not in {0, 1, 3}:
            raise NoReport(f"exit {done.code}: {(done.stdout + done.stderr)[-600:]}")
        report: dict[str, Any] = json.loads(done.stdout)
        return verdicts(report)

    def _checklist(self, probes: Sequence[str]) -> str:
        text = {"en": "Look"}
        step: dict[str, Any] = {"id": "look", "title": text, "ask": text, "why": text, "remedy": text}
        step |= {"items": ["A1"], "severity": "high", "valid_days": 1, "probes": list(dict.fromkeys(probes))}
        whole = {"schema": 1, "id": "look", "title": text, "about": text, "manner": "read-do", "source": "x"}
        self.host.put(f"{SEAT}/look.yaml", json.dumps(whole | {"steps": [step]}))
        return f"{SEAT}/look.yaml"

    def secrets(self, *names: str) -> tuple[str, ...]:
        """The values that the product's file has now."""
        env = dict(line.split("=", 1) for line in self.host.exec("cat /srv/shop/.env").splitlines())
        return tuple(env[name] for name in names)

    def taken(self, values: Collection[str]) -> list[str]:
        """The files of the stranger's that hold one of these."""
        search = f"timeout 20 grep -rlaF -f - -D skip {HOME}/attacks"
        return self.host.exec(search, stdin="\n".join(values), check=False).splitlines()

    def processes(self) -> set[str]:
        """What runs and is not the stranger's, a container's or a service's."""
        listed = self.host.exec("ps -eo pid=,lstart=,ruid=,cgroup:600=,args= --cols 900")
        found = set()
        for line in listed.splitlines():
            words = line.split()
            if int(words[6]) != UID and not re.search(r"\.service|docker-|docker/", words[7]):
                found.add(" ".join([*words[:6], *words[8:]]))
        return found

    def left(self, before: set[str]) -> list[str]:
        """What runs since then, is not the lab's own look, and does not end within five seconds."""
        end = time.monotonic() + 5
        while True:
            left = [one for one in self.processes() - before if " ps -eo pid" not in one]
            if not left or time.monotonic() > end:
                return [f"left: {one}" for one in left]
            time.sleep(0.5)


def verdicts(report: Mapping[str, Any]) -> Verdicts:
    """The results of a report."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in findings(dict(report)):
        key = (one["probe"], one.get("subject", ""))
        found[key] = tuple(sorted((*found.get(key, ()), one["result"])))
    return found


def differences(before: Verdicts, after: Verdicts, may: Mapping[str, frozenset[str]]) -> list[str]:
    """What is judged otherwise. Where other results are right for a probe, all must be among them."""
    wrong = []
    for probe, subject in sorted({*before, *after}):
        was, now = (one.get((probe, subject), ()) for one in (before, after))
        if (not {*now} <= {*may[probe], "informational"}) if probe in may else was != now:
            shown = re.sub(r"\d{2,}", "N", subject)
            wrong.append(f"{probe} {shown!r}: {'+'.join(was) or 'nothing'} -> {'+'.join(now) or 'nothing'}")
    for probe, results in may.items():
        if not any(one == probe and results & {*now} for (one, _), now in after.items()):
            wrong.append(f"{probe}: none of {', '.join(sorted(results))}")
    return [f"{line} ({n} times)" if n > 1 else line for line, n in Counter(wrong).items()]


@pytest.fixture(scope="class")
def scene(
    request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """A host of the class's kind."""
    host = lab.up(request.cls.kind)
    desk = Desk(tmp_path_factory.mktemp("desk"), lab.ca_certificate)
    try:
        desk.know(host)
        profile = PROFILE.format(address=host.target(), ipv4=host.ipv4, ipv6=host.ipv6)
        (desk.home / "config" / "signoff" / "targets.toml").write_text(profile)
        (desk.home / "answers.yaml").write_text(ANSWERS)
        install(host, lab.ca_certificate)
        settle(host)
        made = Scene(host, desk)
        for way in ("local", "ssh"):
            started = time.monotonic()
            made.before[way] = made.audit(way)
            made.took[way] = time.monotonic() - started
            if request.cls.walks:
                made.walked[way] = made.signoff(way, *WALK).code
        yield made
    finally:
        desk.close()
        host.stop()


def rows(kind: str) -> Callable[[Any], Any]:
    """The attacks that are tried on this kind of host."""
    chosen = [one for one in ATTACKS if one.kind == kind]
    return pytest.mark.parametrize("row", chosen, ids=lambda one: one.name)


def together(kind: str) -> list[Attack]:
    """What is planted there at once."""
    return [one for one in ATTACKS if one.kind in {"good", kind} and not one.alone]


def tried(scene: Scene, row: Attack, result: Record) -> None:
    """One attack alone: what came of it, and that nothing did."""
    host = scene.host
    try:
        before: Verdicts = {key: was for key, was in scene.before["local"].items() if key[0] in row.sees}
        if row.given:
            host.exec(row.given)
            before = scene.audit("local", row.sees)
        plant(host, row)
        wrong = judged(scene, "local", before, row.sees, row.environment, row.may)
    finally:
        uproot(host, row)
    counts = Counter(one for results in before.values() for one in results)
    result(executed="no", verdict=f"the same: {', '.join(f'{n} {one}' for one, n in counts.items())}")
    told(wrong)


def judged(
    scene: Scene,
    way: str,
    before: Verdicts,
    sees: Sequence[str],
    environment: Mapping[str, str],
    may: Mapping[str, frozenset[str]],
) -> list[str]:
    """Audit the host as it is now: what is wrong with that."""
    started = time.monotonic()
    try:
        wrong = differences(before, scene.audit(way, sees, environment), may)
    except NoReport as outcome:
        wrong = [str(outcome)]
    took = time.monotonic() - started
    if took > scene.took[way] + SLACK:
        wrong.append(f"took {took:.0f} s")
    return [f"executed: {name} by {uids}" for name, uids in executed(scene.host).items()] + wrong


def told(wrong: Sequence[str]) -> None:
    """Fail, and say with what."""
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


class AtOnce:
    """Everything at once."""

    kind: str
    rotates = True
    walks = True

    def test_all_at_once(self, scene: Scene) -> None:
        attacks = together(self.kind)
        plant(scene.host, *attacks)
        try:
            told([f"{way}: {one}" for way in ("local", "ssh") for one in self.wrong(scene, way, attacks)])
        finally:
            uproot(scene.host)

    def wrong(self, scene: Scene, way: str, attacks: Sequence[Attack]) -> list[str]:
        """What is wrong with an audit, a walk and a rotation among all of them."""
        host = scene.host
        forget(host)
        environment = {name: value for one in attacks for name, value in one.environment.items()}
        may = {probe: results for one in attacks for probe, results in one.may.items()}
        running = scene.processes()
        wrong = judged(scene, way, scene.before[way], (), environment, may)
        if self.walks:
            done = scene.signoff(way, *WALK, environment=environment)
            if done.code != scene.walked[way]:
                wrong.append(
                    f"run: exit {scene.walked[way]} -> {done.code}: {(done.stdout + done.stderr)[-600:]}"
                )
        wrong += scene.left(running)
        if self.rotates:
            wrong += self.rotated(scene, way, environment)
        return wrong + [f"executed in the end: {name} by {by}" for name, by in executed(host).items()]

    def rotated(self, scene: Scene, way: str, environment: Mapping[str, str]) -> list[str]:
        """Rotate some secrets: what went wrong with it."""
        words = ("env", "rotate", *ROTATED, "--target", "shop", "--yes")
        running = scene.processes()
        old = scene.secrets(*ROTATED)
        done = scene.signoff(way, *words, environment=environment)
        wrong = []
        if done.code != 0 or {*old} & {*scene.secrets(*ROTATED)}:
            wrong.append(f"rotate: exit {done.code}: {(done.stdout + done.stderr)[-600:]}")
        got = scene.taken(scene.secrets(*ROTATED))
        wrong += scene.left(running)
        return wrong + [f"a secret got into {path}" for path in got]


class TestGood(AtOnce):
    kind = "good"

    @rows("good")
    def test_attack(self, scene: Scene, row: Attack, result: Record) -> None:
        tried(scene, row, result)

    @pytest.mark.parametrize("row", SERVERS, ids=lambda one: one.name)
    def test_no_secret_is_given_to_a_server(self, scene: Scene, row: Attack, result: Record) -> None:
        words = ("env", "rotate", row.secret, "--target", "shop", "--yes")
        try:
            scene.host.exec(row.given)
            old = scene.secrets(row.secret)
            plant(scene.host, row)
            done = scene.signoff("local", *words)
            got = scene.taken({*old, *scene.secrets(row.secret)})
        finally:
            uproot(scene.host, row)
        result(rotated="no", secrets="none")
        told([f"the secret got into {path}" for path in got])
        assert done.code != 0, done.stdout

    @pytest.mark.parametrize("row", [OWN_PROJECT], ids=lambda one: one.name)
    def test_a_project_of_the_strangers(self, scene: Scene, row: Attack, result: Record) -> None:
        folder = f"{HOME}/shop"
        commands: dict[str, tuple[str, ...]] = {
            "audit": ("audit", "--target", "local", "--format", "json"),
            "env check": ("env", "check", ".env"),
            "env rotate": ("env", "rotate", ".env", "SECRET_KEY", "--yes"),
        }
        codes = {}
        try:
            plant(scene.host, row)
            for name, words in commands.items():
                codes[name] = scene.signoff("local", *words, folder=folder).code
            by = executed(scene.host)
        finally:
            uproot(scene.host)
        result(executed="no", codes=str(codes))
        told([f"executed: {name} by {uids}" for name, uids in by.items()])
        assert codes["audit"] in {1, 3}

    def test_a_repository_over_ssh(self, scene: Scene) -> None:
        row = next(one for one in ATTACKS if one.name == "programs")
        try:
            scene.host.exec(row.given)
            plant(scene.host, row)
            wrong = judged(scene, "ssh", scene.before["ssh"], (), {}, row.may)
        finally:
            uproot(scene.host, row)
        told(wrong)


class TestCaddy(AtOnce):
    kind = "good-caddy"
    rotates = walks = False

    @rows("good-caddy")
    def test_attack(self, scene: Scene, row: Attack, result: Record) -> None:
        tried(scene, row, result)


class TestDocker(AtOnce):
    kind = "good-docker"
    walks = False

    @rows("good-docker")
    def test_attack(self, scene: Scene, row: Attack, result: Record) -> None:
        tried(scene, row, result)


class TestBad(AtOnce):
    """What is wrong stays wrong."""

    kind = "bad"
    rotates = walks = False
