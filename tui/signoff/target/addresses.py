"""The addresses at which a target is looked at from outside."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from signoff.target.address import LOCAL
from signoff.target.base import Target
from signoff.target.profile import Profile


def outside_addresses(target: Target, profile: Profile) -> tuple[str, ...]:
    """Return the target's IP addresses, each once: those of the SSH connection, and those of its URL.

    The profile's own ``addresses`` stand for what DNS says of the URL. There are none for this machine: what
    it sends to itself never passes its firewall, so nothing seen that way is seen from outside.
    """
    if target.address == LOCAL:
        return ()
    return tuple(dict.fromkeys((*target.outside_addresses, *(profile.addresses or _of_url(profile.url)))))


def _of_url(url: str) -> tuple[str, ...]:
    host = urlsplit(url).hostname
    if not host:
        return ()
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(str(entry[4][0]).partition("%")[0] for entry in found)
