"""What a step looks like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from signoff.app.view import ago, step_views
from signoff.model import Result
from signoff.walk import Walk


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
