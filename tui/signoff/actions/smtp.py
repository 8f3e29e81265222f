"""A mail account's password, tried before it is stored: SMTP AUTH (RFC 4954), over TLS and no other way."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import ClassVar, Final
from urllib.parse import urlsplit

from signoff.actions.base import ActionError, LastingError, Tell
from signoff.credentials.dsn import account
from signoff.credentials.policy import MAIL
from signoff.credentials.recognise import url_password, words
from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.message import say
from signoff.text import one_line

TIMEOUT: Final = 15.0
"""Seconds for each answer of the mail server."""

_SUBMISSIONS: Final = 465  # implicit TLS, RFC 8314, section 3.3
_SUBMISSION: Final = 587
_ON: Final = frozenset({"1", "true", "yes", "on"})
_LOOPBACK: Final = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")


@dataclass(frozen=True, slots=True)
class MailLogin:
    """Whom a mail password logs in as, and where. ``implicit``: TLS from the first byte, else STARTTLS."""

    host: str
    port: int
    user: str
    implicit: bool

    @property
    def subject(self) -> str:
        """The account."""
        return say(
            "mail account {user} at {host}", user=one_line(self.user, 80), host=one_line(self.host, 80)
        )

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return (
            say(
                "log in as {subject}, port {port}, over TLS, before anything is stored",
                subject=self.subject,
                port=self.port,
            ),
        )


def mail_login(name: str, value: Secret, variables: Mapping[str, Secret]) -> MailLogin:
    """Return the login of a mail password, by its URL or by the variables beside it. Raises UsageError."""
    known = account(value) if url_password(value) else None
    if known is not None:
        implicit = urlsplit(value.reveal()).scheme.casefold() in {
            "smtps",
            "smtp+ssl",
            "smtp-ssl",
            "submissions",
        }
        host, port, user = known.host, known.port, known.user
    else:
        mail = {
            words(other): text.reveal()
            for other, text in variables.items()
            if MAIL.intersection(words(other))
        }
        implicit = any(one[-1] in {"ssl", "smtps"} and text.casefold() in _ON for one, text in mail.items())
        host = _field(mail, ("host", "server", "hostname", "relay"))
        user = _field(mail, ("user", "username", "login"))
        port_text = _field(mail, ("port",))
        port = int(port_text) if port_text.isdecimal() else 0
    if not host or not user:
        missing = say("the mail server") if not host else say("whom it logs in as")
        raise UsageError(
            say(
                "{name}: {missing} is not named beside it, so that it cannot be tried.",
                name=name,
                missing=missing,
            )
        )
    implicit = implicit or port == _SUBMISSIONS
    return MailLogin(host, port or (_SUBMISSIONS if implicit else _SUBMISSION), user, implicit)


def _field(mail: Mapping[tuple[str, ...], str], endings: tuple[str, ...]) -> str:
    return next((text for ending in endings for one, text in mail.items() if one[-1] == ending and text), "")


def try_login(login: MailLogin, password: Secret) -> None:
    """Log in and out again. Raises ActionError with the server's own reason; the certificate is verified."""
    where = f"{one_line(login.host, 80)}:{login.port}"
    context = ssl.create_default_context()
    try:
        with _connected(login, context) as server:
            if not login.implicit:
                server.starttls(context=context)
            server.login(login.user, password.reveal())
    except smtplib.SMTPAuthenticationError as refusal:
        said = one_line(refusal.smtp_error)
        raise LastingError(
            say("The mail server {where} refused the password: {said}", where=where, said=said),
            say("Nothing was stored."),
        ) from None
    except smtplib.SMTPNotSupportedError as lacking:
        raise LastingError(
            say("The mail server {where}: {lacking}", where=where, lacking=one_line(str(lacking))),
            say("Nothing was stored."),
        ) from None
    except ssl.SSLCertVerificationError as bad:
        raise LastingError(
            say(
                "The certificate of {where} is not to be trusted: {verify_message}.",
                where=where,
                verify_message=one_line(bad.verify_message),
            ),
            say("The password was not sent, and nothing was stored."),
        ) from None
    except (smtplib.SMTPException, OSError, UnicodeError) as problem:
        raise ActionError(
            say(
                "The mail server {where} could not be asked: {problem}",
                where=where,
                problem=one_line(str(problem)) or type(problem).__name__,
            ),
            say("Nothing was stored."),
        ) from None


def _connected(login: MailLogin, context: ssl.SSLContext) -> smtplib.SMTP:
    if login.implicit:
        return smtplib.SMTP_SSL(login.host, login.port, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(login.host, login.port, timeout=TIMEOUT)


@dataclass(eq=False)
class TriedMailPassword:
    """The action: it changes nothing, and stands before those that do. See `signoff.actions.base.Action`."""

    login: MailLogin
    password: Secret
    local: bool
    """Whether the target is this machine: loopback there is loopback here."""

    id: ClassVar[str] = "smtp.login"

    @property
    def subject(self) -> str:
        """The account."""
        return self.login.subject

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return self.login.preview

    @property
    def digests(self) -> Mapping[str, str]:
        """Nothing: it is the provider's."""
        return {}

    def prepare(self, tell: Tell) -> None:
        """Log in."""
        if _LOOPBACK.fullmatch(self.login.host) and not self.local:
            raise LastingError(
                say(
                    "The mail server {host} is the target's own, and cannot be reached from here.",
                    host=self.login.host,
                ),
                say("Run signoff on the target, or change the password there and in the file by hand."),
            )
        tell(say("Logging in as {subject}.", subject=self.subject))
        try_login(self.login, self.password)
        tell(say("{subject}: the new password is taken.", subject=self.subject))

    def run(self, tell: Tell, cancel: Event) -> None:
        """Do nothing."""

    def check(self, tell: Tell) -> None:
        """It was tried just before."""

    def undo(self, tell: Tell) -> None:
        """Do nothing."""
