"""A target over SSH: one connection, a channel for each shell."""

from __future__ import annotations

import contextlib
import select
import shlex
import socket
from collections.abc import Callable, Iterator, Sequence
from threading import Condition, Event, Timer
from typing import Final

import paramiko

from signoff.errors import TargetError
from signoff.message import listed, say
from signoff.target.address import SshAddress
from signoff.target.base import Prompter
from signoff.target.collecting import collect
from signoff.target.command import Command, Output
from signoff.target.executing import execute
from signoff.target.shell import ConnectionLostError, NoShell, Process, Stopped, open_shell
from signoff.target.ssh_config import SshConfig, ssh_config
from signoff.target.ssh_link import Link, open_link
from signoff.target.ssh_login import Login
from signoff.target.sudo import Sudo

_CHUNK: Final = 1 << 16
_PATIENCE: Final = 20.0  # seconds for the answer to one request


def connect(address: SshAddress, prompter: Prompter) -> SshTarget:
    """Return the target at an address, connected and logged in. Raise TargetError."""
    config = ssh_config(address)
    try:
        target = SshTarget(config, prompter)
    except TargetError as error:
        # What was not known of the way may be why it led nowhere.
        raise TargetError(error.message, listed(filter(None, (error.hint, *config.notes)), " ")) from None
    try:
        target.greet()
    except BaseException:
        target.close()
        raise
    return target


class SshTarget:
    """A machine at the other end of an SSH connection, which is made again when it is lost."""

    def __init__(self, config: SshConfig, prompter: Prompter) -> None:
        self._config = config
        self._prompter = prompter
        self._login = Login(prompter)
        self._link = open_link(self._config, prompter, self._login)
        self._host_key = self._link.host_key
        self._turn = Condition()
        self._open = 0
        self._closed = False
        self.is_root = False
        self.round_trips = 0
        """How many requests were answered since the login; it does not grow with the number of commands."""
        self.sudo = Sudo(prompter, self._config.user, self._config.hostname)

    @property
    def address(self) -> str:
        """``user@host:port``, after ~/.ssh/config."""
        return self._config.destination

    @property
    def host_key(self) -> str:
        """The fingerprint of the host's key."""
        return self._host_key

    @property
    def notes(self) -> tuple[str, ...]:
        """What was lost on the way here, for the operator."""
        return self._config.notes

    @property
    def outside_addresses(self) -> tuple[str, ...]:
        """The host's addresses, the connected one first; none where a jump host or proxy is between."""
        peer = self._link.peer
        if not peer:
            return ()
        try:
            found = socket.getaddrinfo(self._config.hostname, None, type=socket.SOCK_STREAM)
        except OSError:
            found = []
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        return tuple(dict.fromkeys([peer, *addresses]))

    def greet(self) -> None:
        """Find out whether there is a shell, and whose it is. Raise TargetError where there is none."""
        try:
            shell = open_shell(self.start, lambda: self._closed)
        except NoShell as noise:
            raise TargetError(
                say(
                    "{address} lets us in, but gives no shell. It said: {said}",
                    address=self.address,
                    said=noise.said or say("nothing"),
                ),
                say("See its login shell, its ~/.bashrc, and ForceCommand or command= in authorized_keys."),
            ) from None
        self.is_root = shell.is_root
        shell.process.close()

    def collect(self, commands: Sequence[Command], cancel: Event) -> Iterator[Output]:
        """Run the commands; see `signoff.target.base.Target.collect`."""
        return collect(self, commands, cancel)

    def execute(
        self,
        script: str,
        payload: bytes = b"",
        *,
        root: bool = False,
        timeout: float = 60.0,
        cancel: Event | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Output:
        """Run a script that changes something; see `signoff.target.executing.execute`."""
        return execute(self, script, payload, root=root, timeout=timeout, cancel=cancel, on_output=on_output)

    def close(self) -> None:
        """Close the connection, and forget every password."""
        self._closed = True
        self.sudo.forget()
        self._login.forget()
        self._link.close()

    def start(self, arguments: Sequence[str]) -> Process:
        """Start a program, over a new connection where the old one was lost. Raise TargetError."""
        with self._turn:
            link = self._alive()
            channel = self._channel(link)
            self._open += 1
            self.round_trips += 2
        process = _RemoteProcess(self, channel, link)
        process.execute(shlex.join(["exec", *arguments]))
        return process

    def is_reachable(self) -> bool:
        """Tell whether the connection still carries anything, by a request to it."""
        try:
            with contextlib.closing(self._link.transport.open_session(timeout=_PATIENCE / 4)):
                return True
        except paramiko.ChannelException:
            return True  # refused, but answered
        except (paramiko.SSHException, EOFError, OSError):
            self._link.close()
            return False

    def released(self) -> None:
        """Take note that a channel was closed."""
        with self._turn:
            self._open -= 1
            self._turn.notify_all()

    def _alive(self) -> Link:
        if self._closed:
            raise Stopped
        if not self._link.is_alive:
            self._link.close()
            link = open_link(self._config, self._prompter, self._login)
            if link.host_key != self._host_key:
                link.close()
                raise TargetError(
                    say(
                        "Another host answers at {address}: {host_key}.",
                        address=self.address,
                        host_key=link.host_key,
                    )
                )
            self._link = link
        return self._link

    def _channel(self, link: Link) -> paramiko.Channel:
        """Open a session; where the server allows fewer at a time (MaxSessions), wait for one to end."""
        while True:
            try:
                return link.transport.open_session(timeout=_PATIENCE)
            except paramiko.ChannelException as refusal:
                if not self._open:
                    raise TargetError(
                        say(
                            "{address} lets us in, but opens no session ({refusal}).",
                            address=self.address,
                            refusal=refusal.text,
                        ),
                        say("See MaxSessions in sshd_config(5)."),
                    ) from None
                self._turn.wait(_PATIENCE)
            except (paramiko.SSHException, EOFError, OSError):
                link.close()
                raise ConnectionLostError(
                    say("The connection to {address} was lost.", address=self.address)
                ) from None


class _RemoteProcess:
    """A program in a channel of its own, without a terminal."""

    def __init__(self, target: SshTarget, channel: paramiko.Channel, link: Link) -> None:
        self._target = target
        self._channel = channel
        self._link = link
        self._released = False
        self._poll = select.poll()
        self._poll.register(channel.fileno(), select.POLLIN)

    def execute(self, command: str) -> None:
        """Start the program. paramiko waits for the answer without end, so a timer ends it."""
        timer = Timer(_PATIENCE, self._channel.close)
        timer.daemon = True
        timer.start()
        try:
            self._channel.exec_command(command)
        except (paramiko.SSHException, EOFError, OSError):
            self.close()
            raise self._lost() from None
        finally:
            timer.cancel()

    def send(self, data: bytes) -> None:
        """Write to the program."""
        self._target.round_trips += 1
        self._channel.settimeout(_PATIENCE)
        try:
            self._channel.sendall(data)
        except OSError:
            return  # what it printed before it ended is still to be read

    def receive(self, wait: float) -> tuple[bytes, bytes] | None:
        """Read both streams."""
        ended = self._channel.eof_received or self._channel.closed
        if not ended:
            self._poll.poll(wait * 1000)
        stdout = self._channel.recv(_CHUNK) if self._channel.recv_ready() else b""
        stderr = self._channel.recv_stderr(_CHUNK) if self._channel.recv_stderr_ready() else b""
        if stdout or stderr or not ended:
            return stdout, stderr
        if not self._link.is_alive:
            raise self._lost()
        return None

    def close(self) -> None:
        """Close the channel. What still runs on the host ends at its next output, or by its timeout."""
        if self._released:
            return
        self._released = True
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self._channel.close()
        self._target.released()

    def _lost(self) -> ConnectionLostError:
        return ConnectionLostError(say("The connection to {address} was lost.", address=self._target.address))
