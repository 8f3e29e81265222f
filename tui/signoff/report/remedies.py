"""Remedies as data: the exact command, or the edit of a file; and how many of each a session has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signoff.message import Message, say, tr
from signoff.model import Command, Decision, Edit, Fix, Result

if TYPE_CHECKING:
    from signoff.session.state import SessionState

_KINDS: dict[str, type] = {"command": Command, "edit": Edit, "decision": Decision}


def parts(fix: Fix | None) -> tuple[tuple[Message, str], ...]:
    """Return a remedy's exact parts with their labels, as they came; a decision has none."""
    match fix:
        case Command():
            return ((say("run"), fix.command),)
        case Edit():
            change = ((say("from"), fix.before), (say("to"), fix.after))
            found = ((say("file"), fix.file), *(change if fix.before else ((say("add"), fix.after),)))
            return (*found, (say("then"), fix.then)) if fix.then else found
    return ()


def to_copy(fix: Fix | None) -> str:
    """Return what there is to paste: the command, or an edit's new line; empty where there is neither."""
    match fix:
        case Command():
            return fix.command
        case Edit():
            return fix.after
    return ""


def counted(state: SessionState) -> dict[str, int]:
    """Return how many failing findings have a remedy of each kind."""
    found: list[type] = [
        type(finding.fix)
        for step in state.steps.values()
        for finding in step.findings
        if finding.result is Result.FAIL
    ]
    return {name: found.count(kind) for name, kind in _KINDS.items()}


def counted_line(state: SessionState) -> str:
    """Return the same in words; empty where there are none."""
    count = counted(state)
    words = {
        "command": tr("{count} command", "{count} commands", count=count["command"]),
        "edit": tr("{count} edit", "{count} edits", count=count["edit"]),
        "decision": tr("{count} decision", "{count} decisions", count=count["decision"]),
    }
    told = ", ".join(text for kind, text in words.items() if count[kind])
    return tr("How to fix it: {remedies}", remedies=told) if told else ""
