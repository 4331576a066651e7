"""httpx is imported without its command-line client, which other code can still import."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import importlib.util, sys
import gemini_magic.client.plain_httpx
import httpx
assert not {"click", "rich", "httpx._main"} & set(sys.modules)
assert callable(httpx.main)
assert gemini_magic.client.plain_httpx.httpx is httpx
if importlib.util.find_spec("click") and importlib.util.find_spec("rich"):
    import httpx._main
    assert "click" in sys.modules
"""
LATER = """
import sys
import httpx
main = httpx.main
import gemini_magic.client.plain_httpx
assert httpx.main is main
assert sys.modules["httpx._main"].main is main
"""


def test_the_command_line_client_is_imported_only_where_it_is_asked_for():
    for code in (CODE, LATER):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
