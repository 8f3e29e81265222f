"""As much of DER (X.690) as it takes to put the certificates of a time-stamp in their order.

DER wants the members of a SET sorted, and rfc3161-client insists on it; OpenSSL's authorities, and others,
send the signer's certificate first. The signature does not cover them: they are a bag to choose from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0xA0
_SET: Final = 0x31
_INTEGER: Final = 0x02


class _Element(NamedTuple):
    tag: int
    begin: int
    """Where its header begins, its content begins, and it ends."""
    content: int
    end: int


def with_sorted_certificates(answer: bytes) -> bytes:
    """Return a time-stamp answer with its certificates sorted; as it is where it has none, or is none."""
    try:
        response = _element(answer, 0, len(answer))
        _, token = _children(answer, response, _SEQUENCE)
        _, explicit = _children(answer, token, _SEQUENCE)
        (signed,) = _children(answer, explicit, _CONTEXT_0)
        found = list(_children(answer, signed, _SEQUENCE))
        if [one.tag for one in found[:4]] != [_INTEGER, _SET, _SEQUENCE, _CONTEXT_0]:
            return answer
        bag = found[3]
        members = [answer[one.begin : one.end] for one in _children(answer, bag, _CONTEXT_0)]
    except ValueError:
        return answer
    return answer[: bag.content] + b"".join(sorted(members)) + answer[bag.end :]


def _children(data: bytes, parent: _Element, tag: int) -> Iterator[_Element]:
    """Yield the elements within one that has this tag. Raises ValueError."""
    if parent.tag != tag:
        raise ValueError(tag)
    at = parent.content
    while at < parent.end:
        child = _element(data, at, parent.end)
        yield child
        at = child.end


def _element(data: bytes, at: int, end: int) -> _Element:
    """Read the header of an element. Raises ValueError where it does not fit into what is there."""
    if at + 2 > end:
        raise ValueError(at)
    first, content = data[at + 1], at + 2
    size = first
    if first & 0x80:
        content += first & 0x7F
        size = int.from_bytes(data[at + 2 : content], "big")
    if content > end or content + size > end or first == 0x80:
        raise ValueError(at)
    return _Element(data[at], at, content, content + size)
