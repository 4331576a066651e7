"""The attack strings in Markdown contexts: our own strings, and public ones if they are beside the checkout.

This module collects the strings and decides how many of them a test uses; `html_audit` checks the results.
"""

from __future__ import annotations

import json
import zlib
from functools import cache

from attack_strings import attacks
from html_audit import contexts, payloads
from surroundings import CHECKOUT, LONG

from gemini_magic.markdown import Renderer

PUBLIC = CHECKOUT.parent / "shared" / "xss" / "vectors.json"
CONTEXTS = ("raw", "item", "cell", "destination", "title", "code", "cut")


@cache
def own_strings():
    """Return the strings that are written or generated here, each once."""
    return list(dict.fromkeys([*attacks(), *payloads()]))


@cache
def public_strings():
    """Return the public attack strings; an empty list without their file."""
    return [entry["payload"] for entry in json.loads(PUBLIC.read_text("utf-8"))] if PUBLIC.exists() else []


def cases(strings):
    """Return each string in each context, as (context, Markdown)."""
    return [
        case for string in strings for case in contexts(string, zlib.crc32(string.encode("utf-8", "replace")))
    ]


@cache
def all_cases():
    return cases([*own_strings(), *public_strings()])


def sample(every, *, long=1):
    """Return every n-th case, more of them in a long run. 7 must not divide n, or some contexts would be missing."""
    assert every % len(CONTEXTS)
    assert long % len(CONTEXTS)
    return all_cases()[:: long if LONG else every]


def live_states(cases):
    """Return the distinct pieces of HTML that a live view shows at any prefix."""
    states = {}
    for _, text in cases:
        renderer = Renderer(heal=True)
        for char in text:
            states.update((op.html, None) for op in renderer.feed(char))
    return list(states)
