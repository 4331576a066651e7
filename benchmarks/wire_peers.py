"""Runs the cases of `tests/support/wire_cases.py` with gemini_magic and with google-genai, and prints the results.

    python benchmarks/wire_peers.py            run all; write docs/wire-cases.md if google-genai is installed
    python benchmarks/wire_peers.py --write    write the page in any case
    python benchmarks/wire_peers.py --check    run gemini_magic only; fail if its column of the page differs

google-genai is imported in the interpreter that GEMINI_MAGIC_GENAI_PYTHON names, or else in this one. Every case has
a time limit; the longest takes over a minute, because a default timeout must expire. `--verbose` also prints the errors.
"""

from __future__ import annotations

import json
import os
import platform
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from fake_server import FakeServer  # noqa: E402 - the tests are not a package
from surroundings import clean_environment  # noqa: E402
from wire_cases import CASES, GATE_TIMEOUT, MORE, Case, Observed, evaluate  # noqa: E402

PAGE = ROOT / "docs" / "wire-cases.md"
OURS = "gemini_magic"
PEERS = ("google-genai", "google-genai async", "google-genai async, aiohttp")
PEER_PYTHON = os.environ.get("GEMINI_MAGIC_GENAI_PYTHON") or sys.executable
START_TIMEOUT = 60.0  # seconds that the import of a client may take

INTRODUCTION = """\
# Irregular streams, and how clients read them

Each row is a test: a local server sends real bytes over a real socket. One run of `benchmarks/wire_peers.py` tests
`gemini_magic` and Google's own [google-genai](https://pypi.org/project/google-genai/) and writes this page; no cell is
edited by hand. Last run: {date}, Python {python}, {versions}.

How to read the tables:

- google-genai is used as its documentation describes: `generate_content_stream`, with `http_options` for the address and,
  where a row mentions them, for a time limit or for retries. The values of `chunk.text` are joined. A finish reason or a
  token count may be in any chunk. In the table *Interactions API* it is `interactions.create(…, stream=True)`: the text and
  summary deltas are joined, the status and the token count of `interaction.completed` are read, and an `error` event or
  the error of a step counts as reported.
- *right*: the user gets everything that is expected. An expected error is any exception that contains the server's
  message; if the server sends no message, any exception.
- *raises …*: an unexpected exception. *silent*: something is lost, and the client does not report it; the absence of a
  finish reason is not a report. *hangs*: the client was killed after the given time.
- The rows come from recorded streams, from the documentation of gateways, and from the issue trackers of several clients.
  They are the cases that gemini_magic is built to read, so its column only shows that its tests pass. Google's servers
  send few of them: comments, byte order marks, CR line ends and an array instead of events come from gateways and proxies,
  and event fields and `[DONE]` from Google only in the Interactions API. The standard for event streams also
  requires that an event without a final blank line is dropped, but users want the whole answer.
"""


@dataclass
class Column:
    """The results of one client, and its versions."""

    client: str
    versions: dict[str, str | None] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)  # by the name of the case
    errors: dict[str, str] = field(default_factory=dict)


class Worker:
    """One client in a separate process, which is restarted after it was killed. A context manager."""

    def __init__(self, client: str) -> None:
        self.client = client
        self._home = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[str] | None = None
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.versions: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._home.cleanup()

    def ask(self, server: FakeServer, case: Case) -> Observed:
        """Run one case with the client."""
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        case.script(server)
        process.stdin.write(
            json.dumps(
                {
                    "base_url": server.base_url,
                    "stall_timeout": case.stall_timeout,
                    "retries": case.retries,
                    "api": case.api,
                }
            )
            + "\n"
        )
        process.stdin.flush()
        observed = self._wait(server, case)
        observed.times = [request.time for request in server.requests]
        return observed

    def _wait(self, server: FakeServer, case: Case) -> Observed:
        began, text, late = time.monotonic(), "", False
        opened = case.live is None
        while (spent := time.monotonic() - began) < case.limit:
            if not opened and (text == case.live or spent > GATE_TIMEOUT):
                opened, late = True, text != case.live
                server.open(MORE)
            until = case.limit if opened else GATE_TIMEOUT
            try:
                message = self._messages.get(timeout=max(0.01, until - spent))
            except queue.Empty:
                continue
            if message is None:
                raise SystemExit(f"{self.client} exited in the case {case.name}")
            if "observed" in message:
                return Observed(**message["observed"] | {"late": late})
            text += message["text"]
        self._kill()
        return Observed(text=text, hangs=True)

    def _start(self) -> None:
        python = sys.executable if self.client == OURS else PEER_PYTHON
        self._messages = queue.Queue()
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("wire_clients.py")), self.client],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(os.environ, Path(self._home.name)),
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process, self._messages), daemon=True).start()
        try:
            first = self._messages.get(timeout=START_TIMEOUT)
        except queue.Empty:
            first = None
        if first is None:
            raise SystemExit(f"{self.client} did not start in {python}")
        self.versions = first["ready"]

    @staticmethod
    def _read(process: subprocess.Popen[str], messages: queue.Queue[dict[str, Any] | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            messages.put(json.loads(line))
        messages.put(None)

    def _kill(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None


def run(client: str) -> Column:
    """The column of one client."""
    column = Column(client)
    with FakeServer() as server, Worker(client) as worker:
        for case in CASES:
            observed = worker.ask(server, case)
            column.cells[case.name] = evaluate(case, observed)
            if observed.error is not None:
                column.errors[case.name] = f"{observed.kind}: {observed.error}"
        column.versions = worker.versions
    return column


def installed() -> list[str]:
    """The clients of google-genai that are installed in the other interpreter."""
    probe = "import importlib.util as u; print([bool(u.find_spec(n)) for n in ('google', 'google.genai', 'aiohttp')])"
    try:
        result = subprocess.run([PEER_PYTHON, "-c", probe], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(f"{PEER_PYTHON} cannot be run: {error}") from error
    if result.returncode or not result.stdout.startswith("[True, True"):
        return []
    return list(PEERS if "False" not in result.stdout else PEERS[:2])


def page(columns: Sequence[Column]) -> str:
    """The text of the page."""
    versions = {name: version for column in columns for name, version in column.versions.items() if version}
    text = INTRODUCTION.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        python=platform.python_version(),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
    )
    heads = ["the server sends", "expected", *(column.client for column in columns)]
    for group in dict.fromkeys(case.group for case in CASES):
        text += f"\n## {group}\n\n| {' | '.join(heads)} |\n|{':--|' * len(heads)}\n"
        for case in (case for case in CASES if case.group == group):
            text += f"| {case.description} | {case.expected.summary} | {' | '.join(column.cells[case.name] for column in columns)} |\n"
    right = [
        f"{column.client} {sum(cell == 'right' for cell in column.cells.values())}" for column in columns
    ]
    return f"{text}\nRight, of {len(CASES)}: {', '.join(right)}.\n"


def first_column(text: str) -> dict[str, str]:
    """The column of gemini_magic in a page, by the description of the case."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[2] for row in rows if row[0] != "the server sends"}


def check() -> int:
    """Compare a run of gemini_magic with the page; 1 if they differ."""
    column, on_page = run(OURS), first_column(PAGE.read_text("utf-8"))
    now = {case.description: column.cells[case.name] for case in CASES}
    for description in sorted(now.keys() | on_page.keys()):
        if now.get(description) != on_page.get(description):
            print(
                f"{description}: {on_page.get(description)!r} on the page, {now.get(description)!r} in this run"
            )
    right = sum(cell == "right" for cell in now.values())
    print(f"{right} of {len(now)} right; the page {'agrees' if now == on_page else 'differs'}")
    return int(now != on_page)


def main(arguments: Sequence[str]) -> int:
    if "--check" in arguments:
        return check()
    peers = installed()
    with ThreadPoolExecutor() as pool:
        columns = list(pool.map(run, [OURS, *peers]))
    if not peers:
        columns.append(Column(PEERS[0], cells=dict.fromkeys((case.name for case in CASES), "not installed")))
    text = page(columns)
    print(text)
    if "--verbose" in arguments:
        for column in columns:
            for name, error in column.errors.items():
                print(f"{column.client}: {name}: {error[:200]!r}")
    if peers or "--write" in arguments:
        PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
