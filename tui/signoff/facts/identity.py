"""Which machine is this?"""

from __future__ import annotations

from typing import NamedTuple

from signoff.facts.base import HostFact
from signoff.message import say
from signoff.text import one_line


class Machine(NamedTuple):
    """A machine's own name, its id (machine-id(5), empty where it has none) and its system's name."""

    name: str = ""
    id: str = ""
    system: str = ""


MACHINE: HostFact[Machine] = HostFact(
    id="machine",
    title=say("the machine's identity"),
    script=(
        "uname -n\n"
        "if [ -r /etc/machine-id ]; then head -n 1 /etc/machine-id; else echo; fi\n"
        'if [ -r /etc/os-release ]; then ( . /etc/os-release; echo "$PRETTY_NAME" ); else uname -s; fi\n'
    ),
    kept=Machine,
    parse=lambda output: Machine(*map(one_line, output.stdout.splitlines()[:3])),
)
