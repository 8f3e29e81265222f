"""PostgreSQL's stored passwords, computed here: the server, its log and the way to it never see the text.

``SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`` (RFC 5802, section 3; RFC 7677; PostgreSQL's
src/common/scram-common.c). PostgreSQL takes a ``PASSWORD`` of this form as it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata
from typing import Final

from signoff.credentials.secret import Secret

ITERATIONS: Final = 4096
"""RFC 7677, section 4 asks for at least that many; it is PostgreSQL's own number."""

_SALT_BYTES: Final = 16  # SCRAM_DEFAULT_SALT_LEN
_FORM: Final = re.compile(r"SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")

# RFC 4013, section 2.3.
_PROHIBITED: Final = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,  # unassigned, for a stored string
)


def verifier(password: Secret, *, iterations: int = ITERATIONS, salt: bytes | None = None) -> Secret:
    """Return what PostgreSQL stores of a password. It is secret too: it can be guessed at offline."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    stored, server = _keys(password, salt, iterations)
    parts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return Secret("SCRAM-SHA-256${}:{}${}:{}".format(iterations, *parts))


def accepts(stored: Secret, role: str, password: Secret) -> bool | None:
    """Tell whether a stored password is this one; None where it is of a form that is not known.

    The older form, ``md5`` and the MD5 of password and role, is known too. No stored password accepts none.
    """
    text = stored.reveal()
    if not text:
        return False
    if re.fullmatch(r"md5[0-9a-f]{32}", text):
        old = hashlib.md5(_bytes(password.reveal()) + role.encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(text[3:], old)
    parts = _FORM.fullmatch(text)
    if not parts:
        return None
    key, _ = _keys(password, base64.b64decode(parts[2]), int(parts[1]))
    return hmac.compare_digest(base64.b64decode(parts[3]), key)


def _keys(password: Secret, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """Return StoredKey and ServerKey (RFC 5802, section 3)."""
    salted = hashlib.pbkdf2_hmac("sha256", prepared(password), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")


def prepared(password: Secret) -> bytes:
    """Return a password as SCRAM hashes it: by SASLprep (RFC 4013), and as it is where that refuses it.

    The latter is PostgreSQL's rule, for passwords that are no Unicode text (src/common/saslprep.c).
    """
    text = password.reveal()
    if text.isascii():
        return text.encode()
    try:
        text.encode()
    except UnicodeEncodeError:
        return _bytes(text)
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    normal = unicodedata.normalize("NFKC", mapped)
    return (normal if normal and _allowed(normal) else text).encode()


def _allowed(text: str) -> bool:
    if any(prohibited(c) for prohibited in _PROHIBITED for c in text):
        return False
    # RFC 3454, section 6: right-to-left text stands alone, and begins and ends as such.
    if any(map(stringprep.in_table_d1, text)):
        return not any(map(stringprep.in_table_d2, text)) and all(
            stringprep.in_table_d1(text[edge]) for edge in (0, -1)
        )
    return True


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
