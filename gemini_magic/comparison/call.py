"""``gemini_magic.compare``: asks several models, or with several values of options, and waits for all answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..api import request_of_call, resolved_options, tools_of_call
from ..content import Turn
from ..errors import OptionError
from ..prompts import keyword_remedies
from .comparison import Comparison
from .plan import options_of_column, plan_columns
from .start import PlannedRequest, interruption, start_columns

__all__ = ["compare"]


@keyword_remedies
def compare(
    prompt: object,
    *,
    models: Sequence[str] = (),
    sweep: Mapping[str, Sequence[Any]] | None = None,
    repeat: int = 1,
    attach: object = (),
    tools: object = (),
    turns: Sequence[Turn] = (),
    check: bool = False,
    **options: Any,
) -> Comparison:
    """Ask the same question with several models or values of options, all at once, and wait for the answers.

    An answer that fails leaves the others: its column has the error. Interrupting the wait stops all streams and raises
    ``Interrupted``, whose ``comparison`` has everything that was received.

    Args:
        prompt: the question, as for ``ask``.
        models: the models, such as ``["gemini-3-flash", "vertex:gemini-3-pro"]``; empty for the one of the options.
        sweep: the values of options by their names, such as ``{"temperature": [0, 0.5, 1]}``; every combination is asked.
        repeat: how many times each of them is asked.
        attach: media beside the question, as for ``ask``.
        tools: functions that each model may call, as for ``ask``; plain ones run on the calling thread, one after the other.
        turns: the conversation that the question continues, oldest turn first.
        check: whether to raise the error of the first answer that has one.
        options: any option of ``%%gemini`` by name.

    Raises:
        UsageProblem: a model, a value or an option is not valid, or no key was found. Nothing was sent.
        Interrupted: the user stopped it.
        GeminiMagicError: with ``check``, an answer failed or is not usable.
    """
    if isinstance(models, str):
        models = [each.strip() for each in models.split(",")]
    if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 1:
        raise OptionError(
            f"repeat must be an integer of 1 or greater, not {repeat!r}.", remedy="Write repeat=3."
        )
    shared, _ = resolved_options(options)
    given = {name: value for name, value in options.items() if value not in (None, False)}
    plans = plan_columns(shared, given, models=models, sweep=sweep or {}, repeat=repeat)
    offered = tools_of_call(tools, shared)
    columns: list[PlannedRequest] = []
    notices: tuple[str, ...] = ()
    for plan in plans:
        resolved, sources = resolved_options({**options, **plan.changes})
        resolved = options_of_column(resolved)
        request, notices = request_of_call(prompt, attach, resolved, turns, offered)
        columns.append(PlannedRequest(plan, request, resolved, sources, offered))
    comparison = start_columns(columns, notices=notices)
    try:
        comparison.wait()
    except KeyboardInterrupt:
        comparison.cancel("interrupt")
        raise interruption(comparison) from None
    except BaseException:
        comparison.cancel()
        raise
    return comparison.raise_for_status() if check else comparison
