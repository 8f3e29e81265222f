"""Where an admin panel and its API lie: as the operator named them, and where they usually are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from signoff.target.profile import Profile

USUAL_PATHS = ("/admin/", "/wp-admin/", "/dashboard/", "/backoffice/")
"""Tried where nobody named the admin paths; an answer there is a finding, silence is none."""
USUAL_API_PATHS = ("/api/admin/", "/api/admin/users", "/api/v1/admin/", "/api/v1/admin/users")
"""Tried always: whoever closes the panel's page is apt to forget the API behind it."""
MOST_PATHS = 8

_OF_AN_API = re.compile(r"[/._-](api|graphql|rest|rpc|v\d+)([/._-]|$)", re.IGNORECASE)


def admin_paths(profile: Profile) -> tuple[tuple[str, ...], bool]:
    """Return the paths to ask for, and whether the operator named them."""
    named = named_paths(profile)
    return (named[:MOST_PATHS], True) if named else (USUAL_PATHS, False)


def named_paths(profile: Profile) -> tuple[str, ...]:
    """Return the paths that the operator named, however many."""
    return tuple(f"/{path.lstrip('/')}" for path in profile.admin_paths if path.strip("/ "))


def of_an_api(path: str) -> bool:
    """Whether a path looks like one of an API, not like a page."""
    return bool(_OF_AN_API.search(path))


def unslashed(paths: Iterable[str]) -> frozenset[str]:
    """Return the paths without the slash at their end, which makes no other page of them."""
    return frozenset(path.rstrip("/") for path in paths)
