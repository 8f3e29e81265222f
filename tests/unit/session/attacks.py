"""Every attack on a record that it was designed against, as data: what is done, and what must come of it.

``ROWS`` is the design's list. Each attack is judged by signoff and by stock ssh-keygen, on the same bytes and
with the same list of signers. They must agree. Where ssh-keygen accepts what signoff does not, ``laxer`` says
why; the other way round is never allowed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from signoff.session.signer import KeySigner
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.verify import Status
from unit.session.armours import ODD_SIGNATURES, OddSignature
from unit.session.records import Place, journal
from unit.session.scene import (
    Do,
    add_odd_line,
    change_bytes,
    change_ledger,
    change_lines,
    clock,
    cut_to,
    entered_last,
    flip,
    next_line,
    put_instead,
    remove,
    replace,
    splice,
    splice_and_seal,
    swap_sessions,
    swap_signatures,
    to_another_machine,
    to_another_slot,
    to_last_checkpoint,
    under_another_name,
    with_copies,
)

ROWS = (
    "flip every byte of each file",
    "reorder",
    "delete the head, the middle, the tail",
    "duplicate",
    "insert",
    "append after the seal",
    "splice two sessions",
    "swap signatures",
    "other key",
    "expired or revoked key",
    "wrong namespace or principal",
    "verifiers differ: Ed25519 S + L",
    "verifiers differ: reserved set after signing",
    "verifiers differ: junk after END",
    "verifiers differ: junk before BEGIN, trailing blob bytes",
    "verifiers differ: inner hash md5 or sha1",
    "verifiers differ: CRLF armour",
    "CRLF",
    "BOM",
    "duplicate keys",
    "NaN",
    "huge integers",
    "deep nesting",
    "a very long line",
    "not UTF-8",
    "missing fields",
    "empty file",
    "a file that is none",
    "seal deleted",
    "rollback to an older checkpoint",
    "replay on another host, checklist or ledger slot",
    "ledger tail deleted",
    "clock back, forward, reboot mid-session",
)


@dataclass(frozen=True)
class Attack:
    """One attack: what is done to a record, what signoff must say, and what its reason must speak of."""

    row: str
    what: str
    do: Do
    ours: Status = Status.INVALID
    says: str = ""
    laxer: str = ""
    begin: Callable[[Place], Path] = Place.sealed


_OTHER = KeySigner.generate("other@host")
_PAST = f"{datetime.now(UTC) - timedelta(days=30):%Y%m%d}"
_FUTURE = f"{datetime.now(UTC) + timedelta(days=30):%Y%m%d}"
_BYTES = "it reads bytes and not lines, and the bytes are signed"
_ARMOUR = "only in its line feeds: it skips white space, and what follows END"
_COPIES = "it is not shown the checklists"
_LEDGER = "it is not shown the ledger"
J, SEAL, COPY = "session.jsonl", "seal.sig", "quick.yaml"


def _flips() -> Iterator[Attack]:
    row = ROWS[0]
    yield Attack(row, "of session.jsonl", flip(J))
    yield Attack(row, "of genesis.sig", flip("genesis.sig"), says="genesis.sig", laxer=_ARMOUR)
    yield Attack(row, "of seal.sig", flip(SEAL), says=SEAL, laxer=_ARMOUR)
    yield Attack(row, "of a kept checklist", flip(COPY), says=COPY, laxer=_COPIES, begin=with_copies)
    yield Attack(
        row,
        "of an open session.jsonl, to its last checkpoint",
        flip(J, to_last_checkpoint),
        laxer="it sees line 1 only while there is no seal",
        begin=entered_last,
    )


def _lines_moved() -> Iterator[Attack]:
    yield Attack(
        "reorder",
        "lines 2 and 3",
        change_lines(lambda old: [old[0], old[2], old[1], *old[3:]]),
        says="line 3",
    )
    yield Attack(
        "reorder", "lines 1 and 2", change_lines(lambda old: [old[1], old[0], *old[2:]]), says="line 2"
    )
    yield Attack("reorder", "back to front", change_lines(lambda old: old[::-1]), says="line 6")
    deleted = "delete the head, the middle, the tail"
    yield Attack(deleted, "line 1", change_lines(lambda old: old[1:]), says="line 2")
    yield Attack(deleted, "line 3", change_lines(lambda old: old[:2] + old[3:]), says="line 4")
    yield Attack(deleted, "the last line", change_lines(lambda old: old[:-1]), says=SEAL)
    yield Attack(deleted, "all but line 1", change_lines(lambda old: old[:1]), says=SEAL)
    yield Attack(deleted, "the last line feed", change_bytes(lambda old: old[:-1]), says=SEAL)
    yield Attack("duplicate", "line 3", change_lines(lambda old: [*old[:3], *old[2:]]), says="line 3")
    yield Attack("duplicate", "the whole file", change_lines(lambda old: old + old), says="line 1")
    yield Attack(
        "insert", "rubbish", change_lines(lambda old: [*old[:3], b"x\n", *old[3:]]), says="not an event"
    )
    yield Attack(
        "insert", "an empty line", change_lines(lambda old: [*old[:3], b"\n", *old[3:]]), says="not an event"
    )
    yield Attack(
        "insert",
        "a chained line",
        change_lines(lambda old: [*old[:2], next_line(old[:2]), *old[2:]]),
        says="line 4 it says that it is line 3",
    )
    yield Attack(
        "insert",
        "another value",
        replace(b"3 keys", b"4 keys"),
        says="line before it",
    )
    after = "append after the seal"
    yield Attack(after, "a chained line", change_lines(lambda old: [*old, next_line(old)]), says=SEAL)
    yield Attack(after, "rubbish", change_bytes(lambda old: old + b"x\n"), says="not an event")
    yield Attack(after, "an empty line", change_bytes(lambda old: old + b"\n"), says="not an event")
    yield Attack(after, "bytes without a line feed", change_bytes(lambda old: old + b"x"), says=SEAL)
    yield Attack(after, "a NUL", change_bytes(lambda old: old + b"\0"), says=SEAL)
    yield Attack(
        after,
        "a line that owes a checkpoint, signed again",
        add_odd_line(lambda line: line),
        says="checkpoint",
        laxer=_BYTES,
    )
    yield Attack(
        "splice two sessions", "two lines of one, the rest of another", splice, says="line before it"
    )
    yield Attack(
        "splice two sessions", "the same, signed again", splice_and_seal, says="line before it", laxer=_BYTES
    )


def _signers() -> Iterator[Attack]:
    swapped = "swap signatures"
    yield Attack(swapped, "genesis.sig and seal.sig", swap_signatures, says="genesis.sig")
    yield Attack(swapped, "the seal of another session", swap_sessions, says=SEAL)
    other = "other key"
    yield Attack(other, "signs both", lambda scene: scene.sign(_OTHER), says="another key than line 1")
    yield Attack(
        other,
        "signs the seal",
        lambda scene: scene.seal.write_text(_OTHER.sign(RECORD, journal(scene.directory).read_bytes())),
        says="another key than genesis.sig",
    )
    yield Attack(
        other,
        "is the only one trusted, under the same name",
        lambda scene: scene.trust(f"{{name}} {_OTHER.key.line}\n"),
        Status.UNTRUSTED,
        "not among the allowed",
    )
    yield Attack(
        other,
        "is that of an operator whom nobody lists",
        lambda scene: scene.trust(""),
        Status.UNTRUSTED,
        "not among the allowed",
    )
    old = "expired or revoked key"
    yield Attack(
        old,
        "expired",
        lambda scene: scene.trust(f'{{name}} valid-before="{_PAST}" {{key}}\n'),
        Status.UNTRUSTED,
        "until",
    )
    yield Attack(
        old,
        "not valid yet",
        lambda scene: scene.trust(f'{{name}} valid-after="{_FUTURE}" {{key}}\n'),
        Status.UNTRUSTED,
        "only from",
    )
    yield Attack(
        old,
        "revoked: its line is commented out",
        lambda scene: scene.trust("# {name} {key}\n"),
        Status.UNTRUSTED,
        "not among",
    )
    wrong = "wrong namespace or principal"
    yield Attack(
        wrong,
        "the seal is signed as a genesis",
        lambda scene: scene.sign(seal=GENESIS),
        says="genesis@signoff.v1",
    )
    yield Attack(
        wrong,
        "the genesis is signed as a record",
        lambda scene: scene.sign(genesis=RECORD),
        says="record@signoff.v1",
    )
    yield Attack(wrong, "the seal is signed as a file", lambda scene: scene.sign(seal="file"), says="file")
    yield Attack(
        wrong,
        "the key is listed for git only",
        lambda scene: scene.trust('{name} namespaces="git" {key}\n'),
        Status.UNTRUSTED,
        "does not allow",
    )
    yield Attack(
        wrong,
        "the key is listed for one of both",
        lambda scene: scene.trust('{name} namespaces="genesis@signoff.v1" {key}\n'),
        Status.UNTRUSTED,
        "does not allow",
    )
    yield Attack(
        wrong,
        "the key is listed under another name",
        lambda scene: scene.trust("ben@ops {key}\n"),
        Status.UNTRUSTED,
        "under the name",
    )
    yield Attack(
        wrong,
        "the key is an authority for certificates",
        lambda scene: scene.trust("{name} cert-authority {key}\n"),
        Status.UNTRUSTED,
        "authority",
    )


def _signatures() -> Iterator[Attack]:
    rows = {row.partition(": ")[2]: row for row in ROWS if row.startswith("verifiers differ")}

    def changed(odd: OddSignature) -> Do:
        return change_bytes(lambda old: odd.change(old.decode()).encode(), SEAL)

    for odd in ODD_SIGNATURES:
        yield Attack(rows[odd.row], odd.what, changed(odd), says=SEAL, laxer=odd.laxer)


def _forms() -> Iterator[Attack]:
    seq = b'"seq":'
    odd: dict[str, dict[str, Callable[[bytes], bytes]]] = {
        "CRLF": {"": lambda line: line.replace(b"\n", b"\r\n")},
        "BOM": {"": lambda line: b"\xef\xbb\xbf" + line},
        "duplicate keys": {
            "same value": lambda line: line.replace(b'{"boot"', b'{"host_key":"","boot"'),
            "two values": lambda line: line.replace(seq, b'"seq":1,"seq":'),
        },
        "NaN": {
            "": lambda line: line.replace(seq, b'"seq":NaN,"x":'),
            "in the place of a number": lambda line: line.replace(b'"monotonic":', b'"monotonic":NaN,"x":'),
            "Infinity": lambda line: line.replace(seq, b'"seq":Infinity,"x":'),
        },
        "huge integers": {
            "5,000 digits": lambda line: line.replace(b'"monotonic":', b'"monotonic":' + b"9" * 5000),
            "64 bits and one": lambda line: line.replace(
                b'"monotonic":', b'"monotonic":9223372036854775808,"x":'
            ),
            "a float": lambda line: line.replace(b'"monotonic":', b'"monotonic":1e999,"x":'),
        },
        "deep nesting": {
            "100,000 lists": lambda _: b"[" * 100_000 + b"\n",
            "in a value": lambda line: line.replace(
                b'"host_key":""', b'"host_key":' + b"[" * 900 + b"]" * 900
            ),
        },
        "a very long line": {
            "3 MB": lambda line: line.replace(b'"host_key":""', b'"host_key":"' + b"x" * 3_000_000 + b'"'),
            "3 MB without an end": lambda line: line[:-1] + b"x" * 3_000_000,
        },
        "not UTF-8": {
            "a byte": lambda line: line.replace(b'"host_key":""', b'"host_key":"\xff"'),
            "UTF-16": lambda line: line.decode().encode("utf-16"),
            "a lone surrogate": lambda line: line.replace(b'"host_key":""', b'"host_key":"\\ud800"'),
        },
        "missing fields": {
            name: lambda line, name=name: _without(line, name)  # type: ignore[misc]
            for name in ("boot", "monotonic", "prev", "seq", "session", "time", "type", "host_key")
        },
    }
    for row, changes in odd.items():
        for what, change in changes.items():
            yield Attack(
                row,
                f"{what}, signed again".lstrip(", "),
                add_odd_line(change),
                says="line 7|line 6",
                laxer=_BYTES,
            )
    yield Attack("CRLF", "throughout", change_bytes(lambda old: old.replace(b"\n", b"\r\n")), says="line 1")
    yield Attack(
        "BOM",
        "at the beginning, signed again",
        change_bytes(lambda old: b"\xef\xbb\xbf" + old, signed=True),
        says="line 1",
        laxer=_BYTES,
    )
    yield Attack(
        "not UTF-8",
        "the whole file in UTF-16",
        change_bytes(lambda old: old.decode().encode("utf-16")),
        says="line 1",
    )


def _without(line: bytes, name: str) -> bytes:
    fields = json.loads(line)
    del fields[name]
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _files() -> Iterator[Attack]:
    for name in (J, "genesis.sig", SEAL):
        yield Attack("empty file", name, change_bytes(lambda _: b"", name), says=name)
    none = "a file that is none"
    for name in (J, "genesis.sig", SEAL):
        yield Attack(
            none, f"{name} is a folder", put_instead(name, Path.mkdir), says=f"{name} cannot be read"
        )
        yield Attack(
            none,
            f"{name} is a link",
            put_instead(name, lambda path: path.symlink_to("moved")),
            says=f"{name} cannot be read",
            laxer="it follows links",
        )
    yield Attack(none, "genesis.sig is missing", remove("genesis.sig"), says="genesis.sig is missing")
    yield Attack(none, "session.jsonl is missing", remove(J), says="session.jsonl is missing")
    yield Attack(none, "seal.sig has 20 kB", change_bytes(lambda _: b"A" * 20_000, SEAL), says="too long")
    yield Attack(
        "seal deleted", "seal.sig", remove(SEAL), Status.UNSEALED, "no seal.*knows a seal.*taken away"
    )
    for keep in (5, 3, 1):
        yield Attack(
            "rollback to an older checkpoint",
            f"and the seal deleted: {keep} lines left",
            cut_to(keep),
            Status.UNSEALED,
            "no seal",
        )
    yield Attack(
        "rollback to an older checkpoint",
        "of an open record",
        cut_to(3),
        Status.UNSEALED,
        "no seal",
        begin=Place.unsealed,
    )
    yield Attack(
        "rollback to an older checkpoint", "and the seal kept", change_lines(lambda old: old[:4]), says=SEAL
    )


def _replays() -> Iterator[Attack]:
    row = "replay on another host, checklist or ledger slot"
    for what, old, new in (
        ("line 1 names another host key", b'"host_key":"SHA256:x"', b'"host_key":"SHA256:y"'),
        ("line 1 names another machine", b'"machine_id":"m"', b'"machine_id":"n"'),
        ("line 1 names another address", b"deploy@shop.example", b"deploy@stop.example"),
        ("line 1 names another checklist", b'"id":"quick"', b'"id":"quack"'),
    ):
        yield Attack(row, what, replace(old, new), says="line 1")
    yield Attack(
        row,
        "another checklist is put beside it",
        change_bytes(lambda _: b"id: quick\nsteps: []\n", COPY),
        says=COPY,
        laxer=_COPIES,
        begin=with_copies,
    )
    yield Attack(
        row,
        "carried to a machine with a ledger of its own",
        to_another_machine,
        Status.VALID,
        "does not know the session",
    )
    yield Attack(row, "under another session's name", under_another_name, Status.VALID, "folder is called")
    yield Attack(
        row,
        "in another slot of the ledger",
        to_another_slot,
        says="another session under this id",
        laxer=_LEDGER,
    )
    yield Attack(
        row,
        "a seal of another file in the ledger",
        change_ledger(lambda old: [old[0], old[1].replace(json.loads(old[1])["digest"].encode(), b"0" * 64)]),
        says="another seal",
        laxer=_LEDGER,
    )
    tail = "ledger tail deleted"
    yield Attack(
        tail, "its seal's line", change_ledger(lambda old: old[:1]), Status.VALID, "does not know the seal"
    )
    yield Attack(
        tail, "all its lines", change_ledger(lambda _: []), Status.VALID, "does not know the session"
    )
    yield Attack(
        tail,
        "half of its seal's line",
        change_ledger(lambda old: [old[0], old[1][:50]]),
        Status.VALID,
        "ledger is damaged at line 2",
    )


def _clocks() -> Iterator[Attack]:
    row = ROWS[-1]
    one, two = "boot-1", "boot-2"
    yield Attack(
        row, "an hour back", clock((60, 60, one), (-3600, 1, one)), Status.VALID, "set back at line 4"
    )
    yield Attack(
        row,
        "an hour back after two hours",
        clock((60, 60, one), (3600, 7200, one)),
        Status.VALID,
        "set back at line 4",
    )
    yield Attack(
        row,
        "an hour forward",
        clock((60, 60, one), (3600, 1, one)),
        Status.VALID,
        "slept, or the clock was set forward, at line 4",
    )
    yield Attack(row, "reboot", clock((60, 60, one), (60, -999, two)), Status.VALID)
    yield Attack(
        row,
        "reboot, and an hour back",
        clock((60, 60, one), (-3600, -999, two)),
        Status.VALID,
        "set back at line 4",
    )
    yield Attack(
        row,
        "the monotonic clock runs back within a boot, forged",
        clock((1, 5, one), (1, -3, one), forged=True),
        says="line 4.*monotonic",
        laxer=_BYTES,
    )


ATTACKS: tuple[Attack, ...] = tuple(
    attack
    for group in (_flips, _lines_moved, _signers, _signatures, _forms, _files, _replays, _clocks)
    for attack in group()
)
