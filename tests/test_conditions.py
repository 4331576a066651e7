"""Conditions on rows: what each form finds, and what is said of one that cannot be meant."""

import pytest
from heard import counts, heard, said

from gemini_magic.errors import OptionError

R = heard(
    said({"text": "hm", "thought": True}, usage=counts(5, 0, thoughtsTokenCount=7)),
    said("# Title\n"),
    said("one ", "two", finish="STOP", usage=counts(5, 4, thoughtsTokenCount=9)),
)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("kind=text", [1]),
        ("kind != text", [0, 2]),
        ("kind~^text", [1, 2]),
        ("kind!~usage", [1]),
        ("t<0.15", [0]),
        ("t >= 0.2", [1, 2]),
        ("index=1", [1]),
        ("text='one two'", [2]),
        ("finish_reason=null", [0, 1]),
        ("finish_reason!=null", [2]),
        ("usageMetadata.thoughtsTokenCount > 7", [2]),
        ("usageMetadata.thoughtsTokenCount>=7", [0, 2]),
        ("usageMetadata=null", [1]),
        ("candidates.0.finishReason=STOP", [2]),
        ("candidates[0].finishReason == STOP", [2]),
        ("candidates.-1.finishReason=STOP", [2]),
        ("candidates.*.content.parts.*.text~^#", [1]),
        ("candidates.*.content.parts.*.text =~ two", [2]),
        ("candidates.0.content.parts.1.text=two", [2]),
        ("candidates.0.content.parts.0.thought=true", [0]),
        ("candidates.0.content.parts.0.thought=1", []),
        ("candidates.0.content.parts.0.thought!=true", [1, 2]),
        ("json.usageMetadata.totalTokenCount=18", [2]),
        ("json~STOP", [2]),
        ("candidates.0.content.parts.9.text=x", []),
        ("usageMetadata.toolUsePromptTokenCount>0", []),  # a field that may come, and did not
    ],
)
def test_a_condition_finds_its_rows(condition, found):
    assert R.chunks.where(condition)["index"] == found


def test_several_conditions_are_met_by_rows_that_meet_all():
    rows = R.chunks.where("kind~text", "usageMetadata.totalTokenCount>1", lambda row: row.t > 0.2, round=0)
    assert rows["index"] == [2]
    assert rows.where("kind=nothing")["index"] == []
    assert [row.text for row in R.chunks[1:].where("text!=''")] == ["# Title\n", "one two"]


def test_counts_that_came_as_texts_have_an_order():
    r = heard(said("a", usage={"totalTokenCount": "12"}), said("b", usage={"totalTokenCount": 5}))
    assert r.chunks.where("usageMetadata.totalTokenCount>6")["index"] == [0]


def test_the_events_are_asked_by_their_own_fields():
    assert R.events.where("kind=text", "part.text~Title")["chunk"] == [1]


@pytest.mark.parametrize(
    ("condition", "message", "remedy"),
    [
        ("kind", "'kind' is no condition.", "FIELD OP VALUE"),
        ("", "'' is no condition.", "FIELD OP VALUE"),
        ("a..b=1", "'a..b=1' is no condition.", "FIELD OP VALUE"),
        ("text~(", "cannot be read", "Put a \\"),
        ("t<soon", "'soon' is no number", "t<0.5"),
        ("knid=text", "There is no field 'knid'", "Did you mean kind?"),
        ("usage_metadata.totalTokenCount>1", "no field 'usage_metadata'", "Did you mean usageMetadata?"),
        (
            "candidates.0.finishReson=STOP",
            "'candidates.0.finishReson'",
            "Did you mean candidates.0.finishReason?",
        ),
        ("candidates.*.finish_reason=STOP", "finish_reason", "Did you mean candidates.*.finishReason?"),
        ("zzz=1", "There is no field 'zzz'", "There are: index, round, "),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_a_remedy(condition, message, remedy):
    with pytest.raises(OptionError) as caught:
        R.chunks.where(condition)
    assert message in caught.value.message
    assert remedy in caught.value.remedy


def test_a_table_without_json_knows_its_columns_only():
    assert R.usage_history.where("thoughts_delta=2")["chunk"] == [2]
    with pytest.raises(OptionError) as caught:
        R.usage_history.where("usageMetadata.totalTokenCount>1")
    assert "There are: chunk, t, prompt" in caught.value.remedy


def test_no_rows_meet_anything():
    empty = heard(b"", end=None).chunks
    assert len(empty.where("kind=text", "candidates.0.finishReason=STOP")) == 0
