"""Attacks on a record's bytes: flipped, moved, deleted, added, written otherwise, and whole files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from signoff.session.verify import Status
from unit.session.attack import ARMOUR, BYTES, COPIES, COPY, SEAL, Attack, J
from unit.session.records import Place
from unit.session.scene import (
    add_odd_line,
    change_bytes,
    change_lines,
    cut_to,
    entered_last,
    flip,
    next_line,
    put_instead,
    remove,
    replace,
    splice,
    splice_and_seal,
    to_last_checkpoint,
    with_copies,
)


def flips() -> Iterator[Attack]:
    row = "flip every byte of each file"
    yield Attack(row, "of session.jsonl", flip(J))
    yield Attack(row, "of genesis.sig", flip("genesis.sig"), says="genesis.sig", laxer=ARMOUR)
    yield Attack(row, "of seal.sig", flip(SEAL), says=SEAL, laxer=ARMOUR)
    yield Attack(row, "of a kept checklist", flip(COPY), says=COPY, laxer=COPIES, begin=with_copies)
    yield Attack(
        row,
        "of an open session.jsonl, to its last checkpoint",
        flip(J, to_last_checkpoint),
        laxer="it sees line 1 only while there is no seal",
        begin=entered_last,
    )


def lines_moved() -> Iterator[Attack]:
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
        laxer=BYTES,
    )
    yield Attack(
        "splice two sessions", "two lines of one, the rest of another", splice, says="line before it"
    )
    yield Attack(
        "splice two sessions", "the same, signed again", splice_and_seal, says="line before it", laxer=BYTES
    )


def forms() -> Iterator[Attack]:
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
                laxer=BYTES,
            )
    yield Attack("CRLF", "throughout", change_bytes(lambda old: old.replace(b"\n", b"\r\n")), says="line 1")
    yield Attack(
        "BOM",
        "at the beginning, signed again",
        change_bytes(lambda old: b"\xef\xbb\xbf" + old, signed=True),
        says="line 1",
        laxer=BYTES,
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


def files() -> Iterator[Attack]:
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
