"""What a target's form asks for: the fields of a profile, how each is typed, what is wrong with a value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from signoff.errors import SignoffError
from signoff.message import say, tr, translated
from signoff.target.profile import Profile


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a profile, and what to write there."""

    name: str
    label: str
    example: str

    def value(self, profile: Profile) -> str:
        """Return the value as it is typed: several with commas between."""
        value = getattr(profile, self.name)
        return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)

    def parse(self, typed: str) -> Any:
        """Return what was typed as the profile has it; a wrong number stays text, and is told of later."""
        default = getattr(Profile(), self.name)
        if not isinstance(default, tuple):
            return typed.strip()
        parts = [part.strip() for part in typed.split(",") if part.strip()]
        return [int(part) if self.name == "open_ports" and part.isdecimal() else part for part in parts]


FIELDS = (
    Field("name", say("Name"), say("shop: what you call it")),
    Field("address", say("Address"), say("ssh://deploy@shop.example/srv/shop, ssh://ALIAS, or local")),
    Field("url", say("Public URL"), "https://shop.example"),
    Field(
        "addresses", say("IP addresses"), say("only where DNS does not lead to the target, as behind a CDN")
    ),
    Field("project", say("Project folder"), "/srv/shop"),
    Field("env_files", say("Secret files"), say(".env, relative to the project folder")),
    Field("services", say("Services"), say("web, worker: what reads the secrets")),
    Field("admin_paths", say("Admin paths"), "/admin/, /api/admin/"),
    Field("open_ports", say("Open ports"), say("beside 80, 443 and SSH")),
    Field("database", say("Database"), "shop"),
    Field("backup_directory", say("Backup folder"), "/var/backups/shop"),
)


def problem_of(name: str, value: object) -> str:
    """Return what is wrong with one value of a profile; empty where nothing is."""
    from signoff.target.profiles import parse_profiles

    if name == "name":
        if not value:
            return tr("A target needs a name.")
        table = f"[{json.dumps(value)}]\n"
    else:
        # JSON's strings, numbers and lists are TOML too: the file's own checks judge the field.
        table = f"[x]\n{name} = {json.dumps(value)}\n"
    if name == "address" and not value:
        return tr("Where is it? Write local for this machine.")
    try:
        parse_profiles(table, "")
    except SignoffError as error:
        # What a file's name and line would say, and the key, the form says by where it stands.
        reason = translated(error.message).partition(": ")[2].removeprefix("[x] ")
        reason = reason.removeprefix(f"{name}: ").removeprefix(f"{name}, ")
        return f"{reason} {translated(error.hint)}".strip()
    return ""
