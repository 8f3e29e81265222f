"""New secrets: their form, their exact entropy, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import math
import re
import string
import subprocess
import sys
import uuid
from collections import Counter
from importlib.resources import files

import dotenv
import pytest
from cryptography.fernet import Fernet

from signoff.credentials import generate as module
from signoff.credentials.generate import ENOUGH_BITS, KINDS, generate, has_all_classes, word_list
from signoff.credentials.secret import Secret
from signoff.errors import UsageError

SAFE = ("key", "password", "token", "django", "jwt", "postgres", "redis")
SAFE_FORM = re.compile(r"[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_at_its_default_is_new_each_time(kind: str) -> None:
    one, other = generate(kind), generate(kind)
    assert one.value != other.value
    assert one.length == KINDS[kind].default
    assert one.kind == kind


@pytest.mark.parametrize("kind", SAFE)
@pytest.mark.parametrize("longer", [0, 1, 40])
def test_safe_kinds_start_with_a_letter_and_end_alphanumeric(kind: str, longer: int) -> None:
    length = KINDS[kind].shortest + longer
    for _ in range(50):
        value = generate(kind, length).value.reveal()
        assert len(value) == length
        assert SAFE_FORM.fullmatch(value)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"uuid", "recovery-codes"}])
def test_no_kind_is_below_128_bits_at_its_default(kind: str) -> None:
    made = generate(kind)
    assert made.bits >= ENOUGH_BITS
    assert made.note == ""


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if KINDS[kind].unit == "characters" and kind != "uuid"]
)
def test_no_length_of_characters_is_below_128_bits(kind: str) -> None:
    assert KINDS[kind].bits(KINDS[kind].shortest) >= ENOUGH_BITS


@pytest.mark.parametrize(
    ("kind", "length", "bits"),
    [
        ("key", 43, math.log2(52 * 62) + 41 * 6),
        ("key", 22, math.log2(52 * 62) + 20 * 6),
        ("hex", 64, 256),
        ("fernet", 44, 256),
        ("uuid", 36, 122),
        ("passphrase", 10, 10 * math.log2(7776)),
        ("recovery-codes", 10, 120),
    ],
)
def test_the_bits_are_exact(kind: str, length: int, bits: float) -> None:
    assert generate(kind, length).bits == pytest.approx(bits, abs=1e-9)


def test_the_bits_of_a_postgres_password_count_every_string_that_qualifies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted one by one over a small alphabet of the same build."""
    monkeypatch.setattr(module, "LETTERS", "abAB")
    monkeypatch.setattr(module, "ALPHANUMERIC", "abAB12")
    monkeypatch.setattr(module, "ALPHABET", "abAB12_-")
    monkeypatch.setattr(module, "CLASSES", ("ab", "AB", "12", "_-"))
    counted = sum(
        all(set(text) & set(group) for group in ("ab", "AB", "12", "_-"))
        for text in itertools.product("abAB", "abAB12_-", "abAB12_-", "abAB12_-", "abAB12")
    )
    assert counted > 0
    assert KINDS["postgres"].bits(5) == pytest.approx(math.log2(counted), abs=1e-9)


def test_a_postgres_password_has_every_class() -> None:
    for _ in range(300):
        value = generate("postgres", 24).value
        assert has_all_classes(value)
        text = value.reveal()
        assert all(
            set(text) & set(group)
            for group in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "_-")
        )


def test_no_character_is_favoured() -> None:
    """A chi-squared test per kind; the limit is passed by chance once in about ten million runs."""
    for kind in ("key", "postgres"):
        counts = Counter("".join(generate(kind, 400).value.reveal()[1:-1] for _ in range(60)))
        expected = sum(counts.values()) / 64
        chi = sum((counts[c] - expected) ** 2 / expected for c in module.ALPHABET)
        assert chi < 63 + 5.5 * math.sqrt(2 * 63)


def test_the_system_random_generator_is_the_only_source() -> None:
    """The seedable generator plays no part."""
    script = (
        "import random; random.seed(1)\n"
        "from signoff.credentials.generate import KINDS, generate\n"
        "print([generate(kind).value.reveal() for kind in KINDS])"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, check=True) for _ in range(2)]
    first, second = (set(eval(run.stdout)) for run in runs)  # noqa: S307 - a list of our own
    assert not first & second


def test_a_fernet_key_is_one() -> None:
    key = generate("fernet").value.reveal()
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x"
    assert len(base64.urlsafe_b64decode(key)) == 32


def test_a_uuid_is_random_and_says_what_it_is_not() -> None:
    made = generate("uuid")
    parsed = uuid.UUID(made.value.reveal())
    assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
    assert "identifier" in made.note


def test_the_word_list_is_the_published_one() -> None:
    raw = files("signoff.credentials").joinpath("eff_large_wordlist.txt").read_bytes()
    assert (
        hashlib.sha256(raw).hexdigest() == "addd35536511597a02fa0a9ff1e5284677b8883b83e986e43f15a3db996b903e"
    )
    assert len(set(word_list())) == 7776


def test_a_passphrase_reads_back_to_its_words() -> None:
    """Four words of the list have hyphens; joined by hyphens, two different choices must not look alike."""
    words = set(word_list())
    for word in words:
        head, _, tail = word.partition("-")
        assert not tail or head not in words or tail not in words


def test_a_short_passphrase_says_so() -> None:
    made = generate("passphrase", 6)
    assert made.bits < ENOUGH_BITS
    assert "not for a key" in made.note


def test_recovery_codes_are_many_and_different() -> None:
    codes = generate("recovery-codes").value.reveal().splitlines()
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}", code) for code in codes)


@pytest.mark.parametrize(
    ("kind", "length", "tells"),
    [
        ("key", 21, "22 or more"),
        ("jwt", 42, "43 or more"),
        ("django", 49, "50 or more"),
        ("hex", 33, "Take 34"),
        ("hex", 30, "32 or more"),
        ("fernet", 32, "Leave the length out"),
        ("uuid", 10, "Leave the length out"),
        ("key", 100_000, "512 at most"),
        ("passphrase", 0, "6 or more"),
        ("key", -5, "22 or more"),
        ("unheard-of", None, "key, password"),
    ],
)
def test_what_makes_no_sense_is_refused(kind: str, length: int | None, tells: str) -> None:
    with pytest.raises(UsageError) as refused:
        generate(kind, length)
    assert tells in refused.value.hint


@pytest.mark.parametrize("kind", [*SAFE, "hex", "fernet", "uuid", "passphrase"])
def test_it_reads_back_unquoted_from_dotenv_and_bash(kind: str) -> None:
    value = generate(kind).value
    line = f"KEY={value.reveal()}\n"
    assert Secret(dotenv.dotenv_values(stream=io.StringIO(line))["KEY"] or "") == value
    script = f'set -e\n{line}printf %s "$KEY"'
    sourced = subprocess.run(["bash", "-s"], input=script, capture_output=True, text=True, check=True)
    assert Secret(sourced.stdout) == value
