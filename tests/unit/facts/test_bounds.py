"""What a target shows is read within bounds: a short text may stand for more than anybody waits for.

Nothing is timed here. Without the bounds most of these tests never end.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_interface
from itertools import pairwise
from typing import Any

import pytest

from signoff.credentials.dotenv import Reader, read
from signoff.credentials.secret import Secret
from signoff.facts import caddy, nginx, plain_yaml
from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.called import Call, calls
from signoff.facts.compose import EnvReference, parse_compose, written_in
from signoff.facts.crontab import parse_crontab
from signoff.facts.dockerfile import Dockerignore
from signoff.facts.exposure import host_view, translated
from signoff.facts.firewall import Firewall, Ufw
from signoff.facts.iptables import parse_iptables
from signoff.facts.network import INTERFACES, Interface, Interfaces, Listener
from signoff.facts.nftables import parse_nftables
from signoff.facts.packets import Condition, Packet
from signoff.facts.passage import DROP, END, Base, Rule, Table, Verdict, passages, steps, walk
from signoff.facts.ruling import Fate
from signoff.facts.units import parse_units
from signoff.message import say
from signoff.model import Result
from signoff.probes.network import datastore_ports
from signoff.target.command import Output
from signoff.target.profile import Profile
from signoff.text import one_line
from unit.network_hosts import GOOD, NO_OUTSIDE, facts, parsed

PACKET = Packet("tcp", ip_address(GOOD[0]), 5432, "eth0")


# Compose files

LAUGHS = (
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "services: {web: {command: *i}}\n"
)


def problem(text: str) -> str:
    return parse_compose("c.yml", Secret(text)).problem


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        (LAUGHS, "more than 100000 values"),
        (
            "x0: &x0 {k: v}\n"
            + "".join(f"x{n}: &x{n} {{<<: [*x{n - 1}, *x{n - 1}], k{n}: v}}\n" for n in range(1, 40))
            + "services: {web: {<<: *x39}}\n",
            "more than 100000 values",
        ),
        # One long text, many times.
        (f'x: &x "{"a" * 200_000}"\nservices: {{web: {{command: [{"*x," * 9000}]}}}}\n', "100000 values"),
        ("x: &x [*x]\nservices: {web: {command: *x}}\n", "holds itself"),
        ("services: &x {web: *x}\n", "holds itself"),
        (f"services: {'[' * 100_000}", "64 values within each other"),
        # Deep by aliases: each line is shallow.
        (
            "x0: &x0 [y]\n"
            + "".join(f"x{n}: &x{n} [*x{n - 1}]\n" for n in range(1, 80))
            + "services: {web: {command: *x79}}\n",
            "64 values within each other",
        ),
        ("services:\n  web:\n    command:\n" + "    - a\n" * 110_000, "100000 values"),
        (f"services: {{}}\n#{'x' * (1 << 20)}\n", "1048576 characters"),
    ],
    ids=["aliases", "merges", "long text", "cycle", "cycle of maps", "deep", "deep aliases", "flat", "long"],
)
def test_a_compose_file_that_stands_for_too_much_is_not_read(text: str, tells: str) -> None:
    assert tells in problem(text)


def test_anchors_aliases_and_merge_keys_are_read_as_ever() -> None:
    text = """
x-environment: &environment {A_TOKEN: "${A_TOKEN}", PORT: 8080, SINCE: 2026-01-02, MODE: 0640}
x-default: &default
  env_file: [&file .env, {path: extra.env, required: false}]
  environment: *environment
x-more: &more {<<: *default, command: [run, *file]}
services:
""" + "".join(f"  web{n}: {{<<: [*more, *default], build: .}}\n" for n in range(500))
    found = parse_compose("c.yml", Secret(text))
    assert (found.problem, len(found.services)) == ("", 500)
    for service in found.services:
        assert service.env_files == (EnvReference(".env"), EnvReference("extra.env", required=False))
        assert service.interpolates == {"A_TOKEN"}
        # As it is written, which is what compose gives to the container.
        values = {name: value.reveal() for name, value in service.environment.items()}
        assert values == {"PORT": "8080", "SINCE": "2026-01-02", "MODE": "0640"}


@pytest.mark.parametrize("tag", ["int", "float", "timestamp", "bool", "binary", "set", "omap", "null"])
def test_a_tag_that_does_not_fit_is_no_yaml_at_worst(tag: str) -> None:
    text = f"services: {{web: {{environment: {{A: !!{tag} '{'1:' * 100_000}1'}}}}}}"
    found = parse_compose("c.yml", Secret(text))
    assert found.problem in {"", "it is no YAML", "it is no YAML in line 1"}


def test_a_number_of_any_length_is_read() -> None:
    assert not problem(f"services: {{web: {{environment: {{A: 0x{'f' * 50_000}}}}}}}")


def test_aliases_are_counted_as_what_they_stand_for() -> None:
    tens = ", ".join(["x"] * 10)
    assert plain_yaml.load(f"[&a [{tens}], *a]") == [["x"] * 10] * 2
    many = ", ".join(["*a"] * (plain_yaml.MOST // 11))
    with pytest.raises(plain_yaml.TooMuch):
        plain_yaml.load(f"[&a [{tens}], {many}]")


@pytest.mark.parametrize(
    "line", ["a" * 500_000, "a://a:" * 80_000, "a://a:b" * 80_000, '--a="' * 80_000, "://" * 100_000]
)
def test_a_long_command_is_looked_through(line: str) -> None:
    passwords = [value for name, value in written_in(f"{line} redis://:hunter2pass@db/0") if "URL" in name]
    assert any("hunter2pass" in value.reveal() for value in passwords)


# Packet filters


def branching(chains: int, jumps: int) -> str:
    """Return rules in which each chain jumps to the next one several times."""
    names = ["INPUT", *(f"C{number}" for number in range(chains))]
    return (
        "*filter\n:INPUT ACCEPT [0:0]\n"
        + "".join(f":{name} - [0:0]\n" for name in names[1:])
        + "".join(f"-A {name} -j {after}\n" * jumps for name, after in pairwise(names))
        + f"-A {names[-1]} -p tcp -m tcp --dport 5432 -j DROP\nCOMMIT\n"
    )


@pytest.mark.parametrize(("chains", "jumps"), [(40, 2), (60, 3), (100, 10)])
def test_a_chain_is_looked_through_once_for_a_packet(chains: int, jumps: int) -> None:
    (table,) = parse_iptables(branching(chains, jumps), 4, "iptables")
    budget = steps()
    assert set(walk(table, "INPUT", PACKET, budget)) == {Verdict("drop")}
    # The first jump of each leads to the end, so that no second one is looked at.
    assert budget.spent <= 8 * (chains + 1)
    other = Packet("tcp", PACKET.destination, 443, "eth0")
    budget = steps()
    assert set(walk(table, "INPUT", other, budget)) == {END}
    assert budget.spent <= 8 * (chains + 1) * jumps


def test_nftables_chains_that_branch() -> None:
    def rule(chain: str, *statements: dict[str, Any]) -> dict[str, Any]:
        return {"rule": {"family": "inet", "table": "t", "chain": chain, "handle": 1, "expr": statements}}

    names = ["in", *(f"c{number}" for number in range(60))]
    hook = {"type": "filter", "hook": "input", "prio": 0, "policy": "accept"}
    chains = [
        {"chain": {"family": "inet", "table": "t", "name": name, **(hook if name == "in" else {})}}
        for name in names
    ]
    jumps = [rule(name, {"jump": {"target": after}}) for name, after in pairwise(names) for _ in range(3)]
    dport = {"payload": {"protocol": "tcp", "field": "dport"}}
    last = rule(names[-1], {"match": {"op": "==", "left": dport, "right": 5432}}, {"drop": None})
    tables = parse_nftables(
        json.dumps({"nftables": [{"table": {"family": "inet", "name": "t"}}, *chains, *jumps, last]})
    )
    interfaces = parsed("good", INTERFACES)
    assert [way.fate for way in passages(tables, interfaces, PACKET)] == ["blocked"]
    open_port = Packet("tcp", PACKET.destination, 443, "eth0")
    assert [way.fate for way in passages(tables, interfaces, open_port)] == ["open"]


@pytest.mark.parametrize("jump", ["-j", "-g"])
def test_chains_in_a_circle_are_never_called_blocked(jump: str) -> None:
    text = (
        "*filter\n:INPUT DROP [0:0]\n:A - [0:0]\n:B - [0:0]\n"
        + f"-A INPUT {jump} A\n" * 2
        + f"-A A {jump} B\n" * 3
        + f"-A B {jump} A\n" * 3
        + "COMMIT\n"
    )
    tables = parse_iptables(text, 4, "iptables")
    (found,) = passages(tables, parsed("good", INTERFACES), PACKET)
    assert found.fate == "unsure"


def test_chains_too_deep_to_follow_are_an_error() -> None:
    (table,) = parse_iptables(branching(3000, 1), 4, "iptables")
    with pytest.raises(Malformed, match="chains that jump"):
        walk(table, "INPUT", PACKET)


def test_more_rules_than_can_be_judged_are_an_error_of_the_probe() -> None:
    rules = tuple(
        Rule((Condition("th dport", (("1", "2"),)),), Verdict("drop"), "a rule") for _ in range(20_000)
    )
    table = Table("nft", "inet t", 0, {"in": rules}, (Base("in", "input", DROP, 0),))
    firewall = Firewall((table,), Ufw(), frozenset(), False, False, False, {})
    listeners = tuple(Listener("tcp", ip_address("0.0.0.0"), port) for port in range(10_000, 10_500))  # noqa: S104
    known = facts("good", NO_OUTSIDE, firewall=firewall, listeners=listeners)
    with pytest.raises(Malformed, match="more than can be judged"):
        host_view(known)
    (found,) = datastore_ports.findings(known, Profile())
    assert found.result is Result.ERROR


def test_listeners_and_addresses_are_not_multiplied_without_end() -> None:
    listeners = tuple(Listener("tcp", ip_address("0.0.0.0"), port) for port in range(1, 20_000))  # noqa: S104
    addresses = tuple(f"198.18.{n // 250}.{n % 250}/32" for n in range(10_000))
    interfaces = Interfaces((Interface("eth0", "", tuple(map(ip_interface, addresses)), default_route=True),))
    known = facts("good", NO_OUTSIDE, listeners=listeners, interfaces=interfaces)
    with pytest.raises(Malformed, match="more than can be judged"):
        host_view(known)
    hidden = Malformed(say("not to be seen"))
    with pytest.raises(Malformed, match="more than can be judged"):
        host_view(facts("good", NO_OUTSIDE, listeners=listeners, interfaces=interfaces, firewall=hidden))


def test_translations_behind_branching_chains_are_all_found() -> None:
    """Deeper than any depth that was guessed, and without going through a chain twice."""
    names = ["PREROUTING", *(f"C{number}" for number in range(40))]
    text = (
        "*nat\n:PREROUTING ACCEPT [0:0]\n"
        + "".join(f":{name} - [0:0]\n" for name in names[1:])
        + "".join(f"-A {name} -j {after}\n" * 3 for name, after in pairwise(names))
        + f"-A {names[-1]} -j C0\n"
        + f"-A {names[-1]} -p tcp -m tcp --dport 15432 -j DNAT --to-destination 10.0.0.2:5432\nCOMMIT\n"
    )
    assert translated(parse_iptables(text, 4, "iptables")) == (("tcp", 15432, 15432),)


def test_a_set_counts_for_each_rule_that_asks_for_it() -> None:
    elements = [f"198.18.{n // 250}.{n % 250}" for n in range(2_000)]
    about = {"family": "inet", "table": "t"}
    match = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@s"}}
    rule = {"rule": {**about, "chain": "in", "expr": [match, {"drop": None}]}}

    def ruleset(rules: int) -> str:
        return json.dumps(
            {
                "nftables": [
                    {"table": {"family": "inet", "name": "t"}},
                    {"set": {**about, "name": "s", "elem": elements}},
                    {"chain": {**about, "name": "in"}},
                    *[rule] * rules,
                ]
            }
        )

    (table,) = parse_nftables(ruleset(3))
    (source,) = [one for one in table.chains["in"][0].conditions if one.asked == "ip saddr"]
    assert len(source.values) == 2_000
    with pytest.raises(Malformed, match="the sets"):
        parse_nftables(ruleset(151))


@pytest.mark.parametrize(
    "text", ['{"nftables": ' + "[" * 100_000, '{"nftables": ' + "[" * 900 + "]" * 900 + "}"]
)
def test_deeply_nested_json_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_nftables(text)


def test_iptables_lines_beyond_all_measure() -> None:
    head = "*filter\n:INPUT DROP [0:0]\n"
    with pytest.raises(Malformed, match="characters"):
        parse_iptables(f'{head}-A INPUT -m comment --comment "{"x" * 4_000_000}" -j ACCEPT\nCOMMIT\n', 4, "i")
    with pytest.raises(Malformed, match="more than can be judged"):
        parse_iptables(head + "-A INPUT -j ACCEPT\n" * 60_000 + "COMMIT\n", 4, "i")


@pytest.mark.parametrize(
    "words",
    [
        '-s 10.0.0.0/8 -m comment --comment "a \\"b\\" \\\\ c" -j DROP',
        "-s 10.0.0.0/8 -m comment --comment 'a b' -j DROP",
        '-s 10.0.0.0/8 -m comment --comment "" -j DROP',
        '-s "10.0.0.0/8" -j DROP',
        # Comments that would be something else in their place.
        "-m comment --comment ! -s 10.0.0.0/8 -j DROP",
        "-m comment --comment -j -s 10.0.0.0/8 -j DROP",
    ],
)
def test_quoted_words_of_iptables(words: str) -> None:
    (table,) = parse_iptables(f"*filter\n:INPUT DROP [0:0]\n-A INPUT {words}\nCOMMIT\n", 4, "iptables")
    (rule,) = table.chains["INPUT"]
    assert rule.conditions == (Condition("-s", ("10.0.0.0/8",)),)
    assert rule.verdict == Verdict("drop")


# Web servers

MAIN = "# configuration file /etc/nginx/nginx.conf:\n"


def including(files: int, times: int) -> str:
    """Return a dump whose files include the next one several times."""
    named = [f"/etc/nginx/f{number:02}" for number in range(files)]
    return (
        MAIN
        + f"include {named[0]};\n"
        + "".join(
            f"# configuration file {name}:\n" + f"include {after};\n" * times
            for name, after in zip(named, [*named[1:], "/etc/nginx/none"], strict=True)
        )
    )


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        (including(30, 8), "more than can be judged"),
        (
            MAIN
            + "include q*;\n" * 3000
            + "".join(f"# configuration file /e/{n}:\nx;\n" for n in range(3000)),
            "more",
        ),
        (MAIN + "a b;\n" * 800_000, "more than can be judged"),
        (MAIN + "a {" * 100_000, "too deep"),
        (
            MAIN
            + "http {"
            + "".join(
                f"server {{listen 10.{n // 250}.{n % 250}.1:80; server_name a{n};}}\n" for n in range(9000)
            )
            + "}",
            "more than can be judged",
        ),
    ],
    ids=["includes", "patterns", "long", "deep", "servers"],
)
def test_an_nginx_configuration_beyond_bounds_is_malformed(text: str, tells: str) -> None:
    with pytest.raises(Malformed, match=tells):
        nginx.parse(text)


def test_a_file_included_often_is_read_once_and_counts_each_time() -> None:
    dump = (
        MAIN + "http { include s; include s; }\n# configuration file /etc/nginx/s:\nserver { listen 80; }\n"
    )
    assert len(nginx.parse(dump)) == 2


def test_variables_in_braces() -> None:
    dump = MAIN + "http { server { set $a ${host}x; return 403 a${b}c; } }" + "${" * 200_000
    ((server),) = nginx.parse(dump)
    assert [one.args for one in server.block.block] == [("$a", "${host}x"), ("403", "a${b}c")]


def test_an_expression_that_repeats_repetitions_is_not_tried() -> None:
    with pytest.raises(Malformed, match="takes too long"):
        nginx.search("^/(a+)+$", "/" + "a" * 60 + "!")
    assert nginx.search("^/(?:[a-z]+/)*admin", "/one/two/three/four/admin")


def test_caddy_with_more_names_and_networks_than_can_be_judged() -> None:
    def server(networks: int) -> str:
        ranges = [f"198.18.{n // 250}.{n % 250}/32" for n in range(networks)]
        deny = {
            "match": [{"not": [{"remote_ip": {"ranges": ranges}}]}],
            "handle": [{"handler": "error", "status_code": 403}],
        }
        pass_on = {"handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "app:8000"}]}]}
        return json.dumps(
            {"apps": {"http": {"servers": {"s": {"listen": [":443"], "routes": [deny, pass_on]}}}}}
        )

    (found,) = caddy.rulings(caddy.parse(server(100)), "shop.example", "/admin/")
    assert (found.fate, len(found.allowed)) == (Fate.REFUSED, 100)
    with pytest.raises(Malformed, match="more than can be judged"):
        caddy.rulings(caddy.parse(server(10_000)), "shop.example", "/admin/")


# Jobs


@pytest.mark.parametrize("text", ["/" * 65_000, "a/" * 32_000, "a.b/" * 16_000, "a." * 32_000])
def test_a_text_of_slashes_calls_nothing(text: str) -> None:
    assert tuple(calls(text)) == ()
    assert tuple(calls(f"{text} ; /usr/bin/pg_dump shop")) == (Call("pg_dump"),)


def test_a_text_that_names_programs_without_end_is_malformed() -> None:
    assert len(tuple(calls("pg_dump a;" * 400))) == 400
    with pytest.raises(Malformed):
        tuple(calls("pg_dump a;" * 600))


@pytest.mark.parametrize(
    ("words", "ago"),
    [
        ("*/7 3,5 * * *", timedelta(hours=6, minutes=34)),
        ("30 12 * * *", timedelta()),
        ("31 12 * * *", timedelta(hours=23, minutes=59)),
        ("0 0 * * 3", timedelta(days=2, hours=12, minutes=30)),
        ("0 0 1 1 *", None),
    ],
)
def test_when_a_line_was_last_due(words: str, ago: timedelta | None) -> None:
    now = datetime(2026, 11, 27, 12, 30, 40)  # noqa: DTZ001 - the host's own time
    (entry,) = parse_crontab(f"{words} true\n", "root").entries
    due = entry.schedule.last_due(now)
    assert due == (None if ago is None else now.replace(second=0) - ago)
    minutes, hours = entry.schedule.fields[:2]
    moments = (now.replace(second=0) - timedelta(minutes=back) for back in range(8 * 24 * 60))
    when = (one for one in moments if one.minute in minutes and one.hour in hours)
    assert due == next((one for one in when if entry.schedule.runs_on(one)), None)


# Other texts


def test_values_as_bash_reads_them_however_long() -> None:
    long = "x" * 400_000
    for raw in (long, f"'{long}'", f'a"{long}"b', long.replace("x", "\\x")):
        variable = read(f"A={raw}\n".encode()).variables["A"]
        value = variable.readings[Reader.BASH]
        assert value is not None
        assert set(value.reveal()) <= set("abx")


def test_a_dockerignore_with_too_many_patterns_is_an_error() -> None:
    assert Dockerignore("/p/.dockerignore", (".env*",) * 1000).ignores(".env")
    with pytest.raises(Malformed):
        Dockerignore("/p/.dockerignore", (".env*",) * 1001).ignores(".env")


def test_commands_of_a_unit_without_an_end() -> None:
    command = "argv[]=" * 300_000
    one = "{ path=/x ; argv[]=/x --password=hunter2pass ; ignore_errors=no ; }"
    text = f"#systemd\n#unit\tshop.service\n|Id=shop.service\n|ExecStart={one}{command}\n#end\n"
    (unit,) = parse_units(Output("units", 0, text.encode())).units
    assert {name: value.reveal() for name, value in unit.written.items()} == {"password": "hunter2pass"}


@pytest.mark.parametrize("begin", ["\x9d", "\x1b]", "\x90", "\x98a", "\x1bP", "\x9b"])
def test_control_strings_without_an_end_are_taken_out(begin: str) -> None:
    assert set(one_line(begin * 500_000 + "\x1bX")) <= {"a", "…"}


def test_a_budget_says_what_it_is_of() -> None:
    budget = Budget(2, "the rules")
    budget.spend(2)
    assert budget.spent == budget.most == 2
    with pytest.raises(Malformed, match="the rules: more than can be judged"):
        budget.spend()
