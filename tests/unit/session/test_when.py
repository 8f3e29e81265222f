"""When a signature is judged: now, as of a time-stamp, or as of a time that the verifier vouches for.

ssh-keygen judges the same, asked by the very commands that signoff shows.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from signoff.cli import main
from signoff.errors import RecordError, UsageError
from signoff.report.text import verdict_lines
from signoff.session import revoked
from signoff.session import when as moments
from signoff.session.countersign import countersign
from signoff.session.signer import KeySigner
from signoff.session.sshsig import RECORD
from signoff.session.stock import commands_for
from signoff.session.timestamp import request
from signoff.session.verdict import Bearing
from signoff.session.verify import Status, Verdict, verify
from signoff.session.when import Judged, read_time, shown, stamp
from unit.authority import Authority
from unit.session.conftest import SshKeygen
from unit.session.records import Place, journal

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("ssh-keygen", "openssl")),
    reason="a stock tool is not installed",
)

MONTH = timedelta(days=30)
FORMS = ["20260702", "202607021200", "20260702120030", "20260702120030Z"]
FORMS += ["202603290230", "202610250230", "202604050145", "202610040215"]  # hours that are twice, or never


@dataclass
class Desk:
    """An auditor's desk: a sealed record, a list of signers, an authority's certificate."""

    place: Place
    directory: Path
    folder: Path
    patch: pytest.MonkeyPatch
    authority: Authority

    @property
    def allowed(self) -> Path:
        return self.folder / "allowed_signers"

    @property
    def sealed_at(self) -> datetime:
        return datetime.fromisoformat(
            json.loads(journal(self.directory).read_bytes().splitlines()[-1])["time"]
        )

    def trust(self, *lines: str) -> None:
        """List what the lines say; ``{me}`` is the operator's name, ``{key}`` their key."""
        operator = self.place.operator
        text = "".join(f"{line}\n" for line in lines)
        self.allowed.write_text(text.format(me=operator.name, key=operator.key.line))

    def later(self, days: float) -> None:
        """Let so many days pass for signoff. A record that is there now is old then."""
        self.patch.setattr(moments, "present", lambda: datetime.now(UTC) + timedelta(days=days))

    def stamp(self, certificate: str = "tsa", at: datetime | None = None) -> None:
        """Have the authority stamp the record, now or as of another time."""
        query = request(journal(self.directory).read_bytes() + (self.directory / "seal.sig").read_bytes())
        answer = self.authority.stamp_with(certificate, at)(query.as_bytes())
        (self.directory / "timestamp.tsr").write_bytes(answer)

    def verify(self, *, trusting: bool = False, at: datetime | None = None) -> Verdict:
        """Judge it, ``trusting`` the authority or not."""
        return verify(self.directory, self.allowed, at=at, tsa_ca=self.authority.ca if trusting else None)

    def stock(self, verdict: Verdict) -> list[bool]:
        """Run the stock commands that signoff shows, and return which of them succeed."""
        shutil.copy(self.authority.ca, self.folder / "tsa-ca.pem")
        return [
            subprocess.run(["sh", "-c", one], cwd=self.folder, capture_output=True, check=False).returncode
            == 0
            for one in commands_for(self.directory, verdict)
        ]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def desk(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Desk:
    made = Desk(place, place.sealed(), tmp_path / "desk", monkeypatch, authority)
    made.folder.mkdir()
    return made


def window(*, begins: timedelta | None = None, ends: timedelta | None = None) -> str:
    """Return a line that allows the operator's key from and until so long after now."""
    now = datetime.now(UTC)
    begin = f'valid-after="{stamp(now + begins)}"' if begins is not None else ""
    end = f'valid-before="{stamp(now + ends)}"' if ends is not None else ""
    return f"{{me}} {','.join(filter(None, [begin, end]))} {{key}}"


def said(verdict: Verdict) -> str:
    return "\n".join(verdict_lines(verdict))


class TestNow:
    def test_an_expired_key_is_not_trusted_and_it_is_told_what_would_prove_it(self, desk: Desk) -> None:
        desk.trust(window(ends=MONTH))
        assert desk.verify().status is Status.VALID
        desk.later(60)
        verdict = desk.verify()
        assert (verdict.status, verdict.when.by) == (Status.UNTRUSTED, Judged.NOW)
        assert "allowed the key until" in verdict.reason
        (remark,) = verdict.remarks
        assert f"the key was allowed at {shown(desk.sealed_at)}, when the record says" in remark
        assert "the operator's word" in remark
        assert "--tsa-ca FILE" in remark
        advised = remark.rpartition("--at ")[2]
        assert desk.verify(at=read_time(advised)).status is Status.VALID

    def test_nothing_is_advised_that_would_not_help(self, desk: Desk) -> None:
        desk.trust(window(ends=-MONTH))
        assert desk.verify().remarks == (), "not allowed at either time"
        desk.trust("ben@ops {key}")
        assert desk.verify().remarks == (), "not listed"

    def test_a_key_that_was_only_later_allowed_is_trusted_and_it_is_told(self, desk: Desk) -> None:
        desk.trust(window(begins=MONTH))
        assert desk.verify().status is Status.UNTRUSTED
        desk.later(60)
        verdict = desk.verify()
        assert verdict.status is Status.VALID
        assert "allows the key only from" in verdict.remarks[0]
        assert all(desk.stock(verdict)) is False, "ssh-keygen's own clock is not in the future"

    def test_of_an_open_record_its_beginning_counts(self, desk: Desk) -> None:
        desk.directory = desk.place.unsealed()
        desk.trust(window(ends=MONTH))
        desk.later(60)
        verdict = desk.verify()
        assert verdict.status is Status.UNTRUSTED
        assert "--tsa-ca" not in verdict.remarks[0], "there is no seal to stamp"
        assert verdict.started
        assert desk.verify(at=verdict.started).status is Status.UNSEALED


class TestAt:
    # Zones with summer time on either side of the equator, and with half hours.
    @pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
    @pytest.mark.parametrize("form", FORMS)
    def test_is_read_as_ssh_keygen_reads_it(
        self,
        form: str,
        zone: str,
        ssh_keygen: SshKeygen,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        in_zone: object,
    ) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        at = read_time(form)
        signer = KeySigner.generate("anna@ops")
        (tmp_path / "sig").write_text(signer.sign(RECORD, b"message\n"))
        for edge, good in ((at, True), (at + timedelta(seconds=1), False)):
            (tmp_path / "allowed").write_text(f'anna@ops valid-after="{stamp(edge)}" {signer.key.line}\n')
            files = (tmp_path / "allowed", "anna@ops", RECORD, tmp_path / "sig", b"message\n")
            assert ssh_keygen(*files, f"-Overify-time={form}") is good

    @pytest.fixture
    def in_zone(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        yield
        monkeypatch.undo()
        time.tzset()

    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("2026-07-02T12:00:30Z", "20260702120030Z"),
            ("2026-07-02T12:00:30+00:00", "20260702120030Z"),
            ("2026-07-02T12:00:30.999Z", "20260702120030Z"),
            ("2026-07-02T14:00+02:00", "20260702120000Z"),
            ("2026-07-02t09:30:30-0230", "20260702120030Z"),
            ("2026-07-02 12:00:30z", "20260702120030Z"),
            ("20260702Z", "20260702000000Z"),
            ("202607021200utc", "20260702120000Z"),
        ],
    )
    def test_takes_both_forms(self, text: str, at: str) -> None:
        assert stamp(read_time(text)) == at

    @pytest.mark.parametrize(
        "text",
        [
            *("", "now", "yesterday", "2026-07-02", "2026-07-02T12:00:30", "2026-13-02T12:00:30Z", "1"),
            *("2026-07-02T25:00:00Z", "2026-07-02T12:00:30+99:00", "0001-01-01T00:00:00+10:00", "19700101Z"),
            *("2026070212", "20260231", "2026-W27-4T12:00Z", "20260702T120030Z", "\x1b[31m2026", "2026070²"),
        ],
    )
    def test_that_is_no_time_is_refused(self, desk: Desk, text: str) -> None:
        done = CliRunner().invoke(main, ["verify", str(desk.directory), "--at", text])
        assert done.exit_code == 2
        assert "is no time to judge at" in done.output
        assert "20260102030405Z" in done.output
        assert "\x1b" not in done.output

    @pytest.mark.parametrize("option", ["valid-after", "valid-before"])
    @pytest.mark.parametrize("seconds", [-1, 0, 1])
    def test_judges_as_ssh_keygen_does_on_the_edge(self, desk: Desk, option: str, seconds: int) -> None:
        desk.later(2)
        edge = desk.sealed_at.replace(microsecond=0) + timedelta(days=1)
        desk.trust(f'{{me}} {option}="{stamp(edge)}" {{key}}')
        verdict = desk.verify(at=edge + timedelta(seconds=seconds))
        good = seconds >= 0 if option == "valid-after" else seconds <= 0
        assert (verdict.status is Status.VALID) is good
        assert desk.stock(verdict) == [good, good]

    def test_is_said_first(self, desk: Desk) -> None:
        desk.trust(window(ends=MONTH))
        desk.later(60)
        at = desk.sealed_at + timedelta(days=1)
        lines = said(desk.verify(at=at)).splitlines()
        assert lines[0] == f"VALID as of {shown(at)}"
        assert f"judged     as of {shown(at)}, the time that you gave" in lines
        late = said(desk.verify(at=at + MONTH)).splitlines()
        assert late[0].startswith(f"UNTRUSTED as of {shown(at + MONTH)}: line 1 of the allowed signers")
        journal(desk.directory).write_bytes(journal(desk.directory).read_bytes()[:-9])
        assert said(desk.verify(at=at)).startswith("INVALID: ")

    def test_is_not_still_to_come(self, desk: Desk) -> None:
        desk.trust("{me} {key}")
        with pytest.raises(UsageError, match="still to come"):
            desk.verify(at=datetime.now(UTC) + timedelta(minutes=5))
        done = CliRunner().invoke(main, ["verify", str(desk.directory), "--at", "2999-01-01T00:00:00Z"])
        assert done.exit_code == 2
        assert "2999-01-01T00:00:00Z is still to come" in done.output

    def test_is_not_before_the_last_line_that_was_signed(self, place: Place, desk: Desk) -> None:
        desk.trust("{me} {key}")
        with pytest.raises(UsageError, match="nothing to judge"):
            desk.verify(at=desk.sealed_at - timedelta(seconds=1))
        assert desk.verify(at=desk.sealed_at.replace(microsecond=0)).status is Status.VALID
        done = CliRunner().invoke(main, ["verify", str(desk.directory), "--at", "20200101Z"])
        assert done.exit_code == 2
        assert f"by the record's own times it was signed at {shown(desk.sealed_at)}" in done.output

    def test_counts_for_counter_signatures_too(self, desk: Desk) -> None:
        second = KeySigner.generate("ben@ops")
        desk.trust("{me} {key}")
        countersign(desk.directory, second, desk.allowed)
        desk.trust(
            "{me} {key}", f'ben@ops valid-before="{stamp(datetime.now(UTC) + MONTH)}" {second.key.line}'
        )
        desk.later(60)
        (now,) = desk.verify().witnesses
        assert (now.bearing, "until" in now.reason) == (Bearing.UNTRUSTED, True)
        verdict = desk.verify(at=desk.sealed_at + timedelta(days=1))
        assert [one.bearing for one in verdict.witnesses] == [Bearing.HOLDS]
        assert desk.stock(verdict) == [True, True, True]
        assert all("-Overify-time=" in one for one in commands_for(desk.directory, verdict))


class TestATimeStamp:
    def test_lets_a_key_pass_that_has_expired_since(self, desk: Desk) -> None:
        desk.trust(window(ends=MONTH))
        desk.stamp()
        desk.later(60)
        verdict = desk.verify(trusting=True)
        assert (verdict.status, verdict.when.by, verdict.remarks) == (Status.VALID, Judged.STAMPED, ())
        assert verdict.when.at == verdict.witnesses[0].time
        assert f"judged     as of {shown(verdict.when.at)}, the time-stamp's time" in said(verdict)
        assert desk.stock(verdict) == [True, True, True]

    def test_does_not_where_nobody_vouches_for_it(self, desk: Desk, tmp_path: Path) -> None:
        desk.trust(window(ends=MONTH))
        desk.stamp()
        desk.later(60)
        verdict = desk.verify()
        assert (verdict.status, verdict.when.by) == (Status.UNTRUSTED, Judged.NOW)
        assert "counts for nothing here: nobody vouches for it" in said(verdict)
        other = Authority(tmp_path / "other", "Other")
        verdict = verify(desk.directory, desk.allowed, tsa_ca=other.ca)
        assert (verdict.status, verdict.when.by) == (Status.UNTRUSTED, Judged.NOW)
        assert verdict.broken == ("timestamp.tsr",)

    def test_does_not_where_it_is_another_records(self, desk: Desk) -> None:
        desk.trust(window(ends=MONTH))
        desk.stamp()
        other = desk.place.sealed()
        shutil.copy(desk.directory / "timestamp.tsr", other)
        desk.directory = other
        desk.later(60)
        verdict = desk.verify(trusting=True)
        assert (verdict.status, verdict.when.by) == (Status.UNTRUSTED, Judged.NOW)
        assert verdict.broken == ("timestamp.tsr",)

    def test_that_is_made_after_the_key_expired_helps_no_thief(self, desk: Desk) -> None:
        desk.trust(window(ends=MONTH))
        desk.later(90)
        desk.authority.issue(days=(-1, 90), as_="younger")
        desk.stamp("younger", at=datetime.now(UTC) + 2 * MONTH)
        verdict = desk.verify(trusting=True)
        assert (verdict.status, verdict.when.by) == (Status.UNTRUSTED, Judged.STAMPED)
        assert verdict.broken == ()
        assert "allowed the key until" in verdict.reason
        assert desk.stock(verdict)[:2] == [False, False]

    def test_from_before_a_key_was_allowed_makes_it_fail(self, desk: Desk) -> None:
        desk.trust(window(begins=MONTH))
        desk.stamp()
        desk.later(60)
        verdict = desk.verify(trusting=True)
        assert verdict.status is Status.UNTRUSTED
        assert "allows the key only from" in verdict.reason
        assert desk.stock(verdict)[:2] == [False, False]
        assert desk.verify(trusting=True, at=desk.sealed_at + 2 * MONTH - timedelta(days=1)).status is (
            Status.VALID
        ), "the auditor's own word goes before it"

    def test_from_the_future_proves_no_more_than_now(self, desk: Desk) -> None:
        desk.trust(window(begins=timedelta(days=10)))
        desk.stamp(at=datetime.now(UTC) + timedelta(days=20))
        verdict = desk.verify(trusting=True)
        assert verdict.status is Status.UNTRUSTED
        assert verdict.when.at <= datetime.now(UTC)
        assert "the authority's clock is ahead" in verdict.remarks[0]

    def test_says_nothing_of_when_a_counter_signature_was_made(self, desk: Desk) -> None:
        second = KeySigner.generate("ben@ops")
        desk.trust("{me} {key}")
        countersign(desk.directory, second, desk.allowed)
        desk.stamp()
        desk.trust(
            window(ends=MONTH),
            f'ben@ops valid-before="{stamp(datetime.now(UTC) + MONTH)}" {second.key.line}',
        )
        desk.later(60)
        verdict = desk.verify(trusting=True)
        assert verdict.status is Status.VALID
        assert [one.bearing for one in verdict.witnesses] == [Bearing.HOLDS, Bearing.UNTRUSTED]
        assert "the time-stamp's time; counter-signatures as of now" in said(verdict)

    def test_lets_a_second_person_sign(self, desk: Desk) -> None:
        second = KeySigner.generate("ben@ops")
        desk.trust(window(ends=MONTH))
        desk.stamp()
        desk.later(60)
        with pytest.raises(RecordError, match="UNTRUSTED"):
            countersign(desk.directory, second, desk.allowed)
        path = countersign(desk.directory, second, desk.allowed, tsa_ca=desk.authority.ca)
        assert path.exists()
        path.unlink()
        arguments = ["countersign", str(desk.directory), "--allowed-signers", str(desk.allowed)]
        done = CliRunner().invoke(main, [*arguments, "--as", "ben@ops"])
        assert done.exit_code == 1
        assert "signoff verify --at" in done.stdout, "there is no --at to sign by"
        done = CliRunner().invoke(main, [*arguments, "--tsa-ca", str(desk.authority.ca), "--as", "ben@ops"])
        assert "cannot be the second person" in done.output, "it is VALID, and now it matters who signs"

    def test_holds_although_the_authoritys_certificate_has_expired(self, desk: Desk) -> None:
        desk.authority.issue(days=(-20, -10), as_="expired")
        desk.trust("{me} {key}")
        then = datetime.now(UTC) - timedelta(days=15)
        desk.stamp("expired", at=then)
        verdict = desk.verify(trusting=True)
        assert (verdict.status, verdict.broken) == (Status.VALID, ())
        assert desk.stock(verdict) == [True, True, True], "openssl is told the time as well"
        desk.stamp("expired", at=datetime.now(UTC))
        assert desk.verify(trusting=True).broken == ("timestamp.tsr",)

    def test_by_a_revoked_certificate_is_for_openssl_to_find(self, desk: Desk) -> None:
        desk.trust("{me} {key}")
        desk.stamp()
        token, data = desk.directory / "timestamp.tsr", desk.folder / "stamped"
        data.write_bytes(journal(desk.directory).read_bytes() + (desk.directory / "seal.sig").read_bytes())
        for certificate, good in (("other", True), ("tsa", False)):
            desk.authority.issue(as_="other")
            desk.authority.revoke(certificate)
            assert desk.authority.accepts(token, data, "-crl_check", ca="ca-crl.pem") is good
            assert desk.verify(trusting=True).broken == (), "nobody is asked"


class TestRevoked:
    def test_counts_at_no_time(self, desk: Desk) -> None:
        desk.trust("{me} {key}")
        desk.stamp()
        listed = desk.folder / "revoked_keys"
        listed.write_text(f"# stolen\n\n  {desk.place.operator.key.line} of anna\r\n")
        for at in (None, desk.sealed_at):
            verdict = verify(
                desk.directory, desk.allowed, at=at, tsa_ca=desk.authority.ca, revoked_keys=listed
            )
            assert verdict.status is Status.UNTRUSTED
            assert "is revoked: it counts at no time" in verdict.reason
            assert verdict.remarks == ()
            assert desk.stock(verdict)[:2] == [False, False]

    def test_others_still_count(self, desk: Desk) -> None:
        desk.trust("{me} {key}")
        listed = desk.folder / "revoked_keys"
        listed.write_text(f"{KeySigner.generate('x').key.line}\n")
        verdict = verify(desk.directory, desk.allowed, revoked_keys=listed)
        assert verdict.status is Status.VALID
        assert all("-r revoked_keys" in one for one in commands_for(desk.directory, verdict))
        assert desk.stock(verdict) == [True, True]

    def test_is_a_counter_signature_too(self, desk: Desk) -> None:
        second = KeySigner.generate("ben@ops")
        desk.trust("{me} {key}", f"ben@ops {second.key.line}")
        countersign(desk.directory, second, desk.allowed)
        (desk.folder / "revoked_keys").write_text(f"{second.key.line}\n")
        verdict = verify(desk.directory, desk.allowed, revoked_keys=desk.folder / "revoked_keys")
        assert verdict.status is Status.VALID
        assert [one.bearing for one in verdict.witnesses] == [Bearing.UNTRUSTED]

    @pytest.mark.parametrize(
        "text", ["rubbish\n", "SHA256:abc\n", "ssh-ed25519 AAAA\n", "@revoked * {key}\n"]
    )
    def test_a_line_that_is_not_understood_is_no_list(
        self, desk: Desk, ssh_keygen: SshKeygen, text: str
    ) -> None:
        path = desk.folder / "revoked_keys"
        path.write_text(text.format(key=desk.place.operator.key.line))
        with pytest.raises(RecordError, match="Line 1 of the revoked keys"):
            revoked.read(path)
        desk.trust("{me} {key}")
        name = desk.place.operator.name
        files = (
            desk.allowed,
            name,
            RECORD,
            desk.directory / "seal.sig",
            journal(desk.directory).read_bytes(),
        )
        assert ssh_keygen(*files)
        assert not ssh_keygen(*files, "-r", str(path))

    def test_the_binary_form_is_refused_by_its_name(self, desk: Desk) -> None:
        (desk.folder / "key.pub").write_text(desk.place.operator.key.line)
        command = ["ssh-keygen", "-q", "-k", "-f", "krl", "key.pub"]
        subprocess.run(command, cwd=desk.folder, check=True)
        arguments = ["verify", str(desk.directory), "--revoked", str(desk.folder / "krl")]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2
        assert "KRL" in done.output


def test_the_command_line_says_the_time_as_data(desk: Desk) -> None:
    desk.trust("{me} {key}")
    arguments = ["verify", str(desk.directory), "--allowed-signers", str(desk.allowed), "--format", "json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0
    shown_now = json.loads(done.stdout)
    assert shown_now["verdict"]["judged"]["by"] == "now"
    assert shown_now["session"] == desk.directory.name
    assert not any("-Overify-time" in one for one in shown_now["commands"])
    done = CliRunner().invoke(main, [*arguments, "--at", shown(desk.sealed_at)])
    judged = json.loads(done.stdout)
    assert judged["verdict"]["judged"] == {"at": shown(desk.sealed_at), "by": "given"}
    assert all(f"-Overify-time={stamp(desk.sealed_at)}" in one for one in judged["commands"])
