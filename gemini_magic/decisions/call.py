"""``gemini_magic.decide``: asks questions about one input, and waits for the answers."""

from __future__ import annotations

from typing import Any

from ..api import ask
from ..errors import OptionError
from ..prompts import keyword_remedies
from ..schema import read_questions
from .answers import Decisions

__all__ = ["decide"]


@keyword_remedies
def decide(
    questions: object,
    input: object,  # noqa: A002 - the API's own word
    *,
    attach: object = (),
    **options: Any,
) -> Decisions:
    """Ask questions about one input, and return their answers with probabilities. Experimental, as the API is.

    Args:
        questions: one question or a dict of questions by their ids. A question is a text, which is answered yes or no (``"Is
            this spam?"``) or with one of its options (``"What is it? sport | news"``); or a dict with ``question`` and
            ``options`` (a list, or descriptions by option), ``levels`` (texts, lowest first), or ``yes`` and ``no``.
        input: what is judged: a text; or a list of texts, parts and objects such as pictures and paths.
        attach: media beside the input, as for ``ask``.
        options: any option of ``%%gemini`` by name, such as ``model`` or ``timeout``.

    Returns:
        The answers by the ids of their questions; the id of a question without one is ``answer``.

    Raises:
        UsageProblem: a question, the input or an option is not valid, or no key was found. Nothing was sent.
        Interrupted: the user stopped it.
        GeminiMagicError: the request failed, the input was blocked, or a question was not answered as asked. ``response`` has
            what arrived.
    """
    if "tools" in options or "turns" in options:
        raise OptionError("A decision has neither tools nor earlier turns.", remedy="Leave them out.")
    if questions is None or (isinstance(questions, str) and not questions.strip()):
        raise OptionError("The question is empty.", remedy='Write decide("Is this spam?", text).')
    asked = read_questions(questions)
    response = ask(input, attach=attach, decide=asked, check=True, **options)
    if (problem := response.parse_error) is not None:
        problem.response = response
        raise problem
    return Decisions(response, asked)
