"""What no remedy may propose: what cannot be undone, or loses somebody's work."""

from __future__ import annotations

import re

_LOSING = re.compile(
    r"""
      (?<![\w.-]) (?: shred | unlink | truncate | mkfs[\w.]* | wipefs | srm | dropdb | dropuser | dd )
      (?= \s+ [^\s.,;)] )
    | (?:^|[\s;|&(`]) rm \s+ (?=[-/$'"\w])
    | -delete\b | --delete\b | -exec\s+rm
    | \bDROP\s+(?:TABLE|DATABASE|SCHEMA|ROLE|USER|OWNED|EXTENSION)\b
    | \bTRUNCATE\s+\w | \bDELETE\s+FROM\b | \bFLUSH(?:ALL|DB)\b
    | push\s+(?:--force|-f)\b | filter-repo | filter-branch | reset\s+--hard | git\s+(?:\S+\s+)*clean\b
    | \bprune\b | down\s+(?:-v|--volumes) | volume\s+rm
    | >\s*/dev/sd | (?<!>)>(?!>)\s*/(?!dev/null)
    """,
    re.VERBOSE,
)


def harm_in(text: str) -> str:
    """Return the words of a text that propose to lose something; empty where there are none."""
    # What takes a file out of git's index leaves the file.
    found = _LOSING.search(re.sub(r"\brm --cached\b", "untrack", text))
    return found[0].strip() if found else ""
