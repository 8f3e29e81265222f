"""Trying a mail password, on a real mail server (aiosmtpd) with a certificate of its own."""

from __future__ import annotations

from asyncio import Server
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_connection, create_server
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Event
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from signoff.actions.base import ActionError, LastingError
from signoff.actions.smtp import MailLogin, TriedMailPassword, mail_login
from signoff.credentials.secret import Secret
from signoff.errors import UsageError

RIGHT = Secret("the-right-mail-password")
WRONG = Secret("a-wrong-mail-password")


class Mail(Controller):
    """A mail server on loopback. ``seen`` are the passwords that reached it."""

    def __init__(self, tls: SSLContext | None, *, implicit: bool, refusal: str = "") -> None:
        self.seen: list[str] = []
        self._tls, self._refusal = tls, refusal
        super().__init__(object(), hostname="127.0.0.1", port=0, ssl_context=tls if implicit else None)

    def factory(self) -> SMTP:
        """Return what serves one client."""
        starttls = None if self.ssl_context else self._tls
        return SMTP(
            self.handler,
            tls_context=starttls,
            authenticator=self._authenticate,
            auth_require_tls=self.ssl_context is None,
        )

    def _authenticate(self, *given: Any) -> AuthResult:
        data = given[-1]
        assert isinstance(data, LoginPassword)
        self.seen.append(data.password.decode())
        if data.password.decode() == RIGHT.reveal():
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=self._refusal or None)

    def _trigger_server(self) -> None:
        """Connect to the port that it was given: Controller would connect to 0, which it asked for."""
        create_connection(("127.0.0.1", self.address)).close()

    @property
    def address(self) -> int:
        """The port."""
        assert isinstance(self.server, Server)
        port: int = self.server.sockets[0].getsockname()[1]
        return port


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who issues the certificates."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine trust the authority, and nobody else."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


Start = Callable[..., Mail]


@pytest.fixture
def start(authority: trustme.CA) -> Iterator[Start]:
    """Start a mail server: ``start(implicit=True)``, for another name, or without TLS."""
    servers: list[Mail] = []

    def start_(
        *, implicit: bool = False, name: str = "127.0.0.1", tls: bool = True, refusal: str = ""
    ) -> Mail:
        context = None
        if tls:
            context = SSLContext(PROTOCOL_TLS_SERVER)
            authority.issue_cert(name).configure_cert(context)
        servers.append(Mail(context, implicit=implicit, refusal=refusal))
        servers[-1].start()
        return servers[-1]

    yield start_
    for server in servers:
        server.stop()


def tried(server: Mail, password: Secret, *, implicit: bool = False) -> list[str]:
    """Try a password; return what was said."""
    said: list[str] = []
    login = MailLogin("127.0.0.1", server.address, "shop@shop.example", implicit)
    TriedMailPassword(login, password, local=True).prepare(said.append)
    return said


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "TLS"])
def test_the_right_password_is_taken_and_a_wrong_one_refused(start: Start, implicit: bool) -> None:
    server = start(implicit=implicit)
    assert tried(server, RIGHT, implicit=implicit)[-1].endswith("the new password is taken.")
    with pytest.raises(LastingError, match="refused the password") as refused:
        tried(server, WRONG, implicit=implicit)
    assert set(server.seen) == {RIGHT.reveal(), WRONG.reveal()}
    assert WRONG.reveal() not in str(refused.value)


@pytest.mark.usefixtures("trusted")
def test_what_the_server_says_is_inert(start: Start) -> None:
    server = start(refusal="535 5.7.8 no \x1b]0;title\x07[red]way[/]")
    with pytest.raises(LastingError) as refused:
        tried(server, WRONG)
    assert "\x1b" not in str(refused.value)
    assert "5.7.8 no" in str(refused.value)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "TLS"])
def test_a_certificate_for_another_host_gets_no_password(start: Start, implicit: bool) -> None:
    server = start(implicit=implicit, name="mail.elsewhere.example")
    with pytest.raises(LastingError, match="is not to be trusted"):
        tried(server, RIGHT, implicit=implicit)
    assert server.seen == []


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "TLS"])
def test_an_unknown_authority_gets_no_password(start: Start, implicit: bool) -> None:
    server = start(implicit=implicit)
    with pytest.raises(LastingError, match="is not to be trusted"):
        tried(server, RIGHT, implicit=implicit)
    assert server.seen == []


@pytest.mark.usefixtures("trusted")
def test_without_tls_no_password_is_sent(start: Start) -> None:
    server = start(tls=False)
    with pytest.raises(LastingError, match="STARTTLS"):
        tried(server, RIGHT)
    with pytest.raises(ActionError, match="could not be asked"):
        tried(server, RIGHT, implicit=True)
    assert server.seen == []


def test_nobody_there() -> None:
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    login = MailLogin("127.0.0.1", port, "shop", implicit=False)
    with pytest.raises(ActionError, match="could not be asked"):
        TriedMailPassword(login, RIGHT, local=True).prepare(lambda _: None)


def test_the_loopback_of_a_server_elsewhere_is_not_ours() -> None:
    login = MailLogin("localhost", 25, "shop", implicit=False)
    with pytest.raises(LastingError, match="the target's own"):
        TriedMailPassword(login, RIGHT, local=False).prepare(lambda _: None)


@pytest.mark.parametrize(
    ("beside", "login"),
    [
        (
            {"SMTP_HOST": "mail.shop.example", "SMTP_USER": "shop"},
            MailLogin("mail.shop.example", 587, "shop", implicit=False),
        ),
        (
            {"EMAIL_HOST": "mail.shop.example", "EMAIL_HOST_USER": "shop", "EMAIL_PORT": "465"},
            MailLogin("mail.shop.example", 465, "shop", implicit=True),
        ),
        (
            {"MAIL_SERVER": "mail.shop.example", "MAIL_USERNAME": "shop", "MAIL_USE_SSL": "True"},
            MailLogin("mail.shop.example", 465, "shop", implicit=True),
        ),
        (
            {"MAIL_SERVER": "m.example", "MAIL_USERNAME": "s", "MAIL_PORT": "2525", "MAIL_USE_TLS": "1"},
            MailLogin("m.example", 2525, "s", implicit=False),
        ),
    ],
)
def test_where_a_password_logs_in_stands_beside_it(beside: dict[str, str], login: MailLogin) -> None:
    variables = {name: Secret(value) for name, value in beside.items()}
    assert mail_login("SMTP_PASSWORD", RIGHT, variables) == login


def test_within_a_url() -> None:
    url = Secret("smtps://shop%40shop.example:secret-of-the-mail@mail.shop.example")
    login = MailLogin("mail.shop.example", 465, "shop@shop.example", implicit=True)
    assert mail_login("MAILER_DSN", url, {}) == login


@pytest.mark.parametrize(
    ("beside", "missing"),
    [({"SMTP_USER": "shop"}, "the mail server"), ({"SMTP_HOST": "mail.shop.example"}, "whom it logs in as")],
)
def test_what_is_missing_is_said(beside: dict[str, str], missing: str) -> None:
    with pytest.raises(UsageError, match=missing):
        mail_login("SMTP_PASSWORD", RIGHT, {name: Secret(value) for name, value in beside.items()})


def test_it_changes_nothing() -> None:
    action = TriedMailPassword(MailLogin("mail.shop.example", 587, "shop", implicit=False), RIGHT, local=True)
    for step in (action.check, action.undo):
        step(lambda said: pytest.fail(said))
    action.run(lambda said: pytest.fail(said), Event())
    assert action.digests == {}
    assert RIGHT.reveal() not in " ".join(action.preview)
