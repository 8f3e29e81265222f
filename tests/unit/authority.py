"""A time-stamping authority of the tests' own: ``openssl ts -reply`` behind HTTP on loopback."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Reply:
    """What the authority's server answers; ``body`` makes it from the query."""

    body: Callable[[bytes], bytes]
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/timestamp-reply"})


class Authority:
    """A root, an authority's certificate under it, and a server. ``reply`` can be put in another's place."""

    def __init__(self, folder: Path, name: str = "Tests") -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.queries: list[bytes] = []
        self.reply = Reply(self.stamp)
        folder.mkdir(exist_ok=True)
        (folder / "serial").write_text("01\n")
        self._issuer_key = ec.generate_private_key(ec.SECP256R1())
        self._issuer_name = _name(f"{name} root")
        self._write_root()
        self.issue()
        self.configure()

    def configure(self, digests: str = "sha256, sha512") -> None:
        """Write the configuration of ``openssl ts``."""
        (self.folder / "ts.cnf").write_text(_CONFIGURATION.format(folder=self.folder, digests=digests))

    def issue(
        self,
        name: str = "Tests TSA",
        *,
        usage: bool = True,
        days: tuple[int, int] = (-1, 30),
        as_: str = "tsa",
    ) -> None:
        """Issue a certificate, valid for ``days`` from now; with ``usage`` it may stamp."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(name), key, days)
        if usage:
            stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(stamping, critical=True)
        certificate = builder.sign(self._issuer_key, SHA256())
        (self.folder / f"{as_}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / f"{as_}.key").write_bytes(private)

    def chain(self, name: str) -> None:
        """From now on an authority under the root issues certificates; its own comes with each stamp."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(name), key, (-1, 3000))
        basic = x509.BasicConstraints(ca=True, path_length=0)
        certificate = builder.add_extension(basic, critical=True).sign(self._issuer_key, SHA256())
        (self.folder / "chain.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        self._issuer_key, self._issuer_name = key, _name(name)
        self.issue()
        with (self.folder / "ts.cnf").open("a") as configuration:
            configuration.write(f"certs = {self.folder}/chain.pem\n")

    def stamp(self, query: bytes) -> bytes:
        """Return what ``openssl ts -reply`` answers."""
        return self._reply(query, "reply.tsr")

    def stamp_with(self, certificate: str, at: datetime | None = None) -> Callable[[bytes], bytes]:
        """Return how to stamp, by ``openssl cms``, with a certificate that ``openssl ts`` would not take.

        The stamp is from now, or says that it is from another time.
        """

        def stamp(query: bytes) -> bytes:
            token = self.folder / "token.der"
            token.write_bytes(self._reply(query, "token.tsr", "-token_out"))
            info = self._run("cms", "-verify", "-noverify", "-inform", "DER", "-in", str(token))
            if at is not None:
                info, changed = re.subn(rb"\x18\x0f\d{14}Z", f"\x18\x0f{at:%Y%m%d%H%M%S}Z".encode(), info)
                assert changed == 1
            signer = (
                "-signer",
                f"{self.folder}/{certificate}.pem",
                "-inkey",
                f"{self.folder}/{certificate}.key",
            )
            again = self._run(
                *("cms", "-sign", "-binary", "-nodetach", "-cades", "-md", "sha256"),
                *("-outform", "DER", *signer),
                *("-econtent_type", "1.2.840.113549.1.9.16.1.4"),
                given=info,
            )
            return _sequence(_sequence(b"\x02\x01\x00") + again)

        return stamp

    def revoke(self, certificate: str) -> None:
        """Write ``ca-crl.pem``: the root, and its list of revoked certificates, with that one alone."""
        path, now = self.folder / f"{certificate}.pem", datetime.now(UTC)
        number = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now).build()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._issuer_name)
        builder = builder.last_update(now - timedelta(days=1)).next_update(now + timedelta(days=1))
        revoked = builder.add_revoked_certificate(entry).sign(self._issuer_key, SHA256())
        listed = self.ca.read_bytes() + revoked.public_bytes(Encoding.PEM)
        (self.folder / "ca-crl.pem").write_bytes(listed)

    def accepts(self, token: Path, data: Path, *options: str, ca: str = "ca.pem") -> bool:
        """Ask stock ``openssl ts -verify``."""
        files = ("-in", str(token), "-data", str(data), "-CAfile", str(self.folder / ca))
        command = ["openssl", "ts", "-verify", *files, *options]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _reply(self, query: bytes, name: str, *more: str) -> bytes:
        asked, answered = self.folder / "query.tsq", self.folder / name
        asked.write_bytes(query)
        files = ("-queryfile", str(asked), "-out", str(answered))
        self._run("ts", "-reply", "-config", f"{self.folder}/ts.cnf", *files, *more)
        return answered.read_bytes()

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout

    def _builder(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._issuer_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
        )

    def _write_root(self) -> None:
        authority = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder(self._issuer_name, self._issuer_key, (-3000, 3000))
        certificate = builder.add_extension(authority, critical=True).sign(self._issuer_key, SHA256())
        self.ca.write_bytes(certificate.public_bytes(Encoding.PEM))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _sequence(content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return b"\x30" + bytes([size]) + content
    return b"\x30\x82" + size.to_bytes(2, "big") + content


class Serving:
    """An authority's HTTP server on loopback, for the time of a ``with``."""

    def __init__(self, authority: Authority) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                authority.queries.append(query)
                body = authority.reply.body(query)
                self.send_response(authority.reply.status)
                for key, value in authority.reply.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *said: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/tsr"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return self.url

    def __exit__(self, *problem: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
