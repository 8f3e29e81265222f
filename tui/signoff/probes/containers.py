"""Whom the containers' processes run as: by the processes themselves, and never by the user that is declared.

A start script that gives up root is fine, and so is root that is nobody on the host (userns-remap). Whoever
may do as root does on the host counts as root, whatever the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from signoff.facts.base import Facts
from signoff.facts.containers import CONTAINERS, Container
from signoff.facts.kinds import json_rows, lines
from signoff.message import listed, say
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import (
    Proves,
    Seen,
    decision,
    each,
    informational,
    notapplicable,
    right,
    unseen,
    wrong,
)
from signoff.target.profile import Profile

_MIGHTY = frozenset({"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH"})
_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock")
_STARTER = re.compile(r"tini|dumb-init|docker-init|catatonit|s6-.*|sh|bash|docker-entrypoi|entrypoint.*")
"""What stays behind as root, and starts the service as somebody else."""


class Made(msgspec.Struct):
    """What a container may do on the host. ``mounts`` are paths of the host."""

    id: str
    privileged: bool
    capabilities: tuple[str, ...] | None
    pid: str
    mounts: tuple[str, ...]

    def powers(self) -> list[str]:
        """Return what makes it as good as root on the host."""
        found = ["privileged"] * self.privileged + ["sees the host's processes"] * (self.pid == "host")
        found += sorted({one.removeprefix("CAP_") for one in self.capabilities or ()} & _MIGHTY)
        return found + [f"has {path} mounted" for path in self.mounts if path and _leads_to_docker(path)]


def _leads_to_docker(path: str) -> bool:
    return any(f"{socket}/".startswith(f"{path.rstrip('/')}/") for socket in _SOCKETS)


TOP = lines("docker-top", "The containers' processes", "docker-top.sh", by_hand="sudo docker top CONTAINER")
MADE = json_rows("docker-made", "The containers' privileges", Made, "docker-made.sh")


@probe(
    "containers.user",
    title=say("Containers without root"),
    expected=say("no process of a container runs as root on the host, and none may do as root does"),
    needs=(CONTAINERS, TOP, MADE),
    remedy=decision(
        say(
            "Give the service a user (user: in compose, USER in its Dockerfile), and neither "
            "privileged nor the Docker socket. Then: docker compose up -d --force-recreate"
        )
    ),
)
def user(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Whether the project's containers run as root; of the others, and of what does not run, it tells."""

    def look(one: Container) -> Seen:
        processes = [line.split(None, 2) for line in facts[TOP].get(one.id, ())[1:]]
        if one.id not in made or not processes:
            return unseen(say("its processes are not shown"))
        users = {uid for uid, _, name in processes if uid != "0" or not _STARTER.fullmatch(name)} or {"0"}
        problems = made[one.id].powers() + ["root"] * ("0" in users)
        return (
            wrong(listed(problems, ", "))
            if problems
            else right(say("user {users}", users=", ".join(sorted(users))))
        )

    if not facts[CONTAINERS]:
        yield notapplicable(say("no containers here"))
        return
    made = {row.id: row for row in facts[MADE].get("made", ())}
    places = {one.id: one.labels.get("com.docker.compose.project.working_dir") for one in facts[CONTAINERS]}
    ours = [one for one in facts[CONTAINERS] if places[one.id] in {None, profile.project or places[one.id]}]
    running = [one for one in ours if one.running]
    if ours:
        yield each(say("containers"), running, look, proves=Proves.RUNNING, name=lambda one: one.name)
    if others := [one.name for one in facts[CONTAINERS] if one not in running]:
        yield informational(
            say("not running, or of another project: {others}", others=", ".join(others)), subject="others"
        )
