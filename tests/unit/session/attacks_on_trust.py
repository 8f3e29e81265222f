"""Attacks on what a record rests on: keys, signatures, the ledger, the place it came from, the clocks."""

from __future__ import annotations

import json
from collections.abc import Iterator

from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.verify import Status
from unit.session.armours import ODD_SIGNATURES, OddSignature
from unit.session.attack import BYTES, COPIES, COPY, FUTURE, LEDGER, OTHER, PAST, SEAL, Attack
from unit.session.records import journal
from unit.session.scene import (
    Do,
    change_bytes,
    change_ledger,
    clock,
    replace,
    swap_sessions,
    swap_signatures,
    to_another_machine,
    to_another_slot,
    under_another_name,
    with_copies,
)


def signers() -> Iterator[Attack]:
    swapped = "swap signatures"
    yield Attack(swapped, "genesis.sig and seal.sig", swap_signatures, says="genesis.sig")
    yield Attack(swapped, "the seal of another session", swap_sessions, says=SEAL)
    other = "other key"
    yield Attack(other, "signs both", lambda scene: scene.sign(OTHER), says="another key than line 1")
    yield Attack(
        other,
        "signs the seal",
        lambda scene: scene.seal.write_text(OTHER.sign(RECORD, journal(scene.directory).read_bytes())),
        says="another key than genesis.sig",
    )
    yield Attack(
        other,
        "is the only one trusted, under the same name",
        lambda scene: scene.trust(f"{{name}} {OTHER.key.line}\n"),
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
        lambda scene: scene.trust(f'{{name}} valid-before="{PAST}" {{key}}\n'),
        Status.UNTRUSTED,
        "until",
    )
    yield Attack(
        old,
        "not valid yet",
        lambda scene: scene.trust(f'{{name}} valid-after="{FUTURE}" {{key}}\n'),
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


def signatures() -> Iterator[Attack]:
    def changed(odd: OddSignature) -> Do:
        return change_bytes(lambda old: odd.change(old.decode()).encode(), SEAL)

    for odd in ODD_SIGNATURES:
        yield Attack(f"verifiers differ: {odd.row}", odd.what, changed(odd), says=SEAL, laxer=odd.laxer)


def replays() -> Iterator[Attack]:
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
        laxer=COPIES,
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
        laxer=LEDGER,
    )
    yield Attack(
        row,
        "a seal of another file in the ledger",
        change_ledger(lambda old: [old[0], old[1].replace(json.loads(old[1])["digest"].encode(), b"0" * 64)]),
        says="another seal",
        laxer=LEDGER,
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


def clocks() -> Iterator[Attack]:
    row = "clock back, forward, reboot mid-session"
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
        laxer=BYTES,
    )
