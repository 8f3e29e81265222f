"""Enrolling a second factor on a terminal: the key is shown on a screen of its own, gone afterwards."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Final

import click

from signoff.credentials.delivery import Delivery
from signoff.credentials.qr import coloured, fits, qr_rows
from signoff.credentials.totp import Checked, Enrolment, Verifier
from signoff.errors import SignoffError, StoppedError
from signoff.message import listed, say, tr

_SIDE: Final = 32
"""Columns of words beside the code, at least."""

_ALTERNATE: Final = "\x1b[?1049h"
_NORMAL: Final = "\x1b[?1049l"
_CLEAR: Final = "\x1b[H\x1b[2J"


def enrol(enrolment: Enrolment, delivery: Delivery | None, *, text: bool = False) -> None:
    """Show the key, take codes until one is right, then deliver it.

    Raise StoppedError where the operator gives up, and SignoffError where the key cannot be delivered;
    nothing is delivered then.
    """
    if delivery:
        delivery.check()
    with _own_screen() as drawn:
        checked = _confirm(enrolment, drawn=drawn, text=text)
        if delivery:
            _deliver(delivery, enrolment)
        else:
            _hand_over(enrolment, drawn=drawn)
    click.echo(
        tr(
            "{words} Verified with a code: {issuer}, {account}.",
            words=checked.words(),
            issuer=enrolment.issuer,
            account=enrolment.account,
        )
    )
    if delivery:
        click.echo(tr("The key is in {where}.", where=delivery.where))
    else:
        click.echo(tr("The key was written nowhere; the product has to have it from you."))


@contextmanager
def _own_screen() -> Iterator[bool]:
    """Keep what is shown out of the terminal's scrollback; False where the terminal cannot do that."""
    if os.environ.get("TERM", "dumb") in {"", "dumb"}:
        click.echo(tr("This terminal keeps what it shows: clear it afterwards."), err=True)
        yield False
        return
    sys.stdout.write(_ALTERNATE)
    try:
        yield True
    finally:
        sys.stdout.write(_NORMAL)
        sys.stdout.flush()


def _show(lines: Sequence[str], *, drawn: bool) -> None:
    sys.stdout.write((_CLEAR if drawn else "") + "\n".join(lines) + "\n")
    sys.stdout.flush()


def _ask(question: str) -> str:
    try:
        return str(click.prompt(question, default="", show_default=False)).strip()
    except click.Abort:
        raise StoppedError(
            say("Not enrolled: no code was right, and nothing was written."),
            say("Delete the entry in the authenticator app, if it has one."),
        ) from None


def _confirm(enrolment: Enrolment, *, drawn: bool, text: bool) -> Checked:
    verifier, said = Verifier(enrolment.secret), ""
    text = text or not drawn
    while True:
        _show(_key_lines(enrolment, said) if text else _code_lines(enrolment, said), drawn=drawn)
        typed = _ask(tr("Code from the app, or k for the key as text"))
        if typed.lower() == "k":
            text, said = True, ""
        elif typed:
            checked = verifier.check(typed)
            if checked:
                return checked
            said = checked.words()


def _code_lines(enrolment: Enrolment, said: str) -> list[str]:
    """Return the QR code with words beside it, or the key as text where the terminal has no room for that."""
    rows = qr_rows(enrolment.uri)
    width, height = os.get_terminal_size(sys.stdout.fileno())
    if not fits(rows, width - _SIDE, height):
        needs = tr(
            "The QR code wants {needed_width}x{needed_height}; this terminal has {width}x{height}.",
            needed_width=len(rows[0]) + _SIDE,
            needed_height=len(rows) + 1,
            width=width,
            height=height,
        )
        return _key_lines(enrolment, f"{needs} {said}".strip())
    side = _wrapped(
        width - len(rows[0]) - 3,
        tr("Scan this with the authenticator app, then type the code that it shows."),
        *_labels(enrolment),
        said,
    )
    picture = coloured(rows).split("\n")
    return [f"{row}  {words}" for row, words in zip_longest(picture, side[: len(rows)], fillvalue="")]


def _key_lines(enrolment: Enrolment, said: str) -> list[str]:
    kind = tr("Time based, SHA-1, 6 digits, 30 seconds: what an app takes for granted.")
    words = _wrapped(
        78, tr("Type this key into the authenticator app:"), f"  {enrolment.text.reveal()}", kind
    )
    return [*words, *_wrapped(78, *_labels(enrolment), said)]


def _labels(enrolment: Enrolment) -> tuple[str, ...]:
    shortened = tr("Shortened, so that the QR code fits a terminal.") if enrolment.shortened else ""
    return (
        tr("Issuer: {issuer}", issuer=enrolment.issuer),
        tr("Account: {account}", account=enrolment.account),
        shortened,
    )


def _wrapped(width: int, *paragraphs: str) -> list[str]:
    return [line for one in paragraphs if one for line in (*textwrap.wrap(one, width), "")]


def _hand_over(enrolment: Enrolment, *, drawn: bool) -> None:
    """Show the key once more, for the product: it is nowhere else."""
    words = (tr("Accepted."), tr("The product needs the same key:"), f"  {enrolment.secret.reveal()}")
    _show(_wrapped(78, *words, tr("It is not shown again, and is written nowhere.")), drawn=drawn)
    _ask(tr("Enter when the product has it"))


def _deliver(delivery: Delivery, enrolment: Enrolment) -> None:
    try:
        delivery.deliver(enrolment.secret)
    except SignoffError as error:
        raise SignoffError(
            say("The code was right, but the key could not be delivered. {error}", error=error.message),
            listed(
                filter(
                    None, (error.hint, say("Delete the entry in the authenticator app, then enrol anew."))
                ),
                " ",
            ),
        ) from None
