"""The host's packet filter: what it denies by default, whether it lasts, and who goes around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from signoff.facts.base import Facts
from signoff.facts.containers import CONTAINERS
from signoff.facts.exposure import HOST_FACTS, Exposure, host_view, translated
from signoff.facts.firewall import FIREWALL, Firewall
from signoff.facts.network import INTERFACES, LISTENERS, SSH_SERVER, Interfaces, ssh_ports
from signoff.facts.outside import OUTSIDE_PORTS
from signoff.facts.packets import Packet
from signoff.facts.passage import Fate, passages, steps
from signoff.message import Message, listed, say
from signoff.model import Result
from signoff.probes import kit
from signoff.probes.base import Judgement, Remedy, probe
from signoff.probes.closing import how_to_close
from signoff.probes.kit import About, Proves, command, decision, fail, notapplicable, passed, unknown
from signoff.probes.vantages import WEB, Ways
from signoff.target.profile import Profile

_UNNAMED = (47, 1013, 7999, 30049, 61017)
"""Ports that nothing uses: what becomes of them is the default policy."""

_SILENT_ENOUGH = 20
"""So many silent ports, and none that is refused, show that something before the host filters."""

_READ = decision(say("Read the rules: sudo iptables-save; sudo ip6tables-save; sudo nft list ruleset"))
_AGAIN = "sudo ufw disable && sudo ufw enable"
_IPV6 = kit.edit("/etc/default/ufw", "IPV6=no", "IPV6=yes", say("Let ufw rule IPv6 too."), then=_AGAIN)


@probe(
    "network.firewall",
    title=say("Host firewall"),
    expected=say("incoming packets are dropped or rejected by default, IPv4 and IPv6, also after a restart"),
    needs=(FIREWALL, INTERFACES, LISTENERS, SSH_SERVER, OUTSIDE_PORTS),
)
def firewall(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the default policy of each IP version, and what loads the rules at boot."""
    judged = {version: _policy(facts, profile, version) for version in (4, 6)}
    yield from judged.values()
    if denied := [version for version, one in judged.items() if one.result is Result.PASS]:
        yield _boot(facts[FIREWALL], facts[INTERFACES], denied)


def default_fate(rules: Firewall, interfaces: Interfaces, version: int) -> tuple[Fate, str]:
    """Return what becomes of packets to ports that nothing uses: the worst over addresses and protocols."""
    found: dict[Fate, str] = {}
    budget = steps()
    for interface, address in interfaces.outside():
        for protocol in ("tcp", "udp") if address.version == version else ():
            for port in _UNNAMED:
                packet = Packet(protocol, address, port, interface)
                for way in passages(rules.tables, interfaces, packet, budget):
                    found.setdefault(way.fate, way.because)
    worst: Fate = "open" if "open" in found else "unsure" if "unsure" in found else "blocked"
    return worst, found[worst]


def _policy(facts: Facts, profile: Profile, version: int) -> Judgement:
    rules, interfaces = facts[FIREWALL], facts[INTERFACES]
    about = About(title=say("Host firewall, IPv{version}", version=version), subject=f"ipv{version}")
    if all(address.version != version for _, address in interfaces.outside()):
        nowhere = say("no interface that leads outside has an IPv{version} address", version=version)
        return notapplicable(nowhere, **about)
    fate, because = default_fate(rules, interfaces, version)
    ufw = rules.ufw
    program = say("ufw is inactive") if ufw.installed else say("ufw is not installed")
    if ufw.active:
        program = say("ufw is active")
    incoming = ufw.incoming or say("not said")
    evidence = [
        say("{program}; incoming: {incoming}", program=program, incoming=incoming),
        say("decided by: {because}", because=because),
    ]
    if rules.legacy_hidden:
        evidence.append(say("iptables-legacy has rules of its own, which nft does not show"))
    if fate == "blocked":
        observed = say("a port that nothing allows is refused by {rule}", rule=because)
        return passed(observed, proves=Proves.RUNNING, evidence=evidence, **about)
    if fate == "unsure":
        observed = say("whether a port that nothing allows is let in cannot be told: {rule}", rule=because)
        return unknown(observed, evidence=evidence, remedy=_READ, **about)
    if _filtered_before(facts, version):
        observed = say(
            "the host itself lets everything in ({rule}; {program}); from outside most ports are silent,"
            " so that something before it filters",
            rule=because,
            program=program,
        )
        remedy = decision(say("Confirm the provider's firewall in its panel, or add one on the host."))
        return unknown(observed, evidence=evidence, remedy=remedy, **about)
    observed = say("a port that nothing uses is let in: {rule}; {program}", rule=because, program=program)
    remedy = _IPV6 if version == 6 and ufw.active else _enable(facts, profile)
    return fail(observed, evidence=evidence, remedy=remedy, **about)


def _enable(facts: Facts, profile: Profile) -> Remedy:
    words = say("Allow SSH and what is meant to answer first, then deny the rest.")
    known = not (facts.missing(LISTENERS) or facts.missing(SSH_SERVER))
    ssh = ssh_ports(facts[LISTENERS], facts[SSH_SERVER]) if known else None
    if not ssh:
        return decision(words)  # where SSH listens is not known: a command might lock everybody out
    ports = ",".join(map(str, sorted({*ssh, *WEB, *profile.open_ports})))
    install = "" if facts[FIREWALL].ufw.installed else "sudo apt install ufw && "
    enable = "sudo ufw default deny incoming && sudo ufw enable"
    return command(f"{install}sudo ufw allow {ports}/tcp && {enable}", words)


def _filtered_before(facts: Facts, version: int) -> bool:
    """Tell whether ports are silent from outside that the host itself would refuse: a provider's firewall."""
    if facts.missing(OUTSIDE_PORTS):
        return False
    view = facts[OUTSIDE_PORTS]
    told = [one for one in view.ports if one.address not in {*view.silent, *view.chatty}]
    states = [one.state for one in told if one.version == version]
    return states.count("filtered") >= _SILENT_ENOUGH and "refused" not in states


_LOADERS = ("firewalld", "shorewall", "ferm", "iptables")


_BOOT = About(
    title=say("Host firewall after a restart"),
    expected=say("a service that is enabled loads the rules at boot"),
    subject="boot",
)


def _boot(rules: Firewall, interfaces: Interfaces, denied: list[int]) -> Judgement:
    """Judge whether the rules come back after a restart."""
    enabled = rules.enabled
    if rules.ufw.active:
        return _ufw_at_boot(rules)
    if "nftables" in enabled and rules.refuses:
        return _lasts(rules, say("nftables.service is enabled, and /etc/nftables.conf denies by default"))
    if found := [name for name in _LOADERS if name in enabled]:
        return _lasts(rules, say("{services} is enabled", services=listed(found, ", ")))
    if "netfilter-persistent" in enabled and rules.saved:
        if not (lost := _lost(rules, interfaces, denied)):
            return _lasts(rules, say("netfilter-persistent is enabled, and its files deny by default"))
        files = listed((f"/etc/iptables/rules.v{version}" for version in lost), " and ")
        said = say("netfilter-persistent is enabled, but {files} would not deny by default", files=files)
        words = say("Save the rules that are loaded now.")
        return fail(said, remedy=command("sudo netfilter-persistent save", words), **_BOOT)
    if "nftables" in enabled:
        said = say("nftables.service is enabled, but that /etc/nftables.conf denies by default is not seen")
        words = say(
            "Write the rules that are loaded now into it; let its input chain have the policy to drop"
        )
        return unknown(said, remedy=decision(words), **_BOOT)
    said = say("rules are loaded now, but nothing that is known to load them at boot is enabled")
    remedy = command(
        "sudo apt install netfilter-persistent iptables-persistent && sudo netfilter-persistent save",
        say("Save the rules that are loaded now, and have them loaded at boot."),
    )
    return unknown(said, remedy=remedy, **_BOOT)


def _lasts(rules: Firewall, observed: Message) -> Judgement:
    evidence = [say("enabled: {services}", services=listed(sorted(rules.enabled), ", "))]
    return passed(observed, proves=Proves.RESTART, evidence=evidence, **_BOOT)


def _ufw_at_boot(rules: Firewall) -> Judgement:
    if not (rules.ufw.enabled and "ufw" in rules.enabled):
        said = say("ENABLED is not yes in /etc/ufw/ufw.conf")
        if rules.ufw.enabled:
            said = say("ufw.service is not enabled")
        words = say("Have ufw load its rules at boot.")
        return fail(said, remedy=command("sudo ufw enable && sudo systemctl enable ufw", words), **_BOOT)
    if "nftables" in rules.enabled and rules.flushes:
        said = say(
            "nftables.service is enabled too, and its configuration flushes everybody's rules: which of the"
            " two comes last is not certain"
        )
        return unknown(said, remedy=decision(say("Keep one of them.")), **_BOOT)
    return _lasts(rules, say("ufw.service is enabled, and ENABLED=yes in /etc/ufw/ufw.conf"))


def _lost(rules: Firewall, interfaces: Interfaces, denied: list[int]) -> list[int]:
    """Return the IP versions of which the files for the next boot do not deny by default.

    Docker's own rules are saved along with the rest: that a file refuses something is not enough.
    """
    saved = {version: replace(rules, tables=rules.saved.get(version, ())) for version in denied}
    return [one for one in denied if default_fate(saved[one], interfaces, one)[0] != "blocked"]


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
    forwarded = tuple(one for one in view.exposures if one.forwarded)
    ways = Ways(leading=tuple(one for one in forwarded if one.port not in WEB | {*profile.open_ports}))
    around, unsure = ways.having("open"), ways.having("unsure")
    told = Ways(leading=around or unsure or forwarded)
    ports = listed(map(str, told.leading), ", ", most=6)
    if around:
        said = say("these are forwarded, and nothing denies: {ports}", ports=ports)
        if any(default_fate(rules, interfaces, one.address.version)[0] == "blocked" for one in around):
            who = "ufw" if rules.ufw.active else "INPUT"
            said = say(
                "{who} denies, yet these are forwarded before it is asked: {ports}", who=who, ports=ports
            )
            if any(one.owner.sort == "published" for one in around):
                said = say("the ufw-versus-Docker trap: {said}", said=said)
        refuse = say("Or let DOCKER-USER refuse them:\n{commands}", commands=_refusals(around, interfaces))
        remedy = decision(listed((how_to_close(around, ()).words, refuse), "\n"))
        return fail(said, evidence=told.evidence, remedy=remedy)
    if unsure:
        said = say("whether these are let through cannot be told: {ports}", ports=ports)
        remedy = decision(say("Read the rules: sudo iptables -S FORWARD; sudo iptables -S DOCKER-USER"))
        return unknown(said, evidence=told.evidence, remedy=remedy)
    if view.missing:
        return unknown(listed(view.missing))
    if not facts.missing(CONTAINERS) and not view.containers and not translated(rules.tables):
        return notapplicable(say("no container is there, and no rule translates an incoming packet"))
    if not forwarded:
        read = say("{count} table read", "{count} tables read", count=len(rules.tables))
        said = say("no port of an outside address is forwarded")
        return passed(said, proves=Proves.RUNNING, evidence=[read])
    said = say("forwarded, but only as meant or behind rules: {ports}", ports=ports)
    return passed(said, proves=Proves.RUNNING, evidence=told.evidence)
