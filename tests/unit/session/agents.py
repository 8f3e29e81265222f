"""ssh-agents for tests: stock OpenSSH's, and one of our own that has security keys and can misbehave."""

from __future__ import annotations

import hashlib
import shutil
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Event

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signoff.credentials.secret import Secret
from signoff.session.keys import PublicKey
from signoff.session.signer import KeySigner
from signoff.session.wire import Reader, mpint, string

SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"

IN_MEMORY = ["ed25519", "256", "384", "521", "rsa"]


@lru_cache
def rsa_key() -> rsa.RSAPrivateKey:
    """Return a key that takes long to make."""
    return rsa.generate_private_key(65537, 3072)


def in_memory(kind: str) -> KeySigner:
    """Return a key of one of the kinds."""
    if kind == "rsa":
        return KeySigner("anna@ops", rsa_key())
    if kind == "ed25519":
        return KeySigner.generate("anna@ops")
    curve = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "521": ec.SECP521R1()}[kind]
    return KeySigner("anna@ops", ec.generate_private_key(curve))


class SecurityKey:
    """What a FIDO token does, in software (OpenSSH, PROTOCOL.u2f)."""

    def __init__(self, kind: str, *, flags: int = 1, application: bytes = b"ssh:") -> None:
        self.kind = kind
        self.flags = flags
        self._application = application
        self._counter = 6
        self._ed25519, self._ecdsa = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
        if kind == SK_ED25519:
            point = string(self._ed25519.public_key().public_bytes_raw())
        else:
            raw = self._ecdsa.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            point = string(b"nistp256") + string(raw)
        self.key = PublicKey(kind, string(kind.encode()) + point + string(application))

    def blob(self, message: bytes) -> bytes:
        self._counter += 1
        state = bytes([self.flags]) + self._counter.to_bytes(4, "big")
        signed = hashlib.sha256(self._application).digest() + state + hashlib.sha256(message).digest()
        if self.kind == SK_ED25519:
            signature = self._ed25519.sign(signed)
        else:
            r, s = decode_dss_signature(self._ecdsa.sign(signed, ec.ECDSA(hashes.SHA256())))
            signature = mpint(r) + mpint(s)
        return string(self.kind.encode()) + string(signature) + state


Answer = Callable[[bytes], bytes]
"""Makes of a request what is sent back, its length included; nothing to hang up."""


class SoftAgent:
    """Speaks draft-miller-ssh-agent on a Unix socket. What it answers can be taken over by a test."""

    def __init__(self, path: str, *keys: KeySigner | SecurityKey) -> None:
        self.path = path
        self.keys = list(keys)
        self.on_list: Answer = self.listed
        self.on_sign: Answer = self.signed
        self.hangs_up = False

    def listed(self, _request: bytes) -> bytes:
        each = (string(one.key.blob) + string(f"{one.key.kind} here".encode()) for one in self.keys)
        return string(b"\x0c" + len(self.keys).to_bytes(4, "big") + b"".join(each))

    def signed(self, request: bytes) -> bytes:
        reader = Reader(request[1:])
        blob, data, flags = reader.string(), reader.string(), reader.uint32()
        reader.end()
        for one in self.keys:
            if one.key.blob == blob:
                assert one.key.kind != "ssh-rsa" or flags == 4, "it would sign with SHA-1"
                return string(b"\x0e" + string(one.blob(data)))
        return string(b"\x05")

    def answer(self, request: bytes) -> bytes:
        return {b"\x0b": self.on_list, b"\x0d": self.on_sign}[request[:1]](request)


@contextmanager
def listening(*keys: KeySigner | SecurityKey) -> Iterator[SoftAgent]:
    """Let an agent of our own listen."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # whoever asked may have left
                while size := self.rfile.read(4):
                    reply = agent.answer(self.rfile.read(int.from_bytes(size, "big")))
                    if not reply:
                        return
                    for at in range(0, len(reply), 50):
                        self.wfile.write(reply[at : at + 50])
                    if agent.hangs_up:
                        return

    with tempfile.TemporaryDirectory() as folder:
        agent = SoftAgent(f"{folder}/agent", *keys)
        with socketserver.ThreadingUnixStreamServer(agent.path, Handler) as server:
            server.daemon_threads, server.block_on_close = True, False
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            yield agent
            server.shutdown()
            thread.join()


class StockAgent:
    """A real ssh-agent of this test's own."""

    def __init__(self, folder: str) -> None:
        self.path = f"{folder}/stock"
        self._process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", self.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout
        self._process.stdout.readline()  # it says where it listens once it does

    def add(self, signer: KeySigner) -> None:
        self._ssh_add("-q", "-", keys=signer.private_bytes())

    def remove_all(self) -> None:
        self._ssh_add("-q", "-D")

    def _ssh_add(self, *arguments: str, keys: bytes = b"") -> None:
        subprocess.run(
            ["ssh-add", *arguments], input=keys, env={"SSH_AUTH_SOCK": self.path}, check=True, timeout=20
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def stock_agent() -> Iterator[StockAgent]:
    """Start OpenSSH's own agent, and end it."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not installed")
    with tempfile.TemporaryDirectory() as folder:
        agent = StockAgent(folder)
        try:
            yield agent
        finally:
            agent.kill()


class AtHand:
    """Somebody who knows passphrases, and remembers what was wanted of them."""

    def __init__(self, *passphrases: str, stops: bool = False) -> None:
        self._passphrases = list(passphrases)
        self._stops = stops
        self.asked: list[str] = []
        self.waited: list[str] = []

    def passphrase(self, path: str) -> Secret | None:
        self.asked.append(path)
        return Secret(self._passphrases.pop(0)) if self._passphrases else None

    @contextmanager
    def waiting(self, what: str, seconds: float) -> Iterator[Event]:
        self.waited.append(f"{what} ({seconds:.0f} s)")
        event = Event()
        if self._stops:
            event.set()
        yield event
