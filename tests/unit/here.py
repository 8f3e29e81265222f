"""What a host fact's script says on this machine, in a shell of one's choice."""

from __future__ import annotations

import subprocess
from typing import Any

from signoff.facts.base import Facts, HostFact
from signoff.facts.collect import _asked
from signoff.target.command import Output
from signoff.target.profile import Profile

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def look(fact: HostFact[Any], profile: Profile, shell: str = "sh", path: str = PATH) -> Any:
    """Return a fact's value. Those that it needs are looked up before it."""
    needed = {need.id: look(need, profile, shell) for need in fact.needs if isinstance(need, HostFact)}
    command = _asked(fact, profile, Facts(needed)).command
    done = subprocess.run(
        [shell, "-c", command.script],
        input=command.data.encode("utf-8", "surrogateescape"),
        env={"PATH": path, "LC_ALL": "C"},
        capture_output=True,
        check=True,
        cwd="/",
    )
    return fact.parse(Output(fact.id, done.returncode, done.stdout, done.stderr))
