"""Make a sealed record with everything that a record can hold, for later versions to verify.

    PYTHONPATH=tui:tests python tests/records/make.py tests/records/NAME

NAME is a version or a day. What is there already is never made anew: it is what an older signoff has written.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from msgspec.structs import replace

from signoff import tsa
from signoff.message import Said
from signoff.model import Command, Decision, Edit, Finding, Result, Vantage
from signoff.session import reprofiled
from signoff.session.countersign import allowed_line, countersign
from signoff.session.events import (
    AnyEvent,
    Attested,
    ChecklistRef,
    Consented,
    Done,
    Enrolled,
    Entered,
    Found,
    Intended,
    Looked,
    Noted,
    Probed,
    Resumed,
    TargetRef,
)
from signoff.session.identity import allowed_signers_line
from signoff.session.line import digest
from signoff.session.session import Session
from signoff.session.signer import KeySigner
from unit.authority import Authority, Serving

TEXT = 'Ключи · 鍵 · \x7f \u2028 \U0001f511 "quoted" back\\slash\ttab\nline'
"""What is not written as it stands: not ASCII, beyond the BMP, DEL, control characters, quotes."""
CHECKLIST = b"id: everything\n"
STEP = {"checklist": "everything", "step": "first"}
TARGET = TargetRef(
    name="shop",
    address="deploy@shop.example:22",
    host_key="SHA256:example",
    machine_id="0123456789abcdef",
    profile={
        "name": "shop",
        "open_ports": [8443],
        "deep": {"none": None, "yes": True, "most": 2**63 - 1, TEXT: TEXT},
    },
)
DIGESTS = {".env": "0" * 64}
ATTESTED = get_args(get_type_hints(Attested)["kind"])
OUTCOMES = get_args(get_type_hints(Done)["outcome"])


def events() -> Iterator[AnyEvent]:
    """Yield what a session takes in, actions aside: each type, with every kind, result and vantage."""
    yield Entered(**STEP)
    for status, command in ((0, "ss -tlnp"), (None, "")):
        yield Looked(
            fact="listeners", vantage="host", command=command, status=status, size=3,
            digest="0" * 64, as_root=status is None, problem="" if command else TEXT,
        )  # fmt: skip
    yield reprofiled.looked(TARGET.profile)
    yield Found(**STEP, probe="example.bare", findings=())
    judged: dict[str, Any] = {
        "title": TEXT,
        "observed": "seen",
        "expected": "wanted",
        "remedy": "chmod 600 .env",
    }
    fixes = itertools.cycle((None, Command("chmod 600 .env"), Edit(".env", "A=1", TEXT, "true"), Decision()))
    said = Said("{count} key", "{count} keys", {"count": 2, "who": TEXT, "what": Said(TEXT)})
    each = [
        Finding(
            probe="example.each",
            result=result,
            vantage=vantage,
            subject=vantage.value,
            items=("A2", "B8"),
            evidence=(TEXT, ""),
            use="name: x",
            proves="running",
            fix=next(fixes),
            said={"observed": said},
            **judged,
        )
        for result in Result
        for vantage in Vantage
    ]
    yield Found(**STEP, probe="example.each", findings=tuple(each))
    yield from (
        Consented(checklist="everything", step="first", probe="example.each", use="name: x", given=given)
        for given in (True, False)
    )
    yield from (Probed(**STEP, complete=complete) for complete in (False, True))
    for kind in ATTESTED:
        yield Attested(**STEP, kind=kind, statement="It is so.", value="3", reason=TEXT, until="2030-01-02")
    yield Noted(**STEP, text=TEXT)
    factor = Enrolled(checklist="everything", step="first", account="ann", issuer="Shop")
    yield from (factor, replace(factor, delivered_to=".env", verified=True))
    yield Resumed(signoff="0", host_key="SHA256:example", machine_id="0123456789abcdef")


def make(folder: Path, scratch: Path) -> Path:
    """Make the record in ``folder``, with those whom to trust beside it; return where it lies."""
    operator, second = KeySigner.generate("ann@desk"), KeySigner.generate("ben@ops")
    session = Session.start(
        signer=operator,
        target=TARGET,
        checklists=(ChecklistRef("everything", digest(CHECKLIST), ("first", "second")),),
        nonce="7f3a",
        copies={"everything.yaml": CHECKLIST},
        code="c" * 64,
        sessions=scratch / "sessions",
    )
    with session:
        for event in events():
            written = session.append(event)
            if isinstance(event, Looked):
                session.keep({written.seq: TEXT.encode("unicode_escape")})
        for outcome in OUTCOMES:
            what = {"subject": ".env", "preview": TEXT}
            begun = session.append(Intended(**STEP, action="rotate-secrets", **what, digests=DIGESTS))
            session.append(Done(intent=begun.seq, outcome=outcome, detail=TEXT, digests=DIGESTS))
    with (session.directory / "session.jsonl").open("ab") as torn:
        torn.write(b'{"boot":')  # as a power failure leaves it: it is recovered from
    with Session.resume(session.directory) as session:
        session.seal(operator, open_steps=["everything/second"])
    folder.mkdir(parents=True)
    lines = (allowed_signers_line(operator), allowed_line(second))
    (folder / "allowed_signers").write_text("".join(f"{line}\n" for line in lines))
    authority = Authority(scratch / "authority")
    shutil.copy(authority.ca, folder / "authority.pem")
    with Serving(authority) as url:
        tsa.stamp(session.directory, url, authority.ca)
    countersign(session.directory, second, folder / "allowed_signers")
    kept = shutil.ignore_patterns("lock", "reserve", "session.key")
    return Path(shutil.copytree(session.directory, folder / session.id, ignore=kept))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"XDG_STATE_HOME": scratch, "XDG_CONFIG_HOME": scratch}
        print(make(Path(sys.argv[1]), Path(scratch)))
