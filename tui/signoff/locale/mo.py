"""Compiles a catalogue: from ``.po``, which translators edit, to ``.mo``, which gettext reads.

The build does this, and has nothing installed but its backend.
"""

from __future__ import annotations

import re
import struct
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

_FIELD = re.compile(r'(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")')


def entries(po: str) -> Iterator[tuple[str, str]]:
    """Yield each text and its translation, as gettext wants them; what is not translated is left out."""
    for block in re.split(r"\n\s*\n", po):
        fields: dict[str, str] = {}
        name = ""
        for line in block.split("\n"):
            if found := _FIELD.fullmatch(line.strip()):
                name = found[1]
                fields[name] = ""
            if name and line.strip().endswith('"') and not line.startswith("#"):
                fields[name] += literal_eval(line[line.index('"') :])
        said = [text for key, text in fields.items() if key.startswith("msgstr")]
        if (
            said
            and all(said)
            and (not fields["msgid"] or not re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE))
        ):
            key, plural = fields["msgid"], fields.get("msgid_plural", "")
            # A recorded message may come with another plural than this program has for its template: that is
            # no message of its own. So the plural is part of the key, in the place of gettext's context.
            yield f"{plural}\x04{key}\0{plural}" if plural else key, "\0".join(said)


def compiled(po: str) -> bytes:
    """Return the ``.mo`` of a ``.po``."""
    pairs = sorted((key.encode(), text.encode()) for key, text in entries(po))
    tables, texts = [b"", b""], b""
    start = 28 + 16 * len(pairs)
    for which in (0, 1):
        for pair in pairs:
            tables[which] += struct.pack("<II", len(pair[which]), start + len(texts))
            texts += pair[which] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + tables[0] + tables[1] + texts


def compile_all(folder: Path) -> None:
    """Compile every catalogue in a folder; each ``.mo`` lies beside its ``.po``."""
    for po in folder.glob("*/LC_MESSAGES/*.po"):
        po.with_suffix(".mo").write_bytes(compiled(po.read_text("utf-8")))
