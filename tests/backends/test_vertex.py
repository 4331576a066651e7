"""The vertex backend: hosts, paths, sign-in, and requests that are refused."""

from __future__ import annotations

import json

import pytest
from fake_server import Script, finish, text
from projects import write_project

import gemini_magic
from gemini_magic import api
from gemini_magic.backends import Endpoint, backend
from gemini_magic.config import resolve
from gemini_magic.content import File, Request, Text, Turn
from gemini_magic.errors import OptionError, PromptError
from gemini_magic.prompts import attach, build_request

VERTEX = backend("vertex")


def url(model="gemini-3.8-flash", **where):
    return VERTEX.url(model, Endpoint(**where))


def request(**fields):
    return Request(model="m", turns=(Turn("user", (Text("hi"),)),), **fields)


ADDRESSES = [
    ("global", "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/"),
    (None, "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/"),
    (
        "us-central1",
        "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1/",
    ),
    ("us", "https://aiplatform.us.rep.googleapis.com/v1beta1/projects/p/locations/us/"),
    ("EU", "https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/p/locations/eu/"),
]


@pytest.mark.parametrize(("location", "start"), ADDRESSES)
def test_each_kind_of_location_has_a_host(location, start):
    made = url(project="p", location=location)
    assert made == f"{start}publishers/google/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert VERTEX.auth.owns(made)


def test_urls_of_express_mode_have_no_project_and_no_location():
    end = "publishers/google/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert url() == url(location="global") == f"https://aiplatform.googleapis.com/v1beta1/{end}"


@pytest.mark.parametrize("location", ["europe-west4", "eu", "US"])
def test_a_location_needs_a_project(location, fake_server):
    for more in ({}, {"base_url": fake_server.base_url}):
        with pytest.raises(OptionError, match="needs a project") as caught:
            gemini_magic.ask("hi", backend="vertex", location=location, **more)
        assert "project=ID" in caught.value.remedy
        with pytest.raises(OptionError, match="needs a project"):
            gemini_magic.models(backend="vertex", location=location, **more)
    assert fake_server.requests == []


def test_a_location_from_the_environment_is_ignored_without_a_project(fake_server, tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
    fake_server.route(
        "/v1beta1/publishers/google/models/m:streamGenerateContent", Script([text("ok"), finish()])
    )
    r = gemini_magic.ask("hi", backend="vertex", model="m", base_url=fake_server.base_url)
    assert (r.status, r.text) == ("complete", "ok")
    assert resolve({"project": "p"})[0].location == "europe-west4"
    write_project(tmp_path, 'location = "europe-west4"', trusted=True)
    assert resolve(start=tmp_path)[0].location == "europe-west4"


@pytest.mark.parametrize(
    "location", ["mars", "europe", "us-central1-a", "us central1", "evil.example/", "-a1", "us-1"]
)
def test_an_invalid_location_is_refused(location):
    for more in ({}, {"project": "p"}):
        with pytest.raises(OptionError, match="is not a valid location") as caught:
            url(location=location, **more)
        assert "us-central1" in caught.value.remedy


@pytest.mark.parametrize(
    "location", ["europe-west4", "northamerica-northeast1", "me-central2", "asia-southeast1"]
)
def test_regions_are_accepted(location):
    assert url(project="p", location=location).startswith(f"https://{location}-aiplatform.googleapis.com/")


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("m", "projects/p/locations/global/publishers/google/models/m"),
        ("models/m", "projects/p/locations/global/publishers/google/models/m"),
        ("meta/llama", "projects/p/locations/global/publishers/meta/models/llama"),
        ("publishers/x/models/m", "projects/p/locations/global/publishers/x/models/m"),
        ("endpoints/123", "projects/p/locations/global/endpoints/123"),
        ("projects/q/locations/us/endpoints/1", "projects/q/locations/us/endpoints/1"),
    ],
)
def test_models_of_other_publishers_and_tuned_models_have_their_paths(model, path):
    assert url(model, project="p", form="whole").endswith(f"/v1beta1/{path}:generateContent")


def test_versions_forms_and_base_urls_change_the_url():
    assert "/v1/projects/" in url(project="p", api_version="v1")
    assert "/v1beta1/projects/" in url(project="p", api_version="beta")
    assert url(form="json").endswith("flash:streamGenerateContent")
    assert url(project="p", base_url="http://localhost:9/v1beta1").startswith(
        "http://localhost:9/v1beta1/projects/p/"
    )
    assert "/projects/example.com:p/" in url(project="example.com:p")


@pytest.mark.parametrize(
    "where",
    [
        {"project": "p", "location": "evil.example/"},
        {"project": "p", "location": "us central1"},
        {"project": "a/b"},
        {"project": "p", "base_url": "nonsense"},
    ],
)
def test_invalid_projects_locations_and_base_urls_are_refused(where):
    with pytest.raises(OptionError):
        url(**where)


def test_a_project_signs_in_and_no_project_takes_a_key():
    assert VERTEX.auth_for(None, Endpoint(project="p")).style == "google"
    assert VERTEX.auth_for(None, Endpoint()).style == "x-goog-api-key"
    assert VERTEX.auth_for("x-goog-api-key", Endpoint(project="p")).style == "x-goog-api-key"
    for style in ("google", "Bearer"):
        with pytest.raises(OptionError, match="needs a project") as caught:
            VERTEX.auth_for(style, Endpoint())
        assert "GOOGLE_CLOUD_PROJECT" in caught.value.remedy


def test_the_default_model_exists_on_vertex_ai(monkeypatch):
    assert resolve({"backend": "vertex"})[0].model == "gemini-3.8-flash"
    assert resolve({"backend": "vertex", "model": "m"})[0].model == "m"
    assert resolve({})[0].model == "gemini-flash-latest"
    monkeypatch.setenv("GEMINI_MAGIC_BACKEND", "vertex")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "from-env")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "eu")
    options, sources = resolve({})
    assert (options.model, options.project, options.location) == ("gemini-3.8-flash", "from-env", "eu")
    assert "vertex" in sources["model"]


def test_a_preview_shows_the_header_of_a_sign_in():
    options = resolve({"backend": "vertex", "project": "p"})[0]
    shown = api.preview(build_request([Text("hi")], options), options)
    assert ("authorization", "Bearer <key>") in shown.headers
    assert shown.body["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]


def test_a_count_request_has_the_fields_of_the_request():
    made = VERTEX.count.encode(
        request(system="s", body={"tools": [{"googleSearch": {}}], "safetySettings": []}),
        Endpoint(project="p"),
    )
    assert made.url.endswith("/models/m:countTokens")
    assert set(json.loads(made.body)) == {"contents", "systemInstruction", "tools"}
    assert VERTEX.models.encode(Endpoint(project="p"), "a b").url == (
        "https://aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=100&pageToken=a%20b"
    )


def test_an_address_of_cloud_storage_is_sent_as_it_is():
    talk = attach("gs://bucket/talk.mp4", start="1:30", fps=0.5).parts
    body = json.loads(
        VERTEX.encode(Request(model="m", turns=(Turn("user", talk),)), Endpoint(project="p")).body
    )
    assert body["contents"][0]["parts"] == [
        {
            "fileData": {"fileUri": "gs://bucket/talk.mp4", "mimeType": "video/mp4"},
            "videoMetadata": {"startOffset": "90s", "fps": 0.5},
        }
    ]


@pytest.mark.parametrize("encode", [VERTEX.encode, VERTEX.count.encode])
def test_an_address_without_a_known_type_is_refused(encode):
    turns = (Turn("user", attach("https://example.org/report").parts),)
    with pytest.raises(PromptError, match=r"The type of https://example\.org/report is not known") as caught:
        encode(Request(model="m", turns=turns), Endpoint(project="p"))
    assert "ends in its type" in caught.value.remedy
    typed = (Turn("user", (File("https://example.org/report", "application/pdf"),)),)
    assert b"application/pdf" in encode(Request(model="m", turns=typed), Endpoint(project="p")).body
