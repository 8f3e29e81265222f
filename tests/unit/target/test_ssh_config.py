"""The configuration of ssh(1), as ssh(1) itself reads it."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from signoff.errors import TargetError, UsageError
from signoff.target.address import SshAddress, parse_address
from signoff.target.ssh_config import WITHOUT_SSH, ssh_config
from unit.target.rig import Home

pytestmark = pytest.mark.usefixtures("keys")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://shop.example", SshAddress("shop.example")),
        ("ssh://deploy@shop.example:2222/srv/shop/", SshAddress("shop.example", "deploy", 2222, "/srv/shop")),
        ("ssh://[2001:db8::7]:22/srv", SshAddress("2001:db8::7", "", 22, "/srv")),
        ("ssh://[fe80::1%eth0]", SshAddress("fe80::1%eth0")),
        ("ssh://Prod", SshAddress("Prod")),
        ("ssh://a%2Eb@h/with%20space", SshAddress("h", "a.b", 0, "/with space")),
        ("ssh://h/", SshAddress("h")),
        ("local", None),
    ],
)
def test_addresses(text: str, address: SshAddress | None) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop.example",
        "http://shop.example",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://-lroot@h",
        "ssh://h:port",
        "ssh://h:99999",
        "ssh://[::1",
        "ssh://h/~/shop",
        "ssh://h/srv?x",
        "ssh://a b/",
        "ssh://$(id)/",
        "ssh://u;id@h",
    ],
)
def test_what_is_no_address_is_said_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_address(text)
    assert "ssh://deploy@shop.example" in error.value.hint


@pytest.mark.parametrize("text", ["ssh://me:hunter2@h", "ssh://me:hunter2@h:port", "http://me:hunter2@h"])
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_address(text)
    assert "hunter2" not in str(error.value)


def test_every_keyword_that_matters(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    included = home.path / "more"
    included.write_text(
        "Host prod\n  HostName 127.0.0.1\n  Port 2222\n  User deploy\n  IdentityFile ~/.ssh/%h_%r\n"
        "  IdentitiesOnly yes\n  IdentityAgent ~/agent\n  HostKeyAlias shop\n  ConnectTimeout 7\n"
        "  UserKnownHostsFile ~/a ~/b\n  ProxyJump ops@jump:2200,[::1]:22\n  PasswordAuthentication no\n"
    )
    (home.path / ".ssh" / "config").write_text(f"Include {included}\n")
    config = ssh_config(SshAddress("prod"))
    assert (config.hostname, config.port, config.user) == ("127.0.0.1", 2222, "deploy")
    assert config.identity_files == (home.path / ".ssh" / "127.0.0.1_deploy",)
    assert config.identities_only
    assert Path(config.identity_agent).name == "agent"
    assert config.host_key_alias == "shop"
    assert config.connect_timeout == 7
    assert [file.name for file in config.known_hosts_files[:2]] == ["a", "b"]
    assert config.proxy_jump == (SshAddress("jump", "ops", 2200), SshAddress("::1", "", 22))
    assert (config.password, config.keyboard_interactive, config.pubkey) == (False, True, True)
    assert config.destination == "deploy@127.0.0.1:2222"


def test_the_address_wins_over_the_configuration(home: Home) -> None:
    home.configure("prod", Port=2222)
    config = ssh_config(SshAddress("prod", "me", 22))
    assert (config.user, config.port) == ("me", 22)


def test_defaults(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    config = ssh_config(SshAddress("2001:db8::7"))
    assert config.destination == f"{getpass.getuser()}@[2001:db8::7]:22"
    assert home.path / ".ssh" / "id_ed25519" in config.identity_files
    assert (config.identity_agent, config.proxy_jump, config.proxy_command) == ("/run/agent", (), "")
    assert config.connect_timeout == 10
    assert Path("/etc/ssh/ssh_known_hosts") in config.known_hosts_files


def test_none_means_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    home.configure(
        "bare",
        IdentityAgent="none",
        ProxyJump="none",
        UserKnownHostsFile="none",
        GlobalKnownHostsFile="none",
        BatchMode="yes",
    )
    config = ssh_config(SshAddress("bare"))
    assert (config.identity_agent, config.proxy_jump, config.known_hosts_files) == ("", (), ())
    assert not config.password
    assert not config.keyboard_interactive


def test_a_proxy_command_knows_the_host(home: Home) -> None:
    home.configure("inner", HostName="10.0.0.7", Port=2222, ProxyCommand="nc -x '%n' %h %p 100%%")
    assert ssh_config(SshAddress("inner")).proxy_command == "nc -x 'inner' 10.0.0.7 2222 100%"


def test_a_wrong_configuration_is_said_in_sshs_words(home: Home) -> None:
    (home.path / ".ssh" / "config").write_text("Nonsense yes\n")
    with pytest.raises(TargetError, match=r"line 1: Bad configuration option: nonsense"):
        ssh_config(SshAddress("prod"))


def test_without_the_ssh_program_it_is_said_what_is_lost(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home.path))
    config = ssh_config(SshAddress("shop.example", "deploy", 2222))
    assert config.destination == "deploy@shop.example:2222"
    assert config.notes == (WITHOUT_SSH,)
    assert home.path / ".ssh" / "known_hosts" in config.known_hosts_files
    assert home.path / ".ssh" / "id_ed25519" in config.identity_files
