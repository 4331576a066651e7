"""Which of Google's two protocols a model has: ``generateContent`` (backend gemini) or the Interactions API.

The server lists the methods of its models, but not the Interactions API. So the names decide: agents and the models below are
refused by ``generateContent`` ("This model only supports Interactions API.", answers of 2026-07 to 2026-09), or are listed
for the Interactions API only (google-genai 3.6.1). ai.google.dev, "Interactions API", says which older models it serves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .backend import Model
from .gemini import GEMINI, INTERACTIONS_ONLY
from .registry import chosen_backend

__all__ = [
    "AGENTS",
    "AUTO",
    "backends_of_model",
    "choose_backend",
    "has_both_protocols",
    "is_agent",
    "needs_interactions",
    "other_protocol",
]

AUTO: Final = "auto"
"""The value of ``--backend`` that chooses one of Google's protocols by the model and the options."""

AGENTS: Final = (
    "deep-research-preview-04-2026",
    "deep-research-max-preview-04-2026",
    "antigravity-preview-09-2026",
)
"""Google's agents, the newest version of each, for completion (google-genai 3.6.1, ``AgentOption``)."""

_INTERACTIONS: Final = "interactions"
_BOTH: Final = (GEMINI.name, _INTERACTIONS)
# How the names of agents begin, and of models that exist in the Interactions API only.
_AGENTS: Final = ("deep-research-", "antigravity-", "code-mender")
_ONLY: Final = ("gemini-omni", "gemini-4-", "lyria-3.5")
# A pattern of the other models that it serves.
_SERVED: Final = (
    r"gemini-(?:2\.5|[3-9]|(?:flash|flash-lite|pro)-latest|robotics-er)|gemma-4|lyria-3|nano-banana"
)


def _name(model: str) -> str:
    return model.removeprefix("models/").lower()


def is_agent(model: str) -> bool:
    """Whether a name is that of one of Google's agents."""
    return _name(model).startswith(_AGENTS)


def needs_interactions(model: str) -> bool:
    """Whether a model exists in the Interactions API only."""
    return _name(model).startswith(_AGENTS + _ONLY)


def backends_of_model(model: Model) -> tuple[str, ...]:
    """The backends that a model of Google's list works with; empty for a model that answers no prompts.

    Args:
        model: the model, with the methods that the server lists.
    """
    if needs_interactions(model.name):
        return (_INTERACTIONS,)
    if model.methods and "generateContent" not in model.methods:
        return ()
    return _BOTH if re.match(_SERVED, _name(model.name)) else (GEMINI.name,)


def has_both_protocols(name: str) -> bool:
    """Whether a backend is one of Google's two protocols for the same models."""
    return name in _BOTH


def other_protocol(name: str, model: str) -> str:
    """What to do about a model that a backend does not have, because it may exist in the other protocol; empty elsewhere."""
    if name == GEMINI.name and needs_interactions(model):
        return "This model exists in the Interactions API only: use --backend interactions."
    if name == _INTERACTIONS and not needs_interactions(model):
        return "Some models exist in the older API only: try --backend gemini. `%gemini models` lists the models."
    return ""


def choose_backend(options: Mapping[str, Any], default_model: str) -> tuple[str, str]:
    """The backend of a call: for ``auto``, and by default, it depends on the model and the options.

    By default, a server other than Google's is asked with the default backend; ``auto`` chooses for it, too.

    Args:
        options: the options that are set, by name.
        default_model: the model if none is set.

    Returns:
        Its name, and why it was chosen; empty if it was not.

    Raises:
        OptionError: the options request decisions, and the server of the backend has none.
    """
    decides = options.get("decide") is not None
    name: str = options.get("backend", GEMINI.name if options.get("base_url") else AUTO)
    if name != AUTO or decides:
        return chosen_backend(GEMINI.name if name == AUTO else name, decides=decides), ""
    model = options.get("model", default_model)
    if option := next((flag for each, flag in INTERACTIONS_ONLY.items() if options.get(each)), ""):
        return _INTERACTIONS, f"{option} needs it"
    if needs_interactions(model):
        return _INTERACTIONS, f"the model {model} exists there only"
    return GEMINI.name, "the model exists there" if "backend" in options else ""
