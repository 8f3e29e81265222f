"""A secret put away: into a variable or a new file, whole or not at all, and taken back again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from signoff.actions.base import Action, Ending, LastingError, Outcome, StepRecord, perform
from signoff.actions.hands import Hands
from signoff.actions.postgres import Server
from signoff.actions.put_away import InNewFile, InVariable
from signoff.actions.stores import postgres_of
from signoff.credentials.redact import Redactor
from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.facts.containers import Container
from signoff.session.identity import load_or_create
from signoff.session.session import Session
from signoff.target.local import LocalTarget
from unit.canaries import Canaries, plain
from unit.env_files import OLD, put, traits
from unit.session.records import CHECKLISTS, TARGET
from unit.target.rig import Operator


@pytest.fixture
def record(tmp_path: Path) -> Iterator[StepRecord]:
    redactor = Redactor()
    session = Session.start(
        signer=load_or_create(path=tmp_path / "identity"),
        target=TARGET,
        checklists=CHECKLISTS,
        guard=redactor.refuse,
        sessions=tmp_path / "sessions",
    )
    yield StepRecord(session, "quick", "secrets", redactor)
    session.close()


def carried_out(action: Action, record: StepRecord) -> Outcome:
    return perform([action], record, lambda _: None, Event())


def in_variable(
    path: Path, name: str, value: str, record: StepRecord, *, replaces: bool = False
) -> InVariable:
    hands = Hands(LocalTarget(Operator()), root=False)
    return InVariable(
        str(path), name, Secret(value), hands, record, what="the new one", id="test.env", replaces=replaces
    )


def test_into_a_variable_and_back(tmp_path: Path, record: StepRecord) -> None:
    file, canaries = put(tmp_path / ".env"), Canaries({"new": plain("new"), "old": "old-old-old-old"})
    before = traits(file)
    action = in_variable(file, "C", canaries.values["new"], record)
    assert carried_out(action, record).ending is Ending.DONE
    assert file.read_bytes() == OLD + b"\r\nC=" + canaries.values["new"].encode() + b"\r\n"
    action.undo(lambda _: None)
    assert traits(file) == before
    assert canaries.in_text("\n".join(action.preview), "the preview") == []
    assert canaries.in_folder(tmp_path / "sessions") == []
    assert not record.session.state.pending


def test_a_value_that_is_there_is_replaced_only_on_request(tmp_path: Path, record: StepRecord) -> None:
    before = plain("old").encode()
    file = put(tmp_path / ".env", OLD.replace(b"old-old-old-old", before))
    refused = carried_out(in_variable(file, "A", "new-new-new-new", record), record)
    assert refused.ending is Ending.REFUSED
    assert f"A in {file} has a value already." in refused.reason
    assert before in file.read_bytes()
    wanted = in_variable(file, "A", "new-new-new-new", record, replaces=True)
    assert "what it has now" in wanted.preview[1]
    assert carried_out(wanted, record).ending is Ending.DONE
    assert file.read_bytes() == OLD.replace(b"old-old-old-old", b"new-new-new-new")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"A=\nB=1\nA=\n", "second time"),
        (b"B='never closed\n", "no assignment"),
        (b"B=1\\", "backslash"),
        (None, "it is not there"),
    ],
)
def test_a_file_that_cannot_take_it_is_left_alone(
    tmp_path: Path, record: StepRecord, content: bytes | None, words: str
) -> None:
    file = tmp_path / ".env"
    if content is not None:
        put(file, content)
    outcome = carried_out(in_variable(file, "A", "new-new-new-new", record), record)
    assert outcome.ending is Ending.REFUSED
    assert words in outcome.reason
    assert (file.read_bytes() if file.exists() else None) == content


def test_into_a_new_file_and_back(tmp_path: Path, record: StepRecord) -> None:
    file, canaries = tmp_path / "key", Canaries({"new": plain("new")})
    action = InNewFile(file, Secret(canaries.values["new"]), record, what="the new one", id="test.file")
    assert carried_out(action, record).ending is Ending.DONE
    assert file.read_text() == canaries.values["new"] + "\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert canaries.in_folder(tmp_path / "sessions") == []
    again = InNewFile(file, Secret("other"), record, what="the new one", id="test.file")
    assert "exists already" in carried_out(again, record).reason
    again.undo(lambda _: None)
    assert file.exists(), "it was another's"
    action.undo(lambda _: None)
    assert not file.exists()
    action.undo(lambda _: None)


def test_a_new_file_that_was_changed_meanwhile_stays(tmp_path: Path, record: StepRecord) -> None:
    action = InNewFile(tmp_path / "key", Secret("mine"), record, what="the new one", id="test.file")
    assert carried_out(action, record).ending is Ending.DONE
    (tmp_path / "key").write_text("yours")
    with pytest.raises(LastingError, match="changed meanwhile"):
        action.undo(lambda _: None)
    assert (tmp_path / "key").read_text() == "yours"


def container(name: str, **more: str) -> Container:
    labels = {"com.docker.compose.project.working_dir": "/srv/shop", "com.docker.compose.service": "db"}
    return Container(
        id=name,
        name=name,
        image=more.get("image", "postgres:16"),
        running=more.get("running", "yes") == "yes",
        started=None,
        env={"POSTGRES_USER": Secret(more["user"])} if "user" in more else {},
        published=(),
        network_mode="shop_default",
        networks=(),
        labels=labels if more.get("project", "ours") == "ours" else {},
        health="",
        addresses=(),
    )


def test_which_postgresql_is_meant() -> None:
    ours, cache = container("shop-db-1", user="shop"), container("shop-cache-1", image="redis:7")
    others, stopped = container("other-db-1", project="other"), container("old-db-1", running="no")
    assert postgres_of([], "/srv/shop") == Server(), "the host's own"
    assert postgres_of([cache, others, stopped], "/srv/shop") == Server()
    assert postgres_of([ours, cache, others], "/srv/shop") == Server("shop-db-1", "shop")
    assert postgres_of([ours, others], "/srv/shop", "other-db-1") == Server("other-db-1")
    second = container("shop-db-2")
    assert postgres_of([ours, second], "/srv/shop", "shop-db-2") == Server("shop-db-2")
    for name, words in (
        ("", "Several containers"),
        ("db", "Several containers"),
        ("gone", "No container gone"),
    ):
        with pytest.raises(UsageError, match=words):
            postgres_of([ours, second, stopped], "/srv/shop", name)
