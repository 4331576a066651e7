"""Registers the magics, the transformer and the matcher with a shell, and unregisters them."""

from __future__ import annotations

from typing import Any

from traitlets.config import Config

from .magics import GeminiMagics
from .matcher import MATCHER, matcher_for
from .transformer import CellTransformer

__all__ = ["load", "unload"]


def load(shell: Any) -> None:
    """Register ``%%gemini`` and ``%gemini``. A second call changes nothing."""
    if _loaded(shell):
        return
    foreign = shell.find_cell_magic("gemini")
    # An empty configuration, because the traits it would set are declared only when they are needed.
    magics = GeminiMagics(shell=shell, config=Config())
    GeminiMagics.active = magics
    shell.register_magics(magics)
    shell.input_transformers_cleanup.insert(0, CellTransformer(shell, magics))
    _matchers(shell).append(matcher_for(magics))
    if "GeminiMagics" in shell.config:
        magics.declare()
    magics.warm_up.start()
    if foreign is not None:
        print(  # noqa: T201 - messages.print_lines would import IPython.display
            f"%%gemini was registered by {foreign.__module__}. gemini_magic has replaced it."
        )


def unload(shell: Any) -> None:
    """Unregister what :func:`load` registered. A second call changes nothing."""
    for transformer in _loaded(shell):
        magics = transformer.magics
        magics.warm_up.stop()
        shell.input_transformers_cleanup.remove(transformer)
        ours = [each for each in _matchers(shell) if getattr(each, "matcher_identifier", "") == MATCHER]
        for matcher in ours:
            _matchers(shell).remove(matcher)
        if magics in shell.configurables:
            shell.configurables.remove(magics)
        GeminiMagics.active = None
        shell.magics_manager.registry.pop("GeminiMagics", None)
        for table in shell.magics_manager.magics.values():
            if getattr(table.get("gemini"), "__self__", None) is magics:
                del table["gemini"]


def _loaded(shell: Any) -> list[CellTransformer]:
    return [each for each in shell.input_transformers_cleanup if isinstance(each, CellTransformer)]


def _matchers(shell: Any) -> list[Any]:
    """The shell's list of custom matchers; an unused list if its completer has none."""
    matchers: list[Any] = getattr(shell.Completer, "custom_matchers", [])
    return matchers
