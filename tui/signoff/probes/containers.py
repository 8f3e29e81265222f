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
from signoff.facts.kinds import Lines, Rows, json_rows, lines
from signoff.message import listed, say
from signoff.probes import kit
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import Proves, Seen, decision, each, right, unseen, wrong
from signoff.probes.remedies import within
from signoff.target.profile import Profile

_MIGHTY = frozenset({"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH"})
_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock")
_STARTER = re.compile(r"tini|dumb-init|docker-init|catatonit|s6-.*|sh|bash|docker-entrypoi|entrypoint.*")
"""What stays behind as root, and starts the service as somebody else."""
_PLACE = "com.docker.compose.project.working_dir"


class Made(msgspec.Struct):
    """What a container may do on the host. ``mounts`` are paths of the host."""

    id: str
    privileged: bool
    capabilities: tuple[str, ...] | None
    pid: str
    mounts: tuple[str, ...]

    def powers(self) -> Iterator[str]:
        """Yield what makes it as good as root on the host."""
        yield from [say("privileged")] * self.privileged
        yield from [say("sees the host's processes")] * (self.pid == "host")
        yield from sorted({one.removeprefix("CAP_") for one in self.capabilities or ()} & _MIGHTY)
        leading = [path for path in self.mounts if any(within(socket, path) for socket in _SOCKETS)]
        yield from (say("has {path} mounted", path=path) for path in leading)


TOP = lines("docker-top", say("The containers' processes"), "docker-top.sh", kept=Lines)
MADE = json_rows("docker-made", say("The containers' privileges"), Made, "docker-made.sh", kept=Rows[Made])


@probe(
    "containers.user",
    title=say("Containers without root"),
    expected=say("no process of a container runs as root on the host, and none may do as root does"),
    needs=(CONTAINERS, TOP, MADE),
    remedy=decision(say("Give the service a user (compose: user), no privileges and no Docker socket.")),
)
def user(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Whether the project's containers run as root; of the others, and of what does not run, it tells."""

    def look(one: Container) -> Seen:
        made = {row.id: row for row in facts[MADE].get("made", ())}
        processes = [line.split(None, 2) for line in facts[TOP].get(one.id, ())[1:]]
        if one.id not in made or not processes:
            return unseen(say("its processes are not shown"))
        users = {uid for uid, _, name in processes if uid != "0" or not _STARTER.fullmatch(name)} or {"0"}
        if problems := [*made[one.id].powers(), *[say("root")] * ("0" in users)]:
            return wrong(listed(problems, ", "))
        return right(say("user {users}", users=listed(sorted(users), ", ")))

    containers = facts[CONTAINERS]
    if not containers:
        yield kit.notapplicable(say("no containers here"))
    ours = [one for one in containers if (at := one.labels.get(_PLACE)) in {None, profile.project or at}]
    running = [one for one in ours if one.running]
    if ours:
        yield each(say("containers"), running, look, proves=Proves.RUNNING, name=lambda one: one.name)
    if others := listed((one.name for one in containers if one not in running), ", "):
        text = say("not running, or of another project: {names}", names=others)
        yield kit.informational(text, subject="others")
