"""The answer as items in the order in which they arrived."""

from __future__ import annotations

import pytest
from media_samples import L16, add_part, end, ledger_of, picture, png, sound, thinking, tone

from gemini_magic.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    File,
    Opaque,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
)
from gemini_magic.ledger import (
    CallItem,
    Candidate,
    CodeRun,
    MediaItem,
    OtherItem,
    TextStretch,
    ToolItem,
)


def items(*parts, candidate=0):
    return Candidate(ledger_of(*parts, candidate=candidate), candidate).items


def kinds(found):
    return [type(item).__name__ if not isinstance(item, MediaItem) else item.kind for item in found]


@pytest.mark.parametrize("candidate", [0, 1])
def test_items_keep_the_order_of_the_parts_and_stretches_their_place_in_the_text(candidate):
    found = items("Be", "fore ", picture(), "äfter", Call("f"), "", picture(), candidate=candidate)
    assert kinds(found) == ["TextStretch", "picture", "TextStretch", "CallItem", "picture"]
    assert [item for item in found if isinstance(item, TextStretch)] == [(0, 7), (7, 12)]
    assert [item.number for item in found if isinstance(item, MediaItem)] == [0, 1]


def test_an_answer_of_text_is_one_stretch_and_an_empty_answer_has_no_item():
    assert items("a", thinking("hm"), "b", Text("", "signature")) == [TextStretch(0, 2)]
    assert items() == []


def test_thought_pictures_are_no_items_of_the_answer():
    assert kinds(items(thinking("hm"), picture(thought=True), "done", picture())) == [
        "TextStretch",
        "picture",
    ]


def test_pieces_of_audio_are_joined_also_if_a_transcript_lies_between_them():
    transcript = Transcript("la")
    one, two, three = sound(0.3, pieces=3)
    found = items(one, two, transcript, three, transcript, "Then:", one)
    assert kinds(found) == ["audio", "TextStretch", "audio"]
    assert found[0].data[44:] == tone(0.3)
    assert found[0].size == len(tone(0.3))
    assert found[1] == (0, len("lalaThen:"))


def test_audio_of_another_rate_or_format_is_another_item():
    wav, mp3 = Blob("audio/wav", b"RIFF"), Blob("audio/mp3", b"ID3")
    found = items(Blob(L16, b"ab"), Blob("audio/l16; rate=16000", b"cd"), mp3, mp3, wav)
    assert [item.data[-2:] for item in found[:2]] == [b"ab", b"cd"]
    assert kinds(found) == ["audio"] * 5


def test_a_result_finds_its_code_by_id_or_by_order():
    a, b = Code("1", "PYTHON", id="a"), Code("2", "PYTHON", id="b")
    found = items(a, b, CodeResult("OUTCOME_FAILED", "B", id="b"), CodeResult("OUTCOME_OK", "A", id="a"))
    assert [(run.code, run.output, run.ok) for run in found] == [("1", "A", True), ("2", "B", False)]
    found = items(Code("1"), "", CodeResult("OUTCOME_OK", "A"), Code("2"), CodeResult("OUTCOME_OK", "B"))
    assert [(run.code, run.output) for run in found] == [("1", "A"), ("2", "B")]


def test_a_run_without_a_result_is_unfinished_and_a_result_without_code_is_a_run():
    [run] = items(Code("1"))
    assert (run.ok, run.done, run.outcome) == (None, False, None)
    [run] = items(CodeResult("OUTCOME_OK", "A"))
    assert (run.code, run.output, run.ok) == ("", "A", True)


def test_pictures_directly_after_a_result_belong_to_the_run():
    result = CodeResult("OUTCOME_OK", "A")
    found = items(
        Code("1"), result, picture(), picture(), "Text.", picture(), Code("2"), Call("f"), picture()
    )
    assert [item.run for item in found if isinstance(item, MediaItem)] == [0, 0, None, None]


def test_a_call_in_pieces_is_one_item_that_grows():
    ledger = ledger_of(Call("f", will_continue=True), ended=False)
    candidate = Candidate(ledger, 0)
    [before] = candidate.items
    add_part(
        ledger,
        Call(
            None,
            partial_args=[{"jsonPath": "$.x", "stringValue": "a", "willContinue": True}],
            will_continue=True,
        ),
    )
    [middle] = candidate.items
    add_part(ledger, Call(None, partial_args=[{"jsonPath": "$.x", "stringValue": "b"}], will_continue=True))
    add_part(ledger, Call(None))
    add_part(ledger, Call("g", {"y": 1}))
    after = candidate.items
    assert [before.call.args, middle.call.args] == [{}, {"x": "a"}]
    assert [(item.call.name, item.call.args) for item in after] == [("f", {"x": "ab"}), ("g", {"y": 1})]


def test_an_item_that_did_not_change_stays_the_same_object():
    ledger = ledger_of("Text", picture(), Code("1"), ended=False)
    candidate = Candidate(ledger, 0)
    before = candidate.items
    add_part(ledger, CodeResult("OUTCOME_OK", "A"))
    add_part(ledger, " and more")
    after = candidate.items
    assert before[1] is after[1]
    assert before[2] is not after[2]
    assert after[3] == TextStretch(4, 13)


def test_server_tools_get_their_response_and_unknown_parts_keep_their_json():
    call = ToolCall("GOOGLE_SEARCH_WEB", "t", {"queries": ["x"]})
    response = ToolResult("GOOGLE_SEARCH_WEB", "t", {"a": 1})
    found = items(call, response, Opaque({"novelty": {"deep": 1}, "thoughtSignature": "s"}))
    tool, other = found
    assert isinstance(tool, ToolItem)
    assert (tool.tool, tool.args, tool.response) == ("GOOGLE_SEARCH_WEB", {"queries": ["x"]}, {"a": 1})
    assert isinstance(other, OtherItem)
    assert (other.name, other.size) == ("novelty", len('{"novelty":{"deep":1},"thoughtSignature":"s"}'))


def test_the_result_of_a_servers_tool_belongs_to_the_call_with_its_id():
    calls = [ToolCall("mcp_server_tool", ident, {"n": 1}, "forecast", "weather") for ident in "ab"]
    found = items(
        *calls,
        ToolResult("mcp_server_tool", "b", "no such city", is_error=True),
        ToolResult("mcp_server_tool", "a", None),
        ToolResult("retrieval", "x", [1]),
    )
    assert [(each.id, each.response, each.is_error) for each in found] == [
        ("a", {}, None),
        ("b", "no such city", True),
        ("x", [1], None),
    ]
    assert (found[0].tool, found[0].name, found[0].server) == ("mcp_server_tool", "forecast", "weather")


def test_an_unknown_step_has_the_name_of_its_type():
    (other,) = items(Opaque({"type": "teleport_call", "id": "t"}))
    assert other.name == "teleport_call"


def test_parts_without_data_and_unknown_thoughts_are_no_items():
    assert items(Opaque({}), Opaque({"thoughtSignature": "s"}), Opaque({"new": 1, "thought": True})) == []


def test_files_by_address_and_of_other_types_are_files():
    found = items(File("gs://bucket/a.pdf", "application/pdf"), Blob("application/pdf", b"%PDF-"))
    assert [(item.kind, item.number, item.uri) for item in found] == [
        ("file", 0, "gs://bucket/a.pdf"),
        ("file", 1, ""),
    ]


def test_joining_ten_thousand_pieces_of_audio_takes_linear_time():
    ledger = ledger_of(ended=False)
    candidate = Candidate(ledger, 0)
    for _ in range(10_000):
        add_part(ledger, Blob(L16, b"abcd"))
        candidate.items  # noqa: B018 - a view reads the items at each paint
    [found] = candidate.items
    assert found.size == 40_000


def test_hostile_pieces_do_not_break_the_items():
    parts = [
        Opaque({"toolCall": "no object"}),
        ToolResult("", None, None),
        Opaque({"audioTranscription": None}),
        Opaque({"lone": "\ud800"}),
        Blob("audio/L16;rate=0", b"x"),
        Blob("", png()),
        Code("", None, id=""),
        CodeResult(None, "", id="other"),
    ]
    found = items(*parts)
    assert kinds(found) == [
        "OtherItem",
        "ToolItem",
        "OtherItem",
        "OtherItem",
        "audio",
        "file",
        "CodeRun",
        "CodeRun",
    ]
    assert found[3].size > 0
    assert end(ledger_of(*parts, ended=False)).status == "complete"
    assert all(isinstance(item, CodeRun) for item in found[-2:])
    assert not isinstance(found[0], CallItem)
