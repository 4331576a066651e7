"""Drives notebooks in a real JupyterLab or Notebook 7 with a real Chromium, through Playwright.

The module imports nothing from gemini_magic; it knows only the label of the Stop button.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit

import nbformat
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Playwright,
    Request,
    ViewportSize,
    WebSocket,
    sync_playwright,
)
from playwright.sync_api import Error as PageError
from playwright.sync_api import TimeoutError as PageTimeoutError
from slow_page import slow_down
from surroundings import CANARY, ORIGINAL_ENVIRON, clean_environment, find_chromium

VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
_CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
# Other hosts do not resolve, without a wait. The log of the page still has the requests.
_NO_HOSTS = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"

_LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}

App = Literal["lab", "notebook"]
_PORT_ATTEMPTS = 3
NO_KERNEL = "kernel-that-is-not-installed"
_images = itertools.count()


def cells(*sources: str) -> list[dict[str, Any]]:
    """Code cells with these sources, for `Lab.write`."""
    return [nbformat.v4.new_code_cell(source) for source in sources]


class Lab:
    """A Jupyter server whose folders are all below `home`. Notebooks are in `root`."""

    def __init__(
        self,
        home: Path,
        *,
        environment: Mapping[str, str] | None = None,
        kernel_config: str = "",
        disabled_extensions: Sequence[str] = (),
        kernelspecs: Path | None = None,
    ) -> None:
        self.home = home
        self.root = home / "notebooks"
        self.token = secrets.token_hex(16)
        self.log = home / "jupyter.log"
        self.environment = clean_environment(ORIGINAL_ENVIRON, home)
        self.environment |= {"GEMINI_API_KEY": CANARY, "PYTHONUNBUFFERED": "1", **(environment or {})}
        if kernelspecs:
            self.environment["JUPYTER_PATH"] = str(kernelspecs)
        self.root.mkdir(parents=True)
        labconfig = home / "jupyter-config" / "labconfig"
        labconfig.mkdir(parents=True)
        (labconfig / "default_setting_overrides.json").write_text(json.dumps(_LAB_SETTINGS))
        (labconfig / "page_config.json").write_text(
            json.dumps({"disabledExtensions": dict.fromkeys(disabled_extensions, True)})
        )
        profile = home / "ipython" / "profile_default"
        profile.mkdir(parents=True)
        (profile / "ipython_kernel_config.py").write_text(f"c = get_config()\n{kernel_config}\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        for _ in range(_PORT_ATTEMPTS):  # another process can take the free port before JupyterLab listens
            if self._start():
                return self
            if b"is already in use" not in self.log.read_bytes():
                break
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")

    def _start(self) -> bool:
        """Start the server on a free port; return whether it is ready, otherwise it is stopped."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        options = [
            "--no-browser",
            "--allow-root",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.news_url=",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env=self.environment,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 100
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                return False
            time.sleep(0.1)
        return True

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_ready(self) -> bool:
        try:
            self.api("GET", "/api/status")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def api(self, method: str, path: str, send: Any = None) -> Any:
        """Call the REST API of the server, and return the decoded JSON, or None for an empty body."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers={"Authorization": f"token {self.token}"},
            data=None if send is None else json.dumps(send).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            body = response.read()
        return json.loads(body) if body else None

    def write(self, name: str, sources: Iterable[str | dict[str, Any]], *, kernel: str = "python3") -> str:
        """Write a notebook with these cells (sources, or cells), and return its name for `Notebook.open`."""
        nodes = [cell if isinstance(cell, dict) else nbformat.v4.new_code_cell(cell) for cell in sources]
        notebook = nbformat.v4.new_notebook(cells=nodes, metadata={"kernelspec": _kernelspec(kernel)})
        nbformat.write(notebook, self.root / name)
        return name

    def add(self, path: Path, name: str | None = None) -> str:
        """Copy a file (a notebook, a recording) into `root`, and return its name there."""
        return Path(shutil.copy(path, self.root / (name or path.name))).name

    def without_kernel(self, name: str, copy: str) -> str:
        """Copy a saved notebook with a kernel that does not exist. The copy is not trusted, because its signature is invalid."""
        notebook = json.loads((self.root / name).read_text())
        # The language must be unknown too, or Jupyter starts any kernel of that language.
        notebook["metadata"] = {"kernelspec": _kernelspec(NO_KERNEL) | {"language": "no-language"}}
        (self.root / copy).write_text(json.dumps(notebook))
        return copy

    def shut_down_kernels(self) -> None:
        for session in self.api("GET", "/api/sessions"):
            self.api("DELETE", f"/api/sessions/{session['id']}")


def _kernelspec(name: str) -> dict[str, str]:
    return {"name": name, "display_name": name, "language": "python"}


def launch(
    playwright: Playwright, executable: str, profile: Path, *, hosts: str = _NO_HOSTS, **options: Any
) -> BrowserContext:
    """Start Chromium with a new profile; `hosts` are its rules for host names, by default only this machine."""
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=executable,
        headless=True,
        args=[*_CHROMIUM_FLAGS, f"--host-resolver-rules={hosts}"],
        viewport=VIEWPORT,
        **options,
    )
    slow_down(context)
    return context


@contextmanager
def open_lab() -> Iterator[tuple[Lab, BrowserContext]]:
    """Start a JupyterLab and a Chromium for a script, and stop both at the end."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        lab = stack.enter_context(Lab(home / "lab"))
        playwright = stack.enter_context(sync_playwright())
        (home / "chromium").mkdir()
        environment = clean_environment(os.environ, home / "chromium")
        context = launch(playwright, find_chromium(), home / "chromium" / "profile", env=environment)
        stack.callback(context.close)
        yield lab, context


@dataclass(frozen=True)
class Frame:
    """A kernel message that reached the page: `time` (monotonic), `sent` (clock of the kernel), `size` in bytes."""

    time: float
    sent: float
    size: int
    channel: str
    kind: str
    content: dict[str, Any]


def parse_frame(payload: bytes | str) -> Frame:
    """Decode a kernel message of the WebSocket protocol v1 (binary) or of the default protocol (JSON text)."""
    now = time.monotonic()
    if isinstance(payload, str):
        message = json.loads(payload)
        header, content, channel = message["header"], message["content"], message["channel"]
        return Frame(now, _sent(header), len(payload), channel, header["msg_type"], content)
    count = struct.unpack_from("<Q", payload)[0]
    offsets = struct.unpack_from(f"<{count}Q", payload, 8)
    parts = [payload[start:end] for start, end in itertools.pairwise(offsets)]
    header = json.loads(parts[1])
    content = json.loads(parts[4])
    return Frame(now, _sent(header), len(payload), parts[0].decode(), header["msg_type"], content)


def most_in_a_second(times: Iterable[float]) -> int:
    """The largest number of times that lie within one second."""
    ordered = sorted(times)
    return max((sum(start <= other < start + 1 for other in ordered) for start in ordered), default=0)


def _sent(header: dict[str, Any]) -> float:
    return datetime.fromisoformat(header["date"]).timestamp()


@dataclass
class Log:
    """The requests, dialogs, console errors and kernel messages of a page.

    Requests of JupyterLab to the API of its own server that are refused are in `refused`, not in `errors`, and so are fonts: a Jupyter
    server remembers the place of a static file by its name alone, so a font that JupyterLab and Notebook 7 share is refused to one of
    them when both were opened (`FileFindHandler.get_absolute_path` of jupyter_server). So is what ipywidgets reports if a box is removed
    while it creates the views of its children, as at the end of an answer on a busy page: the box is not on the page any more.
    """

    requests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def attach(self, page: Page) -> Callable[[], None]:
        """Begin to listen; returns what ends it."""
        handlers: dict[str, Callable[[Any], None]] = {
            "request": self._request,
            "requestfailed": lambda request: self.failed.append(request.url),
            "dialog": self._dialog,
            "pageerror": self._page_error,
            "console": self._console,
            "websocket": self._websocket,
        }
        for event, handler in handlers.items():
            page.on(event, handler)

        def detach() -> None:
            for event, handler in handlers.items():
                page.remove_listener(event, handler)

        return detach

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _page_error(self, error: PageError) -> None:
        is_removed = "(reading 'widgets')" in str(error) and "/@jupyter-widgets/" in (error.stack or "")
        (self.refused if is_removed else self.errors).append(str(error))

    def _console(self, line: ConsoleMessage) -> None:
        if line.type != "error":
            return
        url = line.location.get("url", "")
        path = urlsplit(url).path
        is_own = "/api/" in path or (path.startswith("/static/") and path.endswith((".woff2", ".woff")))
        is_refused = is_own and line.text.startswith("Failed to load resource")
        is_refused |= "Could not add child view to box" in line.text and "/@jupyter-widgets/" in line.text
        (self.refused if is_refused else self.errors).append(f"{line.text} ({url})")

    def _dialog(self, dialog: Dialog) -> None:
        # "Leave the page?" comes from the browser. Every other dialog is recorded.
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.dialogs.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _websocket(self, socket: WebSocket) -> None:
        if "/channels" in socket.url:
            socket.on("framereceived", lambda payload: self.frames.append(parse_frame(payload)))

    def requests_beyond(self, *own: str) -> set[str]:
        """The requested URLs outside these origins (pass the URL of the Jupyter server)."""
        allowed = {urlsplit(url).netloc for url in own}
        schemes = {"http", "https", "ws", "wss"}
        return {
            url
            for url in self.requests
            if (to := urlsplit(url)).scheme in schemes and to.netloc not in allowed
        }

    def of_kind(self, *kinds: str) -> list[Frame]:
        return [frame for frame in self.frames if frame.kind in kinds]


# JavaScript: the current notebook panel, in JupyterLab and in Notebook 7.
_PANEL = "window.jupyterapp.shell.currentWidget"
_OUTPUT = f"(i) => {_PANEL}.content.widgets[i].outputArea.node"


# JavaScript: records the states for the file that a notebook receives while its answer grows. The extension, which listens since
# the notebook was opened, has handled a state that is recorded.
_RECORD_STATES = """panel => {
    if (panel.kept) return;
    panel.kept = [];
    panel.sessionContext.iopubMessage.connect((_, {content}) => {
        if (content.metadata?.gemini_magic?.state === "partial") panel.kept.push(String(content.data["text/html"]));
    });
}"""

# Close all documents without a question. The value is whether the page is a JupyterLab without a dialog and without an answer that
# a test has put beside the documents.
_CLOSE_ALL = """() => {
    if (!location.pathname.startsWith("/lab") || !window.jupyterapp || document.querySelector(".jp-Dialog")) return false;
    for (const widget of Array.from(window.jupyterapp.shell.widgets("main"))) widget.dispose();
    return !document.querySelector(".gemini-magic");
}"""


class Notebook:
    """A notebook open in a page. Cells are numbered from 0 in the order of the notebook."""

    def __init__(self, lab: Lab, page: Page) -> None:
        self.lab = lab
        self.page = page
        self.log = Log()
        self._detach = self.log.attach(page)
        self.name = ""
        page.set_default_timeout(60_000)

    # -- opening

    def open(
        self,
        name: str,
        *,
        no_kernel: bool = False,
        busy: bool = False,
        app: App = "lab",
        load: bool = False,
    ) -> Self:
        """Open a notebook, wait until it is the only document of the page, and wait for its kernel.

        With `no_kernel`, open an untrusted copy without a kernel. A page that shows JupyterLab is not loaded again without `load`:
        that takes four times as long as opening a notebook in it. With `busy`, do not wait until the kernel is idle, because it runs a cell.
        """
        if no_kernel:
            name = self.lab.without_kernel(name, f"{Path(name).stem}-without-kernel.ipynb")
        self.name = name
        page = "notebooks/" if app == "notebook" else "lab/tree/"
        query = f"?token={self.lab.token}" + ("&reset" if app == "lab" else "")
        if app == "lab" and not load and self.page.evaluate(_CLOSE_ALL):
            self.page.evaluate(
                '(path) => { window.jupyterapp.commands.execute("docmanager:open", {path, factory: "Notebook"}); }',
                name,
            )
        else:
            self.page.goto(f"{self.lab.url}/{page}{quote(name)}{query}")
        self.page.wait_for_function(
            f"""(name) => {{
                const panel = window.jupyterapp && {_PANEL};
                const context = panel && panel.context;
                if (!context || !context.isReady || context.path !== name || !panel.content.widgets.length) return false;
                return Array.from(window.jupyterapp.shell.widgets("main")).filter(widget => widget.context).length === 1;
            }}""",
            arg=name,
        )
        if no_kernel:
            self._decline_kernel()
        elif not busy:
            self.wait_kernel()
        return self

    def _decline_kernel(self) -> None:
        dialog = self.page.locator(".jp-Dialog")
        dialog.wait_for()
        dialog.locator("select").select_option(label="No Kernel")
        dialog.locator("button.jp-mod-accept").click()
        dialog.wait_for(state="detached")

    def wait_kernel(self, timeout: float = 60) -> None:
        """Wait until the kernel is connected and idle."""
        self.page.wait_for_function(
            f"""() => {{
                const session = {_PANEL}.sessionContext.session;
                const kernel = session && session.kernel;
                return !!kernel && kernel.connectionStatus === "connected" && kernel.status === "idle";
            }}""",
            timeout=timeout * 1000,
        )

    def reload(self, *, no_kernel: bool = False, busy: bool = False) -> None:
        """Reload the page. Unsaved changes are lost."""
        app: App = "notebook" if "/notebooks/" in self.page.url else "lab"
        self.open(self.name, no_kernel=no_kernel, busy=busy, app=app, load=True)

    def leave(self) -> bool:
        """Close the notebook and stop listening; returns whether another test can open a notebook in the page."""
        self._detach()
        if self.page.is_closed() or not self.page.evaluate(_CLOSE_ALL):
            return False
        # Samplers of `browser_stage` run until their variables have another value.
        self.page.evaluate(
            "() => { window.heights = window.frames_ = window.places = null; window.jupyterapp.shell.expandLeft(); }"
        )
        self.page.set_viewport_size(VIEWPORT)
        return True

    # -- running

    def run(self, i: int, *, wait: bool = True) -> bool | None:
        """Run a cell. With `wait`, return whether it succeeded when it has ended; otherwise return when it has started."""
        script = f"""async (i) => {{
            ({_RECORD_STATES})({_PANEL});
            const notebook = {_PANEL}.content;
            notebook.deselectAll();
            notebook.activeCellIndex = i;
            return await window.jupyterapp.commands.execute("notebook:run-cell");
        }}"""
        if wait:
            ended = self.page.evaluate(script, i)
            self.wait_done(i)
            return bool(ended)
        before = self.cell_status(i)
        self.page.evaluate(f"(i) => {{ ({script})(i); }}", i)
        self.page.wait_for_function(
            f"([i, before]) => {_PANEL}.content.widgets[i].promptNode.textContent.trim() !== before + ':'",
            arg=[i, before],
        )
        return None

    def run_all(self, *, wait: bool = True) -> None:
        """Run all cells with the command of the menu."""
        execute = 'window.jupyterapp.commands.execute("notebook:run-all-cells")'
        self.page.evaluate(f"async () => {{ {'await' if wait else ''} {execute}; }}")
        if wait:
            self.wait_idle()

    def set_source(self, i: int, source: str) -> None:
        """Replace the text of a cell."""
        self.page.evaluate(
            f"([i, source]) => {_PANEL}.content.widgets[i].model.sharedModel.setSource(source)", [i, source]
        )

    def wait_done(self, i: int, timeout: float = 60) -> None:
        """Wait until a cell is neither running nor queued."""
        self.page.wait_for_function(
            f"(i) => !{_PANEL}.content.widgets[i].promptNode.textContent.includes('*')",
            arg=i,
            timeout=timeout * 1000,
        )

    def wait_status(self, i: int, status: str, timeout: float = 60) -> None:
        """Wait until the prompt of a cell is this one, such as '[3]'. The reply of the kernel sets it, after the last output."""
        self.page.wait_for_function(
            f"([i, status]) => {_PANEL}.content.widgets[i].promptNode.textContent.trim() === status + ':'",
            arg=[i, status],
            timeout=timeout * 1000,
        )

    def wait_until(self, condition: Callable[[], object], what: str, timeout: float = 60) -> None:
        """Wait until a condition on the log of the page, a server or a file is true; `what` names it in the error.

        Raises:
            AssertionError: `timeout` seconds have passed.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout} s for {what}")
            self.page.wait_for_timeout(20)  # the events of the page arrive meanwhile

    def settle(self) -> None:
        """Wait until everything that the page has begun to load is in the log, and until its handlers have run.

        A test that something loads nothing and runs no script calls it. The elements of a hostile output are in the page before the
        two images of this method, so their events come first.
        """
        image = f"{self.lab.url}/static/favicons/favicon.ico?settle={next(_images)}"
        self.page.evaluate(
            """async (image) => {
                await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
                for (const src of ["data:image/png;base64,AAAA", image])
                    await new Promise(done => {
                        const node = new Image();
                        node.onload = node.onerror = done;
                        node.src = src;
                    });
            }""",
            image,
        )
        self.wait_until(lambda: image in self.log.requests, "the request for an image")

    def wait_idle(self, timeout: float = 60) -> None:
        """Wait until no cell is running or queued and the kernel is idle."""
        self.page.wait_for_function(
            f"""() => {_PANEL}.sessionContext.session.kernel.status === "idle" &&
                {_PANEL}.content.widgets.every(c => !c.promptNode || !c.promptNode.textContent.includes("*"))""",
            timeout=timeout * 1000,
        )

    def wait_output(self, i: int, pattern: str, timeout: float = 60) -> str:
        """Wait until the visible text of a cell's output matches a regular expression, and return the text."""
        self.page.wait_for_function(
            f"([i, pattern]) => new RegExp(pattern, 's').test(({_OUTPUT})(i).innerText)",
            arg=[i, pattern],
            timeout=timeout * 1000,
        )
        return self.output_text(i)

    def wait_kept(self, words: str, timeout: float = 60) -> None:
        """Wait until the page has handled a state of a growing answer for the file in which these words are; a cell must have run."""
        self.page.wait_for_function(
            f"words => {_PANEL}.kept.some(html => html.includes(words))", arg=words, timeout=timeout * 1000
        )

    def wait_value(self, script: str, value: Any, timeout: float = 60) -> None:
        """Wait until a function of the page returns this JSON value.

        Raises:
            AssertionError: It returns another value after `timeout` seconds.
        """
        wanted = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        try:
            self.page.wait_for_function(
                f"wanted => JSON.stringify(({script})()) === wanted", arg=wanted, timeout=timeout * 1000
            )
        except PageTimeoutError:
            assert self.page.evaluate(script) == value

    def wait_buttons(self, i: int, labels: list[str]) -> None:
        """Wait until the visible buttons of a cell's output have these labels; icons without a label are left out."""
        self.wait_value(
            f"""() => Array.from(({_OUTPUT})({i}).querySelectorAll("button"))
                .filter(button => button.checkVisibility()).map(button => button.innerText.trim()).filter(Boolean)""",
            labels,
        )

    def interrupt(self) -> None:
        """Interrupt the kernel, as the button in the toolbar does."""
        self.page.evaluate('() => { window.jupyterapp.commands.execute("notebook:interrupt-kernel"); }')

    def restart_kernel(self) -> None:
        self.page.evaluate(f"() => {_PANEL}.sessionContext.restartKernel()")
        self.wait_kernel()

    # -- output

    def output(self, i: int) -> Locator:
        """The output area of a cell, as a locator of Playwright."""
        self.page.evaluate(f"(i) => {{ ({_OUTPUT})(i).dataset.testCell = String(i); }}", i)
        return self.page.locator(f'.jp-OutputArea[data-test-cell="{i}"]').first

    def output_html(self, i: int) -> str:
        return str(self.page.evaluate(f"(i) => ({_OUTPUT})(i).innerHTML", i))

    def output_text(self, i: int) -> str:
        """The visible text of the output."""
        return str(self.page.evaluate(f"(i) => ({_OUTPUT})(i).innerText", i))

    def output_height(self, i: int) -> float:
        return float(self.page.evaluate(f"(i) => ({_OUTPUT})(i).getBoundingClientRect().height", i))

    def cell_status(self, i: int) -> str:
        """The prompt of the cell: '[ ]', '[*]' or '[3]'."""
        shown = self.page.evaluate(f"(i) => {_PANEL}.content.widgets[i].promptNode.textContent", i)
        return str(shown).strip().rstrip(":")

    def buttons(self, i: int) -> list[str]:
        """The labels of the visible buttons in a cell's output; icons without a label are left out."""
        labels = [button.inner_text() for button in self.output(i).locator("button:visible").all()]
        return [label for label in labels if label]

    def click(self, i: int, label: str) -> None:
        """Click the button whose label matches this regular expression in a cell's output."""
        self.output(i).locator("button:visible", has_text=re.compile(label, re.IGNORECASE)).first.click()

    def click_stop(self, i: int) -> None:
        """Click the Stop button in a cell's output."""
        self.click(i, r"\bstop\b")

    # -- saving

    def save(self) -> None:
        """Save the notebook, and wait until the file is written."""
        self.page.evaluate(f"async () => {{ await {_PANEL}.context.save(); }}")

    def saved(self) -> dict[str, Any]:
        """The content of the notebook file."""
        return dict(json.loads((self.lab.root / self.name).read_text()))

    def saved_outputs(self, i: int) -> list[dict[str, Any]]:
        return list(self.saved()["cells"][i]["outputs"])

    def trusted(self) -> bool:
        """Whether every cell is trusted, as the icon in the toolbar shows."""
        return bool(
            self.page.evaluate(
                f"() => Array.from({_PANEL}.content.widgets).every(c => c.model.trusted !== false)"
            )
        )

    # -- appearance

    def theme(self, name: str) -> None:
        """Select the theme 'JupyterLab Dark' or 'JupyterLab Light'."""
        self.page.evaluate(
            '(theme) => window.jupyterapp.commands.execute("apputils:change-theme", {theme})', name
        )
        light = str("Light" in name).lower()
        self.page.wait_for_function("(light) => document.body.dataset.jpThemeLight === light", arg=light)

    def resize(self, width: int, height: int = 900) -> None:
        """Change the size of the window, and wait until the page has changed its layout, which it does in an event."""
        if self.page.viewport_size == {"width": width, "height": height}:
            return
        self.page.evaluate(
            """() => { window.resized = new Promise(done => addEventListener(
                "resize", () => requestAnimationFrame(() => requestAnimationFrame(done)), {once: true})); }"""
        )
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate("window.resized")

    def collapse_left_area(self) -> None:
        """Hide the file browser of JupyterLab."""
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def screenshot(self, path: Path, i: int | None = None) -> Path:
        """Save a screenshot of the window or of the output of one cell; return its path."""
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        path.parent.mkdir(parents=True, exist_ok=True)
        if i is None:
            self.page.screenshot(path=path)
        else:
            self.output(i).screenshot(path=path)
        return path
