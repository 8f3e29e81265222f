"""What a record cannot prove is said in the same words everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signoff.session.limits import limits
from signoff.settings import load_settings

README = Path(__file__).parents[3] / "README.md"


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_readme_says_it_in_the_same_words() -> None:
    assert words(limits()) in words(README.read_text("utf-8"))


def test_it_names_what_no_design_can_do() -> None:
    said = limits()
    for point in ("sign it again", "ledger's end", "absolute time", "confirmation is true", "told the truth"):
        assert point in said


def test_the_settings_that_the_readme_shows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(
        r"^```toml\n(\[timestamp\]\n.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "signoff").mkdir()
    (tmp_path / "signoff" / "settings.toml").write_text(shown)
    settings = load_settings().timestamp
    assert settings.url == "http://timestamp.example/tsr"
    assert settings.ca_file == tmp_path / "signoff" / "authority.pem"
