"""Batch jobs of the Gemini API: their requests, and the answers as they were recorded and as they may be broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from gemini_magic.backends import backend
from gemini_magic.backends.backend import Endpoint
from gemini_magic.content import Blob, Request, RequestSettings, Text, Turn
from gemini_magic.errors import OptionError, PromptError

GEMINI = backend("gemini")
API = GEMINI.batches
BASE = "https://generativelanguage.googleapis.com"
NAME = "batches/31u18uq6dr4ods3957z38i1mbfa581k01xcq"
KIND = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"


def asked(text="2+2?", *parts, **settings):
    settings = RequestSettings(service_tier="batch", **settings)
    return Request(model="gemini-2.5-flash", turns=(Turn("user", (Text(text), *parts)),), settings=settings)


def operation(state="PENDING", *, output=None, top=None, **fields):
    """An operation as recorded, with its counts as texts and times of nine decimals."""
    metadata = {
        "@type": KIND,
        "model": "models/gemini-2.5-flash",
        "displayName": "mine",
        "createTime": "2026-08-19T14:34:12.267870162Z",
        "batchStats": {"requestCount": "2", "pendingRequestCount": "2"},
        "state": f"BATCH_STATE_{state}",
        "name": NAME,
        **fields,
    }
    if output is not None:
        metadata["output"] = output
    return {"name": NAME, "metadata": metadata, **(top or {})}


def inline(*rows):
    return {"inlinedResponses": {"inlinedResponses": list(rows)}}


def answered(key, text="4"):
    return {
        "response": {"candidates": [{"content": {"parts": [{"text": text}]}}]},
        "metadata": {"custom_id": key},
    }


# ------------------------------------------------------------------------------ requests


def test_a_job_with_its_requests_inside_is_written_as_recorded():
    rows = [API.inline_row(asked(temperature=0.5), "0"), API.inline_row(asked("3+3?"), "1")]
    http = API.create_inline(Endpoint(), "gemini-2.5-flash", "a name", rows)
    assert (http.method, http.url) == ("POST", f"{BASE}/v1beta/models/gemini-2.5-flash:batchGenerateContent")
    assert json.loads(http.body) == {
        "batch": {
            "displayName": "a name",
            "inputConfig": {
                "requests": {
                    "requests": [
                        {
                            "request": {
                                "model": "models/gemini-2.5-flash",
                                "contents": [{"role": "user", "parts": [{"text": "2+2?"}]}],
                                "generationConfig": {"temperature": 0.5},
                            },
                            "metadata": {"custom_id": "0"},
                        },
                        {
                            "request": {
                                "model": "models/gemini-2.5-flash",
                                "contents": [{"role": "user", "parts": [{"text": "3+3?"}]}],
                            },
                            "metadata": {"custom_id": "1"},
                        },
                    ]
                }
            },
        }
    }


def test_a_job_of_a_file_names_the_file_and_each_line_has_a_key():
    line = API.file_row(asked("one\ntwo\u2028three\x85four"), "k-1")
    assert len(line.decode().splitlines()) == 1
    value = json.loads(line)
    assert value["key"] == "k-1"
    assert value["request"]["contents"][0]["parts"] == [{"text": "one\ntwo\u2028three\x85four"}]
    http = API.create_from_file(Endpoint(), "gemini-2.5-flash", "a name", "files/abc")
    assert json.loads(http.body) == {
        "batch": {"displayName": "a name", "inputConfig": {"fileName": "files/abc"}}
    }


def test_media_are_inside_the_rows():
    row = json.loads(API.inline_row(asked("What?", Blob("image/png", b"x" * 9000)), "0"))
    data = row["request"]["contents"][0]["parts"][1]["inlineData"]["data"]
    assert data.startswith("eHh4") and len(data) == 12000


def test_the_other_requests_have_the_documented_urls():
    endpoint = Endpoint()
    assert [
        (each.method, each.url.removeprefix(BASE))
        for each in (
            API.get(endpoint, NAME),
            API.cancel(endpoint, NAME),
            API.delete(endpoint, NAME),
            API.list(endpoint, "a b"),
            *API.download(endpoint, "files/batch-1"),
        )
    ] == [
        ("GET", f"/v1beta/{NAME}"),
        ("POST", f"/v1beta/{NAME}:cancel"),
        ("DELETE", f"/v1beta/{NAME}"),
        ("GET", "/v1beta/batches?pageSize=100&pageToken=a%20b"),
        ("GET", "/v1beta/files/batch-1:download?alt=media"),
        ("GET", "/download/v1beta/files/batch-1:download?alt=media"),
    ]


@pytest.mark.parametrize("name", ["gemini", "vertex", "adaptive", "echo", "gateway"])
def test_a_single_request_of_the_batch_tier_is_refused(name):
    dialect = backend(name)
    project = Endpoint(project="p" if name == "vertex" else None)
    with pytest.raises((OptionError, PromptError), match=r"rows only|service tier"):
        dialect.encode(asked(), project)


def test_only_the_gemini_api_has_batch_jobs():
    others = [backend(name) for name in ("vertex", "adaptive", "echo", "gateway")]
    assert [each.batches for each in others] == [None] * 4
    assert "Cloud Storage" in backend("vertex").batch_remedy


def test_tokens_are_counted_without_the_batch_tier():
    assert b"serviceTier" not in GEMINI.count.encode(asked(), Endpoint()).body


# ------------------------------------------------------------------------------ jobs


def test_a_pending_job_is_read_as_recorded():
    job = API.read(operation())
    assert job.name == NAME
    assert (job.state, job.reported_state, job.ended) == ("pending", "BATCH_STATE_PENDING", False)
    assert (job.requests, job.succeeded, job.failed, job.pending) == (2, 0, 0, 2)
    assert job.created == datetime(2026, 8, 19, 14, 34, 12, 267870, UTC)
    assert job.display_name == "mine"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("BATCH_STATE_RUNNING", ("running", False)),
        ("BATCH_STATE_SUCCEEDED", ("succeeded", True)),
        ("JOB_STATE_SUCCEEDED", ("succeeded", True)),
        ("BATCH_STATE_CANCELLED", ("cancelled", True)),
        ("BATCH_STATE_EXPIRED", ("expired", True)),
        ("BATCH_STATE_FAILED", ("failed", True)),
        ("JOB_STATE_QUEUED", ("pending", False)),
        ("JOB_STATE_CANCELLING", ("running", False)),
        ("JOB_STATE_PARTIALLY_SUCCEEDED", ("succeeded", True)),
        ("BATCH_STATE_UNSPECIFIED", ("unknown", False)),
        ("BATCH_STATE_NAPPING", ("unknown", False)),
        (7, ("unknown", False)),
        (None, ("unknown", False)),
    ],
)
def test_every_state_is_read_and_an_unknown_one_has_not_ended(state, expected):
    value = operation()
    value["metadata"]["state"] = state
    job = API.read(value)
    assert (job.state, job.ended) == expected


def test_an_operation_that_is_done_has_ended_whatever_its_state_is_called():
    assert API.read(operation("NEW_WORD", top={"done": True, "response": {}}))[2:5:2] == ("succeeded", True)
    failed = API.read(operation("RUNNING", top={"done": True, "error": {"code": 13, "message": "boom"}}))
    assert (failed.state, failed.ended) == ("failed", True)


def test_a_failed_job_has_the_reason_with_the_name_of_its_rpc_code():
    job = API.read(operation("FAILED", top={"done": True, "error": {"code": 8, "message": "Quota."}}))
    assert (job.failure.code, job.failure.status, job.failure.message) == (
        429,
        "RESOURCE_EXHAUSTED",
        "Quota.",
    )


def test_a_job_without_the_envelope_of_an_operation_is_read():
    job = API.read(operation("SUCCEEDED", output={"responsesFile": "files/batch-1"})["metadata"])
    assert (job.name, job.state, job.result_file) == (NAME, "succeeded", "files/batch-1")


@pytest.mark.parametrize("name", ["files/../x", "https://evil.example/f", 5, None, "files/" + "a" * 300])
def test_a_strange_result_file_is_not_fetched(name):
    assert API.read(operation("SUCCEEDED", output={"responsesFile": name})).result_file == ""


@pytest.mark.parametrize(
    "value", [None, [], {}, {"name": "batches/../x"}, {"name": 5}, {"metadata": []}, "x"]
)
def test_an_answer_without_a_job_is_none(value):
    assert API.read(value) is None


def test_the_list_is_read_from_its_operations():
    jobs, page = API.read_list({"operations": [operation(), 7, {"name": "x"}], "nextPageToken": "next"})
    assert ([each.display_name for each in jobs], page) == (["mine"], "next")
    assert API.read_list({}) == ([], "")
    assert API.read_list({"operations": {"a": 1}, "nextPageToken": 5}) == ([], "")


# ------------------------------------------------------------------------------ results


def body(output=None, **top):
    return json.dumps(operation("SUCCEEDED", output=output, top={"done": True, **top})).encode()


@pytest.mark.parametrize("place", ["metadata", "response", "both"])
def test_results_are_found_in_either_place(place):
    output = inline(answered("0"), answered("1", "6"))
    found, bad = API.inline_answers(
        body(output if place != "response" else None, **({"response": output} if place != "metadata" else {}))
    )
    assert [each.key for each in found] == ["0", "1"]
    assert bad == 0
    assert json.loads(found[1].body)["candidates"][0]["content"]["parts"] == [{"text": "6"}]


def test_the_place_with_more_results_counts():
    found, _ = API.inline_answers(body(inline(answered("0")), response=inline(answered("0"), answered("1"))))
    assert len(found) == 2


def test_the_answer_is_kept_byte_by_byte():
    raw = b'{"metadata":{"output":{"inlinedResponses":{"inlinedResponses":[{"response":{ "a" :1.50, "a":2},"metadata":{"custom_id":"0"}}]}}}}'
    assert API.inline_answers(raw)[0][0].body == b'{ "a" :1.50, "a":2}'


def test_a_failed_request_has_the_name_of_its_rpc_code():
    error = {"code": 3, "message": "Bad.", "details": []}
    (found,), _ = API.inline_answers(body(inline({"error": error, "metadata": {"custom_id": "0"}})))
    assert (found.key, found.failure.code, found.failure.status) == ("0", 400, "INVALID_ARGUMENT")
    assert json.loads(found.body) == {"error": error}


def test_results_without_metadata_have_no_key():
    rows = [
        {"response": {}},
        {"response": {}, "metadata": {}},
        {"response": {}, "metadata": {"custom_id": 7}},
    ]
    assert [each.key for each in API.inline_answers(body(inline(*rows)))[0]] == [None] * 3


@pytest.mark.parametrize(
    "row", [None, 5, [], {}, {"response": None}, {"response": "text"}, {"metadata": {"custom_id": "0"}}]
)
def test_a_result_that_is_neither_an_answer_nor_an_error_is_counted(row):
    found, bad = API.inline_answers(body(inline(row, answered("1"))))
    assert ([each.key for each in found], bad) == (["1"], 1)


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{", b"\xff", b'{"metadata":5}', b"[" * 100_000, b'{"response":' + b"[" * 100_000],
)
def test_a_body_without_results_is_empty(raw):
    assert API.inline_answers(raw) == ([], 0)


def test_the_lines_of_a_file_are_read():
    good = API.file_answer(b'{"response":{"a":1},"key":"r-1"}')
    assert (good.key, good.body, good.failure) == ("r-1", b'{"a":1}', None)
    bad = API.file_answer(b'{"error":{"code":14,"message":"later"},"key":"r-2"}')
    assert (bad.key, bad.failure.code, bad.failure.status) == ("r-2", 503, "UNAVAILABLE")
    assert API.file_answer(b'{"response":{},"metadata":{"key":"r-3"}}').key == "r-3"


@pytest.mark.parametrize(
    "line", [b"", b"{", b"5", b'"x"', b'{"key":"r"}', b'{"key":"r","response":[]}', b"\xff\xfe"]
)
def test_a_line_that_cannot_be_read_is_none(line):
    assert API.file_answer(line) is None


@pytest.mark.parametrize("error", [b'"gone"', b"{}", b"5", b"[" * 5000 + b"]" * 5000])
def test_an_error_of_any_shape_is_an_error(error):
    found = API.file_answer(b'{"key":"r","error":%b}' % error)
    assert found is None or found.failure.message
