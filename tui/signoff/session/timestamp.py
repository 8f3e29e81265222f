"""A time-stamp by an authority (RFC 3161): a witness that the sealed record existed at a time.

What is stamped is ``session.jsonl`` with ``seal.sig`` behind it, byte for byte. Not the record alone: then
nobody could tell whether it was signed by that time, or years later by whoever had come by the key. And not
the seal alone: many signatures of one record can be made that all hold, so that its digest names nothing.
Anybody checks it: ``cat session.jsonl seal.sig | openssl ts -verify -data /dev/stdin ...``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signoff.errors import RecordError
from signoff.message import listed, say
from signoff.session.der import with_sorted_certificates
from signoff.session.files import read_named
from signoff.text import one_line

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampRequest, TimeStampResponse

MAX_TOKEN: Final = 1 << 16
"""The most bytes of an answer; with a whole chain of certificates it has some 7000."""
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = 0
_CHAIN: Final = re.compile(r"Verify error: ([a-z ]{1,80})")
_STATUS: Final = (
    say("granted"),
    say("granted with changes"),
    say("rejected"),
    say("waiting"),
    say("a revocation warning"),
    say("revoked"),
)


class StampError(ValueError):
    """A time-stamp does not hold; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a time-stamp that holds says: when, and who says so."""

    time: datetime
    authority: str


def request(message: bytes) -> TimeStampRequest:
    """Return the question for an authority: a digest, a nonce, and please with certificates."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    return TimestampRequestBuilder(data=message, hash_algorithm=HashAlgorithm.SHA256).build()


def certificates(path: Path) -> list[Certificate]:
    """Read the certificates (PEM) of the authorities to be trusted. Raises RecordError."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(read_named(path, say("the authority's certificates")))
    except ValueError:
        raise RecordError(
            say("{path} holds no certificates in PEM.", path=path),
            say("Give the root certificate that the authority publishes."),
        ) from None


def check(answer: bytes, digest: bytes, authorities: list[Certificate], nonce: int | None = None) -> Stamp:
    """Return what an authority's answer says of the message with this SHA-256 ``digest``.

    ``nonce`` is the question's, None where it is not known any more. The certificates count as of the time of
    the stamp, so that it still holds when they have expired. Whether one has been revoked since is not asked:
    that takes the authority's list of them. Raises StampError where it does not hold.
    """
    response = _granted(answer, digest)
    if nonce is not None and response.tst_info.nonce != nonce:
        raise StampError(say("it answers another question than was asked"))
    _check_signature(response, digest, authorities)
    return Stamp(_utc(response.tst_info.gen_time), _authority(response))


def check_unvouched(answer: bytes, digest: bytes) -> None:
    """Raise StampError where an answer is wrong whoever signed it. That it is not says nothing for it."""
    _granted(answer, digest)


def says(answer: bytes) -> datetime:
    """Return the time that an answer says, whoever signed it. Raises StampError where it is none."""
    response = _read(answer)
    if response.status != _GRANTED:
        raise StampError(_refusal(response))
    return _utc(response.tst_info.gen_time)


def _granted(answer: bytes, digest: bytes) -> TimeStampResponse:
    response = _read(answer)
    if response.status != _GRANTED:
        raise StampError(_refusal(response))
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256:
        raise StampError(say("it is made with another hash than SHA-256"))
    if imprint.message != digest:
        raise StampError(say("it was given for other bytes than this record"))
    return response


def _read(answer: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    if len(answer) > MAX_TOKEN:
        raise StampError(say("it is longer than {max_token} bytes", max_token=MAX_TOKEN))
    try:
        response = decode_timestamp_response(with_sorted_certificates(answer))
        if response.status == _GRANTED:
            _ = response.tst_info.message_imprint.hash_algorithm, response.tst_info.gen_time
    except ValueError as problem:
        raise StampError(
            say(
                "it is not a time-stamp answer (RFC 3161) in DER: {problem}",
                problem=one_line(str(problem), 120),
            )
        ) from None
    return response


def _check_signature(response: TimeStampResponse, digest: bytes, authorities: list[Certificate]) -> None:
    from rfc3161_client import VerificationError, VerifierBuilder

    try:
        VerifierBuilder(roots=authorities).build().verify(response, digest)
    except (VerificationError, ValueError) as problem:
        reason = _CHAIN.search(str(problem))
        if reason:
            raise StampError(
                say("no authority that you trust vouches for who signed it: {reason}", reason=reason[1])
            ) from None
        raise StampError(
            say("it is not signed as it has to be: {problem}", problem=one_line(str(problem), 120))
        ) from None


def _refusal(response: TimeStampResponse) -> str:
    word = (
        _STATUS[response.status]
        if 0 <= response.status < len(_STATUS)
        else say("status {status}", status=response.status)
    )
    said = "; ".join(one_line(text) for text in response.status_string)
    granted = say("the authority did not simply grant it: {word}", word=word)
    return listed((granted, f" ({said})"), "") if said else granted


def _authority(response: TimeStampResponse) -> str:
    """Return the name on the certificate that signed."""
    from cryptography.x509 import load_der_x509_certificate

    signer = next(iter(response.signed_data.signer_infos))
    for der in response.signed_data.certificates:
        certificate = load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return one_line(certificate.subject.rfc4514_string())
    return ""


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
