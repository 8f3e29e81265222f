"""All tests know ``--matrix``, make files that nobody else may write to, and begin in English."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from signoff import message
from signoff.locale.mo import compiled

pytest_plugins = ["matrix"]

os.umask(0o022)

LOCALE = Path(message.__file__).parent / "locale"


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    message.use_language("en")
    yield
    message.use_language("en")


@pytest.fixture
def russian(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Speak Russian, by the catalogue as it is now."""
    folder = tmp_path_factory.mktemp("locale")
    here = Path("ru", "LC_MESSAGES")
    (folder / here).mkdir(parents=True)
    (folder / here / "signoff.mo").write_bytes(compiled((LOCALE / here / "signoff.po").read_text("utf-8")))
    monkeypatch.setattr(message, "_LOCALE", folder)
    message._catalogue.cache_clear()
    message.use_language("ru")
    yield
    message._catalogue.cache_clear()
