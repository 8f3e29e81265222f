"""Who gets in by SSH with a password, and whether root does: by the server's own word, for each person.

The server is asked, and not its files: an included file, a Match block and the first of two values count as
they do for it. It reads them anew for that, so that a pass proves what is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

from signoff.facts.base import Facts, Unavailable
from signoff.facts.kinds import Lines, key_values
from signoff.message import say
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import Proves, Seen, decision, each, right, wrong
from signoff.target.command import Root
from signoff.target.profile import Profile

SSHD = key_values(
    "sshd",
    say("The SSH server's settings for each login"),
    "sshd.sh",
    root=Root.REQUIRE,
    by_hand="sudo sshd -T -C user=root,host=h,addr=203.0.113.7",
    kept=Mapping[str, Lines],
)
_NO_PASSWORD = frozenset({"no", "prohibit-password", "without-password", "forced-commands-only"})


def logins(facts: Facts, user: str = "") -> list[tuple[str, Lines]]:
    """Return every login (of one user) with the settings for it.

    Raises Unavailable where the server was asked and did not answer.
    """
    found = facts[SSHD]
    names = [f"{who} {way}" for who, ways in found.get("logins", {}).items() for way in ways]
    if unanswered := [name for name in names if name not in found]:
        raise Unavailable(say("sshd did not say what holds for {unanswered}", unanswered=unanswered[0]))
    return [(name, found[name]) for name in names if name.startswith(user and f"{user} ")]


def setting(settings: Lines, key: str) -> str:
    """Return a setting's value; raise Unavailable where the server does not say it."""
    if key not in settings:
        raise Unavailable(say("sshd does not say {key}", key=key))
    return " ".join(settings[key])


@probe(
    "ssh.password",
    title=say("SSH with keys only"),
    expected=say("no login by password, for any user from any address"),
    needs=(SSHD,),
    remedy=decision(
        say("Set PasswordAuthentication and KbdInteractiveAuthentication to no, in every Match block too.")
    ),
)
def password(facts: Facts, profile: Profile) -> Judgement:
    """Whether somebody gets in without a key. A code or a password after a key is welcome."""

    def look(login: tuple[str, Lines]) -> Seen:
        name, settings = login
        # PAM asks for the password by keyboard-interactive.
        asks = setting(settings, "kbdinteractiveauthentication"), setting(settings, "usepam")
        on = {"keyboard-interactive"} if asks == ("yes", "yes") else set()
        on |= {"password"} if setting(settings, "passwordauthentication") == "yes" else set()
        root, demanded = setting(settings, "permitrootlogin"), setting(settings, "authenticationmethods")
        if name.startswith("root ") and root != "yes":
            return right(say("no password (PermitRootLogin {root})", root=root))
        for methods in demanded.split() or ["any"]:
            if on and (methods == "any" or {one.partition(":")[0] for one in methods.split(",")} <= on):
                return wrong(say("lets in by {methods}", methods=" or ".join(sorted(on))))
        key = say("key only") if demanded == "any" else say("key demanded ({methods})", methods=demanded)
        return right(key)

    return each(say("logins"), logins(facts), look, name=itemgetter(0), proves=Proves.CONFIGURED)


@probe(
    "ssh.root-login",
    title=say("No SSH login as root"),
    expected=say("PermitRootLogin no, or by key only (prohibit-password)"),
    needs=(SSHD,),
    remedy=decision(
        say("Set PermitRootLogin no in /etc/ssh/sshd_config.d/00-keys.conf, once another can become root.")
    ),
)
def root_login(facts: Facts, profile: Profile) -> Judgement:
    """Whether root gets in with more than a key."""

    def look(login: tuple[str, Lines]) -> Seen:
        value = setting(login[1], "permitrootlogin")
        return (right if value in _NO_PASSWORD else wrong)(say("PermitRootLogin {value}", value=value))

    root = logins(facts, "root")
    return each(say("logins as root"), root, look, name=itemgetter(0), proves=Proves.CONFIGURED)
