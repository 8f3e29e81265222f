"""QR codes as a camera sees them: modules, or a terminal's cells, as pixels for somebody else's reader."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence

import zxingcpp

Pixels = Sequence[Sequence[bool]]
"""Rows of pixels, black ones True."""

_HALVES = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
BLACK_ON_WHITE = frozenset({"38;5;16", "48;5;231"})


def scaled(pixels: Pixels, by: int = 5) -> list[list[bool]]:
    """Enlarge a picture; each pixel becomes a square."""
    return [[dot for dot in row for _ in range(by)] for row in pixels for _ in range(by)]


def read_code(pixels: Pixels) -> str:
    """Return what the one QR code in a picture says, as zxing reads it."""
    large = scaled(pixels)
    grey = bytes(0 if dot else 255 for row in large for dot in row)
    found = zxingcpp.read_barcodes(memoryview(grey).cast("B", (len(large), len(large[0]))), try_invert=False)
    assert [one.format for one in found] == [zxingcpp.BarcodeFormat.QRCode]
    return str(found[0].text)


def png(pixels: Pixels) -> bytes:
    """Return a picture as a PNG file, black and white (ISO/IEC 15948)."""
    large = scaled(pixels)
    rows = b"".join(b"\0" + bytes(0 if dot else 255 for dot in row) for row in large)
    header = struct.pack(">2I5B", len(large[0]), len(large), 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def seen(lines: Sequence[str], *, alone: bool = True) -> list[list[bool]]:
    """Return what a black terminal shows of some lines: white where they say so, black everywhere else.

    The lines hold SGR sequences (ECMA-48, 8.3.117) and half blocks; nothing but 256-colour black and white,
    and the default, is understood. Where the code is not ``alone``, what has other colours is no part of it.
    """
    rows = []
    for line in lines:
        style: set[str] = set()
        halves = []
        for sequence, character in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if character:
                halves.append(_cell(character, style, alone=alone))
                continue
            for part in re.findall(r"38;5;\d+|48;5;\d+|\d+", sequence or "0"):
                style = _styled(style, part)
        rows += [[upper for upper, _ in halves], [lower for _, lower in halves]]
    width = max(map(len, rows))
    return [row + [True] * (width - len(row)) for row in rows]


def _styled(style: set[str], part: str) -> set[str]:
    if part == "0":
        return set()
    kept = {one for one in style if one[0] != part[0]}
    return kept if part in {"39", "49"} else kept | {part}


def _cell(character: str, style: set[str], *, alone: bool) -> tuple[bool, bool]:
    if style >= BLACK_ON_WHITE:
        return _HALVES[character]
    assert not (alone and style), f"colours that are not the code's: {style}"
    return (True, True)  # whatever stands there is no part of the code
