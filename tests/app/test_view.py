"""What a step looks like, and what of a remedy one may want to copy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from signoff.app.view import Remedy, ago, step_views, to_copy
from signoff.model import Result
from signoff.walk import Walk


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("chmod 600 .env", ("chmod 600 .env",)),
        ("Make one with `signoff generate key`, then restart.", ("signoff generate key", "Make one with")),
        ("1. Then: docker compose up -d", ("docker compose up -d",)),
        ("Port 5: find it: sudo ss -lntup 'sport = :5'", ("sudo ss -lntup 'sport = :5'",)),
        ("Close what is open:\nufw enable", ("Close what is open:", "ufw enable")),
        ("Nothing to run: Ask the provider.", ("Nothing to run: Ask the provider.",)),
    ],
)
def test_what_can_be_copied(text: str, copied: tuple[str, ...]) -> None:
    found = to_copy([Remedy("", text), Remedy("again", text)])
    assert len(found) == len(copied)
    for got, wanted in zip(found, copied, strict=True):
        assert got.startswith(wanted)


def test_ago() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert ago(now - timedelta(seconds=20), now) == "just now"
    assert ago(now - timedelta(minutes=14), now) == "14 min ago"
    assert ago(now - timedelta(hours=30), now) == "1 d ago"


def test_a_persons_word_changes_no_result(begin: Callable[[], Walk]) -> None:
    walk = begin()
    checklists = [one.checklist for one in walk.checklists]

    def words() -> list[str]:
        return [view.words for view in step_views(walk.session.state, checklists, "en")]

    assert words() == ["notchecked · to confirm"] * 4
    walk.probe()
    walk.confirm(walk.keys[1], "none")
    walk.confirm(walk.keys[2], "2026-01-01")
    walk.skip(walk.keys[3], "not ours")
    assert words() == [
        "fail · to put right",
        "fail · confirmed · to put right",
        "pass · confirmed",
        "error · skipped",
    ]
    views = step_views(walk.session.state, checklists, "ru")
    assert views[1].result is Result.FAIL
    assert views[1].mark == "◆"
    assert views[0].title == "Обновить секреты"
    walk.close()
