"""The operator's settings, ``settings.toml``: language, theme, key map, who signs, and who stamps.

Example::

    language = "ru"
    theme = "textual-light"

    [keys]              # a binding's id (shown in the app's help) and the keys it is to have
    recheck = "f5"

    [identity]          # who signs; `signoff identity use` writes this table
    name = "anna@ops"
    key = "ssh-ed25519 AAAA..."
    file = "~/.ssh/id_ed25519"  # left out where the ssh-agent has the key

    [timestamp]         # whom `signoff witness timestamp` asks, and whose word `signoff verify` takes
    url = "http://timestamp.example/tsr"
    ca = "authority.pem"        # the authority's root certificate; beside this file, or an absolute path
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from signoff import own_files, paths
from signoff.errors import UsageError
from signoff.message import say
from signoff.misfit import MisfitError, fitted
from signoff.toml import TomlFile


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The key that signs, by its public half, and under which name; without a file the agent has it."""

    name: str
    key: str
    file: str = ""


class Timestamp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time-stamping authority: its address, and the file with its root certificate."""

    url: str = ""
    ca: str = ""

    @property
    def ca_file(self) -> Path | None:
        """Return the file with the authority's root certificate; None where none is named."""
        return paths.settings_file().parent / Path(self.ca).expanduser() if self.ca else None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``settings.toml`` may hold."""

    language: Literal["", "en", "ru"] = ""
    theme: str = ""
    keys: dict[str, str] = {}
    timestamp: Timestamp = Timestamp()
    identity: Identity | None = None


def load_settings() -> Settings:
    """Read the settings; the defaults where there is no file.

    Raises UsageError with file and reason, and ExposedError where others can change it.
    """
    path = paths.settings_file()
    try:
        own_files.judge(path)
        file = TomlFile(path.read_text("utf-8"))
        return fitted(file.value, Settings, file.line)
    except FileNotFoundError:
        return Settings()
    except MisfitError as misfit:
        raise UsageError(misfit.told(path), say("Correct the file, or move it away.")) from None
    except UnicodeDecodeError:
        raise UsageError(
            say("{path}: not UTF-8", path=path), say("Save the file as UTF-8, or move it away.")
        ) from None
    except OSError as error:
        raise UsageError(
            say("{path}: {strerror}", path=path, strerror=error.strerror),
            say("Correct the file's mode, or move it away."),
        ) from None


def language_of(asked: str | None) -> str:
    """Return the language of the checklists' texts: as asked, as set, or as the locale says (locale(7))."""
    if asked:
        return asked
    if chosen := load_settings().language:
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ru" if locale.startswith("ru") else "en"
