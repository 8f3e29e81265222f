"""One HTTP request to one address, whatever the URL's name resolves to."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signoff.message import say

if TYPE_CHECKING:
    import httpcore


@dataclass(frozen=True)
class Answer:
    """Status, headers (names lower-cased, in order, repeated ones repeated) and body as sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def fetch(
    method: str,
    url: str,
    address: str,
    name: str,
    headers: list[tuple[str, str]],
    timeout: float,
    cap: int,
    context: ssl.SSLContext,
    content: bytes | None = None,
) -> Answer:
    """Make one request to ``address`` with ``name`` as SNI; redirects, proxies and cookies play no part.

    httpcore and not httpx: its network backend can be replaced, so that the URL keeps its name while the
    connection goes to a chosen address. ``timeout`` (seconds) is for the whole, ``cap`` the most bytes of
    the body. Raises ssl.SSLCertVerificationError, TimeoutError, or OSError for whatever else goes wrong.
    """
    import httpcore

    backend = _backend(address, time.monotonic() + timeout)
    body = b""
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream(
                method, url, headers=headers, content=content, extensions={"sni_hostname": name}
            ) as answer,
        ):
            for chunk in answer.iter_stream():
                body += chunk
                if len(body) >= cap:
                    break
            fields = [
                (key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in answer.headers
            ]
            return Answer(answer.status, tuple(fields), body[:cap])
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as failure:
        # httpcore drops the cause on the way through its pool; the error itself stays the argument.
        for reason in failure.args:
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise reason from None
        if isinstance(failure, httpcore.TimeoutException):
            raise TimeoutError(str(failure) or say("it took too long")) from None
        # httpcore has no other sign of a server that hangs up than the words; the rest is an answer of sorts.
        if isinstance(failure, httpcore.ProtocolError) and "disconnected" not in str(failure):
            raise OSError(say("no HTTP: {failure}", failure=failure)) from None
        raise ConnectionError(str(failure) or say("it hung up")) from None


def _backend(address: str, deadline: float) -> httpcore.NetworkBackend:
    """Return a network that leads every connection to one address, and ends at the deadline."""
    import httpcore

    def left() -> float:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout
        return remaining

    class Stream(httpcore.NetworkStream):
        def __init__(self, inner: httpcore.NetworkStream) -> None:
            self._inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return self._inner.read(max_bytes, left())

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self._inner.write(buffer, left())

        def close(self) -> None:
            self._inner.close()

        def start_tls(
            self,
            ssl_context: ssl.SSLContext,
            server_hostname: str | None = None,
            timeout: float | None = None,
        ) -> httpcore.NetworkStream:
            return Stream(self._inner.start_tls(ssl_context, server_hostname, left()))

        def get_extra_info(self, info: str) -> Any:
            return self._inner.get_extra_info(info)

    class OneAddress(httpcore.NetworkBackend):
        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
        ) -> httpcore.NetworkStream:
            return Stream(httpcore.SyncBackend().connect_tcp(address, port, left()))

    return OneAddress()
