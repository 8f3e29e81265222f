"""The QR code: what a reader makes of its picture, and of what a terminal shows."""

from __future__ import annotations

import pytest

from signoff.credentials import qr, totp
from signoff.credentials.secret import Secret
from unit.pictures import read_code, seen

LONG = totp.new("a.very.long.name.of.an.administrator@backoffice.shop.example", "The Shop on the Corner Ltd")
LABELS = [
    totp.new("a", "b"),
    totp.new("admin@shop.example", "Shop"),
    totp.new("admin@shop.example", "Магазин"),
    LONG,
]


@pytest.mark.parametrize("enrolment", LABELS)
def test_a_reader_reads_the_picture(enrolment: totp.Enrolment) -> None:
    assert read_code(qr.modules(enrolment.uri)) == enrolment.uri.reveal()


@pytest.mark.parametrize("enrolment", LABELS)
def test_a_reader_reads_the_terminal(enrolment: totp.Enrolment) -> None:
    shown = qr.coloured(qr.qr_rows(enrolment.uri)).split("\n")
    margin = ["$ signoff totp new", *(f"  {row}  Scan this" for row in shown), "$ "]
    assert read_code(seen(margin)) == enrolment.uri.reveal(), "on a black terminal, between other words"


@pytest.mark.parametrize("enrolment", LABELS)
def test_every_code_fits_a_terminal_of_80_by_24(enrolment: totp.Enrolment) -> None:
    rows = qr.qr_rows(enrolment.uri)
    assert len(rows) <= qr.ROWS
    assert {len(row) for row in rows} == {len(rows[0])}
    assert qr.fits(rows, 80, 24)
    assert not qr.fits(rows, 80, len(rows)), "a line is left for the question"
    assert not qr.fits(rows, len(rows[0]) - 1, 24)


def test_the_quiet_zone_is_the_standards_unless_the_code_is_large() -> None:
    def quiet(content: str) -> int:
        drawn = qr.modules(Secret(content))
        assert len(drawn) == len(drawn[0])
        return next(number for number, row in enumerate(drawn) if any(row))

    assert quiet("x" * 106) == qr.QUIET, "version 5"
    assert quiet("x" * totp.LONGEST_URI) == qr.LEAST_QUIET, "version 6"
    rows = qr.qr_rows(Secret("x" * totp.LONGEST_URI))
    assert qr.fits(rows, 80, 24)
    assert not qr.fits(qr.qr_rows(Secret("x" * (totp.LONGEST_URI + 1))), 80, 24), "version 7 does not"


def test_the_colours_are_said_on_every_line_and_ended() -> None:
    lines = qr.coloured(qr.qr_rows(Secret("x"))).split("\n")
    assert all(line.startswith("\x1b[38;5;16;48;5;231m") and line.endswith("\x1b[0m") for line in lines)
