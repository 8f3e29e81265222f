"""Which paths exist inside, and what is asked for outside."""

from __future__ import annotations

import msgspec
import pytest

from signoff.facts.admin import ADMIN_SURVEY
from signoff.facts.admin_inside import ADMIN_INSIDE, admin_paths, named_paths, parse_inside
from signoff.facts.base import Unavailable, text_for
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit.admin_site import FOUR, RECORDED, SHOP, SIX, Site, by_name, closed, facts, web


def recorded(state: str) -> Output:
    return Output("inside", 0, (RECORDED / "inside" / f"{state}.txt").read_bytes())


@pytest.mark.parametrize("state", ["good-root", "bad-root", "bad-viewer"])
def test_the_application_knows_its_paths(state: str) -> None:
    # Asked for were these and /nothing/.
    assert parse_inside(recorded(state)).exists == {"/admin/", "/api/admin/users"}


def test_nothing_to_ask_inside() -> None:
    with pytest.raises(Unavailable, match="no application"):
        parse_inside(recorded("good-viewer"))
    with pytest.raises(Unavailable, match="curl: not installed"):
        parse_inside(Output("inside", 0, b"#unavailable\tcurl\tmissing\tcurl\t\n#end\n"))


def test_a_login_page_for_every_path_shows_nothing() -> None:
    lines = [
        b"#answer\t127.0.0.1:8000\t/signoff-no-such-path-5b0c/\t302 http://127.0.0.1:8000/login?next=/signoff-no-such-path-5b0c/\t1",
        b"#answer\t127.0.0.1:8000\t/admin/\t302 http://127.0.0.1:8000/login?next=/admin/\t2",
        b"#end",
    ]
    assert parse_inside(Output("inside", 0, b"\n".join(lines))).exists == frozenset()


def test_the_application_describes_its_api() -> None:
    assert parse_inside(recorded("described-root")).documented == ("/backend/v2/admin/orders",)
    given = Output(
        "inside", 0, b"#answer\ta:1\t/signoff-no-such-path-5b0c/\t404 \t1\n#documented\t/a b\n#end"
    )
    assert parse_inside(given).documented == ()


def test_only_plain_paths_go_into_the_script() -> None:
    profile = Profile(url="https://shop.test", admin_paths=("/admin/", "/a'; rm -r /", "admin2"))
    script = text_for(ADMIN_INSIDE.script, profile)
    assert "rm -r /" not in script
    assert "paths='/admin/\n/admin2'" in script


def test_paths() -> None:
    assert admin_paths(SHOP) == named_paths(SHOP) == SHOP.admin_paths
    assert admin_paths(Profile(admin_paths=("admin/", " "))) == ("/admin/",)
    assert named_paths(Profile()) == ()


def test_what_is_asked() -> None:
    site = Site(by_name(closed), (FOUR, SIX))
    survey = facts(site, servers=web("good-root"))[ADMIN_SURVEY]
    assert {view.address for view in survey.views} == {FOUR, SIX}
    claimed = {asked.headers["X-Forwarded-For"] for asked in site.asked if "X-Forwarded-For" in asked.headers}
    # Those that the rules let in, the server itself, and a private address.
    assert claimed == {"127.0.0.1", "10.8.0.1", "10.0.0.1"}
    # Content networks refuse requests that bring their own headers: never both at once.
    assert not any({"X-Forwarded-For", "CF-Connecting-IP"} <= set(asked.headers) for asked in site.asked)
    assert {(asked.scheme, asked.host) for asked in site.asked} >= {
        ("https", FOUR),
        ("http", FOUR),
        ("https", "other.invalid"),
        ("http", "shop.test"),
    }


def test_what_is_kept_is_read_as_it_was() -> None:
    survey = facts(Site(by_name(closed), (FOUR, SIX)), servers=web("good-root"))[ADMIN_SURVEY]
    for kept, value in ((ADMIN_SURVEY.kept, survey), (ADMIN_INSIDE.kept, parse_inside(recorded("bad-root")))):
        assert msgspec.convert(msgspec.to_builtins(value), kept) == value


def test_no_address_to_look_at() -> None:
    assert "no address" in facts(Site(closed, ())).missing(ADMIN_SURVEY)
    assert "does not answer" in facts(Site(lambda asked: None)).missing(ADMIN_SURVEY)
