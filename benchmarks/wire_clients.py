"""Runs one client on the cases of `tests/support/wire_cases.py`, in a process that can be killed when it hangs.

`python wire_clients.py CLIENT` first prints its versions. Then it reads jobs from standard input, one JSON object a
line, and prints the result of each: a line for each piece of text as it arrives, and one line at the end. Each client
is used as its documentation describes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

Job = dict[str, Any]  # base_url, stall_timeout (seconds or None), retries, api


def send(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


# ---------------------------------------------------------------------------------------------- gemini_magic


def ours() -> Callable[[Job], dict[str, Any]]:
    root = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(root), str(root / "tests" / "support")]
    from wire_cases import observe  # noqa: PLC0415

    import gemini_magic  # noqa: PLC0415 - the interpreter of another client does not have it
    from gemini_magic.content import Text  # noqa: PLC0415
    from gemini_magic.events import Delta  # noqa: PLC0415

    def ask(job: Job) -> dict[str, Any]:
        limits = {} if job["stall_timeout"] is None else {"stall_timeout": job["stall_timeout"]}
        options = {"model": "m", "base_url": job["base_url"], "retries": job["retries"]}
        if job["api"] == "interactions":
            options["backend"] = "interactions"
        with gemini_magic.stream("hi", **options, **limits) as stream:
            for event in stream:
                if isinstance(event, Delta) and isinstance(event.part, Text):
                    send(text=event.part.text)
        return asdict(observe(stream.response))

    send(ready={"gemini_magic": gemini_magic.__version__})
    return ask


# ---------------------------------------------------------------------------------------------- google-genai


class Collected:
    """The result of the documented loop over the chunks of google-genai."""

    def __init__(self) -> None:
        self.observed: dict[str, Any] = {"text": "", "thoughts": "", "blob": 0}

    def add(self, chunk: Any) -> None:
        """Add the contents of one chunk."""
        if piece := chunk.text:
            self.observed["text"] += piece
            send(text=piece)
        feedback, usage = chunk.prompt_feedback, chunk.usage_metadata
        if feedback and feedback.block_reason:
            self.observed["blocked"] = feedback.block_reason.value
        if usage and usage.total_token_count is not None:
            self.observed["total"] = usage.total_token_count
        for candidate in chunk.candidates or []:
            if candidate.finish_reason:
                self.observed["finish"] = candidate.finish_reason.value
            for part in (candidate.content and candidate.content.parts) or []:
                if part.thought:
                    self.observed["thoughts"] += part.text or ""
                if part.inline_data:
                    self.observed["blob"] += len(part.inline_data.data)

    def add_event(self, event: Any) -> None:
        """Add one event of an interaction."""
        observed, kind = self.observed, event.event_type
        if kind == "step.delta":
            delta = event.delta
            if delta.type == "text":
                observed["text"] += delta.text
                send(text=delta.text)
            elif delta.type == "thought_summary" and delta.content:
                observed["thoughts"] += getattr(delta.content, "text", "")
            elif delta.type == "image" and delta.data:
                observed["blob"] += len(base64.b64decode(delta.data))
        elif kind == "step.start" and (error := getattr(event.step, "error", None)):
            observed |= {"error": str(error.message), "kind": "step"}
        elif kind == "error" and event.error and event.error.message:
            observed |= {"error": f"{event.error.code}: {event.error.message}", "kind": "error event"}
        elif kind == "interaction.completed":
            observed["finish"] = event.interaction.status
            if (usage := event.interaction.usage) and usage.total_tokens is not None:
                observed["total"] = usage.total_tokens

    def failed(self, error: Exception) -> None:
        """Add an error."""
        self.observed |= {"error": str(error) or repr(error), "kind": type(error).__name__}


def google(*, wait: bool) -> Callable[[Job], dict[str, Any]]:
    from google import genai  # noqa: PLC0415 - each process imports only its own client
    from google.genai import types  # noqa: PLC0415

    def client(job: Job) -> genai.Client:
        options: dict[str, Any] = {"base_url": job["base_url"], "api_version": "v1beta"}
        if job["stall_timeout"] is not None:
            options["timeout"] = int(job["stall_timeout"] * 1000)
        if job["retries"]:
            options["retry_options"] = types.HttpRetryOptions(attempts=job["retries"] + 1)
        return genai.Client(api_key="no-key-at-all", http_options=types.HttpOptions(**options))

    def plain(job: Job) -> dict[str, Any]:
        collected = Collected()
        try:
            with client(job) as opened:
                if job["api"] == "interactions":
                    for event in opened.interactions.create(model="m", input="hi", stream=True):
                        collected.add_event(event)
                    return collected.observed
                for chunk in opened.models.generate_content_stream(model="m", contents="hi"):
                    collected.add(chunk)
        except Exception as error:  # noqa: BLE001 - any error is a result
            collected.failed(error)
        return collected.observed

    async def awaited(job: Job) -> dict[str, Any]:
        collected = Collected()
        try:
            async with client(job).aio as opened:
                if job["api"] == "interactions":
                    async for event in await opened.interactions.create(model="m", input="hi", stream=True):
                        collected.add_event(event)
                    return collected.observed
                async for chunk in await opened.models.generate_content_stream(model="m", contents="hi"):
                    collected.add(chunk)
        except Exception as error:  # noqa: BLE001 - likewise
            collected.failed(error)
        return collected.observed

    send(ready={name: _version(name) for name in ("google-genai", "httpx2", "httpx", "aiohttp")})
    return (lambda job: asyncio.run(awaited(job))) if wait else plain


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def google_without_aiohttp() -> Callable[[Job], dict[str, Any]]:
    """The client as it is without aiohttp, an extra of google-genai."""
    sys.modules["aiohttp"] = None  # type: ignore[assignment] # importing it fails
    return google(wait=True)


CLIENTS: dict[str, Callable[[], Callable[[Job], dict[str, Any]]]] = {
    "gemini_magic": ours,
    "google-genai": lambda: google(wait=False),
    "google-genai async": google_without_aiohttp,
    "google-genai async, aiohttp": lambda: google(wait=True),
}


def main() -> None:
    ask = CLIENTS[sys.argv[1]]()
    for line in sys.stdin:
        send(observed=ask(json.loads(line)))


if __name__ == "__main__":
    main()
