"""Whom to believe: ssh-keygen and we read the same list the same way."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.errors import RecordError
from signoff.session import sshsig
from signoff.session.allowed_signers import matches, parse, read
from signoff.session.keys import PublicKey
from signoff.session.signer import KeySigner
from signoff.session.sshsig import RECORD
from signoff.session.wire import SignatureError
from unit.session.conftest import SshKeygen

MESSAGE = b"message\n"
NOW = datetime.now(UTC)
PAST, FUTURE = (f"{NOW + timedelta(days=days):%Y%m%d}" for days in (-30, 30))
OTHER = KeySigner.generate("other").key.line

# What stands in the file ({key} being the signer's), and whether it allows the signer to sign the record.
CASES = {
    "plain": ("anna@ops {key}", True),
    "with a comment": ("anna@ops {key} anna's key, of 2026", True),
    "principal in quotes": ('"anna@ops" {key}', True),
    "two principals": ("ben@ops,anna@ops {key}", True),
    "any of a host": ("*@ops {key}", True),
    "one character": ("ann?@ops {key}", True),
    "star alone": ("* {key}", True),
    "no such principal": ("ben@ops {key}", False),
    "longer principal": ("anna@ops.example {key}", False),
    "other case": ("Anna@ops {key}", False),
    "negated": ("*@ops,!anna@ops {key}", False),
    "negated first": ("!anna@ops,* {key}", False),
    "only negated": ("!ben@ops {key}", False),
    "brackets are no pattern": ("ann[a]@ops {key}", False),
    "other key": (f"anna@ops {OTHER}", False),
    "namespace": ('anna@ops namespaces="record@signoff.v1" {key}', True),
    "namespaces": ('anna@ops namespaces="genesis@signoff.v1,record@signoff.v1" {key}', True),
    "namespace pattern": ('anna@ops namespaces="*@signoff.v1" {key}', True),
    "other namespace": ('anna@ops namespaces="git" {key}', False),
    "negated namespace": ('anna@ops namespaces="!record@signoff.v1,*" {key}', False),
    "option in upper case": ('anna@ops NAMESPACES="git" {key}', False),
    "valid after": (f'anna@ops valid-after="{PAST}" {{key}}', True),
    "not yet valid": (f'anna@ops valid-after="{FUTURE}" {{key}}', False),
    "valid before": (f'anna@ops valid-before="{FUTURE}" {{key}}', True),
    "expired": (f'anna@ops valid-before="{PAST}" {{key}}', False),
    "expired to the minute, UTC": (f'anna@ops valid-before="{PAST}0000Z" {{key}}', False),
    "to the second": (f'anna@ops valid-before="{FUTURE}235959" {{key}}', True),
    "to the second, UTC": (f'anna@ops valid-before="{FUTURE}235959Z" {{key}}', True),
    "day in UTC": (f'anna@ops valid-before="{FUTURE}Z" {{key}}', True),
    "both times": (f'anna@ops valid-after="{PAST}",valid-before="{FUTURE}" {{key}}', True),
    "ends before it begins": (f'anna@ops valid-after="{FUTURE}",valid-before="{PAST}" {{key}}', False),
    "malformed time": ('anna@ops valid-before="tomorrow" {key}', False),
    "month 13": ('anna@ops valid-before="20301301" {key}', False),
    "all options": (f'anna@ops valid-after="{PAST}",namespaces="record@*" {{key}}', True),
    "certificate authority": ("anna@ops cert-authority {key}", False),
    "authority with a namespace": ('anna@ops cert-authority,namespaces="*" {key}', False),
    "unknown option": ("anna@ops no-touch {key}", False),
    "option twice": ('anna@ops namespaces="git",namespaces="record@signoff.v1" {key}', False),
    "option without a value": ("anna@ops namespaces {key}", False),
    "option without quotes": ("anna@ops namespaces=record@signoff.v1 {key}", False),
    "quote not closed": ('anna@ops namespaces="record@signoff.v1 {key}', False),
    "principal's quote not closed": ('"anna@ops {key}', False),
    "commented out": ("# anna@ops {key}", False),
    "comment before": ("# operators\n\n   \nanna@ops {key}", True),
    "indented": ("  \t anna@ops {key}", True),
    "tab between": ("anna@ops\t{key}", True),
    "several spaces": ("anna@ops    {key}", True),
    "CRLF": ("anna@ops {key}\r\n", True),
    "line feed at the end": ("anna@ops {key}\n", True),
    "after other lines": (f"ben@ops {OTHER}\ncarl@ops {OTHER}\nanna@ops {{key}}", True),
    "second line of the same key": ("ben@ops {key}\nanna@ops {key}", True),
    "expired, and renewed": (f'anna@ops valid-before="{PAST}" {{key}}\nanna@ops {{key}}', True),
    "other namespace, then right": ('anna@ops namespaces="git" {key}\nanna@ops {key}', True),
    "after a line of rubbish": ("what is this\nanna@ops {key}", True),
    "after rubbish under the same name": ("anna@ops rubbish\nanna@ops {key}", True),
    "after an unknown option for others": ("ben@ops later {key}\nanna@ops {key}", True),
    "after an open quote": ('"ben@ops\nanna@ops {key}', True),
    "before rubbish under the same name": ("anna@ops {key}\nanna@ops rubbish", True),
    "vertical tab after the key": ("anna@ops {key}\x0bcomment", False),
    "tab between type and key": ("anna@ops {tabbed}", True),
    "pattern as long as can be": (f"{'*' * 1022},anna@ops {{key}}", True),
    "pattern too long": (f"{'*' * 1023},anna@ops {{key}}", False),
    "pattern too long after the right one": (f"anna@ops,{'x' * 1023} {{key}}", False),
    "empty principal beside": ("anna@ops,,ben@ops {key}", True),
    "namespace with an escaped quote": ('anna@ops namespaces="a\\"b,record@*" {key}', True),
    "valid before, UTC in words": (f'anna@ops valid-before="{FUTURE}UTC" {{key}}', True),
    "valid before, z": (f'anna@ops valid-before="{FUTURE}z" {{key}}', True),
    "hours alone": (f'anna@ops valid-before="{FUTURE}12" {{key}}', False),
    "seconds without minutes": (f'anna@ops valid-before="{FUTURE}1" {{key}}', False),
    "with a T": (f'anna@ops valid-before="{FUTURE}T1200" {{key}}', False),
    "before 1970": ('anna@ops valid-after="19690101" {key}', False),
    "the first second": ('anna@ops valid-after="19700101Z" {key}', False),
    "the year 1": ('anna@ops valid-after="00010101Z" {key}', False),
    "the year 9999": ('anna@ops valid-before="99991231" {key}', True),
    "no time": ('anna@ops valid-before="" {key}', False),
    "NUL": ('anna@ops namespaces="*,\0" {key}', False),
    "key with rubbish in it": ("anna@ops {key}!", False),
    "no key": ("anna@ops", False),
    "empty": ("", False),
}


def allowed(text: bytes, signer: KeySigner, name: str = "anna@ops") -> str:
    return parse(text).refusal(name, signer.key, RECORD, datetime.now(UTC))


@pytest.mark.parametrize(("text", "good"), CASES.values(), ids=CASES.keys())
def test_ssh_keygen_and_we_agree(text: str, good: bool, ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    signer = KeySigner.generate("anna@ops")
    listed = text.format(key=signer.key.line, tabbed=signer.key.line.replace(" ", " \t")).encode()
    (tmp_path / "allowed").write_bytes(listed)
    (tmp_path / "sig").write_text(signer.sign(RECORD, MESSAGE))
    theirs = ssh_keygen(tmp_path / "allowed", "anna@ops", RECORD, tmp_path / "sig", MESSAGE)
    ours = allowed(listed, signer) == ""
    assert (ours, theirs) == (good, good)


def test_a_refusal_says_why() -> None:
    signer = KeySigner.generate("anna@ops")
    key = signer.key.line
    said = {
        "not among the allowed signers": f"ben@ops {key}",
        "line 2 of the allowed signers does not count: ": f"ben@ops {key}\nrubbish",
        "does not allow the key to sign for record@signoff.v1": f'* namespaces="git" {key}',
        "allowed the key until": f'* valid-before="{PAST}" {key}',
        "allows the key only from": f'* valid-after="{FUTURE}" {key}',
        "certificate authority, which signoff does not accept": f"* cert-authority {key}",
    }
    for reason, text in said.items():
        assert reason in allowed(text.encode(), signer)


# Zones with summer time on either side of the equator, with half hours, and far from Greenwich.
ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Kiritimati"]
STAMPS = ["20260102", "20260702", "202607021200", "20260702120030", "202607021200Z", "20260702120030UTC"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize("option", ["valid-after", "valid-before"])
def test_a_window_opens_and_closes_in_the_same_second(
    option: str, stamp: str, zone: str, ssh_keygen: SshKeygen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = KeySigner.generate("anna@ops")
    listed = f'anna@ops {option}="{stamp}" {signer.key.line}\n'
    (tmp_path / "allowed").write_text(listed)
    (tmp_path / "sig").write_text(signer.sign(RECORD, MESSAGE))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        (entry,) = parse(listed.encode()).entries
        edge = entry.valid_after or entry.valid_before
        assert edge
        for seconds in (-1, 0, 1):
            at = edge + timedelta(seconds=seconds)
            theirs = ssh_keygen(
                tmp_path / "allowed",
                "anna@ops",
                RECORD,
                tmp_path / "sig",
                MESSAGE,
                f"-Overify-time={at:%Y%m%d%H%M%S}Z",
            )
            ours = parse(listed.encode()).refusal("anna@ops", signer.key, RECORD, at) == ""
            assert ours is theirs is (seconds >= 0 if option == "valid-after" else seconds <= 0)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_fractions_of_a_second_do_not_count() -> None:
    key = KeySigner.generate("x").key
    listed = parse(f'* valid-before="20260702120000Z" {key.line}'.encode())
    assert listed.refusal("x", key, RECORD, datetime(2026, 7, 2, 12, 0, 0, 999_999, UTC)) == ""
    assert listed.refusal("x", key, RECORD, datetime(2026, 7, 2, 12, 0, 1, tzinfo=UTC))


STRICTER = {
    "a day that the month has not": 'anna@ops valid-after="20260231" {key}',
    "blanks within a time": 'anna@ops valid-after="2026 7 2" {key}',
}


@pytest.mark.parametrize("text", STRICTER.values(), ids=STRICTER.keys())
def test_what_only_ssh_keygen_reads_allows_nobody(text: str, ssh_keygen: SshKeygen, tmp_path: Path) -> None:
    signer = KeySigner.generate("anna@ops")
    listed = text.format(key=signer.key.line).encode()
    (tmp_path / "allowed").write_bytes(listed)
    (tmp_path / "sig").write_text(signer.sign(RECORD, MESSAGE))
    at = "-Overify-time=20300101Z"
    assert ssh_keygen(tmp_path / "allowed", "anna@ops", RECORD, tmp_path / "sig", MESSAGE, at)
    assert "does not count" in allowed(listed, signer)


def test_a_certificate_is_refused_by_its_name(tmp_path: Path) -> None:
    for name in ("authority", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    subprocess.run(
        [
            "ssh-keygen",
            "-q",
            "-s",
            tmp_path / "authority",
            "-I",
            "id",
            "-n",
            "anna@ops",
            tmp_path / "key.pub",
        ],
        check=True,
        capture_output=True,
    )
    made = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", tmp_path / "key-cert.pub", "-n", RECORD],
        input=MESSAGE,
        capture_output=True,
        check=True,
    )
    certificate = PublicKey.from_line((tmp_path / "key-cert.pub").read_text())
    with pytest.raises(SignatureError, match="certificate, which signoff does not accept"):
        certificate.check()
    with pytest.raises(SignatureError, match="certificate, which signoff does not accept"):
        sshsig.parse(made.stdout).verify_message(RECORD, MESSAGE)


def test_a_list_that_is_not_there_is_an_error_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"no file .*/none with the allowed signers"):
        read(tmp_path / "none")
    with pytest.raises(
        RecordError, match=r"The file with the allowed signers could not be read, .*: not a regular file"
    ):
        read(tmp_path)
    with (tmp_path / "endless").open("wb") as endless:
        endless.truncate((1 << 22) + 1)
    with pytest.raises(RecordError, match="far too long for the allowed signers"):
        read(tmp_path / "endless")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_rubbish_allows_nobody_and_never_crashes(rubbish: bytes) -> None:
    assert allowed(rubbish, KeySigner.generate("x"))


@settings(max_examples=200, deadline=None)
@given(st.text("ab*?!,.", max_size=12), st.text("ab.", max_size=6))
def test_a_pattern_list_matches_by_its_definition(patterns: str, text: str) -> None:
    def glob(pattern: str, rest: str) -> bool:
        if not pattern:
            return not rest
        if pattern[0] == "*":
            return any(glob(pattern[1:], rest[at:]) for at in range(len(rest) + 1))
        return bool(rest) and pattern[0] in {"?", rest[0]} and glob(pattern[1:], rest[1:])

    listed = patterns.split(",")
    negated = any(glob(one[1:], text) for one in listed if one.startswith("!"))
    expected = not negated and any(glob(one, text) for one in listed if not one.startswith("!"))
    assert matches(patterns, text) == expected
