"""Handing a record over: what lies in the archive, and that its own instructions work without signoff."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt

from signoff.checklist.load import find, load
from signoff.cli import main
from signoff.report.text import countersign_lines
from signoff.session import identity
from signoff.session.countersign import allowed_line, countersign
from signoff.session.dsse import envelope
from signoff.session.events import ChecklistRef, Entered, Noted, TargetRef
from signoff.session.identity import allowed_signers_line
from signoff.session.key_file import load_key, save_key
from signoff.session.limits import limits
from signoff.session.signer import KeySigner, Signer
from signoff.session.store import read
from signoff.session.timestamp import request
from signoff.session.when import shown
from unit.authority import Authority, Serving
from unit.session.records import Place

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("ssh-keygen", "openssl", "sha256sum", "tar")),
    reason="a stock tool is not installed",
)

NONCE = 'it\'s $(7f3a) `x` "y"'
HOSTILE = "</code><script>alert(1)</script> ![](http://evil.example/) \x1b[31m `tick`"


def run(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done


def sealed(place: Place, nonce: str = NONCE) -> Path:
    """A sealed record of the quick production list, with a note that wants to be more than text."""
    path = find("quick-production")
    loaded = load(path)
    used = ChecklistRef(loaded.checklist.id, loaded.digest, tuple(step.id for step in loaded.checklist.steps))
    copies = {"quick-production.yaml": path.read_bytes()}
    with place.start(checklists=(used,), copies=copies, nonce=nonce) as session:
        session.append(Entered(checklist=used.id, step="backups"))
        session.append(Noted(checklist=used.id, step="backups", text=HOSTILE))
        session.seal(place.operator, open_steps=[f"{used.id}/{step}" for step in used.steps])
    return session.directory


def unpack(archive: Path, desk: Path) -> Path:
    desk.mkdir()
    subprocess.run(["tar", "-xzf", str(archive)], cwd=desk, check=True)
    (folder,) = desk.iterdir()
    return folder


def instructions(folder: Path) -> list[str]:
    """Return the commands of VERIFY.md, as they stand there."""
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (folder / "VERIFY.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return [command for block in blocks for command in block.splitlines()]


def words(text: str) -> str:
    return " ".join(text.split())


def failing(folder: Path) -> list[str]:
    """Follow VERIFY.md in a shell, and return the commands that fail."""
    return [
        command
        for command in instructions(folder)
        if subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=False).returncode
    ]


def change(folder: Path, name: str, before: bytes, after: bytes) -> None:
    """Change a file, and the list of digests with it, as somebody would who hides it."""
    content = (folder / name).read_bytes()
    assert before in content
    (folder / name).write_bytes(content.replace(before, after))
    sums = (folder / "SHA256SUMS").read_text()
    old, new = (hashlib.sha256(one).hexdigest() for one in (content, (folder / name).read_bytes()))
    (folder / "SHA256SUMS").write_text(sums.replace(old, new))


@dataclass(frozen=True)
class Template:
    """A record with every witness there is, and its archive; made once, and copied for each test."""

    root: Path
    operator: Signer
    second: KeySigner
    authority: Authority
    session: str

    def place(self, root: Path) -> Place:
        return Place(root / "config" / "signoff", root / "state" / "signoff" / "sessions", self.operator)


def at_home(root: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("XDG_STATE_HOME", str(root / "state"))
    environment.setenv("XDG_CONFIG_HOME", str(root / "config"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    root = tmp_path_factory.mktemp("template")
    authority = Authority(tmp_path_factory.mktemp("authority"))
    second = KeySigner.generate("ben@ops")
    with pytest.MonkeyPatch.context() as environment:
        at_home(root, environment)
        made = Template(root, identity.load_or_create(), second, authority, "")
        place = made.place(root)
        directory = sealed(place)
        with place.allowed_signers.open("a") as known:
            known.write(f"{allowed_line(second)}\n")
        with Serving(authority) as url:
            run("witness", "timestamp", directory.name, "--tsa", url, "--tsa-ca", authority.ca)
        countersign(directory, second)
        run("sessions", "export", directory.name, "--attest", "--output", root / "a.tar.gz")
    authority.queries.clear()
    return replace(made, session=directory.name)


@pytest.fixture
def place(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    shutil.copytree(template.root, tmp_path, dirs_exist_ok=True)
    at_home(tmp_path, monkeypatch)
    return template.place(tmp_path)


@pytest.fixture
def second(template: Template) -> KeySigner:
    return template.second


@pytest.fixture
def authority(template: Template) -> Authority:
    template.authority.queries.clear()
    return template.authority


@pytest.fixture
def witnessed(place: Place, template: Template) -> Path:
    """The record with its witnesses, where it was made."""
    return place.sessions / template.session


@pytest.fixture
def handed(place: Place, tmp_path: Path, authority: Authority) -> Path:
    """That record, unpacked on an auditor's desk, beside the authority's certificate."""
    folder = unpack(tmp_path / "a.tar.gz", tmp_path / "desk")
    shutil.copy(authority.ca, folder / "tsa-ca.pem")
    return folder


class TestTheInstructions:
    def test_work_as_they_stand(self, handed: Path) -> None:
        assert len(instructions(handed)) == 13
        assert failing(handed) == []

    def test_show_the_nonce_and_the_time(self, handed: Path) -> None:
        commands = instructions(handed)
        (nonce,) = (one for one in commands if "grep -o" in one)
        said = subprocess.run(["sh", "-c", nonce], cwd=handed, capture_output=True, text=True, check=True)
        assert json.loads("{" + said.stdout + "}") == {"nonce": NONCE}
        (shown,) = (one for one in commands if "-text" in one)
        said = subprocess.run(["sh", "-c", shown], cwd=handed, capture_output=True, text=True, check=True)
        assert re.search(r"Time stamp: \w{3} .* GMT", said.stdout)

    @pytest.mark.parametrize(
        ("name", "before", "after", "words"),
        [
            ("session.jsonl", b'"open":[', b'"opem":[', ["seal.sig", "timestamp.tsr", "countersign-"]),
            ("session.jsonl", b'"mode":"walk"', b'"mode":"wall"', ["genesis.sig", "seal.sig"]),
            ("quick-production.yaml", b"schema: 1", b"schema:  1", ["quick-production.yaml"]),
            ("seal.sig", b"\nU1NIU0lH", b"\nU1NIU0lI", ["seal.sig"]),
        ],
    )
    def test_fail_where_something_was_changed(
        self, handed: Path, name: str, before: bytes, after: bytes, words: list[str]
    ) -> None:
        change(handed, name, before, after)
        failed = failing(handed)
        assert failed
        for word in words:
            assert any(word in command for command in failed), failed

    def test_fail_where_a_checklist_is_not_there(self, handed: Path) -> None:
        (handed / "quick-production.yaml").unlink()
        assert [one for one in failing(handed) if "grep" in one]

    def test_trust_nobody_by_themselves(self, handed: Path) -> None:
        listed = (handed / "allowed_signers.template").read_text()
        assert all(line.startswith("#") for line in listed.splitlines())
        shutil.copy(handed / "allowed_signers.template", handed / "allowed_signers")
        signatures = [one for one in instructions(handed) if "ssh-keygen -Y" in one]
        assert len(signatures) == 5
        for command in signatures:
            assert subprocess.run(
                ["sh", "-c", command], cwd=handed, capture_output=True, check=False
            ).returncode

    @pytest.mark.parametrize(
        ("window", "good"),
        [
            ('valid-before="{between}"', True),
            ('valid-before="{before}"', False),
            ('valid-after="{between}"', False),
            ('valid-after="{before}"', True),
        ],
    )
    def test_judge_a_key_as_of_the_time_stamp(
        self, place: Place, authority: Authority, tmp_path: Path, window: str, good: bool
    ) -> None:
        directory = sealed(place)
        now = datetime.now(UTC)
        days = {days: now - timedelta(days=days) for days in (40, 30, 20)}
        authority.issue(days=(-35, -25), as_="older")
        stamped = b"".join((directory / name).read_bytes() for name in ("session.jsonl", "seal.sig"))
        token = authority.stamp_with("older", days[30])(request(stamped).as_bytes())
        (directory / "timestamp.tsr").write_bytes(token)
        run("sessions", "export", directory.name, "--output", tmp_path / "b.tar.gz")
        folder = unpack(tmp_path / "b.tar.gz", tmp_path / "desk")
        shutil.copy(authority.ca, folder / "tsa-ca.pem")
        page = (folder / "VERIFY.md").read_text()
        assert f"which has to be {shown(days[30])}." in words(page)
        assert failing(folder) == [one for one in instructions(folder) if "openssl ts -verify" in one]
        option = re.search(r"`(-attime [0-9]+)`", page)
        assert option
        (verify,) = failing(folder)
        subprocess.run(["sh", "-c", f"{verify} {option[1]}"], cwd=folder, check=True, capture_output=True)
        listed = window.format(between=f"{days[20]:%Y%m%d}Z", before=f"{days[40]:%Y%m%d}Z")
        (folder / "allowed_signers").write_text(f"{place.operator.name} {listed} {place.operator.key.line}\n")
        judged = {
            one: subprocess.run(["sh", "-c", one], cwd=folder, capture_output=True, check=False).returncode
            for one in instructions(folder)
            if "ssh-keygen -Y" in one
        }
        assert len(judged) == 4
        for command, code in judged.items():
            expected = good if "-Overify-time" in command else window.startswith("valid-after")
            assert (code == 0) is expected, command
        said = CliRunner().invoke(
            main,
            [
                *("verify", str(folder), "--allowed-signers", str(folder / "allowed_signers")),
                *("--tsa-ca", str(authority.ca)),
            ],
        )
        assert said.exit_code == (0 if good else 1)
        assert said.output.startswith("VALID\n" if good else "UNTRUSTED: line 1")

    def test_without_witnesses_claim_none(self, place: Place, tmp_path: Path) -> None:
        directory = sealed(place, nonce="")
        run("sessions", "export", directory.name, "--output", tmp_path / "b.tar.gz")
        folder = unpack(tmp_path / "b.tar.gz", tmp_path / "desk")
        assert failing(folder) == []
        page = (folder / "VERIFY.md").read_text()
        for word in ("There is none: every time", "Nobody has.", "It is bound to none."):
            assert word in page
        assert "3 and 4 are right to refuse it" in words(page)
        assert "date a record back. Only if you know from elsewhere" in words(page)
        assert not (folder / "attestation.dsse.json").exists()


class TestTheArchive:
    def test_holds_this_and_nothing_else(self, handed: Path, witnessed: Path) -> None:
        (handed / "tsa-ca.pem").unlink()
        (signature,) = witnessed.glob("countersign-*.sig")
        own = {
            "session.jsonl",
            "genesis.sig",
            "seal.sig",
            "timestamp.tsr",
            "quick-production.yaml",
            signature.name,
        }
        made = {"VERIFY.md", "report.md", "SHA256SUMS", "allowed_signers.template", "attestation.dsse.json"}
        assert {path.name for path in handed.iterdir()} == own | made
        for name in own:
            assert (handed / name).read_bytes() == (witnessed / name).read_bytes()

    def test_is_always_the_same_and_for_its_owner(self, witnessed: Path, tmp_path: Path) -> None:
        one, other = tmp_path / "one.tar.gz", tmp_path / "other.tar.gz"
        for path in (one, other):
            run("sessions", "export", witnessed.name, "--attest", "--output", path)
            assert path.stat().st_mode & 0o777 == 0o600
        assert one.read_bytes() == other.read_bytes()
        with tarfile.open(one) as archive:
            assert {member.mode for member in archive} == {0o600}

    def test_overwrites_nothing_unasked(self, witnessed: Path, tmp_path: Path) -> None:
        path = tmp_path / "b.tar.gz"
        path.write_text("mine")
        assert "--force" in run("sessions", "export", witnessed.name, "--output", path, code=2).output
        assert path.read_text() == "mine"
        run("sessions", "export", witnessed.name, "--output", path, "--force")
        assert path.read_bytes()[:2] == b"\x1f\x8b"

    def test_says_its_limits_and_keeps_text_inert(self, handed: Path) -> None:
        report = (handed / "report.md").read_text("utf-8")
        for page in (report, (handed / "VERIFY.md").read_text("utf-8")):
            assert limits() in page
            assert "\x1b" not in page
        (block,) = (
            block for block in MarkdownIt("commonmark").parse(report) if "evil.example" in block.content
        )
        assert block.type == "code_block"

    def test_of_a_hostile_record_shows_nothing_but_text(self, place: Place, tmp_path: Path) -> None:
        escape = "\x1b]0;x\x07\u202e```"
        hostile = TargetRef(name=escape, address=escape, host_key=escape, machine_id="", profile={})
        with place.start(target=hostile, nonce=escape) as session:
            session.seal(place.operator, open_steps=[escape])
        done = run("sessions", "export", session.id, "--output", tmp_path / "b.tar.gz")
        folder = unpack(tmp_path / "b.tar.gz", tmp_path / "desk")
        assert failing(folder) == []
        shown = [(folder / name).read_text("utf-8") for name in ("VERIFY.md", "report.md")]
        shown += [done.output, run("verify", folder).output]
        shown += list(countersign_lines(read(folder).state))
        for text in shown:
            assert not set(text) & {"\x1b", "\x07", "\u202e"}
        blocks = MarkdownIt("commonmark").parse("\n".join(shown[:2]))
        assert "html_block" not in {block.type for block in blocks}
        assert shown[0].count("\n```\n") == shown[0].count("\n```sh\n"), "no fence but our own"

    def test_can_be_verified_as_it_is(
        self, handed: Path, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.tar.gz"
        said = run("verify", path, "--nonce", NONCE, "--tsa-ca", authority.ca).output
        assert said.startswith("VALID\n")
        assert "witness    time-stamp: the sealed record existed at" in said
        assert "witness    counter-signature by ben@ops" in said
        assert f"cat {handed.name}/session.jsonl {handed.name}/seal.sig | openssl ts -verify" in said
        assert f"-s {handed.name}/countersign-" in said
        assert f"-s {handed.name}/seal.sig" in said, "the commands are for the folder that tar will make"
        (tmp_path / "latest").write_bytes(b"")
        monkeypatch.chdir(tmp_path)
        assert run("verify", "latest").output.startswith("VALID"), "a session goes before a file of that name"
        path.write_bytes(b"\x1f\x8b")
        assert "not a .tar.gz archive" in run("verify", path, code=2).output

    def test_is_not_made_of_what_is_not_known(self, place: Place, tmp_path: Path) -> None:
        unsealed = place.unsealed()
        assert (
            "--resume" in run("sessions", "export", unsealed.name, "--output", tmp_path / "a", code=2).output
        )
        broken = sealed(place)
        (broken / "timestamp.tsr").write_bytes(b"x")
        assert (
            "timestamp.tsr"
            in run("sessions", "export", broken.name, "--output", tmp_path / "a", code=2).output
        )
        (broken / "timestamp.tsr").unlink()
        change_journal(broken, lambda text: text.replace(b"backups", b"backupz"))
        run("sessions", "export", broken.name, "--output", tmp_path / "a", code=2)
        assert not (tmp_path / "a").exists()

    def test_is_made_although_a_checklist_is_gone(self, place: Place, tmp_path: Path) -> None:
        directory = place.sealed()
        done = run("sessions", "export", directory.name, "--output", tmp_path / "b.tar.gz")
        assert "ids for titles" in done.stderr
        folder = unpack(tmp_path / "b.tar.gz", tmp_path / "desk")
        assert failing(folder) == []
        assert "Not all of them lie with this record" in (folder / "VERIFY.md").read_text()
        run("sessions", "export", directory.name, "--attest", "--output", tmp_path / "c.tar.gz", code=2)
        (folder / "attestation.dsse.json").write_text("{}")
        assert "cannot be compared" in run("verify", folder).output

    def test_with_an_attestation_that_says_something_else(
        self, place: Place, handed: Path, witnessed: Path, authority: Authority
    ) -> None:
        path = handed / "attestation.dsse.json"
        assert "attested   attestation.dsse.json says the same" in run("verify", handed).output
        whole = json.loads(path.read_bytes())
        said = base64.b64decode(whole["payload"])
        better = said.replace(b'"WARNED"', b'"PASSED"')
        assert better != said
        forged = KeySigner.generate("mallory@ops")
        operator = load_key(place.config / "identity", "x")
        other = sealed(place)
        digest = hashlib.sha256((witnessed / "session.jsonl").read_bytes()).hexdigest().encode()
        others = hashlib.sha256((other / "session.jsonl").read_bytes()).hexdigest().encode()
        for content, word in (
            (json.dumps({**whole, "payload": base64.b64encode(better).decode()}).encode(), "does not fit"),
            (envelope(said, forged), "operator's key alone"),
            (envelope(better, operator), "does not say what the record says"),
            (envelope(said.replace(digest, others), operator), "does not say what the record says"),
            (json.dumps({**whole, "signatures": []}).encode(), "operator's key alone"),
            (json.dumps({**whole, "signatures": whole["signatures"] * 2}).encode(), "operator's key alone"),
            (b"[" * 100_000, "not a DSSE envelope"),
            (b"", "not a DSSE envelope"),
        ):
            path.write_bytes(content)
            output = run("verify", handed, code=1).output
            assert output.startswith("VALID, but attestation.dsse.json does not hold")
            assert word in output

    def test_is_attested_by_its_operator_alone(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = sealed(place)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
        done = run("sessions", "export", directory.name, "--attest", "--output", tmp_path / "a", code=2)
        assert "did not make this record" in done.output
        assert not (tmp_path / "a").exists()


def change_journal(directory: Path, how: Callable[[bytes], bytes]) -> None:
    path = directory / "session.jsonl"
    path.write_bytes(how(path.read_bytes()))


class TestVerify:
    def test_wants_the_auditors_own_nonce(self, place: Place) -> None:
        bound, unbound = sealed(place), sealed(place, nonce="")
        assert "nonce" in run("verify", bound, "--nonce", NONCE).output
        assert run("verify", bound, "--nonce", "another", code=1).output.startswith(
            "INVALID: line 1 is bound to the"
        )
        assert run("verify", unbound, "--nonce", NONCE, code=1).output.startswith(
            "INVALID: line 1 is bound to no"
        )
        run("verify", bound, "--nonce", "", code=2)

    def test_fails_with_a_witness_that_does_not_hold(self, witnessed: Path, authority: Authority) -> None:
        run("verify", witnessed)
        run("verify", witnessed, "--tsa-ca", authority.ca)
        (witnessed / "timestamp.tsr").unlink()
        run("verify", witnessed)
        assert "does not hold" in run("verify", witnessed, "--tsa-ca", authority.ca, code=1).output

    def test_takes_the_authority_of_the_settings(
        self, place: Place, witnessed: Path, authority: Authority
    ) -> None:
        shutil.copy(authority.ca, place.config / "authority.pem")
        (place.config / "settings.toml").write_text('[timestamp]\nca = "authority.pem"\n')
        assert "witness    time-stamp" in run("verify", witnessed).output
        (witnessed / "timestamp.tsr").unlink()
        assert "time-stamp" not in run("verify", witnessed).output

    def test_loads_nothing_that_it_does_not_need(self, witnessed: Path, authority: Authority) -> None:
        script = (
            "import sys\nfrom signoff.cli import main\n"
            "try: main(sys.argv[1:])\n"
            "except SystemExit as end: assert end.code == 0\n"
            "slow = {'httpcore', 'paramiko', 'textual', 'rich'}\n"
            "print(slow & {name.partition('.')[0] for name in sys.modules})"
        )
        arguments = ["verify", str(witnessed), "--tsa-ca", str(authority.ca)]
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.endswith("set()\n")


class TestWitness:
    def test_wants_an_authority_and_somebody_to_vouch_for_it(
        self, place: Place, authority: Authority
    ) -> None:
        directory = sealed(place)
        assert "--tsa URL" in run("witness", "timestamp", directory, code=2).output
        said = run("witness", "timestamp", directory, "--tsa", "http://127.0.0.1:1/", code=2).output
        assert "--tsa-ca" in said
        with Serving(authority) as url:
            shutil.copy(authority.ca, place.config / "authority.pem")
            settings = f'[timestamp]\nurl = "{url}"\nca = "authority.pem"\n'
            (place.config / "settings.toml").write_text(settings)
            assert "CN=Tests TSA" in run("witness", "timestamp", directory).output

    def test_stamps_nothing_that_is_open_or_broken(self, place: Place, authority: Authority) -> None:
        broken = sealed(place)
        change_journal(broken, lambda text: text[:-2] + b"\n")
        with Serving(authority) as url:
            for directory in (place.unsealed(), broken):
                done = run("witness", "timestamp", directory, "--tsa", url, "--tsa-ca", authority.ca, code=2)
                assert "only a sealed record that holds" in done.output
        assert authority.queries == []


class TestCountersign:
    @pytest.fixture
    def desk(
        self, place: Place, second: KeySigner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> tuple[Path, Path]:
        """The second person's desk: the record unpacked, and a list that has the operator."""
        run("sessions", "export", sealed(place).name, "--output", tmp_path / "a.tar.gz", "--force")
        home = tmp_path / "second" / "signoff"
        home.mkdir(parents=True)
        save_key(second, home / "identity")
        (home / "identity.pub").write_text(f"{second.key.line} {second.name}\n")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home.parent))
        (home / "allowed_signers").write_text(allowed_signers_line(place.operator) + "\n")
        return unpack(tmp_path / "a.tar.gz", tmp_path / "desk"), home

    def test_shows_what_is_signed(self, desk: tuple[Path, Path], second: KeySigner) -> None:
        folder, _ = desk
        said = run("countersign", folder, "--yes").output
        for word in (
            "VALID",
            "deploy@shop.example:22",
            "4 notchecked",
            "left open  quick-production/rotate-secrets",
        ):
            assert word in said
        assert allowed_line(second) in said
        assert "counter-signature" in run("verify", folder).output

    def test_wants_a_deliberate_yes(self, desk: tuple[Path, Path]) -> None:
        folder, _ = desk
        assert "--yes" in run("countersign", folder, code=2).output
        for typed, code in ((b"y\r", 1), (b"yes\r", 0)):
            assert typing(["countersign", str(folder)], typed) == code
            assert bool(list(folder.glob("countersign-*"))) is (code == 0)

    def test_signs_nothing_that_the_list_does_not_have(self, desk: tuple[Path, Path]) -> None:
        folder, home = desk
        (home / "allowed_signers").write_text("")
        done = run("countersign", folder, "--yes", code=1)
        assert "Not signed: it is UNTRUSTED" in done.stderr
        assert not list(folder.glob("countersign-*"))

    def test_wants_a_folder(self, desk: tuple[Path, Path], tmp_path: Path) -> None:
        assert "tar -xzf" in run("countersign", tmp_path / "a.tar.gz", "--yes", code=2).output


def typing(arguments: list[str], answer: bytes) -> int:
    """Run signoff on a terminal of its own, type an answer when it asks, and return its exit code."""
    master, terminal = pty.openpty()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "signoff", *arguments]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    ) as child:
        os.close(terminal)
        said = b""
        try:
            while chunk := os.read(master, 4096):
                said += chunk
                if b"Type yes" in said and answer:
                    os.write(master, answer)
                    answer = b""
        except OSError:  # the terminal is gone with the program
            pass
        os.close(master)
        return child.wait(30)
