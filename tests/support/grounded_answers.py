"""Answers with sources for tests: one as a server sends it, and one in which every text of it is hostile."""

from __future__ import annotations

import json
from typing import Any

from gemini_magic.backends import backend
from gemini_magic.ledger import Ledger

TEXT = "The **Zürichsee** lies in Switzerland. It is 88 km² large.\n\n- Ferries cross it all year.\n"
# A page with search suggestions in the form that the server sends: a style sheet with general names, logos, and links.
SUGGESTIONS = """<style>
.container { align-items: center; display: flex; border-radius: 8px; padding: 8px 12px; font-family: Google Sans, sans-serif; }
.chip { display: inline-block; border: solid 1px; border-radius: 16px; padding: 5px 16px; margin: 0 8px; }
.carousel { overflow: auto; white-space: nowrap; }
.gradient { position: absolute; height: 36px; }
@media (prefers-color-scheme: light) {
  .container { background-color: #fafafa; }
  .chip { background-color: #ffffff; border-color: #d2d2d2; color: #5e5e5e; text-decoration: none; }
  .chip:hover { background-color: #f2f2f2; }
  .logo-dark { display: none; }
}
@media (prefers-color-scheme: dark) {
  .container { background-color: #1f1f1f; }
  .chip { background-color: #2c2c2c; border-color: #3c4043; color: #fff; text-decoration: none; }
  .logo-light { display: none; }
}
</style>
<div class="container">
  <div class="headline">
    <svg class="logo-light" width="18" height="18" viewBox="0 0 40 40" xmlns="http://www.w3.org/2000/svg"><path d="M2 2L38 20L2 38Z" fill="#4285F4"/></svg>
    <svg class="logo-dark" width="18" height="18" viewBox="0 0 40 40" xmlns="http://www.w3.org/2000/svg"><circle cx="20" cy="20" r="18" fill="#FFF"/></svg>
    <div class="gradient-container"><div class="gradient"></div></div>
  </div>
  <div class="carousel">
    <a class="chip" href="https://www.google.com/search?q=lake+zurich+area">lake zurich area</a>
    <a class="chip" href="https://www.google.com/search?q=lake+zurich+ferry">lake zurich ferry</a>
  </div>
</div>
"""


def place(part: str, text: str = TEXT) -> dict[str, Any]:
    """The segment of a part of the text, in bytes, as a server writes it: without a zero."""
    start = len(text.partition(part)[0].encode())
    segment = {"startIndex": start, "endIndex": start + len(part.encode()), "text": part}
    return {name: value for name, value in segment.items() if value}


def support(part: str, *indices: int, text: str = TEXT) -> dict[str, Any]:
    """An entry of ``groundingSupports``."""
    return {"segment": place(part, text), "groundingChunkIndices": list(indices)}


GROUNDING = {
    "webSearchQueries": ["lake zurich area", "", "lake zurich ferry"],
    "searchEntryPoint": {"renderedContent": SUGGESTIONS},
    "groundingChunks": [
        {"web": {"uri": "https://vertexaisearch.cloud.google.com/grounding-api-redirect/AUZ1", "title": "zsg.example"}},
        {"maps": {"uri": "https://maps.google.com/?cid=7", "title": "Zürichsee", "placeId": "p"}},
        {"retrievedContext": {"title": "lakes.pdf", "text": "88 km²", "pageNumber": 3}},
    ],
    "groundingSupports": [
        support("The **Zürichsee** lies in Switzerland.", 1),
        support("It is 88 km² large.", 1, 2),
        support("Ferries cross it all year.", 0),
    ],
}  # fmt: skip
PAGES = {
    "urlMetadata": [
        {"retrievedUrl": "https://lakes.example/list", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
        {"retrievedUrl": "https://paid.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_PAYWALL"},
    ]
}


def ledger_of(*values: dict[str, Any], close: bool = True) -> Ledger:
    """The record of a stream of JSON values."""
    ledger, decode = Ledger(), backend("gemini").decoder()
    for number, value in enumerate(values, 1):
        raw = json.dumps(value).encode()
        ledger.add(raw, number / 10, decode(raw))
    if close:
        ledger.close("end", t=2.0)
    return ledger


def chunk(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chunk with parts and other fields of the candidate."""
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **more}]}


def grounded(text: str = TEXT, *, finish: str = "STOP", **more: Any) -> Ledger:
    """An answer whose last chunk names its sources; other fields of the candidate replace them."""
    more = {"groundingMetadata": GROUNDING, "urlContextMetadata": PAGES, **more}
    half = len(text) // 2
    return ledger_of(chunk({"text": text[:half]}), chunk({"text": text[half:]}, finishReason=finish, **more))


def hostile(attack: str, text: str = "An answer. And more.") -> Ledger:
    """An answer in which every text of the sources is an attack."""
    grounding = {
        "webSearchQueries": [attack],
        "searchEntryPoint": {"renderedContent": attack},
        "groundingChunks": [
            {"web": {"uri": attack, "title": attack, "domain": attack}},
            {"web": {"uri": f"https://evil.test/{attack}", "title": attack}},
            {"maps": {"uri": "https://evil.test/", "title": f"javascript:{attack}"}},
            {attack: {"uri": attack, "title": attack}},
        ],
        "groundingSupports": [
            {"segment": {"endIndex": min(10, len(text.encode()))}, "groundingChunkIndices": [0, 1, 2, 3]}
        ],
    }
    citations = {
        "citations": [{"startIndex": 0, "endIndex": 5, "uri": attack, "title": attack, "license": attack}]
    }
    pages = {"urlMetadata": [{"retrievedUrl": attack, "urlRetrievalStatus": attack}]}
    return grounded(
        text, groundingMetadata=grounding, citationMetadata=citations, urlContextMetadata=pages
    )  # fmt: skip
