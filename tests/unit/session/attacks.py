"""Every attack on a record that it was designed against, as data: what is done, and what must come of it.

``ROWS`` is the design's list. Each attack is judged by signoff and by stock ssh-keygen, on the same bytes and
with the same list of signers. They must agree. Where ssh-keygen accepts what signoff does not, ``laxer`` says
why; the other way round is never allowed.
"""

from __future__ import annotations

from unit.session.attack import Attack
from unit.session.attacks_on_bytes import files, flips, forms, lines_moved
from unit.session.attacks_on_time import times
from unit.session.attacks_on_trust import clocks, replays, signatures, signers

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
    "when it was signed, and who says so",
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


ATTACKS: tuple[Attack, ...] = tuple(
    attack
    for group in (flips, lines_moved, signers, times, signatures, forms, files, replays, clocks)
    for attack in group()
)
