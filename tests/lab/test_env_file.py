"""Replacing a file with secrets on a real host, as its users: deploy, operator, viewer, and root by sudo."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from labhost.host import SUDO_PASSWORD, Host
from look import lead_to

from signoff.actions.env_file import EnvFile
from signoff.credentials.env_edit import edit
from signoff.credentials.env_file import ConcurrentEditError, EnvFileError
from signoff.credentials.generate import generate
from signoff.credentials.secret import Secret
from signoff.target.base import Target
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from unit.target.rig import Operator

pytestmark = pytest.mark.lab

ENV = "/srv/shop/.env"
CANARY = "canary-9d1f-Zq7vT2mK9xWc4bN8rJh"

Open = Callable[..., Target]


@pytest.fixture
def open_as(class_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Return a function that logs in to the class's host; it asks nothing that the test has not answered."""
    lead_to(tmp_path, class_host)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    targets: list[Target] = []

    def open_(user: str, *passwords: str) -> Target:
        operator = Operator(trusts=False, sudo_passwords=list(passwords))
        targets.append(open_target(Profile(address=class_host.target(user)), operator))
        return targets[-1]

    yield open_
    for target in targets:
        target.close()


def traits(host: Host, path: str = ENV) -> str:
    """All that undo has to bring back."""
    look = (
        "import os, sys; path = sys.argv[1]; s = os.stat(path);"
        " print(open(path, 'rb').read(), oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns,"
        " sorted((n, os.getxattr(path, n)) for n in os.listxattr(path)))"
    )
    return host.exec(f'python3 -c "{look}" {path}; ls -A $(dirname {path})')


def hold_sync(host: Host, arguments: str = "*") -> None:
    """A sync(1) that, called with these arguments, says that it waits, and goes on when it is told to."""
    host.exec("rm -rf /run/gate; mkdir -m 1777 /run/gate")
    waits = "> /run/gate/waits; for i in $(seq 300); do [ -e /run/gate/go ] && break; sleep 0.1; done"
    script = f'#!/bin/sh\ncase "$1" in {arguments}) {waits} ;; esac\nexec /usr/bin/sync "$@"\n'
    host.put("/usr/local/sbin/sync", script, 0o755)


AT_THE_GATE = (
    "for i in $(seq 300); do [ -e /run/gate/waits ] && break; sleep 0.1; done; [ -e /run/gate/waits ]"
)
OPEN_THE_GATE = "touch /run/gate/go"


def healthy(host: Host) -> bool:
    """Whether the shop starts with its file as it is, and answers."""
    answer = "curl -sfk --resolve shop.test:443:127.0.0.1 https://shop.test/healthz"
    host.exec("systemctl reset-failed shop; systemctl restart shop")
    return not host.run(f"for i in $(seq 50); do {answer} && exit 0; sleep 0.2; done; exit 1").code


class TestAsItsUsers:
    """One host; every test leaves the file as it was."""

    @pytest.mark.parametrize(("user", "passwords"), [("deploy", ()), ("operator", (SUDO_PASSWORD,))])
    def test_root_replaces_it_the_product_runs_and_undo_is_exact(
        self, open_as: Open, class_host: Host, user: str, passwords: tuple[str, ...]
    ) -> None:
        target = open_as(user, *passwords)
        before, state = traits(class_host), class_host.state()
        env = EnvFile(target, ENV, root=True)
        read = env.read()
        assert env.remarks(read) == ()
        new = edit(read.raw, {"SECRET_KEY": generate("django").value})
        assert env.write(new, read).raw == new
        assert class_host.exec(f"stat -c '%a %U:%G' {ENV}") == "600 shop:shop"
        assert class_host.exec(f"cat {ENV}").encode() + b"\n" == new
        assert healthy(class_host)
        assert env.restore(read) == read
        assert traits(class_host) == before
        assert healthy(class_host)
        assert [line for line in state.differences(class_host.state()) if "/srv" in line] == []

    @pytest.mark.parametrize(
        ("user", "passwords", "root", "words"),
        [
            ("deploy", (), False, "cannot be read: permission was denied"),
            ("operator", ("wrong", "wronger", "wrongest"), True, "needs root, and sudo: 3 incorrect"),
            ("operator", (), True, "needs root, and sudo wants a password"),
            ("viewer", (), False, "cannot be read: permission was denied"),
            ("viewer", (), True, "needs root"),
        ],
    )
    def test_who_may_not_changes_nothing(
        self,
        open_as: Open,
        class_host: Host,
        user: str,
        passwords: tuple[str, ...],
        root: bool,
        words: str,
    ) -> None:
        before = traits(class_host)
        as_root = EnvFile(open_as("deploy"), ENV, root=True).read()
        target = open_as(user, *passwords)
        with pytest.raises(EnvFileError, match=words):
            EnvFile(target, ENV, root=root).read()
        with pytest.raises(EnvFileError):
            EnvFile(target, ENV, root=root).write(b"A=1\n", as_root)
        assert traits(class_host) == before

    def test_the_owner_needs_no_root_but_cannot_give_it_to_another_group(
        self, open_as: Open, class_host: Host
    ) -> None:
        path = "/srv/shop/.env.local"
        target = open_as("deploy")
        class_host.put(path, "A=old\n", 0o644, "deploy:deploy")
        env = EnvFile(target, path)
        before = traits(class_host, path)
        read = env.read()
        assert env.remarks(read) == ("Its mode goes from 0644 to 0600.",)
        env.write(b"A=new\n", read)
        assert class_host.exec(f"stat -c '%a %U:%G' {path}; cat {path}") == "600 deploy:deploy\nA=new"
        env.restore(read)
        assert traits(class_host, path) == before

        # A service of the group shop reads it, and deploy is in no such group.
        class_host.exec(f"chgrp shop {path}")
        env = EnvFile(target, path, group_reads=True)
        with pytest.raises(EnvFileError, match="owner or group could not be kept"):
            env.write(b"A=new\n", env.read())
        env = EnvFile(target, path, root=True, group_reads=True)
        env.write(b"A=new\n", env.read())
        assert class_host.exec(f"stat -c '%a %U:%G' {path}") == "640 deploy:shop"
        assert class_host.exec(f"runuser -u shop -- cat {path}") == "A=new"
        assert class_host.run(f"runuser -u viewer -- cat {path}").code
        class_host.exec(f"rm {path}")

    def test_a_link_into_etc_stays(self, open_as: Open, class_host: Host) -> None:
        before = traits(class_host)
        class_host.exec(f"mkdir -p /etc/shop && mv {ENV} /etc/shop/env && ln -s ../../etc/shop/env {ENV}")
        env = EnvFile(open_as("deploy"), ENV, root=True)
        read = env.read()
        assert env.remarks(read) == (f"{ENV} leads to /etc/shop/env: that file is replaced, the link stays.",)
        env.write(read.raw + b"# more\n", read)
        assert class_host.exec(f"readlink {ENV}; tail -1 /etc/shop/env") == "../../etc/shop/env\n# more"
        assert healthy(class_host)
        env.restore(read)
        class_host.exec(f"rm {ENV} && mv /etc/shop/env {ENV} && rmdir /etc/shop")
        assert traits(class_host) == before

    def test_attributes_and_access_lists_stay_without_any_program_for_them(
        self, open_as: Open, class_host: Host
    ) -> None:
        assert class_host.run("command -v setfacl || command -v setfattr").code
        entries = [(1, 6, -1), (2, 4, 1002), (4, 4, -1), (16, 4, -1), (32, 4, -1)]
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
        path = "/srv/shop/.env.listed"
        class_host.put(path, "A=old\n", 0o600, "shop:shop")
        plant = (
            f"import os; os.setxattr('{path}', 'system.posix_acl_access', {acl!r});"
            f" os.setxattr('{path}', 'user.note', b'\\0x')"
        )
        class_host.exec("python3 -", stdin=plant)
        before = traits(class_host, path)
        env = EnvFile(open_as("deploy"), path, root=True)
        read = env.read()
        assert read.identity.listed
        env.write(b"A=new\n", read)
        assert class_host.exec(f"runuser -u viewer -- cat {path}") == "A=new"
        assert class_host.run(f"runuser -u operator -- cat {path}").code
        assert "user.note" in traits(class_host, path)
        env.restore(read)
        assert traits(class_host, path) == before
        class_host.exec(f"rm {path}")

    def test_a_change_by_somebody_else_is_kept(self, open_as: Open, class_host: Host) -> None:
        before = class_host.exec(f"cat {ENV}")
        env = EnvFile(open_as("deploy"), ENV, root=True)
        read = env.read()
        class_host.exec(f"echo '# theirs' >> {ENV}")
        theirs = traits(class_host)
        with pytest.raises(ConcurrentEditError):
            env.write(read.raw + b"# ours\n", read)
        assert traits(class_host) == theirs
        class_host.put(ENV, before + "\n", 0o600, "shop:shop")

    def test_the_value_is_nowhere_but_in_the_file(self, open_as: Open, class_host: Host) -> None:
        before = class_host.exec(f"cat {ENV}")
        # sync(1) waits, so that all processes of the write can be looked at while it goes on.
        hold_sync(class_host)
        look = f"""{AT_THE_GATE} || exit 3
x={CANARY[:9]}; x="$x"{CANARY[9:]}
for process in /proc/[0-9]*; do
  for file in cmdline environ; do
    case $(tr '\\0' ' ' < "$process/$file" 2>/dev/null) in *"$x"*) echo "$process/$file" ;; esac
  done
done; pgrep -c -f '^/bin/sh /usr/local/sbin/sync'; {OPEN_THE_GATE}"""
        env = EnvFile(open_as("operator", SUDO_PASSWORD), ENV, root=True)
        read = env.read()
        with ThreadPoolExecutor() as pool:
            looking = pool.submit(class_host.exec, look)
            env.write(edit(read.raw, {"X": Secret(CANARY)}, append=True), read)
            assert looking.result() == "1"
        places = "/tmp /var/tmp /var/log /run /root /home /dev/shm"
        assert class_host.exec(f"grep -rlF --exclude-dir=journal {CANARY} {places}", check=False) == ""
        assert class_host.exec(f"journalctl --no-pager | grep -cF {CANARY}", check=False) == "0"
        assert (
            class_host.exec(f"tail -1 {ENV}; ls -A /srv/shop | grep -c signoff", check=False)
            == f"X={CANARY}\n0"
        )
        class_host.exec("rm -r /usr/local/sbin/sync /run/gate")
        class_host.put(ENV, before + "\n", 0o600, "shop:shop")


class TestLostConnections:
    """The connection breaks in the middle of a write, before the file is replaced or after."""

    @pytest.mark.parametrize("slow", ["new", "."])
    @pytest.mark.parametrize("root", [False, True])
    def test_what_became_of_it_is_looked_up(
        self, open_as: Open, class_host: Host, slow: str, root: bool
    ) -> None:
        path = "/srv/shop/.env.local"
        class_host.put(path, "A=old\n", 0o600, "deploy:deploy")
        hold_sync(class_host, slow)
        env = EnvFile(open_as("deploy"), path, root=root)
        read = env.read()
        cut = f"({AT_THE_GATE}) && pkill -KILL -u deploy sshd"
        replaced = slow == "."
        with ThreadPoolExecutor() as pool:
            cutting = pool.submit(class_host.exec, f"{cut}; sleep 2; {OPEN_THE_GATE}")
            if replaced:
                env.write(b"A=new\n", read)
            else:
                with pytest.raises(EnvFileError, match="was not replaced: the connection was lost"):
                    env.write(b"A=new\n", read)
            cutting.result()
        class_host.exec("sleep 1; pkill -u deploy sync; rm -rf /usr/local/sbin/sync /run/gate", check=False)
        assert class_host.exec(f"cat {path}") == ("A=new" if replaced else "A=old")
        assert class_host.exec("ls -A /srv/shop | grep -c signoff", check=False) == "0"
        env.restore(read)
        assert class_host.exec(f"cat {path}; rm {path}") == "A=old"
