"""Logins that a server without an account's password cannot be tried with: against paramiko's own server."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_PARTIALLY_SUCCESSFUL, AUTH_SUCCESSFUL
from paramiko.server import InteractiveQuery

from signoff.errors import TargetError
from signoff.target.address import SshAddress
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from signoff.target.ssh_config import ssh_config
from signoff.target.ssh_link import open_link
from signoff.target.ssh_login import Login
from unit.target.rig import Home, Operator, Sshd

PASSWORD = "correct horse"


@dataclass
class Server(paramiko.ServerInterface):
    """Lets in after the given methods, in this order."""

    methods: tuple[str, ...]
    passed: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def get_allowed_auths(self, username: str) -> str:
        """Return the next method."""
        return self.methods[len(self.passed)]

    def _pass(self, method: str, right: bool) -> int:
        if not right or self.get_allowed_auths("") != method:
            return AUTH_FAILED
        self.passed.append(method)
        return AUTH_SUCCESSFUL if len(self.passed) == len(self.methods) else AUTH_PARTIALLY_SUCCESSFUL

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Take any key."""
        return self._pass("publickey", right=True)

    def check_auth_password(self, username: str, password: str) -> int:
        """Take the password."""
        self.given.append(password)
        return self._pass("password", password == PASSWORD)

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        """Ask for the password and a code."""
        query = InteractiveQuery("", "")
        query.add_prompt("Password: ", False)
        query.add_prompt("Verification \x1b[2Jcode: ", False)
        return query

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        """Take both."""
        self.given += responses
        return self._pass("keyboard-interactive", responses == [PASSWORD, "123456"])


@contextmanager
def serving(keys: Path, *methods: str) -> Iterator[tuple[int, Server]]:
    """Run the server for one connection."""
    server = Server(methods)
    transports: list[paramiko.Transport] = []

    def accept() -> None:
        sock, _ = listener.accept()
        transport = paramiko.Transport(sock)
        transports.append(transport)
        transport.add_server_key(paramiko.PKey.from_path(keys / "ed25519"))
        transport.start_server(server=server)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], server
    for transport in transports:
        transport.close()


def log_in(home: Home, operator: Operator, port: int, **options: object) -> Login:
    """Connect, log in and hang up; return what was kept."""
    home.configure("door", None, HostName="127.0.0.1", Port=port, **options)
    login = Login(operator)
    open_link(ssh_config(SshAddress("door")), operator, login).close()
    return login


def test_a_password_is_the_last_resort(home: Home, keys: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("paramiko").setLevel(logging.DEBUG)
    operator = Operator(login_passwords=["wrong", PASSWORD])
    with serving(keys, "password") as (port, server):
        login = log_in(home, operator, port, IdentityFile=keys / "client")
        assert server.given == ["wrong", PASSWORD]
    assert login._passwords
    login.forget()
    assert not login._passwords
    assert [question.split()[0] for question in operator.asked] == ["host", "login", "login"]
    assert caplog.text == ""


def test_a_second_factor_is_asked_for_in_the_servers_words(home: Home, keys: Path) -> None:
    operator = Operator(login_passwords=[PASSWORD, "123456"])
    with serving(keys, "publickey", "keyboard-interactive") as (port, server):
        log_in(home, operator, port, IdentityFile=keys / "client")
        assert server.passed == ["publickey", "keyboard-interactive"]
    assert operator.asked[-1].endswith("127.0.0.1 (Verification code:)")


def test_wrong_answers_end_after_three(home: Home, keys: Path) -> None:
    operator = Operator(login_passwords=["one", "two", "three", "four"])
    with serving(keys, "password") as (port, server), pytest.raises(TargetError) as error:
        log_in(home, operator, port, IdentityFile="none")
    assert server.given == ["one", "two", "three"]
    assert "Tried: password. The server allows: password." in error.value.message
    assert "three" not in str(error.value)


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_no_answer_is_a_way_out(home: Home, keys: Path, method: str) -> None:
    operator = Operator()
    with (
        serving(keys, method) as (port, server),
        pytest.raises(TargetError, match=f"The server allows: {method}"),
    ):
        log_in(home, operator, port, IdentityFile="none")
    assert server.given == []


def test_batch_mode_asks_nothing(home: Home, keys: Path) -> None:
    operator = Operator(login_passwords=[PASSWORD])
    with serving(keys, "password") as (port, _), pytest.raises(TargetError):
        log_in(home, operator, port, IdentityFile="none", BatchMode="yes")
    assert [question.split()[0] for question in operator.asked] == ["host"]


def test_closing_forgets_what_was_typed(shop: str, sshd: Sshd) -> None:
    target = open_target(Profile(address=shop), Operator())
    login: Login = target._login  # type: ignore[attr-defined]
    assert login._keys
    target.close()
    assert not login._keys
