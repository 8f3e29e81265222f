"""Secrets that look well kept and are not, on a real host; and what looks wrong and is in order."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from labhost.host import Host
from look import look_at

from signoff.model import Finding
from signoff.probes.base import Probe
from signoff.probes.env import mode, present
from signoff.probes.env_git import git
from signoff.probes.env_open import hardcoded
from signoff.probes.env_strength import debug

pytestmark = pytest.mark.lab

GIT = "git -C /srv/shop -c safe.directory='*' -c user.name=Deploy -c user.email=deploy@shop.test"
MEND = (
    "[ -d /root/kept ] || cp -a /srv/shop /root/kept; rm -rf /srv/shop && cp -a /root/kept /srv/shop"
    " && rm -rf /etc/systemd/system/shop.service.d && systemctl daemon-reload"
)

Found = Callable[..., dict[str, Finding]]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Found:
    """Return a function that gives a probe's findings on a host by their subjects."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))

    def findings(host: Host, probe: Probe) -> dict[str, Finding]:
        look = partial(look_at, tmp_path, host, (probe,))
        return {finding.subject: finding for finding in look(project="/srv/shop")}

    return findings


@pytest.fixture
def host(class_host: Host) -> Host:
    """The host of the class, put right again."""
    class_host.exec(MEND)
    return class_host


def results(found: dict[str, Finding]) -> dict[str, str]:
    """Return the results by their subjects."""
    return {subject: finding.result.value for subject, finding in found.items()}


class TestGit:
    """What stands in the repository, and what only seems to."""

    def test_a_commit_that_only_the_reflog_knows(self, found: Found, host: Host) -> None:
        """Committed, taken out, amended: no ref leads there, and the objects can be read by everybody."""
        host.exec(
            f"{GIT} add -f .env; {GIT} commit -qm oops; {GIT} rm -q --cached .env\n"
            f"{GIT} commit -q --amend --allow-empty -m clean; chown -R deploy:deploy /srv/shop/.git"
        )
        assert host.exec(f"{GIT} log --all --oneline -- .env") == ""
        assert results(found(host, git)) == {"history": "fail", "values": "fail"}

    def test_encrypted_files_are_meant_to_be_committed(self, found: Found, host: Host) -> None:
        """By age, gpg and sops; one whose older version was plain is none."""
        host.exec(
            "cd /srv/shop; umask 022; age-keygen -o /root/key 2> /dev/null\n"
            "age -r $(age-keygen -y /root/key) -o .env.age .env\n"
            "gpg --batch -q --passphrase of-four-words -c -o .env.gpg .env\n"
            "printf 'SECRET_KEY=ENC[AES256_GCM,data:q,iv:x,tag:y,type:str]\\n' > x.enc.env\n"
            "echo sops_version=3.8.1 >> x.enc.env\n"
            f"{GIT} add -f .env.age .env.gpg x.enc.env; {GIT} commit -qm sealed; chown -R deploy:deploy .git"
        )
        for probe in (git, present, mode):
            assert set(results(found(host, probe)).values()) == {"pass"}
        host.exec(
            f"cd /srv/shop; cp .env.age /root/; cp .env .env.age; {GIT} add -f .env.age; {GIT} commit -qm x\n"
            f"cp /root/.env.age .; {GIT} add -f .env.age; {GIT} commit -qm y; chown -R deploy:deploy .git"
        )
        seen = found(host, git)
        assert seen["tracked"].result.value == "fail"
        assert ".env.gpg" not in seen["tracked"].observed

    def test_a_key_over_several_lines(self, found: Found, host: Host) -> None:
        """Its first line stands in every manual; its second in no other key."""
        host.exec(
            "cd /srv/shop; openssl genrsa -out /root/jwt.pem 2048 2> /dev/null\n"
            'printf "JWT_PRIVATE_KEY=\'%s\'\\n" "$(cat /root/jwt.pem)" >> .env\n'
            "echo 'put it below -----BEGIN PRIVATE KEY-----' > HOWTO\n"
            f"{GIT} add HOWTO; {GIT} commit -qm howto; chown -R deploy:deploy .git"
        )
        assert results(found(host, git)) == {"": "pass"}
        host.exec(
            f"cd /srv/shop; cp /root/jwt.pem key.txt; {GIT} add key.txt; {GIT} commit -qm key\n"
            "chown -R deploy:deploy .git"
        )
        assert results(found(host, git)) == {"values": "fail"}

    def test_a_bare_repository_that_deploys_here(self, found: Found, host: Host) -> None:
        """Pushed to, its hook checks out into the project: there is no .git beside the files."""
        hook = "#!/bin/sh\nGIT_WORK_TREE=/srv/shop git checkout -f\n"
        host.exec("rm -rf /srv/shop.git; mv /srv/shop/.git /srv/shop.git")
        assert results(found(host, git)) == {"": "notapplicable"}
        host.put("/srv/shop.git/hooks/post-receive", hook, 0o755)
        seen = found(host, git)[""]
        assert seen.result.value == "unknown"
        assert "/srv/shop.git" in seen.observed


class TestUnits:
    """What a unit says itself."""

    def test_a_password_in_the_command(self, found: Found, host: Host) -> None:
        """Any user sees it: systemctl show, and ps."""
        host.exec("mkdir /etc/systemd/system/shop.service.d")
        host.put(
            "/etc/systemd/system/shop.service.d/x.conf",
            "[Service]\nExecStart=\nExecStart=/usr/bin/python3 app.py --admin-password=Kq4-vT2mK9xWc4bN\n",
        )
        host.exec("systemctl daemon-reload")
        seen = found(host, hardcoded)
        assert results(seen) == {"shop.service": "fail"}
        assert "Kq4" not in repr(seen)

    def test_a_drop_in_that_turns_debugging_on(self, found: Found, host: Host) -> None:
        """The file with secrets says nothing of it."""
        host.exec("mkdir /etc/systemd/system/shop.service.d")
        host.put("/etc/systemd/system/shop.service.d/x.conf", "[Service]\nEnvironment=DEBUG=1\n")
        host.exec("systemctl daemon-reload")
        assert results(found(host, debug)) == {"": "fail"}


class TestComposeSecrets:
    """Files that compose mounts as secrets, each with one value."""

    COMPOSE = "services: {}\nsecrets:\n  db_password:\n    file: ./secrets/db_password.txt\n"

    def test_who_may_read_them(self, found: Found, host: Host) -> None:
        """Open in a folder that is closed is in order: the container's user has to read it."""
        host.put("/srv/shop/docker-compose.yml", self.COMPOSE)
        host.exec("cd /srv/shop; install -d -m 755 secrets; openssl rand -hex 24 > secrets/db_password.txt")
        host.exec("chmod 644 /srv/shop/secrets/db_password.txt")
        path = "/srv/shop/secrets/db_password.txt"
        assert results(found(host, mode))[path] == "fail"
        host.exec("chmod 700 /srv/shop/secrets")
        assert set(results(found(host, mode)).values()) == {"pass"}

    @pytest.mark.parametrize("folder", ["secrets", "kept apart"])
    def test_in_git(self, found: Found, host: Host, folder: str) -> None:
        """Tracked, and once removed still in the history."""
        host.put("/srv/shop/docker-compose.yml", self.COMPOSE.replace("secrets/", f"{folder}/"))
        host.exec(
            f'cd /srv/shop; install -d -m 700 "{folder}"; openssl rand -hex 24 > "{folder}/db_password.txt"\n'
            f'{GIT} add -f "{folder}"; {GIT} commit -qm secrets; chown -R deploy:deploy .git'
        )
        assert results(found(host, git)) == {"tracked": "fail"}
        host.exec(
            f'{GIT} rm -rq --cached "{folder}"; {GIT} commit -qm gone; chown -R deploy:deploy /srv/shop/.git'
        )
        assert results(found(host, git)) == {"history": "fail"}
