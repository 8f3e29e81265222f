"""The operator's settings, ``settings.toml``: language, theme and key map.

Example::

    language = "ru"
    theme = "textual-light"

    [keys]              # a binding's id (shown in the app's help) and the keys it is to have
    recheck = "f5"
"""

from __future__ import annotations

import os
import tomllib
from typing import Literal

import msgspec

from signoff import paths
from signoff.errors import UsageError


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``settings.toml`` may hold."""

    language: Literal["", "en", "ru"] = ""
    theme: str = ""
    keys: dict[str, str] = {}


def load_settings() -> Settings:
    """Read the settings; the defaults where there is no file. Raises UsageError with file and reason."""
    path = paths.settings_file()
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Settings)
    except FileNotFoundError:
        return Settings()
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", "Correct the file, or move it away.") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "Correct the file's mode, or move it away.") from None


def language_of(asked: str | None) -> str:
    """Return the language of the checklists' texts: as asked, as set, or as the locale says (locale(7))."""
    if asked:
        return asked
    if chosen := load_settings().language:
        return chosen
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ru" if locale.startswith("ru") else "en"
