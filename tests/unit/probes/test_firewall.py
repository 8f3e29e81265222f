"""The default policy of both IP versions, what loads it at boot, and who goes around it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signoff.facts.firewall import FIREWALL
from signoff.facts.iptables import parse_iptables
from signoff.facts.network import INTERFACES, Interfaces, SshServer
from signoff.model import Command, Decision, Result
from signoff.probes.firewall import docker_bypass, firewall
from signoff.target.profile import Profile
from unit.network_hosts import BAD, GOOD, NEEDS_ROOT, NO_OUTSIDE, facts, judged, output, outside, parsed

PASS, FAIL, UNKNOWN, NONE = Result.PASS, Result.FAIL, Result.UNKNOWN, None


@pytest.mark.parametrize(
    ("state", "ipv4", "ipv6", "boot"),
    [
        ("good", PASS, PASS, PASS),
        ("bad", PASS, PASS, PASS),
        ("ufw-ipv6-no", PASS, PASS, PASS),
        ("ufw-inactive", FAIL, FAIL, NONE),
        ("ip6-open", PASS, FAIL, UNKNOWN),
        ("accept-first", FAIL, FAIL, NONE),
        ("legacy", PASS, FAIL, UNKNOWN),
        ("nftables", PASS, PASS, PASS),
    ],
)
def test_the_default_policy_and_the_next_boot(
    state: str, ipv4: Result, ipv6: Result, boot: Result | None
) -> None:
    found = judged(firewall, facts(state, NO_OUTSIDE))
    assert found["ipv4"].result is ipv4
    assert found["ipv6"].result is ipv6
    assert (found["boot"].result if "boot" in found else None) is boot


@pytest.mark.parametrize(
    ("saved", "result"),
    [
        ({4: "nftables", 6: "nftables"}, PASS),
        # Saved before the rules were made: Docker's own refuse, INPUT does not. Or of one version only.
        ({4: "bad without INPUT", 6: "nftables"}, FAIL),
        ({4: "nftables"}, FAIL),
        ({}, UNKNOWN),
    ],
)
def test_what_is_saved_for_the_next_boot(saved: dict[int, str], result: Result) -> None:
    """A host whose INPUT drops by default, with what iptables-save printed for its own files."""
    known = parsed("nftables", FIREWALL)
    dropping = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    text = output("bad", FIREWALL).stdout.decode().partition("#iptables-nft-save\t0\n")[2].partition("\n#")[0]
    docker = "\n".join(
        line[1:].replace(":INPUT DROP", ":INPUT ACCEPT")
        for line in text.splitlines()
        if not line.startswith("|-A INPUT")
    )
    assert "-j DROP" in docker
    assert ":INPUT ACCEPT" in docker
    files = {4: dropping, 6: dropping}
    rules = {
        version: parse_iptables(docker if "bad" in state else files[version], version, "saved")
        for version, state in saved.items()
    }
    enabled = frozenset({"netfilter-persistent"})
    given = facts("nftables", NO_OUTSIDE, firewall=replace(known, enabled=enabled, saved=rules))
    assert judged(firewall, given)["boot"].result is result


def test_ufw_installed_and_inactive_is_said() -> None:
    found = judged(firewall, facts("ufw-inactive", NO_OUTSIDE))["ipv4"]
    assert "ufw is inactive" in found.observed
    assert found.fix == Command(
        "sudo ufw allow 22,80,443/tcp && sudo ufw default deny incoming && sudo ufw enable"
    )


def test_no_command_is_given_that_might_lock_the_operator_out() -> None:
    given = facts("ufw-inactive", NO_OUTSIDE, listeners=(), ssh_server=SshServer(frozenset({2222}), ""))
    fix = judged(firewall, given)["ipv4"].fix
    assert isinstance(fix, Command)
    assert "ufw allow 80,443,2222/tcp" in fix.command
    unseen = facts("ufw-inactive", NO_OUTSIDE, ssh_server=NEEDS_ROOT)
    assert isinstance(judged(firewall, unseen)["ipv4"].fix, Decision)


def test_the_rule_that_lets_everything_in_is_named() -> None:
    found = judged(firewall, facts("accept-first", NO_OUTSIDE))["ipv4"]
    assert "temporary, for the migration" in found.observed


def test_without_root_the_firewall_is_unknown() -> None:
    found = judged(firewall, facts("viewer", NO_OUTSIDE))[""]
    assert found.result is UNKNOWN
    assert "iptables-save" in found.remedy


def test_rules_of_legacy_that_nft_does_not_show_are_pointed_out() -> None:
    found = judged(firewall, facts("legacy", NO_OUTSIDE))["ipv4"]
    assert any("iptables-legacy" in line for line in found.evidence)


def test_a_firewall_of_the_provider_is_not_the_hosts_and_no_failure() -> None:
    """The host would refuse what is closed; silence comes from something before it."""
    found = judged(firewall, facts("ufw-inactive", outside(silence="filtered")))
    assert found["ipv4"].result is UNKNOWN
    assert "provider" in found["ipv4"].remedy
    refused = judged(firewall, facts("ufw-inactive", outside(silence="refused")))
    assert refused["ipv4"].result is FAIL


def test_an_ip_version_without_an_address_does_not_apply() -> None:
    interfaces = parsed("good", INTERFACES)
    only4 = Interfaces(
        tuple(
            replace(one, addresses=tuple(own for own in one.addresses if own.version == 4))
            for one in interfaces.all
        )
    )
    found = judged(firewall, facts("ip6-open", NO_OUTSIDE, interfaces=only4))
    assert found["ipv6"].result is Result.NOTAPPLICABLE
    assert found["ipv4"].result is PASS


def test_rules_that_do_not_come_back_are_seen() -> None:
    good = parsed("good", FIREWALL)

    def boot(changed: object) -> Result:
        return judged(firewall, facts("good", NO_OUTSIDE, firewall=changed))["boot"].result

    assert boot(replace(good, ufw=replace(good.ufw, enabled=False))) is FAIL
    assert boot(replace(good, enabled=good.enabled - {"ufw"})) is FAIL
    # nftables.service flushes everybody's rules when it starts.
    assert boot(replace(good, enabled=good.enabled | {"nftables"}, flushes=True)) is UNKNOWN
    nftables = parsed("nftables", FIREWALL)
    assert boot(replace(nftables, refuses=False)) is UNKNOWN


def test_docker_past_ufw_fails_by_its_name() -> None:
    found = judged(docker_bypass, facts("bad", NO_OUTSIDE))[""]
    assert found.result is FAIL
    assert "ufw-versus-Docker trap" in found.observed
    assert f"{BAD[0]}:5432/tcp" in found.observed
    assert '"127.0.0.1:6379:6379"' in found.remedy
    assert "sudo iptables -I DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport 8000" in found.remedy


def test_docker_user_restricts_what_it_names_and_no_more() -> None:
    found = judged(docker_bypass, facts("docker-user", NO_OUTSIDE))[""]
    assert found.result is FAIL
    assert "8000" in found.observed
    assert "5432" not in found.observed
    assert (
        judged(docker_bypass, facts("docker-user", NO_OUTSIDE), Profile(open_ports=(8000,)))[""].result
        is PASS
    )


def test_loopback_publishing_passes() -> None:
    assert judged(docker_bypass, facts("good", NO_OUTSIDE))[""].result is PASS


def test_a_raw_translation_goes_around_as_well() -> None:
    found = judged(docker_bypass, facts("traps", NO_OUTSIDE))[""]
    assert found.result is FAIL
    assert f"{GOOD[0]}:15432" in found.observed
    assert "Docker trap" not in found.observed


def test_a_host_without_containers_has_nothing_to_go_around() -> None:
    given = facts("ip6-open", NO_OUTSIDE, containers=())
    assert judged(docker_bypass, given)[""].result is Result.NOTAPPLICABLE
    # Rules that translate are no proof of absence.
    assert judged(docker_bypass, facts("legacy", NO_OUTSIDE, containers=()))[""].result is PASS


def test_docker_bypass_is_unknown_where_it_cannot_be_seen() -> None:
    assert judged(docker_bypass, facts("viewer", NO_OUTSIDE))[""].result is UNKNOWN
    assert judged(docker_bypass, facts("good", NO_OUTSIDE, interfaces=NEEDS_ROOT))[""].result is UNKNOWN
    # The way out of the machine is not known, so that a rule about it cannot be judged.
    assert judged(docker_bypass, facts("nftables", NO_OUTSIDE))[""].result is UNKNOWN
