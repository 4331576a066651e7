"""An offline backend that answers with the prompt, for tests, teaching and a first look.

It is deterministic. Directives in the prompt, one per line, change the answer; all other lines are the answer:

    @chunk 12        split the answer into pieces of 12 characters (default: words)
    @wait 0.05       wait this many seconds before each chunk (default: 0)
    @think TEXT      send a thought before the answer
    @finish REASON   end with this finish reason; NONE ends without one
    @block REASON    block the prompt
    @error CODE TEXT end with an error object
    @usage off       send no token counts
    @call NAME JSON  call a function that the request declares; calls on adjacent lines are one round, and the answer
                     follows when all rounds have their results

The answer is in Gemini's wire format, so it passes through the same code as a real one. No key, no network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..content import Request
from ..errors import OptionError
from .backend import Endpoint, HttpRequest
from .gemini import GEMINI, encode

__all__ = ["ECHO", "reply"]

_SIGNATURE = "ZWNobw=="  # of the first call of a round, as Gemini 3 sends it
_CALL = re.compile(r"@call[ \t]+(\S+)[ \t]*(.*)")
_DIRECTIVE = re.compile(r"@(chunk|wait|think|finish|block|error|usage|call)\b[ \t]*(.*)")


class _Prompt(NamedTuple):
    """What a request asks the echo to answer.

    Attributes:
        text: the answer.
        directives: the other directives, by name.
        calls: the function calls of this round; empty when the text is next.
    """

    text: str
    directives: dict[str, str]
    calls: list[dict[str, Any]]


def _prompt(body: bytes) -> _Prompt:
    contents = json.loads(body)["contents"]
    results: list[list[dict[str, Any]]] = []  # of the rounds since the question, the newest first
    for content in reversed(contents):
        found = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        if found:
            results.append(found)
        elif content.get("role") != "model":
            break
    text = "".join(part.get("text", "") for part in content["parts"])
    directives: dict[str, str] = {}
    lines: list[str] = []
    rounds: list[list[dict[str, Any]]] = []
    in_round = False
    for line in text.splitlines(keepends=True):
        call = _CALL.fullmatch(line.strip())
        if call:
            if not in_round:
                rounds.append([])
            rounds[-1].append(_function_call(call, sum(map(len, rounds)) + 1, signed=not rounds[-1]))
        elif found_directive := _DIRECTIVE.fullmatch(line.strip()):
            directives[found_directive[1]] = found_directive[2].strip()
        else:
            lines.append(line)
        in_round = call is not None
    if len(results) < len(rounds):
        return _Prompt("", directives, rounds[len(results)])
    lines += [
        f"{each['name']}: {json.dumps(each['response'], ensure_ascii=False)}\n"
        for found in reversed(results)
        for each in found
    ]
    return _Prompt("".join(lines), directives, [])


def _function_call(written: re.Match[str], number: int, *, signed: bool) -> dict[str, Any]:
    """The part of a call; what is not a JSON object becomes no arguments, as models may send none."""
    try:
        arguments = json.loads(written[2] or "{}")
    except (ValueError, RecursionError):
        arguments = {}
    fields: dict[str, Any] = {"id": f"call-{number}", "name": written[1], "args": arguments}
    return {"functionCall": fields, **({"thoughtSignature": _SIGNATURE} if signed else {})}


def _number(text: str | None, default: float) -> float:
    try:
        return max(0.0, float(text)) if text else default
    except ValueError:
        return default


def _pieces(text: str, size: int) -> list[str]:
    if size:
        return [text[start : start + size] for start in range(0, len(text), size)]
    return re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", text)


def reply(request: HttpRequest) -> Iterator[tuple[float, bytes]]:
    """The answer to a request as ``(seconds to wait, bytes)`` pieces of an SSE body."""
    text, directives, calls = _prompt(request.body)
    wait = _number(directives.get("wait"), 0.0)
    pieces = _pieces(text, int(_number(directives.get("chunk"), 0)))
    prompt = len(text.split())
    finish: str | None = directives.get("finish", "STOP").upper()
    finish = None if finish == "NONE" else finish

    def event(value: dict[str, Any]) -> tuple[float, bytes]:
        data = json.dumps({**value, "modelVersion": "echo", "responseId": "echo"}, ensure_ascii=False)
        return wait, f"data: {data}\r\n\r\n".encode()

    def chunk(
        parts: Sequence[dict[str, Any]], sent: int, thought: int, reason: str | None = None
    ) -> tuple[float, bytes]:
        candidate: dict[str, Any] = {"index": 0}
        if parts:
            candidate["content"] = {"role": "model", "parts": list(parts)}
        if reason:
            candidate["finishReason"] = reason
        usage = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": sent,
            **({"thoughtsTokenCount": thought} if thought else {}),
            "totalTokenCount": prompt + sent + thought,
        }
        return event(
            {
                "candidates": [candidate],
                **({} if directives.get("usage") == "off" else {"usageMetadata": usage}),
            }
        )

    if "block" in directives:
        yield event({"promptFeedback": {"blockReason": directives["block"] or "OTHER"}})
        return
    thinking = directives.get("think", "")
    thought = len(thinking.split())
    if thinking:
        yield chunk([{"text": thinking, "thought": True}], 0, thought)
    if calls:
        yield chunk(calls, len(calls), thought, "STOP")
        return
    for count, piece in enumerate(pieces, 1):
        last = count == len(pieces) and "error" not in directives
        yield chunk([{"text": piece}], count, thought, finish if last else None)
    if "error" in directives:
        code, _, message = directives["error"].partition(" ")
        number = int(code) if code.isdigit() else 500
        yield event({"error": {"code": number, "message": message or "echoed error", "status": "INTERNAL"}})
    elif not pieces:
        yield chunk([], 0, thought, finish)


def _encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    """The request as the Gemini API takes it.

    Raises:
        OptionError: the request asks for what an echo does not have.
    """
    if request.settings.logprobs is not None:
        raise OptionError(
            "The echo backend has no log probabilities.",
            remedy="Leave out --logprobs, or use another backend.",
        )
    return encode(request, endpoint)


ECHO = replace(
    GEMINI,
    name="echo",
    encode=_encode,
    auth=None,
    count=None,
    models=None,
    files=None,
    batches=None,
    undocumented=None,
    decisions=None,
    local=reply,
)
