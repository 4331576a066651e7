"""A key is sent only to the server it belongs to and appears nowhere else, even if that server repeats it.

The servers here repeat the key in many ways. These tests search for it in everything that a cell displays, stores and
writes, with each backend. `tests/credentials/test_lookup.py` tests which hosts a key is sent to.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from fake_server import (
    FakeServer,
    Script,
    bare,
    cut,
    event,
    finish,
    google_error,
    hang_up,
    pause,
    raw,
    reset,
    stall,
    status,
    text,
)
from kernel import KernelSession, run_notebook
from surroundings import CANARY

from gemini_magic.backends import Endpoint, backend, names

pytestmark = pytest.mark.kernel

MODES = ("Plain", "Context", "Verbose", "Minimal", "Docs")
HALF = len(CANARY) // 2
ESCAPED = CANARY.replace("-", "\\u002d")
QUOTED = f"The key {CANARY} is not welcome."
DETAIL = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": CANARY, "metadata": {"key": CANARY}}


def in_two(before: str, after: str):
    """The key in two socket reads."""
    return [raw((before + CANARY[:HALF]).encode()), pause(0.03), raw((CANARY[HALF:] + after).encode())]


def chunk(content: str, **more: object) -> bytes:
    value = {"candidates": [{"content": {"parts": [{"text": content}]}, "finishReason": "STOP"}], **more}
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


REFUSAL = json.dumps(google_error(400, QUOTED, "INVALID_ARGUMENT"))

# what the server does with the key, as scripts for the requests of one cell
SERVERS = {
    "a good answer": [[text(QUOTED), finish()]],
    "a thought": [[text(QUOTED, thought=True), text("x"), finish()]],
    "an answer in two reads": [
        [*in_two('data: {"candidates":[{"content":{"parts":[{"text":"', '"}]},"finishReason":"STOP"}]}\r\n\r\n')]
    ],
    "an answer byte by byte": [[raw(bytes([byte])) for byte in chunk(QUOTED)]],
    "an answer that escapes it": [[raw(chunk("KEY").replace(b"KEY", ESCAPED.encode()))]],
    "every field beside the text": [
        [
            raw(chunk("x", modelVersion=CANARY, responseId=CANARY, provider=CANARY, usageMetadata={"trafficType": CANARY})),
            event({"candidates": [{"finishReason": CANARY, "finishMessage": QUOTED, "groundingMetadata": {"k": CANARY}}]}),
            event({"promptFeedback": {"blockReason": CANARY, "blockReasonMessage": QUOTED}}),
        ]
    ],
    "call and code": [
        [
            event({"candidates": [{"content": {"parts": [
                {"functionCall": {"name": "f", "args": {"key": CANARY}, "id": CANARY}, "thoughtSignature": CANARY},
                {"executableCode": {"code": CANARY}}, {"codeExecutionResult": {"output": CANARY}}, {"newKind": {CANARY: CANARY}}]}}]}),
            finish(),
        ]
    ],
    "headers": [Script([text("x"), finish()], headers={"X-Echo": CANARY, "X-Request": f"key={CANARY}&x=1"})],
    "a bad request": [[status(400, {"X-Echo": CANARY}, google_error(400, QUOTED, "INVALID_ARGUMENT", DETAIL))]],
    "a bad request in two reads": [
        [
            bare(f"HTTP/1.1 400 {CANARY}\r\nContent-Length: {len(REFUSAL)}\r\n\r\n".encode()),
            bare(REFUSAL[: REFUSAL.index(CANARY) + HALF].encode()),
            pause(0.03),
            bare(REFUSAL[REFUSAL.index(CANARY) + HALF :].encode()),
        ]
    ],
    "a page": [[status(403, body=f"<html><h1>{QUOTED}</h1><a href='?key={CANARY}'>x</a></html>")]],
    "a page with status 200": [[*in_two("<html><body><p>The key ", " is not welcome.</p></body></html>")]],
    "a redirect": [[status(302, {"Location": f"http://127.0.0.1:9/v1?key={CANARY}"})]],
    "a retry": [[status(503, {"Retry-After": "0", "X-Echo": CANARY}, QUOTED)], [event(google_error(500, QUOTED, CANARY))]],
    "an error in mid-answer": [[text("x"), *in_two('{"error": {"code": 500, "message": "', '"}}')]],
    "not JSON": [[text("x"), raw(f"data: {{{CANARY}\r\n\r\nevent: {CANARY}\r\n: {CANARY}\r\n\r\n".encode())]],
    "cut within it": [[text("x"), cut(f'data: {{"candidates": [{{"x": "{CANARY}'.encode())]],
    "silent within it": [[text("x"), raw(f"data: {CANARY[:-1]}".encode()), stall()]],
    "not HTTP": [[bare(f"{CANARY}\r\n".encode()), hang_up()]],
    "broken chunks": [[text("x"), bare(f"{CANARY}\r\n".encode()), hang_up()]],
    "broken compression": [Script([raw(QUOTED.encode())], headers={"Content-Encoding": "gzip"})],
    "a reset": [[reset()], [reset()]],
}  # fmt: skip


def interaction(*events: dict[str, object]) -> list[bytes]:
    """A stream of the Interactions API: its id is the key, and so is the id of each event."""
    whole = [
        {
            "event_type": "interaction.created",
            "interaction": {"id": CANARY, "status": "in_progress", "model": CANARY},
        },
        *events,
        {
            "event_type": "interaction.completed",
            "interaction": {"id": CANARY, "status": "completed", "model": CANARY},
        },
    ]
    return [raw(f"data: {json.dumps({**each, 'event_id': CANARY})}\n\n".encode()) for each in whole]


def step(number: int, opened: dict[str, object], *deltas: dict[str, object]) -> list[dict[str, object]]:
    """The events of one step."""
    return [
        {"event_type": "step.start", "index": number, "step": opened},
        *({"event_type": "step.delta", "index": number, "delta": each} for each in deltas),
        {"event_type": "step.stop", "index": number},
    ]


# the same for answers that are lists of steps
STEP_SERVERS = {
    "text, thoughts and citations": [
        interaction(
            *step(0, {"type": "thought", "summary": [{"type": "text", "text": QUOTED}], "signature": CANARY}),
            *step(
                1,
                {"type": "model_output", "content": [{"type": "text", "text": QUOTED}]},
                {"type": "text", "text": QUOTED},
                {"type": "text_annotation_delta", "annotations": [{"type": "url_citation", "url": f"https://a.example/{CANARY}", "title": QUOTED, "end_index": 3}]},
            ),
        )
    ],
    "calls and results of tools": [
        interaction(
            *step(0, {"type": "google_search_call", "id": CANARY}, {"type": "google_search_call", "arguments": {"queries": [CANARY]}, "signature": CANARY}),
            *step(1, {"type": "google_search_result", "call_id": CANARY, "result": [{"search_suggestions": QUOTED}]}),
            *step(2, {"type": "mcp_server_tool_call", "id": "c", "name": CANARY, "server_name": CANARY, "arguments": {"k": CANARY}}),
            *step(3, {"type": "code_execution_call", "id": "d", "arguments": {"code": QUOTED}}),
            *step(4, {"type": "function_call", "id": CANARY, "name": "f", "arguments": {}}, {"type": "arguments_delta", "arguments": json.dumps({"k": CANARY})}),
            *step(5, {"type": "hologram", "key": CANARY}, {"type": "new_delta", "key": CANARY}),
        )
    ],
    "events about the whole answer": [
        interaction(
            {"event_type": "interaction.status_update", "interaction_id": CANARY, "status": CANARY, "continuation_token": CANARY},
            {"event_type": CANARY, "key": CANARY},
            *step(0, {"type": "model_output", "error": {"code": 13, "message": QUOTED, "details": [DETAIL]}}),
            {"event_type": "error", "error": {"code": CANARY, "message": QUOTED}},
        )
    ],
    "an error without a status": [
        [status(400, {"X-Echo": CANARY}, {"error": {"code": "invalid_request", "message": QUOTED}})]
    ],
}  # fmt: skip

BEGIN = """
import logging, os, pickle, copy
from pathlib import Path

class Everything(logging.Handler):
    def emit(self, record):
        with open("logged.txt", "a") as file:
            print(record.getMessage(), vars(record), file=file)

logging.basicConfig(level=logging.DEBUG, handlers=[Everything()], force=True)
for name in ("httpx", "httpcore", "asyncio"):
    logging.getLogger(name).setLevel(logging.DEBUG)

def reached(thing, seen):
    'Every text that is reachable from an object of gemini_magic, except from a Secret.'
    import types
    from gemini_magic.client import Secret
    if id(thing) in seen or isinstance(thing, (Secret, type, types.ModuleType, types.FunctionType)):
        return
    seen[id(thing)] = thing
    if isinstance(thing, (str, bytes)):
        yield thing.encode("utf-8", "replace") if isinstance(thing, str) else thing
    elif isinstance(thing, dict):
        for pair in list(thing.items()):
            yield from reached(pair[0], seen)
            yield from reached(pair[1], seen)
    elif isinstance(thing, (list, tuple, set)) or type(thing).__name__ == "deque":
        for one in list(thing):
            yield from reached(one, seen)
    elif type(thing).__module__.startswith("gemini_magic"):
        for name in dir(type(thing)):
            if not name.startswith("__") and type(getattr(type(thing), name, None)).__name__ in ("member_descriptor", "property"):
                yield from reached(value_of(thing, name), seen)
        yield from reached(getattr(thing, "__dict__", {}), seen)

def value_of(thing, name):
    'The value of an attribute, or the texts of the error that it raises.'
    try:
        return getattr(thing, name, None)
    except Exception as problem:
        return [str(problem), vars(problem)]

def run_commands(options):
    'Run all commands of %gemini that display something; show the error of one that fails.'
    shell = get_ipython()
    saved = ("last", "inspect", "show", "journal", "journal list", "journal search Go", "journal export saved.jsonl")
    for command in ("traceback", "", "notes", "events", "chunks", "usage", *saved, "config", "resume -q --retries 0", "traceback"):
        try:
            display(shell.run_line_magic("gemini", command))
        except Exception as problem:
            shell.showtraceback()
    display(shell.run_cell_magic("gemini", options + " --dry-run", "Go."))

def search():
    key = os.environ["K"].encode()
    assert any(b"Go." in text for text in reached(_gemini, {})), "the search does not reach the text"
    where = {"response": reached(_gemini, {}), "error": reached(_gemini.error, {})}
    error = _gemini.error
    where["repr"] = [repr(value).encode() for value in (_gemini, error, _gemini.headers, _gemini.attempts, _gemini.raw, _gemini.notes)]
    if error is not None:
        import traceback
        formatted = traceback.TracebackException.from_exception(error, capture_locals=True)
        where["traceback"] = ["".join(formatted.format()).encode(), repr(error.args).encode(), pickle.dumps(error.args)]
    where["pickle"] = [pickle.dumps(_gemini)]
    from gemini_magic.journaling import journal
    with journal().reader() as reader:
        numbers = reader.newest(4)
        where["journal"] = [repr(list(reader.entries(numbers))).encode(), *map(reader.lines, numbers)]
    assert b"Go." in where["journal"][1], "the journal contains something else"
    where["copy"] = reached(copy.deepcopy(_gemini), {})
    for suffix in ("jsonl", "httprr", "sse"):
        try:
            where[suffix] = [_gemini.save(Path("saved." + suffix)).read_bytes()]
        except Exception as problem:
            where[suffix] = [str(problem).encode()]
    found = [place for place, texts in where.items() if any(key in text for text in texts)]
    print("found:", found)
"""


def files_with_the_key(folder: Path) -> list[str]:
    """The files below a folder that contain the key. Deletes the files that a cell wrote."""
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # SQLite deletes the history's journal file at times
            if path.is_file() and CANARY.encode() in path.read_bytes():
                found.append(f"{path.name}: {path.read_bytes()[:2000]!r}")
            if path.suffix in (".txt", ".md", ".jsonl", ".httprr", ".sse"):
                path.unlink()
    return found


class Kernel:
    """A kernel with the key in its environment and a separate home folder; collects all its messages."""

    def __init__(self, session: KernelSession, home: Path) -> None:
        self.session = session
        self.home = home
        self.messages: list[str] = []

    def __call__(self, code: str):
        run = self.session.execute(code)
        self.messages += [f"{message.kind}: {message.content}" for message in run.messages]
        return run

    def leaks(self) -> list[str]:
        """The messages since the last call that contain the key."""
        messages, self.messages = self.messages, []
        return [message[:2000] for message in messages if CANARY in message]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    home = tmp_path_factory.mktemp("canary")
    folders = {
        name: str(home / name)
        for name in ("IPYTHONDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME")
    }
    (home / "HOME").mkdir()
    with KernelSession(env={"K": CANARY, "BAD": f"{CANARY} x", **folders}, cwd=home) as session:
        ready = Kernel(session, home)
        assert ready("%load_ext gemini_magic\n" + BEGIN).status == "ok"
        yield ready


@pytest.fixture
def server():
    with FakeServer() as running:
        yield running


def asking(server, dialect="gemini", *, key="--key-env K"):
    return f"-m m --backend {dialect} --base-url {server.base_url} {key} --stall-timeout 0.2"


# A local backend has no server, and `vertex-interactions` reads answers as `interactions` does, so two cases are enough for each.
FEW = {name for name in names() if backend(name).local is not None} | {"vertex-interactions"}
EVERY = [(name, what) for name in names() for what in ([*SERVERS][:2] if name in FEW else SERVERS)]
EVERY += [("interactions", what) for what in STEP_SERVERS]
SERVERS |= STEP_SERVERS


@pytest.mark.parametrize(("dialect", "what"), EVERY)
def test_the_key_is_not_displayed_stored_or_written(kernel, server, dialect, what):
    for one in SERVERS[what]:
        script = one if isinstance(one, Script) else Script(one)
        server.script(*script.steps, headers=script.headers)
    number = list(SERVERS).index(what)
    kernel(f"%xmode {MODES[number % len(MODES)]}\n%gemini config journal=true")
    display = ("html", "text", "live")[number % 3]
    options = f"{asking(server, dialect)} --retries 1 --record run.jsonl --to answer.md --overwrite --display {display}"
    kernel(f"%%gemini {options}\nGo.")
    # Before and after the commands, because `resume` among them assigns another response to `_gemini`.
    found = kernel(f"search()\nrun_commands({asking(server, dialect)!r})\nsearch()\n_gemini")
    assert found.status == "ok", found.error
    assert found.stdout.startswith("found: []\n"), found.stdout[:500]
    assert found.stdout.endswith("\nfound: []\n"), found.stdout[-500:]
    assert kernel.leaks() == []
    assert files_with_the_key(kernel.home) == []
    if backend(dialect).local is None:
        assert any(CANARY in str(request.headers) for request in server.requests)  # it was really sent


@pytest.mark.parametrize("dialect", [name for name in names() if backend(name).auth is not None])
def test_each_way_of_sending_the_key_keeps_it_in_its_header(kernel, server, dialect):
    for style in backend(dialect).auth.styles:
        if style == "google" or (dialect == "vertex" and style == "bearer"):
            continue  # these take no key from a variable without a project
        server.script(status(400, {}, google_error(400, QUOTED, "INVALID_ARGUMENT")))
        kernel(f"%%gemini {asking(server, dialect)} --auth {style} --retries 0 --record run.jsonl\nGo.")
        sent = server.requests[-1].headers
        assert [value for value in sent.values() if CANARY in value], style
        assert CANARY not in server.requests[-1].path + str(server.requests[-1].query) + str(
            server.requests[-1].body
        )
    assert kernel.leaks() == []
    assert files_with_the_key(kernel.home) == []


# The connection is not kept, so that the next request is not written while the server closes it.
CLOSED = {"Connection": "close"}
LISTS = {
    "a list": status(
        200, CLOSED | {"X-Echo": CANARY}, {"models": [{"name": f"models/{CANARY}", "displayName": QUOTED}]}
    ),
    "a refusal": status(
        400, CLOSED | {"X-Echo": CANARY}, google_error(400, QUOTED, "INVALID_ARGUMENT", DETAIL)
    ),
    "a page": status(200, CLOSED, f"<h1>{QUOTED}</h1>"),
    "no HTTP": bare(f"{CANARY}\r\n".encode()),
}


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("dialect", [name for name in names() if backend(name).models is not None])
def test_lists_of_models_and_token_counts_do_not_show_the_key(kernel, server, dialect, what):
    endpoint = Endpoint(server.base_url)
    request = backend(dialect).models.encode(endpoint, "")
    server.route(urlsplit(request.url).path, Script([LISTS[what], hang_up()]))
    server.script(LISTS[what], hang_up())
    kernel(f"%xmode {MODES[list(LISTS).index(what)]}")
    kernel(f"%gemini config backend={dialect}")
    kernel(f"%gemini config base_url={server.base_url}")
    kernel("%gemini config key_env=K")
    kernel("%gemini models")
    arguments = f"backend={dialect!r}, base_url={server.base_url!r}, key_env='K'"
    kernel(f"import gemini_magic\ngemini_magic.models({arguments})")
    kernel(f"gemini_magic.count_tokens('x', model='m', {arguments})")
    for setting in ("backend", "base_url", "key_env"):
        kernel(f"%config GeminiMagics.{setting} = None")
    assert len([request for request in server.requests if CANARY in str(request.headers)]) >= 3
    assert CANARY not in str([(request.path, request.query, request.raw_body) for request in server.requests])
    assert kernel.leaks() == []
    assert files_with_the_key(kernel.home) == []


WRAPPED = """
import gemini_magic
def broken(*arguments):
    raise ZeroDivisionError("the user's own")
try:
    gemini_magic.ask("x", model="m", base_url={url!r}, {how}).raise_for_status()
except Exception as problem:
    raise RuntimeError("the user's own") from problem
"""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "how",
    ['key_env="K", retries=0', 'key_env="BAD"', 'key_env="GEMINI_API_KEY"', 'key_env="K", on_chunk=broken'],
    ids=["refused", "no key at all", "another's", "a callback that fails"],
)
def test_no_traceback_shows_the_key(kernel, server, mode, how):
    """IPython's Verbose mode shows the variables of all frames, also those below an error of the user's code."""
    server.model(
        "m", text("x") if "on_chunk" in how else status(400, {}, google_error(400, QUOTED, "X")), finish()
    )
    kernel(f"%xmode {mode}")
    run = kernel(WRAPPED.format(url=server.base_url, how=how))
    assert run.status == "error"
    if mode != "Docs":  # which leaves the message out in some versions of IPython
        assert run.error["ename"] in ("RuntimeError", "ZeroDivisionError")
    kernel(
        "import traceback, sys; print(''.join(traceback.TracebackException.from_exception(sys.last_value, capture_locals=True).format()))"
    )
    assert kernel.leaks() == []


def test_the_history_contains_only_what_was_typed(kernel, server):
    server.script(text(QUOTED), finish())
    kernel(f"%%gemini {asking(server)}\nGo on, history.")
    kernel("get_ipython().history_manager.writeout_cache()")
    history = kernel("%history -n")
    assert "Go on, history." in history.stdout
    kernel("%history -o -g Go")
    database = kernel.home / "IPYTHONDIR" / "profile_default" / "history.sqlite"
    assert b"Go on, history." in database.read_bytes()
    assert kernel.leaks() == []
    assert files_with_the_key(kernel.home) == []


def test_a_typed_key_is_not_stored(kernel, server):
    """A typed key is for Google's host; a proxy that refuses the connection keeps the request on this machine."""
    kernel(f"import os; os.environ['HTTPS_PROXY'] = {server.base_url!r}")
    run = kernel.session.begin("%%gemini -m m --retries 0 --record run.jsonl\nGo.")
    stdin = kernel.session.client.stdin_channel.socket
    assert stdin.poll(10_000), "the user was not asked for a key"
    stdin.recv_multipart()
    kernel.session.client.input(CANARY)
    kernel.session.finish(run)
    kernel.messages += [f"{message.kind}: {message.content}" for message in run.messages]
    assert run.error["ename"] == "ConnectionFailed"
    kernel("run_commands('')")
    assert kernel("search()").stdout.startswith("found: []")
    kernel("%gemini")
    kernel("%history -n\ndel os.environ['HTTPS_PROXY']")
    kernel("from gemini_magic.credentials.lookup import forget_credentials; forget_credentials()")
    assert kernel.leaks() == []
    assert files_with_the_key(kernel.home) == []
    assert {request.method for request in server.requests} == {"CONNECT"}
    assert CANARY not in str(server.requests)


def test_a_saved_notebook_does_not_contain_the_key(server):
    cells = ["%load_ext gemini_magic"]
    for number, scripts in enumerate(SERVERS.values()):
        server.answers(f"row-{number}", *[one if isinstance(one, Script) else Script(one) for one in scripts])
        options = asking(server).replace("-m m", f"-m row-{number}")
        cells.append(f"%%gemini {options} --retries 0\nGo.")
    saved = nbformat.writes(run_notebook(cells, env={"K": CANARY}, allow_errors=True))
    assert saved.count("application/vnd.gemini-stream+json") == len(SERVERS)
    assert CANARY not in saved
    assert "<key>" in saved


# ---------------------------------------------------------------------------------------- other servers do not get it

GOOGLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


@pytest.fixture(scope="module")
def reader_of_notebooks(tmp_path_factory):
    """A kernel whose user has keys for Google in the environment and runs notebooks of other authors."""
    home = tmp_path_factory.mktemp("reader")
    with KernelSession(
        env=dict.fromkeys((*GOOGLES, "K"), CANARY)
        | {"XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)},
        cwd=home,
    ) as session:
        ready = Kernel(session, home)
        ready("%load_ext gemini_magic")
        yield ready


@pytest.mark.parametrize("dialect", names())
def test_a_notebook_with_another_address_gets_no_key(reader_of_notebooks, server, dialect):
    kernel = reader_of_notebooks
    server.model("m", text("hello"), finish())
    options = asking(server, dialect, key="")
    runs = [
        kernel(f"%%gemini {options} {more}\nGo.") for more in ("", "--no-stream", "--alt json", "--fallback")
    ]
    kernel(f"%config GeminiMagics.base_url = {server.base_url!r}")
    runs.append(kernel(f"%%gemini -m m --backend {dialect} --stall-timeout 0.2\nGo."))
    kernel("%gemini models")
    kernel("%config GeminiMagics.base_url = None")
    asked = len(server.requests)
    for name in GOOGLES:
        refused = kernel(f"%%gemini {asking(server, dialect, key=f'--key-env {name}')}\nGo.")
        if backend(dialect).auth is not None:
            assert refused.error["ename"] == "CredentialsError"
    if backend(dialect).local is None:
        assert asked >= len(runs)
        assert len(server.requests) == asked  # no further request was sent
    assert CANARY not in str(server.requests)
    assert kernel.leaks() == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_does_not_send_the_key_to_another_server(reader_of_notebooks, server, code):
    kernel = reader_of_notebooks
    with FakeServer() as elsewhere:
        elsewhere.model("m", text("hello"), finish())
        place = f"{elsewhere.base_url}/v1beta/models/m:streamGenerateContent?alt=sse"
        server.script(status(code, {"Location": place}, b"moved"))
        run = kernel(f"%%gemini {asking(server)}\nGo.")
        server.script(
            raw(b"data: {}\n\n"),
            event({"error": {"code": code, "message": "moved"}}),
            headers={"Location": place, "Refresh": f"0; url={place}", "Link": f"<{place}>; rel=preload"},
        )
        kernel(f"%%gemini {asking(server)} --retries 0\nGo.")
        time.sleep(0.05)
        assert run.error["ename"] == "ServiceError"
        assert "Redirects are not followed" in str(run.messages)
        assert len(server.requests) == 2
        assert elsewhere.requests == []
    assert kernel.leaks() == []
