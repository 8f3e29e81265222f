"""A PostgreSQL role's password: the database knows a new one before any file says so.

The verifier is computed here, so that no server log, no query statistics and no replica ever sees the
password. A login over TCP proves it; and as a server that trusts an address lets anybody in from there, a
login counts only where a wrong password, tried beside it, is refused. In the well-known container image that
is so on the container's own address and not on its loopback.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from shlex import quote
from threading import Event
from typing import ClassVar, Final

from signoff.actions.base import ActionError, LastingError, StepRecord, Tell
from signoff.actions.hands import Hands, failed
from signoff.credentials.scram import accepts, verifier
from signoff.credentials.secret import Secret
from signoff.message import say
from signoff.text import one_line

PATIENCE: Final = 15.0
"""How long a server that has just started may take until it lets anybody in, in seconds."""
FOR_A_LOCK: Final = 8
"""How long the server may wait until it alters a role, in seconds."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL on the target: in a container, or the host's own. ``port`` is its own, there."""

    container: str = ""
    superuser: str = "postgres"
    host: str = "127.0.0.1"
    port: int = 5432

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return (
            say("PostgreSQL in container {container}", container=one_line(self.container))
            if self.container
            else "PostgreSQL"
        )


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A role and its new password. ``database`` is the one to log in to."""

    server: Server
    role: str
    database: str
    old: Secret
    new: Secret

    @property
    def subject(self) -> str:
        """What is changed."""
        return say("role {role} of {name}", role=one_line(self.role, 63), name=self.server.name)

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return (
            say(
                "{name}: ALTER ROLE {role} PASSWORD (a SCRAM-SHA-256 verifier)",
                name=self.server.name,
                role=one_line(self.role, 63),
            ),
            say("then a login over TCP: the new password is taken, the old and a wrong one are refused"),
        )


@dataclass(eq=False)
class RolePassword:
    """The action. See `signoff.actions.base.Action`."""

    change: RoleChange
    hands: Hands
    record: StepRecord
    _before: Secret | None = field(default=None, init=False)
    _after: Secret = field(init=False)

    id: ClassVar[str] = "postgres.password"

    def __post_init__(self) -> None:
        self._after = verifier(self.change.new)

    @property
    def subject(self) -> str:
        """The role."""
        return self.change.subject

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return self.change.preview

    @property
    def digests(self) -> Mapping[str, str]:
        """Of the verifiers."""
        of = self.record.fingerprints.of
        return {"before": of(self._before or Secret("")), "after": of(self._after)}

    def prepare(self, tell: Tell) -> None:
        """Ask the server as its superuser, and look where a login proves something."""
        tell(say("Looking at {subject}.", subject=self.subject))
        self._before = self._stored()
        self.record.know(
            [(say("verifier of {role}", role=self.change.role), one) for one in (self._before, self._after)]
        )
        proof = self._log_in(self.change.old)
        known = accepts(self._before, self.change.role, self.change.old)
        if known and not proof.taken(self.change.old):
            raise LastingError(
                say(
                    "{subject}: the right password is refused: {said}", subject=self.subject, said=proof.said
                ),
                say("See pg_hba.conf and listen_addresses: the login could not be tried with the new one."),
            )
        if known is False:
            tell(
                say(
                    "{subject} has another password than the file's; it gets the new one all the same.",
                    subject=self.subject,
                )
            )
        elif self._before.reveal().startswith("md5"):
            tell(
                say(
                    "{subject} has its password as MD5 so far; from now on as SCRAM-SHA-256.",
                    subject=self.subject,
                )
            )

    def run(self, tell: Tell, cancel: Event) -> None:
        """Alter the role."""
        tell(say("Setting the new password of {subject}.", subject=self.subject))
        self._alter(self._after)

    def check(self, tell: Tell) -> None:
        """Log in."""
        end = time.monotonic() + PATIENCE
        while True:
            proof = self._log_in(self.change.new, self.change.old)
            if proof.taken(self.change.new) and not proof.taken(self.change.old):
                tell(
                    say(
                        "{subject}: the new password is taken at {address}, the old one refused.",
                        subject=self.subject,
                        address=proof.address,
                    )
                )
                return
            if proof.taken(self.change.new):
                raise ActionError(
                    say(
                        "{subject}: the old password is still taken at {address}.",
                        subject=self.subject,
                        address=proof.address,
                    )
                )
            if time.monotonic() > end:
                raise ActionError(
                    say(
                        "{subject}: the new password is refused: {said}",
                        subject=self.subject,
                        said=proof.said,
                    )
                )
            time.sleep(1)

    def undo(self, tell: Tell) -> None:
        """Put the old verifier back, where the new one is there."""
        if self._before is None:
            return
        now = self._stored()
        if now == self._before:
            return
        if now != self._after:
            raise LastingError(
                say(
                    "{subject} was given another password meanwhile; it was left alone.", subject=self.subject
                )
            )
        self._alter(self._before)
        if self._stored() != self._before:
            raise ActionError(say("{subject} does not have its old password again.", subject=self.subject))
        tell(say("{subject} has its old password again.", subject=self.subject))

    def _stored(self) -> Secret:
        """Return the role's verifier; empty where it has none."""
        columns = "pg_is_in_recovery(), rolcanlogin, coalesce(rolpassword, '')"
        role = _literal(self.change.role)
        rows = self._sql(f"SELECT {columns} FROM pg_authid WHERE rolname = {role};\n")  # noqa: S608 - quoted
        if not rows:
            raise LastingError(
                say(
                    "{name} has no role {role}.",
                    name=self.change.server.name,
                    role=one_line(self.change.role, 63),
                )
            )
        replica, may_log_in, stored = rows[0].split("|", 2)
        if replica == "t":
            raise LastingError(
                say("{name} is a replica: the password is set on its primary.", name=self.change.server.name)
            )
        if may_log_in != "t":
            raise LastingError(say("{subject} may not log in at all.", subject=self.subject))
        return Secret(stored)

    def _alter(self, stored: Secret) -> None:
        password = _literal(stored.reveal()) if stored else "NULL"
        # The verifier, too, is kept out of the log as far as a session can. And should nobody be there any
        # more to see it: what waits for a lock ends by itself, not at some time when all was put back.
        self._sql(
            "SET log_statement = 'none'; SET log_min_duration_statement = -1;"
            " SET log_min_error_statement = 'panic';"
            f" SET lock_timeout = '{FOR_A_LOCK}s'; SET statement_timeout = '{FOR_A_LOCK + 2}s';\n"
            f"ALTER ROLE {_identifier(self.change.role)} PASSWORD {password};\n"
        )

    def _sql(self, statements: str) -> list[str]:
        server = self.change.server
        psql = (
            "psql -X -q -A -t -w -F '|' -v ON_ERROR_STOP=1 -v VERBOSITY=terse"
            f" -p {server.port} -U {quote(server.superuser)} -d postgres"
        )
        if server.container:
            script = self.hands.in_container(server.container, psql)
        else:
            script = f"cd / && exec runuser -u {quote(server.superuser)} -- {psql}"
        what = say(
            "{name} could not be asked as its superuser {superuser}",
            name=server.name,
            superuser=server.superuser,
        )
        output = self.hands.run(what, script, statements.encode("utf-8", "surrogateescape"), timeout=30)
        if output.status != 0:
            raise failed(what, output)
        return output.stdout.decode("utf-8", "surrogateescape").splitlines()

    def _log_in(self, *passwords: Secret) -> _Proof:
        server = self.change.server
        wrong = Secret(secrets.token_hex(16))
        tried = (wrong, *passwords)
        if any(set(one.reveal()) & set("\r\n\0") for one in tried):
            raise LastingError(
                say("{subject}: its password is more than a line, and cannot be tried.", subject=self.subject)
            )
        script = _LOG_IN.format(
            count=len(tried),
            addresses='"$(hostname -i)"' if server.container else quote(server.host),
            port=server.port,
            role=quote(self.change.role),
            database=quote(self.change.database),
        )
        what = say("A login as {subject} could not be tried", subject=self.subject)
        output = self.hands.run(
            what,
            self.hands.in_container(server.container, script),
            "".join(f"{one.reveal()}\n" for one in tried).encode("utf-8", "surrogateescape"),
            timeout=60,
        )
        proofs = [
            _Proof.of(line, passwords) for line in output.stdout.decode("utf-8", "replace").splitlines()
        ]
        if output.status != 0 or not proofs:
            raise failed(what, output)
        for proof in proofs:
            if not proof.open:
                return proof
        where = ", ".join(proof.address for proof in proofs)
        raise LastingError(
            say(
                "{subject}: at {where} it is let in with any password, so that no login proves anything.",
                subject=self.subject,
                where=where,
            ),
            say("Replace trust by scram-sha-256 in pg_hba.conf, and reload PostgreSQL."),
        )


# The passwords come on standard input, a line each, the wrong one first; each is in the environment of one
# psql (libpq takes no passfile from a pipe) for as long as its login takes. Of each address: the status of
# each, and why the one after the wrong one was refused.
_LOG_IN: Final = r"""
command -v psql >/dev/null || {{ echo 'there is no psql' >&2; exit 1; }}
export PGCONNECT_TIMEOUT=5 PGAPPNAME=signoff
try() {{
  said=$(PGPASSWORD=$1 psql -X -q -w -h "$2" -p {port} -U {role} -d {database} -c 'SELECT 1' 2>&1 </dev/null)
  status=$?
}}
n=0
while [ "$n" -lt {count} ] && IFS= read -r line; do n=$((n + 1)); eval "password$n=\$line"; done
for address in $(echo {addresses}); do
  result= why=
  n=0
  while [ "$n" -lt {count} ]; do
    n=$((n + 1)); eval "try \"\$password$n\" \"\$address\""; result="$result $status"
    [ "$n" = 2 ] && why=$said
  done
  echo "$address$result|$(printf %s "$why" | tr '\n' ' ')"
done
"""


@dataclass(frozen=True)
class _Proof:
    """What came of the logins at one address."""

    address: str
    open: bool
    statuses: Mapping[Secret, bool]
    said: str

    @classmethod
    def of(cls, line: str, passwords: Iterable[Secret]) -> _Proof:
        head, _, said = line.partition("|")
        address, wrong, *others = head.split(" ")
        taken = {one: status == "0" for one, status in zip(passwords, others, strict=True)}
        return cls(one_line(address), wrong == "0", taken, one_line(said))

    def taken(self, password: Secret) -> bool:
        """Whether this password opened the door, and was needed for it."""
        return not self.open and self.statuses[password]


def _literal(text: str) -> str:
    """Return an SQL string constant, whatever standard_conforming_strings says."""
    if "\0" in text:
        raise ActionError(say("A name or password with a NUL is none for PostgreSQL."))
    return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _identifier(text: str) -> str:
    if "\0" in text:
        raise ActionError(say("A name with a NUL is none for PostgreSQL."))
    return '"' + text.replace('"', '""') + '"'
