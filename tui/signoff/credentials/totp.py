"""A second factor: a new seed, its label, and the check of what is typed (RFC 6238, RFC 4226).

SHA-1, six digits, thirty seconds: what every authenticator app expects; some ignore anything else that the
URI asks for, and then show codes that are never right. An enrolment is complete only when a code from the
new device has been typed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pyotp

from signoff.credentials.generate import generate
from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.message import Message, say
from signoff.text import inert

DIGITS: Final = 6
STEP_SECONDS: Final = 30
SEED_CHARACTERS: Final = 32
"""160 bits in base32: what RFC 4226, section 4, R6 recommends."""
LEAST_SEED_BITS: Final = 128
"""What RFC 4226, section 4, R6 requires."""
DRIFT_STEPS: Final = 1
"""RFC 6238, section 5.2 advises to accept one step of delay; a clock that is ahead is as common."""
LONGEST_URI: Final = 134
"""Bytes of a URI whose QR code still fits 80x24: version 6, error correction L (ISO/IEC 18004, table 7)."""

_FAR_STEPS: Final = 20  # how far off a clock is looked for, to say so; a code of then is not accepted
_GROUP: Final = 4
_BASE32: Final = re.compile(r"[A-Z2-7]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new second factor, not verified yet. ``account`` and ``issuer`` are what the app will show.

    They are shortened where the QR code would not fit a terminal; ``shortened`` tells.
    """

    secret: Secret
    """The seed, in base32: what the product keeps."""
    uri: Secret
    """What the QR code holds: ``otpauth://totp/...`` (the Key Uri Format that authenticator apps read)."""
    account: str
    issuer: str
    shortened: bool

    @property
    def text(self) -> Secret:
        """The seed in groups of four, for typing it in."""
        return grouped(self.secret)

    def known(self) -> Iterator[tuple[str, Secret]]:
        """Yield every form of the seed that could be written somewhere: for ``Redactor.know``."""
        for form in (self.secret, self.text, Secret(self.secret.reveal().lower()), self.uri):
            yield say("TOTP seed of {account}", account=self.account), form


def new(account: str, issuer: str) -> Enrolment:
    """Make a new seed for an account, and the URI that an authenticator app takes.

    Raise UsageError where account or issuer is empty, or holds a colon, which the format keeps for itself.
    """
    account, issuer = _name(account, "account"), _name(issuer, "issuer")
    seed = Secret(pyotp.random_base32(SEED_CHARACTERS))
    shown_issuer, shown_account, label = _label(account, issuer)
    uri = Secret(_uri(label, seed.reveal(), shown_issuer))
    shortened = (shown_account, shown_issuer) != (account, issuer)
    return Enrolment(seed, uri, shown_account, shown_issuer, shortened)


def _name(text: str, what: str) -> str:
    name = " ".join(inert(unicodedata.normalize("NFC", text)).split())
    if not name:
        raise UsageError(
            say("The {what} is empty.", what=what),
            say("Example: signoff totp new admin@shop.example --issuer Shop"),
        )
    if ":" in name:
        raise UsageError(
            say("The {what} holds a colon.", what=what),
            say("Authenticator apps read it as the end of the issuer; leave it out."),
        )
    return name


def _uri(label: str, seed: str, issuer: str) -> str:
    # Algorithm, digits and period are left out: they are what is taken for granted.
    return f"otpauth://totp/{label}?secret={seed}&issuer={quote(issuer, safe='')}"


def _label(account: str, issuer: str) -> tuple[str, str, str]:
    """Return issuer and account as they will be shown, and the label: as much as fits the QR code."""
    room = LONGEST_URI - len(_uri("", "A" * SEED_CHARACTERS, ""))
    issuer = _cut(issuer, room * 3 // 5)
    prefix, name = quote(issuer, safe=""), quote(account, safe="@")
    if len(f"{prefix}:{name}{prefix}") <= room:
        # Apps that look at nothing but the label tell two issuers' accounts of one name apart by this.
        return issuer, account, f"{prefix}:{name}"
    account = _cut(account, room - len(prefix))
    return issuer, account, quote(account, safe="@")


def _cut(text: str, most: int) -> str:
    """Return as much of a text's beginning as takes no more than ``most`` bytes when URL-quoted."""
    while len(quote(text, safe="@")) > most:
        text = text[:-1]
    return text.strip()


def grouped(seed: Secret) -> Secret:
    """Return a seed in groups of four characters."""
    text = seed.reveal()
    return Secret(" ".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP)))


def read_seed(typed: Secret) -> Secret:
    """Return the seed within what a person or a file gives: base32 in any grouping, or an otpauth URI.

    Raise UsageError, which never repeats what was given, where it is neither, where it is too short, or
    where the URI asks for other codes than SHA-1, six digits, thirty seconds.
    """
    text = unicodedata.normalize("NFKC", typed.reveal()).strip()
    if text.lower().startswith("otpauth:"):
        text = _from_uri(text)
    seed = re.sub(r"[\s=-]", "", text).upper()
    if not _BASE32.fullmatch(seed) or len(seed) * 5 % 8 > 4:
        raise UsageError(
            say("That is no TOTP seed."),
            say("A seed is base32, the letters A to Z and the digits 2 to 7; or a URI."),
        )
    bits = len(seed) * 5 // 8 * 8
    if bits < LEAST_SEED_BITS:
        raise UsageError(
            say(
                "That seed has {bits} bits; RFC 4226 requires {least_seed_bits}.",
                bits=bits,
                least_seed_bits=LEAST_SEED_BITS,
            ),
            say("Enrol anew: signoff totp new"),
        )
    return Secret(seed)


def _from_uri(text: str) -> str:
    try:
        parts = urlsplit(text)
        fields = parse_qs(parts.query, strict_parsing=True, max_num_fields=20)
    except ValueError:
        raise UsageError(say("That is no otpauth URI."), say("It begins with otpauth://totp/")) from None
    wanted = {"algorithm": {"SHA1"}, "digits": {str(DIGITS)}, "period": {str(STEP_SECONDS)}}
    given = {name: {value.upper() for value in values} for name, values in fields.items()}
    if parts.netloc.lower() != "totp" or any(
        given.get(name, usual) != usual for name, usual in wanted.items()
    ):
        raise UsageError(
            say("That URI is for other codes than TOTP with SHA-1, six digits and thirty seconds."),
            say("Many authenticator apps cannot show such codes; enrol anew: signoff totp new"),
        )
    if len(fields.get("secret", [])) != 1:
        raise UsageError(say("That URI does not have one seed."), say("It needs one field 'secret'."))
    return unquote(fields["secret"][0])


class Answer(StrEnum):
    """What there is to say of a typed code."""

    ACCEPTED = "accepted"
    MALFORMED = "malformed"
    """Not six digits."""
    USED = "used"
    """It was accepted before, or one that came after it was."""
    FAR = "far"
    """It is right for a time that is too far off."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a typed code was. ``drift`` is how many seconds the device's clock seems ahead of this one's."""

    answer: Answer
    drift: int = 0

    def __bool__(self) -> bool:
        return self.answer is Answer.ACCEPTED

    def words(self) -> Message:
        """Say it to the operator, in a sentence."""
        match self.answer:
            case Answer.ACCEPTED:
                return say("Accepted; {clock}.", clock=_clock(self.drift)) if self.drift else say("Accepted.")
            case Answer.MALFORMED:
                return say("A code is {digits} digits.", digits=DIGITS)
            case Answer.USED:
                return say("That code was used already; wait for the next one.")
            case Answer.FAR:
                return say(
                    "That code is right for another time: {clock}. Set them, then try again.",
                    clock=_clock(self.drift),
                )
            case Answer.WRONG:
                return say("That is not this key's code. Is it the newest entry in the app?")


def _clock(drift: int) -> str:
    size = abs(drift)
    length = f"{size} s" if size < 2 * 60 else say("{minutes} minutes", minutes=round(size / 60))
    if drift > 0:
        return say("the device's clock is about {length} ahead of this machine's", length=length)
    return say("the device's clock is about {length} behind this machine's", length=length)


class Verifier:
    """Takes typed codes for one seed, each at most once. ``last`` is the last time code accepted."""

    def __init__(self, seed: Secret, last: int | None = None) -> None:
        self._seed = seed
        self.last = last

    def check(self, typed: str, now: float | None = None) -> Checked:
        """Judge a typed code; ``now`` is Unix time in seconds, the clock's where None.

        Every code is compared in constant time, and all of the window always.
        """
        code = normalised(typed)
        if code is None:
            return Checked(Answer.MALFORMED)
        step = int(time.time() if now is None else now) // STEP_SECONDS
        found = self._offset(code, step)
        if found is None:
            return Checked(Answer.WRONG)
        if self.last is not None and step + found <= self.last:
            return Checked(Answer.USED)
        if abs(found) > DRIFT_STEPS:
            return Checked(Answer.FAR, found * STEP_SECONDS)
        self.last = step + found
        return Checked(Answer.ACCEPTED, found * STEP_SECONDS)

    def _offset(self, code: str, step: int) -> int | None:
        """Return how many steps off the code is right, the nearest where there are two; None if nowhere."""
        codes = pyotp.TOTP(self._seed.reveal())
        near = sorted(range(max(-_FAR_STEPS, -step), _FAR_STEPS + 1), key=abs)
        right = [hmac.compare_digest(codes.generate_otp(step + offset), code) for offset in near]
        return near[right.index(True)] if any(right) else None

    def __repr__(self) -> str:
        return "Verifier()"


def normalised(typed: str) -> str | None:
    """Return the six digits that were meant: without spaces and hyphens, full-width digits as plain ones."""
    text = re.sub(r"[\s\-\u00b7]", "", unicodedata.normalize("NFKC", typed))
    return text if len(text) == DIGITS and text.isascii() and text.isdigit() else None


def recovery_codes(count: int = 10) -> tuple[Secret, ...]:
    """Return one-time codes of 120 bits each, for the day when the device is lost. Nothing keeps them."""
    return tuple(Secret(line) for line in generate("recovery-codes", count).value.reveal().splitlines())


def recovery_hash(code: Secret) -> str:
    """Return what a product may keep of a recovery code: SHA-256 of it, in hex, hyphens left out.

    A slow, salted hash (bcrypt, Argon2) is for what can be guessed. From 112 bits on an approved hash is
    enough (OWASP ASVS 5.0.0, 6.5.2; NIST SP 800-63B-4, 3.1.2.2): nobody tries 2^120 codes.
    """
    text = unicodedata.normalize("NFKC", code.reveal())
    return hashlib.sha256(re.sub(r"[\s-]", "", text).upper().encode()).hexdigest()
