"""Tools in every backend: declarations, the choice, the server's tools, calls and results; or a clear error before sending."""

from __future__ import annotations

import base64
import json
from contextlib import nullcontext

import pytest
from dialects import CALL, FORMS, SIGNATURE, STEPS, answer, serve
from fake_server import event, finish, google_error, status

import gemini_magic
from gemini_magic.backends import Endpoint, backend, names
from gemini_magic.content import (
    Blob,
    Call,
    CallResult,
    File,
    FunctionDeclaration,
    Request,
    RequestSettings,
    ResultMedia,
    Text,
    Thought,
    ToolChoice,
    Turn,
)
from gemini_magic.conversation import answer_turn
from gemini_magic.errors import OptionError, SchemaError
from gemini_magic.ledger import answer_turns
from gemini_magic.tools import result_of, results_turn

WITHOUT_TOOLS = {"gateway"}  # no request with tools is sent
WITH_FLAG = {"gemini", "echo"}  # has the field that combines the server's tools with functions
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = FunctionDeclaration(name="weather", description="Weather.", parameters=SCHEMA)
BARE = FunctionDeclaration(name="now")
WRITTEN = {"name": "book", "parameters": {"type": "OBJECT"}, "response": {"type": "STRING"}}
AS_WRITTEN = FunctionDeclaration(name="book", written=WRITTEN)
QUESTION = Turn("user", (Text("hi"),))
PNG = Blob("image/png", b"\x89PNG\r\n\x1a\n")


def encoded(dialect, *turns, model="gemini-3-flash-preview", **settings):
    request = Request(model=model, turns=turns or (QUESTION,), settings=RequestSettings(**settings))
    return backend(dialect).encode(request, Endpoint())


def body(dialect, *turns, **settings):
    return json.loads(encoded(dialect, *turns, **settings).body)


def refused(dialect):
    if dialect in WITHOUT_TOOLS:
        return pytest.raises(OptionError, match=f"The {dialect} backend does not support")
    return nullcontext()


@pytest.mark.parametrize("dialect", names())
def test_functions_are_declared_and_chosen_or_refused(dialect):
    with refused(dialect):
        sent = body(
            dialect, functions=(WEATHER, BARE, AS_WRITTEN), tool_choice=ToolChoice("any", ("weather",))
        )
        if dialect in STEPS:
            assert sent["tools"] == [
                {"type": "function", "name": "weather", "description": "Weather.", "parameters": SCHEMA},
                {"type": "function", "name": "now"},
                {"type": "function", "name": "book", "parameters": {"type": "object"}},
            ]
            allowed = {"allowed_tools": {"mode": "any", "tools": ["weather"]}}
            assert sent["generation_config"] == {"tool_choice": allowed}
            return
        assert sent["tools"] == [
            {
                "functionDeclarations": [
                    {"name": "weather", "description": "Weather.", "parametersJsonSchema": SCHEMA},
                    {"name": "now"},
                    WRITTEN,
                ]
            }
        ]
        assert sent["toolConfig"] == {
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}
        }


@pytest.mark.parametrize("dialect", names())
@pytest.mark.parametrize("mode", ["auto", "any", "none"])
def test_each_mode_is_sent(dialect, mode):
    with refused(dialect):
        sent = body(dialect, functions=(WEATHER,), tool_choice=ToolChoice(mode))
        if dialect in STEPS:
            assert sent["generation_config"] == {"tool_choice": mode}
            return
        assert sent["toolConfig"] == {"functionCallingConfig": {"mode": mode.upper()}}


@pytest.mark.parametrize("dialect", names())
def test_the_tools_of_the_server_combine_with_functions(dialect):
    with refused(dialect):
        sent = body(
            dialect,
            tools=("search", "code_execution", "url_context", "maps"),
            file_search=("fileSearchStores/a",),
            functions=(WEATHER,),
        )
        if dialect in STEPS:
            kinds = [
                "google_search",
                "code_execution",
                "url_context",
                "google_maps",
                "file_search",
                "function",
            ]
            assert [tool["type"] for tool in sent["tools"]] == kinds
            assert sent["tools"][4]["file_search_store_names"] == ["fileSearchStores/a"]
            return
        assert [next(iter(tool)) for tool in sent["tools"]] == [
            "googleSearch",
            "codeExecution",
            "urlContext",
            "googleMaps",
            "fileSearch",
            "functionDeclarations",
        ]
        assert sent["tools"][4] == {"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/a"]}}
        flag = {"includeServerSideToolInvocations": True} if dialect in WITH_FLAG else None
        assert sent.get("toolConfig") == flag
        assert "toolConfig" not in body(dialect, tools=("search",))
        assert "toolConfig" not in body(dialect, functions=(WEATHER,))


@pytest.mark.parametrize("dialect", names())
def test_functions_and_a_schema_for_the_answer_are_both_sent(dialect):
    with refused(dialect):
        sent = body(dialect, functions=(WEATHER,), schema=SCHEMA, json_output=True)
        if dialect in STEPS:
            form = {"type": "text", "mime_type": "application/json", "schema": SCHEMA}
            assert (sent["response_format"], sent["tools"][0]["type"]) == (form, "function")
            assert "response_format" not in body(dialect, functions=(WEATHER,), json_output=True)
            return
        assert sent["generationConfig"]["responseJsonSchema"] == SCHEMA
        assert sent["generationConfig"]["responseMimeType"] == "application/json"
        assert "functionDeclarations" in sent["tools"][0]
        plain = body(dialect, functions=(WEATHER,), json_output=True)  # most models refuse this one
        assert "generationConfig" not in plain


@pytest.mark.parametrize("dialect", sorted(set(names()) - WITHOUT_TOOLS))
def test_parameters_are_rewritten_for_the_server_and_what_cannot_be_is_refused(dialect):
    rule = {"type": "object", "properties": {"n": {"type": "number", "exclusiveMinimum": 0, "default": 3}}}
    function = FunctionDeclaration(name="f", parameters=rule)
    (tool,) = body(dialect, functions=(function,))["tools"]
    if dialect in STEPS:
        parameters = tool["parameters"]
    else:
        (declared,) = tool["functionDeclarations"]
        parameters = declared["parametersJsonSchema"]
    assert parameters["properties"]["n"] == {
        "type": "number",
        "description": "more than 0",
    }
    impossible = {"type": "object", "properties": {"n": {"not": {"type": "string"}}}}
    with pytest.raises(SchemaError, match="f: n"):
        encoded(dialect, functions=(FunctionDeclaration(name="f", parameters=impossible),))


RESULT = CallResult("look", {"output": {"$ref": "look-1.png"}}, "c1", media=(ResultMedia("look-1.png", PNG),))


@pytest.mark.parametrize("dialect", names())
@pytest.mark.parametrize(("model", "inside"), [("gemini-3-flash-preview", True), ("gemini-2.5-flash", False)])
def test_media_of_a_result_are_sent_inside_it_or_after_all_results(dialect, model, inside):
    plain = CallResult("look", {"output": 1}, None)
    turns = (QUESTION, Turn("model", (Call("look", {}, "c1"), Call("look"))), Turn("user", (RESULT, plain)))
    with refused(dialect):
        if dialect in STEPS:
            first, second = body(dialect, *turns, model=model)["input"][-2:]
            data = base64.b64encode(PNG.data).decode()
            assert first == {
                "type": "function_result",
                "call_id": "c1",
                "name": "look",
                "result": [
                    {"type": "text", "text": '{"output": {"$ref": "look-1.png"}}'},
                    {"type": "image", "mime_type": "image/png", "data": data},
                ],
            }
            assert (second["call_id"], second["result"]) == ("", {"output": 1})
            return
        parts = body(dialect, *turns, model=model)["contents"][-1]["parts"]
        data = {"mimeType": "image/png", "data": base64.b64encode(PNG.data).decode()}
        first = {"id": "c1", "name": "look", "response": {"output": {"$ref": "look-1.png"}}}
        second = {"functionResponse": {"name": "look", "response": {"output": 1}}}
        if inside:
            first["parts"] = [{"inlineData": {**data, "displayName": "look-1.png"}}]
            assert parts == [{"functionResponse": first}, second]
        else:
            assert parts == [{"functionResponse": first}, second, {"inlineData": data}]


def test_a_file_in_a_result_keeps_its_address():
    file = ResultMedia("a.pdf", File("gs://b/a.pdf", "application/pdf"))
    (part,) = body("vertex", Turn("user", (CallResult("f", {}, media=(file,)),)))["contents"][0]["parts"]
    assert part["functionResponse"]["parts"] == [
        {"fileData": {"fileUri": "gs://b/a.pdf", "mimeType": "application/pdf", "displayName": "a.pdf"}}
    ]


ROUND_TRIPS = [
    (dialect, form)
    for dialect, forms in FORMS.items()
    for form in forms
    if dialect not in {*WITHOUT_TOOLS, "echo"}
]


@pytest.mark.parametrize(("dialect", "form"), ROUND_TRIPS)
def test_a_turn_with_calls_goes_back_part_for_part_with_its_results(fake_server, dialect, form):
    prompt, asked = serve(fake_server, dialect, form, "thought", "text", "call")
    r = gemini_magic.ask(prompt, **asked)
    (turn,) = answer_turns(r.ledger)
    answered = results_turn([result_of(call, ["sunny"]).result for call in r.calls])
    gemini_magic.ask(Text("and then?"), turns=[QUESTION, turn, answered], **asked)
    if dialect in STEPS:
        steps = fake_server.requests[-1].body["input"]
        kinds = ["user_input", "thought", "model_output", "function_call", "function_result", "user_input"]
        assert [step["type"] for step in steps] == kinds
        assert steps[1]["signature"] == SIGNATURE
        assert steps[2]["content"] == [{"type": "text", "text": "Hello, wörld 😀."}]
        called = {"name": CALL["name"], "id": CALL["id"], "arguments": CALL["args"], "signature": SIGNATURE}
        assert steps[3] == {"type": "function_call", **called}
        answered = {"call_id": CALL["id"], "name": CALL["name"], "result": {"output": ["sunny"]}}
        assert steps[4] == {"type": "function_result", **answered}
        return
    contents = fake_server.requests[-1].body["contents"]
    assert contents[1]["role"] == "model"
    thought, text, call = contents[1]["parts"]
    assert (thought["thought"], thought["thoughtSignature"]) == (True, SIGNATURE)
    assert text == {"text": "Hello, wörld 😀."}
    assert call == {"functionCall": CALL, "thoughtSignature": SIGNATURE}
    assert contents[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "call-1", "name": CALL["name"], "response": {"output": ["sunny"]}}}
        ],
    }


SERVER_PARTS = [
    {
        "toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}},
        "thoughtSignature": "AA==",
    },
    {"text": ""},
    {
        "toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {}},
        "thoughtSignature": "A" * 42_000,
    },
    {"executableCode": {"language": "PYTHON", "code": "1", "id": "c"}, "thoughtSignature": "Ag=="},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1", "id": "c"}},
    {"functionCall": CALL, "thoughtSignature": SIGNATURE},
    {"functionCall": {"name": "now"}},
]


def test_calls_of_the_servers_tools_go_back_with_their_signatures(fake_server):
    events = [
        event({"candidates": [{"content": {"role": "model", "parts": [part]}}]}) for part in SERVER_PARTS
    ]
    fake_server.model("m", *events, finish())
    asked = {"model": "m", "base_url": fake_server.base_url}
    r = gemini_magic.ask("hi", **asked)
    answered = results_turn([result_of(call, 1).result for call in r.calls])
    gemini_magic.ask("more", turns=[QUESTION, answer_turn(r.parts), answered], **asked)
    _, model, user, _ = fake_server.requests[-1].body["contents"]
    empty = SERVER_PARTS.index({"text": ""})
    *before, bare = SERVER_PARTS[:empty] + SERVER_PARTS[empty + 1 :]
    assert model["parts"] == [*before, {"functionCall": {**bare["functionCall"], "args": {}}}]
    assert [part["functionResponse"].get("id") for part in user["parts"]] == ["call-1", None]


SIGNED_EMPTY = Text("", "c2ln")


@pytest.mark.parametrize("dialect", sorted(set(names()) - WITHOUT_TOOLS))
def test_empty_texts_with_a_signature_and_calls_without_an_id_go_back_as_they_are(dialect):
    parts = (Thought("t"), Text("a"), Text("b"), Call("f", {"x": 1.0}, None, "YWJj"), Call("g"), SIGNED_EMPTY)
    turns = (
        QUESTION,
        answer_turn(parts),
        results_turn([CallResult("f", {"output": 1}), CallResult("g", {})]),
    )
    if dialect in STEPS:
        _, output, first, second, *results = body(dialect, *turns)["input"]
        assert output == {"type": "model_output", "content": [{"type": "text", "text": "ab"}]}
        assert first == {
            "type": "function_call",
            "id": "",
            "name": "f",
            "arguments": {"x": 1.0},
            "signature": "YWJj",
        }
        assert second == {"type": "function_call", "id": "", "name": "g", "arguments": {}}
        assert [each["name"] for each in results] == ["f", "g"]
        return
    _, model, user = body(dialect, *turns)["contents"]
    assert model["parts"] == [
        {"text": "ab"},
        {"functionCall": {"name": "f", "args": {"x": 1.0}}, "thoughtSignature": "YWJj"},
        {"functionCall": {"name": "g", "args": {}}},
        {"text": "", "thoughtSignature": "c2ln"},
    ]
    assert [part["functionResponse"]["name"] for part in user["parts"]] == ["f", "g"]
    assert all("id" not in part["functionResponse"] for part in user["parts"])


def test_calls_in_pieces_go_back_whole():
    pieces = (
        Call("f", will_continue=True, signature="YWJj"),
        Call(
            None,
            partial_args=[{"jsonPath": "$.a", "stringValue": "x", "willContinue": True}],
            will_continue=True,
        ),
        Call(None, partial_args=[{"jsonPath": "$.a", "stringValue": "y"}], will_continue=True),
        Call(None),
    )
    _, model = body("vertex", QUESTION, answer_turn(pieces))["contents"]
    assert model["parts"] == [
        {"functionCall": {"name": "f", "args": {"a": "xy"}}, "thoughtSignature": "YWJj"}
    ]


@pytest.mark.parametrize("dialect", sorted(WITHOUT_TOOLS))
def test_a_history_with_calls_is_refused_where_there_are_none(dialect):
    with pytest.raises(OptionError, match="does not support function calls and their results"):
        encoded(dialect, QUESTION, Turn("model", (Call("f"),)), QUESTION)
    with pytest.raises(OptionError, match="does not support function calls and their results"):
        encoded(dialect, Turn("user", (RESULT,)))


def weather(city: str) -> str:
    """Weather of a city."""
    return city


@pytest.mark.parametrize("dialect", names())
def test_nothing_is_sent_by_a_backend_without_tools(fake_server, dialect):
    asked = answer(fake_server, dialect, "sse")
    with refused(dialect):
        gemini_magic.ask("@call other {}" if dialect == "echo" else "hi", tools=[weather], **asked)
    if dialect in WITHOUT_TOOLS:
        assert fake_server.requests == []


REFUSALS = {
    "Function calling with a response mime type: 'application/json' is unsupported": "Leave out the tools, --schema",
    "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.": (
        "-p toolConfig.includeServerSideToolInvocations=true"
    ),
    'Invalid JSON payload received. Unknown name "parametersJsonSchema" at tools': "a declaration with `parameters`",
    "Tool use with function calling is unsupported": "Leave out one of them",
    "Built-in tools ({google_search}) and Function Calling cannot be combined in the same request.": (
        "Leave out one of them"
    ),
    "Multiple tools are supported only when they are all search tools.": "Leave out one of them",
    "Function calling is not enabled for models/gemma-3-1b-it": "Leave out the tools",
    "Search Grounding is not supported.": "Leave out its option",
    "Code execution is not enabled for models/x": "Leave out its option",
    "Google Maps tool is not enabled for this model": "Leave out its option",
    "Function call is missing a thought_signature in functionCall parts. This is required": "--fresh",
    "Invalid/Corrupted thought signature.": "--fresh",
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn.": "--fresh",
}


@pytest.mark.parametrize("message", REFUSALS)
def test_a_refusal_that_depends_on_the_model_has_its_remedy(fake_server, message):
    fake_server.model("m", status(400, body=google_error(400, message, "INVALID_ARGUMENT")))
    r = gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, retries=0)
    assert message in r.error.message
    assert REFUSALS[message] in r.error.remedy


def echoed(turns):
    """The parts that the echo answers to a conversation."""
    http = backend("echo").encode(Request(model="echo", turns=turns), Endpoint())
    events = [json.loads(piece[6:]) for _, piece in backend("echo").local(http)]
    return [part for event in events for part in event["candidates"][0]["content"]["parts"]]


def test_the_echo_calls_functions_in_rounds_and_then_shows_their_results():
    turns = (Turn("user", (Text('@call a {"x": 1}\n@call b\nDone.\n@call c no json'),)),)
    first = echoed(turns)
    assert [part["functionCall"] for part in first] == [
        {"id": "call-1", "name": "a", "args": {"x": 1}},
        {"id": "call-2", "name": "b", "args": {}},
    ]
    assert ["thoughtSignature" in part for part in first] == [True, False]
    model = Turn("model", (Call("a", {"x": 1}, "call-1"), Call("b", {}, "call-2")))
    turns += (model, results_turn([CallResult("a", {"output": 1}), CallResult("b", {"error": "no"})]))
    (second,) = echoed(turns)
    assert second["functionCall"] == {"id": "call-3", "name": "c", "args": {}}
    turns += (Turn("model", (Call("c", {}, "call-3"),)), results_turn([CallResult("c", {"output": 3})]))
    text = "".join(part["text"] for part in echoed(turns))
    assert text == 'Done.\na: {"output": 1}\nb: {"error": "no"}\nc: {"output": 3}\n'
