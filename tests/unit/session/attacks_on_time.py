"""Attacks with keys that were good at another time, and with time-stamps that are not what they seem."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signoff.session import tip
from signoff.session.clock import Moment
from signoff.session.timestamp import request
from signoff.session.verify import Status
from unit.authority import Authority
from unit.session.attack import FUTURE, PAST, Attack
from unit.session.records import Place
from unit.session.scene import Do, Scene

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=60)
"""Before ``PAST``, when a key that has expired since was good."""
EXPIRED = f'{{name}} valid-before="{PAST}" {{key}}\n'
BEGUN = f'{{name}} valid-after="{PAST}" {{key}}\n'


def long_ago(place: Place) -> Path:
    """Return a record whose clock says that it is old: made then, or dated back now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tip, "read_clock", lambda: Moment(LONG_AGO, 10**12, "boot-1"))
        return place.sealed()


def authority(scene: Scene, name: str = "Tests") -> Authority:
    made = Authority(scene.place.config / name, name)
    made.issue(days=(-90, 90))
    return made


def stamped(directory: Path, by: Authority, at: datetime) -> bytes:
    """Return an authority's stamp of a record, from a time."""
    message = b"".join((directory / name).read_bytes() for name in ("session.jsonl", "seal.sig"))
    return by.stamp_with("tsa", at)(request(message).as_bytes())


def stamp(at: datetime, line: str, *, name: str = "Tests", trusting: bool = True) -> Do:
    """Have the record stamped as of a time, by an authority that the verifier trusts, or does not."""

    def do(scene: Scene) -> None:
        trusted = authority(scene)
        by = trusted if name == "Tests" else authority(scene, name)
        scene.tsa_ca = trusted.ca if trusting else None
        (scene.directory / "timestamp.tsr").write_bytes(stamped(scene.directory, by, at))
        scene.trust(line)

    return do


def of_another_record(scene: Scene) -> None:
    by = authority(scene)
    scene.tsa_ca = by.ca
    (scene.directory / "timestamp.tsr").write_bytes(stamped(long_ago(scene.place), by, LONG_AGO))
    scene.trust(EXPIRED)


def with_its_time_changed(scene: Scene) -> None:
    by = authority(scene)
    scene.tsa_ca = by.ca
    token = stamped(scene.directory, by, NOW)
    changed, count = re.subn(rb"\x18\x0f\d{14}Z", b"\x18\x0f%sZ" % f"{LONG_AGO:%Y%m%d%H%M%S}".encode(), token)
    assert count == 1
    (scene.directory / "timestamp.tsr").write_bytes(changed)
    scene.trust(EXPIRED)


def vouched(line: str) -> Do:
    """Have the verifier vouch for the time, with ``--at``."""

    def do(scene: Scene) -> None:
        scene.at = LONG_AGO + timedelta(days=1)
        scene.trust(line)

    return do


def revoked(scene: Scene) -> None:
    stamp(LONG_AGO, "{name} {key}\n")(scene)
    scene.revoked = scene.place.config / "revoked_keys"
    scene.revoked.write_text(f"{scene.place.operator.key.line}\n")


def times() -> Iterator[Attack]:
    row, until, word = "when it was signed, and who says so", "until", "operator's word"

    def attack(what: str, do: Do, ours: Status = Status.UNTRUSTED, says: str = "") -> Attack:
        return Attack(row, what, do, ours, says, begin=long_ago)

    yield attack("expired since: only the record says when", lambda scene: scene.trust(EXPIRED), says=word)
    yield attack("expired since, stamped before", stamp(LONG_AGO, EXPIRED), Status.VALID)
    yield attack("expired since, the verifier vouches for the time", vouched(EXPIRED), Status.VALID)
    yield attack(
        "expired since, stamped before, but nobody vouches for the authority",
        stamp(LONG_AGO, EXPIRED, trusting=False),
        says=word,
    )
    yield attack(
        "expired since, stamped before by another authority",
        stamp(LONG_AGO, EXPIRED, name="Other"),
        says=word,
    )
    yield attack("stolen when it had expired, dated back, stamped now", stamp(NOW, EXPIRED), says=until)
    yield attack(
        "stolen when it had expired, dated back, with another record's stamp", of_another_record, says=word
    )
    yield attack(
        "stolen when it had expired, dated back, the stamp's time changed", with_its_time_changed, says=word
    )
    yield attack("not valid yet when it was stamped", stamp(LONG_AGO, BEGUN), says="only from")
    yield attack("not valid yet at the verifier's time", vouched(BEGUN), says="only from")
    yield attack("revoked, stamped before", revoked, says="revoked: it counts at no time")
    yield Attack(
        row,
        "not valid yet at present, stamped in the future",
        stamp(NOW + timedelta(days=60), f'{{name}} valid-after="{FUTURE}" {{key}}\n'),
        Status.UNTRUSTED,
        "only from",
        "it takes the time that it is told",
        long_ago,
    )
