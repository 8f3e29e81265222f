"""A second factor enrolled in the app, at 80x24, into a real product: its file and its database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from authenticator import oathtool, scan, seed_of, wanted
from desk import Desk
from labhost.host import Host
from terminal import Terminal

from unit.canaries import Canaries

pytestmark = [pytest.mark.lab, wanted]

HOW = """
[shop.second_factor]
sql = "UPDATE users SET totp_secret = :seed, totp_enabled = true WHERE email = :account"
undo = "UPDATE users SET totp_secret = NULL, totp_enabled = false WHERE email = :account"
"""


def opened(terminal: Terminal) -> None:
    """Turn to the screen, from the step."""
    terminal.press("x")
    terminal.until("Where the key goes")


def choose(terminal: Terminal, number: int, words: str) -> None:
    """Choose the place with a number, from the first field."""
    terminal.press("Tab", "Tab", *["Down"] * number)
    terminal.until(f"● {words}")


def proved(terminal: Terminal, folder: Path, account: str) -> str:
    """Scan the code off the screen, and type what the device shows; return the seed."""
    terminal.press("C-s")
    terminal.until("Code from the app")
    terminal.until("▀▀▀▀▀▀▀")
    seed = seed_of(scan(terminal, folder), "shop.test", account)
    terminal.type("12345")
    terminal.press("Enter")
    terminal.until("Nothing is")
    terminal.type(oathtool(seed))
    terminal.press("Enter")
    return seed


def delivered(terminal: Terminal) -> str:
    """Say yes, and go on to the recovery codes; return what was said on the way."""
    preview = terminal.until("Deliver the key")
    terminal.type("yes")
    terminal.press("Enter")
    told = terminal.until("The key is in")
    terminal.press("Enter")
    terminal.until("Recovery codes")
    return preview + told


def leave(terminal: Terminal) -> None:
    """Leave the recovery codes where they are; nobody has seen them."""
    terminal.press("C-s")
    terminal.until("not shown again")
    terminal.type("leave")
    terminal.press("Enter")
    terminal.until("4 of 4")


def recorded(desk: Desk) -> list[dict[str, Any]]:
    """What is on disk of the enrolments."""
    (journal,) = (desk.home / "state" / "signoff" / "sessions").glob("*/session.jsonl")
    events = map(json.loads, journal.read_text().splitlines())
    return [one for one in events if one["type"] == "enrolled"]


def row(host: Host, email: str) -> list[str]:
    """What the product's database knows of a user's second factor."""
    asked = "SELECT totp_secret, totp_enabled FROM users WHERE email = :'email';\n"
    own = host.run("systemctl is-active postgresql").code == 0
    way = "cd / && runuser -u postgres --" if own else "docker exec -i shop-db-1"
    psql = f"{way} psql -X -q -A -t -U postgres -d shop -v email={email}"
    return host.exec(psql, stdin=asked).strip().split("|")


def test_into_the_products_file_and_into_its_database(
    desk: Desk, terminal: Terminal, fresh_host: Callable[..., Host], tmp_path: Path
) -> None:
    host = fresh_host()
    desk.know(host)
    targets = desk.home / "config" / "signoff" / "targets.toml"
    targets.write_text(targets.read_text() + HOW)
    before = host.exec("cat /srv/shop/.env")
    terminal.run(desk.command("run", "--target", "shop"))
    terminal.until("4 pass")
    terminal.press("Right", "Right", "Right")
    terminal.until("4 of 4")

    opened(terminal)
    choose(terminal, 2, "a variable")
    first = proved(terminal, tmp_path, "admin@shop.test")
    said = delivered(terminal)
    assert host.exec("cat /srv/shop/.env") == f"{before}\nADMIN_TOTP_SECRET={first}"
    terminal.press("v")
    codes = [line.strip() for line in terminal.until("shown for").splitlines() if line.count("-") == 5]
    assert len(codes) == 10
    terminal.press("C-s")
    terminal.until("4 of 4")

    opened(terminal)
    terminal.press("C-u")
    terminal.until(lambda shown: "admin@" not in shown)
    terminal.type("ann@shop.test")
    choose(terminal, 3, "the product's database")
    second = proved(terminal, tmp_path, "ann@shop.test")
    said += delivered(terminal)
    assert row(host, "ann@shop.test") == [second, "t"]
    assert row(host, "bob@shop.test") == ["", "f"]
    leave(terminal)

    assert [(one["account"], one["delivered_to"], one["verified"]) for one in recorded(desk)] == [
        ("admin@shop.test", "ADMIN_TOTP_SECRET in /srv/shop/.env", True),
        ("ann@shop.test", "ann@shop.test in database shop of PostgreSQL", True),
    ]
    canaries = Canaries({"first": first, "second": second, "code": codes[0]})
    assert canaries.in_text(said + terminal.screen, "what was said") == []
    assert canaries.in_folder(desk.home) == []
    found = host.exec(
        "grep -rlF -f /dev/stdin /home /root /tmp /var/tmp /var/log",
        stdin=f"{first}\n{second}\n",
        check=False,
    )
    assert found == "", "the host has them where they belong only"
    terminal.press("q")
    session = terminal.until("Go on with").split("--resume ")[1].split()[0]
    assert "UNSEALED" in desk.signoff("verify", session).stdout


def test_into_a_database_in_a_container_that_is_found_by_itself(
    desk: Desk, terminal: Terminal, fresh_host: Callable[..., Host], tmp_path: Path
) -> None:
    host = fresh_host("good-docker")
    desk.know(host)
    targets = desk.home / "config" / "signoff" / "targets.toml"
    targets.write_text(targets.read_text() + HOW)
    terminal.run(desk.command("run", "--target", "shop"))
    terminal.until("4 pass")
    terminal.press("Right", "Right", "Right")
    terminal.until("4 of 4")
    opened(terminal)
    choose(terminal, 3, "the product's database")
    seed = proved(terminal, tmp_path, "admin@shop.test")
    assert "PostgreSQL in container shop-db-1" in delivered(terminal)
    assert row(host, "admin@shop.test") == [seed, "t"]
    found = host.exec(
        "docker logs shop-db-1 2>&1 | grep -cF -f /dev/fd/3 3<<'-'\n" + seed + "\n-", check=False
    )
    assert found == "0", "its log has none of it"
    leave(terminal)
    assert Canaries({"seed": seed}).in_folder(desk.home) == []


def test_what_fails_is_put_back_and_the_key_goes_elsewhere(
    desk: Desk, terminal: Terminal, fresh_host: Callable[..., Host], tmp_path: Path
) -> None:
    host = fresh_host()
    desk.know(host)
    targets = desk.home / "config" / "signoff" / "targets.toml"
    targets.write_text(
        targets.read_text() + HOW.replace("email = :account", "role = 'nobody' OR :account = ''")
    )
    terminal.run(desk.command("run", "--target", "shop"))
    terminal.until("4 pass")
    terminal.press("Right", "Right", "Right")
    terminal.until("4 of 4")
    opened(terminal)
    choose(terminal, 3, "the product's database")
    seed = proved(terminal, tmp_path, "admin@shop.test")
    terminal.until("Deliver the key")
    terminal.type("yes")
    terminal.press("Enter")
    terminal.until("0 rows")
    terminal.press("Enter")
    terminal.until("The key is still here")
    assert recorded(desk) == []
    terminal.press("Up", "Up")
    terminal.until("● a new file")
    terminal.press("C-s")
    delivered(terminal)
    (key,) = desk.home.glob("*.key")
    assert key.read_text().strip() == seed
    assert key.stat().st_mode & 0o777 == 0o600
    assert [one["delivered_to"] for one in recorded(desk)] == [f"{key} on the operator's machine"]
    leave(terminal)
    assert Canaries({"seed": seed}).in_folder(desk.home, besides=[key]) == []
