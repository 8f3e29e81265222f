"""Many new secrets of every kind, files with them, and what programs that read such files make of them."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

import yaml
from dotenv import dotenv_values

from signoff.credentials.generate import KINDS


def values(kind: str, times: int) -> dict[str, str]:
    """Return so many new values of a kind by the names of variables; of recovery codes each by itself."""
    made = KINDS[kind]
    drawn: list[str] = []
    while len(drawn) < times:
        drawn += made.make(made.default).split("\n")
    prefix = kind.replace("-", "_").upper()
    return {f"{prefix}_{number:05}": value for number, value in enumerate(drawn)}


def env_file(variables: Mapping[str, str]) -> bytes:
    """Return them as a .env file."""
    return "".join(f"{name}={value}\n" for name, value in variables.items()).encode()


def by_dotenv(raw: bytes) -> Mapping[str, str | None]:
    """What python-dotenv reads, interpolation and all."""
    return dotenv_values(stream=io.StringIO(raw.decode()))


def by_bash(raw: bytes) -> dict[str, str]:
    """What bash reads when it sources the file."""
    script = 'source /dev/stdin; for name in $(compgen -v); do printf "%s=%s\\0" "$name" "${!name}"; done'
    done = subprocess.run(["bash", "-c", script], input=raw, capture_output=True, check=True, env={})
    return environ(done.stdout)


def environ(raw: bytes) -> dict[str, str]:
    """Return the variables of an environment as the kernel keeps it."""
    pairs = (entry.partition("=") for entry in raw.decode().split("\0") if entry)
    return {name: value for name, _, value in pairs}


def by_yaml(variables: Mapping[str, str]) -> object:
    """What a YAML 1.1 reader makes of them where they stand unquoted."""
    return yaml.safe_load("".join(f"{name}: {value}\n" for name, value in variables.items()))


def by_url(variables: Mapping[str, str]) -> dict[str, str | None]:
    """What comes back from a URL in which they are the password."""
    return {
        name: urlsplit(f"postgresql://shop:{value}@db:5432/shop").password
        for name, value in variables.items()
    }
