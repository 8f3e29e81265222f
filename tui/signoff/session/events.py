"""The events of a session. What is not an event did not happen.

Each struct is the payload of one line of ``session.jsonl``; the journal adds ``seq``, ``prev``, ``session``,
``time``, ``monotonic`` and ``boot``. Integers, texts, booleans, lists and mappings only: no floats.

A field with a default is left out of the line where it has it, so that each event has one encoding, and old
records stay valid when an event gains a field with a default.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from signoff.model import Finding

VERSION: Final = 2
"""The version of the record's form: of a higher one this signoff does not know all events or fields.

2 has, beside all of 1, what a finding's texts are made of, its remedy as data and what a pass proves, uses
with parameters, the digests of the code and of kept values, and consents.
"""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@-]{0,127}", re.ASCII)


def is_name(text: str) -> bool:
    """Tell whether a text can name an operator: nothing in it means anything to ssh-keygen or to a shell."""
    return _NAME.fullmatch(text) is not None


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What every event shares: nothing but its type."""


class ChecklistRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checklist as it was used: its id, the SHA-256 of its file, and the steps it had, in order."""

    id: str
    digest: str
    steps: tuple[str, ...]


class TargetRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The target that the session is bound to. ``profile`` is what targets.toml said of it."""

    name: str
    address: str
    host_key: str
    machine_id: str
    profile: dict[str, Any]


class OperatorRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who walks: the principal's name and the fingerprint (``SHA256:...``) of the signing key."""

    name: str
    key: str


class Genesis(Event, frozen=True, kw_only=True, tag="genesis"):
    """Line 1: binds the session to its key, its ledger slot, its target, its checklists and its operator."""

    version: Literal[1, 2]
    signoff: str
    session_key: str
    """The session's public key, in OpenSSH's one-line form; it signs the checkpoints."""
    ledger: str
    """The SHA-256 of the ledger's last line, its line feed included; empty at the ledger's start."""
    target: TargetRef
    checklists: tuple[ChecklistRef, ...]
    operator: OperatorRef
    mode: Literal["walk", "audit"]
    nonce: str = ""
    """Given by an auditor, to show that the session was not made before."""
    code: str = ""
    """The SHA-256 over the probes' code and the dated data that they go by."""


class Looked(Event, frozen=True, kw_only=True, tag="fact"):
    """A fact was looked up: by what, and what came back. No output is kept, only what proves it."""

    fact: str
    vantage: str
    command: str
    """What was run or asked; empty where it would name a secret. A profile: signoff.session.reprofiled."""
    status: int | None
    size: int
    digest: str
    """The SHA-256 of the output; empty where the output holds secrets."""
    as_root: bool
    problem: str = ""


class Kept(Event, frozen=True, kw_only=True, tag="kept"):
    """Typed values were kept beside the journal: by the ``seq`` of the look, the SHA-256 of the value's line.

    It comes when a whole round has been looked up, so that every secret is known that none may hold.
    """

    values: dict[str, str]


class Consented(Event, frozen=True, kw_only=True, tag="consent"):
    """The operator allowed a probe of a step to do more than look, or withdrew that (``given`` is false)."""

    checklist: str
    step: str
    probe: str
    use: str = ""
    given: bool = True

    @property
    def name(self) -> str:
        """The probe with its parameters."""
        return f"{self.probe} ({self.use})" if self.use else self.probe


class Found(Event, frozen=True, kw_only=True, tag="findings"):
    """A probe judged. Its later findings on the same step take the place of all its earlier ones.

    ``use`` are the parameters that the step gives it: the same probe with others is another one.
    """

    checklist: str
    step: str
    probe: str
    use: str = ""
    findings: tuple[Finding, ...]


class Probed(Event, frozen=True, kw_only=True, tag="probed"):
    """A step's probes have run to their end, or were cancelled."""

    checklist: str
    step: str
    complete: bool


class Entered(Event, frozen=True, kw_only=True, tag="entered"):
    """The operator turned to a step."""

    checklist: str
    step: str


class Attested(Event, frozen=True, kw_only=True, tag="attestation"):
    """What the operator says of a step. A later one takes its place; ``withdrawn`` leaves none.

    confirmed      ``value`` is what they saw
    skipped        ``reason``
    notapplicable  ``reason``
    accepted       the risk: ``reason``, and ``until`` (a date, YYYY-MM-DD)
    withdrawn      ``reason``
    """

    checklist: str
    step: str
    kind: Literal["confirmed", "skipped", "notapplicable", "accepted", "withdrawn"]
    statement: str = ""
    """The words that were confirmed, in the language they were read in."""
    value: str = ""
    reason: str = ""
    until: str = ""


class Noted(Event, frozen=True, kw_only=True, tag="note"):
    """A remark on a step."""

    checklist: str
    step: str
    text: str


class Intended(Event, frozen=True, kw_only=True, tag="intended"):
    """An action is about to change something: written, and on disk, before the first change.

    ``digests`` are keyed digests (never plain hashes) of what is there before and of what will be there,
    by name, so that after an interruption it can be looked up how far the action came.
    """

    checklist: str
    step: str
    action: str
    subject: str
    """What is changed: a file, a unit, a role."""
    preview: str = ""
    digests: dict[str, str] = {}


class Done(Event, frozen=True, kw_only=True, tag="done"):
    """How an intended action ended; ``intent`` is the ``seq`` of its Intended event.

    done      it is there      failed    it is not, and nothing was changed
    undone    it was taken back           unknown   it could not be told; ``detail`` says why
    """

    intent: int
    outcome: Literal["done", "failed", "undone", "unknown"]
    detail: str = ""
    digests: dict[str, str] = {}


class Enrolled(Event, frozen=True, kw_only=True, tag="enrolled"):
    """A second factor was made for an account. Of its seed nothing is recorded, nor any digest of it."""

    checklist: str
    step: str
    account: str
    issuer: str
    delivered_to: str = ""
    """What holds the seed now: a file and variable, a database; empty where the operator took it by hand."""
    verified: bool = False
    """Whether a code from the new device was typed: without it the enrolment is not complete."""


class Resumed(Event, frozen=True, kw_only=True, tag="resumed"):
    """The session went on after an interruption. ``target`` tells whether it is still the same machine."""

    signoff: str
    host_key: str
    machine_id: str


class Recovered(Event, frozen=True, kw_only=True, tag="recovered"):
    """A torn last line was cut off: ``size`` bytes with this SHA-256."""

    size: int
    digest: str


class Checkpoint(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """The session key's SSHSIG over the record so far.

    ``lines`` and ``size`` (bytes) say how much it covers, ``digest`` is that prefix's SHA-256;
    ``signature`` is the armoured SSHSIG over the text ``session lines size digest`` and a line feed.
    """

    lines: int
    size: int
    digest: str
    signature: str


class Sealed(Event, frozen=True, kw_only=True, tag="sealed"):
    """The walk is over. ``counts`` are the steps' results, ``open`` the steps left open (``checklist/step``).

    Nothing follows but its checkpoint, and what an interruption of the sealing itself may add.
    """

    counts: dict[str, int]
    open: tuple[str, ...]


AnyEvent = (
    Genesis
    | Looked
    | Kept
    | Consented
    | Found
    | Probed
    | Entered
    | Attested
    | Noted
    | Intended
    | Done
    | Enrolled
    | Resumed
    | Recovered
    | Checkpoint
    | Sealed
)


def of_version(event: AnyEvent, version: int) -> AnyEvent | None:
    """Return an event as a record of an older version has it; None where it has none such.

    A session that an older signoff began goes on as its first line says, so that this signoff's predecessor
    can read it to its end.
    """
    if version >= VERSION:
        return event
    if isinstance(event, (Kept, Consented)):
        return None
    if isinstance(event, Found):
        plain: dict[str, Any] = {"use": "", "proves": "", "fix": None, "said": {}}
        findings = tuple(msgspec.structs.replace(one, **plain) for one in event.findings)
        return msgspec.structs.replace(event, use="", findings=findings)
    return event


DECISIONS = (Probed, Consented, Attested, Noted, Intended, Done, Enrolled, Resumed, Recovered, Sealed)
"""After each of these the next line is a checkpoint."""
