"""VERIFY.md: how a person without signoff verifies a record that was handed to them, command by command."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from textwrap import wrap

from signoff.report.attestation import ATTESTATION
from signoff.report.summary import timestamp
from signoff.session.bundle import JOURNAL, LEDGER, SEAL_SIGNATURE, TIMESTAMP
from signoff.session.events import Genesis
from signoff.session.keys import PublicKey
from signoff.session.limits import limits
from signoff.session.stock import seconds, verify_time
from signoff.session.verdict import Verdict
from signoff.text import one_line

INSTRUCTIONS = "VERIFY.md"
TEMPLATE = "allowed_signers.template"
SUMS = "SHA256SUMS"
_GAP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that is handed over: who made it, what for, and in which file."""

    name: str
    namespace: str
    key: PublicKey
    file: str


def instructions(
    verdict: Verdict,
    genesis: Genesis,
    files: Collection[str],
    signed: Sequence[Signed],
    stamped: datetime | None,
) -> Iterator[str]:
    """Yield the page. Its commands run in the folder with the ``files``.

    ``signed`` begins with the operator's signatures, over line 1 and over the whole record; ``stamped`` is
    what the time-stamp says, None where there is none.
    """
    yield "# How to verify this record"
    yield ""
    yield from facts(verdict, genesis)
    yield ""
    yield from _tell(
        "You need a shell, `ssh-keygen` (OpenSSH 8.2 or later; 8.8 to judge a key as of a time) and "
        "`sha256sum`; for a time-stamp `openssl` too. signoff itself is not needed. This page came with the "
        "record: read a command before you run it. Run the commands in this folder, in order. Each has to "
        "succeed: where one fails, the record is not what it says it is, and nothing after it counts. (Only "
        "where 3 and 4 refuse a key for its time alone, 7 goes before them.)"
    )
    yield from section("1. Has everything arrived as it was sent?")
    yield from _commands(f"sha256sum -c {SUMS}")
    yield "This shows damage on the way, and nothing else: whoever changes the files can change the list."
    yield from _trust()
    yield from section("3. Did the operator begin this session?")
    yield from _commands(_begun(signed))
    yield from _tell(
        "`ssh-keygen` asks whether your list allows the key at present. Where it says `key has expired`, or "
        "`key is not yet valid`, see 7."
    )
    yield from section("4. Is the whole record as it was sealed?")
    yield from _commands(_whole(signed))
    yield from _tell(
        "It is then as the operator sealed it, to the byte. The ledger on the operator's machine has "
        "this digest in the line with which it lists the seal:"
    )
    yield from _commands(f"sha256sum {JOURNAL}")
    if LEDGER in files:
        yield "The ledger up to that line lies with this record. This shows the line:"
        yield from _commands(f'grep "$(sha256sum < {JOURNAL} | cut -c 1-64)" {LEDGER}')
    yield from _checklists(genesis, files)
    yield from _nonce(genesis)
    yield from _time_stamp(signed, stamped)
    yield from _second_person(signed[2:])
    if ATTESTATION in files:
        yield from section("9. What is the attestation for?")
        yield from _tell(
            f"`{ATTESTATION}` says the result once more for machines that decide by it: an in-toto "
            "Statement in a DSSE envelope, with a plain Ed25519 signature by the operator's key. It names "
            f"the SHA-256 of `{JOURNAL}`, and adds nothing to it."
        )
    yield from section("What this does not prove")
    yield from limits().splitlines()


def facts(verdict: Verdict, genesis: Genesis) -> Iterator[str]:
    """Yield which record it is, as a list."""
    yield f"- session {code(verdict.session)}"
    yield f"- target {code(genesis.target.name)}, {code(genesis.target.address)}"
    yield f"- operator {code(verdict.operator)}, key {code(verdict.key)}"
    begun, sealed = timestamp(verdict.started), timestamp(verdict.finished)
    yield f"- begun {begun}, sealed {sealed}, by the operator's clock"


def section(title: str) -> Iterator[str]:
    """Yield a heading."""
    yield from ("", f"## {title}", "")


def code(text: str) -> str:
    """Return text from outside as Markdown that means nothing but itself."""
    return f"`{one_line(text).replace('`', chr(39))}`"


def _trust() -> Iterator[str]:
    yield from section("2. Whom do you trust?")
    yield "No record can tell you. These are the keys that signed it:"
    yield from _commands(f"sed -n 's/^#key //p' {TEMPLATE} | ssh-keygen -l -f -")
    yield from _tell(
        "Ask each person for the fingerprint of their key over another way than the one this came by: "
        "in person, on the telephone, from your own files. Only where it is the same, and the person is "
        "who should have signed, make your list of allowed signers, and take out of it whom you do not "
        "trust:"
    )
    yield from _commands(f"sed -n 's/^#trust //p' {TEMPLATE} > allowed_signers")
    yield from _tell(
        "Take out a key that was stolen, or is revoked: it counts at no time. (If you have a list of such "
        "keys, `-r FILE` gives it to each `ssh-keygen -Y verify`.) To one that was good until a day add "
        '`,valid-before="YYYYMMDD"` behind its namespaces: it counts for what was signed by then.'
    )


def _checklists(genesis: Genesis, files: Collection[str]) -> Iterator[str]:
    yield from section("5. Are these the checklists that were walked?")
    yield "Line 1, which is signed, has their digests."
    there = [one.id for one in genesis.checklists if f"{one.id}.yaml" in files]
    # An id that is a file's name here holds letters, digits and dashes alone. With the words around it, the
    # digest of a file that is not there matches nothing.
    yield from _commands(
        *(
            f"head -n 1 {JOURNAL} | grep -q "
            rf'"\"digest\":\"$(sha256sum < {one}.yaml | cut -c 1-64)\",\"id\":\"{one}\""'
            for one in there
        )
    )
    if len(there) < len(genesis.checklists):
        yield "Not all of them lie with this record. It holds without them."


def _nonce(genesis: Genesis) -> Iterator[str]:
    yield from section("6. Is it bound to the auditor's nonce?")
    if not genesis.nonce:
        yield "It is bound to none. If you gave one, this is not the record that you asked for."
        return
    yield "If you are the auditor, compare it with the one that you gave."
    bound = f'"nonce":{json.dumps(genesis.nonce)}'
    yield from _commands(f"head -n 1 {JOURNAL} | grep -o -F -e {quote(bound)}")


def _time_stamp(signed: Sequence[Signed], stamped: datetime | None) -> Iterator[str]:
    yield from section("7. Is there a witness to the time?")
    if stamped is None:
        yield from _tell(
            "There is none: every time in this record is the clock of the operator's machine. If a key has "
            "expired since, by your list, 3 and 4 are right to refuse it: whoever came by it could date a "
            "record back. Only if you know from elsewhere by when the record was signed, say so: with "
            "`-Overify-time=YYYYMMDDHHMMSSZ` (UTC) before `-s`, `ssh-keygen` judges the key as of then."
        )
        return
    yield from _tell(
        "An authority has stamped the record, with its seal behind it. Get its root certificate from the "
        "authority itself, not from whoever sent you this, and save it here as `tsa-ca.pem`:"
    )
    yield from _commands(
        f"cat {JOURNAL} {SEAL_SIGNATURE} | "
        f"openssl ts -verify -in {TIMESTAMP} -data /dev/stdin -CAfile tsa-ca.pem",
        f"openssl ts -reply -in {TIMESTAMP} -text",
    )
    yield from _tell(
        f"The second one shows the time, which has to be {timestamp(stamped)}. Once the authority's "
        "certificate has expired, the first one has to be told to judge it as of that time, with "
        f"`-attime {seconds(stamped)}`. It does not ask whether the certificate was revoked: ask the "
        "authority, or put its list of revoked certificates (PEM) at the end of `tsa-ca.pem`, and add "
        "`-crl_check`."
    )
    yield ""
    yield from _tell(
        "If the first one succeeds, the record was signed by then, and these judge the key as of then. They "
        "count in the place of 3 and 4: a key that has expired since was good when it signed, and one that "
        "your list allows only from a later time on was not."
    )
    at = verify_time(stamped)
    yield from _commands(_begun(signed, at), _whole(signed, at))


def _second_person(signed: Sequence[Signed]) -> Iterator[str]:
    yield from section("8. Has a second person signed?")
    for one in signed:
        yield from _commands(f"{_verify(one)} < {JOURNAL}")
    if not signed:
        yield "Nobody has."
        return
    yield from _tell(
        "There is no name in such a signature: behind `-I` stands the one that your list gives the key. No "
        "time-stamp is over it either, so that its key is judged at present: if that has expired since, the "
        "signature counts only if you know from elsewhere when it was made, and say so (`-Overify-time`)."
    )


def _tell(text: str) -> list[str]:
    whole = re.sub("`[^`]*`", lambda code: code[0].replace(" ", _GAP), text)  # what is to be typed
    return [
        line.replace(_GAP, " ") for line in wrap(whole, 100, break_long_words=False, break_on_hyphens=False)
    ]


def _commands(*lines: str) -> Iterator[str]:
    if lines:
        yield from ("", "```sh", *lines, "```", "")


def spaced(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines with never more than one empty one between them."""
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line


def _begun(signed: Sequence[Signed], options: str = "") -> str:
    return f"head -n 1 {JOURNAL} | {_verify(signed[0], options)}"


def _whole(signed: Sequence[Signed], options: str = "") -> str:
    return f"{_verify(signed[1], options)} < {JOURNAL}"


def _verify(signed: Signed, options: str = "") -> str:
    name = quote(signed.name)
    who = f"-f allowed_signers -I {name} -n {signed.namespace}{options}"
    return f"ssh-keygen -Y verify {who} -s {signed.file}"
