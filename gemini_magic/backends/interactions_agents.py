"""Agents and runs in the background: the fields of their requests, and what a request asks of the server.

Reference: ai.google.dev, "Deep Research", "Antigravity agent" and "Background execution". No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..content import RequestSettings
from ..errors import OptionError
from ..text import one_line, read_json
from .interactions_api import RequestedInteraction

__all__ = [
    "agent_fields",
    "check_agent",
    "check_body",
    "requested_interaction",
    "runs_in_background",
    "with_config_type",
]

RESEARCH: Final = "deep-research"
# The type of `agent_config`, by the beginning of an agent's name.
_TYPES: Final = (RESEARCH, "antigravity", "code-mender")
_MAX_NAME: Final = 100  # characters
_MAX_BUDGET: Final = 10**15  # tokens


def agent_fields(settings: RequestSettings) -> dict[str, Any]:
    """The fields of a request that name its agent; empty without an agent.

    The summaries of a research are requested: without them, it is silent for minutes.
    """
    if settings.agent is None:
        return {}
    research = _config_type(settings.agent) == RESEARCH
    config = {"agent_config": {"type": RESEARCH, "thinking_summaries": "auto"}} if research else {}
    return {"agent": settings.agent, **config}


def runs_in_background(settings: RequestSettings) -> bool:
    """Whether the server goes on without a connection: if the user asks for it, and always in a research."""
    research = settings.agent is not None and _config_type(settings.agent) == RESEARCH
    return settings.server_background or research


def check_agent(settings: RequestSettings, config: Mapping[str, Any]) -> None:
    """Refuse what agents do not have.

    Args:
        settings: the settings of the request.
        config: the generation settings that would be sent.

    Raises:
        OptionError: the name of the agent is not valid, or there are generation settings.
    """
    agent = settings.agent
    if agent is None:
        return
    if not agent or len(agent) > _MAX_NAME or not all(each.isalnum() or each in "-_./" for each in agent):
        raise OptionError(
            f"{one_line(agent)[:_MAX_NAME]!r} is not the name of an agent.",
            remedy="Use a name such as --agent deep-research-preview-04-2026.",
        )
    if config:
        raise OptionError(
            f"Agents have no generation settings, but the request sets {', '.join(sorted(config))}.",
            remedy="Leave them out. `-p agent_config.NAME=VALUE` sets a setting of the agent.",
        )


def check_body(body: Mapping[str, Any]) -> None:
    """Refuse what the server would refuse, when the user's own fields are in the body.

    Raises:
        OptionError: an answer in the background is not stored, or both an agent and a model are named.
    """
    if body.get("background") is True and body.get("store") is False:
        raise OptionError(
            "An answer in the background has to be stored by the server, but the request has store=false.",
            remedy="Leave out store, or --server-background.",
        )
    if body.get("agent") is not None and body.get("model") is not None:
        raise OptionError(
            "The request names both an agent and a model, but only one of them can answer.",
            remedy="Use --agent NAME without -m. The model of some agents is set with -p agent_config.model=NAME.",
        )


def with_config_type(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a request whose settings of the agent have their type, which the API requires."""
    agent, config = body.get("agent"), body.get("agent_config")
    if not (isinstance(agent, str) and isinstance(config, dict)) or "type" in config:
        return body
    return {**body, "agent_config": {"type": _config_type(agent) or "dynamic", **config}}


def requested_interaction(body: bytes) -> RequestedInteraction:
    """What the body of a request asks of the server; see :class:`~.interactions_api.RequestedInteraction`. Never raises."""
    try:
        value = read_json(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        return RequestedInteraction()
    agent, config, previous = (
        value.get(each) for each in ("agent", "agent_config", "previous_interaction_id")
    )
    budget = config.get("max_total_tokens") if isinstance(config, dict) else None
    known = isinstance(budget, int) and not isinstance(budget, bool) and 0 < budget < _MAX_BUDGET
    return RequestedInteraction(
        stored=value.get("store") is not False,
        background=value.get("background") is True,
        agent=one_line(agent)[:_MAX_NAME] if isinstance(agent, str) else "",
        budget=budget if known else None,
        previous=previous if isinstance(previous, str) else "",
    )


def _config_type(agent: str) -> str:
    return next((each for each in _TYPES if agent.startswith(each)), "")
