"""A walk and its signing key: which one is used, what is typed for it, and when it is gone at the end."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from signoff import paths, plain, reaching
from signoff.checklist.load import find, load
from signoff.errors import RecordError, UsageError
from signoff.message import say
from signoff.probes import all_probes
from signoff.session.choosing import use_agent, use_file, use_own
from signoff.session.identity import in_use
from signoff.session.signer import KeySigner
from signoff.session.verify import Status, verify
from signoff.session.wire import string
from signoff.target.profile import Profile
from signoff.terminal import signer_here
from signoff.walk import Walk
from unit.fakes import FakeTarget, NobodyThere
from unit.session.agents import SK_ECDSA, SK_ED25519, AtHand, SecurityKey, StockAgent, listening, stock_agent

PORTS = ("quick-production", "close-ports")
SHOP = Profile(name="shop", address="ssh://deploy@shop.example")
PHRASE = "Rosinante grazes at 4 o'clock"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    target = FakeTarget({"machine": b"shop\n0123456789abcdef\nDebian\n"})
    monkeypatch.setattr(reaching, "open_target", lambda profile, prompter: target)
    return tmp_path


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> Iterator[StockAgent]:
    with stock_agent() as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        yield agent


def key_file(home: Path, kind: str = "ed25519", phrase: str = "") -> Path:
    path = home / "id"
    command = ["ssh-keygen", "-q", "-t", kind, "-a", "1", "-N", phrase, "-C", "anna@ops", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def begin(at_hand: AtHand) -> Walk:
    return Walk.begin(SHOP, [load(find("quick-production"), all_probes())], in_use(at_hand), NobodyThere())


def status(walk: Walk) -> Status:
    return verify(walk.session.directory).status


def sealed_by(walk: Walk) -> str:
    """Seal, and return who did, as this machine's own list of signers sees it."""
    walk.finish()
    walk.close()
    verdict = verify(walk.session.directory)
    assert verdict.status is Status.VALID, verdict.reason
    return f"{verdict.operator} {verdict.key}"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_chosen_file_signs_the_record(kind: str, home: Path) -> None:
    path = key_file(home, kind)
    signer = use_file(path, "", AtHand())
    assert signer.name == "anna@ops", "the key's comment"
    assert sealed_by(begin(AtHand())) == f"anna@ops {signer.fingerprint}"


@pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
def test_a_chosen_security_key_signs_the_record_at_two_touches(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, at_hand = SecurityKey(kind), AtHand()
    with listening(token) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        use_agent("", "anna@ops", at_hand)
        assert len(at_hand.waited) == 1, "it had to sign before it was chosen"
        assert sealed_by(begin(at_hand)) == f"anna@ops {token.key.fingerprint}"
    assert len(at_hand.waited) == 3


def test_what_is_typed_for_the_key_cannot_enter_the_record(home: Path) -> None:
    path = key_file(home, phrase=PHRASE)
    use_file(path, "", AtHand(PHRASE))
    walk = begin(AtHand("Dulcinea of another key", PHRASE))
    for secret in (PHRASE, "Dulcinea of another key"):
        with pytest.raises(RecordError, match="passphrase"):
            walk.note(PORTS, f"It was {secret}")
    walk.close()
    again = Walk.resume("latest", in_use(AtHand(PHRASE)))
    again.note(PORTS, "Nothing was typed yet.")
    again.finish()
    record = (again.session.directory / "session.jsonl").read_bytes()
    assert PHRASE.encode() not in record
    assert status(again) is Status.VALID


def test_a_passphrase_typed_at_the_end_is_known_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_file(key_file(home, phrase=PHRASE), "", AtHand(PHRASE))
    begin(AtHand(PHRASE)).close()
    walk = Walk.resume("latest", in_use(AtHand("wrong but secret", PHRASE)))

    def full(_data: bytes) -> None:
        raise RecordError(say("The disk is full."))

    with monkeypatch.context() as broken:
        broken.setattr(walk.session._journal, "append", full)
        with pytest.raises(RecordError, match="full"):
            walk.finish()
    for secret in ("wrong but secret", PHRASE):
        with pytest.raises(RecordError, match="passphrase"):
            walk.note(PORTS, secret)
    walk.close()


def test_without_the_passphrase_nothing_is_begun(home: Path) -> None:
    use_file(key_file(home, phrase=PHRASE), "", AtHand(PHRASE))
    with pytest.raises(RecordError, match="has a passphrase"):
        begin(AtHand("wrong"))
    assert not paths.sessions_directory().exists()


def gone_on_with(walk: Walk, why: str) -> None:
    """The seal has failed for a reason, and says what to do; everything is as it was."""
    before = (walk.session.directory / "session.jsonl").read_bytes()
    with pytest.raises(RecordError, match=why) as raised:
        walk.finish()
    assert f"signoff run --resume {walk.session.id}" in raised.value.hint
    assert (walk.session.directory / "session.jsonl").read_bytes() == before
    assert status(walk) is Status.UNSEALED
    walk.note(PORTS, "Answers are still taken.")


def test_an_agent_that_died_before_the_seal(stock: StockAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    key = KeySigner.generate("x")
    stock.add(key)
    use_agent(key.fingerprint, "anna@ops", AtHand())
    walk = begin(AtHand())
    stock.kill()
    gone_on_with(walk, "cannot be reached")
    walk.close()
    resumed = Walk.resume("latest", in_use(AtHand()))
    assert [text for _, text in resumed.state(PORTS).notes] == ["Answers are still taken."]
    gone_on_with(resumed, "cannot be reached")
    with stock_agent() as another:
        monkeypatch.setenv("SSH_AUTH_SOCK", another.path)
        gone_on_with(resumed, "does not have the key")
        another.add(key)
        assert sealed_by(resumed) == f"anna@ops {key.fingerprint}"


def test_a_key_that_was_removed_from_the_agent(stock: StockAgent) -> None:
    key = KeySigner.generate("x")
    stock.add(key)
    use_agent("", "anna@ops", AtHand())
    walk = begin(AtHand())
    stock.remove_all()
    gone_on_with(walk, "does not have the key")
    stock.add(key)
    assert sealed_by(walk)


def test_a_security_key_that_is_not_touched_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    token = SecurityKey(SK_ED25519)
    with listening(token) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        use_agent("", "anna@ops", AtHand())
        walk = begin(AtHand())
        agent.on_sign = lambda _request: string(b"\x05")
        gone_on_with(walk, "refused to sign")
        token.flags = 0
        agent.on_sign = agent.signed
        gone_on_with(walk, "without having been touched")
        token.flags = 1
        assert sealed_by(walk)


def test_a_file_that_is_gone_and_a_passphrase_that_is_forgotten(home: Path) -> None:
    path = key_file(home, phrase=PHRASE)
    use_file(path, "", AtHand(PHRASE))
    begin(AtHand(PHRASE)).close()
    path.rename(home / "elsewhere")
    walk = Walk.resume("latest", in_use(AtHand()))
    gone_on_with(walk, "is gone")
    (home / "elsewhere").rename(path)
    gone_on_with(walk, "has a passphrase")
    walk.close()
    walk = Walk.resume("latest", in_use(AtHand(PHRASE)))
    assert sealed_by(walk).startswith("anna@ops ")


def test_another_key_in_the_same_file_does_not_sign(home: Path) -> None:
    path = key_file(home)
    use_file(path, "", AtHand())
    begin(AtHand()).close()
    path.write_bytes(KeySigner.generate("x").private_bytes())
    gone_on_with(Walk.resume("latest", in_use(AtHand())), "any more")


def test_a_session_begun_with_another_key_says_how_to_turn_back(home: Path) -> None:
    own = in_use(AtHand())
    begin(AtHand()).close()
    use_file(key_file(home), "", AtHand())
    with pytest.raises(
        RecordError, match=rf"begun with another key .*{re.escape(own.fingerprint)}"
    ) as raised:
        Walk.resume("latest", in_use(AtHand()))
    assert "signoff identity use own" in raised.value.hint
    use_own(AtHand())
    assert sealed_by(Walk.resume("latest", in_use(AtHand()))) == f"{own.name} {own.fingerprint}"


def test_a_choice_that_cannot_sign_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = in_use(AtHand())
    path = key_file(home, phrase=PHRASE)
    with pytest.raises(RecordError, match="has a passphrase"):
        use_file(path, "", AtHand("wrong"))
    token = SecurityKey(SK_ED25519, flags=0)
    with listening(token) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        with pytest.raises(RecordError, match="touched"):
            use_agent("", "anna@ops", AtHand())
    with pytest.raises(UsageError, match="cannot be a name"):
        use_file(path, "two words", AtHand(PHRASE))
    assert in_use(AtHand()).key == own.key
    assert len(paths.allowed_signers_file().read_text().splitlines()) == 1


def test_a_choice_keeps_the_rest_of_the_settings(home: Path) -> None:
    settings = paths.settings_file()
    settings.parent.mkdir(parents=True)
    before = '# mine\nlanguage = "ru" # always\n\n[keys]\nrecheck = "f5"\n'
    settings.write_text(before)
    use_file(key_file(home), "", AtHand())
    assert settings.read_text().startswith(before)
    assert in_use(AtHand()).name == "anna@ops"
    use_own(AtHand())
    assert settings.read_text().strip() == before.strip()


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('name = "anna@ops"\nkey = "ssh-ed25519 AAAA"', r"\[identity\] key: "),
        ('name = "two words"\nkey = "{key}"', r"\[identity\] name: "),
        ('name = "anna@ops"', "identity: the key 'key' is missing"),
        ('name = "anna@ops"\nkey = "{key}"\nagent = true', "unknown key 'agent'"),
    ],
)
def test_a_mistake_in_the_settings_is_told_and_no_other_key_signs(table: str, why: str) -> None:
    settings = paths.settings_file()
    settings.parent.mkdir(parents=True)
    settings.write_text("[identity]\n" + table.format(key=KeySigner.generate("x").key.line))
    with pytest.raises(UsageError, match=why):
        in_use(AtHand())
    assert not paths.identity_file().exists()


def test_the_plain_walk_says_when_to_touch_and_can_seal_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = SecurityKey(SK_ED25519)
    with listening(token) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        use_agent("", "anna@ops", AtHand())
        walk = Walk.begin(SHOP, [load(find("quick-production"), all_probes())], signer_here(), NobodyThere())
        assert "Touch your security key now" in capsys.readouterr().err
        said = iter(["seal", "seal"])
        monkeypatch.setattr(plain, "_ask", lambda _question: next(said))
        refusals = iter([string(b"\x05")])
        agent.on_sign = lambda request: next(refusals, None) or agent.signed(request)
        assert plain._Face(walk, "en", interactive=True)._seal()
        told = capsys.readouterr()
        assert "refused to sign" in told.out
        assert f"signoff run --resume {walk.session.id}" in told.out
        assert told.err.count("Touch your security key now") == 2
        assert "(Waiting for up to 60 seconds; Ctrl-C stops.)" in told.err
    walk.close()
    assert status(walk) is Status.VALID
