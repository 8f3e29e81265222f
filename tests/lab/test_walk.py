"""The quick production list against real hosts, from the command line to the record."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import Desk, findings, results
from labhost.host import Host

from signoff.replaying import replay

pytestmark = pytest.mark.lab

STEPS = ("rotate-secrets", "close-ports", "backups", "admin-access")
NEUTRAL = {"pass", "informational", "notapplicable"}

# What is planted on the bad host, and the probe that has to see it.
PLANTED = {
    ".env readable by everybody, and a copy beside it": "env.mode",
    ".env tracked and in git's history": "env.git",
    "SECRET_KEY=changeme, POSTGRES_PASSWORD=postgres": "env.strength",
    "one value for SECRET_KEY and JWT_SECRET_KEY": "env.reuse",
    "a test key of the payment provider": "env.test-keys",
    "a running value that is not the file's": "env.running",
    "PostgreSQL and Redis answer from outside": "network.datastore-ports",
    "ports published on every address": "network.published-ports",
    "Docker publishes past ufw": "network.docker-bypass",
    "more than 80, 443 and SSH answers": "network.only-expected",
    "a cron job that cron never runs": "jobs.backup-scheduled",
    "a backup job that never ran": "jobs.backup-ran",
    "a newest dump of 20 bytes": "backups.size",
    "a newest dump with nothing in it": "backups.integrity",
    "dumps readable by everybody": "backups.modes",
    "an admin API that answers from outside": "admin.outside",
}


def test_every_flaw_of_the_bad_host_fails(desk: Desk, bad_host: Host) -> None:
    desk.know(bad_host)
    report = desk.audit(1)
    assert {step["step"]: step["result"] for step in report["steps"]} == dict.fromkeys(STEPS, "fail")
    found = results(report)
    missed = {
        flaw: found.get(probe) for flaw, probe in PLANTED.items() if "fail" not in found.get(probe, set())
    }
    assert not missed
    for finding in findings(report):
        if finding["result"] == "fail":
            assert finding["observed"], finding
            assert finding["expected"], finding
            assert finding["remedy"], finding


NOT_KEPT = {
    "scheduled jobs",
    "the project's files with secrets",
    "the project's systemd services and processes",
    "the web servers' configuration",
}
"""Facts whose values may hold secrets: nothing that goes by them is judged again."""


def test_what_was_kept_of_the_bad_host_is_judged_again_the_same(desk: Desk, bad_host: Host) -> None:
    desk.know(bad_host)
    again = list(replay(Path(desk.audit(1)["record"])))
    kept = [one for one in again if one.now is not None]
    assert [one.recorded for one in kept if not one.same] == []
    assert {title for one in again for title in one.missing} == NOT_KEPT
    print(f"{len(kept)} of {len(again)} judgements are judged again, and come out the same")
    results = {finding.result.value for one in kept for finding in one.recorded.findings}
    assert {"pass", "fail"} <= results


def test_ufw_and_docker_are_seen_from_both_sides(desk: Desk, bad_host: Host) -> None:
    desk.know(bad_host)
    assert "5432/tcp                   DENY IN" in bad_host.exec("ufw status verbose")
    report = desk.audit(1)
    (outside,) = [
        one for one in findings(report, "network.datastore-ports") if one["subject"] == "postgresql"
    ]
    assert outside["result"] == "fail"
    assert bad_host.ipv4 in outside["observed"]
    bypass = findings(report, "network.docker-bypass")
    assert {one["vantage"] for one in bypass if one["result"] == "fail"} == {"host"}
    assert any("5432" in one["observed"] for one in bypass)


def test_nothing_of_the_good_host_fails(desk: Desk, good_host: Host) -> None:
    desk.know(good_host)
    report = desk.audit(0)
    assert {step["step"]: step["result"] for step in report["steps"]} == dict.fromkeys(STEPS, "pass")
    assert {result for each in results(report).values() for result in each} <= NEUTRAL


def test_without_root_it_is_unknown_and_says_what_to_run(desk: Desk, good_host: Host) -> None:
    desk.know(good_host)
    with_root = results(desk.audit(0))
    desk.know(good_host, "viewer")
    report = desk.audit(3)
    without = results(report)
    assert not any("fail" in each for each in without.values())
    affected = {probe for probe in with_root if with_root[probe] != without[probe]}
    assert {"env.strength", "env.running", "network.firewall", "backups.integrity"} <= affected
    for probe in affected:
        for finding in findings(report, probe):
            assert finding["result"] in {"unknown", *NEUTRAL}
            if finding["result"] == "unknown":
                assert finding["remedy"], finding
        assert "unknown" in without[probe], probe


def test_probing_leaves_the_host_as_it_was(desk: Desk, kept_host: Callable[[str], Host]) -> None:
    for variant, code in (("good", 0), ("good-docker", 0), ("bad", 1)):
        host = kept_host(variant)
        desk.know(host)
        before = host.state()
        desk.audit(code)
        assert before.differences(host.state()) == []


def test_one_connection_is_opened(desk: Desk, good_host: Host) -> None:
    count = "journalctl -u ssh -o cat | grep -c 'Accepted publickey for deploy' || true"
    desk.know(good_host)
    before = int(good_host.exec(count))
    desk.audit(0)
    assert int(good_host.exec(count)) == before + 1


def test_no_secret_gets_into_the_record(desk: Desk, good_host: Host, bad_host: Host) -> None:
    for host, code in ((good_host, 0), (bad_host, 1)):
        desk.know(host)
        desk.audit(code)
    names = (
        "SECRET_KEY",
        "JWT_SECRET_KEY",
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "SMTP_PASSWORD",
        "STRIPE_API_KEY",
    )
    written = b"".join(path.read_bytes() for path in desk.home.rglob("*") if path.is_file())
    for host in (good_host, bad_host):
        lines = host.exec("cat /srv/shop/.env").splitlines()
        for name, _, value in (line.partition("=") for line in lines):
            # `postgres` and `changeme` are also words; what is tested is that no long value is written.
            if name in names and len(value) > 8:
                assert value.encode() not in written, name


ANSWERS = """\
steps:
  rotate-secrets: {confirmed: "2026-01-02"}
  close-ports: {confirmed: none}
  backups: {confirmed: "2026-01-02, 4000 rows"}
  admin-access: {confirmed: 2 of 2, note: Ann and Bob.}
"""


def test_a_scripted_walk_ends_in_a_record_that_ssh_keygen_verifies(desk: Desk, good_host: Host) -> None:
    desk.know(good_host)
    (desk.home / "answers.yaml").write_text(ANSWERS)
    done = desk.signoff("run", "--plain", "--target", "shop", "--answers", "answers.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    session = done.stdout.strip().rsplit(" ", 1)[1]
    record = desk.record(session)
    operator = json.loads((record / "session.jsonl").open("rb").readline())["operator"]["name"]
    assert stock_verifies(desk, record, operator)
    assert desk.signoff("verify", session).stdout.startswith("VALID\n")

    journal = record / "session.jsonl"
    whole = journal.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 20)):
        journal.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert not stock_verifies(desk, record, operator), place
        assert desk.signoff("verify", session).returncode == 1, place
    journal.write_bytes(whole)
    assert stock_verifies(desk, record, operator)


def stock_verifies(desk: Desk, record: Path, operator: str) -> bool:
    """Ask ssh-keygen, as the README says."""
    signers = desk.home / "config" / "signoff" / "allowed_signers"
    arguments = ["-Y", "verify", "-f", str(signers), "-I", operator, "-n", "record@signoff.v1"]
    with (record / "session.jsonl").open("rb") as journal:
        done = subprocess.run(
            ["ssh-keygen", *arguments, "-s", str(record / "seal.sig")],
            stdin=journal,
            capture_output=True,
            check=False,
        )
    return done.returncode == 0


def test_an_unknown_host_key_is_never_taken_silently(desk: Desk, good_host: Host) -> None:
    desk.know(good_host, trusted=False)
    done = desk.signoff("audit", "--target", "shop")
    assert done.returncode == 2
    assert good_host.fingerprint in done.stderr
    known = desk.home / "config" / "signoff" / "known_hosts"
    assert known.read_text() == ""
    (desk.home / "answers.yaml").write_text(f"host_key: {good_host.fingerprint}\n{ANSWERS}")
    done = desk.signoff("run", "--plain", "--target", "shop", "--answers", "answers.yaml")
    assert done.returncode == 0, done.stderr
    assert good_host.ipv4 in known.read_text()


def test_a_changed_host_key_is_refused(desk: Desk, good_host: Host, bad_host: Host) -> None:
    desk.know(good_host)
    known = desk.home / "config" / "signoff" / "known_hosts"
    known.write_text(f"{good_host.ipv4} {bad_host.host_key}\n")
    before = known.read_bytes()
    done = desk.signoff("audit", "--target", "shop")
    assert done.returncode == 2
    assert "changed" in done.stderr
    assert good_host.fingerprint in done.stderr
    assert str(known) in done.stderr
    assert known.read_bytes() == before
    assert not (desk.home / "state" / "signoff" / "sessions").exists()


def test_a_full_disk_loses_nothing(desk: Desk, good_host: Host) -> None:
    desk.know(good_host)
    state = desk.home / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(state)], check=True)
    try:
        first = desk.signoff("run", "--plain", "--target", "shop")
        session = first.stdout.strip().rsplit(" ", 1)[1] if first.returncode != 2 else ""
        fill(state / "filler")
        before = digests(state)
        done = desk.signoff("audit", "--target", "shop")
        assert done.returncode == 2
        assert "the disk is full" in done.stderr
        assert "Traceback" not in done.stderr
        assert {path: digest for path, digest in digests(state).items() if path in before} == before
        (state / "filler").unlink()
        if session:
            assert desk.signoff("verify", session).returncode == 3, "not sealed, and all of it holds"
    finally:
        subprocess.run(["umount", str(state)], check=True)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


def digests(folder: Path) -> dict[Path, str]:
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("session.jsonl")
        if path.is_file()
    }
