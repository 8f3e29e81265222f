"""Whether a proof that cannot be had here may be left out."""

import os
from typing import NoReturn

import pytest


def give_up(reason: str) -> NoReturn:
    """Skip, or fail where the lab is required."""
    if os.environ.get("SIGNOFF_LAB") == "required":
        pytest.fail(f"the lab is required: {reason}", pytrace=False)
    pytest.skip(reason)
