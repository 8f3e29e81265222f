"""Whatever is done to a record shows, and stock ssh-keygen agrees: ``pytest --matrix`` prints the table."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from matrix import Result
from signoff.session import store
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.verify import Status, Verdict, verify
from unit.session.attack import Attack
from unit.session.attacks import ATTACKS, ROWS
from unit.session.records import Place
from unit.session.scene import Scene

pytestmark = pytest.mark.slow


def version() -> str:
    """Return the version of stock ssh-keygen, which is ssh's; empty where there is none."""
    if not (shutil.which("ssh-keygen") and shutil.which("ssh")):
        return ""
    said = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False).stderr
    found = re.search(r"OpenSSH_([^ ,]+)", said)
    return found[1] if found else "of an unknown version"


def refused_by_ssh_keygen(scene: Scene) -> list[str]:
    """Return which of a record's signatures stock ssh-keygen refuses, asked as a reader is told to ask."""
    whole = scene.directory / "session.jsonl"
    data = whole.read_bytes() if whole.is_file() else b""
    judged = {"genesis.sig": (GENESIS, data.partition(b"\n")[0] + b"\n")}
    if scene.seal.exists():
        judged["seal.sig"] = (RECORD, data)
    refused = []
    for name, (namespace, message) in judged.items():
        command = ["ssh-keygen", "-Y", "verify", "-f", str(scene.allowed), "-I", scene.place.operator.name]
        command += ["-n", namespace, *options(scene), "-s", str(scene.directory / name)]
        done = subprocess.run(command, input=message, capture_output=True, check=False)
        if done.returncode:
            refused.append(name)
    return refused


def options(scene: Scene) -> list[str]:
    """Return by which options a reader is told to ask: a time where they know one, or stock openssl does."""
    revoked = ["-r", str(scene.revoked)] if scene.revoked else []
    at = f"{scene.at:%Y%m%d%H%M%S}Z" if scene.at else ""
    token = scene.directory / "timestamp.tsr"
    if scene.tsa_ca and not scene.at:
        stamped = scene.directory.parent / "stamped"
        stamped.write_bytes((scene.directory / "session.jsonl").read_bytes() + scene.seal.read_bytes())
        asked = ["openssl", "ts", "-verify", "-in", str(token), "-data", str(stamped)]
        asked += ["-CAfile", str(scene.tsa_ca)]
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            read = ["openssl", "ts", "-reply", "-in", str(token), "-text"]
            text = subprocess.run(read, capture_output=True, text=True, check=True).stdout
            (said,) = re.findall(r"^Time stamp: (.*) GMT$", text, re.MULTILINE)
            at = f"{datetime.strptime(said, '%b %d %H:%M:%S %Y').replace(tzinfo=UTC):%Y%m%d%H%M%S}Z"
    return [*revoked, *([f"-Overify-time={at}"] if at else [])]


def stage(place: Place, patch: pytest.MonkeyPatch, row: Attack) -> Scene:
    """Return the scene of an attack before it begins: a record that everybody accepts."""
    directory = row.begin(place)
    scene = Scene(place, patch, directory, place.config / "trusted")
    scene.trust("{name} {key}\n")
    before = verify(scene.directory, scene.allowed)
    assert before.status is (Status.VALID if scene.seal.exists() else Status.UNSEALED)
    return scene


def judge(scene: Scene, row: Attack) -> Verdict:
    """Return our verdict, which must be the one that the attack calls for, and say what it should."""
    verdict = verify(
        scene.directory, scene.allowed, at=scene.at, tsa_ca=scene.tsa_ca, revoked_keys=scene.revoked
    )
    said = " ".join([f"line {verdict.line}" if verdict.line else "", verdict.reason, *verdict.remarks])
    assert verdict.status is row.ours, said
    assert re.search(row.says, said), said
    assert said.isprintable()
    assert store.summary(scene.directory).id == scene.directory.name
    return verdict


def compare(scene: Scene, row: Attack) -> str:
    """Hold our verdict against stock ssh-keygen's, and return what it says."""
    refused = refused_by_ssh_keygen(scene)
    if row.ours in {Status.VALID, Status.UNSEALED}:
        assert not refused, "signoff accepts what ssh-keygen refuses"
        return "accepts"
    if not refused:
        assert row.laxer, "ssh-keygen accepts what signoff refuses, and it is not known why"
        return f"accepts: {row.laxer}"
    return f"refuses {' and '.join(refused)}"


def attacked(scene: Scene, row: Attack, theirs: str, ask_every: int, result: Result) -> None:
    """Carry an attack out, have both judge, and record the verdicts."""
    first, said, tried = None, "", 0
    done = row.do(scene)
    for _ in done if isinstance(done, Iterator) else [done]:
        verdict = judge(scene, row)
        first = first or verdict
        if theirs and tried % ask_every == 0:
            said = compare(scene, row)
        tried += 1
    assert first is not None
    reason = "; ".join(filter(None, [first.reason, *first.remarks]))
    ours = f"{first.status}{f', line {first.line}' if first.line else ''}{f': {reason}' if reason else ''}"
    result(
        signoff=f"{ours}{f' (each of {tried} times)' if tried > 1 else ''}",
        **{f"ssh-keygen {theirs}".strip(): said or "not installed"},
    )


def test_every_row_of_the_design_is_tried() -> None:
    assert {attack.row for attack in ATTACKS} == set(ROWS)
    assert len({(attack.row, attack.what) for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: f"{row.row}: {row.what}")
def test_an_attack_shows(place: Place, monkeypatch: pytest.MonkeyPatch, row: Attack, result: Result) -> None:
    """Of the bytes that are flipped this is every ninth; all of them are tests/lab/test_attacks.py's."""
    scene = stage(place, monkeypatch, row)
    scene.step = 9
    attacked(scene, row, version(), 40, result)
