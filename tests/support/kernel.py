"""Runs code in a real kernel: a whole notebook as in CI, or a session with interrupts and button clicks.

It uses only Jupyter's message protocol and nothing of gemini_magic.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nbformat
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from surroundings import ORIGINAL_ENVIRON

_START_TIMEOUT = 60.0  # seconds; a kernel starts slowly on a busy machine
_PATIENCE = 3.0  # seconds of waiting after which a session wakes the kernel, again and again


@contextmanager
def _environment(changes: Mapping[str, str] | None) -> Iterator[None]:
    """Change this process's environment, which a kernel inherits when it starts."""
    before = dict(os.environ)
    os.environ.update(changes or {})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_notebook(
    cells: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    allow_errors: bool = False,
    cwd: Path | None = None,
    timeout: int = 60,
    kernel: str = "python3",
) -> nbformat.NotebookNode:
    """Execute code cells with nbclient, which allows no stdin; returns the notebook with its outputs.

    Raises `nbclient.exceptions.CellExecutionError` at the first failing cell unless `allow_errors`.
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(cwd)}} if cwd else {}
    client = NotebookClient(
        notebook,
        timeout=timeout,
        startup_timeout=int(_START_TIMEOUT),
        kernel_name=kernel,
        resources=resources,
    )
    client.allow_errors = allow_errors
    with _environment(env):
        return client.execute()


@dataclass(frozen=True)
class Message:
    """One message of a kernel. `time` is when the session read it, by the monotonic clock; exact while it waits."""

    time: float
    channel: str
    kind: str
    content: dict[str, Any]
    parent: str


@dataclass
class Run:
    """The messages of one execute request, in order of arrival."""

    id: str
    started: float
    messages: list[Message] = field(default_factory=list)
    reply: Message | None = None

    @property
    def status(self) -> str:
        """'ok', 'error' or 'aborted'."""
        if self.reply is None:
            raise AssertionError("the cell has not ended")
        return str(self.reply.content["status"])

    @property
    def seconds(self) -> float:
        """From the request to the reply."""
        if self.reply is None:
            raise AssertionError("the cell has not ended")
        return self.reply.time - self.started

    @property
    def stdout(self) -> str:
        return "".join(m.content["text"] for m in self.of("stream") if m.content["name"] == "stdout")

    @property
    def error(self) -> dict[str, Any] | None:
        return next((m.content for m in self.of("error")), None)

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The bundles displayed, updates and results included, in order."""
        return [m.content["data"] for m in self.of("display_data", "update_display_data", "execute_result")]

    def of(self, *kinds: str) -> list[Message]:
        return [message for message in self.messages if message.kind in kinds]


class KernelSession:
    """A kernel and a client that receives all its messages, in one thread; a context manager.

    `execute` waits until the cell ends. `begin` returns at once, so that a test can interrupt or click, and then
    `finish`.
    """

    def __init__(
        self,
        *,
        env: Mapping[str, str] | None = None,
        kernel: str = "python3",
        kernelspecs: Path | None = None,
        cwd: Path | None = None,
    ) -> None:
        specs = KernelSpecManager()
        if kernelspecs:
            specs.kernel_dirs = [str(kernelspecs / "kernels"), *specs.kernel_dirs]
        self._manager = KernelManager(kernel_name=kernel, kernel_spec_manager=specs)
        self._env = env
        self._cwd = cwd
        self._runs: dict[str, Run] = {}
        self._waker: zmq.Socket[bytes] | None = None
        self.client: BlockingKernelClient

    def __enter__(self) -> Self:
        with _environment(self._env):
            self._manager.start_kernel(cwd=str(self._cwd) if self._cwd else None)
        self.client = self._manager.client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=_START_TIMEOUT)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.stop_channels()
        if self._waker:
            self._waker.close(linger=0)
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self.client.context.destroy()

    def begin(self, code: str, *, allow_stdin: bool = True, stop_on_error: bool = True) -> Run:
        """Send a cell; the returned `Run` collects its messages."""
        started = time.monotonic()
        sent = self.client.execute(code, allow_stdin=allow_stdin, stop_on_error=stop_on_error)
        run = self._runs[sent] = Run(sent, started)
        return run

    def finish(self, run: Run, timeout: float = 60) -> Run:
        """Wait for the reply to a cell and the kernel's idle status."""
        self._wait(lambda: run.reply is not None and _idle(run), timeout, "the end of the cell")
        return run

    def execute(self, code: str, *, allow_stdin: bool = True, timeout: float = 60) -> Run:
        """Run a cell until it ends; a failing cell returns a `Run` with the status 'error'."""
        return self.finish(self.begin(code, allow_stdin=allow_stdin), timeout)

    def value(self, expression: str) -> Any:
        """The value of an expression in the kernel, which must be readable from its `repr`."""
        run = self.execute(f"print(repr(({expression})))")
        if run.status != "ok":
            raise AssertionError(run.error)
        return eval(run.stdout)

    def complete(self, code: str, timeout: float = 60) -> dict[str, Any]:
        """The content of the kernel's reply to a completion request at the end of some code."""
        sent = self.client.complete(code)
        run = self._runs[sent] = Run(sent, time.monotonic())
        return self.wait_for(run, "complete_reply", timeout=timeout).content

    def wait_for(
        self, run: Run, kind: str, count: int = 1, timeout: float = 60, *, within: str = ""
    ) -> Message:
        """Wait for the `count`th message of a kind whose content contains `within`; returns it."""

        def found() -> list[Message]:
            return [message for message in run.of(kind) if within in str(message.content)]

        self._wait(lambda: len(found()) >= count, timeout, f"{count} {kind} message(s)")
        return found()[count - 1]

    def interrupt(self) -> float:
        """Interrupt the kernel as the toolbar does; returns the time of the interrupt."""
        now = time.monotonic()
        self._manager.interrupt_kernel()
        return now

    def send_comm(self, comm_id: str, data: Mapping[str, Any], *, subshell: str | None = None) -> float:
        """Send a message to a widget as a front end does; returns the time of sending."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": dict(data)})
        if subshell:
            message["header"]["subshell_id"] = subshell
        now = time.monotonic()
        self.client.shell_channel.send(message)
        return now

    def click(self, model_id: str, *, subshell: str | None = None) -> float:
        """Click an ipywidgets Button; `widgets` returns its model id."""
        return self.send_comm(
            model_id, {"method": "custom", "content": {"event": "click"}}, subshell=subshell
        )

    def create_subshell(self, timeout: float = 60) -> str:
        """Ask the kernel (7.0 or newer) for a subshell, as JupyterLab does for widget messages."""
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        reply = self.client.get_control_msg(timeout=timeout)
        return str(reply["content"]["subshell_id"])

    # -- messages

    def _wait(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Read messages until a condition holds.

        It reads the sockets directly, because `get_iopub_msg` and similar functions leave an event loop behind in each
        thread that calls them.
        """
        sockets = {self.client.iopub_channel.socket: "iopub", self.client.shell_channel.socket: "shell"}
        poller = zmq.Poller()
        for sock in sockets:
            poller.register(sock, zmq.POLLIN)
        began = woken = time.monotonic()
        while not done():
            now = time.monotonic()
            if now - began >= timeout:
                raise AssertionError(f"waited {timeout} s for {what}")
            # Not only in silence: an answer in the background sends its status all the time.
            if now - woken >= _PATIENCE:
                self._wake()
                woken = now
            for sock, _ in poller.poll(int((min(began + timeout, woken + _PATIENCE) - now) * 1000) + 1):
                self._add(sockets[sock], sock.recv_multipart())

    def _wake(self) -> None:
        """Open a new connection to the kernel's shell socket, which makes the kernel read requests that it has missed.

        ipykernel 7.0 to 7.3 sends a reply past the stream that reads the socket. A request that arrives at this moment stays
        unread, and so do all later ones of the connection (https://github.com/ipython/ipykernel/pull/1529).
        """
        if self._waker:
            self._waker.close(linger=0)
        self._waker = self._manager.connect_shell()

    def _add(self, channel: str, parts: list[bytes]) -> None:
        session = self.client.session
        message = session.deserialize(session.feed_identities(parts)[1])
        parent = message["parent_header"].get("msg_id", "")
        received = Message(time.monotonic(), channel, message["msg_type"], message["content"], parent)
        run = self._runs.get(parent)
        if run and received.kind == "execute_reply":
            run.reply = received
        elif run:
            run.messages.append(received)


@contextmanager
def user_kernel(
    home: Path, *, code: str = "", env: Mapping[str, str] | None = None, **more: Any
) -> Iterator[KernelSession]:
    """A kernel of a user with an empty home folder, in which gemini_magic is loaded.

    Args:
        home: the user's folder and the current folder of the kernel.
        code: a cell that runs after that.
        env: more variables of the environment.
        more: arguments for `KernelSession`.
    """
    folders = {"HOME": home, "XDG_CACHE_HOME": home / "cache", "IPYTHONDIR": home / "ipython"}
    variables = {name: str(folder) for name, folder in folders.items()} | dict(env or {})
    with KernelSession(env=variables, cwd=home, **more) as session:
        for cell in ("%load_ext gemini_magic", code):
            done = session.execute(cell)
            if done.status != "ok":
                raise AssertionError(done.error)
        yield session


def _idle(run: Run) -> bool:
    return any(message.content["execution_state"] == "idle" for message in run.of("status"))


def widgets(run: Run, model: str) -> dict[str, dict[str, Any]]:
    """The widgets of one model ('ButtonModel') that a cell opened: model id -> first state."""
    opened = (message.content for message in run.of("comm_open"))
    states = {content["comm_id"]: content["data"].get("state", {}) for content in opened}
    return {name: state for name, state in states.items() if state.get("_model_name") == model}


def kernelspec_with(version: str, folder: Path, *, name: str = "other-ipykernel") -> Path:
    """Install another version of ipykernel into a folder and write a kernelspec `name` that uses it.

    Returns the folder for `KernelSession(kernelspecs=...)`, `Lab(kernelspecs=...)` or JUPYTER_PATH. Raises
    RuntimeError with pip's last line if the version cannot be installed.
    """
    packages = folder / f"ipykernel-{version}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages)]
    done = subprocess.run(
        [*command, f"ipykernel=={version}"],
        env=dict(ORIGINAL_ENVIRON),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(f"ipykernel {version} cannot be installed: {lines[-1]}")
    spec = folder / "kernels" / name
    spec.mkdir(parents=True, exist_ok=True)
    spec.joinpath("kernel.json").write_text(
        json.dumps(
            {
                "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": f"ipykernel {version}",
                "language": "python",
                "env": {
                    "PYTHONPATH": os.pathsep.join(
                        [str(packages), ORIGINAL_ENVIRON.get("PYTHONPATH", "")]
                    ).rstrip(os.pathsep)
                },
            }
        )
    )
    return folder
