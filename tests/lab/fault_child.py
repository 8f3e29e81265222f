"""One piece of a session's work, for tests that end it in the middle: ``python fault_child.py WORK ...``.

What has been acknowledged is said on standard output, word by word, each as soon as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from signoff.credentials.env_file import EnvFile
from signoff.errors import SignoffError
from signoff.session import identity
from signoff.session.events import ChecklistRef, Entered, Noted, TargetRef
from signoff.session.session import Session

TARGET = TargetRef(name="shop", address="shop.example", host_key="", machine_id="m", profile={})
CHECKLISTS = (ChecklistRef("quick", "0" * 64, ("secrets", "ports")),)


def tell(word: str) -> None:
    """Acknowledge."""
    os.write(1, f"{word}\n".encode("ascii"))


def begin() -> None:
    """Begin a session."""
    with Session.start(signer=identity.load_or_create(), target=TARGET, checklists=CHECKLISTS) as session:
        tell(session.id)


def decide(directory: str, *words: str) -> None:
    """Go on with a session, and note the words, one after the other."""
    with Session.resume(Path(directory)) as session:
        session.append(Entered(checklist="quick", step="ports"))
        for word in words:
            session.append(Noted(checklist="quick", step="ports", text=word))
            tell(word)


def seal(directory: str) -> None:
    """Go on with a session, and seal it."""
    with Session.resume(Path(directory)) as session:
        session.seal(identity.load_or_create())
        tell("sealed")


def rewrite(path: str, text: str) -> None:
    """Replace a .env file's content."""
    env = EnvFile(Path(path))
    env.write(text.encode("ascii"), env.read())
    tell("written")


def walk(checklist: str, answers: str) -> None:
    """Walk a whole checklist on this machine, by the command line."""
    from signoff.cli import main as signoff

    try:
        signoff(["run", "--plain", checklist, "--answers", answers])
    except SystemExit as ended:
        if ended.code not in {0, 3}:  # nothing failed; no machine has looked
            raise


def main() -> int:
    """Do the work; return 2 where it was refused, with the reason on standard error."""
    work, *arguments = sys.argv[1:]
    works: dict[str, Callable[..., None]] = {"begin": begin, "decide": decide, "seal": seal, "walk": walk}
    try:
        (works | {"rewrite": rewrite})[work](*arguments)
    except SignoffError as problem:
        print(problem.message, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
