"""The web servers of recorded hosts."""

from __future__ import annotations

import pytest

from signoff.facts.base import Unavailable
from signoff.facts.ruling import Fate
from signoff.facts.web import parse_web
from signoff.target.command import Output
from unit.admin_site import RECORDED, web


def test_nginx() -> None:
    servers = web("good-root")
    assert servers.names() == ("_", "shop.test", "www.shop.test")
    assert [str(net) for net in servers.allowed()] == ["10.8.0.0/24", "127.0.0.1/32"]
    assert servers.admin_paths() == ("/admin/", "/api/admin/")
    fates = {ruling.fate for ruling in servers.rulings("shop.test", "/api/admin/users")}
    assert fates == {Fate.REFUSED, Fate.REDIRECTED}
    assert (servers.unread, servers.stale, servers.others) == ((), (), ())


@pytest.mark.parametrize("state", ["bad-root", "bad-viewer"])
def test_caddy_tells_anybody_on_the_host(state: str) -> None:
    servers = web(state)
    assert [ruling.fate for ruling in servers.rulings("shop.test", "/admin/")] == [Fate.REFUSED]
    assert [ruling.fate for ruling in servers.rulings("shop.test", "/api/admin/users")] == [Fate.SERVED]


def test_without_root_nginx_is_unread() -> None:
    servers = web("good-viewer")
    assert not servers.known
    assert "nginx on the host" in servers.unread


def test_a_file_changed_after_the_load() -> None:
    assert web("changed").stale == ("nginx on the host",)
    assert web("reloaded").stale == ()


def test_nothing_runs() -> None:
    assert not web("stopped").known
    with pytest.raises(Unavailable):
        parse_web(Output("web", 0, (RECORDED / "web" / "stopped.txt").read_bytes(), as_root=False))


def test_what_is_not_understood_is_unread() -> None:
    servers = parse_web(
        Output("web", 0, b"#caddy\tthe host\tapi\n|404\n#other\ttraefik:3\n#end\n", as_root=True)
    )
    assert servers.unread == ("caddy on the host: Caddy's configuration is not what Caddy prints",)
    assert servers.others == ("traefik:3",)
