"""Small media files, made byte by byte, and ledgers of answers that contain them."""

from __future__ import annotations

import math
import struct
import zlib

from view_stage import new_ledger

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import Blob, Text, Thought
from gemini_magic.events import Decoded, Delta

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
L16 = "audio/L16;codec=pcm;rate=24000"


def png(width=4, height=3, color=(200, 60, 60), size=0):
    """A PNG of one color, at least ``size`` bytes long."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + bytes(color) * width) * height
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    filler = chunk(b"teSt", bytes(size)) if size else b""
    return head + filler + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def tone(seconds=0.5, rate=24_000, pitch=440.0):
    """Raw samples of a tone, 16 bits, little-endian."""
    count = round(seconds * rate)
    return struct.pack(
        f"<{count}h", *(round(9000 * math.sin(2 * math.pi * pitch * n / rate)) for n in range(count))
    )


def ledger_of(*parts, candidate=0, ended=True):
    """A ledger of an answer with these parts, one in each chunk; a string is a text."""
    ledger = new_ledger()
    ledger.set_phase("streaming")
    for n, part in enumerate(parts):
        add_part(ledger, part, t=0.1 * n, candidate=candidate)
    if ended:
        end(ledger)
    return ledger


def add_part(ledger, part, *, t=1.0, candidate=0):
    """Add a chunk with one part; a string is a text."""
    part = Text(part) if isinstance(part, str) else part
    ledger.add(b"{}", t, Decoded([Delta(part, candidate)]))


def end(ledger, reason="STOP"):
    """End an answer."""
    ledger.add(b"{}", 2.0, Decoded([finish_of(reason, None, index) for index in ledger.parts or {0: None}]))
    ledger.close("end", t=2.5)
    return ledger


def picture(width=4, height=3, *, size=0, thought=False):
    """A part with a PNG."""
    return Blob("image/png", png(width, height, size=size), thought=thought)


def sound(seconds=0.5, pieces=1):
    """Parts with raw samples."""
    data = tone(seconds)
    step = -(-len(data) // pieces)
    return [Blob(L16, data[start : start + step]) for start in range(0, len(data), step)]


def thinking(text):
    """A thought."""
    return Thought(text)
