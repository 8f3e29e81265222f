"""What nobody looked at is never right: too many to ask, or asked from where nobody is a stranger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from signoff.facts.admin import ADMIN_SURVEY, LeftOut
from signoff.facts.base import Facts, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.exposure import host_view
from signoff.facts.firewall import FIREWALL
from signoff.facts.iptables import parse_iptables
from signoff.facts.network import (
    LISTENERS,
    SSH_SERVER,
    Interface,
    Interfaces,
    Listener,
    SshServer,
)
from signoff.facts.outside import (
    BY_HAND,
    OutsideView,
    Port,
    elsewhere,
    look_at_ports,
    of_this_machine,
    sends_from,
)
from signoff.facts.passage import Table
from signoff.message import say
from signoff.model import Result, worst
from signoff.probes.admin import forged_header, raw_address, restriction
from signoff.probes.admin import outside as admin_outside
from signoff.probes.network import datastore_ports, only_expected, vantages_agree
from signoff.target.outside import Connection, Outside
from signoff.target.profile import Profile
from unit import admin_site, network_hosts
from unit.admin_site import FOUR, SHOP, Site, by_name, closed, results, web
from unit.network_hosts import GOOD, NO_OUTSIDE, judged, outside, parsed

# From where this machine is no stranger


def _listening(port: int) -> tuple[Listener, ...]:
    found: tuple[Listener, ...] = parsed("good", LISTENERS)
    return (*found, Listener("tcp", ip_address(GOOD[0]), port, processes=("app",)))


def test_what_the_host_lets_in_and_nobody_asked_from_outside_is_unknown() -> None:
    known = network_hosts.facts("ufw-inactive", NO_OUTSIDE, listeners=_listening(7777))
    finding = judged(only_expected, known)[""]
    assert finding.result is Result.UNKNOWN
    assert ":7777/tcp" in finding.observed
    assert "cannot look at itself" in finding.observed
    assert "was not seen" in finding.observed
    assert "--target ssh://user@host" in finding.remedy


def test_what_the_host_lets_in_and_silence_that_proves_nothing_is_unknown() -> None:
    view = outside()
    mute = replace(view, silent=dict.fromkeys(GOOD, say("nothing answers, not even SSH")))
    known = network_hosts.facts("ufw-inactive", mute, listeners=_listening(9200))
    assert judged(only_expected, known)[""].result is Result.UNKNOWN


def test_what_the_host_lets_in_and_a_stranger_was_refused_is_told_apart() -> None:
    known = network_hosts.facts("ufw-inactive", outside(), listeners=_listening(9200))
    finding = judged(only_expected, known)[""]
    assert finding.result is Result.FAIL
    assert "was not seen" not in finding.observed


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.1.1", "::1"])
def test_loopback_is_this_machine(address: str) -> None:
    with pytest.raises(Unavailable, match="cannot look at itself from outside") as raised:
        elsewhere(Outside([address]))
    assert raised.value.by_hand == BY_HAND
    assert elsewhere(Outside([address, "192.0.2.1"])) == (("192.0.2.1",), (address,))


def test_an_address_of_its_own_interfaces_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signoff.facts.outside.sends_from", lambda address: "198.51.100.7")
    assert elsewhere(Outside(["198.51.100.7", "192.0.2.1"])) == (("192.0.2.1",), ("198.51.100.7",))


def test_neither_ports_nor_the_panel_are_asked_at_this_machine() -> None:
    here = Outside(["127.0.0.1"])
    here.connect = here.request = pytest.fail  # type: ignore[method-assign, assignment]
    with pytest.raises(Unavailable, match="cannot look at itself"):
        look_at_ports(here, Profile(address="ssh://x"), network_hosts.facts("good", NO_OUTSIDE))
    given = admin_site.facts(Site(by_name(closed), ("127.0.0.1",)), servers=web("good-root"))
    assert "cannot look at itself" in given.missing(ADMIN_SURVEY)
    assert set(results(admin_outside, given).values()) == {"unknown"}


def test_a_part_of_the_addresses_is_not_all_of_them() -> None:
    view = outside().without({"127.0.0.1": of_this_machine(["127.0.0.1"])})
    known = network_hosts.facts("good", view)
    assert judged(only_expected, network_hosts.facts("good", outside()))[""].result is Result.PASS
    for probe in (only_expected, vantages_agree):
        finding = judged(probe, known)[""]
        assert (finding.result, "cannot look at itself" in finding.observed) == (Result.UNKNOWN, True)


ROUTER = "93.184.216.34"


@pytest.mark.parametrize(
    ("client", "own", "stranger"),
    [
        ("192.168.1.5", "192.168.1.9/24", False),
        ("192.168.7.5", "192.168.1.9/24", True),  # routed: of another network
        ("", "192.168.1.9/24", True),
        ("192.168.1.5", f"{ROUTER}/24", True),  # the address is the target's own
    ],
)
def test_a_router_asked_from_behind_it_proves_nothing(client: str, own: str, stranger: bool) -> None:
    """Hairpin NAT: it may open its own ports to its network, or turn them back into it."""
    addresses = tuple(map(ip_interface, dict.fromkeys(["192.168.1.9/24", own])))
    interfaces = Interfaces((Interface("eth0", "", addresses, default_route=True),))
    server = SshServer(frozenset({22}), client)
    view = outside((ROUTER,), {(ROUTER, 8080): "http", (ROUTER, 6379): "redis"})
    known = network_hosts.facts("good", view, interfaces=interfaces, ssh_server=server, listeners=())
    finding = judged(only_expected, known)[""]
    assert finding.result is (Result.FAIL if stranger else Result.UNKNOWN)
    assert judged(datastore_ports, known)["redis"].result is finding.result
    assert ("own network" in finding.observed) is not stranger


# What was too much to ask


def _translating(low: int, high: int) -> tuple[Table, ...]:
    text = f"-A PREROUTING -p tcp -m tcp --dport {low}:{high} -j DNAT --to-destination 10.0.0.2"
    return parse_iptables(f"*nat\n:PREROUTING ACCEPT [0:0]\n{text}\nCOMMIT\n", 4, "iptables")


@pytest.mark.parametrize(("last", "whole"), [(20_064, True), (20_065, False), (29_999, False)])
def test_a_wide_range_is_not_looked_at_as_a_whole(last: int, whole: bool) -> None:
    rules = parsed("good", FIREWALL)
    firewall = replace(rules, tables=(*rules.tables, *_translating(20_000, last)))
    missing = host_view(network_hosts.facts("good", outside(), firewall=firewall)).missing
    assert any("above 20064 were not looked at" in reason for reason in missing) is not whole


class Recording(Outside):
    """Keeps what it is to try, and answers nothing but SSH."""

    def connect(self, pairs, timeout=0.0, banner_wait=0.0):  # type: ignore[no-untyped-def]
        return tuple(
            Connection(address, port, "open" if port == 22 else "filtered", b"SSH-2.0-x")
            for address, port in pairs
        )


@pytest.mark.parametrize(("last", "left"), [(20_016, 0), (20_017, 1), (20_999, 983)])
def test_the_ports_of_a_range_that_nobody_tries_are_counted(last: int, left: int) -> None:
    rules = replace(parsed("good", FIREWALL), tables=_translating(20_000, last))
    known = Facts(
        {
            LISTENERS.id: (),
            CONTAINERS.id: (),
            SSH_SERVER.id: SshServer(frozenset({22}), ""),
            FIREWALL.id: rules,
        }
    )
    view = look_at_ports(Recording(["192.0.2.1"]), Profile(address="ssh://x"), known)
    assert view.left_out == left
    assert any("more ports than can be tried" in doubt for doubt in view.doubts()) is bool(left)


def test_untried_ports_are_all_counted() -> None:
    (said,) = OutsideView((), {}, {}).doubts(range(1, 21))
    assert said == "not tried from outside: port 1, 2, 3, 4, 5, 6, 7, 8, and 12 more"


def _named(count: int) -> Profile:
    return Profile(url="https://shop.test", admin_paths=tuple(f"/api/admin/{n}" for n in range(count)))


def _asked(profile: Profile, addresses: Sequence[str] = (FOUR,)) -> Facts:
    return admin_site.facts(Site(by_name(closed), tuple(addresses)), profile, servers=web("good-root"))


def test_paths_beyond_those_that_are_asked_for_are_unknown() -> None:
    profile = _named(11)
    given = _asked(profile)
    found = {one.subject: one for one in admin_outside.findings(given, profile)}
    assert found["not asked"].result is Result.UNKNOWN
    assert all(f"/api/admin/{n}" in found["not asked"].observed for n in (8, 9, 10))
    # What the rules say needs no request.
    assert {f"/api/admin/{n}" for n in range(11)} <= set(results(restriction, given, profile))
    for probe in (forged_header, raw_address):
        assert worst(one.result for one in probe.findings(given, profile)) is Result.UNKNOWN


@pytest.mark.parametrize("probe", [admin_outside, forged_header, raw_address], ids=lambda probe: probe.id)
def test_addresses_beyond_those_that_are_asked_are_unknown(probe) -> None:  # type: ignore[no-untyped-def]
    few, many = ([f"203.0.113.{n}" for n in range(1, count + 1)] for count in (4, 6))
    assert worst(one.result for one in probe.findings(_asked(SHOP, few), SHOP)) is Result.PASS
    finding = {one.subject: one for one in probe.findings(_asked(SHOP, many), SHOP)}["not asked"]
    assert (finding.result, "203.0.113.6" in finding.observed) == (Result.UNKNOWN, True)
    assert BY_HAND in finding.remedy


def test_all_that_is_left_out_is_said() -> None:
    profile = _named(6)
    survey = _asked(profile)[ADMIN_SURVEY]
    assert survey.left_out == LeftOut(
        by_name=("other spellings of /api/admin/4", "other spellings of /api/admin/5"),
        forged=("/api/admin/4", "/api/admin/5"),
        around=tuple(f"/api/admin/{n}" for n in range(2, 6)),
    )


def test_names_that_nobody_took_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signoff.facts.admin._claims", lambda facts: tuple(f"10.0.0.{n}" for n in range(6)))
    assert _asked(SHOP)[ADMIN_SURVEY].left_out.forged == (
        "in the name of 10.0.0.4",
        "in the name of 10.0.0.5",
    )


def test_ports_that_nobody_asked_for_the_panel_are_left_out() -> None:
    ports = tuple(Port(FOUR, 8000 + n, "open", "http") for n in range(8))
    given = admin_site.facts(Site(by_name(closed)), servers=web("good-root"), ports=ports)
    assert given[ADMIN_SURVEY].left_out.around == ("port 8006", "port 8007")
    assert results(raw_address, given)["not asked"] == "unknown"


def test_nothing_is_sent_to_find_out_from_where_this_machine_sends() -> None:
    assert sends_from("127.0.0.1") == "127.0.0.1"
    assert sends_from("203.0.113.1") != "203.0.113.1"
