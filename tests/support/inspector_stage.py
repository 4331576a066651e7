"""Saved answers for tests of the inspector: normal, large, and records with attacks."""

from __future__ import annotations

import json
import random
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from gemini_magic.backends.gemini_decode import decode
from gemini_magic.content import Request, Text, Turn
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.views import bundle
from gemini_magic.views.record import RECORD

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-flash-latest:streamGenerateContent?alt=sse"
REQUEST_BODY = {"contents": [{"parts": [{"text": "Which capital? It's for a `$(test)`."}]}]}
TEXT = """# Capitals

Here are **three**, with `code`, $5 and a 😀:

- Paris
- =1+1

| city | people |
|---|--:|
| Paris | 2.1 M |

```python
print("hello")
```

I would visit **Lima**.
"""

# JSON texts with unusual formatting, and texts that are not valid JSON.
JSON_TEXTS = [
    b'{"candidates":[{"content":{"parts":[{"text":"one \\u003cb\\u003e"}]}}]}',
    b'{ "candidates" : [ {"content":{"parts":[{"thought":true,"text":"so \xf0\x9f\x98\x80"},{"text":"two"}]}} ]\n}',
    b'{"candidates":[{"content":{"parts":[{"text":"say \\"hi\\" \\\\ \\n"}]}}],"n":[-1.50e+3,007,12345678901234567890123,0]}',
    b'{"candidates":[{"content":{"parts":[{"text":"\xf0\x9f\x98\x80 \\ud83d"}]}}]}',
    b'{"candidates":[{"content":{"parts":[{"text":"\\ude00"}]}}],"__proto__":{"a":null},"x":true}',
    b"[1, 2",
    b'"only text"',
    b'{"unfinished": "str',
    b"",
    b"{}",
]


def finished_answer(count: int = 40, thoughts: int = 6, *, retried: bool = True) -> Ledger:
    """A finished answer in Gemini's format: a failed attempt if `retried`, thoughts, a long gap, usage in every chunk."""
    ledger = Ledger(Request(model="gemini-flash-latest", turns=(Turn("user", (Text("hi"),)),)))
    body = json.dumps(REQUEST_BODY).encode()
    headers = [("accept", "text/event-stream"), ("content-type", "application/json")]
    if retried:
        failed = Exchange("POST", URL, headers, body)
        failed.status, failed.end, failed.problem = 503, "eof", "HTTP 503: The model is overloaded."
        ledger.begin(failed)
        ledger.delay = 1.31
    exchange = Exchange("POST", URL, headers, body, attempt=int(retried))
    exchange.status, exchange.end, exchange.waited = 200, "eof", 1.0
    exchange.http_version, exchange.reason = "HTTP/1.1", "OK"
    exchange.response_headers = (
        ("Content-Type", "text/event-stream"),
        ("X-Gemini-Service-Tier", "<standard>"),
        ("Set-Cookie", "secret=1"),
    )
    ledger.begin(exchange)
    ledger.set_phase("streaming")
    ledger.mark("first_byte", 0.61)
    chance, t = random.Random(3), 0.61
    text = TEXT * max(1, (count - thoughts) // len(TEXT))
    step = -(-len(text) // (count - thoughts))
    texts = [f"Thought {index}. " for index in range(thoughts)]
    texts += [text[start : start + step] for start in range(0, len(text), step)]
    texts += [""] * (count - len(texts))
    for index, piece in enumerate(texts):
        t += chance.expovariate(1000) + 0.0004 + (0.5 if index == thoughts + 8 else 0)
        part: dict[str, Any] = {"text": piece} | ({"thought": True} if index < thoughts else {})
        last = {"finishReason": "STOP"} if index == count - 1 else {}
        value = {
            "candidates": [{"content": {"parts": [part], "role": "model"}, **last, "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 19,
                "candidatesTokenCount": 5 * max(0, index - thoughts + 1),
                "thoughtsTokenCount": 9 * min(thoughts, index + 1),
                "totalTokenCount": 19 + 5 * max(0, index - thoughts + 1) + 9 * min(thoughts, index + 1),
            },
            "modelVersion": "gemini-3-flash",
        }
        raw = json.dumps(value, ensure_ascii=False).encode()
        ledger.add(raw, t, decode(raw))
    ledger.note("done-marker", "A [DONE] line ended the stream.", chunk=3)
    ledger.close("end", t=t + 0.001)
    return ledger


def cell(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> NotebookNode:
    """A cell with one saved output."""
    output = new_output("display_data", data=data, metadata=metadata or {})
    return new_code_cell("%%gemini\nWhich capital?", outputs=[output], execution_count=1)


def saved_answer(ledger: Ledger, *, expanded: bool = False) -> NotebookNode:
    """A cell with the saved bundle of an answer as its output."""
    return cell(bundle(ledger), {RECORD: {"expanded": True}} if expanded else None)


EVIL = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>"
    '<a href="javascript:alert(3)">x</a>\'"><svg onload=alert(4)> https://evil.example/x'
)
EVIL_HTML = (
    f'<div class="gemini-magic mathjax_ignore tex2jax_ignore" onclick="alert(1)" style="background:url(https://evil.example/bg)">{EVIL}'
    '<iframe srcdoc="<script>alert(5)</script>"></iframe>'
    '<img src="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="><link rel=stylesheet href="https://evil.example/x.css">'
    '<button data-commandlinker-command="help:about">click</button><form action="https://evil.example"><input autofocus onfocus=alert(6)></form>'
    '<p id="jp-main-dock-panel" class="jp-Toolbar">take over</p><details open ontoggle="alert(7)" class="gm-thinking"><summary>s</summary></details>'
    '<span class="mathjax_process tex2jax_process">\\(\\href{javascript:alert(8)}{x}\\)</span><base href="https://evil.example/">'
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(9)></div>"
)

# JupyterLab's table of contents loads the image of these, no matter what displays the output. They have a separate test.
BEACONS = (
    '<img src="https://evil.example/beacon.png"><p style="background:url(https://evil.example/bg)">take over</p>'
    '<video src="https://evil.example/v" poster="https://evil.example/p"></video><picture><source srcset="https://evil.example/s"></picture>'
    '<a href="https://evil.example/ping" ping="https://evil.example/ping" onfocus="alert(1)" autofocus>x</a>'
)


def _everywhere(value: Any) -> dict[str, Any]:
    """A record with the same value in every field."""
    names = (
        "model model_version response_id backend source started status status_line finish_reason finish_message block_reason "
        "details usage timing attempts request text thoughts notes count chunks capped delay"
    )
    return {"v": 1} | dict.fromkeys(names.split(), value)


def _columns(**columns: Any) -> dict[str, Any]:
    """A record whose chunks are these columns, and whose other fields are attacks."""
    valid = {"t": [1, 2], "size": [1, 1], "kinds": [EVIL], "kind": [0, 0], "finish": [[0, EVIL]]}
    valid |= {"text": [3, 4], "shapes": [["{}"]], "json": [[0], [0]], "total": [5, 5]}
    return {
        "v": 1,
        "text": EVIL,
        "thoughts": EVIL,
        "count": 2,
        "status": EVIL,
        "started": EVIL,
        "backend": EVIL,
        "timing": {"total": 1e300, "first_byte": -5, "first_text": "1"},
        "request": {"method": "<b>", "url": "javascript:alert(1)", "headers": {EVIL: EVIL, "x-y": EVIL}, "body": json.dumps({EVIL: [EVIL]})},
        "attempts": [{"problem": EVIL, "status": EVIL}, {"problem": EVIL, "end": EVIL, "url": EVIL, "waited": 1e99}],
        "notes": [{"kind": EVIL, "message": EVIL, "severity": EVIL, "chunk": 1}, {"chunk": -1}, None, 7, {"chunk": 1e9}],
        "capped": {EVIL: EVIL, "x": 7},
        "chunks": json.dumps(valid | columns),
    }  # fmt: skip


HOSTILE: dict[str, Any] = {
    "html in every field": _columns(),
    "html everywhere": _everywhere(EVIL),
    "numbers everywhere": _everywhere(1e308),
    "lists everywhere": _everywhere([[[]], None, EVIL]),
    "objects everywhere": _everywhere({"__proto__": {"polluted": 1}, "constructor": EVIL, "toString": 1, "0": EVIL}),
    "null everywhere": _everywhere(None),
    "more chunks than the limit": _columns(t=[1] * 300_000, json=[[0]] * 300_000) | {"count": 1e6},
    "a count of a million": _everywhere(1_000_000),
    "not JSON": _columns() | {"chunks": "{"},
    "columns of wrong types": _columns(t=[None, "x", {}, -1e300, 1e400], size=[EVIL, -1, None], kind=[99, -1, "__proto__"], text=[1e99, -5, EVIL]),
    "shapes that expand to large texts": _columns(t=[0] * 600, shapes=[["x" * 1000] * 1000], json=[[0, 0, "y" * 9]] * 600),
    "rows with indexes out of range": _columns(json=[[0, 99, 1], [-1], ["0"], [1e9], [0, "__proto__", EVIL]]),
    "prototype keys": _columns(shapes=[['{"__proto__":', ',"constructor":{"prototype":', "}}"]], json=[[0, 0, '{"polluted":1}', 1, json.dumps(EVIL)], [0]]),
    "deep": _columns(shapes=[["[" * 100_000 + "]" * 100_000]], json=[[0], [0]]),
}  # fmt: skip
