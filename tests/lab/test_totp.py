"""A second factor from the QR code to the product's database, with other people's readers and codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from authenticator import oathtool, scan, seed_of, wanted
from desk import Desk
from labhost.host import Host
from terminal import Terminal

from lab import Lab
from signoff.actions import second_factor
from signoff.actions.base import Ending, StepRecord
from signoff.actions.hands import Hands
from signoff.actions.postgres import Server
from signoff.actions.second_factor import KeyInDatabase, deliver, in_variable
from signoff.credentials.redact import Redactor
from signoff.credentials.totp import Checked, Enrolment, Verifier, new
from signoff.session.events import Enrolled
from signoff.session.identity import load_or_create
from signoff.session.session import Session
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from signoff.target.second_factor import SecondFactor
from unit.canaries import Canaries
from unit.session.records import CHECKLISTS, TARGET
from unit.target.rig import Operator

pytestmark = pytest.mark.lab

SQL = "UPDATE users SET totp_secret = :seed, totp_enabled = true WHERE email = :account"
UNDO = "UPDATE users SET totp_secret = NULL, totp_enabled = false WHERE email = :account"
LOGGED = "SET log_statement = 'all'; SET log_min_duration_statement = 0; SET log_error_verbosity = 'verbose'"


@wanted
def test_scanned_off_a_real_terminal(lab: Lab, tmp_path: Path) -> None:
    desk, terminal = Desk(tmp_path, lab.ca_certificate), Terminal()
    try:
        terminal.run(
            desk.command(
                "totp", "new", "admin@shop.example", "--issuer", "Shop", "--write", f"{tmp_path}/key"
            )
        )
        terminal.until("key as text")
        seed = seed_of(scan(terminal, tmp_path), "Shop", "admin@shop.example")
        terminal.type(oathtool(seed))
        terminal.press("Enter")
        shown = terminal.until("Verified with a code")
        assert (tmp_path / "key").read_text().strip() == seed
        assert seed not in shown + terminal.history
    finally:
        terminal.close()
        desk.close()


@dataclass
class Product:
    """A shop with a database that logs everything, and a session that records what is done to it."""

    host: Host
    hands: Hands
    record: StepRecord
    folder: Path

    def sql(self, statement: str) -> str:
        return self.host.exec(
            "cd / && runuser -u postgres -- psql -X -q -A -t -d shop", stdin=f"{statement};\n"
        ).strip()

    @property
    def log(self) -> str:
        return self.host.exec("cat /var/log/postgresql/*.log")


@pytest.fixture
def product(
    fresh_host: Callable[..., Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    host = fresh_host()
    (tmp_path / "known_hosts").write_text(host.known_hosts)
    (tmp_path / "config").write_text(
        f"Host *\n  IdentityFile {host.ssh_key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        f"  UserKnownHostsFile {tmp_path}/known_hosts\n"
    )
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {tmp_path}/config "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    redactor = Redactor()
    session = Session.start(
        signer=load_or_create(path=tmp_path / "identity"),
        target=TARGET,
        checklists=CHECKLISTS,
        guard=redactor.refuse,
        sessions=tmp_path / "sessions",
    )
    target = open_target(Profile(name="shop", address=host.target()), Operator(trusts=False))
    made = Product(host, Hands.on(target), StepRecord(session, "quick", "secrets", redactor), tmp_path)
    for setting in LOGGED.split("; "):
        made.sql(setting.replace("SET", "ALTER SYSTEM SET", 1))
    made.sql("SELECT pg_reload_conf()")
    made.sql("INSERT INTO users (email, role, password_hash) VALUES ('a\\b''c@shop.example', 'admin', 'x')")
    yield made
    target.close()
    session.close()


def proved(enrolment: Enrolment) -> Checked:
    return Verifier(enrolment.secret).check(oathtool(enrolment.secret.reveal()))


def in_database(product: Product, enrolment: Enrolment, sql: str = SQL, undo: str = UNDO) -> KeyInDatabase:
    statement = SecondFactor(sql=sql, undo=undo, database="shop")
    return KeyInDatabase(
        statement, Server(), enrolment.account, enrolment.secret, product.hands, product.record
    )


def test_into_the_database_and_into_no_log(product: Product) -> None:
    enrolment = new("a\\b'c@shop.example", "Shop")
    seed, said = enrolment.secret.reveal(), list[str]()
    canaries = Canaries({"seed": seed, "uri": enrolment.uri.reveal()})
    action = in_database(product, enrolment)
    outcome = deliver(enrolment, proved(enrolment), action, product.record, said.append, Event())
    assert outcome.ending is Ending.DONE, outcome
    assert product.sql("SELECT totp_secret FROM users WHERE totp_enabled AND password_hash = 'x'") == seed
    log = product.log
    assert "statement: BEGIN" in log, "the server logs what it is asked"
    told = "\n".join([*said, *action.preview, *outcome.left])
    assert canaries.in_text(log + told, "the log, or what was said") == []
    assert canaries.in_folder(product.folder / "sessions") == []
    found = f"grep -rl -- {seed[:16]} /home /root /tmp /var/tmp /var/log /run"
    assert product.host.exec(found, check=False) == ""
    (enrolled,) = [one for _, one in product.record.session.state.steps["quick", "secrets"].enrolled]
    assert enrolled == Enrolled(
        checklist="quick",
        step="secrets",
        account=enrolment.account,
        issuer="Shop",
        delivered_to=action.subject,
        verified=True,
    )
    action.undo(said.append)
    assert (
        product.sql("SELECT count(*) FROM users WHERE totp_secret IS NOT NULL AND password_hash = 'x'") == "0"
    )


def test_no_statement_holds_the_key_even_where_everything_is_logged(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_factor, "_SCRIPT", re.sub("SET LOCAL.*\n", "", second_factor._SCRIPT))
    enrolment = new("a\\b'c@shop.example", "Shop")
    action = in_database(product, enrolment)
    outcome = deliver(enrolment, proved(enrolment), action, product.record, lambda _: None, Event())
    assert outcome.ending is Ending.DONE, outcome
    log = product.log
    assert "UPDATE users SET totp_secret = (SELECT seed FROM" in log
    assert Canaries({"seed": enrolment.secret.reveal()}).in_text(log, "the log") == []


UNFIT = (
    (SQL.replace("email = :account", "email = 'nobody'"), "0 rows"),
    (SQL.replace("email = :account", "true"), "rows"),
    (SQL.replace("users", "no_such_table"), "no_such_table"),
    (SQL.replace(":seed", "'x'"), "where the key goes"),
    (SQL + "; SELECT 1", "more than one"),
    (SQL + r" \! id", "more than one"),
    (SQL.replace(":seed", "(:seed::uuid)::text"), "uuid"),
)


def test_a_statement_that_does_not_fit_changes_nothing(product: Product) -> None:
    enrolment = new("a\\b'c@shop.example", "Shop")
    rows = "SELECT md5(string_agg(u::text, '' ORDER BY id)) FROM users u"
    before, checked = product.sql(rows), proved(enrolment)
    for sql, words in UNFIT:
        action = in_database(product, enrolment, sql)
        outcome = deliver(enrolment, checked, action, product.record, lambda _: None, Event())
        assert outcome.ending is Ending.REFUSED, sql
        assert words in outcome.reason
        assert enrolment.secret.reveal() not in outcome.reason
        assert product.sql(rows) == before
    assert product.record.session.state.steps["quick", "secrets"].enrolled == []
    assert Canaries({"seed": enrolment.secret.reveal()}).in_text(product.log, "the log") == []


def test_into_a_file_on_the_host(product: Product) -> None:
    enrolment = new("admin", "Shop")
    before = product.host.exec("cat /srv/shop/.env; stat -c '%a %U %G' /srv/shop/.env")
    action = in_variable("/srv/shop/.env", "ADMIN_TOTP_KEY", enrolment.secret, product.hands, product.record)
    wrong = Verifier(enrolment.secret).check("000")
    outcome = deliver(enrolment, wrong, action, product.record, lambda _: None, Event())
    assert outcome.ending is Ending.REFUSED
    assert product.host.exec("cat /srv/shop/.env; stat -c '%a %U %G' /srv/shop/.env") == before, (
        "no code was right"
    )
    outcome = deliver(enrolment, proved(enrolment), action, product.record, lambda _: None, Event())
    assert outcome.ending is Ending.DONE, outcome
    assert (
        f"ADMIN_TOTP_KEY={enrolment.secret.reveal()}" in product.host.exec("cat /srv/shop/.env").splitlines()
    )
    again = in_variable(
        "/srv/shop/.env", "ADMIN_TOTP_KEY", new("b", "c").secret, product.hands, product.record
    )
    outcome = deliver(enrolment, proved(enrolment), again, product.record, lambda _: None, Event())
    assert outcome.ending is Ending.REFUSED
    assert "locked out" in outcome.reason
    action.undo(lambda _: None)
    assert product.host.exec("cat /srv/shop/.env; stat -c '%a %U %G' /srv/shop/.env") == before
    assert Canaries({"seed": enrolment.secret.reveal()}).in_folder(product.folder / "sessions") == []
