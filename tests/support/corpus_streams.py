"""The recorded streams beside the checkout (``../shared/corpus``), and the ways in which a test reads each of them.

The recordings are not part of the project. Without them, the tests that need them print a message and pass, unless
``GEMINI_MAGIC_REQUIRE_CORPUS=1`` is set.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from byte_cuts import byte_by_byte, random_cuts

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3] / "shared" / "corpus"
REQUIRED = os.environ.get("GEMINI_MAGIC_REQUIRE_CORPUS") == "1"


class Recorded(NamedTuple):
    """One recorded body, its index entry, and the expected result of reading it."""

    id: str
    body: bytes
    framing: str  # sse, json-array or json-object
    status: int
    content_type: str
    expected: dict[str, Any]


def load(folder: str = "") -> list[Recorded]:
    """All recorded streams, or the recorded answers in a folder of the corpus; empty if there is no corpus."""
    index = ROOT / folder / "index.json"
    if not index.is_file():
        return []
    return [
        Recorded(
            id=entry["id"],
            body=(index.parent / entry["file"]).read_bytes(),
            framing=entry["framing"],
            status=entry["status"],
            content_type=entry["content_type"],
            expected=entry["expected"],
        )
        for entry in json.loads(index.read_text(encoding="utf-8"))
    ]


def line_ends(body: bytes, framing: str) -> Iterator[tuple[str, bytes]]:
    """The body unchanged and, for events, with all line ends replaced by LF and by CR.

    The JSON keeps its meaning, as a JSON string cannot contain a line end.
    """
    yield "as recorded", body
    if framing == "sse":
        lf = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield "LF", lf
        yield "CR", lf.replace(b"\n", b"\r")


def readings(body: bytes, framing: str) -> Iterator[tuple[str, list[bytes]]]:
    """Each way to read a body: a label for messages, and the pieces."""
    for name, text in line_ends(body, framing):
        yield f"{name}, whole", [text]
        yield f"{name}, byte by byte", byte_by_byte(text)
        for seed in range(3):
            yield f"{name}, random pieces {seed}", random_cuts(text, seed)
