"""The lab's web shop: small, real, on PostgreSQL and Redis, and configured by its environment."""

import base64
import hashlib
import hmac
import html
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import bcrypt
import psycopg2  # type: ignore[import-untyped]
import redis  # type: ignore[import-not-found]

ENV = os.environ
DEBUG = ENV.get("DEBUG") == "1"
SECRET_KEY = ENV["SECRET_KEY"].encode()
JWT_SECRET_KEY = ENV["JWT_SECRET_KEY"].encode()
SESSION_SECONDS = 8 * 3600


def database_url() -> str:
    """The DSN as given, or made of the POSTGRES_ parts."""
    if "DATABASE_URL" in ENV:
        return ENV["DATABASE_URL"]
    user, password = quote(ENV["POSTGRES_USER"], safe=""), quote(ENV["POSTGRES_PASSWORD"], safe="")
    return f"postgresql://{user}:{password}@{ENV.get('POSTGRES_HOST', '127.0.0.1')}:5432/{ENV['POSTGRES_DB']}"


def redis_url() -> str:
    """The URL as given, or made of the host and the password."""
    if "REDIS_URL" in ENV:
        return ENV["REDIS_URL"]
    password = quote(ENV.get("REDIS_PASSWORD", ""), safe="")
    return f"redis://:{password}@{ENV.get('REDIS_HOST', '127.0.0.1')}:6379/0"


@contextmanager
def cursor() -> Iterator[Any]:
    """One connection a request: slow, plain, and it notices at once when the database has gone."""
    connection = psycopg2.connect(database_url(), connect_timeout=3)
    try:
        with connection, connection.cursor() as cur:
            yield cur
    finally:
        connection.close()


def cache() -> Any:
    """The Redis client."""
    return redis.Redis.from_url(redis_url(), socket_connect_timeout=3, socket_timeout=3)


def b64(data: bytes) -> str:
    """URL-safe base64 without padding, as JWT has it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The reverse of b64."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(payload: str, key: bytes) -> str:
    """HMAC-SHA256 of the payload."""
    return b64(hmac.new(key, payload.encode(), hashlib.sha256).digest())


def make_session(email: str, role: str) -> str:
    """A session cookie's value: what it says, and SECRET_KEY's signature on it."""
    body = b64(json.dumps({"email": email, "role": role, "exp": int(time.time()) + SESSION_SECONDS}).encode())
    return f"{body}.{sign(body, SECRET_KEY)}"


def make_token(email: str, role: str) -> str:
    """A JWT (HS256) signed by JWT_SECRET_KEY."""
    head = b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = b64(json.dumps({"sub": email, "role": role, "exp": int(time.time()) + 900}).encode())
    return f"{head}.{body}.{sign(f'{head}.{body}', JWT_SECRET_KEY)}"


def claims(signed: str, key: bytes) -> dict[str, Any] | None:
    """What a signed cookie or token says, or None when the signature or the time is wrong."""
    payload, _, signature = signed.rpartition(".")
    if not hmac.compare_digest(sign(payload, key), signature):
        return None
    try:
        said: dict[str, Any] = json.loads(unb64(payload.rpartition(".")[2]))
    except ValueError:
        return None
    return said if said.get("exp", 0) > time.time() else None


def find_user(email: str, password: str) -> tuple[str, str] | None:
    """The e-mail and the role of the user with this password."""
    with cursor() as cur:
        cur.execute("SELECT email, role, password_hash FROM users WHERE email = %s", (email,))
        row = cur.fetchone()
    if row is None or not bcrypt.checkpw(password.encode(), row[2].encode()):
        return None
    return row[0], row[1]


def page(title: str, body: str) -> str:
    """An HTML page with the shop's frame."""
    contact = html.escape(ENV.get("SUPPORT_EMAIL", ""))
    footer = (
        f'<footer><a href="/privacy">Privacy</a> <a href="/oferta">Terms</a> {contact}</footer>'
        if contact
        else ""
    )
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title></head>"
        f"<body><h1>{title}</h1>{body}{footer}</body></html>"
    )


PRIVACY = """<p>Shop Test Ltd keeps the name, the e-mail address and the orders of its customers for as
long as the law on accounts asks, and nothing else. Photographs are deleted after 24 hours and messages after
30 days. Nobody outside the company sees them. Whoever wants to know, correct or delete what is kept writes to
the address below and has an answer within ten days.</p><p>In force since 1 March 2026.</p>"""
TERMS = """<p>Shop Test Ltd, registration number 1234567890, sells what is listed on the first page at the
price given there. An order is binding once it has been confirmed by e-mail. Goods can be sent back within
fourteen days.</p><p>In force since 1 March 2026.</p>"""
PAGES = {"/privacy": ("Privacy", PRIVACY), "/oferta": ("Terms", TERMS)}


class Handler(BaseHTTPRequestHandler):
    """Every path of the shop."""

    server_version = "shop"
    sys_version = ""

    def send(self, status: int, body: str, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        """Answer with this body."""
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if DEBUG and "Origin" in self.headers:  # the careless CORS of a development setting
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
            self.send_header("Access-Control-Allow-Credentials", "true")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_json(self, status: int, value: object) -> None:
        """Answer with JSON."""
        self.send(status, json.dumps(value), "application/json")

    def role(self) -> str | None:
        """The role that the cookie or the bearer token proves."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        said = claims(cookie.value, SECRET_KEY) if cookie else None
        bearer = self.headers.get("Authorization", "")
        if said is None and bearer.startswith("Bearer "):
            said = claims(bearer.removeprefix("Bearer "), JWT_SECRET_KEY)
        return None if said is None else str(said["role"])

    def is_admin(self) -> bool:
        """Whether the caller may administer. ADMIN_LOGIN=off leaves it all to the proxy."""
        return ENV.get("ADMIN_LOGIN") == "off" or self.role() == "admin"

    def form(self) -> dict[str, str]:
        """The fields of a posted form or JSON object."""
        raw = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), 65536)).decode()
        if self.headers.get("Content-Type", "").startswith("application/json"):
            return {str(key): str(value) for key, value in json.loads(raw).items()}
        return {key: values[0] for key, values in parse_qs(raw).items()}

    def get(self, path: str) -> None:
        """GET and HEAD."""
        match path:
            case "/":
                with cursor() as cur:
                    cur.execute("SELECT name, price FROM items ORDER BY id LIMIT 20")
                    rows = "".join(f"<li>{html.escape(name)}: {price}</li>" for name, price in cur.fetchall())
                self.send(200, page("Shop", f'<ul>{rows}</ul><p><a href="/login">Log in</a></p>'))
            case "/healthz":
                with cursor() as cur:
                    cur.execute("SELECT 1")
                cache().ping()
                self.send_json(200, {"postgresql": "ok", "redis": "ok"})
            case "/api/items":
                with cursor() as cur:
                    cur.execute("SELECT id, name, price FROM items ORDER BY id")
                    self.send_json(200, [{"id": i, "name": n, "price": str(p)} for i, n, p in cur.fetchall()])
            case "/login":
                fields = (
                    "<input name=user type=email><input name=password type=password><button>Log in</button>"
                )
                self.send(200, page("Log in", f"<form method=post>{fields}</form>"))
            case "/privacy" | "/oferta" if "SUPPORT_EMAIL" in ENV:
                self.send(200, page(*PAGES[path]))
            case _:
                self.get_admin(path)

    def get_admin(self, path: str) -> None:
        """GET and HEAD of what only an administrator may see, and of what there is not."""
        match path:
            case "/admin":
                self.send(301, "", Location="/admin/")
            case "/admin/" if self.is_admin():
                self.send(200, page("Administration", '<p><a href="/api/admin/users">Users</a></p>'))
            case "/admin/":
                self.send(303, "", Location="/login")
            case "/api/admin/users" if self.is_admin():
                with cursor() as cur:
                    cur.execute("SELECT id, email, role, totp_enabled FROM users ORDER BY id")
                    names = ("id", "email", "role", "totp_enabled")
                    self.send_json(200, [dict(zip(names, row, strict=True)) for row in cur.fetchall()])
            case "/api/admin/users":
                self.send_json(401, {"error": "log in first"})
            case _:
                self.send(404, page("Not found", "<p>There is no such page.</p>"))

    def post(self, path: str) -> None:
        """POST."""
        if path not in {"/login", "/api/token"}:
            self.send(404, page("Not found", "<p>There is no such page.</p>"))
            return
        try:
            fields = self.form()
        except (ValueError, AttributeError):
            self.send_json(400, {"error": "malformed request"})
            return
        found = find_user(fields.get("user", ""), fields.get("password", ""))
        cache().incr("logins" if found else "failed-logins")
        if found is None:
            self.send_json(401, {"error": "wrong user or password"})
        elif path == "/api/token":
            self.send_json(200, {"token": make_token(*found)})
        else:
            cookie = f"session={make_session(*found)}; Path=/; HttpOnly; Secure; SameSite=Lax"
            self.send(303, "", Location="/", Set_Cookie=cookie)

    def answer(self) -> None:
        """Answer, and say no more than needed when something breaks."""
        try:
            path = urlsplit(self.path).path
            self.post(path) if self.command == "POST" else self.get(path)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the caller gets an answer
            print(f"error {self.path}: {error}", flush=True)
            status = (
                HTTPStatus.SERVICE_UNAVAILABLE
                if self.path == "/healthz"
                else HTTPStatus.INTERNAL_SERVER_ERROR
            )
            self.send(status, traceback.format_exc() if DEBUG else "something went wrong\n", "text/plain")

    do_GET = do_HEAD = do_POST = answer  # noqa: N815 - names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it is called by
        """One line a request, with the address that the proxy vouches for."""
        print(self.headers.get("X-Real-IP", self.client_address[0]), format % args, flush=True)


def note_start() -> None:
    """Leave a row that says when the shop started, as soon as the database answers."""
    for _ in range(60):
        try:
            with cursor() as cur:
                cur.execute("INSERT INTO events (what) VALUES ('started')")
            return
        except psycopg2.Error:
            time.sleep(0.5)


def seed() -> None:
    """Create the tables in an empty database and fill them with a few thousand rows."""
    confirmed = ENV.get("SEED_TOTP") != "0"
    with cursor() as cur:
        cur.execute(Path(__file__).with_name("schema.sql").read_text())
        for name, role in (("admin", "admin"), ("ann", "customer"), ("bob", "customer")):
            hashed = bcrypt.hashpw(f"{role} pass phrase".encode(), bcrypt.gensalt(10)).decode()
            totp = ("JBSWY3DPEHPK3PXP", "now") if role == "admin" and confirmed else (None, None)
            cur.execute(
                "INSERT INTO users (email, role, password_hash, totp_enabled, totp_secret, totp_confirmed_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (f"{name}@shop.test", role, hashed, role == "admin", *totp),
            )


if __name__ == "__main__" and sys.argv[1:] == ["seed"]:
    seed()
elif __name__ == "__main__":
    threading.Thread(target=note_start, daemon=True).start()
    ThreadingHTTPServer((ENV.get("LISTEN", "127.0.0.1"), 8000), Handler).serve_forever()
