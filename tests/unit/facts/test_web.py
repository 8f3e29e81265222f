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
    assert servers.doubts == ()


@pytest.mark.parametrize("state", ["bad-root", "bad-viewer"])
def test_caddy_tells_anybody_on_the_host(state: str) -> None:
    servers = web(state)
    assert [ruling.fate for ruling in servers.rulings("shop.test", "/admin/")] == [Fate.REFUSED]
    assert [ruling.fate for ruling in servers.rulings("shop.test", "/api/admin/users")] == [Fate.SERVED]


def test_without_root_nginx_is_unread() -> None:
    servers = web("good-viewer")
    assert not servers.known
    assert "the configuration of nginx on the host could not be read (it needs root)" in servers.doubts


def test_a_file_changed_after_the_load() -> None:
    (doubt,) = web("changed").doubts
    assert doubt.startswith("nginx on the host: its files changed")
    assert web("reloaded").doubts == ()


def test_nothing_runs() -> None:
    assert not web("stopped").known
    with pytest.raises(Unavailable):
        parse_web(Output("web", 0, (RECORDED / "web" / "stopped.txt").read_bytes(), as_root=False))


def test_what_is_not_understood_is_unread() -> None:
    servers = parse_web(
        Output("web", 0, b"#caddy\tthe host\tapi\n|404\n#other\ttraefik:3\n#end\n", as_root=True)
    )
    why = "Caddy's configuration is not what Caddy prints"
    assert servers.doubts == (
        f"the configuration of caddy on the host could not be read ({why})",
        "traefik:3 also runs, and its rules are not understood here",
    )


def test_why_it_was_not_asked() -> None:
    said = b"#failed\tnginx\tthe host\tits program can be changed by others than root\n#end\n"
    (doubt,) = parse_web(Output("web", 0, said, as_root=True)).doubts
    assert "nginx on the host could not be read (its program can be changed by others than root)" in doubt


def test_where_the_applications_listen() -> None:
    assert web("good-root").upstreams() == ("127.0.0.1:8000",)
    assert web("bad-root").upstreams() == ("127.0.0.1:8000",)
