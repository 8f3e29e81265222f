"""A Secret hides itself from everything that prints, copies or encodes."""

from __future__ import annotations

import copy
import io
import json
import pickle
import pprint
import traceback
from dataclasses import asdict, dataclass

import msgspec
import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from signoff.credentials.secret import Secret

CANARY = "kV7-canary_9mQzXw2"


@dataclass(frozen=True)
class Holder:
    password: Secret


def test_it_prints_as_dots() -> None:
    secret = Secret(CANARY)
    printed = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>40}",
        "%s" % secret,  # noqa: UP031 - the old operator is what is tried
        "{}".format(secret),  # noqa: UP032
        ascii(secret),
        repr({"a": [secret]}),
        repr(Holder(secret)),
        pprint.pformat(Holder(secret)),
        pretty_repr(Holder(secret)),
    ]
    assert all(CANARY not in text for text in printed)
    assert all("•" in text or "\\u2022" in text for text in printed)


def test_it_is_told_by_reveal_alone() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_a_traceback_with_locals_does_not_tell_it() -> None:
    def fails(secret: Secret) -> None:
        raise ValueError(f"wrong: {secret}")

    try:
        fails(Secret(CANARY))
    except ValueError as error:
        plain = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        shown = io.StringIO()
        trace = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
        Console(file=shown, width=200).print(trace)
    assert "secret = Secret(" in plain
    assert CANARY not in plain
    assert "Secret(" in shown.getvalue()
    assert CANARY not in shown.getvalue()


@pytest.mark.parametrize(
    "leave",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
    ],
)
def test_it_cannot_leave_the_process(leave: object) -> None:
    with pytest.raises(TypeError) as refused:
        leave(Secret(CANARY))  # type: ignore[operator]  # each of them takes one value
    assert CANARY not in str(refused.value)


def test_a_dataclass_that_holds_it_cannot_be_spread_out() -> None:
    with pytest.raises(TypeError):
        asdict(Holder(Secret(CANARY)))


def test_it_equals_by_value_and_only_another_secret() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert Secret(CANARY) != CANARY
    assert len({Secret(CANARY), Secret(CANARY)}) == 1


def test_bytes_that_are_no_utf8_compare() -> None:
    value = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert Secret(value) == Secret(value)
    assert Secret(value) != Secret("café")
