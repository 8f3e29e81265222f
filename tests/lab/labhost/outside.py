"""Looking at a host from outside, with nothing of the product: what the lab's own claims are checked with."""

import errno
import socket
import subprocess
from pathlib import Path

from labhost.host import Host

SITE = "shop.test"


def knock(host: Host, port: int, *, ipv6: bool = False) -> str:
    """What becomes of a TCP connection: open, refused, or filtered."""
    address = host.ipv6 if ipv6 else host.ipv4
    try:
        with socket.create_connection((address, port), timeout=1.5):
            return "open"
    except TimeoutError:
        return "filtered"
    except OSError as error:
        if error.errno == errno.ECONNREFUSED:
            return "refused"
        raise


def ask(host: Host, port: int, request: bytes, *, ipv6: bool = False) -> bytes:
    """Send a few bytes and return the first that come back."""
    with socket.create_connection((host.ipv6 if ipv6 else host.ipv4, port), timeout=3) as connection:
        connection.sendall(request)
        return connection.recv(4096)


def curl(
    host: Host, url: str, *options: str, authority: Path | None = None, ipv6: bool = False
) -> tuple[int, str]:
    """Fetch a URL of the site from this host: the status, 0 when there is no answer, and headers with body.

    The certificate is verified against the authority given; without one it is not looked at.
    """
    address = f"[{host.ipv6}]" if ipv6 else host.ipv4
    trust = ["--insecure"] if authority is None else ["--cacert", str(authority)]
    names = [word for port in (80, 443) for word in ("--resolve", f"{SITE}:{port}:{address}")]
    words = ["curl", "--silent", "--include", "--noproxy", "*", "--max-time", "10", *trust, *names, *options]
    done = subprocess.run([*words, url], capture_output=True, check=False)
    text = done.stdout.decode(errors="replace")
    return (int(text.split()[1]), text) if done.returncode == 0 and text else (0, text)
