"""Renders Markdown with nbconvert's HTML exporter, as it does with the saved outputs of a notebook."""

from __future__ import annotations

import re

import nbformat
from nbconvert.exporters import HTMLExporter

_BEGIN = 'data-mime-type="text/markdown" tabindex="0">'


def exported(texts):
    """Return the HTML of each Markdown text in the page that nbconvert makes of a notebook.

    Every second output is a mark, so that HTML that leaves its output is noticed.
    """
    outputs = []
    for number, text in enumerate(texts):
        for data in (text, f"MARK{number}END"):
            outputs.append(nbformat.v4.new_output("display_data", {"text/markdown": data}))
    cell = nbformat.v4.new_code_cell("1", outputs=outputs)
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    pieces = re.split(r"MARK\d+END", page)
    assert len(pieces) == len(texts) + 1
    return [piece[piece.index(_BEGIN) + len(_BEGIN) :] for piece in pieces[:-1]]
