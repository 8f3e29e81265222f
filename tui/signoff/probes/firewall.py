"""The host's packet filter: what it denies by default, whether it lasts, and who goes around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from signoff.facts.base import Facts
from signoff.facts.chains import steps
from signoff.facts.containers import CONTAINERS
from signoff.facts.exposure import HOST_FACTS, Exposure, host_view, translated
from signoff.facts.firewall import FIREWALL, Firewall
from signoff.facts.network import INTERFACES, Interfaces
from signoff.facts.outside import OUTSIDE_PORTS
from signoff.facts.packets import Packet
from signoff.facts.passage import Fate, passages
from signoff.message import listed, say
from signoff.model import Result
from signoff.probes.base import Judgement, probe
from signoff.probes.closing import how_to_close
from signoff.probes.kit import decision
from signoff.probes.vantages import WEB, described
from signoff.target.profile import Profile

_UNNAMED = (47, 1013, 7999, 30049, 61017)
"""Ports that nothing uses: what becomes of them is the default policy."""

_SILENT_ENOUGH = 20
"""So many silent ports, and none that is refused, show that something before the host filters."""

_ENABLE = decision(
    say(
        "Allow SSH first, then deny the rest: sudo ufw allow OpenSSH && sudo ufw allow "
        "80,443/tcp && sudo ufw default deny incoming && sudo ufw enable"
    )
)
_IPV6 = decision(say("Set IPV6=yes in /etc/default/ufw, then: sudo ufw disable && sudo ufw enable"))


@probe(
    "network.firewall",
    title=say("Host firewall"),
    expected=say("incoming packets are dropped or rejected by default, IPv4 and IPv6, also after a restart"),
    needs=(FIREWALL, INTERFACES, OUTSIDE_PORTS),
)
def firewall(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the default policy of each IP version, and what loads the rules at boot."""
    rules, interfaces = facts[FIREWALL], facts[INTERFACES]
    denied: list[int] = []
    for version in (4, 6):
        if any(address.version == version for _, address in interfaces.outside()):
            fate, because = default_fate(rules, interfaces, version)
            denied += [version] if fate == "blocked" else []
            yield _policy(rules, facts, version, fate, because)
        else:
            yield Judgement(
                result=Result.NOTAPPLICABLE,
                subject=f"ipv{version}",
                observed=say("no interface that leads outside has an IPv{version} address", version=version),
            )
    if denied:
        yield _boot(rules, interfaces, denied)


def default_fate(rules: Firewall, interfaces: Interfaces, version: int) -> tuple[Fate, str]:
    """Return what becomes of packets to ports that nothing uses: the worst over addresses and protocols."""
    found: dict[Fate, str] = {}
    budget = steps()
    for interface, address in interfaces.outside():
        if address.version == version:
            for protocol in ("tcp", "udp"):
                for port in _UNNAMED:
                    packet = Packet(protocol, address, port, interface)
                    for way in passages(rules.tables, interfaces, packet, budget):
                        found.setdefault(way.fate, way.because)
    worst: Fate = "open" if "open" in found else "unsure" if "unsure" in found else "blocked"
    return worst, found[worst]


def _policy(rules: Firewall, facts: Facts, version: int, fate: Fate, because: str) -> Judgement:
    subject = f"ipv{version}"
    title = say("Host firewall, IPv{version}", version=version)
    ufw = rules.ufw
    program = f"ufw is {'active' if ufw.active else 'inactive'}" if ufw.installed else "ufw is not installed"
    hidden = "iptables-legacy has rules of its own, which nft does not show"
    evidence = (
        f"{program}; incoming: {ufw.incoming or 'not said'}",
        f"decided by: {because}",
        *([hidden] if rules.legacy_hidden else []),
    )
    if fate == "blocked":
        observed = say("a port that nothing allows is refused by {because}", because=because)
        return Judgement(
            result=Result.PASS, title=title, subject=subject, observed=observed, evidence=evidence
        )
    if fate == "unsure":
        return Judgement(
            result=Result.UNKNOWN,
            title=title,
            subject=subject,
            observed=say(
                "whether a port that nothing allows is let in cannot be told: {because}", because=because
            ),
            evidence=evidence,
            remedy=decision(
                say("Read the rules: sudo iptables-save; sudo ip6tables-save; sudo nft list ruleset")
            ),
        )
    if _filtered_before(facts, version):
        return Judgement(
            result=Result.UNKNOWN,
            title=title,
            subject=subject,
            observed=say(
                "the host itself lets everything in ({because}; {program}); from outside most ports "
                "are silent, so that something before it filters",
                because=because,
                program=program,
            ),
            evidence=evidence,
            remedy=decision(
                say(
                    "Confirm the provider's firewall in its panel, or add one on the host. {enable}",
                    enable=_ENABLE,
                )
            ),
        )
    return Judgement(
        result=Result.FAIL,
        title=title,
        subject=subject,
        observed=say(
            "a port that nothing uses is let in: {because}; {program}", because=because, program=program
        ),
        evidence=evidence,
        remedy=_IPV6 if version == 6 and ufw.active else _ENABLE,
    )


def _filtered_before(facts: Facts, version: int) -> bool:
    """Tell whether ports are silent from outside that the host itself would refuse: a provider's firewall."""
    if facts.missing(OUTSIDE_PORTS):
        return False
    view = facts[OUTSIDE_PORTS]
    states = [
        port.state
        for port in view.ports
        if (":" in port.address) is (version == 6) and port.address not in {*view.silent, *view.chatty}
    ]
    return states.count("filtered") >= _SILENT_ENOUGH and "refused" not in states


_LOADERS = ("firewalld", "shorewall", "ferm", "iptables")


def _boot(rules: Firewall, interfaces: Interfaces, denied: list[int]) -> Judgement:
    """Judge whether the rules come back after a restart."""
    title = say("Host firewall after a restart")
    expected = say("a service that is enabled loads the rules at boot")

    def judged(result: Result, observed: str, remedy: str = "") -> Judgement:
        return Judgement(
            result=result, title=title, subject="boot", observed=observed, expected=expected, remedy=remedy
        )

    enabled = {name for name, unit in rules.units.items() if unit.enabled}
    if rules.ufw.active:
        if not rules.ufw.enabled or "ufw" not in enabled:
            said = (
                "ENABLED is not yes in /etc/ufw/ufw.conf"
                if not rules.ufw.enabled
                else "ufw.service is not enabled"
            )
            return judged(Result.FAIL, said, "sudo ufw enable && sudo systemctl enable ufw")
        if "nftables" in enabled and rules.flushes:
            return judged(
                Result.UNKNOWN,
                "nftables.service is enabled too, and its configuration flushes everybody's rules: "
                "which of the two comes last is not certain",
                "Keep one of them: sudo systemctl disable nftables",
            )
        return judged(Result.PASS, "ufw.service is enabled, and ENABLED=yes in /etc/ufw/ufw.conf")
    if "nftables" in enabled and rules.refuses:
        return judged(Result.PASS, "nftables.service is enabled, and /etc/nftables.conf denies by default")
    if found := [name for name in _LOADERS if name in enabled]:
        return judged(Result.PASS, f"{', '.join(found)} is enabled")
    if "netfilter-persistent" in enabled and rules.saved:
        # Docker's own rules are saved along with the rest: that a file refuses something is not enough.
        then = {version: replace(rules, tables=rules.saved.get(version, ())) for version in denied}
        lost = [v for v in denied if default_fate(then[v], interfaces, v)[0] != "blocked"]
        if lost:
            files = " and ".join(f"/etc/iptables/rules.v{version}" for version in lost)
            return judged(
                Result.FAIL,
                f"netfilter-persistent is enabled, but {files} would not deny by default",
                "sudo netfilter-persistent save",
            )
        return judged(Result.PASS, "netfilter-persistent is enabled, and its files deny by default")
    if "nftables" in enabled:
        return judged(
            Result.UNKNOWN,
            "nftables.service is enabled, but that /etc/nftables.conf denies by default is not seen",
            "Write the rules that are loaded now into it; let its input chain have the policy to drop",
        )
    return judged(
        Result.UNKNOWN,
        "rules are loaded now, but nothing that is known to load them at boot is enabled",
        "sudo apt install netfilter-persistent iptables-persistent && sudo netfilter-persistent save",
    )


def _refusals(around: tuple[Exposure, ...], interfaces: Interfaces) -> str:
    """Return the commands that make DOCKER-USER drop it (Docker's manual, Packet filtering)."""
    return "\n".join(
        dict.fromkeys(
            f"sudo {'ip6tables' if one.address.version == 6 else 'iptables'} -I DOCKER-USER "
            f"-i {interfaces.towards(one.address)} -p {one.protocol} "
            f"-m conntrack --ctorigdstport {one.port} --ctdir ORIGINAL -j DROP"
            for one in around
        )
    )


@probe(
    "network.docker-bypass",
    title=say("Docker's way around the firewall"),
    expected=say("no port is forwarded past the default deny, 80 and 443 aside; or DOCKER-USER restricts it"),
    needs=HOST_FACTS,
)
def docker_bypass(facts: Facts, profile: Profile) -> Judgement:
    """Judge what is translated before INPUT, and so the firewall's deny rules, have a say."""
    rules, interfaces = facts[FIREWALL], facts[INTERFACES]
    view = host_view(facts)
    meant = WEB | set(profile.open_ports)
    forwarded = tuple(one for one in view.exposures if one.forwarded)
    around = tuple(one for one in forwarded if one.fate == "open" and one.port not in meant)
    unsure = tuple(one for one in forwarded if one.fate == "unsure" and one.port not in meant)
    evidence = tuple(map(described, around or unsure or forwarded))[:12]
    if around:
        denies = any(default_fate(rules, interfaces, one.address.version)[0] == "blocked" for one in around)
        who = "ufw" if rules.ufw.active else "INPUT"
        docker = any(one.owner.sort == "published" for one in around)
        trap = (
            f"{'the ufw-versus-Docker trap: ' if docker else ''}"
            f"{who} denies, yet these are forwarded before it is asked"
            if denies
            else "these are forwarded, and nothing denies"
        )
        return Judgement(
            result=Result.FAIL,
            observed=say("{trap}: {map}", trap=trap, map=", ".join(map(str, around[:6]))),
            evidence=evidence,
            remedy=decision(
                say(
                    "{how_to_close}\nOr let DOCKER-USER refuse them:\n{refusals}",
                    how_to_close=how_to_close(around, ()),
                    refusals=_refusals(around, interfaces),
                )
            ),
        )
    if unsure:
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "whether these are let through cannot be told: {map}", map=", ".join(map(str, unsure[:6]))
            ),
            evidence=evidence,
            remedy=decision(say("Read the rules: sudo iptables -S FORWARD; sudo iptables -S DOCKER-USER")),
        )
    if view.missing:
        return Judgement(result=Result.UNKNOWN, observed=listed(view.missing, "; "))
    if not facts.missing(CONTAINERS) and not view.containers and not translated(rules.tables):
        return Judgement(
            result=Result.NOTAPPLICABLE,
            observed=say("no container is there, and no rule translates an incoming packet"),
        )
    observed = (
        say("forwarded, but only as meant or behind rules: {map}", map=", ".join(map(str, forwarded[:6])))
        if forwarded
        else say("no port of an outside address is forwarded")
    )
    return Judgement(result=Result.PASS, observed=observed, evidence=evidence)
