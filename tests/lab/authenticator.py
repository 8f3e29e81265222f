"""An authenticator app made of other people's programs: ZBar and zxing read, OATH Toolkit makes codes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from terminal import Terminal

from unit.pictures import png, read_code, seen

wanted = pytest.mark.skipif(
    not (shutil.which("zbarimg") and shutil.which("oathtool")), reason="wants zbarimg, oathtool"
)


def oathtool(seed: str) -> str:
    """Return the code that OATH Toolkit makes of a seed."""
    asked = subprocess.run(
        ["oathtool", "--totp", "--base32", "-"], input=seed, capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def scan(terminal: Terminal, folder: Path) -> str:
    """Return what two readers make of the one QR code on a terminal."""
    pixels = seen(terminal.coloured.split("\n"), alone=False)
    image = folder / "screen.png"
    image.write_bytes(png(pixels))
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", str(image)], capture_output=True, text=True, check=False
    )
    image.unlink()
    assert read.stdout.strip() == read_code(pixels), "two readers agree"
    return read.stdout.strip()


def seed_of(uri: str, issuer: str, account: str) -> str:
    """Return the seed within a URI, which has to be for this account."""
    found = re.fullmatch(
        rf"otpauth://totp/{re.escape(f'{issuer}:{account}')}\?secret=([A-Z2-7]{{32}})&issuer={re.escape(issuer)}",
        uri,
    )
    assert found, "another label than was asked for"
    return found[1]
