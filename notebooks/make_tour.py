"""Writes the notebooks of the tour, without outputs, from the cells in ``tour``, so that changes are readable as text.

``make_tour.py [FOLDER]`` writes into this folder instead of its own. ``ruff format`` also checks notebooks: format the code cells as it
would.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from tour import notebooks


def notebook(name: str, cells: list[tuple[str, str]]) -> nbformat.NotebookNode:
    """Return a notebook of these cells; a ``code!`` cell is expected to fail, and JupyterLab folds a ``code-`` cell."""
    made = nbformat.v4.new_notebook()
    made.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, (kind, source) in enumerate(cells):
        make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = make(source, id=f"{name}-{number:02d}")
        if kind == "code!":
            cell.metadata["tags"] = ["raises-exception"]
        if kind == "code-":
            cell.metadata["jupyter"] = {"source_hidden": True}
        made.cells.append(cell)
    return made


def main(folder: Path) -> None:
    """Write the notebooks."""
    for module in notebooks():
        target = folder / f"{module.NAME}.ipynb"
        made = notebook({"01-first-cell": "tour"}.get(module.NAME, module.NAME[3:]), module.CELLS)
        nbformat.write(made, target)
        print(f"{target.name}: {len(module.CELLS)} cells")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
