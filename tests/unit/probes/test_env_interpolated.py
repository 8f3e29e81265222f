"""A container that compose gives another variable's value under a name of the file's."""

from __future__ import annotations

from signoff.facts.environment import ENVIRONMENT
from signoff.probes.env_running import values
from unit.env_hosts import facts, judge, results, with_content

DB = "container shop_db_1"


def test_what_compose_fills_in_counts_and_not_the_name() -> None:
    """POSTGRES_PASSWORD of the container is the file's POSTGRES_ADMIN_PASSWORD; the file has both."""
    known = facts("docker-root")
    found = judge(values, known)
    assert {subject: finding.result.value for subject, finding in found.items()} == {
        "container shop_web_1": "pass",
        "container shop_redis_1": "pass",
        DB: "pass",
    }
    assert found[DB].observed.endswith("the file's POSTGRES_ADMIN_PASSWORD")


def test_a_container_with_an_older_value_of_it_still_fails() -> None:
    known = facts("docker-root")
    content = known[ENVIRONMENT].live[0].content
    assert content is not None
    lines = [
        f"{one.name}={'kV7x9mQzXw2Lp0RtYb8N' if 'ADMIN' in one.name else one.value.reveal()}\n"
        for one in content.variables.values()
    ]
    changed = with_content(known, "".join(lines).encode())
    assert results(values, changed)[DB] == "fail"
