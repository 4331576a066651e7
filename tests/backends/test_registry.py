"""The registry names every backend without importing it, and imports one when it is used."""

import json
import subprocess
import sys

import pytest

from gemini_magic.backends import backend, names, names_for_help

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
