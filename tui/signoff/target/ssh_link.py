"""One connection over SSH: socket, jump hosts, key exchange, host key, login."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import paramiko

from signoff.errors import TargetError
from signoff.message import say
from signoff.target.base import Prompter
from signoff.target.hostkeys import HostKey, KnownHosts
from signoff.target.ssh_config import SshConfig, ssh_config
from signoff.target.ssh_login import Login
from signoff.text import one_line

# paramiko tells its logger what it sends; none of that is for anybody's log.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False

_HANDSHAKE: Final = 20.0  # seconds
_KEEPALIVE: Final = 10  # seconds
_DEAD_AFTER: Final = 25  # seconds without an acknowledgement
_JUMPS: Final = 8
_FAMILIES: Final = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


class _Socket(Protocol):
    """What paramiko's transport runs over: a socket, or a channel through a jump host."""

    def close(self) -> None: ...


@dataclass
class Link:
    """A connection that is logged in. ``peer`` is its IP address where there is nothing in between."""

    transport: paramiko.Transport
    host_key: str
    peer: str = ""
    _closing: list[Callable[[], object]] = field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Tell whether the connection is up, as far as is known without asking."""
        return bool(self.transport.is_active())

    def close(self) -> None:
        """Close the connection and everything that it goes through."""
        for close in (self.transport.close, *self._closing):
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                close()


def open_link(config: SshConfig, prompter: Prompter, login: Login) -> Link:
    """Connect and log in. Raise TargetError, which says what stood in the way."""
    return _open(config, prompter, login, jumps=0)


def _open(config: SshConfig, prompter: Prompter, login: Login, *, jumps: int) -> Link:
    if config.proxy_command:
        sock, process = _through_command(config)
        return _linked(sock, config, prompter, login, closing=[lambda: _end(process)])
    if not config.proxy_jump:
        direct = _connected(config)
        peer = str(direct.getpeername()[0]).partition("%")[0]
        return _linked(direct, config, prompter, login, peer=peer)
    if jumps >= _JUMPS:
        raise TargetError(
            say("The way to {alias} goes through too many jump hosts.", alias=config.alias),
            say("A ProxyJump in ~/.ssh/config seems to lead back to itself."),
        )
    # The first hop may have a jump host of its own; the next ones are reached through the one before.
    first, *rest = (ssh_config(hop) for hop in config.proxy_jump)
    way = _open(first, prompter, login, jumps=jumps + 1)
    try:
        for hop in [*rest, config]:
            way = _linked(_through(way, hop), hop, prompter, login, closing=[way.close])
    except BaseException:
        way.close()
        raise
    return way


def _linked(
    sock: _Socket,
    config: SshConfig,
    prompter: Prompter,
    login: Login,
    *,
    peer: str = "",
    closing: list[Callable[[], object]] | None = None,
) -> Link:
    """Speak SSH over a socket, up to the login."""
    host, port = (config.host_key_alias, 0) if config.host_key_alias else (config.hostname, config.port)
    transport = None
    try:
        known = KnownHosts(config.known_hosts_files, host, port)
        transport = _handshaken(sock, config, known.kinds)
        shown = transport.get_remote_server_key()
        key = HostKey(shown.get_name(), shown.asbytes())
        known.check(key, prompter)
        transport.set_keepalive(_KEEPALIVE)
        login.log_in(transport, config)
    except BaseException:
        for close in ([transport.close] if transport else []) + [sock.close, *(closing or [])]:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                close()
        raise
    return Link(transport, key.fingerprint, peer, [sock.close, *(closing or [])])


def _handshaken(sock: _Socket, config: SshConfig, kinds: tuple[str, ...]) -> paramiko.Transport:
    try:
        transport = paramiko.Transport(sock)  # type: ignore[arg-type] # a channel is a socket to paramiko
        transport.banner_timeout = transport.handshake_timeout = _HANDSHAKE
        options = transport.get_security_options()
        # A host that is known by one kind of key must not become unknown because it prefers another.
        options.key_types = sorted(options.key_types, key=lambda name: _kind(name) not in kinds)
        transport.start_client(timeout=_HANDSHAKE)
        if not transport.initial_kex_done:
            raise TimeoutError(say("nothing within {handshake} s", handshake=f"{_HANDSHAKE:g}"))
    except paramiko.ssh_exception.IncompatiblePeer as reason:
        raise TargetError(
            say(
                "{destination} and signoff have no algorithm in common: {reason}.",
                destination=config.destination,
                reason=one_line(str(reason)),
            ),
            say("The SSH server is too old or too narrowly configured (Ciphers, KexAlgorithms, MACs)."),
        ) from None
    except (paramiko.SSHException, EOFError, OSError) as reason:
        said = one_line(str(reason)) or say("it hung up")
        raise TargetError(
            say(
                "{destination} answers, but does not speak SSH with us: {said}.",
                destination=config.destination,
                said=said,
            ),
            say("Is it the right port? fail2ban and MaxStartups also end connections at this point."),
        ) from None
    return transport


def _kind(algorithm: str) -> str:
    """Return the type of key that a signature algorithm takes (RFC 8332 for RSA)."""
    return "ssh-rsa" if algorithm.startswith("rsa-") else algorithm


def _connected(config: SshConfig) -> socket.socket:
    """Connect to the first of the host's addresses that answers, IPv6 or IPv4."""
    family = _FAMILIES.get(config.address_family, socket.AF_UNSPEC)
    try:
        found = socket.getaddrinfo(config.hostname, config.port, family, socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as reason:
        said = reason.strerror if isinstance(reason, OSError) else str(reason)
        raise TargetError(
            say("The name {hostname} is not found: {said}.", hostname=config.hostname, said=said),
            say("Look for a typing error or an alias missing in ~/.ssh/config. Is this machine online?"),
        ) from None
    failures = []
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(config.connect_timeout)
            sock.connect(address)
        except OSError as reason:
            sock.close()
            failures.append(f"{address[0]}: {_why(reason, config)}")
            continue
        _tune(sock)
        return sock
    raise TargetError(
        say(
            "{destination} cannot be reached: {fromkeys}.",
            destination=config.destination,
            fromkeys="; ".join(dict.fromkeys(failures)),
        ),
        say(
            "Is the machine up, is the SSH port right, and does a firewall (or fail2ban) let this machine in?"
        ),
    )


def _why(reason: OSError, config: SshConfig) -> str:
    if isinstance(reason, TimeoutError):
        return say("no answer within {connect_timeout} s", connect_timeout=f"{config.connect_timeout:g}")
    return reason.strerror or str(reason)


def _tune(sock: socket.socket) -> None:
    """Send small packets at once, and notice a dead peer in seconds rather than hours."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER * 1000)


def _through(way: Link, hop: SshConfig) -> paramiko.Channel:
    """Open a way on through a jump host (RFC 4254, section 7.2)."""
    try:
        return way.transport.open_channel(
            "direct-tcpip", (hop.hostname, hop.port), ("127.0.0.1", 0), timeout=hop.connect_timeout
        )
    except (paramiko.SSHException, EOFError, OSError) as reason:
        raise TargetError(
            say(
                "The jump host does not lead on to {destination}: {reason}.",
                destination=hop.destination,
                reason=one_line(str(reason)),
            ),
            say("See AllowTcpForwarding on the jump host, and whether it can reach the next one."),
        ) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a ProxyCommand and whatever it started. Once reaped, its number may be somebody else's."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _through_command(config: SshConfig) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start the operator's ProxyCommand, as ssh(1) does, with a socket for its input and output."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {config.proxy_command}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return ours, process
