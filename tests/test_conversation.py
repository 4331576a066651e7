"""Conversations and the turn that is sent back."""

from gemini_magic.content import Call, Text, Thought, Turn
from gemini_magic.conversation import Conversation, answer_turn


def asked(question, answer):
    return Turn("user", (Text(question),)), Turn("model", (Text(answer),))


def test_turns_are_in_order_and_a_key_replaces_its_entry():
    chat = Conversation("tom")
    chat.put(asked("a", "1"), key="one")
    chat.put(asked("b", "2"), key="two")
    chat.put(asked("c", "3"))
    chat.put(asked("a!", "1!"), status="truncated", key="one")
    assert [turn.text for turn in chat.turns] == ["a!", "1!", "b", "2", "c", "3"]
    assert [turn.text for turn in chat.before("two")] == ["a!", "1!"]
    assert chat.before("unknown") == chat.turns == chat.before(None)
    assert chat.entries[0].status == "truncated"
    assert len(chat) == 3


def test_the_turns_after_a_changed_turn_are_stale_until_they_are_asked_again():
    chat = Conversation("tom")
    for name in "abc":
        chat.put(asked(name, "."), key=name)
    chat.put(asked("b", "."), key="b")
    assert not any(entry.stale for entry in chat.entries)
    assert chat.turn_number("b") == (2, 1, 0)
    chat.put(asked("b", "!"), key="b")
    assert [entry.stale for entry in chat.entries] == [False, False, True]
    assert chat.turn_number("new") == chat.turn_number(None) == (4, 0, 1)
    chat.put(asked("c", "?"), key="c")
    assert not any(entry.stale for entry in chat.entries)


def test_trim_removes_the_oldest():
    chat = Conversation("tom")
    for n in range(3):
        chat.append(asked(str(n), "."))
    chat.trim(5)
    assert len(chat) == 3
    chat.trim(1)
    assert chat.turns[0].text == "2"
    chat.clear()
    assert chat.turns == ()


def test_an_answer_is_sent_back_with_joined_text_and_signatures():
    parts = [
        Thought("hm"),
        Text("a"),
        Text("b"),
        Text(""),
        Text("c", signature="s"),
        Text("d"),
        Call("f", {}, signature="t"),
        Thought("kept", signature="u"),
    ]
    assert answer_turn(parts) == Turn(
        "model",
        (
            Text("ab"),
            Text("c", signature="s"),
            Text("d"),
            Call("f", {}, signature="t"),
            Thought("kept", signature="u"),
        ),
    )
    assert answer_turn([Thought("only")]) is None
    assert answer_turn([]) is None
