"""Which models want which of Google's protocols, and how a backend is chosen for them."""

from __future__ import annotations

import pytest
from dialects import body
from fake_server import Script, google_error, raw, status

import gemini_magic
from gemini_magic import cli
from gemini_magic.backends import backends_of_model, needs_interactions
from gemini_magic.backends.backend import Model
from gemini_magic.backends.protocols import is_agent
from gemini_magic.config import CHOSEN, resolve

ONLY = [
    "gemini-omni-1.2-flash",
    "models/gemini-omni-flash-preview",
    "gemini-4-argon",
    "lyria-3.5",
    "antigravity-preview-09-2026",
]
BOTH = ["gemini-flash-latest", "gemini-3.8-flash", "gemini-2.5-pro", "gemma-4-31b-it", "m", "gemini-1.5-pro"]


@pytest.mark.parametrize("model", ONLY)
def test_a_model_of_the_interactions_api_is_asked_there_by_default(model):
    assert needs_interactions(model)
    for given in ({}, {"backend": "auto"}):
        options, sources = resolve({"model": model, **given})
        assert options.backend == "interactions"
        assert sources["backend"] == f"chosen: the model {model} exists there only"
        assert (
            sources[CHOSEN]
            == f"The backend interactions was chosen, because the model {model} exists there only."
        )


@pytest.mark.parametrize("model", BOTH)
def test_other_models_are_asked_with_the_default_backend(model):
    assert not needs_interactions(model)
    options, sources = resolve({"model": model})
    assert (options.backend, "backend" in sources, CHOSEN in sources) == ("gemini", False, False)
    options, sources = resolve({"model": model, "backend": "auto"})
    assert (options.backend, sources["backend"]) == ("gemini", "chosen: the model exists there")
    assert sources[CHOSEN] == "The backend gemini was chosen, because the model exists there."


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        ({"agent": "deep-research-preview-04-2026"}, "--agent"),
        ({"previous": "v1_a"}, "--previous"),
        ({"server_store": True}, "--server-store"),
        ({"server_background": True}, "--server-background"),
    ],
)
def test_an_option_of_the_interactions_api_chooses_it(option, flag):
    options, sources = resolve(option)
    assert (options.backend, sources[CHOSEN]) == (
        "interactions",
        f"The backend interactions was chosen, because {flag} needs it.",
    )
    assert resolve({**option, "backend": "gemini"})[0].backend == "gemini"


def test_another_server_is_asked_with_the_default_backend_unless_auto_is_requested():
    given = {"model": "gemini-omni-1.2-flash", "base_url": "https://llm.example"}
    assert resolve(given)[0].backend == "gemini"
    assert resolve({**given, "backend": "auto"})[0].backend == "interactions"


@pytest.mark.parametrize("backend", ["auto", "gemini", "interactions"])
def test_decisions_are_asked_of_the_same_server(backend):
    options, sources = resolve({"decide": ["Is it?"], "backend": backend})
    assert (options.backend, CHOSEN in sources) == ("decisions", False)


def test_the_list_of_models_says_which_backends_they_work_with():
    def found(name, *methods):
        return backends_of_model(Model(name, None, None, None, methods, None))

    assert found("gemini-omni-1.2-flash", "generateContent") == ("interactions",)
    assert found("gemini-3.8-flash", "generateContent", "countTokens") == ("gemini", "interactions")
    assert found("gemini-1.5-flash", "generateContent") == ("gemini",)
    assert found("embedding-1", "embedContent") == ()
    assert found("own") == ("gemini",)
    assert is_agent("models/deep-research-max-preview-04-2026")
    assert not is_agent("gemini-3.8-flash")


def test_the_answer_says_which_backend_was_chosen(fake_server):
    fake_server.route("/v1beta/interactions", Script((raw(body("interactions", "sse", "text")),)))
    asked = {"backend": "auto", "base_url": fake_server.base_url, "model": "gemini-omni-1.2-flash"}
    r = gemini_magic.ask("hi", temperature=0.5, **asked)
    assert r.status == "complete"
    assert [note.message for note in r.notes if note.kind == "notice"] == [
        "The backend interactions was chosen, because the model gemini-omni-1.2-flash exists there only.",
        "-t is deprecated in the Interactions API: models may ignore it.",
    ]
    assert r.reply("more", temperature=None).ledger.backend == "interactions"


def test_a_model_that_the_older_api_refuses_has_a_remedy(fake_server):
    message = "This model only supports Interactions API."
    fake_server.model("m", status(400, body=google_error(400, message, "INVALID_ARGUMENT")))
    r = gemini_magic.ask("hi", backend="gemini", model="m", base_url=fake_server.base_url, retries=0)
    assert "Use --backend interactions" in r.error.remedy


@pytest.mark.parametrize(
    ("backend", "model", "remedy"),
    [
        ("gemini", "gemini-omni-9", "use --backend interactions"),
        ("interactions", "gemini-1.5-pro", "try --backend gemini"),
    ],
)
def test_a_model_that_is_not_found_has_the_other_protocol_as_remedy(fake_server, backend, model, remedy):
    refused = Script((status(404, body=google_error(404, "Not found.", "NOT_FOUND")),))
    fake_server.answers(model, refused)
    fake_server.route("/v1beta/interactions", refused)
    r = gemini_magic.ask("hi", backend=backend, model=model, base_url=fake_server.base_url, retries=0)
    assert remedy in r.error.remedy


@pytest.mark.parametrize(
    ("backend", "line"),
    [
        ("gemini", "note  model gemini-omni-1.2-flash with the backend gemini (environment)"),
        ("auto", "ok    model gemini-omni-1.2-flash with the backend interactions (chosen: the model"),
    ],
)
def test_doctor_says_which_protocol_the_model_is_asked_with(monkeypatch, capsys, tmp_path, backend, line):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEMINI_MAGIC_MODEL", "gemini-omni-1.2-flash")
    monkeypatch.setenv("GEMINI_MAGIC_BACKEND", backend)
    cli.main(["doctor"])
    shown = capsys.readouterr().out
    assert line in shown
    assert ("use --backend interactions" in shown) == (backend == "gemini")
