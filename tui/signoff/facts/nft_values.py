"""The values that nft compares with: words, ports, networks, and the sets that hold several of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import Any, Final

from signoff.facts.budget import Budget
from signoff.facts.packets import Network

ANY: Final = "*"
"""The key of a verdict map's case that stands for every packet."""


_MOST_ELEMENTS = 300_000


def elements() -> Budget:
    """Return how many elements of sets the rules may name: a set counts for each rule that names it."""
    return Budget(_MOST_ELEMENTS, "the sets of nft's rules")


@dataclass
class Sets:
    """The named sets and maps of a table; not ``whole`` where nft was asked to leave out what is in them."""

    whole: bool
    budget: Budget = field(default_factory=elements)
    named: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def values(self, right: Any) -> Iterator[Any]:
        """Yield the single values of what a match has on its right.

        Raise ValueError where they change with time, or are not shown.
        """
        if isinstance(right, str) and right.startswith("@"):
            named = self.named[right[1:]]
            if {"dynamic", "timeout"}.intersection(named.get("flags", ())) or "timeout" in named:
                raise ValueError(right)
            if "elem" not in named and not self.whole:
                raise ValueError(right)
            right = named.get("elem", [])
        if isinstance(right, dict) and "set" in right:
            right = right["set"]
        for value in right if isinstance(right, list) else [right]:
            self.budget.spend()
            yield _bare(value)

    def cases(self, data: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield the keys of a verdict map, each with its verdict; an unknown one where they are not shown."""
        named = self.named[data[1:]] if isinstance(data, str) else {"elem": data["set"]}
        elements = named.get("elem", [] if self.whole else [[ANY, {"queue": None}]])
        for key, verdict in elements:
            self.budget.spend()
            yield _bare(key), verdict


def _bare(value: Any) -> Any:
    """Return a set's element without its comment, counter or time of expiry."""
    return value["elem"]["val"] if isinstance(value, dict) and "elem" in value else value


def words(value: Any) -> Iterator[str]:
    """Yield the single words of one, of a list, or of what is joined by ``|``."""
    if isinstance(value, str):
        yield value
    else:
        for one in value if isinstance(value, list) else value["|"]:
            yield from words(one)


def port_range(value: Any) -> tuple[int, int]:
    """Return the first and the last port."""
    if isinstance(value, dict):
        low, high = value["range"]
        return int(low), int(high)
    return int(value), int(value)


def networks(values: tuple[Any, ...]) -> tuple[Network, ...]:
    """Return the networks of addresses, prefixes and ranges."""
    return tuple(network for value in values for network in _networks(value))


def _networks(value: Any) -> Iterator[Network]:
    if isinstance(value, str):
        yield ip_network(value)
    elif "prefix" in value:
        yield ip_network(f"{value['prefix']['addr']}/{value['prefix']['len']}", strict=False)
    else:
        low, high = value["range"]
        yield from summarize_address_range(ip_address(low), ip_address(high))
