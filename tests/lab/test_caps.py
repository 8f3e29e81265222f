"""Every cap of the scripts, tried on a real host: what exceeds it is said, whatever else is found.

Each is lowered to nothing in turn, so that one thing is one too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
import traps
from labhost.host import Host

from matrix import Result
from signoff.facts.admin_inside import ADMIN_INSIDE
from signoff.facts.backups import BACKUPS
from signoff.facts.base import Facts, HostFact
from signoff.facts.collect import _asked
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.git import GIT
from signoff.facts.jobs import JOBS
from signoff.facts.sections import left_out
from signoff.facts.units import UNITS
from signoff.probes.ssh import SSHD
from signoff.target.command import Output
from signoff.target.profile import Profile

FOLDER = Path(str(files("signoff.facts").joinpath("scripts")))
SHOP = Profile(
    name="shop", url="https://shop.test", project="/srv/shop", admin_paths=("/admin/",), database="shop"
)
NOTHING = Profile(name="many", project="/srv/many")

# Something of everything: repositories within and elsewhere, odd names, old dumps, mounted secrets.
SCENE = r"""
cd /srv/shop
mkdir -p -m 700 lib/other closed && git -C lib/other init --quiet
touch "$(printf 'a\nb.env')"
printf 'services: {}\nsecrets:\n  token:\n    file: ./token\n' > compose.yml && echo x > token
mkdir -p /srv/many/inside /srv/lonely /srv/lonely.git/hooks
git -C /srv/many/inside init --quiet
echo 'git --work-tree=/srv/lonely checkout -f' > /srv/lonely.git/hooks/post-receive
cd /var/backups/shop
for i in $(seq 70); do echo x > "old-$i.sql"; touch --date="$((i + 20)) days ago" "old-$i.sql"; done
touch "$(printf 'c\nd.sql')" "$(printf 'e\tf.sql')"
in_git() { runuser -u deploy -- git -C /srv/shop -c user.name=D -c user.email=d@shop.test "$@"; }
install -o deploy /dev/null /srv/shop/old.env && echo A=1 > /srv/shop/old.env
install -d -o deploy /home/deploy/.config/systemd/user
install -o deploy /dev/null /home/deploy/.config/systemd/user/night.timer
printf 'Match Address 198.51.100.7\n    PermitRootLogin no\n' > /etc/ssh/sshd_config.d/match.conf
in_git add --force old.env && in_git commit --quiet --message Old
"""

CAPS: dict[tuple[str, str], tuple[HostFact[Any], Profile]] = {
    ("backups.sh", "dumps in $place"): (BACKUPS, SHOP),
    ("environment.sh", "files named like .env"): (ENVIRONMENT, SHOP),
    ("environment.sh", "groups"): (ENVIRONMENT, SHOP),
    ("environment.sh", "users"): (ENVIRONMENT, SHOP),
    ("git.sh", "repositories within the project"): (GIT, NOTHING),
    ("git.sh", "repositories elsewhere"): (GIT, Profile(name="lonely", project="/srv/lonely")),
    ("git.sh", "repositories inside this one"): (GIT, SHOP),
    ("git.sh", "tracked files named like .env"): (GIT, SHOP),
    ("git.sh", "versions of files named like .env"): (GIT, SHOP),
    ("inside.sh", "applications behind the web server"): (ADMIN_INSIDE, SHOP),
    ("inside.sh", "admin paths in the description of the API"): (ADMIN_INSIDE, SHOP),
    ("scheduled.sh", "what cron said"): (JOBS, SHOP),
    ("places.sh", "places where dumps may lie"): (BACKUPS, SHOP),
    ("environment.sh", "files that compose mounts as secrets"): (ENVIRONMENT, SHOP),
    ("scheduled.sh", "$1"): (JOBS, SHOP),
    ("scheduled.sh", "timers of users"): (JOBS, SHOP),
    ("scheduled.sh", "words of the jobs that may be programs"): (JOBS, SHOP),
    ("scheduled.sh", "files that the jobs name"): (JOBS, SHOP),
    ("sshd.sh", "addresses of Match blocks"): (SSHD, SHOP),
    ("sshd.sh", "login users"): (SSHD, SHOP),
    ("units.sh", "processes of $unit"): (UNITS, SHOP),
}
"""Each cap by its script and its words, with a fact whose look comes by it."""

CAP = re.compile(r"\b(first|first_bytes) (\d+) ('[^']*'|\"[^\"]*\")")
ODD: dict[tuple[str, str], tuple[HostFact[Any], Profile]] = {
    ("environment.sh", "files of the project: a name has a line feed in it"): (ENVIRONMENT, SHOP),
    ("environment.sh", "folders in /srv/shop that may not be looked into"): (ENVIRONMENT, SHOP),
    ("places.sh", "/var/backups/shop: a name has a line feed in it"): (BACKUPS, SHOP),
    ("places.sh", "/var/backups/shop: a name has a tab in it"): (BACKUPS, SHOP),
}


@dataclass(frozen=True)
class Cap:
    """One cap: its script, what it is about, the number, and its text in the script."""

    row: str
    words: str
    number: int
    text: str

    @property
    def what(self) -> str:
        """The cap in words."""
        return f"{self.words}, at most {self.number}"


def caps() -> Iterator[Cap]:
    """Every cap of every script."""
    for path in sorted(FOLDER.glob("*.sh")):
        for found in CAP.finditer(path.read_text()) if path.name != "lib.sh" else ():
            yield Cap(path.name, found[3][1:-1], int(found[2]), found[0])


@pytest.fixture(scope="module")
def host(lab: Any) -> Iterator[Host]:
    """A good host on which there is something of everything."""
    started: Host = lab.up("good")
    started.exec(SCENE)
    traps.admin_api_described(started)
    yield started
    started.stop()


def looked(host: Host, fact: HostFact[Any], profile: Profile, cap: str = "", user: str = "root") -> Output:
    """What the fact's script prints on the host, with one cap lowered to nothing."""
    needed = {
        need.id: need.parse(looked(host, need, profile, user=user))
        for need in fact.needs
        if isinstance(need, HostFact)
    }
    asked = _asked(fact, profile, Facts(needed)).command
    assert cap in asked.script
    lowered = asked.script.replace(cap, re.sub(r"\d+", "0", cap, count=1)) if cap else asked.script
    words = f"env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root sh -c {quote(lowered)}"
    command = words if user == "root" else f"runuser -u {user} -- {words}"
    return Output("x", 0, host.exec(command, stdin=asked.data.encode()).encode())


def test_every_cap_is_tried() -> None:
    assert {(cap.row, cap.words) for cap in caps()} == CAPS.keys()


@pytest.mark.parametrize("row", caps(), ids=lambda row: f"{row.row}: {row.words}")
def test_what_is_beyond_it_is_said(host: Host, result: Result, row: Cap) -> None:
    marks = left_out(looked(host, *CAPS[row.row, row.words], row.text))
    said = re.compile(re.sub(r"\\\$\w+", "[^:]+", re.escape(row.words)) + ": more than 0( bytes)?$")
    hits = [mark for mark in marks if said.match(mark)]
    assert hits
    result(**{"beyond it": f'unknown; not looked at: "{hits[0]}"'})


@pytest.mark.parametrize(("script", "mark"), ODD)
def test_an_odd_name_or_a_closed_folder_is_said(host: Host, script: str, mark: str) -> None:
    fact, profile = ODD[script, mark]
    assert mark in left_out(looked(host, fact, profile, user="viewer" if "may not" in mark else "root"))
