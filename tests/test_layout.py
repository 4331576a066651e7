"""Which package may import which, which files may import third parties, and how long modules and functions may be.

The tables are the rules; ARCHITECTURE.md says why. Every check is also run on a small tree that breaks it.
"""

import pytest
from layout_rules import (
    bad_names,
    classes_defined_twice,
    cycles,
    eager_root,
    functions_defined_twice,
    imported_early,
    imported_in_several_functions,
    imports_past_init,
    lazy_names_of_modules,
    local_imports,
    long_functions,
    long_modules,
    misplaced_third_parties,
    outside_the_table,
    read_tree,
    root_imports,
    too_many_top_modules,
    unused_areas,
    without_docstring,
)
from surroundings import CHECKOUT

# Every module at the top of the package belongs to one of these groups, which count as one area each.
GROUPS = {
    "values": "errors events endings conversation timing prices lazy private_files",
    "settings": "options config",
    "reading": "pipeline",
    "responses": "response answer_cost response_stream diff journaling",
    "functions": "api catalog",
    "entry points": "__init__ __main__ cli demo",
}
TOP_MODULES = 22  # at most

_RECORD = {"text", "content", "values", "tables", "ledger", "schema"}
_CALL = _RECORD | {
    "settings",
    "wire",
    "backends",
    "diagnostics",
    "client",
    "credentials",
    "recording",
    "prompts",
    "project_files",
    "media",
    "tools",
}

# area: the areas it may import besides itself; None is every area.
TABLE: dict[str, set[str] | None] = {
    "text": set(),
    "content": {"text"},
    "values": {"text", "content"},
    "tables": {"text", "content", "values"},
    "ledger": {"text", "content", "values", "tables", "media", "schema"},
    "wire": {"text", "values"},
    "backends": {"text", "content", "values", "media", "schema"},
    "project_files": {"text", "values"},
    "settings": {"text", "content", "values", "backends", "project_files"},
    "diagnostics": _RECORD | {"wire", "backends"},
    "reading": _RECORD | {"wire", "backends", "diagnostics"},
    "recording": _RECORD | {"wire", "backends", "diagnostics", "reading", "media"},
    "client": {
        "text",
        "content",
        "values",
        "ledger",
        "settings",
        "backends",
        "diagnostics",
        "reading",
        "recording",
        "media",
    },
    "credentials": {"text", "content", "values", "settings", "backends", "client", "project_files"},
    "media": {"text", "content", "values"},
    "schema": {"text", "values"},
    "prompts": {"text", "content", "values", "settings", "media", "schema"},
    "tools": {"text", "content", "values", "settings", "media", "schema", "ledger", "tables", "prompts"},
    "mcp_servers": {
        "text",
        "content",
        "values",
        "settings",
        "media",
        "schema",
        "project_files",
        "tools",
        "client",
    },
    "markdown": {"text", "content", "values", "media"},
    "views": _RECORD | {"settings", "backends", "markdown", "diagnostics", "media"},
    "journal": _RECORD | {"media"},
    "responses": _CALL | {"markdown", "views", "journal"},
    "functions": _CALL | {"markdown", "responses", "mcp_servers"},
    "files": _CALL | {"responses"},
    "interactions": _CALL | {"responses", "functions"},
    "decisions": {"text", "values", "schema", "prompts", "responses", "functions"},
    "comparison": _CALL | {"views", "responses", "functions"},
    "row_runs": _CALL | {"markdown", "views", "journal", "responses", "functions", "files"},
    "notebook": None,
    "entry points": None,
}

# third party: the files that may import it.
THIRD_PARTY_FILES = {
    "httpx": ("client/plain_httpx.py",),
    "httpcore": ("client/proxy_transport.py",),
    "h11": ("client/response_parser.py",),
    "IPython": ("notebook/*", "views/*"),
    "ipywidgets": ("views/widgets.py",),
    "markdown_it": ("markdown/*",),
    "nh3": ("markdown/*",),
    "pygments": ("markdown/*",),
    "rich": ("views/terminal_rich.py",),
    "sqlite3": ("journal/*", "row_runs/store_sqlite.py"),
    "genai_prices": ("prices.py",),
    "PIL": ("media/pictures.py",),
    "nanoarrow": ("tables/export.py",),
    "regex": ("tables/filters.py", "schema/problems.py"),
    "platformdirs": ("journaling.py",),
    "dotenv": ("credentials/*",),
    "keyring": ("credentials/*",),
    "google": ("credentials/*",),
    "mcp": ("mcp_servers/connection.py",),
    "mcp_types": ("mcp_servers/connection.py",),
    "httpx2": ("mcp_servers/connection.py",),
    "duckdb": ("tools/sql.py",),
    "dask": ("row_runs/cluster*.py",),
    "distributed": ("row_runs/cluster*.py",),
}

NEVER_AT_IMPORT_TIME = {
    "dask",
    "distributed",
    "duckdb",
    "httpx2",
    "mcp",
    "mcp_types",
    "nanoarrow",
    "genai_prices",
    "google",
    "keyring",
    "matplotlib",
    "pandas",
    "PIL",
    "polars",
    "pyarrow",
    "pydantic",
}

# Optional, or too heavy to load before they are needed: functions may import them.
HEAVY = NEVER_AT_IMPORT_TIME | {
    "hashlib",
    "shlex",
    "certifi",
    "h11",
    "difflib",
    "dotenv",
    "httpcore",
    "httpx",
    "ipykernel",
    "ipywidgets",
    "IPython",
    "jupyter_client",
    "markdown_it",
    "nbclient",
    "nbformat",
    "nh3",
    "pygments",
    "regex",
    "tempfile",
    "tomllib",
    "rich",
    "truststore",
}

MEANINGLESS_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}

SOFT, HARD, FUNCTION = 500, 700, 60

# 'path:function': why it imports one of our own modules or the standard library late.
LATE_IMPORTS = {
    "notebook/magics.py:runner": "%load_ext only registers the magics; the first cell loads the other modules",
    "notebook/magics.py:_load_certificates": "as above",
    "notebook/matcher.py:matcher_for": "completions are computed when the user presses Tab, not by %load_ext",
    "client/transport.py:_make_transport": "the transport for proxies loads httpcore, which most users do not need",
    "notebook/runner.py:context": "a cell runs no command, and the first cell should import little",
    "notebook/runner.py:_dispatched": "a cell runs no command, and the first cell should import little",
    "notebook/runner.py:_count_tokens": "as above",
    "notebook/runner.py:_rows": "few cells ask for rows, and the first cell should import little",
    "notebook/runner.py:_comparisons": "as above",
    "notebook/preparation.py:_comparison": "as above",
    "notebook/preparation.py:_offered": "as above, for tools",
    "notebook/preparation.py:_start_servers": "as above",
    "notebook/remote_servers.py:with_servers": "as above",
    "notebook/comparing.py:send": "few comparisons have tools",
    "notebook/comparing.py:user": "as above",
    "notebook/preparation.py:_resume_of_journal": "few answers are read from a server, and the first cell should import little",
    "notebook/preparation.py:follow": "as above",
    "notebook/runner.py:_send": "few cells have tools, and the first cell should import little",
    "notebook/runner.py:_background_note": "few cells run in the background",
    "notebook/display_loop.py:_finish": "needed when an answer has ended; the first text of the first cell comes before",
    "prompts/request.py:parts_of_prompt": "most prompts are text, and the first cell should import little",
    "prompts/request.py:_is_prompt": "as above",
    "response.py:timing": "a timing is read after its answer, and the first cell should import little",
    "api.py:request_of_call": "few requests use an MCP server, and the first cell should import little",
    "api.py:tools_of_call": "few requests use an MCP server, and the first cell should import little",
    "response.py:diff": "an answer is rarely compared, and the first cell should import little",
    "views/candidate.py:_repr_mimebundle_": "candidates are rarely displayed, and their text can be read without a parser",
    "tables/rows.py:where": "a table is read after its answer has arrived, and the first cell should import little",
    "tables/rows.py:_repr_pretty_": "as above",
    "tables/rows.py:_repr_html_": "as above",
    "credentials/lookup.py:find_key": "few users sign in to Google, and the first cell should import little",
    "credentials/lookup.py:forget_credentials": "as above",
    "client/stream.py:_text_file": "few answers are written to a file, and the first cell should import little",
    "client/stream.py:open_stream": "few answers are stored by the server, and the first cell should import little",
    "client/reader.py:_uploads": "few requests upload media, and the first cell should import little",
    "client/single_attempt.py:_upload": "few rows upload media",
    "notebook/commands/status.py:list_models": "as above",
    "notebook/magics.py:declare": "the settings are read when a cell runs or %config asks, not by %load_ext",
}
# Public functions that two modules define under one name, and why.
SAME_NAMES: dict[str, str] = {
    "delete": "gemini_magic.files.delete and gemini_magic.interactions.delete are called by users with their module",
    "list": "as above",
}
# 'path': why it is longer than the soft limit.
LONG_MODULES: dict[str, str] = {
    "api.py": "sending a request, with or without a notebook, is one subject",
    "client/direct_transport.py": "opening, keeping and reading a connection is one subject",
    "client/stream.py": "one class is a response in progress, for threads and event loops",
    "ledger/ledger.py": "one class is the record of a request and its answer",
    "options.py": "every option is declared once, in one class",
    "response.py": "one class with a property for everything that users explore",
    "row_runs/store.py": "one class is the interface to a store",
}
# 'path:function': why it is longer than the limit.
LONG_FUNCTIONS: dict[str, str] = {
    "row_runs/start.py:rows": "most of it describes the arguments",
}

CHECKS = {
    "only imports that the table allows": lambda tree: outside_the_table(tree, TABLE, GROUPS),
    "few modules at the top": lambda tree: too_many_top_modules(tree, TOP_MODULES),
    "no class name twice": classes_defined_twice,
    "no function name twice": lambda tree: functions_defined_twice(tree, SAME_NAMES),
    "areas are entered by their __init__": imports_past_init,
    "no module imports the package root": root_imports,
    "the package root is lazy": eager_root,
    "no lazy name is a module": lazy_names_of_modules,
    "third parties stay where they belong": lambda tree: misplaced_third_parties(tree, THIRD_PARTY_FILES),
    "nothing heavy at import time": lambda tree: imported_early(tree, NEVER_AT_IMPORT_TIME),
    "one function knows Arrow": lambda tree: imported_in_several_functions(tree, "nanoarrow"),
    "functions import heavy third parties only": lambda tree: local_imports(tree, HEAVY, LATE_IMPORTS),
    "no import cycle": cycles,
    "names say something": lambda tree: bad_names(tree, MEANINGLESS_NAMES),
    "every module has a docstring": without_docstring,
    "modules are short": lambda tree: long_modules(tree, SOFT, HARD, LONG_MODULES),
    "functions are short": lambda tree: long_functions(tree, FUNCTION, LONG_FUNCTIONS),
}


@pytest.fixture(scope="module")
def package():
    tree = read_tree(CHECKOUT / "gemini_magic")
    assert len(tree) > 5
    return tree


@pytest.mark.parametrize("rule", CHECKS)
def test_the_package(package, rule):
    violations = CHECKS[rule](package)
    assert not violations, "\n".join([f"{rule}; {len(violations)} violation(s):", *violations])


def test_the_table_names_what_exists(package, tmp_path):
    assert unused_areas(package, TABLE, GROUPS) == []
    small = plant(tmp_path, {"errors.py": "", "wire/__init__.py": ""})
    assert unused_areas(small, {"values": set(), "wire": {"attic"}}, {"values": "errors lint"}) == [
        "the table names 'attic', which does not exist",
        "the table names 'lint', which does not exist",
    ]


# ------------------------------------------------------------------------------ the checks can fail

# rule: (files of a tree that breaks it, words of the violation's line), by what is wrong with it.
BROKEN = [
    (
        "only imports that the table allows",
        {"wire/sse.py": "from ..client import stream"},
        "wire/sse.py:2: 'wire' may not import 'client'",
    ),
    (
        "only imports that the table allows",
        {"errors.py": "import gemini_magic.tables"},
        "errors.py:2: 'values' may not import 'tables'",
    ),
    (
        "only imports that the table allows",
        {"events.py": "from . import config"},
        "events.py:2: 'values' may not import 'settings'",
    ),
    (
        "only imports that the table allows",
        {
            "markdown/parser.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..ledger import Ledger"
        },
        "markdown/parser.py:4: 'markdown' may not import 'ledger'",
    ),
    (
        "only imports that the table allows",
        {
            "wire/sse.py": "from importlib import import_module\ndef f():\n    import_module('..views', __package__)"
        },
        "wire/sse.py:4: 'wire' may not import 'views'",
    ),
    (
        "only imports that the table allows",
        {"attic/box.py": "x = 1"},
        "attic/box.py: 'attic' is neither an area of the table nor in a group",
    ),
    (
        "areas are entered by their __init__",
        {"client/stream.py": "from ..wire.sse import Reader"},
        "client/stream.py:2: enters 'wire' by gemini_magic.wire.sse",
    ),
    (
        "areas are entered by their __init__",
        {"client/stream.py": "from ..wire import sse"},
        "enters 'wire' by gemini_magic.wire.sse",
    ),
    (
        "no module imports the package root",
        {"api.py": "import gemini_magic"},
        "api.py:2: imports the package root",
    ),
    (
        "no module imports the package root",
        {"views/live.py": "from .. import __version__"},
        "views/live.py:2: imports the package root",
    ),
    (
        "the package root is lazy",
        {"__init__.py": "from .errors import GeminiError"},
        "__init__.py:2: imports gemini_magic.errors at once",
    ),
    (
        "no lazy name is a module",
        {"views/__init__.py": "_HOMES = {'View': 'select', 'watch': 'watch'}", "views/watch.py": ""},
        "views/__init__.py:2: the lazy name 'watch' is also a module",
    ),
    (
        "third parties stay where they belong",
        {"client/stream.py": "import httpx"},
        "client/stream.py:2: httpx belongs in client/plain_httpx.py",
    ),
    (
        "third parties stay where they belong",
        {"views/static.py": "def f():\n    import ipywidgets.widgets"},
        "views/static.py:3: ipywidgets belongs in views/widgets.py",
    ),
    (
        "nothing heavy at import time",
        {"tables/rows.py": "try:\n    import pandas as pd\nexcept ImportError:\n    pd = None"},
        "tables/rows.py:3: pandas is imported at import time",
    ),
    (
        "one function knows Arrow",
        {"tables/export.py": "def one():\n    import nanoarrow\ndef two():\n    from nanoarrow import Array"},
        "tables/export.py:5: one function may import nanoarrow, not 2",
    ),
    (
        "functions import heavy third parties only",
        {"api.py": "def ask():\n    from .client import stream"},
        "api.py:3: ask() imports gemini_magic.client",
    ),
    (
        "functions import heavy third parties only",
        {"wire/sse.py": "class A:\n    def f(self):\n        import json"},
        "wire/sse.py:4: f() imports json",
    ),
    (
        "no import cycle",
        {
            "wire/sse.py": "from .lines import cut",
            "wire/lines.py": "from .reader import x",
            "wire/reader.py": "from . import sse",
        },
        "gemini_magic.wire.lines -> gemini_magic.wire.reader -> gemini_magic.wire.sse -> gemini_magic.wire.lines",
    ),
    (
        "names say something",
        {"client/_utils.py": "x = 1"},
        "client/_utils.py: the name '_utils' does not describe the module",
    ),
    ("every module has a docstring", {"bare.py": None}, "bare.py: no module docstring"),
    (
        "few modules at the top",
        {f"part{number}.py": "" for number in range(23)},
        "modules at the top of the package, the limit is 22",
    ),
    (
        "no class name twice",
        {"wire/sse.py": "class Reader: ...", "views/live.py": "class Reader: ..."},
        "class Reader is defined in views/live.py and wire/sse.py",
    ),
    (
        "no function name twice",
        {"wire/sse.py": "def parse(): ...", "views/live.py": "async def parse(): ..."},
        "parse() is defined in views/live.py and wire/sse.py",
    ),
    ("modules are short", {"long.py": "x = 1\n" * 499}, "long.py: 501 lines, more than 500 need a reason"),
    ("modules are short", {"long.py": "x = 1\n" * 699}, "long.py: 701 lines, the limit is 700"),
    (
        "functions are short",
        {"a.py": "def f():\n" + "    x = 1\n" * 60},
        "a.py:f: 61 lines, more than 60 need a reason",
    ),
]

SOUND = {
    "__init__.py": "def __getattr__(name):\n    from .api import ask\n    return ask",
    "errors.py": "class GeminiError(Exception): ...",
    "content.py": "import dataclasses",
    "tables/__init__.py": "",
    "tables/export.py": "def arrow_array():\n    import nanoarrow",
    "config.py": "",
    "wire/__init__.py": "from .sse import Reader\nfrom .lines import lines\n__all__ = ['Reader', 'lines']",
    "wire/sse.py": "from ..errors import GeminiError\nfrom .lines import cut",
    "wire/lines.py": "import re",
    "client/__init__.py": "def __getattr__(name):\n    from . import transport\n    return transport",
    "client/plain_httpx.py": "import httpx",
    "pipeline.py": "from .wire import Reader, lines",
    "views/__init__.py": "",
    "views/widgets.py": "import ipywidgets",
    "api.py": "from .client import stream",
    "notebook/__init__.py": "from .. import errors\nfrom ..views import live_view",
}


def plant(folder, files):
    root = folder / "gemini_magic"
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n" if source is None else f"'What it knows.'\n{source}\n")
    return read_tree(root)


@pytest.mark.parametrize("rule", CHECKS)
def test_a_sound_tree_passes(tmp_path, rule, monkeypatch):
    for reasons in ("LONG_MODULES", "LONG_FUNCTIONS", "SAME_NAMES"):
        monkeypatch.setitem(globals(), reasons, {})  # they name files that this small tree does not have
    assert CHECKS[rule](plant(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    ("rule", "files", "offender"),
    BROKEN,
    ids=[f"{rule}-{n}" for n, (rule, _, _) in enumerate(BROKEN)],
)
def test_a_broken_tree_is_named(tmp_path, rule, files, offender):
    violations = CHECKS[rule](plant(tmp_path, SOUND | files))
    assert [line for line in violations if offender in line], violations


def test_every_check_is_seen_to_fail():
    assert {rule for rule, _, _ in BROKEN} == set(CHECKS)


def test_a_reason_excuses_and_a_stale_reason_offends(tmp_path):
    tree = plant(tmp_path, {"long.py": "x = 1\n" * 510, "a.py": "def f():\n" + "    x = 1\n" * 60})
    assert long_modules(tree, SOFT, HARD, {"long.py": "a table"}) == []
    assert long_functions(tree, FUNCTION, {"a.py:f": "a table"}) == []
    assert long_modules(tree, SOFT, HARD, {"long.py": "a table", "a.py": "was long"}) == [
        "a.py: a reason is listed, but not needed"
    ]
    twice = plant(tmp_path / "twice", {"a.py": "def f(): ...", "b.py": "def f(): ..."})
    assert functions_defined_twice(twice, {"f": "a protocol"}) == []
    assert functions_defined_twice(tree, {"f": "a protocol"}) == ["f: a reason is listed, but not needed"]
    late = plant(tmp_path / "late", {"api.py": "def ask():\n    import json"})
    assert local_imports(late, HEAVY, {"api.py:ask": "rare"}) == []
