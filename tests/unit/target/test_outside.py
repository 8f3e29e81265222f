"""Connections and requests from outside: bounded, and to the target's own addresses only."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from signoff import __version__
from signoff.target import outside as module
from signoff.target.outside import BODY_CAP, HungUpError, NotAskedError, Outside, OutsideError

HERE = "127.0.0.1"


class Shop(BaseHTTPRequestHandler):
    """Redirects, repeats headers, answers at length, or takes its time."""

    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        """Answer by the path."""
        self.seen.append((self.path, dict(self.headers)))
        if self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.1)
        elif self.path == "/long":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (BODY_CAP + 5000))
        else:
            self.send_response(301)
            self.send_header("Location", f"http://{HERE}/elsewhere")
            self.send_header("Set-Cookie", "a=1")
            self.send_header("Set-Cookie", "b=2")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setattr(Shop, "seen", [], raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    with ThreadingHTTPServer((HERE, 0), Shop) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for one name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


@pytest.fixture
def tls_shop(tmp_path: Path, shop: ThreadingHTTPServer) -> tuple[int, Path]:
    public, private = certificate(tmp_path, "shop.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    shop.socket = context.wrap_socket(shop.socket, server_side=True)
    return shop.server_address[1], public


def test_the_url_keeps_its_name_and_the_connection_goes_to_the_address(shop: ThreadingHTTPServer) -> None:
    port = shop.server_address[1]
    answer = Outside([HERE]).request(f"http://shop.test:{port}/a?b=c", address=HERE)
    assert answer.status == 301
    ((path, headers),) = Shop.seen
    assert path == "/a?b=c"
    assert headers["Host"] == f"shop.test:{port}"
    assert headers["User-Agent"] == f"signoff/{__version__}"


def test_a_redirect_is_not_followed_and_repeated_headers_stay(shop: ThreadingHTTPServer) -> None:
    answer = Outside([HERE]).request(f"http://shop.test:{shop.server_address[1]}/", address=HERE)
    assert len(Shop.seen) == 1
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]


def test_host_and_headers_can_be_chosen(shop: ThreadingHTTPServer) -> None:
    Outside([HERE]).request(
        f"http://shop.test:{shop.server_address[1]}/",
        address=HERE,
        host="other.test",
        headers=[("Origin", "null"), ("User-Agent", "mine")],
    )
    ((_, headers),) = Shop.seen
    assert (headers["Host"], headers["Origin"], headers["User-Agent"]) == ("other.test", "null", "mine")


def test_a_name_beyond_ascii_goes_over_the_wire_by_idna(shop: ThreadingHTTPServer) -> None:
    port = shop.server_address[1]
    Outside([HERE]).request(f"http://магазин.рф:{port}/путь", address=HERE)
    ((path, headers),) = Shop.seen
    assert headers["Host"] == f"xn--80aaf0ajgb.xn--p1ai:{port}" or headers["Host"].startswith("xn--")
    assert path == "/%D0%BF%D1%83%D1%82%D1%8C"


def test_the_body_is_capped_and_the_whole_is_timed(shop: ThreadingHTTPServer) -> None:
    here = Outside([HERE])
    url = f"http://shop.test:{shop.server_address[1]}"
    assert len(here.request(f"{url}/long", address=HERE).body) == BODY_CAP
    before = time.monotonic()
    with pytest.raises(OutsideError, match="No answer to GET") as caught:
        here.request(f"{url}/slow", address=HERE, timeout=0.4)
    assert not isinstance(caught.value, HungUpError)
    assert time.monotonic() - before < 2


def test_a_certificate_that_is_not_trusted_is_told_and_the_answer_still_read(
    tls_shop: tuple[int, Path],
) -> None:
    port, _ = tls_shop
    answer = Outside([HERE]).request(f"https://shop.test:{port}/", address=HERE)
    assert answer.status == 301
    assert "self-signed" in answer.tls_error


def test_the_default_trust_store_is_used_and_the_name_is_checked(
    tls_shop: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, public = tls_shop
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    here = Outside([HERE])
    assert here.request(f"https://shop.test:{port}/", address=HERE).tls_error == ""
    assert "mismatch" in here.request(f"https://other.test:{port}/", address=HERE).tls_error
    assert "match" in here.request(f"https://{HERE}:{port}/", address=HERE).tls_error


def test_only_the_targets_own_addresses_are_talked_to() -> None:
    here = Outside([HERE, "::1"])
    with pytest.raises(OutsideError, match="not an address of this target"):
        here.connect([(HERE, 1), ("127.0.0.2", 1)])
    with pytest.raises(OutsideError, match="not an address of this target"):
        here.request("http://shop.test/", address="127.0.0.2")
    with pytest.raises(OutsideError, match="not an address of this target"):
        here.exchange("127.0.0.2", 1, b"")
    assert Outside(["0:0:0:0:0:0:0:1"]).connect([("::1", 1)])[0].address == "::1"


def test_the_budget_is_kept(monkeypatch: pytest.MonkeyPatch, shop: ThreadingHTTPServer) -> None:
    monkeypatch.setattr(module, "CONNECTION_BUDGET", 3)
    monkeypatch.setattr(module, "REQUEST_BUDGET", 1)
    here = Outside([HERE])
    url = f"http://shop.test:{shop.server_address[1]}/"
    here.request(url, address=HERE)
    with pytest.raises(NotAskedError, match="limit"):
        here.request(url, address=HERE)
    here.connect([(HERE, 1)])
    with pytest.raises(OutsideError, match="limit"):
        here.connect([(HERE, 1), (HERE, 2)])
    assert len(Shop.seen) == 1


@pytest.mark.parametrize(
    "url", ["ftp://shop.test/", "http://shop.test:99999/", "http://[::1", "shop.test", ""]
)
def test_what_is_no_url_is_an_error_for_people(url: str) -> None:
    with pytest.raises(OutsideError, match="not an http or https address"):
        Outside([HERE]).request(url, address=HERE)


def test_a_closed_port_is_an_error_for_people() -> None:
    with pytest.raises(HungUpError, match="No answer to GET"):
        Outside([HERE]).request("http://shop.test:1/", address=HERE)


@pytest.mark.parametrize(("said", "hung_up"), [(b"", True), (b"HTTP/1.1 2000 no\r\n\r\n", False)])
def test_to_hang_up_is_told_from_another_answer(said: bytes, hung_up: bool) -> None:
    with socket.create_server((HERE, 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(OutsideError) as caught:
            Outside([HERE]).request(f"http://shop.test:{server.getsockname()[1]}/", address=HERE)
        thread.join()
    assert isinstance(caught.value, HungUpError) is hung_up


def test_answers_keep_the_order_of_the_questions(shop: ThreadingHTTPServer) -> None:
    port = shop.server_address[1]
    pairs = [(HERE, 1), (HERE, port), ("::1", 1), (HERE, 2)]
    found = Outside([HERE, "::1"]).connect(pairs, banner_wait=0.05)
    assert [(one.address, one.port) for one in found] == pairs
    assert [one.state for one in found] == ["refused", "open", "refused", "refused"]
    assert all(ip_address(one.address).is_loopback for one in found)
