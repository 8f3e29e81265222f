"""What the build makes besides: the catalogues, from what translators edit."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Catalogues(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles every catalogue before the wheel is made; for an editable install they stay where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them."""
        locale = Path(self.root) / "tui" / "signoff" / "locale"
        runpy.run_path(str(locale / "mo.py"))["compile_all"](locale)
