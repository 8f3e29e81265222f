"""env.git: tracked though ignored, removed yet in history, shallow, and today's values anywhere."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from signoff.facts.base import Facts, Unavailable
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.git import GIT
from signoff.message import say
from signoff.model import Command, Edit
from signoff.probes.env_git import git
from unit.env_hosts import SHOP, facts, judge, output, results, with_content

PUBLIC = "kV7x9mQzXw2Lp0RtYb8Nc4Hd6Js1Kg5F"


def clone(name: str) -> Facts:
    return facts(name, units="nosystemd")


def test_a_good_project_passes() -> None:
    assert results(git, facts("good-root")) == {"": "pass"}


def test_tracked_though_ignored_fails_and_says_how_to_put_it_right() -> None:
    found = judge(git, facts("bad-root"))
    assert found["tracked"].result == "fail"
    assert found["tracked"].fix == Command("git -C /srv/shop --literal-pathspecs rm --cached -- .env")
    assert "revoke the old ones" in found["tracked"].remedy


def test_todays_values_in_the_history_fail_by_name_and_commit() -> None:
    found = judge(git, facts("bad-root"))
    assert found["values"].result == "fail"
    # The others are placeholders, which are no secret, or were changed since: SMTP_PASSWORD.
    assert found["values"].observed == "today's STRIPE_API_KEY stands in the history"
    assert found["values"].evidence[0].startswith("STRIPE_API_KEY: commit ")


def test_a_repository_within_the_repository_was_not_looked_at() -> None:
    recorded = output("good-root", GIT)
    text = recorded.stdout.replace(b"#remotes\n", b"#inside\n|/srv/shop/backend\n\n#remotes\n")
    known = GIT.parse(replace(recorded, stdout=text))
    found = judge(git, Facts({**facts("good-root").values, GIT.id: known}))
    assert set(found) == {"inside"}
    assert found["inside"].result == "unknown"
    assert "git -C /srv/shop/backend log" in found["inside"].remedy


def test_removed_from_the_index_and_still_in_the_history_fails() -> None:
    found = judge(git, clone("removed"))
    assert set(found) == {"history"}
    assert found["history"].result == "fail"
    assert found["history"].evidence[0].startswith(".env: commit ")


def test_a_value_in_another_files_history_fails() -> None:
    found = judge(git, clone("branch"))
    assert found["values"].result == "fail"
    assert found["remote origin"].result == "fail"
    assert "git -C /srv/g/branch remote set-url origin" in found["remote origin"].remedy
    assert found[".env: ignored"].result == "informational"
    assert found[".env: ignored"].fix == Edit("/srv/g/branch/.gitignore", "", "/.env")
    assert all(PUBLIC not in repr(finding) and "ghp_" not in repr(finding) for finding in found.values())


def test_an_example_with_the_value_in_use_fails() -> None:
    found = judge(git, clone("example"))
    assert found[".env.example"].result == "fail"
    assert "SECRET_KEY" in found[".env.example"].observed


def test_a_shallow_clone_is_unknown() -> None:
    found = judge(git, clone("shallow"))
    assert {subject: finding.result.value for subject, finding in found.items()} == {"clone": "unknown"}
    assert found["clone"].fix == Command("git -C /srv/g/shallow fetch --unshallow")


def test_no_repository_is_not_applicable() -> None:
    found = judge(git, clone("plain"), msgspec.structs.replace(SHOP, project="/srv/g/plain"))
    assert found[""].result == "notapplicable"
    assert "/srv/g/plain" in found[""].observed


@pytest.mark.parametrize("name", ["nogit", "refused"])
def test_git_that_cannot_be_asked_is_unknown(name: str) -> None:
    assert results(git, facts("good-root", git=name)) == {"": "unknown"}


def test_a_file_that_could_not_be_read_was_not_searched_for() -> None:
    found = judge(git, facts("good-viewer"))
    assert found["values"].result == "unknown"
    assert "/srv/shop/.env" in found["values"].observed


def test_a_history_that_was_not_searched_to_its_end_is_unknown() -> None:
    known = facts("good-root")
    search = replace(known[GIT].search, complete=False)
    known = Facts({**known.values, GIT.id: replace(known[GIT], search=search)})
    assert results(git, known) == {"search": "unknown"}


def test_without_the_files_nothing_passes() -> None:
    known = facts("good-root", environment=Unavailable(say("closed")))
    assert results(git, known) == {"values": "unknown"}


def test_a_file_of_tests_may_be_tracked() -> None:
    known = facts("good-root")
    known = Facts({**known.values, GIT.id: replace(known[GIT], tracked=(".env.test", ".env.example"))})
    assert results(git, known) == {"": "pass"}


def test_a_host_name_in_the_history_is_no_leak() -> None:
    # POSTGRES_HOST stands in .env.example too; it is no secret.
    assert "POSTGRES_HOST" in facts("good-root")[GIT].search.found
    assert results(git, facts("good-root")) == {"": "pass"}


def test_a_value_that_was_made_new_since_is_no_longer_todays() -> None:
    known = with_content(facts("bad-root"), f"SMTP_PASSWORD={PUBLIC}\n".encode())
    assert "values" not in results(git, known)
    assert "tracked" in results(git, known)
    assert known[ENVIRONMENT].live
