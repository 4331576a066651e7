"""The registry names every backend without importing it, and imports one when it is used."""

import json
import subprocess
import sys

import pytest

from gemini_magic.backends import backend, names, names_for_help, recorded_backend

_MODULES = """
import json, sys
from gemini_magic.backends import backend, names, names_for_help
from gemini_magic.options import Options
loaded = lambda: [name for name in names() if f"gemini_magic.backends.{name}" in sys.modules]
before = loaded()
backend("vertex")
print(json.dumps([before, loaded(), list(names()), names_for_help()]))
"""


def test_a_backend_is_imported_when_it_is_used():
    done = subprocess.run(
        [sys.executable, "-c", _MODULES], capture_output=True, text=True, check=True, timeout=60
    )
    before, after, all_names, _ = json.loads(done.stdout)
    assert before == ["gemini"]
    assert after == ["gemini", "vertex"]
    assert all_names == list(names())


@pytest.mark.parametrize("name", names())
def test_what_the_registry_says_about_a_backend_is_true(name):
    found = backend(name)
    assert found.name == name
    assert backend(name) is found
    offline = f"{name} (offline)" in names_for_help()
    assert offline is (found.local is not None)
    assert offline or name in names_for_help()


@pytest.mark.parametrize(
    ("url", "body", "name"),
    [
        ("https://example.test/v1beta/interactions", b"", "interactions"),
        ("https://example.test/v1beta/interactions/?alt=sse", b"", "interactions"),
        ("https://example.test/v1beta/models/interactions:streamGenerateContent", b"", "gemini"),
        ("", b'event: interaction.created\ndata: {"interaction"', "interactions"),
        ("", b'data: {"event_type":"interaction.created"', "interactions"),
        ("", b'{"id":"v1_x","object":"interaction"', "interactions"),
        ("", b'data: {"candidates": [{"content"', "gemini"),
        ("http://[half an address", b"", "gemini"),
        ("", b"", "gemini"),
    ],
)
def test_a_recording_without_a_name_is_read_by_the_backend_whose_answer_it_is(url, body, name):
    assert recorded_backend(url, body) == name
