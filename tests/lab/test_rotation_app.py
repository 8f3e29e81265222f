"""Secrets rotated from the app, at a real terminal on a real host: done, stopped, and cut off midway."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from labhost.host import Host
from terminal import Terminal
from test_rotation import ALL, HEALTH, WELL, Product, secrets_are_nowhere
from test_terminal import signoff_pid

pytestmark = pytest.mark.lab

Start = Callable[..., Host]


def begin(desk: Desk, terminal: Terminal, before: str) -> None:
    """Walk the list until its step was looked at."""
    terminal.run(desk.command("run", "secret-rotation", "--target", "shop"))
    terminal.until(before, 90)


def highlighted(screen: str) -> str:
    """The secret on which the highlight is, by what is said of it below the list; empty on another line."""
    found = re.search(r"^ (\w+)  line \d", screen, re.MULTILINE)
    return found[1] if found else ""


def elsewhere(name: str) -> Callable[[str], bool]:
    """Whether the highlight has left a secret."""
    return lambda screen: highlighted(screen) != name


def choose(terminal: Terminal, *names: str) -> None:
    """Choose some secrets, and have shown what that takes."""
    terminal.press("x")
    terminal.until("0 of ")
    chosen = 0
    while chosen < len(names):
        here = highlighted(terminal.screen)
        if here in names:
            terminal.press("Space")
            chosen += 1
            terminal.until(f"{chosen} of ")
        terminal.press("Down")
        terminal.until(elsewhere(here))
    terminal.press("Enter")
    terminal.until("What will happen")


def say_yes(terminal: Terminal) -> None:
    """Enter alone does nothing; the word does."""
    terminal.press("Enter", "Enter")
    terminal.until("Type yes and press Enter")
    terminal.type("yes")
    terminal.press("Enter")


def journals(desk: Desk) -> list[dict[str, Any]]:
    """Every line of every session, in their order."""
    found = sorted((desk.home / "state" / "signoff" / "sessions").glob("*/session.jsonl"))
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


def outcomes(desk: Desk) -> list[str]:
    return [one["outcome"] for one in journals(desk) if one["type"] == "done"]


def test_from_a_failing_step_to_a_passing_one(desk: Desk, terminal: Terminal, fresh_host: Start) -> None:
    product = Product.of(fresh_host())
    product.plant(SECRET_KEY="changeme", JWT_SECRET_KEY="changeme")
    before = product.env()
    desk.know(product.host)
    begin(desk, terminal, "1 fail")
    choose(terminal, *ALL)
    assert "SECRET_KEY: Everybody is logged out" in terminal.screen
    assert product.env() == before
    say_yes(terminal)
    shown = terminal.until("goes on: it is over", 120)
    assert "Done." in shown
    assert "shop.service: running, and healthy." in shown
    terminal.press("Enter")
    terminal.until("1 pass")

    after = product.env()
    assert {name for name in before if before[name] != after[name]} == set(ALL)
    assert product.host.exec(HEALTH) == WELL
    assert product.takes("shop", after["POSTGRES_PASSWORD"])
    assert not product.takes("shop", before["POSTGRES_PASSWORD"])
    assert product.opens(after["REDIS_PASSWORD"])
    assert not product.opens(before["REDIS_PASSWORD"])
    record = journals(desk)
    found = [one for one in record if one["type"] == "findings" and one["probe"] == "env.strength"]
    assert "fail" in {one["result"] for one in found[0]["findings"]}
    assert {one["result"] for one in found[-1]["findings"]} == {"pass"}
    assert outcomes(desk) == ["done"] * 4
    secrets = [value for name, value in [*before.items(), *after.items()] if name in ALL and len(value) > 8]
    secrets_are_nowhere(desk, secrets, terminal.history)


@pytest.mark.parametrize(
    ("variant", "web", "before"), [("bad", "shop_web_1", "1 fail"), ("good-docker", "shop-web-1", "1 pass")]
)
def test_containers_are_made_anew(
    desk: Desk, terminal: Terminal, fresh_host: Start, variant: str, web: str, before: str
) -> None:
    """By compose 1, on a host where everything is wrong: what can be made here is. And by compose 2."""
    host = fresh_host(variant)
    desk.know(host)
    begin(desk, terminal, before)
    names = ("SECRET_KEY", "JWT_SECRET_KEY", "POSTGRES_PASSWORD")
    choose(terminal, *names)
    say_yes(terminal)
    shown = terminal.until("goes on: it is over", 180)
    assert "Done." in shown
    terminal.press("Enter")
    terminal.until("The machine saw")
    inside = host.exec(f"docker exec {web} env")
    for name in names:
        value = host.exec(f"sed -n 's/^{name}=//p' /srv/shop/.env").strip()
        assert len(value) >= 32
        if name != "POSTGRES_PASSWORD":
            assert f"{name}={value}" in inside
    assert set(outcomes(desk)) == {"done"}


def stop_with_a_key(desk: Desk, terminal: Terminal) -> None:
    terminal.press("q")
    terminal.until("It is under way")
    terminal.press("C-c")
    assert "Everything was put back. Stopped on request." in terminal.until("goes on: it is over", 120)


def stop_with_a_signal(desk: Desk, terminal: Terminal) -> None:
    os.kill(signoff_pid(desk), signal.SIGTERM)
    assert "Everything was put back. Stopped on request." in terminal.until("signoff run --resume", 120)


def close_the_terminal(desk: Desk, terminal: Terminal) -> None:
    process = Path(f"/proc/{signoff_pid(desk)}")
    terminal.close()
    end = time.monotonic() + 120
    while process.exists():
        assert time.monotonic() < end, "it does not end"
        time.sleep(0.2)


@pytest.mark.parametrize("cut", [stop_with_a_key, stop_with_a_signal, close_the_terminal])
def test_what_is_cut_off_is_put_back(
    desk: Desk, terminal: Terminal, fresh_host: Start, cut: Callable[[Desk, Terminal], None]
) -> None:
    product = Product.of(fresh_host())
    before = product.state()
    desk.know(product.host)
    begin(desk, terminal, "1 pass")
    choose(terminal, *ALL)
    say_yes(terminal)
    terminal.until("Waiting until they are healthy")
    assert product.state() != before
    cut(desk, terminal)
    assert product.state() == before
    product.wait_well()
    assert outcomes(desk) == ["undone"] * 4
