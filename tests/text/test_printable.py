"""Text in which a person who decides about it sees every character."""

from __future__ import annotations

import pytest

from gemini_magic.text import reveal_all, without_escapes


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;38;5;208mbold\x1b[K", "bold"),
        ("\x1b]8;;https://a.org\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b(Ba\x1b=b\x1bM", "ab"),
        ("[31m stays", "[31m stays"),
        ("\x1b[unfinished", "\x1b[unfinished"[3:]),
    ],
)
def test_escape_sequences_of_a_program_are_removed_whole(text, expected):
    assert without_escapes(text) == expected
