"""Captures what a tool prints and displays, each tool for itself, although several run at the same time.

One wrapper around ``sys.stdout`` and ``sys.stderr`` looks up in a context variable to which tool a text belongs, so the output of
parallel tools is never mixed, and the output of other code passes through. It is installed only while tools run. ``redirect_stdout`` cannot be
used: two threads that overlap would leave ``sys.stdout`` replaced for good.
"""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO, UnsupportedOperation
from typing import Any, Final, Literal, Self

__all__ = ["ToolOutput", "capturing", "collect_figures", "current_output", "open_figures"]

_MOST_TEXT: Final = 100_000  # characters that are kept of stdout, and of stderr
_MOST_DISPLAYED: Final = 5_000_000  # bytes of all displays of one tool
_MOST_DISPLAYS: Final = 50
_NAMES: Final = ("stdout", "stderr")


class ToolOutput:
    """What one tool printed and displayed, up to a limit. Any thread may write and read it.

    Attributes:
        version: increases with every change.
    """

    def __init__(self) -> None:
        self.version = 0
        self._texts: dict[str, list[str]] = {name: [] for name in _NAMES}
        self._sizes = dict.fromkeys(_NAMES, 0)
        self._displays: list[dict[str, Any]] = []
        self._displayed = 0
        self._left_out = 0  # displays
        self._lock = threading.Lock()

    def write(self, name: Literal["stdout", "stderr"], text: str) -> None:
        """Add a text that was printed."""
        with self._lock:
            left = _MOST_TEXT - self._sizes[name]
            if left > 0:
                self._texts[name].append(text[:left])
            self._sizes[name] += len(text)
            self.version += 1

    def display(self, bundle: dict[str, Any]) -> None:
        """Add a MIME bundle that was displayed."""
        size = sum(len(value) if isinstance(value, str | bytes) else 100 for value in bundle.values())
        with self._lock:
            self.version += 1
            if len(self._displays) >= _MOST_DISPLAYS or self._displayed + size > _MOST_DISPLAYED:
                self._left_out += 1
                return
            self._displayed += size
            self._displays.append(bundle)

    def clear(self) -> None:
        """Forget everything, as ``clear_output`` does."""
        with self._lock:
            self._texts = {name: [] for name in _NAMES}
            self._sizes = dict.fromkeys(_NAMES, 0)
            self._displays, self._displayed, self._left_out = [], 0, 0
            self.version += 1

    def text(self, name: Literal["stdout", "stderr"]) -> str:
        """The text so far; its end says how much was left out."""
        with self._lock:
            text, missing = "".join(self._texts[name]), self._sizes[name] - _MOST_TEXT
        return f"{text}\n… {missing:,} more characters" if missing > 0 else text

    def displays(self) -> tuple[dict[str, Any], ...]:
        """The MIME bundles so far; the last one says how many were left out."""
        with self._lock:
            found = tuple(self._displays)
            left_out = self._left_out
        return (*found, {"text/plain": f"… {left_out:,} more displays"}) if left_out else found


_current: ContextVar[ToolOutput | None] = ContextVar("gemini_magic_tool_output", default=None)


class _Router:
    """A stream that passes the text of a tool to its output, and every other text to the stream it replaces."""

    def __init__(self, original: Any, name: Literal["stdout", "stderr"]) -> None:
        self._original = original
        self._name = name

    def write(self, text: str) -> int:
        output = _current.get()
        if output is None:
            written: int = self._original.write(text)
            return written
        output.write(self._name, str(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if _current.get() is None:
            self._original.flush()

    def close(self) -> None:
        """Close the stream; a tool closes nothing, as the stream is that of the session."""
        if _current.get() is None:
            self._original.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def detach(self) -> Any:
        """Raises ``UnsupportedOperation`` in a tool: without its buffer, the session could not print any more."""
        if _current.get() is not None:
            raise UnsupportedOperation("A tool cannot detach the stream of the session.")
        return self._original.detach()

    def isatty(self) -> bool:
        return _current.get() is None and bool(self._original.isatty())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _Installation:
    """The wrappers around the two streams, installed while at least one tool runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._routers: dict[str, _Router] = {}

    def add(self) -> None:
        with self._lock:
            self._users += 1
            for name in _NAMES:
                stream = getattr(sys, name)
                if stream is not None and not isinstance(stream, _Router):
                    self._routers[name] = _Router(stream, "stdout" if name == "stdout" else "stderr")
                    setattr(sys, name, self._routers[name])

    def remove(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            for name, router in self._routers.items():
                if getattr(sys, name) is router:  # other code has replaced it meanwhile, and may put it back
                    setattr(sys, name, router._original)  # noqa: SLF001 - this module
            self._routers.clear()


_INSTALLATION = _Installation()


def current_output() -> ToolOutput | None:
    """What the running tool has printed and displayed; None outside a tool."""
    return _current.get()


@contextmanager
def capturing(output: ToolOutput) -> Iterator[None]:
    """Capture what the block prints and displays, on this thread or in this task only."""
    token = _current.set(output)
    _INSTALLATION.add()
    unhook = _hook_displays()
    try:
        yield
    finally:
        unhook()
        _INSTALLATION.remove()
        _current.reset(token)


def _hook_displays() -> Callable[[], None]:
    """Let this thread's displays of a kernel pass through :func:`_take_display`; returns what ends that."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    publisher: Any = getattr(shell, "display_pub", None)
    if not hasattr(publisher, "register_hook"):  # without a kernel a display is printed
        return lambda: None
    hook = _DisplayHook()
    publisher.register_hook(hook)
    return lambda: publisher.unregister_hook(hook)


class _DisplayHook:
    """A hook of ipykernel's display publisher: takes the displays of a tool, and lets all others pass."""

    def __call__(self, message: dict[str, Any]) -> dict[str, Any] | None:
        output = _current.get()
        if output is None:
            return message
        if message["msg_type"] == "clear_output":
            output.clear()
        else:
            output.display(dict(message["content"]["data"]))
        return None


def open_figures() -> set[int]:
    """The numbers of the open figures of matplotlib; empty if it is not in use."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set() if pyplot is None else set(pyplot.get_fignums())


def collect_figures(output: ToolOutput, before: set[int], result: object = None) -> None:
    """Add the figures that a tool left open to its output, and close them, so that no cell shows them again.

    Args:
        output: the output of the tool.
        before: the figures that were open before it ran.
        result: what the tool returned; a figure is its result then, and no output.
    """
    pyplot = sys.modules.get("matplotlib.pyplot")
    for number in sorted(open_figures() - before):
        figure = pyplot.figure(number)  # type: ignore[union-attr] # there are figures
        if figure is result or figure is getattr(result, "figure", None):
            pyplot.close(figure)  # type: ignore[union-attr] # as above
            continue
        data = BytesIO()
        try:
            figure.savefig(data, format="png", bbox_inches="tight")
        except Exception as problem:  # noqa: BLE001 - code of the user's figure
            output.display({"text/plain": f"A figure cannot be drawn: {type(problem).__name__}"})
        else:
            output.display({"image/png": base64.b64encode(data.getvalue()).decode()})
        pyplot.close(figure)  # type: ignore[union-attr] # there are figures
