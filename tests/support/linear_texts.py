"""The adversarial texts and bodies of `tests/linear`, for the tests that use them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

__all__ = ["BODIES", "TEXTS"]

_FOLDER = Path(__file__).parent.parent / "linear"


def _loaded(path: Path):
    spec = importlib.util.spec_from_file_location(f"linear_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _texts():
    found = {}
    for path in sorted(_FOLDER.glob("texts_*.py")):
        texts = _loaded(path).TEXTS
        assert not found.keys() & texts.keys()
        found |= texts
    return found


TEXTS = _texts()
BODIES = _loaded(_FOLDER / "bodies.py").BODIES
