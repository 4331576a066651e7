"""What a model or an API does not take is an error before anything is sent."""

import pytest

from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import Blob, File, Request, Text, Turn
from gemini_magic.errors import PromptError

IMAGE = Blob("image/png", b"x")
VIDEO = File("https://h.test/a.mp4", "video/mp4")
ENDPOINTS = {"gemini": Endpoint(), "vertex": Endpoint(project="p"), "adaptive": Endpoint()}


def encoded(*parts, model="gemini-flash-latest", dialect="gemini", base_url=None):
    endpoint = ENDPOINTS[dialect] if base_url is None else Endpoint(base_url=base_url)
    return backend(dialect).encode(Request(model=model, turns=(Turn("user", parts),)), endpoint)


@pytest.mark.parametrize(
    ("model", "part", "takes"),
    [
        ("gemma-3-1b-it", IMAGE, "only text"),
        ("models/gemma-3-1b-it", IMAGE, "only text"),
        ("gemma-3-270m-it", IMAGE, "only text"),
        ("gemma-2-2b-jpn-it", IMAGE, "only text"),
        ("codegemma-7b", IMAGE, "only text"),
        ("gemini-2.5-flash-preview-tts", IMAGE, "only text"),
        ("gemma-3-27b-it", VIDEO, "only text and images"),
        ("gemini-3.1-flash-image-preview", VIDEO, "no audio and no video"),
    ],
)
def test_media_that_the_model_does_not_take_are_an_error(model, part, takes):
    with pytest.raises(
        PromptError, match=rf"takes {takes}, and the prompt contains 1 (image|video)"
    ) as caught:
        encoded(Text("Look."), part, model=model)
    assert caught.value.remedy == "Choose another model with -m, such as gemini-flash-latest."
    assert encoded(Text("Look."), model=model)


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("gemma-3-4b-it", IMAGE),
        ("gemma-3n-e2b-it", IMAGE),
        ("gemini-2.5-flash-image", IMAGE),
        ("gemini-flash-latest", VIDEO),
        ("tunedModels/gemma-3-1b-it", IMAGE),
        ("gemma-3-1b-it", File("https://h.test/unknown")),
    ],
)
def test_other_media_and_unknown_models_are_left_to_the_server(model, part):
    assert encoded(part, model=model)


@pytest.mark.parametrize("dialect", sorted(ENDPOINTS))
def test_an_address_of_a_type_that_the_api_does_not_take_is_an_error(dialect):
    with pytest.raises(
        PromptError, match=r"^https://h\.test/a\.gif: the API takes no GIF images\."
    ) as caught:
        encoded(File("https://h.test/a.gif", "image/gif"), dialect=dialect)
    assert "Download the file and attach it" in caught.value.remedy


def test_an_address_of_cloud_storage_is_for_vertex():
    part = File("gs://b/a.png", "image/png")
    with pytest.raises(PromptError, match=r"^gs://b/a\.png is an address of Cloud Storage") as caught:
        encoded(part)
    assert "--backend vertex" in caught.value.remedy
    assert b"gs://b/a.png" in encoded(part, dialect="vertex").body
    assert b"gs://b/a.png" in encoded(part, base_url="https://proxy.test").body


def test_media_in_answers_are_sent_back_as_they_came():
    turns = (Turn("model", (Blob("audio/wav", b"x"),)), Turn("user", (Text("Go on."),)))
    assert backend("gemini").encode(Request(model="gemini-2.5-pro-tts", turns=turns), Endpoint())


def test_many_parts_are_checked_in_one_message():
    with pytest.raises(PromptError, match="2 images, 2 bytes"):
        encoded(IMAGE, IMAGE, model="gemma-3-1b-it")


def test_the_interactions_api_takes_more_types_of_images_and_the_same_models():
    endpoint = Endpoint()
    for kind in ("gif", "bmp", "tiff"):
        part = File(f"https://h.test/a.{kind}", f"image/{kind}")
        request = Request(model="gemini-flash-latest", turns=(Turn("user", (part,)),))
        assert backend("interactions").encode(request, endpoint)
    refused = Request(model="gemma-3-1b-it", turns=(Turn("user", (IMAGE,)),))
    with pytest.raises(PromptError, match="takes only text"):
        backend("interactions").encode(refused, endpoint)


def test_an_object_of_cloud_storage_is_for_vertex_in_the_interactions_api_too():
    part = File("gs://bucket/a.mp4", "video/mp4")
    request = Request(model="gemini-flash-latest", turns=(Turn("user", (part,)),))
    with pytest.raises(PromptError, match="Cloud Storage"):
        backend("interactions").encode(request, Endpoint())
    assert backend("vertex-interactions").encode(request, Endpoint(project="p"))
