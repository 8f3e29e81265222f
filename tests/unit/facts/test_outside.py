"""Which ports answer, by what they say; and when silence or an answer proves nothing."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from signoff.facts.base import Facts, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.firewall import FIREWALL
from signoff.facts.network import LISTENERS, SSH_SERVER, Listener, SshServer
from signoff.facts.outside import Port, look_at_ports
from signoff.facts.services import KNOWN_PORTS, kind_of_name, kind_of_port, spoken
from signoff.message import say
from signoff.target.outside import Connection, Outside
from signoff.target.profile import Profile
from unit.network_hosts import BAD, NEEDS_ROOT, RECORDED, outside, parsed

SAID: dict[str, str] = json.loads((RECORDED / "said.json").read_text())


@pytest.mark.parametrize("name", sorted(SAID))
def test_services_are_known_by_what_they_really_said(name: str) -> None:
    service = name.split()[0]
    expected = {"caddy": "http", "caddy-tls": "http", "redis-password": "redis", "redis-protected": "redis"}
    assert spoken(SAID[name].encode("latin-1")) == expected.get(service, service)


def test_silence_says_nothing() -> None:
    assert spoken(b"") == ""


def test_what_a_port_says_counts_for_more_than_its_number() -> None:
    assert Port("192.0.2.1", 15432, "open", "redis").kind == "redis"
    assert Port("192.0.2.1", 5432, "open", "redis").kind == "redis"
    assert Port("192.0.2.1", 5432, "open").kind == "postgresql"
    assert Port("192.0.2.1", 5432, "open", "ssh").kind == ""
    # Elasticsearch behind a password says nothing but HTTP.
    assert Port("192.0.2.1", 9200, "open", "http").kind == "elasticsearch"
    assert Port("192.0.2.1", 8000, "open", "http").kind == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("postgres:16-alpine", "postgresql"),
        ("ghcr.io/valkey-io/valkey:8", "redis"),
        ("registry.example/redis/shop-api:1", ""),
        ("oliver006/redis_exporter", ""),
        ("mongo-express", ""),
        ("redis-server", "redis"),
        ("mariadbd", "mysql"),
        ("nginx", ""),
    ],
)
def test_datastores_are_known_by_name(name: str, kind: str) -> None:
    assert kind_of_name(name) == kind


def test_every_port_of_the_checklist_is_known() -> None:
    assert {5432, 5433, 6379, 3306, 27017, 9200, 5672, 2375, 8000} <= KNOWN_PORTS
    assert kind_of_port(2375) == "docker-api"


class Redis(socketserver.BaseRequestHandler):
    """Answers the first bytes with what a Redis said."""

    def handle(self) -> None:
        if self.request.recv(512).startswith(b"PING"):
            self.request.sendall(SAID["redis ping"].encode("latin-1"))


@pytest.fixture
def redis() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Redis) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def host(*ports: int) -> Facts:
    listeners = tuple(Listener("tcp", ip_address("192.0.2.1"), port) for port in ports)
    return Facts(
        {
            LISTENERS.id: listeners,
            SSH_SERVER.id: SshServer(frozenset({22}), ""),
            CONTAINERS.id: Unavailable(say("no")),
            FIREWALL.id: NEEDS_ROOT,
        }
    )


@pytest.fixture
def _as_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let loopback pass for another machine."""
    monkeypatch.setattr("signoff.facts.outside.elsewhere", lambda outside: (outside.addresses, ()))


@pytest.mark.usefixtures("_as_a_stranger")
def test_a_port_learnt_on_the_host_is_tried_and_asked_what_it_is(redis: int) -> None:
    view = look_at_ports(Outside(["127.0.0.1"]), Profile(address="ssh://x"), host(redis))
    assert [(port.port, port.speaks) for port in view.open() if port.port == redis] == [(redis, "redis")]
    assert view.doubts({redis + 1}) == (f"not tried from outside: port {redis + 1}",)


def test_published_and_translated_ports_are_learnt() -> None:
    tried: set[int] = set()

    class Recording(Outside):
        def connect(self, pairs, timeout=3.0, banner_wait=1.0):  # type: ignore[no-untyped-def]
            wanted = list(pairs)
            tried.update(port for _, port in wanted)
            return ()

    facts = Facts(
        {
            LISTENERS.id: Unavailable(say("no")),
            SSH_SERVER.id: SshServer(frozenset({2222}), ""),
            CONTAINERS.id: tuple(
                replace(one, published=tuple(replace(port, port=15000) for port in one.published))
                for one in parsed("bad", CONTAINERS)
            ),
            FIREWALL.id: parsed("nftables", FIREWALL),
        }
    )
    profile = Profile(address="ssh://x", open_ports=(4711,), url="https://shop.test:4712/")
    look_at_ports(Recording([BAD[0]]), profile, facts)
    assert tried >= KNOWN_PORTS | {2222, 15000, 25432, 3333, 3334, 4711, 4712}


def test_without_an_address_nobody_can_look() -> None:
    with pytest.raises(Unavailable, match="cannot look at itself"):
        look_at_ports(Outside([]), Profile(), host())
    with pytest.raises(Unavailable, match="no address that this machine reaches"):
        look_at_ports(Outside([]), Profile(address="ssh://deploy@shop.example"), host())


def test_silence_proves_nothing_where_nothing_answers() -> None:
    view = outside(("192.0.2.1",))
    assert view.doubts({5432}) == ()
    mute = replace(view, ports=tuple(replace(port, state="filtered") for port in view.ports))
    from signoff.facts.outside import in_doubt

    mute = replace(mute, silent=in_doubt(mute.ports)[0])
    assert "not even SSH" in mute.doubts({5432})[0]


def test_a_refusal_is_an_answer_of_its_own() -> None:
    view = outside(("192.0.2.1",), silence="refused")
    assert replace(view, silent={"192.0.2.1": "nothing answers"}).doubts() == ()


def test_where_everything_answers_nothing_is_open() -> None:
    everything = {("192.0.2.1", port): "" for port in KNOWN_PORTS}
    view = outside(("192.0.2.1",), also=everything)
    assert view.open() == ()
    assert "something on the way" in view.doubts({5432})[0]


def test_a_closed_port_on_this_machine_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (found,) = Outside(["127.0.0.1"]).connect([("127.0.0.1", port)])
    assert found.state == "refused"


def test_a_datastore_behind_a_web_servers_port_is_known_and_a_web_server_is_asked_once() -> None:
    answers = {80: {b"GET": b"HTTP/1.1 301 Moved Permanently"}, 443: {b"GET": b"", b"PING": b"+PONG"}}
    sent: list[tuple[int, bytes]] = []

    class Answering(Outside):
        def connect(self, pairs, timeout=3.0, banner_wait=1.0):  # type: ignore[no-untyped-def]
            return tuple(
                Connection(address, port, "open" if port in answers else "refused") for address, port in pairs
            )

        def exchange(self, address: str, port: int, message: bytes, timeout: float = 2.0) -> bytes:
            sent.append((port, message))
            return answers[port].get(message[:4].strip(), b"")

    view = look_at_ports(Answering([BAD[0]]), Profile(address="ssh://x"), host())
    assert {port.port: port.speaks for port in view.open()} == {80: "http", 443: "redis"}
    assert [message[:3] for port, message in sent if port == 80] == [b"GET"]
