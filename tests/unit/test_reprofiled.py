"""A profile that is changed while its session is open: what is judged by it, and what the record says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from signoff import paths, reaching
from signoff import walk as walking
from signoff.checklist.load import find, load
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.discovery import SURROUNDINGS
from signoff.message import NOTHING, say
from signoff.model import Result, Vantage
from signoff.plain import _Face
from signoff.probes import all_probes
from signoff.probes.base import Judgement, Probe
from signoff.report.timeline import told
from signoff.session import reprofiled
from signoff.session.events import Found, Looked, Resumed
from signoff.session.identity import allowed_signers_line
from signoff.session.signer import KeySigner
from signoff.session.state import SessionState
from signoff.session.store import read
from signoff.session.timeline import Timeline
from signoff.session.verify import Status, verify
from signoff.target.profile import Profile
from signoff.target.profiles import save_profile
from signoff.walk import Walk
from unit.fakes import FakeTarget, NobodyThere

BACKUPS = ("quick-production", "backups")
SHOP = Profile(name="shop", address="ssh://deploy@shop.example", backup_directory="/var/old")


class Desk:
    """An operator with a target that answers, and probes that tell which profile they judge by."""

    def __init__(self) -> None:
        self.signer = KeySigner.generate("ann@desk")
        self.target = FakeTarget({"machine": b"shop\n0123456789abcdef\nDebian\n"})

    def begin(self, profile: Profile = SHOP) -> Walk:
        loaded = load(find("quick-production"), all_probes())
        return Walk.begin(profile, [loaded], self.signer, NobodyThere())

    def resume(self) -> Walk:
        walk = Walk.resume("latest", self.signer)
        walk.connect(NobodyThere())
        return walk


def telling(name: str) -> Probe:
    def judge(facts: Facts, profile: Profile) -> Judgement:
        return Judgement(
            result=Result.PASS,
            observed=say(
                "{backup_directory} at {address}",
                backup_directory=profile.backup_directory,
                address=profile.address,
            ),
        )

    return Probe(id=name, title=NOTHING, expected=NOTHING, vantage=Vantage.HOST, needs=(), judge=judge)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    sitting = Desk()
    monkeypatch.setattr(reaching, "open_target", lambda profile, prompter: sitting.target)
    monkeypatch.setattr(walking, "all_probes", lambda: {name: telling(name) for name in all_probes()})
    save_profile(SHOP)
    return sitting


def change(**values: object) -> None:
    save_profile(msgspec.structs.replace(SHOP, **values))


def observed(walk: Walk) -> set[str]:
    return {finding.observed for finding in walk.state(BACKUPS).findings}


def reread(walk: Walk) -> list[Looked]:
    """Return the profiles that were written down."""
    events = [entry.event for entry in read(walk.session.directory).entries]
    return [event for event in events if isinstance(event, Looked) and reprofiled.is_profile(event)]


def test_a_recheck_judges_by_the_profile_as_it_is_now(desk: Desk) -> None:
    walk = desk.begin()
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/old at ssh://deploy@shop.example"}
    change(backup_directory="/var/new")
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/new at ssh://deploy@shop.example"}
    assert walk.profile.backup_directory == "/var/new", "for the actions, too"
    assert walk.notes == ()


def test_the_record_says_by_which_profile_each_finding_was_judged(desk: Desk) -> None:
    walk = desk.begin()
    walk.probe([BACKUPS])
    change(backup_directory="/var/new")
    walk.probe([BACKUPS])
    directory = walk.session.directory
    walk.finish()
    profile, told_by = walk.session.state.genesis.target.profile, {}  # type: ignore[union-attr]
    for entry in read(directory).entries:
        if isinstance(entry.event, Looked):
            profile = reprofiled.profile_of(entry.event) or profile
        if isinstance(entry.event, Found):
            told_by[entry.event.findings[0].observed.partition(" at ")[0]] = profile["backup_directory"]
    assert told_by == {"/var/old": "/var/old", "/var/new": "/var/new"}
    (happening,) = [
        one for one in Timeline(read(directory).entries).happenings if isinstance(one.what, Looked)
    ]
    assert told(happening)[0] == "profile"
    assert '"backup_directory":"/var/new"' in told(happening)[1]


def test_the_record_holds_and_has_no_event_that_an_older_signoff_does_not_know(
    desk: Desk, tmp_path: Path
) -> None:
    walk = desk.begin()
    change(backup_directory="/var/new")
    walk.probe([BACKUPS])
    walk.finish()
    trusted = tmp_path / "trusted"
    trusted.write_text(allowed_signers_line(desk.signer))
    assert verify(walk.session.directory, trusted).status is Status.VALID
    (event,) = reread(walk)
    assert set(msgspec.to_builtins(event)) == {
        *("type", "fact", "vantage", "command", "status", "size", "digest", "as_root")
    }


def test_a_profile_that_is_as_it_was_costs_nothing_and_is_not_written_down(desk: Desk) -> None:
    walk = desk.begin()
    before = len(desk.target.batches)
    walk.probe([BACKUPS])
    walk.probe([BACKUPS])
    assert len(desk.target.batches) == before
    assert reread(walk) == []


def test_what_the_changed_profile_leaves_open_is_found_out_as_at_the_beginning(desk: Desk) -> None:
    walk = desk.begin()
    before = desk.target.batches[0]
    change(backup_directory="", database="shop")
    walk.probe([BACKUPS])
    assert desk.target.batches[-1] == before
    assert (walk.profile.backup_directory, walk.profile.database) == ("", "shop")
    events = [entry.event for entry in read(walk.session.directory).entries]
    assert [one.fact for one in events if isinstance(one, Looked)].count("machine") == 2
    after = len(desk.target.batches)
    walk.probe([BACKUPS])
    assert (len(desk.target.batches), len(reread(walk))) == (after, 1), "once"


@pytest.mark.parametrize("changed", [False, True])
def test_what_was_seen_by_the_old_profile_is_not_judged_by_the_new_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    probe = replace(telling("backups.schedule"), needs=(SURROUNDINGS,))
    monkeypatch.setattr(walking, "all_probes", lambda: dict.fromkeys(all_probes(), probe))
    walk = desk.begin()
    if changed:
        change(project="/srv/new")
    walk.probe([BACKUPS])
    assert ((SURROUNDINGS.id,) in desk.target.batches) is changed


def test_a_target_that_is_saved_only_now_counts_from_now_on(desk: Desk) -> None:
    paths.targets_file().unlink()
    walk = desk.begin()
    walk.probe([BACKUPS])
    assert reread(walk) == []
    change(backup_directory="/var/new")
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/new at ssh://deploy@shop.example"}
    paths.targets_file().unlink()
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/new at ssh://deploy@shop.example"}, "there is none to go by instead"


def test_an_address_given_for_this_session_is_not_replaced_by_a_saved_target_of_that_name(desk: Desk) -> None:
    given = Profile(name="shop", address="ssh://shop", backup_directory="/var/given")
    walk = desk.begin(given)
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/given at ssh://shop"}


def test_resuming_judges_by_the_profile_as_it_is_now(desk: Desk) -> None:
    desk.begin().close()
    change(backup_directory="/var/new")
    walk = desk.resume()
    kinds = [type(entry.event) for entry in read(walk.session.directory).entries]
    assert kinds.index(Resumed) < max(number for number, kind in enumerate(kinds) if kind is Looked)
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/new at ssh://deploy@shop.example"}
    walk.close()
    walk = desk.resume()
    assert len(reread(walk)) == 1, "it is the one that the session has"


def test_resuming_goes_on_by_the_profile_that_was_read_last_where_none_is_saved(desk: Desk) -> None:
    walk = desk.begin()
    change(backup_directory="/var/new")
    walk.probe([BACKUPS])
    walk.close()
    paths.targets_file().unlink()
    walk = desk.resume()
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/new at ssh://deploy@shop.example"}


@pytest.mark.parametrize("again", [False, True], ids=["recheck", "resume"])
def test_another_address_is_told_and_the_session_stays_where_it_is(desk: Desk, again: bool) -> None:
    walk = desk.begin()
    change(address="ssh://deploy@other.example", backup_directory="/var/new")
    if again:
        walk.close()
        walk = desk.resume()
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/new at ssh://deploy@shop.example"}
    (note,) = walk.notes
    assert "ssh://deploy@other.example" in note
    assert "stays at ssh://deploy@shop.example" in note
    change(backup_directory="/var/new")
    walk.probe([BACKUPS])
    assert walk.notes == ()


def test_another_project_directory_in_the_address_is_no_other_place(desk: Desk) -> None:
    walk = desk.begin()
    change(address="ssh://deploy@shop.example/srv/shop")
    walk.probe([BACKUPS])
    assert walk.notes == ()
    assert (walk.profile.address, walk.profile.project) == (SHOP.address, "/srv/shop")


def test_a_file_that_cannot_be_read_is_told_and_the_session_goes_on(desk: Desk) -> None:
    walk = desk.begin()
    saved = paths.targets_file().read_text()
    paths.targets_file().write_text("[shop\n")
    walk.probe([BACKUPS])
    assert observed(walk) == {"/var/old at ssh://deploy@shop.example"}
    (note,) = walk.notes
    assert note.startswith("The profile was not read again. ")
    assert str(paths.targets_file()) in note
    paths.targets_file().write_text(saved)
    walk.probe([BACKUPS])
    assert (walk.notes, reread(walk)) == ((), [])


def test_a_secret_in_the_profile_stays_out_of_the_record(desk: Desk) -> None:
    walk = desk.begin()
    walk.know([("a password", Secret("hunter2-hunter2-hunter2"))])
    change(backup_directory="/var/hunter2-hunter2-hunter2")
    walk.probe([BACKUPS])
    (event,) = reread(walk)
    assert event.command == ""
    assert "hunter2" not in (walk.session.directory / "session.jsonl").read_text()
    assert walk.session.state.profile["backup_directory"] == "/var/old"


@pytest.mark.parametrize("command", ["", "[]", "[" * 5000, '{"name":', "\udcff"])
def test_a_profile_that_is_none_changes_nothing(desk: Desk, command: str) -> None:
    walk = desk.begin()
    state = SessionState()
    for entry in read(walk.session.directory).entries:
        state.apply(entry.event, session=entry.session, time=entry.time)
    before = state.profile
    broken = msgspec.structs.replace(reprofiled.looked({}), command=command)
    state.apply(broken, session=walk.session.id, time=entry.time)
    assert state.profile == before


def test_the_plain_walk_tells_what_was_not_taken_over(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    walk = desk.begin()
    change(address="ssh://deploy@other.example")
    face = _Face(walk, "en", interactive=False)
    for times in (1, 0):
        face._recheck(BACKUPS)
        assert capsys.readouterr().err.count("This session stays at") == times, "once is enough"
