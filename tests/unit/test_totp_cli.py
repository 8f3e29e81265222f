"""Enrolling at a terminal and through pipes: the key is where it was asked for, and nowhere else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mintotp
import pytest

from unit.pictures import read_code, seen
from unit.window import Window

# Real programs on real terminals, against the clock of a machine that may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=2)]

SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
ASKED = "key as text: "
CLEARED = "\x1b[H\x1b[2J"
LEFT = "\x1b[?1049l"

Open = Callable[..., Window]


def environment(home: Path) -> dict[str, str]:
    """Return a new user's environment."""
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def new(tmp_path: Path) -> Open:
    """Return a function that enrols ``admin@shop.example`` in a window."""

    def open_(*arguments: str, term: str = "xterm-256color", **size: int) -> Window:
        command = [sys.executable, "-m", "signoff", "totp", "new", "admin@shop.example", "--issuer", "Shop"]
        return Window([*command, *arguments], environment(tmp_path) | {"TERM": term}, tmp_path, **size)

    return open_


def run(home: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "signoff", "totp", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=environment(home),
        cwd=home,
        timeout=60,
    )


def scanned(shown: str) -> str:
    """Return the seed, as a device takes it from the last screen."""
    uri = read_code(seen(shown.rsplit(CLEARED, 1)[-1].split("\n")))
    found = re.fullmatch(r"otpauth://totp/Shop:admin@shop\.example\?secret=([A-Z2-7]{32})&issuer=Shop", uri)
    assert found
    return found[1]


def typed_in(shown: str) -> str:
    """Return the seed, as a person reads it from the last screen."""
    found = re.search(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", shown.rsplit(CLEARED, 1)[-1])
    assert found
    return found[0].replace(" ", "")


def test_scanned_confirmed_and_written(new: Open, tmp_path: Path) -> None:
    window = new("--write", "admin.key")
    seed = scanned(window.until(ASKED))
    path = tmp_path / "admin.key"
    assert not path.exists(), "nothing is written before a code was right"
    window.type("000000")
    assert "not this key's" in window.until(ASKED).replace("\n", " ")
    window.type("k")
    assert typed_in(window.until(ASKED)) == seed
    code = mintotp.totp(seed)
    window.type(f"{code[:3]} {code[3:]}")
    assert window.end() == 0
    assert path.read_text() == f"{seed}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    after = window.written.rsplit(LEFT, 1)[1]
    assert "Verified with a code: Shop, admin@shop.example." in after
    assert "The key is in admin.key." in after
    assert seed not in after, "the scrollback does not have it"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["admin.key"]


def test_the_key_for_the_product_is_shown_once_and_goes(new: Open) -> None:
    window = new("--no-qr")
    shown = window.until(ASKED)
    assert "█" not in shown
    seed = typed_in(shown)
    window.type(mintotp.totp(seed))
    assert f"  {seed}\n" in window.until("when the product has it: ")
    window.type("")
    assert window.end() == 0
    assert seed not in window.written.rsplit(LEFT, 1)[1]


@pytest.mark.parametrize(("width", "height", "drawn"), [(80, 24, True), (76, 24, False), (80, 23, False)])
def test_a_terminal_that_is_too_small_gets_the_text(new: Open, width: int, height: int, drawn: bool) -> None:
    window = new(width=width, height=height)
    shown = window.until(ASKED)
    assert ("█" in shown) == drawn
    if not drawn:
        assert f"this terminal has {width}x{height}" in shown.replace("\n", " ")
        assert typed_in(shown)
    window.type("\x04")
    window.end()


def test_a_terminal_that_cannot_draw_gets_plain_text(new: Open) -> None:
    window = new(term="dumb")
    assert "\x1b" not in window.until(ASKED)
    window.type(mintotp.totp(typed_in(window.written)))
    window.until("when the product has it: ")
    window.type("")
    assert window.end() == 0
    assert "\x1b" not in window.written


ENV = "# the shop\r\nSECRET_KEY='a b'  # do not touch\r\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ENV, ENV + "TOTP_KEY={}\r\n"),
        (ENV + "TOTP_KEY=\r\nLAST=1\r\n", ENV + "TOTP_KEY={}\r\nLAST=1\r\n"),
        (ENV + "export TOTP_KEY=change-me # see wiki\r\n", ENV + "export TOTP_KEY={} # see wiki\r\n"),
    ],
)
def test_written_to_a_variable(new: Open, tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(before.encode())
    path.chmod(0o640)
    window = new("--env", ".env", "TOTP_KEY")
    seed = scanned(window.until(ASKED))
    assert path.read_bytes() == before.encode(), "nothing is written before a code was right"
    window.type(mintotp.totp(seed))
    assert window.end() == 0
    assert path.read_bytes().decode() == after.format(seed)
    assert path.stat().st_mode & 0o777 == 0o640
    assert "The key is in TOTP_KEY in .env." in window.written.rsplit(LEFT, 1)[1]
    assert sorted(one.name for one in tmp_path.iterdir()) == [".env"]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (f"TOTP_KEY={SEED}\n", "TOTP_KEY", "locked out"),
        ("TOTP_KEY=\nTOTP_KEY=\n", "TOTP_KEY", "TOTP_KEY"),
        ("what is this?\n", "TOTP_KEY", "Line 1"),
        ("A=b\n", "TOTP KEY", "TOTP KEY"),
    ],
)
def test_a_file_that_cannot_take_it_is_said_before_anything_is_shown(
    new: Open, tmp_path: Path, content: str, name: str, words: str
) -> None:
    (tmp_path / ".env").write_text(content)
    window = new("--env", ".env", name)
    assert window.end() == 2
    assert words in window.written
    assert "█" not in window.written
    assert SEED not in window.written
    assert (tmp_path / ".env").read_text() == content


def test_a_variable_that_gets_a_value_meanwhile_keeps_it(new: Open, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=b\n")
    window = new("--env", ".env", "TOTP_KEY")
    seed = scanned(window.until(ASKED))
    (tmp_path / ".env").write_text(f"TOTP_KEY={SEED}\n")
    window.type(mintotp.totp(seed))
    assert window.end() == 2
    assert (tmp_path / ".env").read_text() == f"TOTP_KEY={SEED}\n"


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_giving_up_writes_nothing_and_says_so(new: Open, tmp_path: Path, key: str) -> None:
    window = new("--write", "admin.key")
    seed = scanned(window.until(ASKED))
    window.type(key)
    assert window.end() == 130
    after = window.written.rsplit(LEFT, 1)[1]
    assert "Not enrolled" in after
    assert seed not in after
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_overwritten(new: Open, tmp_path: Path) -> None:
    (tmp_path / "admin.key").symlink_to("elsewhere")
    for name in ("admin.key", "no-folder/admin.key"):
        window = new("--write", name)
        assert window.end() == 2
        assert "█" not in window.written, "said before anything is shown"
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_appears_meanwhile_is_left_alone(new: Open, tmp_path: Path) -> None:
    window = new("--write", "admin.key")
    seed = scanned(window.until(ASKED))
    (tmp_path / "admin.key").write_text("somebody else's")
    window.type(mintotp.totp(seed))
    assert window.end() == 2
    assert (tmp_path / "admin.key").read_text() == "somebody else's"
    assert "could not be delivered" in window.written.rsplit(LEFT, 1)[1]


def test_without_a_terminal_the_uri_is_printed_and_called_unverified(tmp_path: Path) -> None:
    done = run(tmp_path, "new", "admin", "--issuer", "Shop")
    assert done.returncode == 0
    assert re.fullmatch(r"otpauth://totp/Shop:admin\?secret=[A-Z2-7]{32}&issuer=Shop\n", done.stdout)
    assert "NOT verified" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("new", "admin"), "issuer"),
        (("new", "a:b", "--issuer", "Shop"), "colon"),
        (("new", "admin", "--issuer", "Shop", "--write", "f"), "no terminal"),
        (("new", "admin", "--issuer", "Shop", "--env", ".env", "KEY"), "no terminal"),
        (("new", "admin", "--issuer", "Shop", "--env", "none", "KEY"), "none"),
        (("new", "admin", "--issuer", "Shop", "--env", ".env", "KEY", "--write", "f"), "do not go together"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_printed(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / ".env").write_text("A=b\n")
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / ".env").read_text() == "A=b\n"
    assert not (tmp_path / "f").exists()


def test_verify_reads_standard_input(tmp_path: Path) -> None:
    good = mintotp.totp(SEED)
    uri = f"otpauth://totp/a?secret={SEED}&issuer=b"
    for given in (f"{SEED}\n{good}\n", f"\n  {SEED.lower()}  \r\n{good}", f"{uri}\n{good}\n"):
        done = run(tmp_path, "verify", stdin=given)
        assert (done.returncode, done.stdout, done.stderr) == (0, done.stdout, "")
        assert done.stdout.startswith("Accepted")
    wrong = f"{(int(good) + 1) % 10**6:06}"
    done = run(tmp_path, "verify", stdin=f"{SEED}\n{wrong}\n")
    assert done.returncode == 1
    for given in ("", f"{SEED}\n", f"{SEED}\n123\n", f"nothing\n{good}\n", f"{SEED}\n{good}\n{good}\n"):
        done = run(tmp_path, "verify", stdin=given)
        assert (done.returncode, done.stdout) == (2, ""), given
        assert SEED not in done.stderr


def test_verify_refuses_a_short_key(tmp_path: Path) -> None:
    done = run(tmp_path, "verify", stdin=f"{SEED[:16]}\n123456\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "80 bits" in done.stderr


def test_verify_asks_a_terminal_and_does_not_echo_the_key(tmp_path: Path) -> None:
    window = Window([sys.executable, "-m", "signoff", "totp", "verify"], environment(tmp_path), tmp_path)
    window.until("(hidden): ")
    window.type(SEED)
    window.until("Code: ")
    window.type(mintotp.totp(SEED))
    assert window.end() == 0
    assert SEED not in window.written
    window = Window([sys.executable, "-m", "signoff", "totp", "verify"], environment(tmp_path), tmp_path)
    window.until("(hidden): ")
    window.type("\x04")
    assert window.end() == 130


@pytest.mark.parametrize("command", ["new", "verify"])
def test_every_command_has_examples(tmp_path: Path, command: str) -> None:
    assert "Example" in run(tmp_path, command, "--help").stdout


def test_the_fast_commands_do_not_load_what_draws_codes(tmp_path: Path) -> None:
    script = "import sys; from signoff.cli import main; print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment(tmp_path)
    )
    assert not {"pyotp", "segno", "dotenv", "signoff.totp_terminal"} & set(re.findall(r"[\w.]+", done.stdout))
