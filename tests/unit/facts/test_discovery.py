"""What is proposed for a profile, and what is left to the operator."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.facts.backups import BACKUPS
from signoff.facts.base import Facts, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.discovery import (
    DISCOVERY_FACTS,
    SURROUNDINGS,
    Project,
    Surroundings,
    Unit,
    parse_surroundings,
    propose,
)
from signoff.facts.packing import pack, unpack
from signoff.facts.web import WEB_SERVERS, WebServers
from signoff.message import say
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit.admin_site import RECORDED, web
from unit.backup_hosts import backups

MISSING = Unavailable(say("not looked at"))


def surroundings(state: str) -> Surroundings:
    return parse_surroundings(
        Output("surroundings", 0, (RECORDED / "surroundings" / f"{state}.txt").read_bytes())
    )


def known(state: str) -> Facts:
    """Return what discovery finds on a recorded host."""
    return Facts(
        {
            SURROUNDINGS.id: surroundings(state),
            WEB_SERVERS.id: web(state),
            BACKUPS.id: backups(state),
            CONTAINERS.id: (),
        }
    )


def only(**values: Any) -> Facts:
    given: dict[str, Any] = {fact.id: MISSING for fact in DISCOVERY_FACTS}
    return Facts(given | {name.replace("_", "-"): value for name, value in values.items()})


def test_a_good_host() -> None:
    proposal = propose(known("good-root"), Profile(address="ssh://deploy@shop.example"))
    assert proposal.profile == Profile(
        address="ssh://deploy@shop.example",
        url="https://shop.test",
        project="/srv/shop",
        services=("shop.service",),
        admin_paths=("/admin/", "/api/admin/"),
        database="shop",
        backup_directory="/var/backups/shop",
    )
    assert proposal.why["project"] == "the directory of its service"


def test_what_the_operator_said_stays() -> None:
    said = Profile(
        url="https://other.example",
        project="/srv/other",
        services=("web",),
        admin_paths=("/panel/",),
        database="other",
        backup_directory="/b",
        env_files=(".env.prod",),
    )
    assert propose(known("good-root"), said).profile == said


def test_without_root_what_is_seen_is_proposed() -> None:
    proposal = propose(known("good-viewer"), Profile())
    assert proposal.profile.project == "/srv/shop"
    assert proposal.profile.url == ""


def test_nothing_is_known() -> None:
    assert propose(only(), Profile()).profile == Profile()


def test_several_candidates_are_left_to_the_operator() -> None:
    found = Surroundings(
        (Project("/srv/a", "compose", ("/srv/a/.env",)), Project("/srv/b", "unit", ("/srv/b/.env",))), ()
    )
    proposal = propose(only(surroundings=found), Profile())
    assert proposal.profile.project == ""
    assert proposal.candidates["project"] == ("/srv/a", "/srv/b")


@pytest.mark.parametrize(
    ("projects", "chosen"),
    [
        (
            (Project("/srv/a", "usual", ("/srv/a/.env",)), Project("/srv/b", "unit", ("/srv/b/.env",))),
            "/srv/b",
        ),
        # A helper's directory has no secrets of its own.
        ((Project("/srv/a", "compose"), Project("/srv/b", "unit", ("/srv/b/.env",))), "/srv/b"),
        ((Project("/srv/a", "compose", ("/srv/a/.env",)), Project("/home/me/shop", "here")), "/home/me/shop"),
    ],
)
def test_the_likelier_project(projects: tuple[Project, ...], chosen: str) -> None:
    lines = [
        f"#project\t{project.path}\t{project.found}\n"
        + "".join(f"#env\t{path}\n" for path in project.env_files)
        for project in projects
    ]
    parsed = parse_surroundings(Output("surroundings", 0, ("".join(lines) + "#end\n").encode()))
    assert propose(only(surroundings=parsed), Profile()).profile.project == chosen


def test_the_project_of_the_address() -> None:
    proposal = propose(only(), Profile(address="ssh://deploy@shop.example/srv/mine"))
    assert proposal.profile.project == "/srv/mine"


def test_env_files_of_another_name() -> None:
    project = Project("/srv/a", "unit", ("/srv/a/.env.prod", "/srv/a/mail.env"), ("shop",))
    found = Surroundings((project,), (Unit("a.service", "", "/srv/a/.env.prod"),))
    proposal = propose(only(surroundings=found), Profile())
    assert proposal.profile.env_files == (".env.prod", "mail.env")
    assert proposal.profile.services == ("a.service",)


def test_names_that_nobody_types_are_no_urls() -> None:
    servers = web("good-root")
    assert propose(only(web_servers=servers), Profile()).profile.url == "https://shop.test"
    assert "_" in servers.names()


@pytest.mark.parametrize("state", ["good-root", "good-viewer", "bad-root"])
def test_what_was_found_is_kept_as_it_is(state: str) -> None:
    assert unpack(SURROUNDINGS, pack(SURROUNDINGS, surroundings(state))) == surroundings(state)


@pytest.mark.parametrize(
    "name", ["_", "*.shop.test", "~^shop", "localhost", "app.local", "192.0.2.7", "::1", "shop", "a/b.c", ""]
)
def test_what_nobody_types_is_no_url(name: str) -> None:
    class Servers(WebServers):
        def names(self) -> tuple[str, ...]:
            return (name, "Shop.test.", "www.shop.test")

    assert propose(only(web_servers=Servers()), Profile()).profile.url == "https://shop.test"


def test_no_secret_is_read() -> None:
    # The script takes names of databases out of .env on the host itself, and nothing else.
    for state in ("good-root", "bad-root"):
        text = (RECORDED / "surroundings" / f"{state}.txt").read_text()
        assert {line for line in text.splitlines() if line.startswith("|")} == {"|shop"}
