"""What a shell's Tab key offers: checklists, targets and sessions by name."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from signoff.errors import SignoffError


def checklist_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the checklists that come with signoff."""
    from signoff.checklist.load import available

    return _beginning(incomplete, available())


def target_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the saved targets; none where targets.toml cannot be read."""
    from signoff.target.profiles import load_profiles

    try:
        return _beginning(incomplete, ["local", *load_profiles()])
    except SignoffError:
        return []


def session_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the sessions, the newest first."""
    from signoff.session.store import summaries

    return _beginning(incomplete, ["latest", *(session.id for session in summaries())])


def signing_keys(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer what can sign: the own key, a file, or the keys that the agent has."""
    from signoff.session.agent import Agent

    if context.params.get(parameter.name or "") != ("agent",):
        words = [CompletionItem(word) for word in _beginning(incomplete, ["own", "agent"])]
        return [*words, CompletionItem(incomplete, type="file")]
    try:
        held = [one.key.fingerprint for one in Agent.here().listed()]
    except SignoffError:
        return []
    return [CompletionItem(one) for one in _beginning(incomplete, held)]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
