"""A time-stamp witnesses what it was given for, and nothing that is wrong ever looks like one.

The authority is ``openssl ts`` on loopback; ``openssl ts -verify`` judges the same tokens.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signoff import tsa
from signoff.errors import RecordError, UsageError
from signoff.report.text import verdict_lines
from signoff.session.clock import Moment, read_clock
from signoff.session.timestamp import StampError, certificates, check, check_unvouched, request
from signoff.session.verify import Status, verify
from unit.authority import Authority, Reply, Serving
from unit.session.records import Place

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

RECORD = b'{"a record":1}\n'
DIGEST = hashlib.sha256(RECORD).digest()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def judged(authority: Authority, answer: bytes) -> str:
    """Return why an answer does not hold; empty where it does. Never laxer than openssl."""
    token, data = authority.folder / "judged.tsr", authority.folder / "record"
    token.write_bytes(answer)
    data.write_bytes(RECORD)
    try:
        check(answer, DIGEST, certificates(authority.ca))
    except StampError as reason:
        return str(reason)
    assert authority.accepts(token, data)
    return ""


class TestAnAnswer:
    def test_that_holds_says_when_and_who(self, authority: Authority) -> None:
        query = request(RECORD)
        answer = authority.stamp(query.as_bytes())
        stamp = check(answer, DIGEST, certificates(authority.ca), query.nonce)
        assert abs(datetime.now(UTC) - stamp.time) < timedelta(minutes=1)
        assert stamp.authority == "CN=Tests TSA"
        assert judged(authority, answer) == ""

    @pytest.mark.parametrize("name", ["I", "An intermediate authority with a name that is rather a long one"])
    def test_with_a_chain_in_whichever_order(self, authority: Authority, name: str) -> None:
        authority.chain(name)
        answer = authority.stamp(request(RECORD).as_bytes())
        assert judged(authority, answer) == ""
        with pytest.raises(StampError, match="no authority that you trust"):
            check(answer, DIGEST, certificates(authority.folder / "chain.pem"))

    def test_for_other_bytes(self, authority: Authority) -> None:
        answer = authority.stamp(request(b"something else").as_bytes())
        assert "other bytes" in judged(authority, answer)
        with pytest.raises(StampError, match="other bytes"):
            check_unvouched(answer, DIGEST)

    def test_to_another_question(self, authority: Authority) -> None:
        answer = authority.stamp(request(RECORD).as_bytes())
        with pytest.raises(StampError, match="another question"):
            check(answer, DIGEST, certificates(authority.ca), request(RECORD).nonce)

    def test_granted_with_changes(self, authority: Authority) -> None:
        answer = authority.stamp(request(RECORD).as_bytes())
        granted = b"\x30\x03\x02\x01\x00"
        assert answer.count(granted) == 1
        assert "granted with changes" in judged(authority, answer.replace(granted, b"\x30\x03\x02\x01\x01"))

    def test_rejected(self, authority: Authority) -> None:
        authority.configure(digests="sha512")
        reason = judged(authority, authority.stamp(request(RECORD).as_bytes()))
        assert "rejected" in reason
        assert "digest algorithm is not supported" in reason

    def test_by_another_authority(self, authority: Authority, tmp_path: Path) -> None:
        other = Authority(tmp_path / "other", "Other")
        assert "no authority that you trust" in judged(authority, other.stamp(request(RECORD).as_bytes())), (
            "its root is not ours"
        )

    def test_by_an_authority_of_the_same_name(self, authority: Authority, tmp_path: Path) -> None:
        twin = Authority(tmp_path / "twin")
        assert judged(authority, twin.stamp(request(RECORD).as_bytes())) != ""

    @pytest.mark.parametrize(
        ("days", "usage", "word"),
        [((-20, -10), True, "expired"), ((10, 20), True, "not yet valid"), ((-1, 9), False, "purpose")],
    )
    def test_by_a_certificate_that_may_not(
        self, authority: Authority, days: tuple[int, int], usage: bool, word: str
    ) -> None:
        authority.issue(days=days, usage=usage, as_="other")
        answer = authority.stamp_with("other")(request(RECORD).as_bytes())
        assert word in judged(authority, answer)

    def test_with_any_bit_flipped_means_the_same_or_nothing(self, authority: Authority) -> None:
        query = request(RECORD)
        answer = authority.stamp(query.as_bytes())
        roots = certificates(authority.ca)
        whole = check(answer, DIGEST, roots, query.nonce)
        held = 0
        for at in range(len(answer)):
            flipped = bytearray(answer)
            flipped[at] ^= 1 << (at % 8)
            try:
                stamp = check(bytes(flipped), DIGEST, roots, query.nonce)
            except StampError:
                continue
            held += 1
            # Fields beside the signature, such as the name of an algorithm, which openssl overlooks as well.
            assert stamp == whole
            assert judged(authority, bytes(flipped)) == ""
        assert held < 20

    @pytest.mark.parametrize(
        "answer", [b"", b"\x00", b"<html>", b"\x30\x03\x02\x01\x00", b"\x30\x84\xff" * 9]
    )
    def test_that_is_none(self, answer: bytes) -> None:
        with pytest.raises(StampError, match=r"not a time-stamp answer|did not simply grant"):
            check_unvouched(answer, DIGEST)

    def test_that_is_cut(self, authority: Authority) -> None:
        answer = authority.stamp(request(RECORD).as_bytes())
        for size in range(0, len(answer), 40):
            with pytest.raises(StampError):
                check(answer[:size], DIGEST, certificates(authority.ca))


def stamped(directory: Path) -> bytes:
    return (directory / "session.jsonl").read_bytes() + (directory / "seal.sig").read_bytes()


class TestAsking:
    def test_is_one_question_with_a_digest_and_keeps_the_answer(
        self, place: Place, authority: Authority, tmp_path: Path
    ) -> None:
        directory = place.sealed()
        with Serving(authority) as url:
            stamp = tsa.stamp(directory, url, authority.ca)
        (query,) = authority.queries
        assert hashlib.sha256(stamped(directory)).digest() in query
        kept = directory / "timestamp.tsr"
        assert kept.stat().st_mode & 0o777 == 0o600
        (tmp_path / "stamped").write_bytes(stamped(directory))
        assert authority.accepts(kept, tmp_path / "stamped")
        verdict = verify(directory, tsa_ca=authority.ca)
        (witness,) = verdict.witnesses
        assert (verdict.status, witness.time, verdict.broken) == (Status.VALID, stamp.time, ())
        assert any(
            line.startswith("witness    time-stamp: the sealed record existed at 2")
            for line in verdict_lines(verdict)
        )

    def test_is_done_once(self, place: Place, authority: Authority) -> None:
        directory = place.sealed()
        (directory / "timestamp.tsr").write_bytes(b"older")
        with pytest.raises(RecordError, match="already"):
            tsa.stamp(directory, "http://127.0.0.1:1/", authority.ca)
        assert (directory / "timestamp.tsr").read_bytes() == b"older"

    @pytest.mark.parametrize(
        ("reply", "word"),
        [
            (Reply(lambda _: b"", status=503), "HTTP status 503"),
            (
                Reply(lambda _: b"", status=302, headers={"Location": "http://127.0.0.1:1/"}),
                "HTTP status 302",
            ),
            (Reply(lambda _: b"<html>", headers={"Content-Type": "text/html"}), "text/html"),
            (Reply(lambda _: b"\x30" * 70_000), "longer than 65536 bytes"),
            (Reply(lambda _: b"\x30"), "not a time-stamp answer"),
        ],
    )
    def test_ends_well_whatever_comes(
        self, place: Place, authority: Authority, reply: Reply, word: str
    ) -> None:
        directory = place.sealed()
        authority.reply = reply
        with Serving(authority) as url, pytest.raises(UsageError, match=word):
            tsa.stamp(directory, url, authority.ca)
        assert not (directory / "timestamp.tsr").exists()

    def test_takes_no_answer_to_an_older_question(self, place: Place, authority: Authority) -> None:
        directory = place.sealed()
        older = authority.stamp(request(stamped(directory)).as_bytes())
        authority.reply = Reply(lambda _: older)
        with Serving(authority) as url, pytest.raises(UsageError, match="another question"):
            tsa.stamp(directory, url, authority.ca)
        assert not (directory / "timestamp.tsr").exists()

    def test_waits_no_longer_than_it_may(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def drip() -> None:
                connection, _ = server.accept()
                with connection:
                    while not over.wait(0.02):
                        connection.sendall(b"H")

            over = threading.Event()
            thread = threading.Thread(target=drip)
            thread.start()
            try:
                with pytest.raises(UsageError, match="No time-stamp"):
                    tsa.ask(f"http://127.0.0.1:{server.getsockname()[1]}/", b"?", timeout=0.2)
            finally:
                over.set()
                thread.join()

    @pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "http://x:y/", "http://a b/", "x"])
    def test_wants_an_address(self, url: str) -> None:
        with pytest.raises(UsageError, match="address"):
            tsa.ask(url, b"?")

    def test_of_a_name_that_none_can_have_ends_well(self) -> None:
        with pytest.raises(UsageError, match="No time-stamp"):
            tsa.ask(f"http://{'a' * 70}.example/", b"?")

    def test_wants_certificates(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "none.pem").write_text("nothing")
        with pytest.raises(RecordError, match="no certificates"):
            tsa.stamp(place.sealed(), "http://127.0.0.1:1/", tmp_path / "none.pem")


class TestTheVerdict:
    def test_without_an_authority_it_counts_for_nothing(self, place: Place, authority: Authority) -> None:
        directory = place.sealed()
        with Serving(authority) as url:
            tsa.stamp(directory, url, authority.ca)
        verdict = verify(directory)
        said = "\n".join(verdict_lines(verdict))
        assert (verdict.status, verdict.broken) == (Status.VALID, ())
        assert "counts for nothing here" in said
        assert "existed at" not in said

    @pytest.mark.parametrize("trusting", [True, False])
    def test_says_of_another_records_stamp_that_it_does_not_hold(
        self, place: Place, authority: Authority, trusting: bool
    ) -> None:
        one, other = place.sealed(), place.sealed()
        with Serving(authority) as url:
            tsa.stamp(one, url, authority.ca)
        shutil.copy(one / "timestamp.tsr", other)
        verdict = verify(other, tsa_ca=authority.ca if trusting else None)
        said = list(verdict_lines(verdict))
        assert verdict.broken == ("timestamp.tsr",)
        assert said[0] == "VALID, but timestamp.tsr does not hold"
        assert not any(line.startswith("witness ") for line in said)
        assert "existed at" not in "\n".join(said)

    def test_tells_of_an_operators_clock_that_was_ahead(
        self, place: Place, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ahead() -> Moment:
            now = read_clock()
            return replace(now, time=now.time + timedelta(hours=1))

        with monkeypatch.context() as clock:
            clock.setattr("signoff.session.tip.read_clock", ahead)
            directory = place.sealed()
        with Serving(authority) as url:
            tsa.stamp(directory, url, authority.ca)
        verdict = verify(directory, tsa_ca=authority.ca)
        assert verdict.status is Status.VALID
        assert any("clock was ahead" in remark for remark in verdict.remarks)
        other = place.sealed()
        with Serving(authority) as url:
            tsa.stamp(other, url, authority.ca)
        assert verify(other, tsa_ca=authority.ca).remarks == ()

    def test_says_that_it_is_not_for_a_seal_made_later(self, place: Place, authority: Authority) -> None:
        directory = place.sealed()
        record = (directory / "session.jsonl").read_bytes()
        (directory / "timestamp.tsr").write_bytes(authority.stamp(request(record).as_bytes()))
        verdict = verify(directory, tsa_ca=authority.ca)
        assert verdict.broken == ("timestamp.tsr",)
        assert "other bytes" in verdict.witnesses[0].reason

    def test_says_of_one_that_is_wanted_and_not_there(self, place: Place, authority: Authority) -> None:
        verdict = verify(place.sealed(), tsa_ca=authority.ca)
        assert verdict.broken == ("timestamp.tsr",)
        assert "it is not there" in verdict.witnesses[0].reason

    def test_without_a_seal_it_is_not_looked_at(self, place: Place) -> None:
        directory = place.unsealed()
        (directory / "timestamp.tsr").write_bytes(b"x")
        verdict = verify(directory)
        assert (verdict.status, verdict.witnesses) == (Status.UNSEALED, ())
        assert any("count for nothing" in remark for remark in verdict.remarks)

    def test_a_link_is_no_file(self, place: Place, tmp_path: Path) -> None:
        directory = place.sealed()
        (directory / "timestamp.tsr").symlink_to(tmp_path / "elsewhere")
        assert verify(directory).broken == ("timestamp.tsr",)
