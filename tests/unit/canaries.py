"""Known secrets, and where they may turn up: in any writing, in files, in other processes.

The writings are listed here anew, not taken from the product's own redactor: what it forgets must be found.
"""

from __future__ import annotations

import base64
import html
import json
import os
import secrets
import shlex
import threading
import urllib.parse
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

_PIECE = 12
"""So much of a canary's beginning or end is enough to know it by."""


def plain(name: str) -> str:
    """Return a new secret of the alphabet that survives everywhere."""
    return f"{name}x{secrets.token_hex(16)}Q7"


def awkward(name: str) -> str:
    """Return a new secret that every writing has to treat with care."""
    return f'{name} "{secrets.token_hex(8)}" \\/+%40=&<ё>{secrets.token_hex(8)}'


def writings(value: str) -> set[bytes]:
    """Return the ways in which a secret can stand somewhere."""
    raw = value.encode()
    texts = {value, value[:_PIECE], value[-_PIECE:]}
    texts |= {
        quoted(value) for quoted in (urllib.parse.quote, urllib.parse.quote_plus, shlex.quote, html.escape)
    }
    texts |= {
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote(value, safe="").lower(),
        repr(value)[1:-1],
    }
    texts |= {raw.hex(), raw.hex().upper(), raw.hex(" "), raw.hex(":"), ascii(value)[1:-1]}
    texts |= {" ".join(value[at : at + 4] for at in range(0, len(value), 4))}
    for shift in range(3):
        # Within a longer text base64 falls on one of three alignments; the edges depend on the neighbours.
        inner = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4].decode()
        texts |= {inner, inner.replace("+", "-").replace("/", "_")}
    texts |= {base64.b32encode(raw).decode().rstrip("=")}
    for _ in range(2):
        texts |= {json.dumps(text, ensure_ascii=way)[1:-1] for text in texts for way in (True, False)}
    wide = {value.encode("utf-16-le"), value.encode("utf-16-be")}
    return {text.encode() for text in texts if len(text) >= _PIECE} | wide


@dataclass
class Canaries:
    """Secrets by name. ``sightings`` says where a writing of one stands in some bytes."""

    values: Mapping[str, str]
    _writings: dict[bytes, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._writings = {one: name for name, value in self.values.items() for one in writings(value)}

    def in_bytes(self, data: bytes, where: str) -> list[str]:
        """Return what is seen, as ``name in where``; the secret itself is not repeated."""
        return sorted({f"{name} in {where}" for writing, name in self._writings.items() if writing in data})

    def in_text(self, text: str, where: str) -> list[str]:
        """Return what is seen in a text."""
        return self.in_bytes(text.encode("utf-8", "surrogateescape"), where)

    def in_folder(self, folder: Path, *, besides: Collection[Path] = ()) -> list[str]:
        """Return what is seen in the files below a folder, in their names and in what links name."""
        seen = []
        for path in sorted(folder.rglob("*")):
            if any(path == one or one in path.parents for one in besides):
                continue
            seen += self.in_bytes(os.fsencode(path.name), f"the name {path.relative_to(folder)}")
            if path.is_symlink():
                seen += self.in_bytes(os.fsencode(path.readlink()), f"the link {path.relative_to(folder)}")
            elif path.is_file():
                seen += self.in_bytes(path.read_bytes(), str(path.relative_to(folder)))
        return seen


class ProcessWatch:
    """Reads, again and again, the argument lists and environments of all processes but this one.

    ``sightings`` are the canaries seen there; ``samples`` tells that it has looked, and how often.
    """

    def __init__(self, canaries: Canaries, pause: float = 0.03) -> None:
        self._canaries = canaries
        self._pause = pause
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._known: set[tuple[str, bytes]] = set()
        self.sightings: set[str] = set()
        self.samples = 0

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def look(self) -> None:
        """Wait until it has looked at everything there is now."""
        enough = self.samples + 2  # the one under way began before
        while self.samples < enough:
            self._end.wait(0.01)

    def _watch(self) -> None:
        while not self._end.is_set():
            for kind, data in _processes():
                if (kind, data) not in self._known:
                    self._known.add((kind, data))
                    program = data.split(b"\0")[0].decode(errors="replace") if kind == "cmdline" else ""
                    self.sightings |= set(
                        self._canaries.in_bytes(data, f"a process's {kind} {program}".strip())
                    )
            self.samples += 1
            self._end.wait(self._pause)


def _processes() -> Iterator[tuple[str, bytes]]:
    own, namespace = str(os.getpid()), Path("/proc/self/ns/pid").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == own or not _is_here(process, namespace):
            continue
        for kind in ("cmdline", "environ"):
            try:
                data = (process / kind).read_bytes()
            except OSError:  # it has ended
                continue
            if data:
                yield kind, data


def _is_here(process: Path, namespace: Path) -> bool:
    """Tell whether a process is this machine's own, not a container's: a lab host runs with its secrets."""
    try:
        return (process / "ns" / "pid").readlink() == namespace
    except PermissionError:
        return True
    except OSError:  # it has ended
        return False
