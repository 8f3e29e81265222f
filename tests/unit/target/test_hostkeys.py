"""Host keys, in files that ssh-keygen made."""

from __future__ import annotations

import subprocess
from base64 import b64decode
from pathlib import Path

import pytest

from signoff.errors import TargetError
from signoff.target.hostkeys import HostKey, KnownHosts
from unit.target.rig import Home, Operator, public

pytestmark = pytest.mark.usefixtures("home")


def key_of(path: Path) -> HostKey:
    """Return a key pair's public half."""
    kind, blob = public(path).split()
    return HostKey(kind, b64decode(blob))


def known(home: Home, text: str, host: str = "shop.example", port: int = 22) -> KnownHosts:
    """Return what a known_hosts text says of a host."""
    home.known_hosts.write_text(text)
    return KnownHosts([home.known_hosts, home.path / "not-there"], host, port)


def test_the_fingerprint_is_ssh_keygens(keys: Path) -> None:
    printed = subprocess.run(
        ["ssh-keygen", "-lf", f"{keys}/rsa.pub"], capture_output=True, text=True, check=True
    )
    assert key_of(keys / "rsa").fingerprint == printed.stdout.split()[1]


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("shop.example", "shop.example", 22),
        ("other,SHOP.example", "Shop.Example", 22),
        ("*.example", "shop.example", 22),
        ("sho?.example", "shop.example", 0),
        ("[shop.example]:2222", "shop.example", 2222),
        ("[2001:db8::7]:2222", "2001:db8::7", 2222),
        ("2001:db8::7", "2001:db8::7", 22),
    ],
)
def test_a_known_key_passes_without_a_question(
    home: Home, keys: Path, names: str, host: str, port: int
) -> None:
    operator = Operator()
    line = f"# a comment\n\n{names} {public(keys / 'ed25519')} root@shop\n"
    known(home, line, host, port).check(key_of(keys / "ed25519"), operator)
    assert operator.asked == []


@pytest.mark.parametrize("port", [22, 2222])
def test_hashed_names_are_known(home: Home, keys: Path, port: int) -> None:
    name = "shop.example" if port == 22 else f"[shop.example]:{port}"
    home.known_hosts.write_text(f"{name} {public(keys / 'ed25519')}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", home.known_hosts], check=True, capture_output=True)
    text = home.known_hosts.read_text()
    assert "shop" not in text
    operator = Operator()
    known(home, text, port=port).check(key_of(keys / "ed25519"), operator)
    assert operator.asked == []


@pytest.mark.parametrize(
    "names", ["*.example,!shop.example", "[shop.example]:2222", "sho[p].example", "shop"]
)
def test_a_line_about_another_host_does_not_count(home: Home, keys: Path, names: str) -> None:
    operator = Operator(trusts=False)
    with pytest.raises(TargetError, match="was not accepted"):
        known(home, f"{names} {public(keys / 'ed25519')}\n").check(key_of(keys / "ed25519"), operator)


def test_an_unknown_key_is_shown_and_kept_on_a_yes_only(home: Home, keys: Path) -> None:
    key = key_of(keys / "ed25519")
    with pytest.raises(TargetError, match="was not accepted"):
        known(home, "").check(key, Operator(trusts=False))
    assert not home.own_known_hosts.exists()
    operator = Operator()
    home.own_known_hosts.parent.mkdir(parents=True)
    home.own_known_hosts.write_text("elsewhere ssh-ed25519 AAAA")
    known(home, "").check(key, operator)
    assert operator.asked == [f"host key shop.example ssh-ed25519 {key.fingerprint}"]
    assert home.own_known_hosts.stat().st_mode & 0o777 == 0o600
    assert home.own_known_hosts.read_text() == (
        f"elsewhere ssh-ed25519 AAAA\nshop.example {public(keys / 'ed25519')}\n"
    )
    assert [file.name for file in home.own_known_hosts.parent.iterdir()] == ["known_hosts"]
    known(home, "").check(key, operator)
    assert len(operator.asked) == 1


def test_a_changed_key_is_refused_with_file_line_and_fingerprint(home: Home, keys: Path) -> None:
    operator = Operator()
    seen, before = key_of(keys / "client"), key_of(keys / "ed25519")
    with pytest.raises(TargetError) as refusal:
        known(home, f"# old\nshop.example {public(keys / 'ed25519')}\n").check(seen, operator)
    assert f"{home.known_hosts}:2" in refusal.value.message
    assert seen.fingerprint in refusal.value.message
    assert before.fingerprint in refusal.value.message
    assert f"ssh-keygen -R 'shop.example' -f {home.known_hosts}" in refusal.value.hint
    assert operator.asked == []


def test_a_key_of_another_type_does_not_pass_as_unknown(home: Home, keys: Path) -> None:
    hosts = known(home, f"shop.example {public(keys / 'rsa')}\n")
    assert hosts.kinds == ("ssh-rsa",)
    with pytest.raises(TargetError, match="has changed"):
        hosts.check(key_of(keys / "ed25519"), Operator())


def test_a_key_kept_by_signoff_counts_like_the_operators_own(home: Home, keys: Path) -> None:
    known(home, "").check(key_of(keys / "ed25519"), Operator())
    with pytest.raises(TargetError, match=r"has changed.*config/signoff/known_hosts:1"):
        known(home, "").check(key_of(keys / "client"), Operator())


def test_a_revoked_key_is_refused_even_where_it_is_known(home: Home, keys: Path) -> None:
    line = public(keys / "ed25519")
    text = f"shop.example {line}\n@revoked * {line}\n"
    with pytest.raises(TargetError, match=r"was revoked.*known_hosts:2"):
        known(home, text).check(key_of(keys / "ed25519"), Operator())


def test_a_certificate_authority_is_said_to_be_unsupported(home: Home, keys: Path) -> None:
    operator = Operator()
    hosts = known(home, f"@cert-authority *.example {public(keys / 'rsa')}\n")
    assert hosts.kinds == ()
    hosts.check(key_of(keys / "rsa"), operator)
    assert "known_hosts:1 is not supported" in operator.asked[0]


def test_damaged_lines_are_passed_over(home: Home, keys: Path) -> None:
    operator = Operator()
    text = "shop.example\nshop.example ssh-ed25519 %%%\n|1|x|y ssh-rsa AAAA\n@revoked\n\xff\n"
    known(home, text + f"shop.example {public(keys / 'ed25519')}\n").check(key_of(keys / "ed25519"), operator)
    assert operator.asked == []


def test_a_file_that_cannot_be_read_stops_everything(home: Home) -> None:
    home.known_hosts.mkdir()
    with pytest.raises(TargetError, match="cannot be read"):
        KnownHosts([home.known_hosts], "shop.example", 22)
