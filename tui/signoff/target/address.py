"""Where a target is: ``local``, or ``ssh://[user@]host[:port][/project/dir]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from signoff.errors import UsageError
from signoff.message import say
from signoff.text import one_line

LOCAL: Final = "local"

_HOST: Final = re.compile(r"(?!-)[\w.:%-]+", re.ASCII)  # an address, a name, or an alias of ssh_config(5)
_USER: Final = re.compile(r"(?!-)[^\s:/@'\"`\\;&<>|(){}$-][^\s:/@'\"`\\;&<>|(){}$]*")
_EXAMPLE: Final = say("Write it like ssh://deploy@shop.example, ssh://[2001:db8::7]:2222/srv/shop, or local.")


@dataclass(frozen=True, slots=True)
class SshAddress:
    """An ``ssh://`` address. An empty user and a port of 0 are left to the ssh configuration."""

    host: str
    user: str = ""
    port: int = 0
    project: str = ""


def parse_address(text: str) -> SshAddress | None:
    """Return the parts of an ``ssh://`` address, None for ``local``. Raise UsageError for anything else."""
    if text == LOCAL:
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError as reason:
        raise _wrong(text, one_line(str(reason))) from None
    if parts.scheme != "ssh":
        raise _wrong(text, say("it does not begin with ssh://"))
    if parts.password is not None:
        raise UsageError(
            say("A target's address holds a password."),
            say("Leave it out: signoff asks for it where no key is accepted."),
        )
    # urlsplit lowers the case of the host; an alias in ~/.ssh/config may have capitals.
    found = re.search(re.escape(host), parts.netloc, re.IGNORECASE)
    host = found[0] if found else host
    user, project = unquote(parts.username or ""), unquote(parts.path).rstrip("/")
    if not _HOST.fullmatch(host):
        raise _wrong(text, say("the host is not a name or an IP address"))
    if user and not _USER.fullmatch(user):
        raise _wrong(text, say("the user's name has characters that do not belong there"))
    if parts.query or parts.fragment:
        raise _wrong(text, say("it has a ? or a #"))
    if project.startswith("/~"):
        raise _wrong(text, say("the project directory must be given in full, from /"))
    return SshAddress(host, user, port, project)


def _wrong(text: str, reason: str) -> UsageError:
    shown = re.sub(r"//[^/]*@", "//…@", one_line(text))  # there may be a password in it
    return UsageError(
        say("This is not a target's address: {shown} ({reason}).", shown=shown, reason=reason), _EXAMPLE
    )
