"""Caddy's configuration: what it does with a path, beside what Caddy really did."""

from __future__ import annotations

import json

import pytest

from signoff.facts import caddy
from signoff.facts.base import Malformed
from signoff.facts.ruling import Fate, Ruling
from unit.admin_site import RECORDED

CONFIG = (RECORDED / "caddy" / "traps.json").read_text()
SERVERS = caddy.parse(CONFIG)
STATUSES = [line.split() for line in (RECORDED / "caddy" / "traps-statuses.txt").read_text().splitlines()]
FATES = {
    "200": Fate.SERVED,
    "401": Fate.SERVED,
    "302": Fate.REDIRECTED,
    "403": Fate.REFUSED,
    "404": Fate.REFUSED,
}
FATES["000"] = Fate.REFUSED


def ruling(host: str, path: str = "/admin/") -> Ruling:
    (found,) = caddy.rulings(SERVERS, host, path)
    return found


@pytest.mark.parametrize(("host", "path", "status", "forged"), STATUSES, ids=lambda value: value)
def test_as_caddy_did(host: str, path: str, status: str, forged: str) -> None:
    found = ruling(host, path)
    if host == "expression.test":
        assert found.fate is Fate.UNCLEAR
    elif host == "a.b.wild.test":
        # Two labels for one star: no route takes it, and Caddy's answer is 200 with nothing in it.
        assert (status, found.fate, found.why) == ("200", Fate.REFUSED, "no route: an empty answer")
    elif host == "files.test" and path != "/admin/":
        assert found.fate is Fate.SERVED
    else:
        assert found.fate is FATES[status]
    assert bool(found.spoofable) is (status != forged)


def test_who_is_let_in() -> None:
    assert [str(net) for net in ruling("denied.test").allowed] == ["10.8.0.0/24"]
    assert ruling("denied.test", "/api/admin/").allowed == ()


def test_trusting_everybodys_headers() -> None:
    config = json.loads(CONFIG)
    (server,) = config["apps"]["http"]["servers"].values()
    # client_ip and trusted_proxies came with Caddy 2.7.
    text = json.dumps(server).replace('"remote_ip"', '"client_ip"')
    server = json.loads(text) | {"trusted_proxies": {"source": "static", "ranges": ["0.0.0.0/0", "::/0"]}}
    (found,) = caddy.rulings((caddy.Server("srv0", server),), "denied.test", "/admin/")
    assert found.fate is Fate.REFUSED
    assert found.spoofable.startswith("trusted_proxies takes")
    server["trusted_proxies"]["ranges"] = ["10.20.0.0/16"]
    (found,) = caddy.rulings((caddy.Server("srv0", server),), "denied.test", "/admin/")
    assert found.spoofable == ""


@pytest.mark.parametrize("wide", ["::/0", "0.0.0.0/1"])
def test_a_network_of_nearly_everybody_is_no_restriction(wide: str) -> None:
    config = CONFIG.replace('"ranges":["10.8.0.0/24"]', f'"ranges":["10.8.0.0/24","{wide}"]')
    (found,) = caddy.rulings(caddy.parse(config), "denied.test", "/admin/")
    assert found.fate is Fate.SERVED


def test_a_handler_that_is_not_known() -> None:
    server = {"listen": [":443"], "routes": [{"handle": [{"handler": "waf"}]}]}
    (found,) = caddy.rulings((caddy.Server("srv0", server),), "shop.test", "/admin/")
    assert found.fate is Fate.UNCLEAR


@pytest.mark.parametrize("then", [[], [{"handler": "rewrite", "strip_path_prefix": "/app"}]])
def test_a_rewrite_by_placeholders_is_not_guessed(then: list[object]) -> None:
    refusing = {
        "match": [{"path": ["/admin/*"]}],
        "handle": [{"handler": "static_response", "status_code": 403}],
    }
    serving = {"handle": [{"handler": "reverse_proxy"}]}
    rewriting = {"handle": [{"handler": "rewrite", "uri": "{http.request.header.X-Original-Url}"}, *then]}
    server = {"listen": [":443"], "routes": [rewriting, refusing, serving]}
    (found,) = caddy.rulings((caddy.Server("srv0", server),), "shop.test", "/admin/")
    assert found.fate is Fate.UNCLEAR


def test_loopback_is_not_outside() -> None:
    server = {"listen": ["127.0.0.1:8080"], "routes": [{"handle": [{"handler": "reverse_proxy"}]}]}
    assert caddy.rulings((caddy.Server("srv0", server),), "shop.test", "/admin/") == ()


def test_names_and_paths() -> None:
    assert "denied.test" in caddy.names(SERVERS)
    assert "/admin/" in caddy.admin_locations(SERVERS)
    assert caddy.parse("null") == ()
    assert caddy.parse('{"apps": {}}') == ()


@pytest.mark.parametrize(
    "text", ["", "404 page not found", "[]", '{"apps": []}', '{"apps": {"http": {"servers": 1}}}']
)
def test_what_is_not_caddys(text: str) -> None:
    with pytest.raises(Malformed):
        caddy.parse(text)


@pytest.mark.parametrize("routes", [[1], [{"match": 1}], [{"handle": [1]}], [{"match": [{"remote_ip": 1}]}]])
def test_odd_routes_are_unclear(routes: list[object]) -> None:
    (found,) = caddy.rulings((caddy.Server("srv0", {"routes": routes}),), "shop.test", "/admin/")
    assert found.fate is Fate.UNCLEAR


NAMES = caddy.parse((RECORDED / "caddy" / "names.json").read_text())


def test_the_same_application_under_a_name_without_the_rule() -> None:
    """As Caddy 2.6 did: 200 for www.shop.test; blog.test is another application, old.test leads on."""
    (found,) = caddy.elsewhere(NAMES, "shop.test", "/admin/")
    assert (found.where, found.fate) == ("caddy server srv0 as www.shop.test", Fate.SERVED)
    assert caddy.elsewhere(NAMES, "blog.test", "/admin/") == ()


def test_a_rule_for_one_method_is_no_restriction() -> None:
    """As Caddy 2.6 did: 403 to GET, and POST came to the application."""
    (found,) = caddy.rulings(NAMES, "get-only.test", "/admin/")
    assert found.fate is Fate.SERVED
    assert "by POST" in found.why
    (found,) = caddy.rulings(NAMES, "guarded.test", "/admin/")
    assert found.fate is Fate.REFUSED
