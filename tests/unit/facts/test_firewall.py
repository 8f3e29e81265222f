"""What the packet filter does: over real rulesets of ufw, Docker, nftables and iptables-legacy."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address

import pytest

from signoff.facts.base import Malformed, Unavailable
from signoff.facts.exposure import host_view, translated
from signoff.facts.firewall import FIREWALL, parse_firewall
from signoff.facts.iptables import parse_iptables
from signoff.facts.network import INTERFACES
from signoff.facts.nftables import parse_nftables
from signoff.facts.packets import Condition, Packet
from signoff.facts.packing import pack, unpack
from signoff.facts.passage import Passage, Table, passages
from signoff.target.command import Output
from unit.network_hosts import BAD, GOOD, NO_OUTSIDE, RECORDED, facts, output, parsed


def way(state: str, port: int, *, version: int = 4, protocol: str = "tcp", source: str = "") -> Passage:
    """Return the only way that a packet from outside takes on a recorded host."""
    bad = state in {"bad", "docker-user"}
    interfaces = parsed("bad" if bad else "traps" if state == "traps" else "good", INTERFACES)
    address = ip_address((BAD if bad else GOOD)[0 if version == 4 else 1])
    packet = Packet(protocol, address, port, "eth0", source=ip_address(source) if source else None)
    (found,) = passages(parsed(state, FIREWALL).tables, interfaces, packet)
    return found


@pytest.mark.parametrize(
    ("state", "version", "port", "fate"),
    [
        ("good", 4, 22, "open"),
        ("good", 4, 443, "open"),
        ("good", 6, 443, "open"),
        ("good", 4, 5432, "blocked"),
        ("good", 6, 5432, "blocked"),
        ("bad", 6, 5432, "blocked"),
        ("ufw-inactive", 4, 5432, "open"),
        ("ufw-inactive", 6, 5432, "open"),
        ("ufw-ipv6-no", 6, 443, "blocked"),
        ("ip6-open", 4, 6379, "blocked"),
        ("ip6-open", 6, 6379, "open"),
        ("accept-first", 4, 5432, "open"),
        ("accept-first", 6, 5432, "open"),
        ("legacy", 4, 443, "open"),
        ("legacy", 4, 6379, "blocked"),
        ("legacy", 6, 6379, "open"),
        ("nftables", 4, 80, "open"),
        ("nftables", 6, 443, "open"),
        ("nftables", 4, 6379, "blocked"),
        ("nftables", 4, 5432, "blocked"),
        ("nftables", 4, 8080, "blocked"),
        # A rate limit lets in, or not: that is all that can be said.
        ("nftables", 4, 22, "unsure"),
    ],
)
def test_what_becomes_of_a_connection(state: str, version: int, port: int, fate: str) -> None:
    assert way(state, port, version=version).fate == fate


def test_docker_forwards_past_a_deny_rule_of_ufw() -> None:
    found = way("bad", 5432)
    assert found.fate == "open"
    assert found.forwarded
    assert (str(found.to), found.port) == ("172.18.0.3", 5432)
    assert found.because.startswith("-A DOCKER ")
    text = output("bad", FIREWALL).stdout
    assert b"-A ufw-user-input -p tcp -m tcp --dport 5432 -j DROP" in text


def test_a_rule_in_docker_user_stops_what_is_forwarded() -> None:
    found = way("docker-user", 5432)
    assert found.fate == "blocked"
    assert "--ctorigdstport 5432" in found.because
    assert way("docker-user", 8000).fate == "open"


def test_senders_that_a_rule_names_are_an_exception_and_no_more() -> None:
    found = way("docker-user", 6379)
    assert found.fate == "blocked"
    assert any("203.0.113.0/24" in rule for rule in found.exceptions)
    assert way("docker-user", 6379, source="203.0.113.9").fate == "open"
    assert way("docker-user", 6379, source="198.51.100.9").fate == "blocked"
    assert way("ip6-open", 5432).fate == "blocked"
    assert way("ip6-open", 5432, source="198.51.100.9").fate == "open"
    assert way("nftables", 5432, source="198.51.100.7").fate == "open"


def test_a_raw_translation_is_followed() -> None:
    found = way("traps", 15432)
    assert (found.fate, str(found.to), found.port, found.forwarded) == ("open", "10.99.0.2", 5432, True)


def test_a_redirection_ends_on_the_machine_itself() -> None:
    found = way("nftables", 3334)
    assert (found.to, found.port, found.forwarded) == (ip_address(GOOD[0]), 22, False)


def test_the_ports_that_are_translated_are_learnt() -> None:
    assert set(translated(parsed("nftables", FIREWALL).tables)) == {
        ("tcp", 25432, 25432),
        ("tcp", 3333, 3333),
        ("tcp", 3334, 3334),
    }
    assert ("tcp", 15432, 15432) in translated(parsed("traps", FIREWALL).tables)
    assert ("tcp", 5433, 5433) in translated(parsed("legacy", FIREWALL).tables)


@pytest.mark.parametrize("state", ["good", "bad", "traps", "docker-user"])
def test_nft_alone_never_claims_more_than_iptables_and_nft_together(state: str) -> None:
    """The same rules, shown by nft, have matches that it cannot express: then it is unsure, not wrong."""
    whole = parsed(state, FIREWALL).tables
    section = output(state, FIREWALL).stdout.decode().split("#nft\t0\n|")[1].split("\n")[0]
    native = parse_nftables(section)
    bad = state in {"bad", "docker-user"}
    interfaces = parsed("bad" if bad else state, INTERFACES)
    for address in BAD if bad else GOOD:
        for port in (22, 80, 443, 5432, 6379, 8000, 9200, 15432, 40000):
            packet = Packet("tcp", ip_address(address), port, "eth0")
            certain = {found.fate for found in passages(whole, interfaces, packet)}
            careful = {found.fate for found in passages(native, interfaces, packet)}
            assert careful <= certain | {"unsure"}


@pytest.mark.parametrize(
    ("networks", "held"),
    [
        (["0.0.0.0/0"], True),
        (["203.0.113.0/24"], False),
        (["10.0.0.0/8"], False),
        # Two halves are the whole.
        (["0.0.0.0/1"], None),
        (["128.0.0.0/1"], None),
    ],
)
def test_a_wide_network_is_not_somebody_else(networks: list[str], held: bool | None) -> None:
    (table,) = parse_iptables(
        "*filter\n:INPUT DROP [0:0]\n"
        + "".join(f"-A INPUT -s {one} -j ACCEPT\n" for one in networks)
        + "COMMIT\n",
        4,
        "iptables",
    )
    (source,) = table.chains["INPUT"][0].conditions
    assert source.asked == "-s"
    assert source.holds(Packet("tcp", ip_address("192.0.2.1"), 1, "eth0")) is held


def test_many_narrow_networks_are_a_country() -> None:
    """As a set of nft's holds them: each one narrow, all together a large part of the internet."""
    packet = Packet("tcp", ip_address("192.0.2.1"), 1, "eth0")
    country = [f"{first}.{second}.0.0/16" for first in (5, 31, 77) for second in range(256)]
    assert Condition("ip saddr", tuple(country)).holds(packet) is None
    assert Condition("ip saddr", tuple(country[:20])).holds(packet) is False
    assert Condition("ip saddr", ("10.0.0.0/8", "172.16.0.0/12", *country[:20])).holds(packet) is False


def test_all_of_the_internet_by_ipv6_is_not_somebody_else() -> None:
    packet = Packet("tcp", ip_address("2001:db8::1"), 1, "eth0")
    (table,) = parse_iptables(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 2000::/3 -j ACCEPT\nCOMMIT\n", 6, "ip6tables"
    )
    (source,) = table.chains["INPUT"][0].conditions
    assert source.holds(packet) is None


@pytest.mark.parametrize(
    "rule",
    [
        "-A INPUT -p tcp -m tcp --sport 53 -j ACCEPT",
        "-A INPUT -m mark --mark 0x1 -j ACCEPT",
        "-A INPUT -m set --match-set allowed src -j ACCEPT",
        "-A INPUT -m limit --limit 5/min -j ACCEPT",
        "-A INPUT -m geoip --source-country XX -j ACCEPT",
        "-A INPUT -j NFQUEUE --queue-num 0",
        "-A INPUT -j UNSEEN",
    ],
)
def test_what_is_not_understood_is_never_called_blocked(rule: str) -> None:
    tables = parse_iptables(f"*filter\n:INPUT DROP [0:0]\n{rule}\nCOMMIT\n", 4, "iptables")
    interfaces = parsed("good", INTERFACES)
    (found,) = passages(tables, interfaces, Packet("tcp", ip_address(GOOD[0]), 5432, "eth0"))
    assert found.fate == "unsure"


def test_an_accept_in_one_table_does_not_overrule_a_drop_in_another() -> None:
    tables = parsed("accept-first", FIREWALL).tables
    dropping = parsed("ip6-open", FIREWALL).tables
    interfaces = parsed("good", INTERFACES)
    packet = Packet("tcp", ip_address(GOOD[0]), 5432, "eth0")
    both: tuple[Table, ...] = (*tables, *(replace(table, name="other") for table in dropping))
    assert {found.fate for found in passages(both, interfaces, packet)} == {"blocked"}


def test_who_loads_the_rules_at_boot_is_read() -> None:
    good = parsed("good", FIREWALL)
    assert (good.ufw.active, good.ufw.incoming, good.ufw.enabled) == (True, "deny", True)
    assert "ufw" in good.enabled
    inactive = parsed("ufw-inactive", FIREWALL).ufw
    assert (inactive.installed, inactive.active, inactive.enabled) == (True, False, False)
    nftables = parsed("nftables", FIREWALL)
    assert "nftables" in nftables.enabled
    assert nftables.flushes
    assert nftables.refuses


@pytest.mark.parametrize("state", sorted(path.parent.name for path in RECORDED.glob("*/firewall.txt")))
def test_the_rules_can_be_kept_and_judged_by_again(state: str) -> None:
    value = parsed(state, FIREWALL)
    line = pack(FIREWALL, value)
    assert line
    assert unpack(FIREWALL, line) == value


def test_a_service_that_is_enabled_until_the_next_start_loads_nothing_then() -> None:
    text = output("good", FIREWALL).stdout
    runtime = text.replace(b"|UnitFileState=enabled\n", b"|UnitFileState=enabled-runtime\n", 1)
    assert "ufw" not in parse_firewall(Output("firewall", 0, runtime)).enabled


def test_rules_of_iptables_legacy_that_nft_does_not_show_are_seen() -> None:
    assert parsed("legacy", FIREWALL).legacy_hidden
    assert not parsed("good", FIREWALL).legacy_hidden


def test_a_part_that_cannot_be_seen_makes_the_whole_unavailable() -> None:
    text = output("legacy", FIREWALL).stdout
    sections = text.split(b"#")
    without = b"#".join(part for part in sections if b"tables-legacy-save\t" not in part)
    with pytest.raises(Unavailable, match="iptables-legacy"):
        parse_firewall(Output("firewall", 0, without))
    with pytest.raises(Unavailable, match="did not succeed"):
        parse_firewall(Output("firewall", 0, text.replace(b"#nft\t0", b"#nft\t1")))


def test_garbled_rules_are_malformed() -> None:
    text = output("good", FIREWALL).stdout
    with pytest.raises(Malformed):
        parse_firewall(Output("firewall", 0, text.replace(b"|*filter", b"|?filter")))
    with pytest.raises(Malformed):
        parse_firewall(Output("firewall", 0, text.replace(b'{"nftables"', b'{"nf')))


@pytest.mark.parametrize(
    ("port", "version", "fate"),
    [
        (22, 6, "open"),
        (443, 6, "open"),
        (8005, 6, "open"),
        (9000, 6, "blocked"),
        # Who is in a set that changes with time cannot be told.
        (22, 4, "unsure"),
    ],
)
def test_sets_and_maps_of_nft_are_looked_into(port: int, version: int, fate: str) -> None:
    found = passages(
        parsed("nft-maps", FIREWALL).tables,
        parsed("good", INTERFACES),
        Packet("tcp", ip_address(GOOD[0 if version == 4 else 1]), port, "eth0"),
    )
    assert {way.fate for way in found} == {fate}


def test_a_reject_is_for_the_packets_of_its_kind_only() -> None:
    """nft shows ``meta nfproto ipv6 udp dport 53 reject`` without the first of its matches."""
    (table,) = (one for one in parsed("nft-maps", FIREWALL).tables if one.name == "inet filter")
    rule = table.chains["input"][-1]
    assert rule.verdict.kind == "drop"
    assert rule.matches(Packet("udp", ip_address(GOOD[1]), 53, "eth0"))
    assert rule.matches(Packet("udp", ip_address(GOOD[0]), 53, "eth0")) is False


def test_a_translation_by_a_map_is_said_to_be_beyond_us() -> None:
    given = facts("nft-maps", NO_OUTSIDE)
    assert any("cannot be followed" in reason for reason in host_view(given).missing)
    assert not any("cannot be followed" in reason for reason in host_view(facts("bad", NO_OUTSIDE)).missing)


@pytest.mark.parametrize(
    ("rule", "fates"),
    [
        # Flags that are not set exactly so are TCP's as well: a datagram has none.
        (
            [
                {
                    "match": {
                        "op": "!=",
                        "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["syn", "ack"]]},
                        "right": "ack",
                    }
                },
                {"drop": None},
            ],
            {"tcp": "blocked", "udp": "open"},
        ),
        # Sets and maps that change with time; nft 1.1.2 and later print a single flag as a word.
        (
            [{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "@seen"}}, {"drop": None}],
            {"tcp": "unsure", "udp": "unsure"},
        ),
        (
            [{"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": "@told"}}],
            {"tcp": "unsure", "udp": "unsure"},
        ),
    ],
)
def test_what_nft_says_in_few_words(rule: list[object], fates: dict[str, str]) -> None:
    about = {"family": "inet", "table": "t"}
    said = [
        {"table": {"family": "inet", "name": "t"}},
        {"set": {**about, "name": "seen", "flags": "dynamic", "elem": ["tcp", "udp"]}},
        {"map": {**about, "name": "told", "flags": ["timeout"], "elem": [["tcp", {"drop": None}]]}},
        {"chain": {**about, "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
        {"rule": {**about, "chain": "in", "handle": 1, "expr": rule}},
    ]
    tables = parse_nftables(json.dumps({"nftables": said}))
    for protocol, fate in fates.items():
        packet = Packet(protocol, ip_address(GOOD[0]), 5432, "eth0")
        (found,) = passages(tables, parsed("good", INTERFACES), packet)
        assert found.fate == fate


def test_a_rules_comment_is_made_inert() -> None:
    tables = parse_iptables(
        '*filter\n:INPUT DROP [0:0]\n-A INPUT -m comment --comment "\x1b[2Jgone" -j ACCEPT\nCOMMIT\n',
        4,
        "iptables",
    )
    assert "\x1b" not in tables[0].chains["INPUT"][0].text


@pytest.mark.parametrize(
    ("state", "whole", "port", "fate"),
    [
        # A table that is switched off: nft 1.0.6 does not say so in words of its own.
        ("dormant", True, 5432, "unsure"),
        # A chain of another device's, that drops: which device nft 1.0.6 does not say.
        ("device", True, 5432, "unsure"),
        # Sets whose content was left out.
        ("terse", False, 5432, "unsure"),
        ("terse", False, 8080, "unsure"),
    ],
)
def test_what_nft_does_not_show_blocks_nothing(state: str, whole: bool, port: int, fate: str) -> None:
    """Recorded of nft 1.0.6: dormant and device with ``nft -j list ruleset``, terse with -t."""
    tables = parse_nftables((RECORDED.parent / "nftables" / f"{state}.json").read_text(), whole=whole)
    (found,) = passages(tables, parsed("good", INTERFACES), Packet("tcp", ip_address(GOOD[0]), port, "eth0"))
    assert found.fate == fate


def test_where_nft_says_it_a_dormant_table_and_another_device_play_no_part() -> None:
    """As nft 1.0.7 and later print it: libnftables-json(5), TABLE's flags and CHAIN's dev."""
    dormant = (RECORDED.parent / "nftables" / "dormant.json").read_text()
    assert parse_nftables(dormant.replace('"flags": "filter"', '"flags": "dormant"')) == ()
    device = (RECORDED.parent / "nftables" / "device.json").read_text()
    tables = parse_nftables(device.replace('"type": "filter"', '"dev": "eth1", "type": "filter"'))
    for interface, fate in (("eth0", "open"), ("eth1", "blocked")):
        packet = Packet("tcp", ip_address(GOOD[0]), 5432, interface)
        (found,) = passages(tables, parsed("good", INTERFACES), packet)
        assert found.fate == fate


@pytest.mark.parametrize(
    ("state", "version", "port", "fate"),
    [
        # ``tcp dport @closed drop`` is to iptables-nft-save ``-p tcp -j DROP``.
        ("nft-beside", 4, 5432, "blocked"),
        ("nft-beside", 4, 80, "open"),
        ("nft-beside", 4, 22, "open"),
        # ``ip6 saddr ::-fffe:: tcp dport 5432 accept`` is to it a rule for one sender.
        ("nft-beside", 6, 5432, "unsure"),
        ("nft-beside", 6, 80, "blocked"),
        # A base chain that iptables has not, before its own.
        ("nft-extra", 4, 22, "open"),
        ("nft-extra", 4, 80, "blocked"),
        # ``nft add table ip filter { flags dormant; }``: iptables shows the policy, which does nothing.
        ("nft-dormant", 4, 5432, "unsure"),
    ],
)
def test_what_nft_put_beside_the_rules_of_iptables(state: str, version: int, port: int, fate: str) -> None:
    assert way(state, port, version=version).fate == fate


def test_a_translation_in_a_chain_that_iptables_does_not_show_is_followed() -> None:
    tables = parsed("nft-beside", FIREWALL).tables
    assert ("tcp", 2222, 2222) in translated(tables)
    assert ("tcp", 9, 9) in translated(tables)
    assert way("nft-beside", 2222).port == 22


def test_a_remark_before_the_rules_makes_them_no_legacy_ones() -> None:
    assert not parsed("nft-extra", FIREWALL).legacy_hidden


def test_without_nft_rules_that_iptables_does_not_show_make_the_whole_unavailable() -> None:
    head, nft = output("nft-extra", FIREWALL).stdout.split(b"#nft\t0\n")
    without = head + nft[nft.index(b"#") :]
    with pytest.raises(Unavailable, match="nft has rules"):
        parse_firewall(Output("firewall", 0, without))


@pytest.mark.parametrize(
    ("version", "port", "fates"),
    [
        (4, 22, {"open"}),
        # "ct state { established, related, untracked } accept", after "notrack" for this port.
        (4, 5432, {"open", "blocked"}),
        (4, 6379, {"blocked"}),
        (6, 6379, {"open", "blocked"}),
        (6, 8080, {"blocked"}),
    ],
)
def test_what_is_kept_from_connection_tracking(version: int, port: int, fates: set[str]) -> None:
    address = ip_address(GOOD[0 if version == 4 else 1])
    found = passages(
        parsed("nft-untracked", FIREWALL).tables,
        parsed("good", INTERFACES),
        Packet("tcp", address, port, "eth0"),
    )
    assert {one.fate for one in found} == fates


def test_protocols_that_nft_prints_as_numbers() -> None:
    assert way("nft-numbered", 5432).fate == "open"
    assert way("nft-numbered", 5432, protocol="udp").fate == "blocked"
    assert way("nft-numbered", 6379).fate == "blocked"


def test_before_connection_tracking_nothing_is_new() -> None:
    """Rules for what is new, at the priority of raw: nothing is dropped by them, as was seen."""
    assert way("nft-early", 5432).fate == "open"
    assert way("nft-early", 6379).fate == "blocked"
    assert way("nft-early", 6379, version=6).fate == "open"
    # Nor has it a direction: "ct direction original", "-m conntrack --ctdir ORIGINAL".
    assert way("nft-early", 22).fate == "open"
    assert way("nft-early", 80, version=6).fate == "open"


@pytest.mark.parametrize(
    ("chains", "refuses"),
    [
        ("chain input {\n type filter hook input priority filter; policy drop;", True),
        ("chain input {\n type filter hook input priority filter;\n counter drop", True),
        ("chain input {\n type filter hook input priority filter;\n tcp dport 5432 drop", False),
        # As Debian ships the file, and one that is for what is forwarded.
        ("chain input {\n type filter hook input priority filter;", False),
        (
            "chain input {\n type filter hook input priority 0;\n chain f {\n hook forward; policy drop;",
            False,
        ),
        ("add chain inet f i { type filter hook input priority 0; policy drop; }", True),
    ],
)
def test_what_the_file_for_the_next_boot_refuses(chains: str, refuses: bool) -> None:
    lines = "".join(f"|{line}\n" for line in chains.split("\n")).encode()
    text = output("nft-early", FIREWALL).stdout
    at = text.index(b"#nftables.conf\n") + len(b"#nftables.conf\n")
    found = parse_firewall(Output("firewall", 0, text[:at] + lines + text[text.index(b"#end") :]))
    assert found.refuses is refuses
