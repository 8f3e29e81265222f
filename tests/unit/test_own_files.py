"""What decides what signoff does and believes is not taken from where others can write."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from signoff import own_files, paths
from signoff.actions.base import kept_fingerprints
from signoff.cli import main
from signoff.durable import make_folder
from signoff.errors import ExposedError
from signoff.session import identity, revoked
from signoff.session.enrol import locked
from signoff.session.key_file import public_half
from signoff.session.session import Session
from signoff.session.store import summaries
from signoff.session.survey import survey
from signoff.session.timestamp import certificates
from signoff.session.trust import append
from signoff.session.verify import verify
from signoff.settings import load_settings
from signoff.target.hostkeys import KnownHosts
from signoff.target.profile import Profile
from signoff.target.profiles import load_profiles, save_profile
from unit.disks import SOMEBODY, access_list
from unit.session.records import Place

AUTHORITY = next(Path(__file__).parents[1].glob("records/*/authority.pem")).read_bytes()


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An operator's folders, with each file that signoff reads there."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home" / kind.lower()))
    place = Place(paths.config_directory(), paths.sessions_directory(), identity.load_or_create())
    place.unsealed()
    place.sealed()
    kept_fingerprints()
    ledger = place.ledger.read_bytes()
    kept = paths.ledgers_directory() / "a" / "b.jsonl"
    kept.parent.mkdir(parents=True)
    for path, data in (
        (paths.settings_file(), b"language = 'en'\n"),
        (paths.targets_file(), b"[shop]\naddress = 'local'\n"),
        (paths.known_hosts_file(), b""),
        (kept, ledger),
        (tmp_path / "home" / "revoked", b""),
        (tmp_path / "home" / "authority.pem", AUTHORITY),
    ):
        path.write_bytes(data)
    keys = tmp_path / "home" / "ssh"
    keys.mkdir()
    shutil.copy(paths.identity_file(), keys / "id")
    return place


def in_home(name: str) -> Path:
    return paths.config_directory().parent.parent / name


def add_to_ledger() -> None:
    with locked(paths.ledger_file()):
        pass


def sealed() -> Path:
    return next(one.directory for one in summaries() if one.sealed)


def unfinished() -> Path:
    return next(one.directory for one in summaries() if not one.sealed)


READ: dict[str, tuple[Callable[[], Path], Callable[[], object]]] = {
    "settings": (paths.settings_file, load_settings),
    "targets": (paths.targets_file, load_profiles),
    "known hosts": (paths.known_hosts_file, lambda: KnownHosts((), "shop.example", 22)),
    "the folder of the identity": (paths.config_directory, identity.load_or_create),
    "a key of the operator's own": (lambda: in_home("ssh"), lambda: public_half(in_home("ssh") / "id")),
    "its public half": (
        lambda: paths.identity_file().with_suffix(".pub"),
        identity.load_or_create,
    ),
    "allowed signers, to believe": (paths.allowed_signers_file, lambda: verify(sealed())),
    "allowed signers, to add to": (
        paths.allowed_signers_file,
        lambda: append(paths.allowed_signers_file(), ["# a line"]),
    ),
    "allowed signers, at the start": (paths.allowed_signers_file, identity.load_or_create),
    "the key of fingerprints": (paths.fingerprint_key_file, kept_fingerprints),
    "sessions": (paths.sessions_directory, summaries),
    "a session to resume": (
        lambda: unfinished() / "session.jsonl",
        lambda: Session.resume(unfinished()).close(),
    ),
    "ledger": (paths.ledger_file, survey),
    "ledger, to add to": (paths.ledger_file, add_to_ledger),
    "ledger, to verify by": (paths.ledger_file, lambda: verify(sealed())),
    "another machine's ledger": (lambda: paths.ledgers_directory() / "a" / "b.jsonl", survey),
    "revoked keys": (lambda: in_home("revoked"), lambda: revoked.read(in_home("revoked"))),
    "authorities": (lambda: in_home("authority.pem"), lambda: certificates(in_home("authority.pem"))),
}
"""Each file, and one that reads it."""


@pytest.fixture(params=READ)
def read(there: Place, request: pytest.FixtureRequest) -> Iterator[tuple[Path, Callable[[], object]]]:
    where, reader = READ[request.param]
    reader()
    yield where(), reader
    reader()


def open_up(place: Path, bits: int) -> None:
    place.chmod(stat.S_IMODE(place.stat().st_mode) | bits)


def mend(refusal: ExposedError) -> None:
    """Do what the error says."""
    command = refusal.hint.partition(": ")[2]
    subprocess.run(shlex.split(command), check=True)


@pytest.mark.parametrize(
    ("above", "bits"),
    [(0, 0o020), (1, 0o002), (2, 0o020)],
    ids=["itself, by its group", "its folder, by all", "the folder above, by its group"],
)
def test_what_others_can_write_to_is_refused_until_it_is_mended(
    read: tuple[Path, Callable[[], object]], above: int, bits: int
) -> None:
    path, reader = read
    place = (path, *path.parents)[above]
    open_up(place, bits)
    with pytest.raises(ExposedError) as refusal:
        reader()
    assert refusal.value.exit_code == 2
    assert refusal.value.message.endswith(f" can write to {place}.")
    assert refusal.value.hint.endswith(f"chmod go-w {place}")
    mend(refusal.value)


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o550])
def test_a_folder_that_others_may_only_read_will_do(there: Place, mode: int) -> None:
    for folder in (there.config, there.config.parent, there.sessions, there.sessions.parent):
        folder.chmod(mode)
    load_settings()
    load_profiles()
    verify(sealed())


def test_the_command_says_what_to_do_and_that_it_was_used_wrongly(there: Place) -> None:
    open_up(there.config, 0o002)
    done = CliRunner().invoke(main, ["checklist", "list"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"everybody can write to {there.config}." in done.stderr
    assert f"chmod go-w {there.config}\n" in done.stderr


def test_nothing_is_begun_in_the_reach_of_others(there: Place) -> None:
    for folder in (there.sessions, there.sessions.parent):
        before = sorted(folder.rglob("*"))
        open_up(folder, 0o020)
        with pytest.raises(ExposedError):
            there.start()
        assert sorted(folder.rglob("*")) == before
        folder.chmod(0o700)


def test_a_folder_of_others_is_refused_before_there_is_anything_in_it(there: Place) -> None:
    paths.targets_file().unlink()
    open_up(there.config, 0o002)
    with pytest.raises(ExposedError):
        save_profile(Profile(name="shop", address="local"))
    assert not paths.targets_file().exists()


def test_a_record_from_elsewhere_may_lie_anywhere_but_not_the_list_of_whom_to_believe(
    there: Place, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    state = shutil.copytree(there.sessions.parent, shared / "anna")
    signers = Path(shutil.copy(there.allowed_signers, shared))
    for path in (shared, *shared.rglob("*")):
        open_up(path, 0o022)
    record = state / "sessions" / sealed().name
    assert verify(record).status.value == "VALID"
    with pytest.raises(ExposedError, match="allowed_signers"):
        verify(record, signers)


class TestTheWay:
    def test_what_is_mine_in_a_folder_for_all_will_do(self, tmp_path: Path) -> None:
        shared = tmp_path / "tmp"
        shared.mkdir()
        shared.chmod(0o1777)
        mine = shared / "mine"
        mine.mkdir(mode=0o700)
        own_files.judge(mine)
        shared.chmod(0o777)
        with pytest.raises(ExposedError, match=f"everybody can write to {shared}"):
            own_files.judge(mine)

    def test_a_file_for_all_is_not_better_for_being_sticky(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.touch()
        file.chmod(0o1666)
        with pytest.raises(ExposedError):
            own_files.judge(file)

    def test_what_is_anothers_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        theirs = tmp_path / "theirs"
        theirs.mkdir(mode=0o755)
        give_away(theirs, monkeypatch)
        with pytest.raises(ExposedError, match=" belongs to ") as refusal:
            own_files.judge(theirs / ".." / "theirs")
        assert " chown " in refusal.value.hint

    def test_what_is_roots_will_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
        own_files.judge(Path("/etc/passwd"))

    def test_a_command_for_what_is_roots_begins_with_sudo(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs a folder of root's")
        tmp_path.chmod(0o777)
        monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
        with pytest.raises(ExposedError) as refusal:
            own_files.judge(tmp_path)
        assert refusal.value.hint.endswith(f": sudo chmod go-w {tmp_path}")

    def test_a_link_of_mine_is_followed_and_judged_where_it_leads(self, tmp_path: Path) -> None:
        dotfiles = tmp_path / "shared" / "dotfiles"
        dotfiles.mkdir(parents=True)
        (dotfiles / "settings.toml").touch(mode=0o644)
        (tmp_path / "config").mkdir()
        link = tmp_path / "config" / "signoff"
        link.symlink_to("../shared/dotfiles")
        own_files.judge(link / "settings.toml")
        open_up(dotfiles.parent, 0o002)
        with pytest.raises(ExposedError, match=f"everybody can write to {dotfiles.parent}"):
            own_files.judge(link / "settings.toml")

    def test_a_link_in_a_folder_of_others_is_refused_wherever_it_leads(self, tmp_path: Path) -> None:
        (tmp_path / "mine").touch(mode=0o600)
        shared = tmp_path / "shared"
        shared.mkdir()
        shared.chmod(0o775)
        (shared / "link").symlink_to(tmp_path / "mine")
        with pytest.raises(ExposedError, match=f"can write to {shared}"):
            own_files.judge(shared / "link")

    def test_a_link_that_another_planted_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs a link of another's")
        shared = tmp_path / "tmp"
        shared.mkdir()
        shared.chmod(0o1777)
        (shared / "signoff").symlink_to("/etc")
        own_files.judge(shared / "signoff")
        os.chown(shared / "signoff", SOMEBODY, -1, follow_symlinks=False)
        with pytest.raises(ExposedError, match="/signoff belongs to ") as refusal:
            own_files.judge(shared / "signoff")
        mend(refusal.value)
        own_files.judge(shared / "signoff")

    def test_links_in_a_ring_end(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        with pytest.raises(OSError, match="symbolic links"):
            own_files.judge(tmp_path / "a")

    def test_who_an_access_list_names_counts(self, tmp_path: Path) -> None:
        access = access_list((SOMEBODY, 7), owner=7, group=5, mask=7)
        try:
            os.setxattr(tmp_path, "system.posix_acl_access", access)
        except OSError as problem:
            pytest.skip(f"no access lists here: {problem}")
        with pytest.raises(ExposedError, match="whoever its access list names") as refusal:
            own_files.judge(tmp_path)
        mend(refusal.value)
        own_files.judge(tmp_path)


def test_what_is_made_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    made = (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700] * 3
    own_files.judge(made[-1])


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a path belong to somebody else, whoever runs the tests."""
    if os.geteuid() == 0:
        os.chown(path, SOMEBODY, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
