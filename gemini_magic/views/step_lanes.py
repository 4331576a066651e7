"""The steps of an answer as lanes of a timeline: one lane for each kind of step, with a bar from its beginning to its end.

The number of lanes and bars does not depend on the number of steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from .steps import ShownStep, step_kind
from .units import duration

__all__ = ["StepLane", "StepSpan", "step_lanes"]

_MAX_LANES: Final = 8
_MAX_SPANS: Final = 80  # of a lane; steps that are closer together are one bar
_MAX_LABEL: Final = 11  # letters of the name of a lane
_OTHER: Final = "other steps"
_NAMES: Final = {
    "model_output": "output",
    "google_search": "search",
    "code_execution": "code",
    "function": "functions",
    "url_context": "pages",
    "google_maps": "maps",
    "file_search": "files",
    "mcp_server_tool": "MCP",
    "processing": "media",
}


class StepSpan(NamedTuple):
    """One step, a use of a tool with its result, or several steps that are close together.

    Attributes:
        start, end: seconds since the first request was sent.
        steps: how many steps.
        tokens: of all of them; None where the server did not report any.
        label: what it is.
    """

    start: float
    end: float
    steps: int
    tokens: int | None
    label: str

    @property
    def title(self) -> str:
        """The label with its times and tokens."""
        what = self.label if self.steps == 1 else f"{self.label}, {self.steps:,} steps"
        tokens = "" if self.tokens is None else f", {self.tokens:,} tokens"
        return f"{what}, {duration(self.start)} – {duration(self.end)}{tokens}"


class StepLane(NamedTuple):
    """The steps of one kind.

    Attributes:
        kind: the type of the steps without ``_call`` and ``_result``.
        name: a short name.
        spans: in order of their beginnings.
    """

    kind: str
    name: str
    spans: list[StepSpan]


def step_lanes(steps: Iterable[ShownStep], end: float) -> list[StepLane]:
    """Return the lanes of the steps, in the order in which their kinds began.

    Args:
        steps: the steps in order.
        end: the length of the axis in seconds; a step that has not ended lasts until then.
    """
    found: dict[str, list[StepSpan]] = {}
    calls: dict[tuple[str, str], tuple[str, int]] = {}  # the lane and place of each call, by its kind and id
    for step in steps:
        kind = step_kind(step.type)
        lane = kind if kind in found or len(found) < _MAX_LANES - 1 else _OTHER
        spans = found.setdefault(lane, [])
        start = min(max(0.0, step.started), end)
        span = StepSpan(
            start, max(start, min(end if step.ended is None else step.ended, end)), 1, step.tokens, step.label
        )
        called = calls.pop((kind, step.id), None) if step.type.endswith("_result") else None
        if called is not None:
            lane, place = called
            found[lane][place] = _joined(found[lane][place], span)._replace(
                label=found[lane][place].label, steps=found[lane][place].steps
            )
            continue
        if spans and span.start - spans[-1].end < end / _MAX_SPANS:
            spans[-1] = _joined(spans[-1], span)
        else:
            spans.append(span)
        if step.type.endswith("_call") and step.id:
            calls[kind, step.id] = lane, len(spans) - 1
    return [
        StepLane(kind, _NAMES.get(kind, kind.replace("_", " "))[:_MAX_LABEL], spans)
        for kind, spans in found.items()
        if spans
    ]


def _joined(first: StepSpan, second: StepSpan) -> StepSpan:
    counts = [each.tokens for each in (first, second) if each.tokens is not None]
    return StepSpan(
        min(first.start, second.start),
        max(first.end, second.end),
        first.steps + second.steps,
        sum(counts) if counts else None,
        first.label,
    )
