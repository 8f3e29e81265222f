"""Which machine is this?"""

from __future__ import annotations

from dataclasses import dataclass

from signoff.facts.base import HostFact
from signoff.message import say
from signoff.target.command import Output
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine's own name, its id (machine-id(5), empty where it has none) and its system's name."""

    name: str
    id: str
    system: str


def _parse(output: Output) -> Machine:
    name, machine_id, system, *_ = [one_line(line) for line in output.stdout.split(b"\n")] + [""] * 3
    return Machine(name=name, id=machine_id, system=system)


MACHINE: HostFact[Machine] = HostFact(
    id="machine",
    title=say("the machine's identity"),
    script=(
        "uname -n\n"
        "if [ -r /etc/machine-id ]; then head -n 1 /etc/machine-id; else echo; fi\n"
        'if [ -r /etc/os-release ]; then ( . /etc/os-release; echo "$PRETTY_NAME" ); else uname -s; fi\n'
    ),
    parse=_parse,
)
