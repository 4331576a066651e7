"""The attack strings of the safety exam, put into Markdown: our own, and public ones if they are beside the checkout.

It knows where strings come from and how many are looked at; what is looked for is in `html_audit`.
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
    """What is written and generated here, each once."""
    return list(dict.fromkeys([*attacks(), *payloads()]))


@cache
def public_strings():
    """Public attack strings; none without the folder."""
    return [entry["payload"] for entry in json.loads(PUBLIC.read_text("utf-8"))] if PUBLIC.exists() else []


def cases(strings):
    """Each string in each context, as (context, Markdown)."""
    return [
        case for string in strings for case in contexts(string, zlib.crc32(string.encode("utf-8", "replace")))
    ]


@cache
def all_cases():
    return cases([*own_strings(), *public_strings()])


def sample(every, *, long=1):
    """Every n-th case, in a long run more of them; 7 must not divide n, or some contexts would never be met."""
    assert every % len(CONTEXTS)
    assert long % len(CONTEXTS)
    return all_cases()[:: long if LONG else every]


def live_states(cases):
    """The different pieces of HTML that a live view shows at any prefix."""
    states = {}
    for _, text in cases:
        renderer = Renderer(heal=True)
        for letter in text:
            states.update((op.html, None) for op in renderer.feed(letter))
    return list(states)
