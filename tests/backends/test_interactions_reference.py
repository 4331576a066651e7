"""Fields that the Interactions API does not document are named with their place."""

from __future__ import annotations

from interaction_bodies import USAGE, completed, created, delta, start, stop

from gemini_magic.backends.interactions_reference import undocumented_in_interactions


def unknown(value):
    return sorted(undocumented_in_interactions(value))


def test_documented_events_have_no_unknown_fields():
    for event in (
        created(),
        start(0, "function_call", id="1", name="f", arguments={"anything": 1}),
        delta(0, "arguments_delta", arguments="{}"),
        stop(0, usage=USAGE, step_usage=USAGE),
        completed(service_tier="standard", created="c", updated="u"),
        {"id": "i", "status": "completed", "steps": [{"type": "thought", "signature": "s"}], "usage": USAGE},
    ):
        assert unknown(event) == []


def test_unknown_fields_have_their_place():
    assert unknown(
        {
            "event_type": "step.stop",
            "novelty": 1,
            "usage": {"raw_prompt_token": 1, "more": 1},
            "step": {"glow": 1},
            "delta": {"wave": 1, "type": "telepathy"},
            "interaction": {"mood": 1, "steps": [{"aura": 1}]},
        }
    ) == [
        ("unknown-field", name)
        for name in (
            "delta.wave",
            "interaction.mood",
            "novelty",
            "step.aura",
            "step.glow",
            "usage.more",
        )
    ]
    for value in (None, [], 1, {"interaction": 1, "usage": [], "step": "x"}, {"steps": [1, None]}):
        assert unknown(value) == []
