"""Puts the cases of `tests/support/wire_cases.py` to gemini_magic and to google-genai and prints what each makes of them.

    python benchmarks/wire_peers.py            run all; write docs/wire-cases.md when google-genai is there
    python benchmarks/wire_peers.py --write    write it in any case
    python benchmarks/wire_peers.py --check    run gemini_magic only; fail when the written column says something else

google-genai is looked for in the interpreter that GEMINI_MAGIC_GENAI_PYTHON names, else in this one. Every case has
its time limit; the longest takes a minute by its nature, because a default limit has to run out. `--verbose` prints what
was raised, too.
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

from fake_server import FakeServer  # noqa: E402 - the tests' modules are no package
from surroundings import clean_environment  # noqa: E402
from wire_cases import CASES, MORE, PATIENCE, Case, Seen, judge  # noqa: E402

PAGE = ROOT / "docs" / "wire-cases.md"
OURS = "gemini_magic"
PEERS = ("google-genai", "google-genai async", "google-genai async, aiohttp")
PEER_PYTHON = os.environ.get("GEMINI_MAGIC_GENAI_PYTHON") or sys.executable
STARTING = 60.0  # seconds a client may take to be imported

INTRODUCTION = """\
# What happens to a stream, and what a client makes of it

Each row is a test: real bytes over a real socket, sent by the tests' own server. The same run of `benchmarks/wire_peers.py`
puts them to `gemini_magic` and to Google's own [google-genai](https://pypi.org/project/google-genai/) and writes this page;
no cell is written by hand. Last run: {date}, Python {python}, {versions}.

How to read it:

- google-genai is used as its documentation says: `generate_content_stream` with `http_options` for the address and, where
  a row says so, for a time limit or for retries. `chunk.text` is joined; a reason or a count that stands in any chunk
  counts as told.
- *right*: the user has all that was due. Where an error is due, any exception with the server's words is right; where the
  server had none, any exception.
- *raises …*: an exception where none is due. *silent*: something is lost and nothing says so; a last chunk that merely
  has no finish reason says nothing. *hangs*: the client was killed after the time named.
- The rows are what we met in recorded streams, in documents of gateways and in the bug trackers of several clients, and
  they are the rows we set out to get right: that the first column is right says that its tests pass, no more. Google's own
  servers send few of them: comments, event fields, `[DONE]`, byte order marks, CR line ends and an array where events were
  asked for come from gateways and proxies. And the standard for event streams wants an event dropped that no blank line
  ends, while users want the answer.
"""


@dataclass
class Column:
    """One client's verdicts, and the versions it named."""

    client: str
    versions: dict[str, str | None] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)  # by the name of the case
    raised: dict[str, str] = field(default_factory=dict)


class Worker:
    """One client in its own process; it is started anew after it was killed. A context manager."""

    def __init__(self, client: str) -> None:
        self.client = client
        self._home = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[str] | None = None
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.versions: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._home.cleanup()

    def ask(self, server: FakeServer, case: Case) -> Seen:
        """Put one case to the client."""
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        case.put_to(server)
        process.stdin.write(
            json.dumps({"base_url": server.base_url, "silence": case.silence, "retries": case.retries}) + "\n"
        )
        process.stdin.flush()
        seen = self._listen(server, case)
        seen.times = [request.time for request in server.requests]
        return seen

    def _listen(self, server: FakeServer, case: Case) -> Seen:
        began, text, late = time.monotonic(), "", False
        opened = case.live is None
        while (spent := time.monotonic() - began) < case.limit:
            if not opened and (text == case.live or spent > PATIENCE):
                opened, late = True, text != case.live
                server.open(MORE)
            until = case.limit if opened else PATIENCE
            try:
                said = self._said.get(timeout=max(0.01, until - spent))
            except queue.Empty:
                continue
            if said is None:
                raise SystemExit(f"{self.client} has died on the case {case.name}")
            if "seen" in said:
                return Seen(**said["seen"] | {"late": late})
            text += said["text"]
        self._kill()
        return Seen(text=text, hangs=True)

    def _start(self) -> None:
        python = sys.executable if self.client == OURS else PEER_PYTHON
        self._said = queue.Queue()
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("wire_clients.py")), self.client],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(os.environ, Path(self._home.name)),
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process, self._said), daemon=True).start()
        try:
            first = self._said.get(timeout=STARTING)
        except queue.Empty:
            first = None
        if first is None:
            raise SystemExit(f"{self.client} does not start in {python}")
        self.versions = first["ready"]

    @staticmethod
    def _read(process: subprocess.Popen[str], said: queue.Queue[dict[str, Any] | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.put(json.loads(line))
        said.put(None)

    def _kill(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None


def run(client: str) -> Column:
    """One client's column."""
    column = Column(client)
    with FakeServer() as server, Worker(client) as worker:
        for case in CASES:
            seen = worker.ask(server, case)
            column.cells[case.name] = judge(case, seen)
            if seen.error is not None:
                column.raised[case.name] = f"{seen.kind}: {seen.error}"
        column.versions = worker.versions
    return column


def installed() -> list[str]:
    """The clients of google-genai that the peer's interpreter can run."""
    probe = "import importlib.util as u; print([bool(u.find_spec(n)) for n in ('google', 'google.genai', 'aiohttp')])"
    try:
        done = subprocess.run([PEER_PYTHON, "-c", probe], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(f"{PEER_PYTHON} does not run: {error}") from error
    if done.returncode or not done.stdout.startswith("[True, True"):
        return []
    return list(PEERS if "False" not in done.stdout else PEERS[:2])


def page(columns: Sequence[Column]) -> str:
    """The whole document."""
    versions = {name: version for column in columns for name, version in column.versions.items() if version}
    text = INTRODUCTION.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        python=platform.python_version(),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
    )
    heads = ["the server sends", "due", *(column.client for column in columns)]
    for group in dict.fromkeys(case.group for case in CASES):
        text += f"\n## {group}\n\n| {' | '.join(heads)} |\n|{':--|' * len(heads)}\n"
        for case in (case for case in CASES if case.group == group):
            text += f"| {case.what} | {case.due.words} | {' | '.join(column.cells[case.name] for column in columns)} |\n"
    right = [
        f"{column.client} {sum(cell == 'right' for cell in column.cells.values())}" for column in columns
    ]
    return f"{text}\nRight, of {len(CASES)}: {', '.join(right)}.\n"


def written(text: str) -> dict[str, str]:
    """The first column of a written page, by what the server sends."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[2] for row in rows if row[0] != "the server sends"}


def check() -> int:
    """Compare a run of gemini_magic with the page; 1 when they differ."""
    column, told = run(OURS), written(PAGE.read_text("utf-8"))
    now = {case.what: column.cells[case.name] for case in CASES}
    for what in sorted(now.keys() | told.keys()):
        if now.get(what) != told.get(what):
            print(f"{what}: the page says {told.get(what)!r}, this run {now.get(what)!r}")
    right = sum(cell == "right" for cell in now.values())
    print(f"{right} of {len(now)} right; the page says {'the same' if now == told else 'something else'}")
    return int(now != told)


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
            for name, raised in column.raised.items():
                print(f"{column.client}: {name}: {raised[:200]!r}")
    if peers or "--write" in arguments:
        PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
