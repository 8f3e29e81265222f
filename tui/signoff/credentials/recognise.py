"""Which variables hold secrets: by their names, and by the shape of their values."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from signoff.credentials.placeholders import words_of
from signoff.credentials.secret import Secret

_PASSWORD: Final = frozenset({"password", "passwd", "pass", "pwd", "passphrase", "pw"})
_SECRET: Final = _PASSWORD | words_of(
    "secret secrets token tokens key keys apikey credential credentials dsn salt pepper pat seed auth webhook"
)
_GLUED: Final = re.compile(r"(password|passwd|passphrase|pwd|secret|token|apikey|secretkey)$")

# A name that ends so tells something about a secret and is none: TOKEN_TTL, AWS_ACCESS_KEY_ID, KEY_FILE.
_ABOUT: Final = words_of(
    """
    age alg algorithm audience backend build checksum class commit cost count days digest dir directory
    email enabled encoding endpoint expiration expire expires expiry file fingerprint format hash header
    host hours id ids issuer len length lifetime limit location max md5 method min minutes mode name
    parallelism path policy port prefix public rate required revision rounds scheme seconds separator sha
    sha1 sha256 sha512 site size sock socket ttl type uri url user username uuid version
    """
)
_PUBLIC: Final = frozenset({"public", "publishable", "pub", "site", "gpg", "vapid_public"})

_SHELL_DIRECTORIES: Final = frozenset({"PWD", "OLDPWD"})
"""Where a shell is and was (POSIX.1-2024, cd): in every process's environment, and no password."""

_SWITCH: Final = words_of("true false yes no on off none null enabled disabled auto")
_EMAIL: Final = re.compile(r"[^@\s:/]+@[\w-]+(\.[\w-]+)+")
_PATH: Final = re.compile(
    r"(~|\.{1,2})?/(run|etc|var|usr|home|opt|srv|root|tmp|app|data|secrets|mnt|code|src)(/.*)?"
)
_HASH: Final = re.compile(
    r"\$(2[abxy]|argon2\w*|[156y]|scrypt)\$.+|(pbkdf2_|bcrypt|SCRAM-SHA-|sha(1|256|512):|\{SSHA).+"
)
_PUBLIC_KEY: Final = re.compile(
    r"(ssh-|ecdsa-|sk-ssh-)\S+ AAAA.*|-----BEGIN (PUBLIC KEY|CERTIFICATE)[\s\S]*|age1[a-z0-9]+"
)
_PUBLIC_VALUE: Final = re.compile(r"pk_(live|test)_\w+|AKIA[0-9A-Z]{16}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""An identifier mostly; a secret under a secret's name (SECRET_KEY, HEROKU_API_KEY)."""

# What providers and programs hand out, by its form.
_ISSUED: Final = re.compile(
    r"""
      (sk|rk)_(live|test)_\w{8,} | whsec_\S{8,}  # Stripe
    | sk-[\w-]{16,}  # OpenAI, Anthropic
    | gh[opsur]_\w{16,} | github_pat_\w{16,} | glpat-[\w-]{16,}  # GitHub, GitLab
    | xox[abeoprs]-[\w-]{8,} | xapp-[\w-]{8,}  # Slack
    | SG\.[\w-]{16,}\.[\w-]{16,} | key-[0-9a-f]{32}  # SendGrid, Mailgun
    | AIza[\w-]{30,} | ya29\.[\w-]{16,} | GOCSPX-[\w-]{16,}  # Google
    | npm_\w{16,} | pypi-[\w-]{16,} | dop_v1_\w{16,} | shp(at|ss)_\w{16,} | hf_\w{16,}
    | \d{8,10}:[\w-]{35}  # Telegram bot
    | eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*  # JWT
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY(\ BLOCK)?-----[\s\S]* | AGE-SECRET-KEY-1\w+
    """,
    re.VERBOSE,
)
_WEBHOOK: Final = re.compile(
    r"https://(hooks\.slack\.com|discord(app)?\.com/api/webhooks|[\w.-]+\.webhook\.office\.com)/.+"
)
_RANDOM: Final = re.compile(r"[A-Za-z0-9+/_=-]{32,}")


class Form(StrEnum):
    """What kind of secret a variable holds: what is asked of it depends on that."""

    KEY = "key"
    JWT = "jwt"
    DJANGO = "django"
    FERNET = "fernet"
    POSTGRES = "postgres"
    REDIS = "redis"
    PASSWORD = "password"  # noqa: S105 - a word, not a password
    ISSUED = "issued"
    """Given out by a provider, who chose its form."""


def words(name: str) -> tuple[str, ...]:
    """Return the words of a variable's name in small letters: ``jwtSecret_KEY`` is jwt, secret, key."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return tuple(word for word in re.split(r"[^A-Za-z0-9]+", spaced.casefold()) if word)


def named_secret(name: str) -> bool:
    """Tell whether a variable's name says that it holds a secret."""
    parts = words(name)
    if not parts or parts[-1] in _ABOUT:
        return False
    if parts[-1] in _PASSWORD or _GLUED.search(parts[-1]):
        return True
    if _PUBLIC.intersection(parts) or parts == ("sentry", "dsn"):
        return False
    if "auth" in parts[:-1] and not _SECRET.intersection(parts) - {"auth"}:
        return False
    return any(part in _SECRET or _GLUED.search(part) for part in parts)


def _named_password(name: str) -> bool:
    return bool(parts := words(name)) and (
        parts[-1] in _PASSWORD or parts[-1].endswith(("password", "passwd", "passphrase", "pwd"))
    )


URL_PARAMETERS: Final = (
    *("password", "passwd", "token", "access_token", "api_key", "apikey", "key", "secret", "sig"),
)
"""The parameters by which a URL can carry its secret; the first that is there counts."""


_REFERENCE: Final = re.compile(r"\$(\w+|\{\w+(?:(?::?-)(?P<default>.*)|:?[?+].*)?\})", re.DOTALL)


def url_password(value: Secret) -> Secret | None:
    """Return the password inside a URL or a libpq DSN, percent-decoded; None where there is none.

    A reference, ``postgresql://shop:${POSTGRES_PASSWORD}@db``, is none: the password stands elsewhere.
    """
    text = value.reveal()
    if "://" not in text:
        found = re.search(r"(?:^|\s)password\s*=\s*('(?:[^'\\]|\\.)*'|\S+)", text)
        return Secret(found[1].strip("'")) if found and "host" in text else None
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError:
        return None
    if password:
        reference = _REFERENCE.fullmatch(password)
        literal = (reference["default"] or "") if reference else password
        return Secret(unquote(literal)) if literal else None
    asked = {key.casefold(): given for key, given in parse_qsl(parts.query)}
    for key in URL_PARAMETERS:
        if asked.get(key):
            return Secret(asked[key])
    return None


def secret_like(name: str, value: Secret) -> bool:
    """Tell whether a variable holds a secret.

    Public keys, hashes, URLs without a password, switches, e-mail addresses, paths and what only tells
    something about a secret (``TOKEN_TTL``) are none, whatever they are called.
    """
    text = value.reveal().strip()
    if name in _SHELL_DIRECTORIES and text.startswith("/"):
        return False
    if _ISSUED.fullmatch(text) or _WEBHOOK.fullmatch(text) or url_password(value):
        return True
    if _named_password(name):
        return True
    if _public(text):
        return False
    return named_secret(name) or (not _UUID.fullmatch(text) and _random_looking(name, text))


def _public(text: str) -> bool:
    if text.casefold() in _SWITCH or re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return True
    shapes = (_EMAIL, _PATH, _HASH, _PUBLIC_KEY, _PUBLIC_VALUE)
    return any(shape.fullmatch(text) for shape in shapes)


def _random_looking(name: str, text: str) -> bool:
    # Under a name that says nothing. A file's or a commit's hash looks the same, and is told by its name.
    if not _RANDOM.fullmatch(text) or (_ABOUT | _PUBLIC).intersection(words(name)):
        return False
    return all(re.search(kind, text) for kind in ("[0-9]", "[A-Za-z]")) and len(set(text)) >= 10


def form_of(name: str, value: Secret) -> Form:
    """Return what kind of secret a secret-like variable holds."""
    if _ISSUED.fullmatch(value.reveal().strip()) or _WEBHOOK.fullmatch(value.reveal().strip()):
        return Form.ISSUED
    parts = frozenset(words(name))
    scheme = value.reveal().partition("://")[0].casefold() if url_password(value) else ""
    if scheme.startswith(("postgres", "pgsql")):
        return Form.POSTGRES
    if scheme.startswith(("redis", "rediss", "valkey")):
        return Form.REDIS
    if _named_password(name) or scheme:
        return _password_form(parts, "".join(words(name)))
    return _key_form(parts)


def _password_form(parts: frozenset[str], glued: str) -> Form:
    if parts & {"postgres", "postgresql", "pg", "db", "database"} or glued.startswith(("pg", "postgres")):
        return Form.POSTGRES
    return Form.REDIS if parts & {"redis", "valkey"} else Form.PASSWORD


_OWN: Final = words_of("jwt django signing encryption session cookie csrf app application salt pepper hmac")


def _key_form(parts: frozenset[str]) -> Form:
    if "jwt" in parts:
        return Form.JWT
    if "django" in parts:
        return Form.DJANGO
    if "fernet" in parts:
        return Form.FERNET
    if ("auth" in parts and "redis" in parts) or parts == {"rediscli", "auth"}:
        return Form.REDIS
    own = parts <= {"secret", "key", "secrets", "base"} or parts & _OWN
    return Form.KEY if own else Form.ISSUED
