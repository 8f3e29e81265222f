"""What a record cannot prove is said in the same words everywhere."""

from __future__ import annotations

from pathlib import Path

from signoff.session.limits import limits

README = Path(__file__).parents[3] / "README.md"


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_readme_says_it_in_the_same_words() -> None:
    assert words(limits()) in words(README.read_text("utf-8"))


def test_it_names_what_no_design_can_do() -> None:
    said = limits()
    for point in ("sign it again", "ledger's end", "absolute time", "confirmation is true", "told the truth"):
        assert point in said
