"""Draws figures of plotting libraries as PNG, by their own methods; none of the libraries is imported here."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Final

from ..content import Blob
from .pictures import drawn_blob
from .source import MediaSource, reason_of

__all__ = ["altair_blob", "figure_blob", "figure_of", "plotly_blob"]

_MOST_PIXELS: Final = 50_000_000  # of a figure; drawing a larger one can use up the memory
_GROWTH: Final = 4  # how many times larger than the figure the box around everything drawn may be
_NESTED: Final = 5  # figures inside figures
_LARGE: Final = 1_000_000  # pixels of a figure that is compressed in little time


def figure_of(value: Any) -> Any | None:
    """The figure of matplotlib to which something belongs: axes, an artist, or several of one figure.

    None if it belongs to no figure, or if several values belong to different ones.
    """
    if isinstance(value, Iterable) and not hasattr(value, "savefig"):
        figures = [figure_of(each) for each in getattr(value, "flat", value)]
        first = figures[0] if figures else None
        return first if all(figure is first for figure in figures) else None
    for _ in range(_NESTED):
        if value is None or hasattr(value, "savefig"):
            return value
        value = getattr(value, "figure", None)
    return None


def figure_blob(value: Any, source: MediaSource) -> Blob:
    """The media part of a figure of matplotlib, or of a grid of seaborn, cropped as a notebook shows it.

    Raises:
        PromptError: it belongs to no figure, is empty or too large, or cannot be drawn.
    """
    figure = figure_of(value)
    if figure is None:
        raise source.problem(
            "does not belong to a figure any more.", "Insert the figure, or draw it again in the same cell."
        )
    figure = getattr(figure, "figure", None) or figure  # a grid's figure
    if len(figure.get_children()) <= 1:  # the background
        raise source.problem("is an empty figure.", "Draw something in it first.")
    width, height = figure.get_size_inches() * figure.dpi
    if not width * height <= _MOST_PIXELS:
        raise source.problem(
            f"is a figure of {width:,.0f} × {height:,.0f} pixels, which is too large to be drawn.",
            "Make it smaller with set_size_inches(...) or set_dpi(...).",
        )
    target = io.BytesIO()
    is_large = width * height > _LARGE
    try:
        figure.savefig(
            target,
            format="png",
            dpi=figure.dpi,
            bbox_inches="tight" if _can_crop(figure) else None,
            **({"pil_kwargs": {"compress_level": 1}} if is_large else {}),
        )
    except Exception as error:  # matplotlib raises many types
        raise source.problem(
            f"cannot be drawn: {reason_of(error)}.",
            "Fix the figure. Nothing was sent.",
        ) from error
    return drawn_blob(target.getvalue(), source)


def _can_crop(figure: Any) -> bool:
    """Whether the box around everything drawn is about as large as the figure; something drawn far outside enlarges it."""
    try:
        box = figure.get_tightbbox()
        area = figure.get_size_inches().prod()
        return bool(0 < box.width * box.height <= area * _GROWTH)
    except Exception:  # noqa: BLE001 - saving it reports the problem
        return False


def plotly_blob(figure: Any, source: MediaSource) -> Blob:
    """The media part of a figure of plotly, which kaleido and a browser draw.

    Raises:
        PromptError: it is empty, kaleido or a browser is missing, or it cannot be drawn.
    """
    layout = figure.layout
    if not (figure.data or layout.annotations or layout.shapes or layout.images):
        raise source.problem("is an empty figure.", "Add a trace to it first.")
    try:
        data = figure.to_image(format="png")
    except Exception as error:  # the export raises many types
        text = f"{type(error).__name__}: {error}".lower()
        if "kaleido" in text and ("requires" in text or "install" in text):
            message, remedy = (
                "cannot be drawn: plotly exports images with the package kaleido, which is not installed.",
                "Run %pip install kaleido; it also needs Chrome or Chromium.",
            )
        elif "chrome" in text or "browser" in text:
            message, remedy = (
                "cannot be drawn: kaleido found no Chrome or Chromium, or could not start it.",
                "Install Chrome, or run `plotly_get_chrome` in a terminal.",
            )
        else:
            message = f"cannot be drawn: {reason_of(error)}."
            remedy = "Fix the figure. Nothing was sent."
        raise source.problem(message, remedy) from error
    return drawn_blob(data, source)


def altair_blob(chart: Any, source: MediaSource) -> Blob:
    """The media part of a chart of altair, which vl-convert draws.

    Raises:
        PromptError: vl-convert is missing, or the chart cannot be drawn.
    """
    target = io.BytesIO()
    try:
        chart.save(target, format="png", scale_factor=2)
    except Exception as error:  # altair raises many types
        if "vl-convert" in str(error) or "vl_convert" in str(error):
            message, remedy = (
                "cannot be drawn: altair exports images with the package vl-convert-python, which is not installed.",
                "Run %pip install vl-convert-python.",
            )
        else:
            message = f"cannot be drawn: {reason_of(error)}."
            remedy = "Fix the chart. Nothing was sent."
        raise source.problem(message, remedy) from error
    return drawn_blob(target.getvalue(), source)
