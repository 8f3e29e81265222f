"""One line of a record: the event, and what ties it to its place. There is exactly one way to write it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Union, get_args

import msgspec

from signoff.message import plain, say
from signoff.session.events import AnyEvent, Genesis

MAX_LINE: Final = 1 << 20
"""The most bytes that a line may have, its line feed included."""
MAX_DEPTH: Final = 32
"""How deep lists and mappings may be nested."""
MAX_INTEGER: Final = (1 << 63) - 1

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", re.ASCII
)
_SESSION: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-z]{8}", re.ASCII)
_BOOT: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ENVELOPE: Final = {"seq": int, "prev": str, "session": str, "time": str, "monotonic": int, "boot": str}

# What a line is read into: each event with its envelope. msgspec writes it again in our one form, and fast,
# unless there is something in the line that it writes otherwise: what is not ASCII, DEL, a large number.
_KINDS: Final = {
    msgspec.defstruct(
        f"{kind.__name__}Line",
        _ENVELOPE.items(),
        bases=(kind,),
        frozen=True,
        kw_only=True,
        tag=kind.__struct_config__.tag,
    ): kind
    for kind in get_args(AnyEvent)
}
_DECODER: Final = msgspec.json.Decoder(Union[tuple(_KINDS)])  # noqa: UP007 - made when this runs
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_LARGE: Final = re.compile(rb"[:,\[]-?[0-9]{19}")


class LineError(ValueError):
    """A line is not in its one proper form; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event in its place.

    seq        its line's number, from 1
    prev       the SHA-256 of the line before, its line feed included; empty in line 1
    session    the session's id
    time       the operator's machine's clock, UTC
    monotonic  the same machine's monotonic clock, in nanoseconds
    boot       which boot of that machine the monotonic clock belongs to
    """

    seq: int
    prev: str
    session: str
    time: datetime
    monotonic: int
    boot: str
    event: AnyEvent


def is_session_id(text: str) -> bool:
    """Tell whether this can be a session's id: it is then safe as a folder's name."""
    return _SESSION.fullmatch(text) is not None


def digest(line: bytes) -> str:
    """Return a line's SHA-256 in hexadecimal, as ``sha256sum`` shows it: its line feed counts."""
    return hashlib.sha256(line).hexdigest()


def timestamp(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_timestamp(text: str) -> datetime:
    """Read what ``timestamp`` writes. Raises LineError."""
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise LineError(say("the time is not written as RFC 3339 in UTC with milliseconds"))


def canonical(value: Any) -> bytes:
    """Return the one canonical line for builtin values: ASCII JSON, sorted keys, no spaces.

    Raises LineError on floats, integers beyond 64 bits, too deep a nesting, or any other type.
    """
    text = json.dumps(_plain(value, MAX_DEPTH), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.replace("\x7f", "\\u007f").encode("ascii") + b"\n"


def encode(entry: Entry) -> bytes:
    """Return the line for an entry, its line feed included. Raises LineError."""
    fields = msgspec.to_builtins(entry.event, enc_hook=plain)
    fields.update((name, getattr(entry, name)) for name in _ENVELOPE)
    fields["time"] = timestamp(entry.time)
    line = canonical(fields)
    if len(line) > MAX_LINE:
        raise LineError(
            say(
                "it would make a line of {count} bytes, and {max_line} is the most",
                count=len(line),
                max_line=MAX_LINE,
            )
        )
    return line


def decode(line: bytes, *, strict: bool = True) -> Entry:
    """Read a line with its line feed. Raises LineError unless it is what ``encode`` would write.

    Without ``strict`` the line need only say something: which of the ways to write it was taken is not
    looked at: that is faster, and proves nothing.
    """
    if len(line) > MAX_LINE:
        raise LineError(say("it is longer than {max_line} bytes", max_line=MAX_LINE))
    try:
        read = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise LineError(
            say("it is not an event of this format ({reason})", reason=_reason(problem))
        ) from None
    kind = _KINDS[type(read)]
    entry = Entry(
        seq=read.seq,
        prev=read.prev,
        session=read.session,
        time=from_timestamp(read.time),
        monotonic=read.monotonic,
        boot=read.boot,
        event=kind(**{name: getattr(read, name) for name in kind.__struct_fields__}),
    )
    _check_envelope(entry)
    if strict and not _plainly_canonical(read, line) and encode(entry) != line:
        raise LineError(say("it is not written in its one canonical form"))
    return entry


def _plainly_canonical(read: Any, line: bytes) -> bool:
    """Tell whether ``encode`` is sure to write this line, without the work; False where it has to be asked.

    A genesis may hold anything in its profile, so that it always has to be.
    """
    plain = line.isascii() and b"\\u" not in line and b"\x7f" not in line and not _LARGE.search(line)
    return plain and not isinstance(read, Genesis) and _ENCODER.encode(read) + b"\n" == line


def _check_envelope(entry: Entry) -> None:
    if not (entry.prev == "" if entry.seq == 1 else _DIGEST.fullmatch(entry.prev)):
        raise LineError(say("prev is not a SHA-256 digest"))
    if not is_session_id(entry.session):
        raise LineError(say("session is not a session's id"))
    if not _BOOT.fullmatch(entry.boot):
        raise LineError(say("boot is not a boot's id"))
    if entry.seq < 1 or entry.monotonic < 0:
        raise LineError(say("seq or monotonic is out of range"))


def _reason(problem: Exception) -> str:
    # msgspec quotes from the input: what it quotes is shown as ASCII only, and not at length.
    return ascii(str(problem) or type(problem).__name__)[1:-1][:160]


def _plain(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise LineError(say("it holds an integer beyond 64 bits"))
        return value
    if kind not in {dict, list, tuple}:
        raise LineError(say("it holds a {name}, which the format does not have", name=kind.__name__))
    if depth == 0:
        raise LineError(say("it is nested deeper than {max_depth} levels", max_depth=MAX_DEPTH))
    if kind is not dict:
        return [_plain(item, depth - 1) for item in value]
    if not all(type(key) is str for key in value):
        raise LineError(say("it holds a mapping whose keys are not texts"))
    return {key if key.isascii() else _text(key): _plain(item, depth - 1) for key, item in value.items()}


def _text(text: str) -> str:
    # Lone surrogates (undecodable bytes of a file's name) have no UTF-8 form: they become U+FFFD.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
