"""A second factor's key, once a code proved it, into the product: a file, a variable, or its database.

The database gets the key as data and never within a statement: COPY puts it into a temporary table, and the
configured statement reads it from there. So no statement that PostgreSQL logs, shows in pg_stat_activity,
counts in pg_stat_statements or explains has it. What cannot be hidden: whoever may read the table, its
replicas, its write-ahead log or its backups reads the key, unless the statement encrypts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from threading import Event
from typing import ClassVar, Final

from signoff.actions.base import Action, ActionError, Ending, LastingError, Outcome, StepRecord, Tell, perform
from signoff.actions.hands import Hands, failed
from signoff.actions.postgres import Server
from signoff.actions.put_away import InNewFile, InVariable
from signoff.credentials.secret import HIDDEN, Secret
from signoff.credentials.totp import Checked, Enrolment
from signoff.message import say
from signoff.session.events import Enrolled
from signoff.target.second_factor import SecondFactor, has_place, wrong_with
from signoff.text import one_line

_DUMMY: Final = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
"""A key like any other, for trying the statement: the one of RFC 6238, appendix B."""


def deliver(
    enrolment: Enrolment, checked: Checked, action: Action, record: StepRecord, tell: Tell, cancel: Event
) -> Outcome:
    """Carry out a delivery that the operator has read and said yes to, and record the enrolment.

    ``checked`` is what became of the code that was typed: without a right one nothing is delivered.
    """
    if not checked:
        return Outcome(Ending.REFUSED, say("No code was right: the enrolment is not complete."))
    record.know(enrolment.known())
    outcome = perform([action], record, tell, cancel)
    if outcome.ending is Ending.DONE:
        write_down(enrolment, record, action.subject)
    return outcome


def write_down(enrolment: Enrolment, record: StepRecord, delivered_to: str = "") -> None:
    """Record an enrolment whose code was right; ``delivered_to`` is empty where the operator took the key."""
    record.know(enrolment.known())
    record.session.append(
        Enrolled(
            checklist=record.checklist,
            step=record.step,
            account=enrolment.account,
            issuer=enrolment.issuer,
            delivered_to=delivered_to,
            verified=True,
        )
    )


def in_variable(path: str, name: str, key: Secret, hands: Hands, record: StepRecord) -> InVariable:
    """Return the action that puts a key into a variable of a file on the target."""
    return InVariable(path, name, key, hands, record, what=say("the new key"), id="totp.env")


def in_new_file(path: Path, key: Secret, record: StepRecord) -> InNewFile:
    """Return the action that writes a key to a new file on this machine."""
    return InNewFile(path, key, record, what=say("the new key"), id="totp.file")


@dataclass(eq=False)
class KeyInDatabase:
    """The action that runs the statement, which has to change exactly one row. See `Action`."""

    statement: SecondFactor
    server: Server
    account: str
    key: Secret
    hands: Hands
    record: StepRecord
    _begun: bool = field(default=False, init=False)

    id: ClassVar[str] = "totp.database"

    @property
    def subject(self) -> str:
        """The account, the database and its server."""
        return say(
            "{account} in database {database} of {name}",
            account=one_line(self.account),
            database=one_line(self.statement.database),
            name=self.server.name,
        )

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        undo = one_line(self.statement.undo, 400)
        return (
            say(
                "{name}, database {database}:",
                name=self.server.name,
                database=one_line(self.statement.database),
            ),
            f"  {one_line(self.statement.sql, 400)}",
            say(
                "  :account is {account}, :seed is {hidden} (the new key); one row changes",
                account=one_line(self.account),
                hidden=HIDDEN,
            ),
            say("taken back by: {undo}", undo=undo)
            if undo
            else say("once it is done it cannot be taken back from here"),
        )

    @property
    def digests(self) -> Mapping[str, str]:
        """Nothing: what was there is not read."""
        return {}

    def prepare(self, tell: Tell) -> None:
        """Run the statements with a key that is none, and roll them back."""
        for sql in filter(None, (self.statement.sql, self.statement.undo)):
            _examine(sql)
        if not has_place(self.statement.sql):
            raise LastingError(
                say("The statement does not say where the key goes."), say("Write :seed in its place.")
            )
        tell(say("Trying the statement on {subject}; it is rolled back.", subject=self.subject))
        for sql in filter(None, (self.statement.sql, self.statement.undo)):
            self._run(sql, _DUMMY, commit=False)

    def run(self, tell: Tell, cancel: Event) -> None:
        """Run the statement."""
        tell(say("Writing the key of {subject}.", subject=self.subject))
        self._begun = True
        self._run(self.statement.sql, self.key, commit=True)

    def check(self, tell: Tell) -> None:
        """Nothing more: the transaction was committed with one row, or ``run`` has raised."""

    def undo(self, tell: Tell) -> None:
        """Run the statement that takes it back."""
        if not self._begun:
            return
        if not self.statement.undo:
            raise LastingError(
                say("{subject} may have the new key, and what was there is not known.", subject=self.subject),
                say("Look at the account, and enrol it again where needed."),
            )
        self._run(self.statement.undo, _DUMMY, commit=True)
        tell(say("{subject} has no key any more.", subject=self.subject))

    def _run(self, sql: str, key: Secret, *, commit: bool) -> None:
        psql = (
            "psql -X -q -A -t -w -v ON_ERROR_STOP=1 -v VERBOSITY=terse"
            f" -p {self.server.port} -U {quote(self.server.superuser)} -d {quote(self.statement.database)}"
        )
        if self.server.container:
            script = self.hands.in_container(self.server.container, psql)
        else:
            script = f"cd / && exec runuser -u {quote(self.server.superuser)} -- {psql}"
        what = say("The statement on {subject} could not be run", subject=self.subject)
        payload = _SCRIPT.format(
            account=_copied(self.account),
            seed=_copied(key.reveal()),
            sql=sql.strip().rstrip(";"),
            end="COMMIT" if commit else "ROLLBACK",
        )
        output = self.hands.run(what, script, payload.encode(), timeout=30)
        said = output.stdout.decode("utf-8", "replace").split()
        if output.status != 0:
            raise failed(what, output)
        if said[:1] == ["rows"]:
            raise LastingError(
                say(
                    "The statement would have changed {said} rows, and one is meant.",
                    said=one_line(said[-1], 20),
                ),
                say(
                    "Nothing was changed. Is the account {account} in that table?",
                    account=one_line(self.account),
                ),
            )
        if said != ["done"]:
            raise ActionError(say("{what}: psql did not say that it is done.", what=what))


def _examine(sql: str) -> None:
    """Raise LastingError where psql would make something else of it."""
    wrong, hint = wrong_with(sql)
    if wrong:
        raise LastingError(wrong, hint)


def _copied(text: str) -> str:
    """Return a value as COPY's text format has it."""
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(escapes.get(character, character) for character in text)


# An error's own words may quote a value: in this transaction the server logs none.
_SCRIPT: Final = r"""BEGIN;
SET LOCAL log_min_messages = 'panic';
SET LOCAL log_min_error_statement = 'panic';
CREATE TEMPORARY TABLE signoff_enrolment (account text, seed text) ON COMMIT DROP;
COPY pg_temp.signoff_enrolment FROM STDIN;
{account}	{seed}
\.
\set account '(SELECT account FROM pg_temp.signoff_enrolment)'
\set seed '(SELECT seed FROM pg_temp.signoff_enrolment)'
{sql}
;
\set changed :ROW_COUNT
SELECT :changed = 1 AS one \gset
\if :one
{end};
\echo done
\else
ROLLBACK;
\echo rows :changed
\endif
"""
