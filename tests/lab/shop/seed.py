"""Create the shop's tables and fill them with a few thousand rows."""

import os
import pathlib

import bcrypt
from app import cursor  # type: ignore[import-not-found]

USERS = [("admin@shop.test", "admin"), ("ann@shop.test", "customer"), ("bob@shop.test", "customer")]


def main() -> None:
    """Seed an empty database."""
    totp = os.environ.get("SEED_TOTP", "1") == "1"
    with cursor() as cur:
        cur.execute(pathlib.Path(__file__).with_name("schema.sql").read_text())
        for email, role in USERS:
            hashed = bcrypt.hashpw(f"{role} pass phrase".encode(), bcrypt.gensalt(10)).decode()
            guarded = role == "admin"
            cur.execute(
                "INSERT INTO users (email, role, password_hash, totp_enabled, totp_secret, totp_confirmed_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (
                    email,
                    role,
                    hashed,
                    guarded,
                    *(("JBSWY3DPEHPK3PXP", "now") if guarded and totp else (None, None)),
                ),
            )


if __name__ == "__main__":
    main()
