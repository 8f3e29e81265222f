"""With which words a container is made anew, by the labels that both versions of compose leave on it."""

from __future__ import annotations

import pytest

from signoff.facts.composed import LABEL, Composed, Programs, composed
from signoff.facts.containers import CONTAINERS
from unit.env_hosts import facts, output

FIRST, SECOND, BOTH = Programs(program="1.29.2"), Programs(plugin="2.26.1-4"), Programs("2.26.1-4", "1.29.2")
RENAMED = Programs(program="2.26.1-4")
NOTHING = Programs()


def labelled(version: str, programs: Programs, name: str = "", **labels: str) -> Composed:
    """A container of the service web of the project shop, as compose of this version labels it."""
    first = version.startswith("1.")
    about = {
        "project": "shop",
        "service": "web",
        "container-number": "1",
        "version": version,
        "project.working_dir": "/srv/shop",
        "project.config_files": "docker-compose.yml" if first else "/srv/shop/compose.yaml",
        **{key.replace("__", "."): value for key, value in labels.items()},
    }
    labels = {f"{LABEL}{key}": value for key, value in about.items()}
    made = composed(name or ("shop_web_1" if first else "shop-web-1"), labels, programs)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("version", "programs", "words"),
    [
        ("1.29.2", FIRST, "docker-compose"),
        ("1.29.2", BOTH, "docker-compose"),
        ("1.29.2", NOTHING, "docker-compose"),
        # Without it the container would be called shop-web-1 from then on, and no backup would find it.
        ("1.29.2", SECOND, "docker compose --compatibility"),
        ("1.29.2", RENAMED, "docker-compose --compatibility"),
        ("2.26.1", SECOND, "docker compose"),
        ("2.26.1", BOTH, "docker compose"),
        ("2.26.1", NOTHING, "docker compose"),
        ("2.26.1", RENAMED, "docker-compose"),
        ("2.26.1", FIRST, "docker-compose"),
    ],
)
def test_the_compose_that_is_there_is_called(version: str, programs: Programs, words: str) -> None:
    assert labelled(version, programs).program == tuple(words.split())


def test_an_old_name_stays_also_under_version_2() -> None:
    made = labelled("2.26.1", SECOND, name="shop_web_1")
    assert made.program == ("docker", "compose", "--compatibility")
    assert labelled("2.26.1", SECOND, name="a_name_of_its_own").program == ("docker", "compose")


def test_people_read_the_shortest_command_that_means_it() -> None:
    up = "up -d --force-recreate web"
    for made, command in (
        (labelled("2.26.1", SECOND), f"cd /srv/shop && docker compose {up}"),
        (labelled("1.29.2", FIRST), f"cd /srv/shop && docker-compose {up}"),
        (
            labelled("2.26.1", SECOND, project="live"),
            f"cd /srv/shop && docker compose -p live {up}",
        ),
        (
            labelled("2.26.1", SECOND, project__config_files="/srv/shop/compose.yaml,/srv/shop/prod.yaml"),
            f"cd /srv/shop && docker compose -p shop -f compose.yaml -f prod.yaml {up}",
        ),
        (
            labelled("2.26.1", SECOND, project__environment_file="/srv/shop/prod.env"),
            f"cd /srv/shop && docker compose -p shop -f compose.yaml --env-file prod.env {up}",
        ),
    ):
        assert made.up("--force-recreate") == command


@pytest.mark.parametrize(
    ("files", "env_files"),
    [("deploy/compose.yaml", "prod.env"), ("/srv/t/deploy/compose.yaml", "/srv/t/prod.env")],
)
def test_where_compose_was_called_from_is_found(files: str, env_files: str) -> None:
    """Version 1 notes paths from there, version 2 whole ones; the directory is that of the first file."""
    version = "2.26.1" if files.startswith("/") else "1.29.2"
    labels = {"project__config_files": files, "project__environment_file": env_files}
    inside = labelled(version, BOTH, project__working_dir="/srv/t/deploy", **labels)
    assert inside.files == ("/srv/t/deploy/compose.yaml",)
    assert inside.env_files == ("/srv/t/prod.env",)
    assert inside.whole[-4:] == ("-f", "compose.yaml", "--env-file", "/srv/t/prod.env")
    above = labelled(version, BOTH, project__working_dir="/srv/t", **labels)
    assert above.files == inside.files
    assert above.whole[-6:-4] == ("--project-directory", "/srv/t")
    assert above.whole[-4:] == ("-f", "deploy/compose.yaml", "--env-file", "prod.env")


def test_a_project_at_the_top_of_the_disk() -> None:
    labels = {"project__config_files": "deploy/compose.yaml", "project__environment_file": "prod.env"}
    made = labelled("1.29.2", BOTH, project__working_dir="/deploy", **labels)
    assert (made.files, made.env_files) == (("/deploy/compose.yaml",), ("/prod.env",))


def test_what_nobody_composed() -> None:
    assert composed("cache", {}, BOTH) is None


def test_the_script_tells_which_compose_there_is() -> None:
    assert {one.programs for one in facts("docker2-root")[CONTAINERS]} == {SECOND}
    recorded = output("bad-root", CONTAINERS)
    before = CONTAINERS.parse(recorded)
    assert {one.programs for one in before} == {NOTHING}
    more = b"\n#plugin\n|\n#program\n|1.29.2\n\n#end\n"
    told = CONTAINERS.parse(
        type(recorded)(recorded.id, 0, recorded.stdout.removesuffix(b"\n#end\n") + more, as_root=True)
    )
    assert {one.programs for one in told} == {FIRST}
    assert {one.composed.program for one in told if one.composed} == {("docker-compose",)}
