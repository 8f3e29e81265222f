"""The app on a fake target, in folders of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import textual._wait
import textual.constants
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import signoff.reaching
import signoff.walk
from app.fakes import SHOP, FakeTarget, fake_probes, outputs
from signoff.app.app import SignoffApp, Start
from signoff.checklist.load import Loaded, load
from signoff.facts.discovery import Proposal
from signoff.session import identity
from signoff.session.events import Attested, Done, Enrolled, Intended, Noted, Resumed
from signoff.session.signer import KeySigner
from signoff.target.base import Prompter, Target
from signoff.target.profile import Profile
from signoff.walk import Walk

# For how long the process must rest for Textual's pilot to take the app for idle, in seconds: longer than the
# 1/60 from one drawing of the screen to the next, so that what a key did has been drawn.
textual._wait.SLEEP_GRANULARITY = 1 / 40
textual._wait.SLEEP_IDLE = 1 / 500

SHOP_PROFILE = Profile(
    name="shop", address="ssh://deploy@shop.example", url="https://shop.example", project="/srv/shop"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test folders of its own, and no terminal's habits."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("NO_COLOR", "TEXTUAL_THEME", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("HOME", str(tmp_path))
    # Nothing glides: what a key does is there once the app is idle again.
    monkeypatch.setattr(textual.constants, "TEXTUAL_ANIMATIONS", "none")
    return tmp_path


@pytest.fixture
def checklist() -> Loaded:
    """The quick list as it once was; its probes are replaced by fakes of the same names."""
    return load(Path(__file__).parent / "quick-production.yaml")


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> KeySigner:
    """An operator's key that is always the same."""
    made = KeySigner("deploy@laptop", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    monkeypatch.setattr(identity, "in_use", lambda _attendant: made)
    return made


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, checklist: Loaded, signer: KeySigner) -> FakeTarget:
    """The target that every walk reaches."""
    del signer
    made = FakeTarget(outputs(SHOP))

    def reach(_profile: Profile, _prompter: Prompter) -> Target:
        return made

    probes = fake_probes([use.use for step in checklist.checklist.steps for use in step.uses])
    monkeypatch.setattr(signoff.reaching, "open_target", reach)
    # There is nothing to discover here; discovery has its own tests.
    monkeypatch.setattr(signoff.reaching, "DISCOVERY_FACTS", ())
    monkeypatch.setattr(signoff.reaching, "propose", lambda _facts, profile: Proposal(profile))
    monkeypatch.setattr(signoff.walk, "all_probes", lambda: probes)
    return made


@pytest.fixture
def begin(target: FakeTarget, checklist: Loaded, signer: KeySigner) -> Callable[[], Walk]:
    """Begin a walk without the app."""
    del target

    def make() -> Walk:
        return Walk.begin(SHOP_PROFILE, (checklist,), signer, NoPrompter())

    return make


@pytest.fixture
def app(target: FakeTarget, checklist: Loaded) -> SignoffApp:
    """The app, about to begin a session on the fake target."""
    del target
    return SignoffApp(Start(SHOP_PROFILE, (checklist,)))


@pytest.fixture
def sealed(begin: Callable[[], Walk], signer: KeySigner, home: Path) -> Path:
    """A sealed session with everything that can happen in it, by an operator who is trusted here."""
    walk = begin()
    allowed = home / "config" / "signoff" / "allowed_signers"
    allowed.parent.mkdir(parents=True, exist_ok=True)
    allowed.write_text(identity.allowed_signers_line(signer) + "\n")
    walk.probe()
    rotate, ports = walk.keys[0], walk.keys[1]
    session = walk.session
    session.append(
        Attested(
            checklist=ports[0],
            step=ports[1],
            kind="confirmed",
            statement="Only 22, 80 and 443 answer from outside.",
            value="22, 80, 443 from my telephone",
        )
    )
    session.append(Noted(checklist=ports[0], step=ports[1], text="asked the provider"))
    intended = Intended(checklist=rotate[0], step=rotate[1], action="rotate", subject="/srv/shop/.env")
    session.append(intended)
    session.append(Done(intent=session.state.events - 1, outcome="done", detail="one value replaced"))
    session.append(
        Enrolled(checklist=rotate[0], step=rotate[1], account="admin", issuer="Shop", verified=True)
    )
    session.append(Resumed(signoff="1.0.0", host_key="SHA256:other", machine_id="other"))
    walk.finish()
    return session.directory


class NoPrompter:
    """Answers every question with no."""

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        return False

    def passphrase(self, path: str) -> None:
        return None

    def login_password(self, user: str, host: str) -> None:
        return None

    def sudo_password(self, user: str, host: str) -> None:
        return None
