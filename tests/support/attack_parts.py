"""Answers in which an attack is in every field of the parts that are not text: code, outputs, calls, types, names, files, pictures."""

from __future__ import annotations

from base64 import b64encode

from attack_media import RUN, SCRIPT, gif, png
from view_stage import new_ledger

from gemini_magic.backends.gemini_decode import finish_of
from gemini_magic.content import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    Opaque,
    Text,
    ToolCall,
    ToolResult,
)
from gemini_magic.events import Decoded, Delta
from gemini_magic.ledger import ToolRun

SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"><script>{RUN}</script><image href="https://evil.test/q-svg"/></svg>'
# Bytes that are a picture, or seem to be one, and something else.
POLYGLOTS = [
    ("image/png", png(more=SCRIPT.encode())),
    ("image/png", png(3, 2) + SCRIPT.encode()),
    ("image/gif", gif() + f"/*{SCRIPT}*/".encode()),
    ("image/png", SVG.encode()),
    ("image/gif", b"GIF89a=1;" + RUN.encode()),
    ("image/svg+xml", SVG.encode()),
    ("image/svg+xml;charset=utf-8", SVG.encode()),
    ("image/svg+xml", b"\x89PNG\r\n\x1a\n" + SVG.encode()),
    ("text/html", SCRIPT.encode()),
    ("application/xhtml+xml", SVG.encode()),
    ("audio/wav", b"RIFF\0\0\0\0WAVE" + SCRIPT.encode()),
    ("audio/wav", SCRIPT.encode()),
    ("audio/l16;rate=24000", SCRIPT.encode()),
    ("video/mp4", b"\0\0\0\x18ftypisom" + SCRIPT.encode()),
    (f'image/png" onerror="{RUN}', png()),
    (f"image/png,{SCRIPT}", png()),
]


def parts_with(text):
    """Parts with an attack in every field."""
    data = text.encode("utf-8", "replace")
    return [
        Text("Before."),
        Code(text, text, id=text),
        CodeResult(text, text, id=text),
        Code(text, "PYTHON"),
        CodeResult("OUTCOME_OK", text),
        Call(text, {text: text, "list": [text, {text: text}]}, text),
        Call("f", {"x": text}),
        CallResult(text, {text: text}),
        *(Blob(kind.format(text), data) for kind in ("image/{}", "audio/{}", "video/{}", "text/{}", "{}")),
        *(Blob(kind, data) for kind in ("image/svg+xml", "text/html", "text/plain", "application/json")),
        File(text, text),
        File(f"https://evil.test/{text}", "image/png"),
        Opaque({text: text}),
        Opaque({"type": text}),
        ToolCall(text, text, {text: text, "queries": [text]}, text, text),
        ToolResult(text, text, {text: text}, is_error=True),
        ToolCall("mcp_server_tool", "t", text, text, text),
        ToolResult("mcp_server_tool", "t", [text, {text: text}]),
        Text(text),
    ]


def _run_with(text, number):
    """A tool run with an attack in every field."""
    shown = (
        {"text/plain": text, "text/html": text, "image/svg+xml": text},
        {"image/png": b64encode(text.encode("utf-8", "replace")).decode()},
        {"image/png": text},
    )
    return ToolRun(
        number=number,
        round=0,
        call=Call(text, {text: text, "list": [text, {text: text}]}),
        state="failed",
        message=text,
        result={text: text},
        stdout=text,
        stderr=text,
        displays=shown,
        media=tuple(Blob(kind, data) for kind, data in POLYGLOTS),
        approved=text,
    )


def ledger_of_parts(parts, *, ended=True):
    """A ledger of an answer with these parts, which arrive in one chunk."""
    ledger = new_ledger()
    ledger.set_phase("streaming")
    ledger.add(b"{}", 1.0, Decoded([*(Delta(part) for part in parts), finish_of("STOP", None)]))
    calls = [part for part in parts if isinstance(part, Call)]
    for number, call in enumerate(calls[1:], 1):  # the first one is only shown
        ledger.placed.set_run(number, _run_with(call.args["x"], number))
    if ended:
        ledger.close("end", t=2.0)
    return ledger


def polyglot_ledger():
    """An answer whose media are not what they seem to be, in candidate 0 and in another one."""
    ledger = new_ledger()
    blobs = [Delta(Blob(kind, data), candidate) for candidate in (0, 1) for kind, data in POLYGLOTS]
    ledger.add(b"{}", 1.0, Decoded([*blobs, finish_of("STOP", None), finish_of("STOP", None, 1)]))
    ledger.close("end", t=2.0)
    return ledger


def media_elements():
    """HTML elements with media addresses that no answer may contain."""
    picture, page = b64encode(png()).decode(), b64encode(SCRIPT.encode()).decode()
    vector = b64encode(SVG.encode()).decode()
    addresses = [
        "https://evil.test/q",
        "//evil.test/q",
        f"javascript:{RUN}",
        f"data:text/html;base64,{page}",
        f"data:image/svg+xml;base64,{vector}",
        f"data:application/ogg;base64,{picture}",
        f"data:image/png;base64,{picture}#x",
        f"data:image/png;base64,{picture}\n",
        f" data:image/png;base64,{picture}",
        f"data:image/png;charset=x;base64,{picture}",
        "data:image/png;base64,!!!!",
        "data:image/png;base64,",
        f"DATA:image/png;base64,{picture}",
        "data:image/png;base64," + "A" * 32_000_200,
    ]
    made = [
        template.format(address)
        for address in addresses[:-1]
        for template in (
            '<img src="{}">',
            '<audio controls src="{}"></audio>',
            '<video controls src="{}"></video>',
        )
    ]
    return [
        *made,
        f'<img src="{addresses[-1]}">',
        f'<audio src="data:audio/wav;base64,AAAA" autoplay onplay="{RUN}" onloadstart="{RUN}"></audio>',
        '<audio><source src="https://evil.test/q-source"></audio>',
        '<video poster="https://evil.test/q-poster"><track src="https://evil.test/q-track"></video>',
        f'<img srcset="https://evil.test/q-set" src="data:image/png;base64,AAAA" onerror="{RUN}">',
        "<picture><source srcset='https://evil.test/q-picture'><img src=x></picture>",
        f'<details class="gm-picture" ontoggle="{RUN}" open><summary onclick="{RUN}">x</summary></details>',
    ]
