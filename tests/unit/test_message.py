"""Messages: a template with values, in English and in the operator's language; a value brings nothing in."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable

import msgspec
import pytest

from signoff import message
from signoff.errors import UsageError
from signoff.message import Message, Said, english, listed, own, recorded, say, tr, translated, use_language
from signoff.model import Finding, Result, Vantage, in_words
from signoff.report.text import finding_lines
from signoff.text import spoken, tidy

MORE = "and {count} more"
WHERE = "{where} · {number} of {total}"


def test_it_is_its_english_text() -> None:
    assert say(WHERE, where="shop", number=2, total=14) == "shop · 2 of 14"
    assert say("{count} line, folded", "{count} lines, folded", count=1) == "1 line, folded"
    assert say("{count} line, folded", "{count} lines, folded", count=0) == "0 lines, folded"
    assert tr(MORE, count=3) == "and 3 more"


@pytest.mark.usefixtures("russian")
def test_it_is_said_in_russian() -> None:
    assert tr(WHERE, where="shop", number=2, total=14) == "shop · 2 из 14"
    assert own("Quit") == "Выход"
    folded = [tr("{count} line, folded", "{count} lines, folded", count=number) for number in (1, 2, 5, 21)]
    assert folded == ["1 строка, свёрнуто", "2 строки, свёрнуто", "5 строк, свёрнуто", "21 строка, свёрнуто"]


@pytest.mark.usefixtures("russian")
def test_messages_within_a_message_are_translated_too() -> None:
    inner = say("Nothing was said.")
    assert translated(say("{path}: {strerror}", path="a", strerror=inner)) == "a: Ничего не сказано."
    assert translated(listed([inner, "plain", inner], most=2)) == "Ничего не сказано.; plain; и ещё 1"
    assert (
        translated(say("{path}: {strerror}", path="a", strerror=UsageError(inner))) == "a: Ничего не сказано."
    )
    assert str(say("{path}: {strerror}", path="a", strerror=inner)) == "a: Nothing was said."


@pytest.mark.usefixtures("russian")
def test_what_has_no_translation_is_said_in_english() -> None:
    assert tr("No translator has seen {this}.", this=1) == "No translator has seen 1."
    assert translated("Quit") == "Quit", "no message: somebody's name may be a word of ours"
    use_language("xx")
    assert own("Quit") == "Quit"


@pytest.mark.usefixtures("russian")
def test_it_can_be_english_in_a_thread_alone() -> None:
    heard = []
    with english():
        heard.append(own("Quit"))
        other = threading.Thread(target=lambda: heard.append(own("Quit")))
        other.start()
        other.join()
    assert [*heard, own("Quit")] == ["Quit", "Выход", "Выход"]


def test_a_copy_is_the_same_message() -> None:
    one = say(WHERE, where=say(MORE, count=1), number=2, total=3)
    for other in (copy.copy(one), copy.deepcopy(one)):
        assert (other, other.said) == (one, one.said)


HOSTILE = [
    "{name}",
    "{braces} {0} {} {{x}}",
    "$(touch /tmp/pwned) `id` ${HOME}",
    "\"quotes\" 'and' more",
    "line\nfeed {total} {number}",
    "%s %(where)s \\1 \\g<0>",
    "\x04\x00{count}",
]


def _recorded(name: str) -> str:
    said = say(WHERE, where=name, number=2, total=14)
    kept = msgspec.json.decode(msgspec.json.encode(said.said), type=Said)
    return recorded(str(said), kept)


WAYS: dict[str, tuple[Callable[[str], str], str, str]] = {
    "at once": (lambda name: tr(WHERE, where=name, number=2, total=14), "{} · 2 of 14", "{} · 2 из 14"),
    "deferred": (
        lambda name: translated(say(WHERE, where=name, number=2, total=14)),
        "{} · 2 of 14",
        "{} · 2 из 14",
    ),
    "recorded": (_recorded, "{} · 2 of 14", "{} · 2 из 14"),
    "listed": (lambda name: translated(listed([name, say(MORE, count=1)])), "{}; and 1 more", "{}; и ещё 1"),
    "within": (
        lambda name: translated(say("{path}: {strerror}", path=name, strerror=say("{where}!", where=name))),
        "{0}: {0}!",
        "{0}: {0}!",
    ),
    "in an error": (
        lambda name: translated(UsageError(say("There is no target called {name}.", name=name)).words),
        "There is no target called {}.",
        "Цели с именем {} нет.",
    ),
    "alone": (lambda name: recorded(name, None), "{}", "{}"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("way", WAYS)
def test_a_hostile_name_is_inert(name: str, way: str, request: pytest.FixtureRequest) -> None:
    say_it, in_english, in_russian = WAYS[way]
    assert say_it(name) == in_english.format(name)
    request.getfixturevalue("russian")
    assert say_it(name) == in_russian.format(name)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.usefixtures("russian")
def test_a_hostile_name_is_inert_where_it_is_shown(name: str) -> None:
    observed = say(WHERE, where=name, number=2, total=14)
    finding = Finding(
        probe="a.b",
        title=name,
        result=Result.FAIL,
        vantage=Vantage.HOST,
        observed=str(observed),
        evidence=("pass", str(observed)),
        said={"observed": observed.said, "evidence.1": observed.said},
    )
    assert in_words(finding).evidence == ("pass", f"{name} · 2 из 14"), "what a host says is no word of ours"
    assert in_words(finding).observed == f"{name} · 2 из 14"
    assert in_words(finding).title == name
    on_a_line = " ".join(name.replace("\x04", "").replace("\x00", "").split())
    lines = list(finding_lines(finding))
    assert lines[0] == f"✗ не пройдено   {on_a_line}  [на сервере]"
    assert lines[1] == f"    увидено    {on_a_line} · 2 из 14"
    assert tidy(str(observed)) == f"{on_a_line} · 2 of 14"
    assert "\x04" not in spoken(observed)


FORGED = [
    ("All is well.", Said("Nothing was said."), "another text"),
    ("All is well.", Said("{count} more", values={"count": 3}), "values that make another text"),
    ("All is {0}.", Said("All is {x}."), "a template without its value"),
    ("All is well.", Said("{a}", values={"a": "All is well."}), "a template that nobody has"),
    ("5 things", Said("{count} line, folded", "{count} things", {"count": 5}), "another plural"),
    ("5 lines, folded", Said("{count} line, folded", "{count} lines, folded", {"count": "5"}), "no number"),
    ("All is well.", Said("and {count} less", values={"count": 1}), "a template of another version"),
]


@pytest.mark.parametrize(("text", "said"), [one[:2] for one in FORGED], ids=[one[2] for one in FORGED])
@pytest.mark.usefixtures("russian")
def test_what_does_not_make_the_recorded_text_is_not_shown(text: str, said: Said) -> None:
    assert recorded(text, said) == text


@pytest.mark.usefixtures("russian")
def test_a_template_that_this_program_has_not_is_shown_as_recorded() -> None:
    newer = say("A newer signoff says {what}.", what="this")
    assert recorded(str(newer), newer.said) == "A newer signoff says this."


def test_the_header_of_a_catalogue_is_no_translation(russian: None) -> None:
    assert translated(Message("", "", {})) == ""
    assert own("") == ""
    assert message._catalogue("ru").info()["language"] == "ru"
