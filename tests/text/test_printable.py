"""Text in which a person who decides about it sees every character."""

from __future__ import annotations

import pytest

from gemini_magic.text import reveal_all


@pytest.mark.parametrize(
    "code",
    [
        0x00, 0x09, 0x0B, 0x1B, 0x85, 0xA0, 0xAD, 0x34F, 0x61C, 0x115F, 0x180B, 0x200B, 0x200D, 0x202E, 0x2028, 0x2060,
        0x2063, 0x2800, 0x3000, 0x3164, 0xE000, 0xFE0F, 0xFEFF, 0xFFA0, 0xE0001, 0xE0061, 0xE0100, 0xE01EF, 0x10FFFF, 0xD800,
    ],
)  # fmt: skip
def test_a_character_that_is_not_seen_is_named(code):
    assert reveal_all(f"a{chr(code)}b") == f"a⟨U+{code:04X}⟩b"


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "äöü 漢字 🎉 ∑ ñ", "a\r\nb"])
def test_what_is_seen_stays(text):
    assert reveal_all(text) == text.replace("\r", "")
