"""Typed values as they are kept beside a record, and read again to judge by them once more.

A value is packed with what there is to know of its look, or with why there is none. Of a fact that may hold a
secret (`kept` is None) only that is; a `Secret` within a value is left out.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePosixPath
from typing import Any

import msgspec

from signoff.credentials.secret import Secret
from signoff.facts.base import Fact, HostFact, Malformed, Noted, OutsideFact, Unavailable
from signoff.message import Message, Said, restored


class Withheld:
    """What stands for a value that was not kept."""


class WithheldError(BaseException):
    """A judgement asks for a secret that was not kept. No probe takes it for a failure of its own."""


class _Unkept(Secret):
    """What stands for a secret within a value that was kept."""

    def reveal(self, *_: object) -> str:
        raise WithheldError

    __len__ = __bool__ = __eq__ = __hash__ = reveal  # type: ignore[assignment]


_NONE = msgspec.Raw()


class _Packed(msgspec.Struct, frozen=True, omit_defaults=True):
    fact: str
    value: msgspec.Raw = _NONE
    left_out: tuple[str | Said, ...] = ()
    strangers: tuple[str, ...] = ()
    unavailable: tuple[Said, str] | None = None
    malformed: tuple[Said, str] | None = None


def kept_as(fact: Fact[Any]) -> Any:
    """Return the type of a fact's value; None where it is not kept."""
    return fact.kept if isinstance(fact, (HostFact, OutsideFact)) else None


def pack(fact: Fact[Any], value: Any) -> bytes:
    """Return a fact's value as one line; a value that has no form in JSON is withheld."""
    match value:
        case Unavailable():
            packed = _Packed(fact.id, unavailable=(_said(value.reason), value.by_hand))
        case Malformed():
            packed = _Packed(fact.id, malformed=(_said(value.reason), value.excerpt))
        case Noted():
            left = tuple(one.said if isinstance(one, Message) else one for one in value.left_out)
            packed = _Packed(fact.id, _raw(fact, value.value), left, value.strangers)
        case _:
            packed = _Packed(fact.id, _raw(fact, value))
    return _ENCODER.encode(packed)


def unpack(fact: Fact[Any], line: bytes) -> Any:
    """Return what ``pack`` was given, or Withheld in its place.

    Raises ValueError (msgspec's are such) where the line is not of this fact, or its value not of its type.
    """
    packed = msgspec.json.decode(line, type=_Packed)
    if packed.fact != fact.id:
        raise ValueError(f"a value of {packed.fact!a}")
    if packed.unavailable:
        return Unavailable(restored(packed.unavailable[0]), packed.unavailable[1])
    if packed.malformed:
        return Malformed(restored(packed.malformed[0]), packed.malformed[1])
    value: Any = Withheld()
    if bytes(packed.value) and kept_as(fact) is not None:
        value = msgspec.convert(msgspec.json.decode(packed.value), kept_as(fact), dec_hook=_of, str_keys=True)
    if packed.left_out or packed.strangers:
        left = tuple(restored(one) if isinstance(one, Said) else one for one in packed.left_out)
        return Noted(value, left, packed.strangers)
    return value


def _said(text: str) -> Said:
    return text.said if isinstance(text, Message) else Said(text)


def _raw(fact: Fact[Any], value: Any) -> msgspec.Raw:
    if kept_as(fact) is None:
        return _NONE
    try:
        return msgspec.Raw(_ENCODER.encode(value))
    except (NotImplementedError, TypeError):
        return _NONE


def _plain(value: Any) -> str | None:
    """Return the text of what JSON has no form for; nothing of a secret."""
    if isinstance(value, Secret):
        return None
    if isinstance(value, re.Pattern):
        return str(value.pattern)
    if isinstance(value, (str, IPv4Address, IPv6Address, IPv4Network, IPv6Network, PurePosixPath)):
        return str(value)
    raise NotImplementedError(f"a {type(value).__name__} is not kept")


def _of(kind: type, value: Any) -> Any:
    """Return a value of a type that JSON has no form for, made of its text."""
    if kind is Secret:
        return _Unkept("")
    if kind is Message:
        return Message(value, "", {})
    return re.compile(value) if kind is re.Pattern else kind(value)


_ENCODER = msgspec.json.Encoder(order="deterministic", enc_hook=_plain)
