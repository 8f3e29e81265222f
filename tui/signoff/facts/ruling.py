"""What a web server's configuration does with a request from outside, whichever server it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from signoff.message import NOTHING, Message

Network = IPv4Network | IPv6Network

_WIDE = {4: 8, 6: 16}
"""A network shorter than this many bits is everybody, for all that matters here."""


class Fate(StrEnum):
    """What becomes of a request from an address that is not let in by name."""

    REFUSED = "refused"
    REDIRECTED = "redirected"
    SERVED = "served"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Ruling:
    """One server's answer to one path.

    ``where`` names the place in the configuration that decides. ``allowed`` are the networks that it lets
    in, ``spoofable`` says why a header that anybody can send counts as the client's address.
    """

    fate: Fate
    where: str
    why: Message = NOTHING
    allowed: tuple[Network, ...] = ()
    spoofable: Message = NOTHING


_REPEATED = re.compile(r"[*+}]\??\)+[*+{]")
_SHORT = 16


def too_slow(pattern: str, text: str) -> bool:
    """Tell whether a regular expression may take forever: it repeats a repetition, as ``(a+)+``."""
    return len(text) > _SHORT and bool(_REPEATED.search(pattern))


@lru_cache(4096)
def network(text: str) -> Network | None:
    """Return a network or an address as a network; None where it is neither."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def is_everybody(net: Network) -> bool:
    """Tell whether a network holds so many addresses that it holds strangers."""
    return net.prefixlen < _WIDE[net.version]
