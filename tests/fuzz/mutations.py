"""Changes to whole records, told by bytes, so that a fuzzer that changes bytes finds its way through them."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from fuzz.seeds import Seeds
from signoff.session.line import LineError, canonical, digest
from signoff.session.scan import checkpoint_text
from signoff.session.signer import KeySigner
from signoff.session.sshsig import CHECKPOINT, GENESIS, RECORD

RUBBISH = (
    *(b"", b"\0", b"\n", b"\r\n", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\\", b"{}", b"[" * 3000, b"9" * 5000),
    *(
        b"NaN",
        b"1e999",
        b"\\ud800",
        b"x" * (1 << 20),
        b"null",
        b"-0",
        b'"seq":1,',
        b"-----END SSH SIGNATURE-----\n",
    ),
)
_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1,
        2**63 - 1,
        2**63,
        10**40,
        "",
        "x",
        "\x1b[31m",
        "\u202e",
        "é",
        "../../x",
        "a" * 64,
    ),
    *([], {}, [1], {"a": {"b": []}}, ["", ""], "SHA256:x", "genesis", "sealed", "checkpoint", "2026-13-01"),
)
_LARGEST = 1 << 21
_STRANGER = KeySigner.generate("stranger@host")


class _Program:
    """Bytes read as numbers; past the end there are none."""

    def __init__(self, program: bytes) -> None:
        self._bytes = iter(program[:256])
        self.left = True

    def number(self, below: int) -> int:
        """Return a number from 0 and below ``below``."""
        value = 0
        for _ in range(2 if below > 256 else 1):
            byte = next(self._bytes, None)
            self.left = self.left and byte is not None
            value = value << 8 | (byte or 0)
        return value % max(below, 1)


def mutate(files: dict[str, bytes], program: bytes) -> dict[str, bytes]:
    """Return a record's files, changed as the program says."""
    told, changed = _Program(program), dict(files)
    while True:
        how = told.number(10)
        name = sorted(files)[told.number(len(files))]
        if not told.left:
            return changed
        if how == 0:
            changed.pop(name, None)
        elif how == 1:
            changed[name] = files[sorted(files)[told.number(len(files))]]
        elif how < 5:
            changed[name] = _bytes(changed.get(name, b""), how, told)[:_LARGEST]
        else:
            changed[name] = _lines(changed.get(name, b""), how, told)[:_LARGEST]


def _bytes(data: bytes, how: int, told: _Program) -> bytes:
    at = told.number(len(data) + 1)
    if how == 2:
        return (
            data[:at] + bytes([data[at] ^ (1 << told.number(8))]) + data[at + 1 :] if at < len(data) else data
        )
    if how == 3:
        return data[:at] + RUBBISH[told.number(len(RUBBISH))] + data[at + told.number(64) :]
    return data[:at]


def _lines(data: bytes, how: int, told: _Program) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    one, other = told.number(len(lines)), told.number(len(lines))
    if how == 5:
        lines[one], lines[other] = lines[other], lines[one]
    elif how == 6:
        del lines[min(one, other) : max(one, other)]
    elif how == 7:
        lines.insert(one, lines[other])
    elif how == 8:
        lines.append(lines[one])
    else:
        lines = lines[:one] + lines[other:]
    return b"".join(lines)


def forge(seeds: Seeds, program: bytes) -> dict[str, bytes]:
    """Return a record whose events are changed as the program says, and whose chain and signatures hold.

    It is signed by somebody whom nobody has listed, and, like the real one, for everything it has.
    """
    told = _Program(program)
    events = [json.loads(line) for line in seeds.sealed["session.jsonl"].splitlines()]
    events[0]["operator"] = {"name": _STRANGER.name, "key": _STRANGER.fingerprint}
    while True:
        how, at = told.number(6), told.number(len(events))
        value = _VALUES[told.number(len(_VALUES))]
        if not told.left:
            break
        if how == 0 and len(events) > 1:
            del events[at]
        elif how == 1:
            events.insert(at, deepcopy(events[told.number(len(events))]))
        else:
            _set(events[at], value, told)
    written = _chain(events, seeds)
    first = written.partition(b"\n")[0] + b"\n"
    return {
        "session.jsonl": written,
        "genesis.sig": _STRANGER.sign(GENESIS, first).encode("ascii"),
        "seal.sig": _STRANGER.sign(RECORD, written).encode("ascii"),
    }


def _set(value: Any, new: Any, told: _Program) -> None:
    """Put ``new`` somewhere into a value, deeper where it can be."""
    while isinstance(value, (dict, list)) and value:
        key = sorted(value)[told.number(len(value))] if isinstance(value, dict) else told.number(len(value))
        if not (isinstance(value[key], (dict, list)) and value[key] and told.number(2)):
            value[key] = deepcopy(new)
            return
        value = value[key]


def _chain(events: list[dict[str, Any]], seeds: Seeds) -> bytes:
    written = head = b""
    for number, event in enumerate(events, 1):
        event |= {"seq": number, "prev": digest(head) if head else ""}
        if event.get("type") == "checkpoint":
            event |= {"lines": number - 1, "size": len(written), "digest": digest(written)}
            if isinstance(event.get("signature"), str) and event["signature"]:
                text = checkpoint_text(seeds.session, number - 1, len(written), digest(written))
                event["signature"] = seeds.key.sign(CHECKPOINT, text)
        try:
            head = canonical(event)
        except LineError:
            head = json.dumps(event, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
        written += head
    return written
