"""The operator's targets, in ``targets.toml``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from signoff import own_files, paths
from signoff.errors import UsageError
from signoff.message import say
from signoff.misfit import MisfitError, Place, at, fitted
from signoff.target import private_file
from signoff.target.address import LOCAL, parse_address
from signoff.target.profile import Profile
from signoff.target.second_factor import SecondFactor, has_place, wrong_with
from signoff.text import one_line, tidy
from signoff.toml import TomlFile

EXAMPLE: Final = """\
# Each target is a table; its name is what you give to --target.
[shop]
# Where the target is: "local" (this machine), or ssh://[user@]host[:port][/project/dir].
# The host may be an alias of ~/.ssh/config; an IPv6 address goes in brackets.
address = "ssh://deploy@shop.example"

# The product's public URL.
url = "https://shop.example"

# Where the URL's host is to be looked for instead of asking DNS: before the first deploy goes live,
# or behind a CDN.
addresses = ["203.0.113.7", "2001:db8::7"]

# The project directory on the target.
project = "/srv/shop"

# The files with secrets, relative to the project directory.
env_files = [".env"]

# The systemd units or compose services that read them.
services = ["web", "worker", "beat"]

# The paths of the admin panel and of its API.
admin_paths = ["/admin/", "/api/admin/users"]

# The TCP ports meant to answer the internet beside 80, 443 and SSH.
open_ports = [8443]

# The name of the PostgreSQL database.
database = "shop"

# Where the dumps lie.
backup_directory = "/var/backups/shop"

# How the product's database takes the key of a new second factor.
[shop.second_factor]
# :seed stands for the key, :account for the account, both without quotes; exactly one row has to change.
sql = "UPDATE admins SET totp_secret = :seed WHERE email = :account"

# What takes it back, should the delivery fail half-way.
undo = "UPDATE admins SET totp_secret = NULL WHERE email = :account"

# The database, where it is not the one above.
database = "shop_accounts"

# The container with PostgreSQL, where the project has several.
container = "shop-db-1"
"""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def load_profiles() -> dict[str, Profile]:
    """Return every saved target by its name.

    Raise UsageError, with file and place, for what is wrong, and ExposedError where others can change it.
    """
    return parse_profiles(_text(), str(paths.targets_file()))


def parse_profiles(text: str, place: str) -> dict[str, Profile]:
    """Return the targets of a ``targets.toml`` text; ``place`` names it in errors. Raise UsageError."""
    try:
        file = TomlFile(text)
    except MisfitError as misfit:
        raise UsageError(misfit.told(place), say("See https://toml.io; text wants quotes.")) from None
    return {name: _profile(name, table, place, file.line) for name, table in file.value.items()}


def save_profile(profile: Profile) -> None:
    """Save a target under its name, in the place of an older one; everything else in the file stays.

    Raise UsageError for a profile that does not make sense, TargetError where the file cannot be written.
    """
    import tomlkit

    values = {key: _plain(value) for key, value in msgspec.structs.asdict(profile).items() if key != "name"}
    _profile(profile.name, values, say("the new profile"), lambda _place: 0)
    document = tomlkit.parse(_checked_text())
    table = document.get(profile.name)
    if table is None:
        table = document[profile.name] = tomlkit.table()
    defaults = msgspec.structs.asdict(Profile())
    for key, value in values.items():
        if key in table and table[key].unwrap() == value:
            continue  # as the operator wrote it
        if value != _plain(defaults[key]):
            table[key] = value
        elif key in table:
            del table[key]
    private_file.replace(paths.targets_file(), tomlkit.dumps(document).encode())


def resolve(text: str) -> Profile:
    """Return the profile that an argument of ``--target`` means.

    In this order: a saved target's name, ``local`` (the current directory is its project), an ``ssh://``
    address, an alias of ~/.ssh/config. Raise UsageError where it is none of these.
    """
    profiles = load_profiles()
    if text in profiles:
        return profiles[text]
    if text == LOCAL:
        return Profile(name=LOCAL, address=LOCAL, project=str(Path.cwd()))
    is_address = "://" in text
    address = parse_address(text if is_address else f"ssh://{text}")
    if address is None or not (is_address or _is_ssh_host(text)):
        raise _unknown(text, profiles)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", address.host).strip("-._")
    return Profile(name=name, address=text if is_address else f"ssh://{text}", project=address.project)


def _is_ssh_host(text: str) -> bool:
    """Tell whether a bare word is more than a typing error: user@host, a dotted name, or an alias."""
    if re.search(r"[@.:]", text):
        return True
    from signoff.target.ssh_config import ssh_config

    address = parse_address(f"ssh://{text}")
    plain = parse_address("ssh://signoff-has-no-such-alias")
    if address is None or plain is None:
        return False
    found, default = ssh_config(address), ssh_config(plain)
    return found.hostname != text or any(
        getattr(found, field) != getattr(default, field)
        for field in ("user", "port", "proxy_jump", "proxy_command", "host_key_alias", "identity_files")
    )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else msgspec.to_builtins(value)


def _text() -> str:
    try:
        own_files.judge(paths.targets_file())
        return paths.targets_file().read_text("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise UsageError(
            say("{targets_file} is not UTF-8 text.", targets_file=paths.targets_file())
        ) from None
    except OSError as reason:
        raise UsageError(
            say(
                "{targets_file} cannot be read: {strerror}.",
                targets_file=paths.targets_file(),
                strerror=reason.strerror,
            ),
            say("Correct its permissions."),
        ) from None


def _checked_text() -> str:
    text = _text()
    parse_profiles(text, str(paths.targets_file()))
    return text


def _unknown(name: str, profiles: Mapping[str, Profile]) -> UsageError:
    saved = ", ".join(sorted(profiles)) or say("none yet")
    return UsageError(
        say("There is no target called {name}.", name=one_line(name)),
        say(
            "Saved targets: {saved}. An address works too: ssh://deploy@shop.example, or local.", saved=saved
        ),
    )


def _profile(name: str, table: object, file: str, line: Callable[[Place], int]) -> Profile:
    place = at(file, line((name,)))
    if not _NAME.fullmatch(name):
        raise UsageError(
            say("{place}: [{name}] cannot be a target's name.", place=place, name=one_line(name)),
            say("Use letters, digits, dots, dashes and underscores, 64 at the most."),
        )
    if not isinstance(table, dict):
        raise UsageError(
            say("{place}: {name} stands outside of a table.", place=place, name=name),
            say("Each target is a table, like [{name}].", name=name),
        )
    if "name" in table:
        raise UsageError(
            say("{place}: [{name}] name: a target's name is its table's.", place=place, name=name),
            say("Take the key out."),
        )
    try:
        profile = fitted(table, Profile, lambda inner: line((name, *inner)))
    except MisfitError as misfit:
        raise UsageError(misfit.told(file, f"[{name}] ")) from None
    for key, check in _CHECKS.items():
        try:
            _check(key, check, getattr(profile, key))
        except UsageError as reason:
            place = at(file, line((name, key)))
            raise UsageError(
                say("{place}: [{name}] {reason}", place=place, name=name, reason=tidy(reason.message)),
                reason.hint,
            ) from None
    profile = msgspec.structs.replace(profile, name=name)
    address = parse_address(profile.address)
    if address and address.project and not profile.project:
        return msgspec.structs.replace(profile, project=address.project)
    return profile


def _check(key: str, check: Callable[[Any], str], value: object) -> None:
    for single in value if isinstance(value, tuple) else (value,):
        wrong = check(single) if single != "" or key == "address" else ""
        if wrong:
            raise UsageError(
                say("{key}: {single} {wrong}.", key=key, single=one_line(str(single)), wrong=wrong)
            )


def _address(value: str) -> str:
    parse_address(value)
    return ""


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        return say("is not a URL like https://shop.example")
    if parts.password is not None:
        raise UsageError(say("url: it holds a password."), say("Leave it out."))
    return ""


def _ip(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return say("is not an IP address")
    return ""


def _absolute(value: str) -> str:
    return "" if value.startswith("/") else say("does not begin with /")


def _port(value: int) -> str:
    return "" if 0 < value < 65536 else say("is not a port (1 to 65535)")


def _second_factor(value: SecondFactor | None) -> str:
    if value is None:
        return ""
    for name, statement in (("sql", value.sql), ("undo", value.undo)):
        wrong, hint = wrong_with(statement)
        if wrong:
            raise UsageError(say("second_factor.{name}: {wrong}", name=name, wrong=wrong), hint)
    if not has_place(value.sql):
        raise UsageError(
            say("second_factor.sql: The statement does not say where the key goes."),
            say("Write :seed in its place."),
        )
    return ""


_CHECKS: Final[Mapping[str, Callable[[Any], str]]] = {
    "address": _address,
    "url": _url,
    "addresses": _ip,
    "project": _absolute,
    "admin_paths": _absolute,
    "open_ports": _port,
    "backup_directory": _absolute,
    "second_factor": _second_factor,
}
