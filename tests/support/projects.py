"""Files of a project, which the user trusts or not."""

from __future__ import annotations

from pathlib import Path

from gemini_magic.config import project_table
from gemini_magic.project_files import trust


def write_project(folder: Path, settings: str, *, trusted: bool = False) -> Path:
    """Write settings into the `pyproject.toml` of a folder; returns its path."""
    path = folder / "pyproject.toml"
    path.write_text(f"[tool.gemini_magic]\n{settings}")
    if trusted:
        trust(str(path), project_table(path))
    return path
