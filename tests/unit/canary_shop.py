"""A shop full of canaries, and signoff in it, with everything that it logs and starts written to files."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from unit.canaries import Canaries, ProcessWatch, awkward, plain
from unit.window import Window

LOGGING = """
import logging, os, sys
logging.basicConfig(filename=os.environ["HOME"] + "/debug.log", level=logging.DEBUG)
logging.getLogger("canary").debug("it is on")
started = open(os.environ["HOME"] + "/started.log", "a")
def hook(event, arguments):
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.putenv"}:
        print(event, arguments, file=started, flush=True)
sys.addaudithook(hook)
"""
"""A sitecustomize.py: in files, all that Python's and other libraries log, and every program started."""

_BREAKING = """
import base64, threading
import {module} as module
def broken(*arguments, **more):
    open(os.environ["HOME"] + "/broken", "w").close()
    secret = base64.b64decode({secret!r}).decode()
    def fail():
        raise ValueError("cannot read " + secret) from KeyError(secret)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    fail()
module.{name} = broken
"""
"""More of it: a defect in this thread and in another one, whose message and locals hold a secret."""


@dataclass
class Shop:
    """A home, a project full of secrets in it, and signoff."""

    home: Path
    canaries: Canaries

    @property
    def project(self) -> Path:
        """Where the shop lies."""
        return self.home / "shop"

    @property
    def environment(self) -> dict[str, str]:
        """What signoff runs with: everything that could write something down is turned on."""
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(self.home / "site"), *sys.path]),
            "PYTHONASYNCIODEBUG": "1",
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(self.home / "tmp"),
            "HISTFILE": str(self.home / ".history"),
            "TEXTUAL": "debug,devtools",
            "TEXTUAL_LOG": str(self.home / "textual.log"),
            "TEXTUAL_SCREENSHOT": "1",
            "TEXTUAL_SCREENSHOT_LOCATION": str(self.home),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run signoff as a script would."""
        return subprocess.run(
            [sys.executable, "-m", "signoff", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=self.project,
            timeout=120,
        )

    def window(self, *arguments: str) -> Window:
        """Run signoff at a terminal."""
        return Window([sys.executable, "-m", "signoff", *arguments], self.environment, self.project)

    def tamper(self, code: str) -> None:
        """Run some code in every signoff before it starts."""
        (self.home / "site" / "sitecustomize.py").write_text(LOGGING + code)

    def break_(self, module: str, name: str) -> None:
        """Make a function fail with a canary in its message, in its locals and in its cause."""
        secret = base64.b64encode(self.canaries.values["mail"].encode()).decode()
        self.tamper(_BREAKING.format(module=module, name=name, secret=secret))

    @property
    def broken(self) -> bool:
        """Whether the defect has happened."""
        return (self.home / "broken").exists()

    def left(self, *besides: Path) -> list[str]:
        """Return where canaries were left: the project itself, and what a test put there, aside."""
        assert "it is on" in (self.home / "debug.log").read_text(), "the log that is searched is written"
        return self.canaries.in_folder(self.home, besides=[self.project, self.home / "site", *besides])


@contextmanager
def open_shop(home: Path) -> Iterator[Shop]:
    """Open a shop in an empty folder, and watch all processes and the folder for temporary files."""
    names = ("key", "database", "token", "backup", "compose", "image", "code")
    canaries = Canaries({name: plain(name) for name in names} | {"mail": awkward("mail")})
    shop = Shop(home, canaries)
    for name in ("site", "tmp"):
        (home / name).mkdir()
    shop.tamper("")
    _fill(shop.project, canaries)
    temporary = Path(tempfile.gettempdir())
    before = set(temporary.iterdir())
    with ProcessWatch(canaries) as watch:
        yield shop
    assert watch.samples
    assert not watch.sightings
    for path in set(temporary.iterdir()) - before:
        if path.is_file():
            assert canaries.in_bytes(path.read_bytes(), str(path)) == []


def _fill(folder: Path, canaries: Canaries) -> None:
    """Put every canary into a project, each where projects have such things."""
    value = canaries.values
    folder.mkdir()
    (folder / ".env").write_text(
        f"SECRET_KEY={value['key']}\n"
        f"DATABASE_URL=postgresql://shop:{value['database']}@127.0.0.1:5432/shop\n"
        f"SMTP_PASSWORD='{value['mail']}'\n"
        f'export API_TOKEN="{value["token"]}"\n'
    )
    (folder / ".env.bak").write_text(f"SECRET_KEY={value['backup']}\n")
    (folder / "docker-compose.yml").write_text(
        "services:\n  web:\n    image: shop\n    env_file: .env\n"
        f"    environment:\n      JWT_SECRET: {value['compose']}\n"
    )
    (folder / "Dockerfile").write_text(f"FROM scratch\nENV ADMIN_PASSWORD={value['image']}\n")
    (folder / "settings.py").write_text(f"SECRET_KEY = '{value['code']}'\nDEBUG = True\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    for arguments in (["init", "-q"], ["add", "-f", "."], ["commit", "-q", "-m", "Settings"]):
        subprocess.run([*git, *arguments], check=True)
