"""The notebooks of the tour with the answers that they replay: one module for each notebook.

Such a module contains ``NAME``, the file name of the notebook without its ending; ``CELLS``, pairs of a kind (``markdown``, ``code``,
``code!`` for a cell that fails, or ``code-`` for one that is folded) and a source; and ``recordings()``, which returns the lines of its recordings by their names.
A new module is found by its ``NAME``.
"""

from __future__ import annotations

import importlib
import pkgutil


def notebooks() -> list:
    """The modules of the notebooks, by their names."""
    found = [
        importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)
    ]
    return sorted((module for module in found if hasattr(module, "NAME")), key=lambda module: module.NAME)
