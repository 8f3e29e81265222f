"""What is imported before the first frame: nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("paramiko", "httpx", "cryptography", "zxcvbn", "tomlkit", "signoff.walk", "signoff.target.ssh")


def _imported(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize("module", ["signoff.app.app", "signoff.app.screens.home"])
def test_the_app_imports_nothing_heavy(module: str) -> None:
    imported = _imported(f"import {module}")
    assert "textual" in imported
    assert imported.isdisjoint(HEAVY)


def test_the_package_alone_does_not_import_textual() -> None:
    assert "textual" not in _imported("import signoff.app")


_FIRST_FRAME = """
import asyncio, sys
from signoff.app.app import SignoffApp, Start
from signoff.target.profile import Profile

seen = []

class Watched(SignoffApp):
    def _display(self, screen, renderable):
        if not seen and screen is not None and renderable is not None and screen.size.height:
            seen.extend(sys.modules)
        super()._display(screen, renderable)

async def main():
    app = Watched(Start(Profile(name="x", address="ssh://x@192.0.2.1")))
    async with app.run_test() as pilot:
        await pilot.pause()
        app.exit()

asyncio.run(main())
print("\\n".join(seen))
"""


def test_nothing_heavy_before_the_first_frame(tmp_path: Path) -> None:
    script = tmp_path / "watched.py"
    script.write_text(_FIRST_FRAME)
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60
    )
    imported = set(ran.stdout.split())
    assert "textual.app" in imported
    assert imported.isdisjoint(HEAVY)
