"""Kinds of facts: what programs and servers say as values; what is missing never becomes an empty one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from signoff.facts.base import Facts, HostFact, Malformed, Unavailable, closure
from signoff.facts.collect import _value
from signoff.facts.kinds import RANDOM, Reply, http, json_rows, json_value, key_values, lines
from signoff.message import say
from signoff.target.command import Output
from signoff.target.outside import Outside, OutsideError, Response
from signoff.target.profile import Profile


class Row(msgspec.Struct):
    id: int


def value(fact: HostFact[Any], text: str) -> Any:
    return _value(fact, Output("x", 0, text.encode()), Profile())


def test_key_values_keep_every_value_of_a_key() -> None:
    fact = key_values("k", say("K"), "listeners.sh")
    found = value(fact, "#root\n|usepam yes\n|hostkey a\n|hostkey b c\n#unit\n|Env=x=1\n|bare\n#end\n")
    assert found == {
        "root": {"usepam": ("yes",), "hostkey": ("a", "b c")},
        "unit": {"Env": ("x=1",), "bare": ()},
    }


def test_lines_and_json() -> None:
    assert value(lines("l", say("L"), "listeners.sh"), "#a\n|x\n|y\n#b\n#end\n") == {"a": ("x", "y"), "b": ()}
    rows = json_rows("r", say("R"), Row, "listeners.sh")
    assert value(rows, '#a\n|[{"id": 1, "secret": "x"},\n| {"id": 2}]\n#end\n') == {"a": (Row(1), Row(2))}
    assert value(rows, '#a\n|{"id": 1}\n|{"id": 2}\n#end\n') == {"a": (Row(1), Row(2))}, "a row a line"
    assert value(rows, "#a\n#end\n") == {"a": ()}
    assert value(json_value("v", say("V"), Row, "listeners.sh"), '#a\n|{"id": 1}\n#end\n') == {"a": Row(1)}
    assert rows.sensitive, "what is not read may be a secret"


@pytest.mark.parametrize(
    "text", ['#a\n|{"id": 1}\n|\n#end\n', '#a\n|[{"id": "hunter2"}]\n#end\n', '#a\n|[{"id": 1}\n#end\n']
)
def test_what_is_no_json_is_malformed_and_not_quoted(text: str) -> None:
    found = value(json_rows("r", say("R"), Row, "listeners.sh"), text)
    assert isinstance(found, Malformed)
    assert "hunter2" not in found.reason + found.excerpt


@pytest.mark.parametrize("kind", [lines, key_values])
def test_no_answer_is_no_value(kind: Any) -> None:
    said = "#a\n|x\n#unavailable\tsudo sshd -T\trefused\tsshd\tno\n#end\n"
    found = value(kind("x", "X", "listeners.sh"), said)
    assert isinstance(found, Unavailable)
    assert (found.reason, found.by_hand) == ("sshd: permission refused: no", "sudo sshd -T")
    assert isinstance(value(kind("x", "X", "listeners.sh"), "#a\n|x\n"), Malformed), "not to its end"
    assert isinstance(value(kind("x", "X", "listeners.sh"), "#a\n#a\n#end\n"), Malformed), "twice"
    assert isinstance(value(kind("x", "X", "listeners.sh"), "#a\t3\n|x\n#end\n"), Malformed), "a part"
    assert not isinstance(value(kind("x", "X", "listeners.sh"), "#a\t2\n|x\n#end\n"), Malformed)


def test_facts_of_the_same_parameters_are_one_and_of_one_name_an_error() -> None:
    assert http("/", RANDOM) is http("/", RANDOM)
    assert http("/").id != http("/", RANDOM).id
    assert len(closure([http("/"), http("/")])) == 1
    with pytest.raises(ValueError, match="two facts are called 'k'"):
        closure([lines("k", say("K"), "listeners.sh"), lines("k", say("K"), "listeners.sh")])


class Site(Outside):
    """Answers every request, but none over IPv6."""

    def request(self, url: str, *, address: str, **_: Any) -> Response:
        if ":" in address:
            raise OutsideError(say("No answer."))
        found = 200 if url.endswith("test/") else 404
        return Response(url, address, found, (("x-a", "1"), ("x-a", " 2 ")), b"", "self-signed")


def look(url: str, *addresses: str) -> tuple[Reply, ...]:
    return http("/", RANDOM).look(Site(addresses), Profile(url=url), Facts())


def test_http_asks_every_address_for_every_path() -> None:
    one, nowhere, *unanswered = look("https://shop.test/under", "192.0.2.1", "2001:db8::1")
    assert (one.status, one.header("X-A"), one.verified) == (200, ("1", "2"), False)
    assert (nowhere.status, nowhere.path) == (404, RANDOM)
    assert len(nowhere.url) > len("https://shop.test/") + 8
    assert [(reply.status, reply.error) for reply in unanswered] == [(0, "No answer."), (0, "No answer.")]


def test_http_without_an_address_or_url_is_unavailable() -> None:
    for url, addresses in (("", ("192.0.2.1",)), ("https://shop.test", ())):
        with pytest.raises(Unavailable):
            look(url, *addresses)
