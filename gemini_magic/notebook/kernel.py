"""Reads the current execute request of a shell's kernel: its ids, its code, and what the front end supports."""

from __future__ import annotations

import sys
from typing import Any

__all__ = [
    "allows_input",
    "cell_of",
    "code_of",
    "handles_widget",
    "has_kernel",
    "message_of",
    "runs_unattended",
    "stop_button_works",
]

_STOP_BUTTON = 7  # the first major version of ipykernel that handles comm messages while a cell is awaited


def has_kernel(shell: Any) -> bool:
    """Whether the shell runs in a Jupyter kernel."""
    return getattr(shell, "kernel", None) is not None


def _parent(shell: Any) -> dict[str, Any]:
    """The message that the kernel is handling; empty outside a kernel."""
    if not has_kernel(shell):
        return {}
    parent = shell.get_parent() if hasattr(shell, "get_parent") else getattr(shell, "parent_header", None)
    return parent if isinstance(parent, dict) else {}


def _field(shell: Any, part: str, name: str) -> Any:
    section = _parent(shell).get(part)
    return section.get(name) if isinstance(section, dict) else None


def _executing(shell: Any) -> bool:
    return bool(_field(shell, "header", "msg_type") == "execute_request")


def message_of(shell: Any) -> str | None:
    """The id of the current execute request, or None."""
    found = _field(shell, "header", "msg_id")
    return str(found) if found and _executing(shell) else None


def code_of(shell: Any) -> str | None:
    """The code of the current execute request, exactly as it was sent, or None."""
    code = _field(shell, "content", "code")
    return code if isinstance(code, str) and _executing(shell) else None


def cell_of(shell: Any) -> str | None:
    """The id of the current cell, or None if the front end does not send it."""
    found = _field(shell, "metadata", "cellId")
    return str(found) if found else None


def allows_input(shell: Any) -> bool:
    """Whether the user can be asked for input: in a front end that supports it, or in a terminal."""
    if shell is None:
        return False
    if has_kernel(shell):
        return _executing(shell) and bool(_field(shell, "content", "allow_stdin"))
    return sys.stdin is not None and sys.stdin.isatty()


def runs_unattended(shell: Any) -> bool:
    """Whether the current cell runs without a user, as in nbclient, papermill and ``jupyter execute``."""
    return has_kernel(shell) and _executing(shell) and not allows_input(shell)


def handles_widget(shell: Any) -> bool:
    """Whether the kernel handles a message from a widget, such as a click, so that a user is at the page."""
    return bool(_field(shell, "header", "msg_type") == "comm_msg")


def stop_button_works(shell: Any, *, awaited: bool) -> bool:
    """Whether the kernel handles a click on a button while the current cell runs."""
    if not (awaited and has_kernel(shell)):
        return False
    version = sys.modules["ipykernel"].version_info if "ipykernel" in sys.modules else (0,)
    return int(version[0]) >= _STOP_BUTTON
