"""New secrets, from the system's random number generator, with their exact entropy.

The alphabet is ``[A-Za-z0-9_-]``, the first character a letter and the last alphanumeric: what survives raw
in dotenv files, compose, ``source``, systemd's EnvironmentFile, ``docker run --env-file``, URLs and YAML.

OWASP ASVS 5.0.0, 11.5.1 asks 128 bits of anything that must not be guessed. Less is refused, but for three
kinds whose form is given, which come with a note: UUIDs, recovery codes, and passphrases of fewer words.
"""

from __future__ import annotations

import base64
import math
import secrets
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from itertools import chain, combinations
from types import MappingProxyType
from typing import Final

from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.message import say

ENOUGH_BITS: Final = 128
LONGEST: Final = 512

LETTERS: Final = string.ascii_letters
ALPHANUMERIC: Final = LETTERS + string.digits
ALPHABET: Final = ALPHANUMERIC + "_-"
CLASSES: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "_-")

_CODE_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # base32, RFC 4648: nothing to be misread
_CODE_GROUPS: Final = 6
_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class Generated:
    """A new secret. ``bits`` is its exact entropy; of recovery codes, each code's.

    ``length`` counts the kind's unit: characters, words or codes. ``note`` says why it has fewer bits than
    ASVS asks, where it has.
    """

    value: Secret
    kind: str
    length: int
    bits: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of secret: what it is for, the lengths that it can have, and how it is made."""

    name: str
    about: str
    default: int
    shortest: int
    longest: int
    bits: Callable[[int], float]
    make: Callable[[int], str]
    unit: str = say("characters")
    step: int = 1
    note: str = ""


def _safe(length: int) -> str:
    middle = (secrets.choice(ALPHABET) for _ in range(length - 2))
    return "".join(chain(secrets.choice(LETTERS), middle, secrets.choice(ALPHANUMERIC)))


def _safe_bits(length: int) -> float:
    return math.log2(len(LETTERS) * len(ALPHABET) ** (length - 2) * len(ALPHANUMERIC))


def has_all_classes(value: Secret) -> bool:
    """Tell whether there are a small letter, a capital, a digit and a symbol."""
    text = value.reveal()
    letters_and_digits = all(any(c in kind for c in text) for kind in CLASSES[:3])
    return letters_and_digits and not text.isalnum()


def _mixed(length: int) -> str:
    # Drawn again as a whole until every class is there: each string that qualifies stays equally likely.
    while not has_all_classes(drawn := Secret(_safe(length))):
        pass
    return drawn.reveal()


@cache
def _mixed_bits(length: int) -> float:
    # How many strings have every class: inclusion and exclusion over the classes that are left out.
    def without(left_out: tuple[str, ...]) -> int:
        def rest(alphabet: str) -> int:
            return sum(not any(c in group for group in left_out) for c in alphabet)

        return int(rest(LETTERS) * rest(ALPHABET) ** (length - 2) * rest(ALPHANUMERIC))

    subsets = chain.from_iterable(combinations(CLASSES, size) for size in range(len(CLASSES) + 1))
    return math.log2(sum((-1) ** len(subset) * without(subset) for subset in subsets))


def _hex(length: int) -> str:
    return secrets.token_hex(length // 2)


def _fernet(_length: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _uuid(_length: int) -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


@cache
def word_list() -> tuple[str, ...]:
    """Return the EFF's large word list, 7,776 words.

    Made by Joseph Bonneau for the Electronic Frontier Foundation, https://www.eff.org/dice, CC BY 3.0 US;
    the file is the published one, byte for byte.
    """
    text = files("signoff.credentials").joinpath("eff_large_wordlist.txt").read_text("ascii")
    return tuple(line.split("\t")[1] for line in text.splitlines())


def _passphrase(words: int) -> str:
    return "-".join(secrets.choice(word_list()) for _ in range(words))


def _recovery_codes(count: int) -> str:
    def code() -> str:
        groups = ("".join(secrets.choice(_CODE_ALPHABET) for _ in range(_GROUP)) for _ in range(_CODE_GROUPS))
        return "-".join(groups)

    return "\n".join(code() for _ in range(count))


def _kinds() -> tuple[Kind, ...]:
    safe = partial(Kind, longest=LONGEST, bits=_safe_bits, make=_safe)
    return (
        safe("key", say("A key for anything: signing, encryption, an application's secret."), 43, 22),
        safe("password", say("A password for an account that a program logs in with."), 24, 22),
        safe("token", say("An API or webhook token."), 43, 22),
        Kind(
            "hex",
            say("A key as `openssl rand -hex 32` makes it."),
            64,
            32,
            LONGEST,
            lambda n: 4.0 * n,
            _hex,
            step=2,
        ),
        # Django's check security.W009 asks for 50 characters.
        safe("django", say("Django's SECRET_KEY."), 50, 50),
        # RFC 7518, section 3.2: a key of at least the hash's size. 43 characters hold 256 bits.
        safe("jwt", say("A key for signing JWTs with HS256; take 86 characters for HS512."), 43, 43),
        Kind("fernet", say("A key for Fernet (cryptography)."), 44, 44, 44, lambda _: 256.0, _fernet),
        Kind(
            "postgres",
            say("A PostgreSQL password: small letters, capitals, digits and symbols."),
            32,
            24,
            LONGEST,
            _mixed_bits,
            _mixed,
        ),
        # A Redis server checks millions of passwords a second; redis.io asks for long ones.
        safe("redis", say("A Redis password."), 43, 22),
        Kind(
            "uuid",
            say("A random UUID (version 4): an identifier."),
            36,
            36,
            36,
            lambda _: 122.0,
            _uuid,
            note=say("A UUID has 122 random bits: use it as an identifier, not as a secret (ASVS 11.5.1)."),
        ),
        Kind(
            "passphrase",
            say("Words for a person to remember, from the EFF's large word list."),
            10,
            6,
            40,
            lambda n: n * math.log2(len(word_list())),
            _passphrase,
            unit=say("words"),
            note=say("Fewer than ten words have less than 128 bits: for a person's login, not for a key."),
        ),
        Kind(
            "recovery-codes",
            say("One-time codes for the day when a second factor is lost."),
            10,
            1,
            100,
            lambda _: _CODE_GROUPS * _GROUP * math.log2(len(_CODE_ALPHABET)),
            _recovery_codes,
            unit=say("codes"),
            note=say("Each code has 120 bits; ASVS 6.5.2 asks 112 of lookup secrets. Each can be used once."),
        ),
    )


KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _kinds()})
"""Every kind by its name."""


def generate(kind: str, length: int | None = None) -> Generated:
    """Make a new secret. ``length`` counts the kind's unit, its default where None.

    Raise UsageError where there is no such kind, or where it cannot have that length.
    """
    made = KINDS.get(kind)
    if made is None:
        raise UsageError(
            say("There is no kind of secret called {kind}.", kind=repr(kind)),
            say("The kinds: {kinds}.", kinds=", ".join(KINDS)),
        )
    length = made.default if length is None else length
    _check(made, length)
    bits = made.bits(length)
    note = made.note if bits < ENOUGH_BITS else ""
    return Generated(Secret(made.make(length)), kind, length, bits, note)


def _check(kind: Kind, length: int) -> None:
    if kind.shortest == kind.longest != length:
        raise UsageError(
            say(
                "{name} always has {longest} {unit}, not {length}.",
                name=kind.name,
                longest=kind.longest,
                unit=kind.unit,
                length=length,
            ),
            say("Leave the length out."),
        )
    if length < kind.shortest:
        raise UsageError(
            say("{length} {unit} are too few for {name}.", length=length, unit=kind.unit, name=kind.name),
            say("It has {shortest} or more.", shortest=kind.shortest),
        )
    if length > kind.longest:
        raise UsageError(
            say("{length} {unit} are too many for {name}.", length=length, unit=kind.unit, name=kind.name),
            say("It has {longest} at most.", longest=kind.longest),
        )
    if length % kind.step:
        raise UsageError(
            say("{name} has an even number of {unit}.", name=kind.name, unit=kind.unit),
            say("Take {length}.", length=length + 1),
        )
