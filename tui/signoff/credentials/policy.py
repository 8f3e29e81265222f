"""How a variable gets a new value: what fits its name and its present value, and what the change entails.

What signs, and what opens the project's own stores, is generated. What somebody else has issued, what opens
an account elsewhere, and what must have a form that only its own program knows, is made there and pasted: to
make one up would lock the product out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from signoff.credentials.generate import KINDS, Generated, generate
from signoff.credentials.placeholders import words_of
from signoff.credentials.recognise import Form, form_of, url_password, words
from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.message import Message, say


@dataclass(frozen=True, slots=True)
class Policy:
    """How a secret is renewed.

    ``kind`` and ``length`` are for `generate`; without a kind the value is pasted. ``entails`` says what the
    change brings about, ``orphans`` whether data is lost by it.
    """

    id: str
    title: Message
    kind: str
    entails: Message
    orphans: bool = False
    length: int | None = None

    @property
    def pasted(self) -> bool:
        """Whether the value comes from elsewhere: a provider, or the program that uses it."""
        return not self.kind


_SESSIONS: Final = say(
    "Everybody is logged out, and links for password resets that are under way become void."
)
_LOST: Final = say(
    "What was encrypted with the old value can no longer be read: re-encrypt it first, or let the program"
    " know both keys."
)
_STORE: Final = (
    "{store} gets it first. For the seconds until the services have started anew, their new connections are "
    "refused."
)

DJANGO: Final = Policy("django", say("Django's SECRET_KEY"), "django", _SESSIONS)
JWT: Final = Policy(
    "jwt", say("a key that signs tokens"), "jwt", say("All tokens issued so far become void.")
)
KEY: Final = Policy("key", say("a key"), "key", _SESSIONS)
FERNET: Final = Policy("fernet", say("a Fernet key"), "fernet", _LOST, orphans=True)
ENCRYPTION: Final = Policy("encryption", say("an encryption key"), "hex", _LOST, orphans=True)
FOREIGN: Final = Policy(
    "foreign",
    say("a key whose form only its own program knows"),
    "",
    say("Make it with that program's own command, then paste it here. {lost}", lost=_LOST),
    orphans=True,
)
PEPPER: Final = Policy(
    "pepper",
    say("a salt or pepper"),
    "key",
    say("What was hashed with it, passwords above all, can no longer be verified."),
    orphans=True,
)
POSTGRES: Final = Policy(
    "postgres", say("the password of a PostgreSQL role"), "postgres", say(_STORE, store=say("The role"))
)
REDIS: Final = Policy("redis", say("the password of a Redis"), "redis", say(_STORE, store="Redis"))
SMTP: Final = Policy(
    "smtp",
    say("the password of a mail account"),
    "",
    say("Change it at the mail provider, then paste it here; it is tried before it is stored."),
)
ISSUED: Final = Policy(
    "issued",
    say("a provider's credential"),
    "",
    say(
        "Have the provider issue a new one, paste it here, and revoke the old one once the "
        "product runs with it."
    ),
)
ACCOUNT: Final = Policy(
    "account",
    say("the password of an account elsewhere"),
    "",
    say("Change it where the account is, then paste it here: the file alone would lock the product out."),
)

MAIL: Final = words_of("smtp mail email imap mailer")
_OTHER_STORES: Final = words_of("mysql mariadb mongo mongodb mssql oracle clickhouse cassandra")
_ENCRYPTS: Final = words_of("encryption encrypt encrypted crypto cipher aes master")
_HASHES: Final = words_of("salt pepper")

_FERNET_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}=")
_HEX_SHAPE: Final = re.compile(r"(?:[0-9a-f]{2}){16,}|(?:[0-9A-F]{2}){16,}")
_LEAST_HEX: Final = 64
_HS512_BYTES: Final = 64  # RFC 7518, section 3.2
_HS512_LENGTH: Final = 86  # characters of the safe alphabet that hold 512 bits

_GENERATED: Final = {Form.DJANGO: DJANGO, Form.JWT: JWT, Form.KEY: KEY, Form.FERNET: FERNET}


def policy_for(name: str, value: Secret) -> Policy:
    """Return the policy for a variable, by its name and by the shape of its present value."""
    form, parts, text = form_of(name, value), frozenset(words(name)), value.reveal().strip()
    if url_password(value) or form in {Form.POSTGRES, Form.REDIS, Form.PASSWORD}:
        return _login(form, parts, text)
    if "PRIVATE KEY" in text:
        return ISSUED  # one half of a pair: the other lies elsewhere
    if _ENCRYPTS & parts or text.startswith("base64:"):
        return _encrypting(text)
    if form not in _GENERATED:
        return ISSUED
    if form is Form.FERNET or _FERNET_SHAPE.fullmatch(text):
        return FERNET
    return _shaped(PEPPER if _HASHES & parts else _GENERATED[form], text)


def _login(form: Form, parts: frozenset[str], text: str) -> Policy:
    scheme = text.partition("://")[0].casefold() if "://" in text else ""
    if MAIL & parts or scheme.startswith("smtp"):
        return SMTP
    if form is Form.REDIS:
        return REDIS
    if form is Form.POSTGRES and not _OTHER_STORES & parts:
        return POSTGRES if not scheme or scheme.startswith(("postgres", "pgsql")) else ACCOUNT
    return ISSUED if form is Form.ISSUED else ACCOUNT


def _encrypting(text: str) -> Policy:
    """Return the policy for a key that encrypts: a cipher wants it in one form, and of one length."""
    if _FERNET_SHAPE.fullmatch(text):
        return FERNET
    if _HEX_SHAPE.fullmatch(text) and len(text) <= KINDS["hex"].longest:
        return replace(ENCRYPTION, length=len(text))
    return FOREIGN


def _shaped(policy: Policy, text: str) -> Policy:
    """Return the policy with the present value's form and length where a program may depend on them."""
    if _HEX_SHAPE.fullmatch(text):
        return replace(policy, kind="hex", length=min(max(len(text), _LEAST_HEX), KINDS["hex"].longest))
    if policy is JWT and len(text.encode("utf-8", "surrogateescape")) >= _HS512_BYTES:
        return replace(policy, length=_HS512_LENGTH)
    return policy


def make(policy: Policy) -> Generated:
    """Make a new value. Raises UsageError for a value that is pasted."""
    if policy.pasted:
        raise UsageError(say("This is {title}: it cannot be made here.", title=policy.title), policy.entails)
    return generate(policy.kind, policy.length)
