"""No line with a live secret passes, in whatever form; ordinary lines do."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import msgspec
import pytest

from signoff.credentials.generate import generate
from signoff.credentials.redact import LeakError, Redactor, find_secrets, is_live
from signoff.credentials.secret import Secret

# A value with everything that encodings treat in their own ways.
AWKWARD = "pä$s 'w\"ord/+%&<9>\\Z~x7"
PLAIN = generate("key").value.reveal()


def redactor(value: str, name: str = "SMTP_PASSWORD") -> Redactor:
    made = Redactor()
    made.know([(name, Secret(value))])
    return made


def journal_line(text: str) -> bytes:
    """As the journal writes it: ASCII JSON, sorted keys, no spaces."""
    return json.dumps({"observed": text, "type": "findings"}, sort_keys=True, separators=(",", ":")).encode()


def base64_within(prefix: str, value: str) -> str:
    return base64.b64encode(f"{prefix}{value}:tail".encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "raw": lambda v: v,
    "url": lambda v: quote(v, safe=""),
    "url, small": lambda v: re.sub("%..", lambda found: found[0].lower(), quote(v, safe="")),
    "url path": quote,
    "shell": shlex.quote,
    "shell, backslash": lambda v: v.replace("'", "'\\''"),
    "hex": lambda v: v.encode().hex(),
    "HEX": lambda v: v.encode().hex().upper(),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "base64url": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
    "base64, shifted by 1": lambda v: base64_within("x", v),
    "base64, shifted by 2": lambda v: base64_within("xy", v),
    "basic auth": lambda v: base64_within("deploy:", v),
    "JSON": json.dumps,
    "JSON within JSON": lambda v: json.dumps(json.dumps({"Env": [f"A={v}"]})),
    "JSON, not ASCII": lambda v: json.dumps(v, ensure_ascii=False),
    "python": repr,
    "html": lambda v: v.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [AWKWARD, PLAIN], ids=["awkward", "plain"])
def test_every_form_is_refused(form: str, value: str) -> None:
    guard = redactor(value)
    text = f"before {FORMS[form](value)} after"
    for line in (text.encode(), journal_line(text)):
        with pytest.raises(LeakError) as refused:
            guard.refuse(line)
        assert "SMTP_PASSWORD" in str(refused.value)
        assert value not in str(refused.value)


def test_what_bash_quotes_is_refused() -> None:
    """The shell's own quoting, asked from the shell."""
    ran = subprocess.run(["bash", "-c", 'printf %q "$V"'], env={"V": PLAIN}, capture_output=True, check=True)
    with pytest.raises(LeakError):
        redactor(PLAIN).refuse(journal_line(ran.stdout.decode()))


@pytest.mark.parametrize("cut", [slice(0, 22), slice(-22, None)])
def test_a_cut_off_secret_is_refused(cut: slice) -> None:
    with pytest.raises(LeakError):
        redactor(PLAIN).refuse(journal_line(f"KEY={PLAIN[cut]}…"))


def test_a_line_of_a_private_key_is_refused_but_not_its_frame() -> None:
    body = [generate("key", 64).value.reveal() for _ in range(3)]
    pem = "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *body, "-----END OPENSSH PRIVATE KEY-----"])
    guard = redactor(pem)
    guard.refuse(b"-----BEGIN OPENSSH PRIVATE KEY----- was found in /srv/shop/id")
    with pytest.raises(LeakError):
        guard.refuse(body[1].encode())


@pytest.mark.parametrize("written", ["p%40ss-W0rdZebra7", "p@ss-W0rdZebra7"])
def test_of_a_url_the_password_is_refused_and_nothing_else(written: str) -> None:
    guard = redactor("postgresql://shop:p%40ss-W0rdZebra7@db:5432/shop", "DATABASE_URL")
    guard.refuse(journal_line("postgresql://shop:••••••••@db:5432/shop; user shop, host db"))
    with pytest.raises(LeakError):
        guard.refuse(journal_line(f"password {written} failed"))


@pytest.mark.parametrize(
    "value",
    [
        "postgres",
        "changeme",
        "redis",
        "PostgreSQL",
        "P@ssw0rd",
        "short1!",
        "",
        "12345678",
        "aaaaaaaaaaaaaaaa",
    ],
)
def test_everybodys_words_are_not_live(value: str) -> None:
    assert not is_live(Secret(value))
    redactor(value).refuse(journal_line(f"postgres listens; the password is not changeme; {value}"))


@pytest.mark.parametrize("value", ["tr0ub4dor", "Kx9-mQ2z", "deploy-shop-2024"])
def test_a_weak_value_is_still_a_secret(value: str) -> None:
    assert is_live(Secret(value))


def test_ordinary_lines_pass() -> None:
    guard = Redactor()
    guard.know((name, generate("key").value) for name in map(str, range(50)))
    guard.refuse(
        journal_line("sshd: PasswordAuthentication no; SHA256:4mQ0f3e8m2k1n5b7v9c3x6z8l0j2h4g6f8d0s2a4q6w")
    )


class Unit(msgspec.Struct):
    name: str
    environment: dict[str, Secret]


@dataclass
class Nested:
    units: tuple[Unit, ...]
    login_password: Secret
    count: int = 3


def test_secrets_are_found_within_a_parsed_fact() -> None:
    environment = {
        "SECRET_KEY": Secret(PLAIN),
        "PATH": Secret("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"),
        "LANG": Secret("C.UTF-8"),
        "PYTHON_SHA256": Secret("9a1f" * 16),
        "DATABASE_URL": Secret("postgres://u:Zebra-7-oak-Tr@db/x"),
    }
    fact = {"shop": [Nested((Unit("shop.service", environment),), Secret("hunter2-and-more"))]}
    assert {name for name, _ in find_secrets(fact)} == {"SECRET_KEY", "DATABASE_URL", "login_password"}


def test_many_threads_may_teach_and_ask() -> None:
    guard = Redactor()
    values = [generate("key").value for _ in range(40)]

    def teach(mine: list[Secret]) -> None:
        for value in mine:
            guard.know([("KEY", value)])
            guard.refuse(b"an ordinary line")

    threads = [threading.Thread(target=teach, args=(values[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for value in values:
        with pytest.raises(LeakError):
            guard.refuse(value.reveal().encode())


def test_it_does_not_print_what_it_knows() -> None:
    assert PLAIN not in repr(redactor(PLAIN))
