"""Connection strings: whom they log in as, where, and the bytes of their password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from signoff.credentials.recognise import URL_PARAMETERS, url_password
from signoff.credentials.secret import Secret

_SAFE: Final = re.compile(r"[A-Za-z0-9_.~-]*")
_KEYWORD: Final = r"(?:^|(?<=\s)){}\s*=\s*(?P<value>'(?:[^'\\]|\\.)*'|\S+)"


@dataclass(frozen=True, slots=True)
class Account:
    """Where a connection string leads. ``host`` is empty for a socket's default, ``port`` 0 for the usual."""

    user: str = ""
    host: str = ""
    port: int = 0
    database: str = ""


def account(value: Secret) -> Account | None:
    """Return whom and where a URL or libpq's ``key=value`` string means; None where it is neither."""
    text = value.reveal()
    if "://" not in text:
        return _libpq(text) if url_password(value) else None
    try:
        parts = urlsplit(text)
        port = parts.port or 0
    except ValueError:
        return None
    asked = dict(parse_qsl(parts.query))
    return Account(
        user=unquote(parts.username or "") or asked.get("user", ""),
        host=unquote(parts.hostname or "") or asked.get("host", ""),
        port=port or _number(asked.get("port", "")),
        database=unquote(parts.path.lstrip("/")) or asked.get("dbname", ""),
    )


def _libpq(text: str) -> Account:
    def field(name: str) -> str:
        found = re.search(_KEYWORD.format(name), text)
        return _unquoted(found["value"]) if found else ""

    return Account(field("user"), field("host"), _number(field("port")), field("dbname"))


def _unquoted(value: str) -> str:
    inner = value[1:-1] if value.startswith("'") else value
    return re.sub(r"\\(.)", r"\1", inner)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def with_password(value: Secret, new: Secret) -> Secret | None:
    """Return the string with another password in it, every other byte as it was; None where it holds none."""
    old = url_password(value)
    if old is None:
        return None
    changed = Secret(_replaced(value.reveal(), old.reveal(), new.reveal()))
    return changed if url_password(changed) == new else None


def _replaced(text: str, old: str, new: str) -> str:
    if "://" not in text:
        found = re.search(_KEYWORD.format("password"), text)
        if not found:
            return text
        written = new if _SAFE.fullmatch(new) else "'" + re.sub(r"(['\\])", r"\\\1", new) + "'"
        return text[: found.start("value")] + written + text[found.end("value") :]
    written = quote(new, safe="")
    head, rest = text.split("://", 1)
    end = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority = rest[:end]
    userinfo, at, host = authority.rpartition("@")
    user, colon, password = userinfo.partition(":")
    if at and colon and unquote(password) == old:
        return f"{head}://{user}:{written}@{host}{rest[end:]}"
    asked = {key.casefold() for key, given in parse_qsl(urlsplit(text).query) if given}
    name = next(key for key in URL_PARAMETERS if key in asked)
    pattern = rf"(?<=[?&]){name}=[^&#]*"
    return re.sub(pattern, lambda found: f"{found[0].partition('=')[0]}={written}", text, flags=re.IGNORECASE)
