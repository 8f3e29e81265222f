"""How good the secrets are that are there already. A rating holds no value.

In this order, for zxcvbn alone is the wrong judge (it knows no ``postgres``, and gives
``your-secret-key-here`` its best score): placeholders and defaults; test keys; length times alphabet, less
what a dictionary takes off. Passwords inside URLs are rated, percent-decoded.

What is asked of each form:

keys       32 bytes (RFC 7518, 3.2, for HS256) and 128 bits (ASVS 5.0.0, 11.5.1)
databases  16 characters of four classes, or 128 bits without: 64 random hex digits are no weaker for it
passwords  15 characters (NIST SP 800-63B-4, 3.1.1.2) and 64 bits
issued     16 characters and 64 bits; the provider chose the form
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from signoff.credentials.generate import ENOUGH_BITS, has_all_classes
from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.recognise import Form, form_of, secret_like, url_password, words
from signoff.credentials.secret import Secret
from signoff.credentials.strength import guessing_bits, spelled_out
from signoff.message import say

_KEYS: Final = frozenset({Form.KEY, Form.JWT, Form.DJANGO})
_DATABASES: Final = frozenset({Form.POSTGRES, Form.REDIS})
_MAIL: Final = frozenset({"smtp", "mail", "email", "imap"})
_TEST_KEY: Final = re.compile(
    r"(sk|pk|rk|rzp)_test_.*|(sk|pk)_sbox_.*|whsec_test.*|TEST-[\w-]{16,}|FLW(SECK|PUBK)_TEST-.*"
    r"|test_[A-Za-z0-9]{16,}|test_(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{24,}|SB-Mid-.*|xnd_\w*development_.*"
    r"|sandbox[-_].*|.*[-_]sandbox[-_].*"
    # What the makers of captchas publish for tests: every answer is right.
    r"|6LeIxAcTAAAAA(JcZVRqyHh71UMIEGNQ_MXjiZKhI|GG-vFI1TnRWxMZNFuojJ4WifJWe)|[123]x0{20,}[A-F]{2}|0x0{40}"
    # Catchers of mail: nobody gets it.
    r"|(sandbox\.)?smtp\.mailtrap\.io|smtp\.ethereal\.email|mailhog|mailpit",
    re.DOTALL,
)
_SANDBOX_URL: Final = re.compile(
    r"\w+://([\w.-]*[.-])?(sandbox|test-api|api-test|testmode)[.-].*", re.IGNORECASE
)

_MISSING_CLASS: Final = 8
"""A random value of 128 bits may lack a class of characters by chance; its bits are then seen as fewer."""


class Verdict(StrEnum):
    """What a secret is worth."""

    STRONG = "strong"
    WEAK = "weak"
    SHORT = "too short"
    DEFAULT = "a default or placeholder"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Rating:
    """A variable's rating. ``length`` is in characters; ``bits`` estimates the guesses it takes."""

    name: str
    form: Form
    length: int
    bits: int
    verdict: Verdict
    reasons: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether the operator makes it, so that it must be there; a provider's may be unused."""
        return self.form is not Form.ISSUED and self.form is not Form.PASSWORD


def rate(name: str, value: Secret, context: Iterable[str] = ()) -> Rating:
    """Rate one secret. ``context`` are words that an attacker would try: host, project, user names."""
    form = form_of(name, value)
    inner = url_password(value)
    judged = inner if inner is not None else value
    hints = _hints(name, context)
    verdict, reason = _verdict(form, judged, hints)
    return Rating(
        name=name,
        form=form,
        length=len(judged),
        bits=int(guessing_bits(judged, hints)) if judged else 0,
        verdict=verdict,
        reasons=(reason,) if reason else (),
    )


def reused(variables: Mapping[str, Secret]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of names that share one secret, a URL's password counting as its value.

    One account's password told twice is no reuse: ``DATABASE_URL`` and ``POSTGRES_PASSWORD``, two names of
    the mail account, two names of one provider's key.
    """
    by_value: dict[Secret, list[str]] = defaultdict(list)
    for name, value in variables.items():
        if value and secret_like(name, value):
            by_value[url_password(value) or value].append(name)
    return tuple(
        tuple(names)
        for names in by_value.values()
        if len({_account(name, variables[name]) for name in names}) > 1
    )


def _account(name: str, value: Secret) -> str:
    form, parts = form_of(name, value), words(name)
    if form in _DATABASES:
        return form.value
    if _MAIL.intersection(parts) or value.reveal().startswith("smtp"):
        return "mail"
    return parts[0] if form is Form.ISSUED and parts else name


def provider_test_keys(variables: Mapping[str, Secret]) -> tuple[str, ...]:
    """Return the names of the variables that hold a provider's test key, or point to or turn on a sandbox."""
    return tuple(
        name
        for name, value in variables.items()
        if _TEST_KEY.fullmatch(value.reveal().strip())
        or _SANDBOX_URL.fullmatch(value.reveal().strip())
        or _test_mode(words(name), value.reveal().strip().casefold())
    )


def _test_mode(name: tuple[str, ...], text: str) -> bool:
    """Tell whether a switch turns a provider's test mode on: PAYPAL_MODE=sandbox, PAYMENTS_TEST_MODE=1."""
    if text in {"1", "true", "yes", "on"}:
        return name[-1:] == ("sandbox",) or name[-2:] in {("test", "mode"), ("sandbox", "mode")}
    return (text == "sandbox" and name[-1:] in {("mode",), ("env",), ("environment",)}) or (
        text == "test" and len(name) > 1 and name[-1:] == ("mode",)
    )


def _hints(name: str, context: Iterable[str]) -> tuple[str, ...]:
    found = {word for text in (name, *context) for word in (*words(text), text.casefold()) if len(word) > 2}
    return tuple(sorted(found))


def _verdict(form: Form, value: Secret, hints: tuple[str, ...]) -> tuple[Verdict, str]:
    if not value:
        return Verdict.EMPTY, say("empty")
    texts = [one.reveal() for one in (value, spelled_out(value)) if one]
    if any(is_placeholder(text, hints) for text in texts):
        return Verdict.DEFAULT, say("a default, a placeholder, or common words only")
    bits = guessing_bits(value, hints)
    if form in _KEYS:
        return _least(len(value.reveal().encode("utf-8", "surrogateescape")), bits, 32, ENOUGH_BITS)
    if form is Form.FERNET:
        exact = re.fullmatch(r"[A-Za-z0-9_-]{43}=", value.reveal())
        return (
            _least(44, bits, 44, ENOUGH_BITS)
            if exact
            else (Verdict.WEAK, say("no Fernet key: 32 bytes in base64url"))
        )
    if form in _DATABASES:
        return _database(value, bits)
    return _least(len(value), bits, 15 if form is Form.PASSWORD else 16, 64)


def _least(length: int, bits: float, shortest: int, fewest: int) -> tuple[Verdict, str]:
    if length < shortest:
        return Verdict.SHORT, say(
            "{length} characters, {shortest} are asked", length=length, shortest=shortest
        )
    if bits < fewest:
        return Verdict.WEAK, say("about {bits} bits, {fewest} are asked", bits=int(bits), fewest=fewest)
    return Verdict.STRONG, ""


def _database(value: Secret, bits: float) -> tuple[Verdict, str]:
    if len(value) < 16:
        return Verdict.SHORT, say("{count} characters, 16 are asked", count=len(value))
    if bits >= ENOUGH_BITS - _MISSING_CLASS or (has_all_classes(value) and bits >= 64):
        return Verdict.STRONG, ""
    if not has_all_classes(value):
        return Verdict.WEAK, say(
            "about {bits} bits, and not of all four classes of characters", bits=int(bits)
        )
    return Verdict.WEAK, say("about {bits} bits, 64 are asked", bits=int(bits))
