"""nginx's configuration: what it does with a path, beside what nginx really did."""

from __future__ import annotations

import re

import pytest

from signoff.facts import nginx, nginx_access
from signoff.facts.base import Malformed
from signoff.facts.ruling import Fate, Ruling
from unit.admin_site import RECORDED

DUMP = (RECORDED / "nginx" / "traps.txt").read_text()
SERVERS = nginx.parse(DUMP)
STATUSES = [line.split() for line in (RECORDED / "nginx" / "traps-statuses.txt").read_text().splitlines()]
FATES = {
    "200": Fate.SERVED,
    "401": Fate.SERVED,
    "301": Fate.REDIRECTED,
    "403": Fate.REFUSED,
    "404": Fate.REFUSED,
}
# What depends on more than the rules: a page of its own for 403, and an if.
UNCLEAR = {"page.test", "condition.test"}


def ruling(host: str, path: str = "/admin/") -> Ruling:
    """Return what the server that answers on port 18080, IPv4, does."""
    return nginx_access.rulings(SERVERS, host, path)[0]


@pytest.mark.parametrize(("host", "path", "status", "forged"), STATUSES, ids=lambda value: value)
def test_as_nginx_did(host: str, path: str, status: str, forged: str) -> None:
    found = ruling(host, path)
    if host in UNCLEAR:
        assert found.fate is Fate.UNCLEAR
    elif host == "four-only.test":
        # Asked over IPv4; over IPv6 nginx served it.
        assert (status, found.fate) == ("403", Fate.SERVED)
    else:
        assert found.fate is FATES[status]
    assert bool(found.spoofable) is (status != forged)


def test_who_is_let_in() -> None:
    assert [str(net) for net in ruling("denied.test").allowed] == ["10.8.0.0/24"]
    # Where everybody is let in, nobody is let in by name.
    assert ruling("no-deny.test").allowed == ()


def test_the_place_is_named() -> None:
    assert ruling("denied.test").where == "nginx server denied.test on 18080 location /admin/"


def test_includes_are_put_where_they_stand() -> None:
    assert len(SERVERS) == DUMP.count("server_name")


def test_admin_paths_are_read_from_locations() -> None:
    assert set(nginx_access.admin_locations(SERVERS)) == {
        "/admin/",
        "/admin/static/",
        "/api/admin/",
        "/admin",
    }


@pytest.mark.parametrize(
    ("listen", "inside"),
    [("127.0.0.1:8080", True), ("[::1]:80", True), ("unix:/run/x", True), ("80", False), ("*:80", False)],
)
def test_loopback_is_not_outside(listen: str, inside: bool) -> None:
    dump = f"# configuration file /n.conf:\nhttp {{ server {{ listen {listen}; }} }}\n"
    (server,) = nginx.parse(dump)
    assert (not server.outside) is inside


@pytest.mark.parametrize(
    ("listen", "fate"),
    [("10.8.0.1:80", Fate.UNCLEAR), ("[fd00::1]:80", Fate.UNCLEAR), ("[::]:80", Fate.SERVED)],
)
def test_a_private_address_is_not_judged(listen: str, fate: Fate) -> None:
    server = f"server {{ listen {listen}; location / {{ proxy_pass http://x; }} }}"
    dump = f"# configuration file /n.conf:\nhttp {{ {server} }}\n"
    assert nginx_access.rulings(nginx.parse(dump), "shop.test", "/admin/")[0].fate is fate


@pytest.mark.parametrize(
    "dump",
    [
        "",
        "nginx: [emerg] open() failed",
        "# configuration file /n.conf:\n" + "a {" * 100,
    ],
)
def test_what_is_not_nginxs(dump: str) -> None:
    with pytest.raises(Malformed):
        nginx.parse(dump)


def test_what_a_header_must_say_is_not_told() -> None:
    """A content network's secret header, and a token in a redirect, stand in the configuration openly."""
    site = """# configuration file /etc/nginx/nginx.conf:
    events {} http { server { server_name shop.test;
        location /admin { if ($http_x_origin_verify != "s3cr3t-of-the-cdn") { return 403; }
            proxy_pass http://app; }
        location /old { return 302 https://panel.test/?token=s3cr3t-token; }
    } }"""
    for path, said in (("/admin", "an if on $http_x_origin_verify decides"), ("/old", "panel.test/")):
        (found,) = nginx_access.rulings(nginx.parse(site), "shop.test", path)
        assert said in found.why
        assert "s3cr3t" not in f"{found}"


NAMES = nginx.parse((RECORDED / "nginx" / "names.txt").read_text())


@pytest.mark.parametrize(
    ("host", "fate"),
    [
        # As nginx 1.22 did: 403, 200, 200, 200, 403, 301.
        ("shop.test", Fate.REFUSED),
        ("moved.test", Fate.UNCLEAR),
        ("server-moved.test", Fate.UNCLEAR),
        ("fallback.test", Fate.UNCLEAR),
        ("kept.test", Fate.REFUSED),
        ("old.test", Fate.REDIRECTED),
    ],
)
def test_what_leads_a_request_away_from_the_rules(host: str, fate: Fate) -> None:
    assert nginx_access.rulings(NAMES, host, "/admin/")[0].fate is fate


def test_the_same_application_under_a_name_without_the_rule() -> None:
    """Under another upstream is another application, on loopback nobody from outside."""
    (found,) = nginx_access.elsewhere(NAMES, "shop.test", "/admin/")
    assert found.where == "nginx server www.shop.test on 18080 location /"
    assert nginx_access.elsewhere(NAMES, "blog.test", "/admin/") == ()


def test_a_socket_is_an_application_too() -> None:
    dump = (RECORDED / "nginx" / "names.txt").read_text()
    sockets = re.sub("127.0.0.1:18099|localhost:18099(?=/)", "unix:/run/app.sock", dump)
    sockets = sockets.replace("http://unix:/run/app.sock/", "http://unix:/run/app.sock:/")
    (found,) = nginx_access.elsewhere(nginx.parse(sockets), "shop.test", "/admin/")
    assert "www.shop.test" in found.where


@pytest.mark.parametrize(("other", "elsewhere"), [("shop", 1), ("blog", 0)])
def test_sockets_are_told_apart_however_they_are_spelt(other: str, elsewhere: int) -> None:
    site = """# configuration file /etc/nginx/nginx.conf:
    http { server { server_name shop.test; location / { uwsgi_pass unix:///run/shop.sock; deny all; } }
           server { server_name other.test; location / { uwsgi_pass unix:///run/OTHER.sock; } } }"""
    servers = nginx.parse(site.replace("OTHER", other))
    assert len(nginx_access.elsewhere(servers, "shop.test", "/admin/")) == elsewhere
