"""admin.*: the four cases and the traps, against a site that answers as told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from signoff.facts.admin_inside import Inside
from signoff.facts.base import Facts, Unavailable
from signoff.facts.outside import Port
from signoff.facts.web import WebServers
from signoff.message import say
from signoff.model import Command
from signoff.probes.admin import forged_header, outside, raw_address, restriction
from signoff.probes.base import Probe
from signoff.target.profile import Profile
from unit.admin_site import (
    FOUR,
    NGINX_403,
    SHOP,
    SIX,
    Asked,
    Said,
    Site,
    by_name,
    closed,
    facts,
    judged,
    results,
    shop,
    web,
)

GOOD = web("good-root")
BAD = web("bad-root")
TRAEFIK = say("traefik:3 also runs")
KNOWN = Inside(frozenset(SHOP.admin_paths))
UNKNOWN = dict.fromkeys(SHOP.admin_paths, "unknown")
ALL = (outside, forged_header, raw_address, restriction)


def only(*paths: str) -> Profile:
    return Profile(url="https://shop.test", admin_paths=paths)


def by_path(given: Facts, profile: Profile) -> dict[str, str]:
    """What is judged of the paths that are named; what is said of an API beside them stands apart."""
    found = results(outside, given, profile)
    return {path: result for path, result in found.items() if path in profile.admin_paths}


def panel(answer: Said, path: str = "/admin/") -> Site:
    """The shop with one answer at one path, and at all below it."""
    return Site(by_name(lambda asked: answer if asked.path.startswith(path) else shop(asked)))


def test_a_good_host() -> None:
    given = facts(Site(by_name(closed), (FOUR, SIX)), servers=GOOD)
    for probe in ALL:
        assert set(results(probe, given).values()) == {"pass"}, probe.id


def test_a_bad_host() -> None:
    def pages(asked: Asked) -> Said:
        if asked.path == "/api/admin/users":
            return 200, b'[{"id": 1}]'
        return closed(asked)

    at_8000 = Port(FOUR, 8000, "open", "http")
    site = Site(lambda asked: pages(asked) if asked.port == 8000 else by_name(pages)(asked))
    given = facts(site, servers=BAD, ports=(at_8000,))
    assert results(outside, given) == {"/admin/": "pass", "/api/admin/users": "fail"}
    assert results(restriction, given) == {"/admin/": "pass", "/api/admin/users": "fail"}
    assert results(raw_address, given) == {"": "fail"}
    assert ":8000" in judged(raw_address, given)[""].observed


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.id)
def test_a_site_that_does_not_answer(probe: Probe) -> None:
    given = facts(Site(lambda asked: None))
    for finding in judged(probe, given).values():
        assert finding.result == "unknown"


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.id)
def test_no_url_and_no_paths(probe: Probe) -> None:
    given = facts(Site(by_name(closed)), Profile(), servers=GOOD)
    assert set(results(probe, given, Profile()).values()) == {"unknown"}
    nameless = Profile(url="https://shop.test")
    given = facts(Site(by_name(closed)), nameless)
    for finding in judged(probe, given, nameless).values():
        assert finding.result == "unknown"


def test_usual_paths_prove_only_what_they_show() -> None:
    nameless = Profile(url="https://shop.test")
    login = (302, b"", {"location": "/admin/login/?next=/admin/"})
    assert results(outside, facts(panel(login), nameless), nameless) == {"/admin/": "fail"}
    finding = judged(outside, facts(Site(by_name(shop)), nameless), nameless)[""]
    assert finding.result == "unknown"
    assert "admin_paths" in finding.remedy


class TestTheApiBehindThePage:
    """Whoever closes the panel's page is apt to forget the API that it is made of."""

    PAGE = only("/admin/")

    def test_an_open_api_that_nobody_named(self) -> None:
        def pages(asked: Asked) -> Said:
            return (200, b'[{"id": 1}]') if asked.path == "/api/admin/users" else closed(asked)

        given = facts(Site(by_name(pages)), self.PAGE, servers=BAD)
        assert results(outside, given, self.PAGE) == {"/admin/": "pass", "/api/admin/users": "fail"}
        nameless = Profile(url="https://shop.test")
        assert results(outside, facts(Site(by_name(pages)), nameless), nameless) == {
            "/api/admin/users": "fail"
        }

    def test_pages_alone_do_not_pass_for_all_of_the_panel(self) -> None:
        given = facts(Site(by_name(closed)), self.PAGE)
        assert results(outside, given, self.PAGE) == {"/admin/": "pass", "API": "unknown"}
        assert "admin_paths" in judged(outside, given, self.PAGE)["API"].remedy

    def test_the_rules_name_it(self) -> None:
        given = facts(Site(by_name(closed)), self.PAGE, servers=GOOD)
        assert results(outside, given, self.PAGE) == {"/admin/": "pass", "/api/admin/": "pass"}

    def test_the_application_describes_it(self) -> None:
        inside = Inside(frozenset(), ("/v2/admin/orders",))
        given = facts(Site(by_name(closed)), self.PAGE, inside=inside)
        assert results(outside, given, self.PAGE) == {"/admin/": "pass", "/v2/admin/orders": "pass"}
        opened = by_name(
            lambda asked: (401, b"{}") if asked.path.startswith("/v2/admin/orders") else closed(asked)
        )
        given = facts(Site(opened), self.PAGE, inside=inside)
        assert results(outside, given, self.PAGE) == {"/admin/": "pass", "/v2/admin/orders": "fail"}


class TestOutside:
    """One path, one answer."""

    @pytest.mark.parametrize(
        ("answer", "result"),
        [
            ((200, b"the panel"), "fail"),
            ((401, b"", {"www-authenticate": "Basic"}), "fail"),
            ((302, b"", {"location": "/login?next=%2Fadmin%2F"}), "fail"),
            ((302, b"", {"location": "https://sso.shop.test/authorize"}), "fail"),
            ((302, b"", {"location": "/admin/index.html"}), "fail"),
            ((405, b""), "fail"),
            ((422, b""), "fail"),
            # Django REST framework without a login.
            ((403, b'{"detail":"Authentication credentials were not provided."}'), "fail"),
            ((403, b'{"detail":"Not authenticated"}'), "fail"),
            # Not to be told: a 403 of the application, a page that may not be there, a site out of order.
            ((403, b"<h1>Forbidden</h1>"), "unknown"),
            ((404, b"<h1>No panel here</h1>"), "unknown"),
            ((302, b"", {"location": "/"}), "unknown"),
            ((500, b""), "unknown"),
            ((503, b""), "unknown"),
            ((429, b""), "unknown"),
            ((403, NGINX_403), "pass"),
            (None, "pass"),
        ],
    )
    def test_answers(self, answer: Said, result: str) -> None:
        given = facts(panel(answer), only("/admin/"))
        assert by_path(given, only("/admin/")) == {"/admin/": result}

    @pytest.mark.parametrize("answer", [(403, b"<h1>Forbidden</h1>"), (404, b"<h1>No panel here</h1>")])
    def test_a_rule_proves_the_refusal(self, answer: Said) -> None:
        given = facts(panel(answer), only("/admin/"), servers=GOOD)
        assert by_path(given, only("/admin/")) == {"/admin/": "pass"}

    def test_the_application_itself_proves_that_a_404_is_a_refusal(self) -> None:
        given = facts(panel((404, b"<h1>Not found</h1>")), only("/admin/"), inside=KNOWN)
        assert by_path(given, only("/admin/")) == {"/admin/": "pass"}
        # It may be the application that answers 403, to whoever has not logged in.
        given = facts(panel((403, b"<h1>Forbidden</h1>")), only("/admin/"), inside=KNOWN)
        assert by_path(given, only("/admin/")) == {"/admin/": "unknown"}

    def test_a_slow_page_is_not_a_closed_one(self) -> None:
        site = Site(by_name(shop), slow=("/admin/",))
        found = judged(outside, facts(site, only("/admin/")), only("/admin/"))["/admin/"]
        assert found.result == "unknown"
        assert "no answer in time" in found.observed

    def test_what_was_not_asked_is_not_closed(self) -> None:
        given = facts(Site(by_name(closed), budget=3), servers=GOOD)
        assert results(outside, given) == UNKNOWN
        assert results(raw_address, given) == {"": "unknown"}

    def test_a_path_that_is_spelt_wrong_does_not_pass(self) -> None:
        wrong = only("/amdin/")
        given = facts(Site(by_name(shop)), wrong, servers=GOOD, inside=Inside())
        assert by_path(given, wrong) == {"/amdin/": "unknown"}
        assert results(raw_address, given, wrong) == {"": "unknown"}

    def test_the_page_is_closed_and_the_api_is_not(self) -> None:
        given = facts(panel((403, NGINX_403)), servers=BAD)
        # The API is not there at all: nothing shows that it is closed.
        assert results(outside, given) == {"/admin/": "pass", "/api/admin/users": "unknown"}

    def test_a_single_page_application_answers_200_for_every_path(self) -> None:
        def shell(asked: Asked) -> Said:
            return 200, b"<div id=root></div><script src=/app.js></script>"

        given = facts(Site(by_name(shell)))
        assert results(outside, given) == UNKNOWN

        def guarded(asked: Asked) -> Said:
            return (403, NGINX_403) if asked.path.startswith("/api/") else shell(asked)

        given = facts(Site(by_name(guarded)))
        assert results(outside, given) == {"/admin/": "informational", "/api/admin/users": "pass"}

    def test_a_shell_that_quotes_its_path_is_still_one_shell(self) -> None:
        site = Site(by_name(lambda asked: (200, b"<a href=" + asked.path.encode() + b">here</a> 1234567")))
        assert results(outside, facts(site)) == UNKNOWN

    def test_a_login_for_every_path_is_no_finding(self) -> None:
        site = Site(by_name(lambda asked: (302, b"", {"location": f"/login?next={asked.path}"})))
        assert results(outside, facts(site)) == UNKNOWN

    def test_everything_refused_is_no_refusal_of_the_panel(self) -> None:
        given = facts(Site(by_name(lambda asked: (403, b"<h1>Attention required</h1>"))))
        assert results(outside, given) == UNKNOWN

    def test_closed_on_ipv4_and_open_on_ipv6(self) -> None:
        def pages(asked: Asked) -> Said:
            return (200, b"the panel") if asked.address == SIX and "admin" in asked.path else closed(asked)

        given = facts(Site(by_name(pages), (FOUR, SIX)), servers=GOOD)
        found = judged(outside, given)["/admin/"]
        assert found.result == "fail"
        assert SIX in found.observed
        assert FOUR not in found.observed.partition(":")[2].partition("it answers")[0].replace(SIX, "")

    def test_a_panel_that_moved_to_another_name_is_not_closed(self) -> None:
        moved = (302, b"", {"location": "https://panel.shop.test/admin/"})
        found = judged(outside, facts(panel(moved), only("/admin/"), inside=KNOWN), only("/admin/"))
        assert found["/admin/"].result == "unknown"
        assert "sent on to https://panel.shop.test" in found["/admin/"].observed

    def test_silence_on_one_address_is_not_a_pass(self) -> None:
        site = Site(by_name(lambda asked: None if asked.address == SIX else closed(asked)), (FOUR, SIX))
        found = judged(outside, facts(site, servers=GOOD))["/admin/"]
        assert found.result == "unknown"
        assert f"does not answer at {SIX}" in found.observed

    def test_the_operators_own_address_is_let_in(self) -> None:
        given = facts(panel((200, b"the panel")), only("/admin/"), servers=GOOD, client="10.8.0.5")
        found = judged(outside, given, only("/admin/"))["/admin/"]
        assert found.result == "unknown"
        assert "you look from 10.8.0.5" in found.observed
        # Another address is not let in by that rule: the panel is open all the same.
        given = facts(panel((200, b"the panel")), only("/admin/"), servers=GOOD, client="10.9.0.5")
        assert by_path(given, only("/admin/")) == {"/admin/": "fail"}

    @pytest.mark.parametrize("other", ["/admin", "/ADMIN/"])
    def test_the_rule_knows_one_spelling(self, other: str) -> None:
        pages = by_name(lambda asked: (200, b"the panel") if asked.path == other else closed(asked))
        found = judged(outside, facts(Site(pages), only("/admin/"), servers=GOOD), only("/admin/"))["/admin/"]
        assert found.result == "fail"
        assert f"https://shop.test{other} at {FOUR} with another spelling: 200: it answers" in found.observed

    def test_the_rule_holds_for_one_page_only(self) -> None:
        """As of Caddy's ``path /admin``, of nginx's ``location = /admin``, of ``location ~ \\.php$`` beside
        it; a folder without an index is refused by nginx to everybody, too."""
        exact = by_name(lambda asked: (403, NGINX_403) if asked.path == "/admin" else shop(asked))
        found = judged(outside, facts(Site(exact), only("/admin")), only("/admin"))["/admin"]
        assert found.result == "unknown"
        assert "below it is answered otherwise (404)" in found.observed

        def login(asked: Asked) -> Said:
            if asked.path.startswith("/admin/"):
                return 302, b"", {"location": f"/login?next={asked.path}"}
            return (403, NGINX_403) if asked.path == "/admin" else shop(asked)

        assert by_path(facts(Site(by_name(login)), only("/admin")), only("/admin")) == {"/admin": "fail"}

    def test_a_redirect_to_the_slash_is_followed(self) -> None:
        def pages(asked: Asked) -> Said:
            return (301, b"", {"location": "/admin/"}) if asked.path == "/admin" else closed(asked)

        given = facts(Site(by_name(pages)), only("/admin"))
        assert by_path(given, only("/admin")) == {"/admin": "pass"}
        opened = by_name(lambda asked: pages(asked) if asked.path != "/admin/" else (200, b"the panel"))
        given = facts(Site(opened), only("/admin"))
        assert by_path(given, only("/admin")) == {"/admin": "fail"}

    def test_requests_are_few(self) -> None:
        paths = tuple(f"/admin{number}/" for number in range(40))
        many = tuple(f"192.0.2.{number}" for number in range(1, 40))
        site = Site(by_name(lambda asked: (403, NGINX_403) if "admin" in asked.path else shop(asked)), many)
        ports = tuple(Port(many[0], 8000 + number, "open", "http") for number in range(40))
        facts(site, only(*paths), servers=GOOD, ports=ports)
        assert len(site.asked) < 200
        assert {asked.address for asked in site.asked} <= set(many)


class TestForged:
    """What was refused is asked for again, as somebody else."""

    @pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "Forwarded"])
    def test_a_header_opens_it(self, name: str) -> None:
        def pages(asked: Asked) -> Said:
            believed = "10.8.0.1" in asked.headers.get(name, "")
            return (200, b"the panel") if believed and "admin" in asked.path else closed(asked)

        given = facts(Site(by_name(pages)), servers=GOOD)
        assert results(forged_header, given) == {"/admin/": "fail", "/api/admin/users": "fail"}
        assert results(outside, given) == {"/admin/": "pass", "/api/admin/users": "pass"}

    def test_loopback_is_claimed_where_no_rule_is_known(self) -> None:
        def pages(asked: Asked) -> Said:
            own = asked.headers.get("X-Forwarded-For") == "127.0.0.1"
            return (302, b"", {"location": "/login"}) if own and "admin" in asked.path else closed(asked)

        given = facts(Site(by_name(pages)), only("/admin/"))
        assert results(forged_header, given, only("/admin/")) == {"/admin/": "fail"}

    def test_another_refusal_is_not_called_the_same(self) -> None:
        def pages(asked: Asked) -> Said:
            return (500, b"") if asked.headers and "admin" in asked.path else closed(asked)

        given = facts(Site(by_name(pages)), only("/admin/"))
        found = judged(forged_header, given, only("/admin/"))["/admin/"]
        assert found.result == "unknown"
        assert "403 became 500" in found.observed

    def test_nothing_is_refused(self) -> None:
        given = facts(panel((200, b"the panel")), only("/admin/"))
        assert results(forged_header, given, only("/admin/")) == {"": "unknown"}


class TestAround:
    """By the bare address, another name, plain HTTP, and other ports."""

    @pytest.mark.parametrize(
        "way",
        [
            lambda asked: asked.host == FOUR and asked.scheme == "https",
            lambda asked: asked.host == FOUR and asked.scheme == "http",
            lambda asked: asked.host == "other.invalid",
            lambda asked: asked.scheme == "http" and asked.host == "shop.test",
        ],
    )
    def test_open(self, way: Callable[[Asked], bool]) -> None:
        def pages(asked: Asked) -> Said:
            if way(asked):
                return (200, b"the panel") if asked.path == "/admin/" else shop(asked)
            return closed(asked) if asked.host == "shop.test" and asked.scheme == "https" else None

        assert results(raw_address, facts(Site(pages), servers=GOOD)) == {"": "fail"}

    def test_sent_on_to_the_name(self) -> None:
        def pages(asked: Asked) -> Said:
            if asked.scheme == "http":
                return 301, b"", {"location": f"https://shop.test{asked.path}"}
            return closed(asked) if asked.host == "shop.test" else None

        assert results(raw_address, facts(Site(pages), servers=GOOD)) == {"": "pass"}

    def test_an_empty_answer_to_everything(self) -> None:
        # What Caddy does with a name that it does not know.
        site = Site(lambda asked: closed(asked) if asked.host == "shop.test" else (200, b""))
        assert results(raw_address, facts(site, servers=GOOD)) == {"": "pass"}

    def test_a_way_that_is_not_to_be_told(self) -> None:
        site = Site(lambda asked: closed(asked) if asked.host == "shop.test" else (200, b"welcome"))
        assert results(raw_address, facts(site, servers=GOOD)) == {"": "unknown"}

    def test_the_name_with_www_has_rules_of_its_own(self) -> None:
        def pages(asked: Asked) -> Said:
            if (asked.scheme, asked.host) != ("https", "www.shop.test"):
                return by_name(closed)(asked)
            return (302, b"", {"location": "/login"}) if "admin" in asked.path else shop(asked)

        found = judged(raw_address, facts(Site(pages), servers=GOOD))[""]
        assert found.result == "fail"
        assert "https://www.shop.test/admin/" in found.observed

        def led_on(asked: Asked) -> Said:
            if (asked.scheme, asked.host) != ("https", "www.shop.test"):
                return by_name(closed)(asked)
            return 301, b"", {"location": f"https://shop.test{asked.path}"}

        assert results(raw_address, facts(Site(led_on), servers=GOOD)) == {"": "pass"}

    def test_a_port_beside_the_rules_is_open_to_all(self) -> None:
        site = Site(
            lambda asked: (
                (200, b"panel" + asked.path.encode()[:3]) if asked.port == 8000 else by_name(closed)(asked)
            )
        )
        given = facts(site, servers=GOOD, ports=(Port(FOUR, 8000, "open", "http"),), client="10.8.0.5")
        # Every path alike but for three letters: the admin's differ from the made-up one's.
        assert results(raw_address, given) == {"": "fail"}

    def test_a_port_that_speaks_tls_alone(self) -> None:
        def pages(asked: Asked) -> Said:
            if asked.port == 8443:
                opened = asked.path == "/admin/"
                return ((200, b"the panel") if opened else shop(asked)) if asked.scheme == "https" else None
            return by_name(closed)(asked)

        given = facts(Site(pages), servers=GOOD, ports=(Port(FOUR, 8443, "open", ""),))
        assert results(raw_address, given) == {"": "fail"}
        assert ":8443" in judged(raw_address, given)[""].observed


class TestRestriction:
    """The rules that run."""

    def test_without_root(self) -> None:
        given = facts(Site(by_name(closed)), servers=web("good-viewer"))
        finding = judged(restriction, given)[""]
        assert finding.result == "unknown"
        assert isinstance(finding.fix, Command)
        assert "nginx -T" in finding.fix.command

    def test_files_changed_after_the_load(self) -> None:
        given = facts(Site(by_name(closed)), servers=web("changed"))
        assert "unknown" in results(restriction, given).values()
        given = facts(Site(by_name(closed)), servers=web("reloaded"))
        assert set(results(restriction, given).values()) == {"pass"}

    def test_a_header_is_believed(self) -> None:
        servers = trap("spoofed")
        profile = Profile(url="https://spoofed.test", admin_paths=("/admin/",))
        found = judged(restriction, facts(Site(by_name(closed)), profile, servers=servers), profile)[
            "/admin/"
        ]
        assert found.result == "fail"
        assert "takes X-Forwarded-For from everybody" in found.observed

    @pytest.mark.parametrize(
        ("name", "path", "result"),
        [
            ("denied", "/admin/", "pass"),
            ("denied", "/admin", "unknown"),
            ("no-deny", "/admin/", "fail"),
            ("allow-all-first", "/admin/", "fail"),
            ("returned", "/admin/", "fail"),
            ("password", "/admin/", "fail"),
            ("php", "/admin/x.php", "fail"),
            ("php", "/admin/", "unknown"),
            ("page", "/admin/", "unknown"),
            ("condition", "/admin/", "unknown"),
            ("redirected", "/admin/", "unknown"),
        ],
    )
    def test_rules(self, name: str, path: str, result: str) -> None:
        servers = trap(name)
        profile = Profile(url=f"https://{name}.test", admin_paths=(path,))
        given = facts(Site(lambda asked: None), profile, servers=servers)
        assert results(restriction, given, profile) == {path: result}

    def test_the_application_refuses_by_itself(self) -> None:
        profile = Profile(url="https://shop.test", admin_paths=("/api/admin/users",))
        given = facts(Site(by_name(closed)), profile, servers=BAD)
        found = judged(restriction, given, profile)["/api/admin/users"]
        assert found.result == "unknown"
        assert "by something else" in found.observed

    def test_other_servers(self) -> None:
        given = facts(Site(by_name(closed)), servers=WebServers(doubts=(TRAEFIK,)))
        assert results(restriction, given) == {"": "unknown"}
        given = facts(Site(by_name(closed)), servers=replace(GOOD, doubts=(TRAEFIK,)))
        assert results(restriction, given)[""] == "unknown"
        given = facts(Site(by_name(closed)), servers=Unavailable(say("lost")))
        assert results(restriction, given) == {"": "unknown"}

    def test_the_panel_under_a_name_without_the_rule(self) -> None:
        from unit.facts.test_nginx import NAMES

        given = facts(Site(by_name(closed)), servers=WebServers(nginx=NAMES))
        found = judged(restriction, given)["/admin/"]
        assert found.result == "fail"
        assert "under another name" in found.observed
        assert "www.shop.test" in found.observed
        without = WebServers(nginx=tuple(one for one in NAMES if "www.shop.test" not in one.names))
        given = facts(Site(by_name(closed)), servers=without)
        assert judged(restriction, given)["/admin/"].result == "pass"


def trap(name: str) -> WebServers:
    """One of the recorded servers of nginx's, as if it were alone."""
    from unit.facts.test_nginx import SERVERS

    return WebServers(nginx=tuple(server for server in SERVERS if f"{name}.test" in server.names))
