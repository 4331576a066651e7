"""Serves pages that were loaded while an answer was arriving: a comm target of the kernel.

The labextension opens a comm with the ids of the answers whose end it has not received. The kernel sends their states
again and replies with the ids that it does not know. Those answers were cut off when an earlier kernel ended.
"""

from __future__ import annotations

from typing import Any

from .. import views

__all__ = ["TARGET", "register", "unregister"]

TARGET = "gemini_magic"
_MAX_IDS = 100  # of one request; the labextension stores no more answers


def register(shell: Any) -> None:
    """Register the comm target; do nothing outside a kernel."""
    manager = _manager(shell)
    if manager is not None:
        manager.register_target(TARGET, _opened)


def unregister(shell: Any) -> None:
    """Unregister the comm target."""
    manager = _manager(shell)
    if manager is not None and manager.targets.get(TARGET) is _opened:
        manager.unregister_target(TARGET, _opened)


def _manager(shell: Any) -> Any:
    return getattr(getattr(shell, "kernel", None), "comm_manager", None)


def _opened(comm: Any, message: dict[str, Any]) -> None:
    """Reply to a page: ``{"ids": [...]}`` is answered by ``{"unknown": [...]}``."""
    data = message.get("content", {}).get("data")
    ids = data.get("ids") if isinstance(data, dict) else None
    asked = [each for each in ids[:_MAX_IDS] if isinstance(each, str)] if isinstance(ids, list) else []
    comm.send({"unknown": views.send_states(asked)})
    comm.close()
