"""One target, in this process: ``python one.py TARGET [OPTION OF libFuzzer ...] [CORPUS]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
with atheris.instrument_imports(include=["signoff"]):
    from fuzz.seeds import plant
    from fuzz.targets import Targets


def main() -> None:
    """Fuzz; atheris does not return."""
    name, *options = sys.argv[1:]
    folder = Path(tempfile.mkdtemp())
    target, seeds = Targets(plant(), folder).all()[name]
    begin = folder / "seeds"
    begin.mkdir()
    for number, seed in enumerate(seeds):
        (begin / str(number)).write_bytes(seed)
    longest = max(4096, *(2 * len(seed) for seed in seeds))
    own = [option for option in options if not option.startswith("-")] or [str(folder / "found")]
    Path(own[0]).mkdir(exist_ok=True)
    arguments = [option for option in options if option.startswith("-")]
    atheris.Setup([sys.argv[0], f"-max_len={longest}", *arguments, *own, str(begin)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
