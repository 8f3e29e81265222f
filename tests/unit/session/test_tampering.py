"""Whatever is changed in a record shows, stock ssh-keygen agrees, and nothing crashes."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signoff.session import store
from signoff.session.line import digest
from signoff.session.signer import KeySigner
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.verify import Standing, Status, Verdict, verify
from unit.session.conftest import SshKeygen
from unit.session.records import Place, journal, lines, write

Change = Callable[[Path, Place], object]


def _swap(directory: Path, at: int) -> None:
    content = lines(directory)
    content[at], content[at + 1] = content[at + 1], content[at]
    write(directory, content)


def _cut(directory: Path, start: int, stop: int) -> None:
    content = lines(directory)
    del content[start:stop]
    write(directory, content)


def _splice(directory: Path, place: Place) -> None:
    other = place.sealed()
    write(directory, lines(directory)[:2] + lines(other)[2:])


def _next_line(directory: Path) -> bytes:
    """Return a well-formed, chained line that could come after the last."""
    content = lines(directory)
    fields = json.loads(content[-1])
    fields |= {"type": "resumed", "signoff": "", "host_key": "", "machine_id": ""}
    fields |= {"seq": len(content) + 1, "prev": digest(content[-1])}
    for name in ("signature", "digest", "lines", "size"):
        fields.pop(name, None)
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _sign(name: str, namespace: str, at: slice, by: KeySigner | None = None) -> Change:
    def change(directory: Path, place: Place) -> None:
        signer = by or place.operator
        signed = b"".join(lines(directory)[at])
        (directory / name).write_text(signer.sign(namespace, signed))

    return change


def _exchange(directory: Path, _place: Place) -> None:
    one, other = (directory / name for name in ("genesis.sig", "seal.sig"))
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])


def _replace(by: Callable[[Path], object]) -> Change:
    def change(directory: Path, _place: Place) -> None:
        journal(directory).rename(directory / "moved")
        by(journal(directory))

    return change


def _rewrite(name: str, to: Callable[[bytes], bytes]) -> Change:
    def change(directory: Path, _place: Place) -> None:
        (directory / name).write_bytes(to((directory / name).read_bytes()))

    return change


OTHER = KeySigner.generate("other@host")
ALL = slice(None)

# Changes to a sealed record, and what the reason must speak of.
J, SEAL = "session.jsonl", "seal.sig"
SEALED_CHANGES: dict[str, tuple[Change, str]] = {
    "a value changed": (_rewrite(J, lambda old: old.replace(b"3 keys", b"4 keys")), "line before it"),
    "head removed": (lambda d, _: _cut(d, 0, 1), "line 2"),
    "middle removed": (lambda d, _: _cut(d, 2, 3), "line 4"),
    "tail removed": (lambda d, _: _cut(d, 5, 6), SEAL),
    "all but genesis removed": (lambda d, _: _cut(d, 1, 6), SEAL),
    "everything removed": (lambda d, _: _cut(d, 0, 6), "empty"),
    "reordered": (lambda d, _: _swap(d, 1), "line 3"),
    "a line twice": (lambda d, _: write(d, [*lines(d)[:3], lines(d)[2], *lines(d)[3:]]), "line 3"),
    "a rubbish line inside": (lambda d, _: write(d, [*lines(d)[:3], b"x\n", *lines(d)[3:]]), "not an event"),
    "an empty line at the end": (_rewrite(J, lambda old: old + b"\n"), "not an event"),
    "rubbish after the seal": (_rewrite(J, lambda old: old + b"x\n"), "not an event"),
    "bytes after the seal": (_rewrite(J, lambda old: old + b"x"), SEAL),
    "a NUL after the seal": (_rewrite(J, lambda old: old + b"\0"), SEAL),
    "a good line after the seal": (lambda d, _: write(d, [*lines(d), _next_line(d)]), SEAL),
    "last line feed removed": (_rewrite(J, lambda old: old[:-1]), SEAL),
    "CRLF": (_rewrite(J, lambda old: old.replace(b"\n", b"\r\n")), "canonical"),
    "BOM": (_rewrite(J, lambda old: b"\xef\xbb\xbf" + old), "not an event"),
    "UTF-16": (_rewrite(J, lambda old: old.decode().encode("utf-16")), "not an event"),
    "a very long line": (_rewrite(J, lambda old: old + b"x" * 3_000_000), "longer than"),
    "spliced with another session": (_splice, "line before it"),
    "signatures exchanged": (_exchange, "genesis.sig"),
    "genesis.sig over the whole": (_sign("genesis.sig", GENESIS, ALL), "genesis.sig"),
    "genesis.sig for the record": (_sign("genesis.sig", RECORD, slice(1)), "genesis.sig"),
    "genesis.sig by another": (_sign("genesis.sig", GENESIS, slice(1), OTHER), "another key"),
    "genesis.sig missing": (lambda d, _: (d / "genesis.sig").unlink(), "genesis.sig is missing"),
    "seal.sig for genesis": (_sign(SEAL, GENESIS, ALL), SEAL),
    "seal.sig over line 1": (_sign(SEAL, RECORD, slice(1)), SEAL),
    "seal.sig by another": (_sign(SEAL, RECORD, ALL, OTHER), "another key"),
    "seal.sig for a file": (_sign(SEAL, "file", ALL), SEAL),
    "seal.sig empty": (_rewrite(SEAL, lambda _: b""), SEAL),
    "seal.sig with CRLF": (_rewrite(SEAL, lambda old: old.replace(b"\n", b"\r\n")), SEAL),
    "seal.sig huge": (_rewrite(SEAL, lambda _: b"A" * 10_000_000), "too long"),
    "journal missing": (lambda d, _: journal(d).unlink(), "session.jsonl is missing"),
    "journal a folder": (_replace(Path.mkdir), "cannot be read as a file"),
    "journal a pipe": (_replace(os.mkfifo), "cannot be read as a file"),
    "journal a link": (_replace(lambda path: path.symlink_to("moved")), "cannot be read as a file"),
    "checklist changed": (lambda d, _: (d / "quick.yaml").write_text("id: quick\n"), "quick.yaml"),
}


def said(verdict: Verdict) -> str:
    return f"line {verdict.line}: {verdict.reason}" if verdict.line else verdict.reason


@pytest.mark.parametrize(("change", "reason"), SEALED_CHANGES.values(), ids=SEALED_CHANGES.keys())
def test_a_changed_record_is_invalid_and_the_reason_says_where(
    place: Place, change: Change, reason: str
) -> None:
    directory = place.sealed()
    assert verify(directory).status is Status.VALID
    change(directory, place)
    verdict = verify(directory)
    assert verdict.status is Status.INVALID
    assert re.search(reason, said(verdict)), said(verdict)
    assert verdict.reason.isprintable()


@pytest.mark.parametrize("remains", [6, 5, 4, 3, 2, 1])
def test_a_record_whose_seal_and_end_are_gone_is_unsealed_never_valid(place: Place, remains: int) -> None:
    directory = place.sealed()
    (directory / "seal.sig").unlink()
    _cut(directory, remains, 6)
    verdict = verify(directory)
    assert (verdict.status, verdict.lines) == (Status.UNSEALED, remains)
    assert verdict.ledger is Standing.CONTRADICTS
    assert any("seal" in remark for remark in verdict.remarks)


def test_ssh_keygen_agrees_on_every_change_of_the_record(place: Place, ssh_keygen: SshKeygen) -> None:
    """Every byte is flipped for us; ssh-keygen, a process each, sees one in forty and each line's ends."""
    with place.start() as session:
        session.seal(place.operator)
    directory = session.directory
    path, seal = journal(directory), directory / "seal.sig"
    data = path.read_bytes()
    allowed, name = place.allowed_signers, place.operator.name
    assert ssh_keygen(allowed, name, RECORD, seal, data)
    ends = {at for at, byte in enumerate(data) if byte == 10}
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]
        path.write_bytes(flipped)
        assert verify(directory).status is Status.INVALID, at
        if at % 40 == 0 or at in ends:
            assert not ssh_keygen(allowed, name, RECORD, seal, flipped)


@pytest.mark.parametrize("name", ["genesis.sig", "seal.sig"])
def test_every_changed_byte_of_a_signature_is_invalid(place: Place, name: str) -> None:
    directory = place.sealed()
    data = (directory / name).read_bytes()
    for at in range(len(data)):
        (directory / name).write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        assert verify(directory).status is Status.INVALID, at


def test_every_changed_byte_of_an_open_record_shows_up_to_its_last_checkpoint(place: Place) -> None:
    directory = place.unsealed()
    data = journal(directory).read_bytes()
    for at in range(0, len(b"".join(lines(directory)[:5])), 7):
        journal(directory).write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        verdict = verify(directory)
        assert verdict.status is Status.INVALID, at
    journal(directory).write_bytes(data[:-1] + b"\x00")
    torn = verify(directory)
    assert (torn.status, torn.lines) == (Status.UNSEALED, 5)


RUBBISH = st.sampled_from([b"\n", b"[" * 2000, b"\\ud800", b"1e999", b'"'])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_rubbish_crashes_it(place: Place, data: st.DataObject) -> None:
    directory = place.sessions / "fuzzed"
    if not directory.exists():
        shutil.copytree(place.sealed(), directory)
    name = data.draw(st.sampled_from(["session.jsonl", "genesis.sig", "seal.sig"]))
    original = (directory / name).read_bytes()
    start = data.draw(st.integers(0, len(original)))
    stop = data.draw(st.integers(start, min(len(original), start + 40)))
    rubbish = data.draw(st.binary(max_size=40) | RUBBISH)
    changed = original[:start] + rubbish + original[stop:]
    (directory / name).write_bytes(changed)
    try:
        verdict = verify(directory)
        assert verdict.status is (Status.VALID if changed == original else Status.INVALID)
        assert store.summary(directory).id == directory.name
    finally:
        (directory / name).write_bytes(original)
