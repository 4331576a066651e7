"""A backend is one value: a dialect of another family works everywhere once it is in the registry."""

from __future__ import annotations

import json

import pytest
from fake_server import Script, raw

import gemini_magic
from gemini_magic import Response
from gemini_magic.backends import registry
from gemini_magic.backends.auth import Auth
from gemini_magic.backends.backend import Backend, HttpRequest
from gemini_magic.backends.http_errors import http_failure
from gemini_magic.config import resolve
from gemini_magic.content import Text
from gemini_magic.errors import OptionError
from gemini_magic.events import Decoded, Delta, Failure, Finish, Usage, UsageReport

OUTCOMES = {"stop": "complete", "length": "truncated", "content_filter": "blocked"}


def encode(request, endpoint):
    settings = request.settings
    if settings.tools:
        raise OptionError("The chat backend does not support tools.")
    body = {
        "model": request.model,
        "messages": [{"role": turn.role, "content": turn.text} for turn in request.turns],
        **({"temperature": settings.temperature} if settings.temperature is not None else {}),
        **({"response_format": {"type": "json_object"}} if settings.json_output else {}),
        **request.params,
    }
    return HttpRequest("POST", url(request.model, endpoint), (), json.dumps(body).encode())


def url(_, endpoint):
    return f"{endpoint.base_url or 'https://chat.example'}/chat/completions"


def decoder():
    def decode(text, event=None):
        value = json.loads(text)
        if event == "error":
            return Decoded([Failure(value["message"])])
        events = []
        for choice in value["choices"]:
            if content := choice["delta"].get("content"):
                events.append(Delta(Text(content)))
            if reason := choice["finish_reason"]:
                events.append(Finish(reason, outcome=OUTCOMES.get(reason)))
        if usage := value.get("usage"):
            events.append(
                UsageReport(Usage(usage["prompt_tokens"], output=usage["completion_tokens"], total=3))
            )
        return Decoded(events, value["model"])

    return decode


CHAT = Backend(
    name="chat",
    default_model="chat-1",
    auth=Auth("bearer", ("bearer",), ("CHAT_KEY",), ("chat.example",), "chat.example"),
    url=url,
    encode=encode,
    decoder=decoder,
    failure=http_failure,
    normal_anomalies=("done-marker",),
)


def chunk(content=None, reason=None, **more):
    delta = {} if content is None else {"content": content}
    value = {"model": "chat-1", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}
    return f"data: {json.dumps(value)}\n\n".encode()


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(registry._BACKENDS, "chat", CHAT)


def ask(server, *chunks, **options):
    server.route("/chat/completions", Script([raw(b"".join([*chunks, b"data: [DONE]\n\n"]))]))
    return gemini_magic.ask("hi", backend="chat", base_url=server.base_url, retries=0, **options)


def test_an_answer_and_its_recording(fake_server, tmp_path):
    path = tmp_path / "run.jsonl"
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    r = ask(
        fake_server, chunk("Hello"), chunk(" there", "stop", usage=usage), record=str(path), temperature=0.5
    )
    assert (r.text, r.status, r.finish_reason, r.usage.output) == ("Hello there", "complete", "stop", 2)
    assert fake_server.requests[-1].body == {
        "model": "chat-1",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
    }
    assert list(r.notes) == []
    assert (r.cost, list(r.usage_by_modality)) == (None, [])
    loaded = Response.load(path)
    assert (loaded.text, list(loaded.notes)) == (r.text, [])
    assert {name: same for name, _, _, same in r.diff(loaded).changes}["answer"]


@pytest.mark.parametrize(
    ("reason", "status"),
    [("length", "truncated"), ("content_filter", "blocked"), ("another", "complete"), (None, "truncated")],
)
def test_its_finish_reasons(fake_server, reason, status):
    r = ask(fake_server, chunk("Hello", reason))
    assert (r.status, r.finish_reason) == (status, reason)


def test_the_names_of_events_reach_its_decoder(fake_server, tmp_path):
    path = tmp_path / "run.jsonl"
    error = b'event: error\ndata: {"message": "overloaded"}\n\n'
    r = ask(fake_server, chunk("Hello"), error, record=str(path))
    assert (r.status, r.error.message) == ("error", "overloaded")
    assert Response.load(path).error.message == "overloaded"


def test_its_default_model_options_and_refusals(fake_server):
    assert resolve({"backend": "chat"})[0].model == "chat-1"
    ask(fake_server, chunk("{}", "stop"), format="json")
    assert fake_server.requests[-1].body["response_format"] == {"type": "json_object"}
    with pytest.raises(OptionError, match="does not support tools"):
        ask(fake_server, search=True)
    with pytest.raises(OptionError, match="chat"):
        gemini_magic.count_tokens("hi", backend="chat")
