"""A real terminal, driven by keys: tmux with a server of its own."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable


class Terminal:
    """One tmux window of a fixed size. ``close`` ends it and everything in it."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self._server = f"signoff-{secrets.token_hex(4)}"
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), "env PS1='$ ' sh")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._server, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def run(self, command: str) -> None:
        """Type a command at the shell's prompt, whatever state a killed program left the terminal in."""
        self._tmux("send-keys", "-l", f"reset; clear; {command}")
        self.press("C-j")

    def type(self, text: str) -> None:
        """Type a text."""
        self._tmux("send-keys", "-l", text)

    def paste(self, text: str) -> None:
        """Paste a text, as a secret is: it is in no process's arguments."""
        command = ["tmux", "-L", self._server, "-f", "/dev/null", "load-buffer", "-"]
        subprocess.run(command, input=text, text=True, check=True)
        self._tmux("paste-buffer", "-p", "-d")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    @property
    def screen(self) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p")

    @property
    def coloured(self) -> str:
        """The same, with its colours as SGR sequences."""
        return self._tmux("capture-pane", "-p", "-e")

    @property
    def history(self) -> str:
        """What has scrolled off the screen, and what is on it."""
        return self._tmux("capture-pane", "-p", "-S", "-")

    def until(self, what: str | Callable[[str], bool], seconds: float = 60.0) -> str:
        """Wait until the screen shows something; return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.screen
            if what in shown if isinstance(what, str) else what(shown):
                return shown
            time.sleep(0.1)
        raise AssertionError(f"{what!r} does not come; the screen shows:\n{self.screen}")

    def close(self) -> None:
        """End the server of this terminal."""
        subprocess.run(["tmux", "-L", self._server, "kill-server"], check=False, capture_output=True)
