"""What a step's actions are line by line: one word of a checklist, one conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import click

from signoff.actions.second_factor import write_down
from signoff.credentials.totp import new, recovery_codes
from signoff.engine import Key
from signoff.enrolling import proposed
from signoff.facts.git import GIT
from signoff.message import say, tr, translated
from signoff.model import Result, word
from signoff.rotating import Rotation
from signoff.rotation_terminal import agreed, carried_out
from signoff.text import inert
from signoff.totp_terminal import enrol
from signoff.walk import Walk

Ask = Callable[[str], str]
"""Asks a question, and returns what was typed."""


def _rotate_secrets(walk: Walk, key: Key, ask: Ask) -> bool:
    """Rate the secrets, and replace those that the operator names."""
    rotation = Rotation.on(walk, None, GIT)
    rated = rotation.rated().secrets
    for one in rated:
        click.echo(
            inert(f"  {word(one.result):<8} {one.name}  {'; '.join(map(translated, one.problems))}".rstrip())
        )
    typed = ask(tr("Which are replaced? Names, w for all that are not in order (empty to leave it)")).split()
    weak = [one.name for one in rated if one.result is not Result.PASS]
    names = tuple(dict.fromkeys(weak if typed == ["w"] else typed))
    if not names:
        return False
    plan = agreed(rotation, names)
    if carried_out(walk, key, plan):
        for line in plan.afterwards:
            click.echo(inert(tr("You still need to: {line}", line=line)))
    return True


def _enrol_second_factor(walk: Walk, key: Key, ask: Ask) -> bool:
    """Enrol an account; the operator takes the key to the product."""
    account, issuer = proposed(walk.profile)
    account = ask(tr("For which account? (Enter: {account})", account=inert(account))) or account
    enrolment = new(account, ask(tr("Of which product? (Enter: {issuer})", issuer=inert(issuer))) or issuer)
    walk.know(enrolment.known())
    enrol(enrolment, None)
    if ask(tr("Type yes once the product has the key; anything else records nothing")) != "yes":
        return False
    write_down(enrolment, walk.step_record(key))
    codes = recovery_codes()
    walk.know((say("a recovery code"), code) for code in codes)
    click.echo(tr("Recovery codes, each for one login; they are not shown again:"))
    for code in codes:
        click.echo(f"  {code.reveal()}")
    return False


FIXES: Final[Mapping[str, Callable[[Walk, Key, Ask], bool]]] = {
    "rotate-secrets": _rotate_secrets,
    "enrol-second-factor": _enrol_second_factor,
}
"""By the words of ``signoff.checklist.model.ACTIONS``. True where the target may have changed."""
