import importlib
import json
import subprocess
import sys

import pytest
from fake_server import finish
from fake_server import text as say

from gemini_magic.notebook import load, unload


def test_loading_and_unloading_twice_changes_nothing(shell, capsys):
    before = list(shell.input_transformers_cleanup)
    configurables = list(shell.configurables)
    load(shell)
    load(shell)
    assert len(shell.input_transformers_cleanup) == len(before) + 1
    assert shell.find_cell_magic("gemini") is not None
    unload(shell)
    unload(shell)
    assert shell.input_transformers_cleanup == before
    assert shell.configurables == configurables
    assert shell.find_cell_magic("gemini") is None
    assert shell.find_line_magic("gemini") is None
    assert capsys.readouterr().out == ""


def test_a_message_names_the_magic_that_was_replaced(shell, capsys):
    def gemini(line, cell):
        return "foreign"

    gemini.__module__ = "google.generativeai.notebook"
    shell.register_magic_function(gemini, "cell", "gemini")
    load(shell)
    assert capsys.readouterr().out.splitlines() == [
        "%%gemini was registered by google.generativeai.notebook. gemini_magic has replaced it."
    ]


def test_another_magic_registered_later_is_not_touched(cells):
    def gemini(line, cell):
        return f"foreign {cell}"

    cells.shell.register_magic_function(gemini, "cell", "gemini")
    assert cells("%%gemini\nhi").result == "foreign hi\n"


def test_the_configuration_of_the_profile_is_used(shell, capsys):
    shell.config.GeminiMagics.backend = "echo"
    shell.config.GeminiMagics.model = "gemini-profile"
    load(shell)
    assert shell.run_cell("%%gemini -q\nhi").success
    assert shell.user_ns["_gemini"].request.model == "gemini-profile"


def test_config_works_after_loading_again(shell, capsys):
    load(shell)
    shell.run_cell("%config GeminiMagics.backend = 'echo'")
    unload(shell)
    load(shell)
    shell.run_cell("%config GeminiMagics")
    assert "GeminiMagics.backend" in capsys.readouterr().out


_LOAD = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
start = time.process_time()
shell.extension_manager.load_extension("gemini_magic")
spent = time.process_time() - start
print(json.dumps([spent, sorted(set(sys.modules) - before)]))
"""


def _python(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_loading_imports_only_the_modules_it_needs():
    spent, modules = _python(_LOAD)
    print(f"load_ext: {spent * 1e3:.1f} ms CPU, {len(modules)} modules")
    assert [name for name in modules if not name.startswith("gemini_magic")] == []
    assert {name.removeprefix("gemini_magic") for name in modules} == {
        "",
        ".notebook",
        ".notebook.extension",
        ".notebook.kernel",
        ".notebook.magics",
        ".notebook.matcher",
        ".notebook.transformer",
        ".notebook.warm_up",
    }


_ORDER = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "gemini_magic")
shell.run_line_magic("config", "GeminiMagics.backend = 'echo'")
seen = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("gemini_magic.views.terminal", "ipywidgets", "markdown_it", "nh3"):
            seen.append(name)
sys.meta_path.insert(0, Watch())
import gemini_magic.client as client
open_stream = client.open_stream
def recorded(*args, **named):
    stream = open_stream(*args, **named)
    seen.append("sent")
    return stream
client.open_stream = recorded
shell.run_cell("%%gemini\\nhello")
print()
print(json.dumps(seen))
"""


def test_a_cell_outside_a_kernel_sends_its_request_and_imports_no_library_of_a_view():
    # test_first_cell has the order in a kernel
    assert _python(_ORDER) == ["sent", "gemini_magic.views.terminal"]


_IMPORTS = """
import json, sys, threading
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "gemini_magic")
sys.modules.pop("difflib", None)
before = set(sys.modules)
shell.run_cell("%%gemini -q --no-journal --backend echo\\nhello")
print()
print(json.dumps([sorted(set(sys.modules) - before), shell.user_ns["_gemini"].text]))
"""
_NOT_NEEDED = [  # by a cell that neither records nor replays, and whose tables and notes are not read
    "difflib",
    "gemini_magic.client.fetch",
    "gemini_magic.client.media_uploads",
    "gemini_magic.client.text_file",
    "gemini_magic.credentials.google_auth",
    "gemini_magic.diagnostics.notes",
    "gemini_magic.diff",
    "gemini_magic.markdown.images",
    "gemini_magic.media.raster",
    "gemini_magic.media.signatures",
    "gemini_magic.media.sound",
    "gemini_magic.notebook.commands.dispatch",
    "gemini_magic.recording.curl",
    "gemini_magic.recording.files",
    "gemini_magic.recording.recorder",
    "gemini_magic.recording.replay",
    "gemini_magic.tables.filters",
    "gemini_magic.tables.preview",
    "gemini_magic.views.status",
    "gemini_magic.wire.httprr",
]


def test_the_first_cell_imports_no_module_that_it_does_not_need():
    modules, answer = _python(_IMPORTS)
    assert "hello" in answer
    assert "gemini_magic.client.stream" in modules
    assert [name for name in _NOT_NEEDED if name in modules] == []
    for name in _NOT_NEEDED:
        importlib.import_module(name)  # it still exists


_CERTIFICATES = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "gemini_magic")
import gemini_magic.client as client
begun = []
client.load_certificates = lambda: begun.append("gemini_magic.notebook.runner" in sys.modules)
for line in LINES:
    shell.run_cell(f"%%gemini -q --dry-run {line}\\nhello")
print()
print(json.dumps(begun))
"""


_REQUEST = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "gemini_magic")
before = set(sys.modules)
shell.run_cell("%%gemini -q --no-journal -m quick --base-url URL\\nhello")
print()
print(json.dumps([sorted(set(sys.modules) - before), shell.user_ns["_gemini"].text]))
"""


def test_a_request_without_a_proxy_imports_no_http_library(fake_server):
    fake_server.script(say("hello"), finish())
    modules, answer = _python(_REQUEST.replace("URL", fake_server.base_url))
    assert answer == "hello"
    rare = {"h11", "httpcore", "httpx", "http.cookiejar", "idna", "gemini_magic.client.proxy_transport"}
    assert rare & set(modules) == set()


@pytest.mark.parametrize(
    ("lines", "begun"),
    [
        (["", ""], [False]),
        (["--base-url http://127.0.0.1:9"], []),
        (["--replay builtin:tour"], []),
        (["--backend echo"], []),
    ],
    ids=["https, only for the first cell", "http", "replay", "echo"],
)
def test_certificates_are_loaded_beside_the_imports_of_the_first_cell(lines, begun):
    assert _python(_CERTIFICATES.replace("LINES", repr(lines))) == begun


@pytest.mark.parametrize("word", ["%gemini?", "%%gemini?"])
def test_the_question_mark_shows_the_usage(cells, word):
    cells(word)
    assert "{{ expression }}" in cells.shown
