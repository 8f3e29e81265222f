"""Every file and folder that signoff uses, by the XDG base directory specification."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_dirs = platformdirs.PlatformDirs("signoff", appauthor=False)


def config_directory() -> Path:
    """Return where targets, settings, known hosts and the identity lie."""
    return Path(_dirs.user_config_path)


def state_directory() -> Path:
    """Return where the ledger and the sessions lie."""
    return Path(_dirs.user_state_path)


def sessions_directory() -> Path:
    """Return the folder that holds one folder per session."""
    return state_directory() / "sessions"


def ledger_file() -> Path:
    """Return the chained list of all sessions on this machine."""
    return state_directory() / "ledger.jsonl"


def ledgers_directory() -> Path:
    """Return where the ledgers of other machines are kept, once they were merged in."""
    return state_directory() / "ledgers"


def identity_file() -> Path:
    """Return the operator's private key; its public half lies beside it with the suffix ``.pub``."""
    return config_directory() / "identity"


def allowed_signers_file() -> Path:
    """Return the list of keys whose records this machine trusts (ssh-keygen(1), ALLOWED SIGNERS)."""
    return config_directory() / "allowed_signers"


def known_hosts_file() -> Path:
    """Return the host keys that the operator has accepted in signoff itself."""
    return config_directory() / "known_hosts"


def fingerprint_key_file() -> Path:
    """Return the key of the digests by which values are compared over time; it never leaves this machine."""
    return state_directory() / "fingerprint.key"


def targets_file() -> Path:
    """Return the target profiles."""
    return config_directory() / "targets.toml"


def settings_file() -> Path:
    """Return the operator's settings: language, theme, key map."""
    return config_directory() / "settings.toml"
