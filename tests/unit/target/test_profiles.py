"""targets.toml: what is read, what is refused and why, and what saving leaves alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from signoff import paths
from signoff.errors import UsageError
from signoff.target.profile import Profile
from signoff.target.profiles import (
    EXAMPLE,
    load_profiles,
    parse_profiles,
    resolve,
    save_profile,
)
from signoff.target.second_factor import SecondFactor
from unit.target.rig import Home

pytestmark = pytest.mark.usefixtures("home")


def write(text: str) -> Path:
    """Put a text into targets.toml."""
    file = paths.targets_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_the_example_is_read_and_shows_every_key() -> None:
    (shop,) = parse_profiles(EXAMPLE, "example").values()
    assert set(tomllib.loads(EXAMPLE)["shop"]) == set(msgspec.structs.asdict(shop)) - {"name"}
    assert (shop.name, shop.address, shop.open_ports) == ("shop", "ssh://deploy@shop.example", (8443,))
    factor = tomllib.loads(EXAMPLE)["shop"]["second_factor"]
    assert set(factor) == set(SecondFactor.__struct_fields__)
    lines = EXAMPLE.splitlines()
    keys = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert all(lines[number - 1].startswith("#") for number in keys)


def test_no_file_means_no_targets() -> None:
    assert load_profiles() == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[shop\n", "targets.toml:1: not TOML: a table's name goes in brackets"),
        (
            '[shop]\nopen_ports = ["x"]\n',
            "targets.toml:2: [shop] open_ports, item 1: needs a whole number, not text",
        ),
        ('[shop]\nurll = "x"\n', "targets.toml:2: [shop] unknown key 'urll'; did you mean 'url'?"),
        ('[shop]\nname = "other"\n', "[shop] name: a target's name is its table's"),
        ('[shop]\naddress = "shop.example"\n', "[shop] This is not a target's address: shop.example"),
        ('[shop]\naddress = ""\n', "[shop] This is not a target's address"),
        ('[shop]\nurl = "shop.example"\n', "[shop] url: shop.example is not a URL"),
        ('[shop]\naddresses = ["::1", "shop"]\n', "[shop] addresses: shop is not an IP address"),
        ('[shop]\nproject = "srv"\n', "[shop] project: srv does not begin with /"),
        ('[shop]\nadmin_paths = ["admin"]\n', "[shop] admin_paths: admin does not begin with /"),
        ("[shop]\nopen_ports = [0]\n", "targets.toml:2: [shop] open_ports: 0 is not a port"),
        ('[s.second_factor]\nsql = "UPDATE t SET x = 1"\n', "second_factor.sql: The statement does not say"),
        ('[s.second_factor]\nsql = "SELECT 1::seed"\n', "second_factor.sql: The statement does not say"),
        ('[s.second_factor]\nsql = "SELECT :seed; SELECT 2"\n', "second_factor.sql: The statement is more"),
        ("""[s.second_factor]\nsql = "SELECT :seed, ':account'"\n""", "second_factor.sql: The statement has"),
        ("""[s.second_factor]\nsql = "SELECT :'seed'"\n""", "second_factor.sql: The statement has"),
        (
            '[s.second_factor]\nsql = "SELECT :seed"\nundo = "\\\\! id"\n',
            "second_factor.undo: The statement is",
        ),
        (
            '[s.second_factor]\nundo = "SELECT 1"\n',
            "targets.toml:1: [s] second_factor: the key 'sql' is missing",
        ),
        ('["a b"]\naddress = "local"\n', "[a b] cannot be a target's name"),
        ('address = "local"\n', "address stands outside of a table"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_place(text: str, reason: str) -> None:
    file = write(text)
    with pytest.raises(UsageError) as error:
        load_profiles()
    assert str(file) in error.value.message
    assert reason in error.value.message


def test_a_password_in_a_url_is_not_repeated() -> None:
    write('[shop]\nurl = "https://me:hunter2@shop.example"\n')
    with pytest.raises(UsageError, match="holds a password") as error:
        load_profiles()
    assert "hunter2" not in str(error.value)


def test_bytes_that_are_no_text_are_said() -> None:
    write("").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not UTF-8"):
        load_profiles()


def test_saving_keeps_the_operators_comments_and_order() -> None:
    before = (
        '# mine\n[other]\naddress = "local" # here\n\n[shop] # the shop\nproject = "" # none yet\n'
        '# why this port\nopen_ports = [ 8443 ]\ndatabase = "old"\n'
    )
    file = write(before)
    save_profile(Profile(name="shop", address="ssh://shop", open_ports=(8443,), url="https://shop.example"))
    text = file.read_text()
    assert text.startswith(before.replace('database = "old"\n', ""))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == ["targets.toml"]
    saved = resolve("shop")
    assert (saved.address, saved.url, saved.database) == ("ssh://shop", "https://shop.example", "")


def test_what_was_saved_is_read_back() -> None:
    (shop,) = parse_profiles(EXAMPLE, "example").values()
    save_profile(shop)
    save_profile(Profile(name="here"))
    assert load_profiles() == {"shop": shop, "here": Profile(name="here")}


def test_saving_refuses_nonsense_and_spares_a_file_that_is_wrong() -> None:
    with pytest.raises(UsageError, match="cannot be a target's name"):
        save_profile(Profile(name="a b"))
    file = write("[shop\n")
    with pytest.raises(UsageError):
        save_profile(Profile(name="here"))
    assert file.read_text() == "[shop\n"


def test_a_name_that_is_not_there() -> None:
    write('[shop]\naddress = "local"\n')
    with pytest.raises(UsageError) as error:
        resolve("shopp")
    assert "shop" in error.value.hint


def test_resolving_in_order(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home.configure("prod", HostName="127.0.0.1")
    home.configure("plain", User="somebody-else")
    write('[shop]\naddress = "ssh://prod/srv/shop"\n')
    monkeypatch.chdir(tmp_path)
    assert resolve("shop") == Profile(name="shop", address="ssh://prod/srv/shop", project="/srv/shop")
    assert resolve("local") == Profile(name="local", address="local", project=str(tmp_path))
    assert resolve("ssh://me@h:22/srv") == Profile(name="h", address="ssh://me@h:22/srv", project="/srv")
    assert resolve("prod") == Profile(name="prod", address="ssh://prod")
    assert resolve("plain").address == "ssh://plain"
    assert resolve("me@shop.example").address == "ssh://me@shop.example"
    write('[local]\naddress = "local"\nurl = "https://shop.example"\n')
    assert resolve("local").url == "https://shop.example"
