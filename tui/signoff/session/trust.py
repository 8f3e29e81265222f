"""Adding to this machine's list of allowed signers: a plain line, written only when it is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from signoff import own_files, paths
from signoff.durable import write_new
from signoff.errors import UsageError
from signoff.message import Message, say
from signoff.session import allowed_signers
from signoff.session.allowed_signers import AllowedSigners, Entry, Line, matches, read_line
from signoff.session.events import is_name
from signoff.session.files import make_folder, record_error
from signoff.session.keys import PublicKey
from signoff.session.sshsig import COUNTERSIGN, GENESIS, RECORD
from signoff.session.wire import SignatureError
from signoff.text import one_line

NAMESPACES = f"{GENESIS},{RECORD}"
"""What an operator's key signs for."""
_PURPOSES = (GENESIS, RECORD, COUNTERSIGN)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator says beside the line; what is empty stays as the line has it."""

    name: str = ""
    namespaces: str = ""
    valid_after: str = ""
    valid_before: str = ""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A line that is in the list now."""

    line: str
    entry: Entry
    new: bool
    others: tuple[str, ...] = ()
    """The fingerprints of other keys that the list has under the same name."""


def signers_line(name: str, key: PublicKey, options: str = f'namespaces="{NAMESPACES}"') -> str:
    """Return a line of allowed_signers."""
    return f"{name} {options} {key.line}"


def trust(texts: Iterable[str], terms: Terms, path: Path | None = None) -> list[Trusted]:
    """Add a colleague's lines, or none of them where one is wrong. Raises UsageError, RecordError.

    A text is a line of allowed_signers, or a public key, for which ``terms`` has the name.
    """
    path = path or paths.allowed_signers_file()
    listed = allowed_signers.read(path) if path.exists() else AllowedSigners()
    trusted: list[Trusted] = []
    for text in texts:
        known = (*listed.entries, *(one.entry for one in trusted))
        trusted.append(_judged(_line(text, terms), known))
    append(path, [one.line for one in trusted if one.new])
    return trusted


def append(path: Path, lines: list[str]) -> None:
    """Add lines to a list of allowed signers, whole or not at all. Raises RecordError."""
    if not lines:
        return
    make_folder(path.parent)
    own_files.check(path)
    try:
        path = path.resolve()
        known = path.read_bytes() if path.exists() else b""
        gap = b"" if known.endswith(b"\n") or not known else b"\n"
        write_new(path, known + gap + "".join(f"{line}\n" for line in lines).encode("ascii"))
    except OSError as problem:
        raise record_error(problem, say("The allowed signers could not be written"), path) from None


def _line(text: str, terms: Terms) -> str:
    """Return the line to write. Raises UsageError."""
    shown = one_line(text, 60)
    try:
        line = _parts(text.strip(), terms)
        line.key.check()
    except ValueError as problem:
        raise UsageError(
            say("{shown} cannot be trusted: {problem}.", shown=repr(shown), problem=problem), _EXAMPLE
        ) from None
    if "cert-authority" in line.options:
        raise UsageError(
            say("{shown} is a certificate authority, which signoff does not accept.", shown=repr(shown)),
            say("List each operator's own key."),
        )
    names = terms.name or line.principals
    if not all(is_name(one) for one in names.split(",")):
        raise UsageError(
            say("{names} is no operator's name.", names=repr(one_line(names, 60))),
            say(
                "A name is letters, digits and . _ + @ -, and no pattern; see: signoff identity trust --help"
            ),
        )
    options = {
        "namespaces": terms.namespaces or line.options.get("namespaces") or NAMESPACES,
        "valid-after": terms.valid_after or line.options.get("valid-after", ""),
        "valid-before": terms.valid_before or line.options.get("valid-before", ""),
    }
    written = ",".join(f'{option}="{value}"' for option, value in options.items() if value)
    if not (written.isascii() and written.isprintable()):
        raise UsageError(
            say("{written} holds characters that are out of place.", written=repr(one_line(written, 60))),
            _EXAMPLE,
        )
    return signers_line(names, line.key, written)


_EXAMPLE = say('A line is: anna@ops namespaces="{namespaces}" ssh-ed25519 AAAA...', namespaces=NAMESPACES)


def _parts(text: str, terms: Terms) -> Line:
    try:
        key = PublicKey.from_line(text)
    except SignatureError:
        return read_line(text)
    if not terms.name:
        raise ValueError(say("it is a key without a name; give one with --name"))
    return Line(terms.name, key, {})


def _judged(line: str, known: tuple[Entry, ...]) -> Trusted:
    """Compare a line with those that the list has. Raises UsageError where one of them says otherwise."""
    read = allowed_signers.parse(line.encode("ascii"))
    if not read.entries:
        note = read.note
        problem = note.values["problem"] if isinstance(note, Message) else note.partition(": ")[2]
        raise UsageError(say("This cannot be trusted: {problem}.", problem=problem), _EXAMPLE)
    (entry,) = read.entries
    if not _purposes(entry) or len(_purposes(entry) & {GENESIS, RECORD}) == 1:
        raise UsageError(
            say(
                "By this line no record would be believed: it takes {genesis} and {record}.",
                genesis=GENESIS,
                record=RECORD,
            ),
            say('Take its namespaces out, or give --namespaces "{namespaces}"', namespaces=NAMESPACES),
        )
    same = [one for one in known if one.key == entry.key and _purposes(one) & _purposes(entry)]
    for one in same:
        if _terms(one) != _terms(entry):
            where = say("line {line}", line=one.line) if one.line else say("another line")
            raise UsageError(
                say(
                    "The key {fingerprint} is listed already, otherwise: {where}, {principals}.",
                    fingerprint=entry.key.fingerprint,
                    where=where,
                    principals=one.principals,
                ),
                say(
                    "Change that line yourself, in {allowed_signers_file}",
                    allowed_signers_file=paths.allowed_signers_file(),
                ),
            )
    names = entry.principals.split(",")
    others = [one for one in known if one.key != entry.key and any(matches(one.principals, n) for n in names)]
    return Trusted(line, entry, not same, tuple(one.key.fingerprint for one in others))


def _purposes(entry: Entry) -> set[str]:
    return {one for one in _PURPOSES if entry.namespaces is None or matches(entry.namespaces, one)}


def _terms(entry: Entry) -> tuple[object, ...]:
    return (entry.principals, entry.namespaces, entry.valid_after, entry.valid_before, entry.authority)
