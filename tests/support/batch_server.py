"""A server on 127.0.0.1 with the Batch API, beside the Files API of `upload_server`, for tests.

It behaves as the recorded exchanges: a job is an operation whose counts are texts and whose times have nine decimals, it
stays pending while it is looked at, the results of a job with its requests inside are in two places, and those of a file
are a file. The answer to a prompt is `upper(prompt)` unless `answer` says otherwise. It imports nothing from gemini_magic.

    with BatchServer() as server:
        server.looks = 2                              # looks at a job before it ends
        server.plan(end="CANCELLED", keep=3)          # how the next job ends, and how many of its results it keeps
        server.fail("create", status=429)             # the next creation is refused
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from upload_server import Fault, Sent, UploadServer, _error, _Handler, _json

KIND = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
Row = dict[str, Any]


@dataclass
class Plan:
    """How a job goes.

    Attributes:
        end: the last part of its final state.
        looks: looks before it ends; None for the server's number.
        shuffle: whether the results have another order.
        metadata: whether results have their keys.
        keep: how many results there are; None for all.
        places: where the results of a job with requests inside are: ``both``, ``metadata`` or ``response``.
        change: changes the results before they are sent.
        failed: prompts whose requests fail, with the error.
        error: the error of the whole job.
        late: looks after the end at which there are no results yet.
    """

    end: str = "SUCCEEDED"
    looks: int | None = None
    shuffle: bool = True
    metadata: bool = True
    keep: int | None = None
    places: str = "both"
    change: Callable[[list[Row]], list[Row]] = lambda rows: rows
    failed: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    late: int = 0


@dataclass
class Job:
    """A job: its rows as they were sent, and how it goes."""

    name: str
    display_name: str
    rows: list[Row]
    plan: Plan
    inline: bool
    looks: int = 0
    state: str = "PENDING"
    reported: str = ""  # in place of the state
    results: list[Row] = field(default_factory=list)
    result_file: str = ""


class BatchServer(UploadServer):
    """See the module; a context manager.

    Attributes:
        jobs: the jobs by name, also those that were deleted.
        created: how many jobs were created, which are the ones that are paid.
        paid: how many requests these jobs have.
        looks: looks at a job before it ends.
        listed: whether jobs are in the list.
        on_create: is called with each job directly after it was created and before the answer is sent.
    """

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = _BatchHandler
        self.keep_bytes = True
        self.jobs: dict[str, Job] = {}
        self.deleted: list[str] = []
        self.contents: dict[str, bytes] = {}
        self.looks = 1
        self.listed = True
        self.on_create: Callable[[Job], object] = lambda _: None
        self.answer_of: Callable[[str], str] = str.upper
        self.count_of: Callable[[str], int] = len
        self.tokens = 7
        self._plans: list[Plan] = []
        self._random = random.Random(7)

    @property
    def created(self) -> int:
        return len(self.jobs)

    @property
    def paid(self) -> int:
        return sum(len(job.rows) for job in self.jobs.values())

    def plan(self, **how: Any) -> None:
        """How the next job goes; several calls are for the jobs after it."""
        self._plans.append(Plan(**how))

    def finish_all(self) -> None:
        """Let all jobs end at the next look."""
        for job in self.jobs.values():
            job.plan.looks = 0

    # -- jobs

    def create(self, batch: dict[str, Any]) -> Job | str:
        """Create a job; returns a message if the request is not valid."""
        config = batch["inputConfig"]
        inline = "requests" in config
        if inline:
            rows = [
                {"key": each.get("metadata", {}).get("custom_id"), "request": each["request"]}
                for each in config["requests"]["requests"]
            ]
        else:
            file = self.files.get(config["fileName"])
            if file is None or file["mimeType"] not in ("application/jsonl", "jsonl"):
                return f"The file {config['fileName']} cannot be used."
            rows = [json.loads(line) for line in self.contents[file["name"]].split(b"\n") if line]
        ident = f"{self.created:036d}"
        job = Job(
            f"batches/{ident}",
            batch["displayName"],
            rows,
            self._plans.pop(0) if self._plans else Plan(),
            inline,
        )
        self.jobs[job.name] = job
        return job

    def look_at(self, job: Job) -> dict[str, Any]:
        job.looks += 1
        needed = self.looks if job.plan.looks is None else job.plan.looks
        if job.state in ("PENDING", "RUNNING") and job.looks > needed:
            self._end(job, job.plan.end)
        elif job.state == "PENDING" and job.looks > needed // 2:
            job.state = "RUNNING"
        return self.operation(job)

    def _end(self, job: Job, state: str) -> None:
        job.state = state
        job.looks = 0
        if state in ("FAILED", "EXPIRED") and job.plan.keep is None:
            return
        rows = [self._result(job, row) for row in job.rows]
        if job.plan.shuffle:
            self._random.shuffle(rows)
        job.results = job.plan.change(rows[: job.plan.keep])
        if not job.inline:
            job.result_file = f"files/batch-{job.name.removeprefix('batches/')}"
            lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in job.results]
            self.contents[job.result_file] = b"\n".join([*lines, b""])

    def _result(self, job: Job, row: Row) -> Row:
        prompt = "".join(part.get("text", "") for part in row["request"]["contents"][-1]["parts"])
        keyed: Row = {"metadata": {"custom_id": row["key"]}} if job.inline else {"key": row["key"]}
        if not job.plan.metadata:
            keyed = {}
        if prompt in job.plan.failed:
            return {"error": job.plan.failed[prompt], **keyed}
        return {"response": self.response(self.answer_of(prompt)), **keyed}

    def response(self, text: str) -> dict[str, Any]:
        content = {"parts": [{"text": text}], "role": "model"}
        usage = {
            "promptTokenCount": self.tokens,
            "candidatesTokenCount": self.tokens,
            "totalTokenCount": 2 * self.tokens,
            "serviceTier": "standard",
        }
        return {
            "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "usageMetadata": usage,
            "modelVersion": "gemini-2.5-flash",
            "responseId": "r",
        }

    def operation(self, job: Job, *, listed: bool = False) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        total = str(len(job.rows))
        ended = job.state not in ("PENDING", "RUNNING")
        done = {"successfulRequestCount": str(len(job.results))} if ended else {"pendingRequestCount": total}
        metadata: dict[str, Any] = {
            "@type": KIND,
            "model": "models/gemini-2.5-flash",
            "displayName": job.display_name,
            "createTime": now,
            "updateTime": now,
            "batchStats": {"requestCount": total, **done},
            "state": f"BATCH_STATE_{job.reported or job.state}",
            "name": job.name,
        }
        found: dict[str, Any] = {"name": job.name, "metadata": metadata}
        if not ended:
            return found
        metadata["endTime"] = now
        found["done"] = True
        if job.plan.error is not None:
            found["error"] = job.plan.error
        if job.looks < job.plan.late:
            return found
        output: dict[str, Any] = {}
        if job.result_file:
            output = {"responsesFile": job.result_file}
        elif job.results and not listed:
            output = {"inlinedResponses": {"inlinedResponses": job.results}}
        if output and job.plan.places in ("both", "metadata"):
            metadata["output"] = output
        if output and job.plan.places in ("both", "response"):
            found["response"] = {"@type": f"{KIND}Output", **output}
        return found

    def cancel(self, job: Job) -> None:
        if job.state in ("PENDING", "RUNNING"):
            job.plan.end = "CANCELLED"
            job.plan.keep = job.plan.keep or 0
            job.plan.looks = 0


class _BatchHandler(_Handler):
    server: BatchServer

    def _plain_kind(self, path: str) -> str:
        if path.endswith(":batchGenerateContent"):
            return "create"
        if path.endswith(":cancel"):
            return "cancel-job"
        if path.endswith(":download"):
            return "download"
        if path.endswith("/batches"):
            return "list-jobs"
        if "/batches/" in path:
            return "delete-job" if self.command == "DELETE" else "job"
        return super()._plain_kind(path)

    def _response(self, sent: Sent, query: dict[str, str], upload: Any) -> tuple[int, dict[str, str], bytes]:
        server = self.server
        name = sent.path.removeprefix("/v1beta/").removesuffix(":cancel").removesuffix(":download")
        if sent.what == "create":
            job = server.create(json.loads(sent.body)["batch"])
            if isinstance(job, str):
                return _error(400, job, "INVALID_ARGUMENT")
            server.on_create(job)
            return _json(server.operation(job))
        if sent.what == "list-jobs":
            jobs = [job for job in server.jobs.values() if server.listed and job.name not in server.deleted]
            first, size = int(query.get("pageToken", 0)), 2  # small pages
            more = {"nextPageToken": str(first + size)} if first + size < len(jobs) else {}
            found = [server.operation(job, listed=True) for job in jobs[first : first + size]]
            return _json({"operations": found, **more} if found else {})
        if sent.what == "download":
            content = server.contents.get(name)
            if content is None:
                return _error(404, "The file was not found.", "NOT_FOUND")
            return 200, {"Content-Type": "application/octet-stream"}, content
        if sent.what in ("job", "cancel-job", "delete-job"):
            job = server.jobs.get(name)
            if job is None or name in server.deleted:
                return _error(404, "Requested entity was not found.", "NOT_FOUND")
            if sent.what == "job":
                return _json(server.look_at(job))
            if sent.what == "cancel-job":
                server.cancel(job)
            else:
                server.deleted.append(name)
            return _json({})
        if sent.what in ("count", "generate"):
            request = json.loads(sent.body)
            request = request.get("generateContentRequest", request)
            prompt = "".join(part.get("text", "") for part in request["contents"][-1]["parts"])
            if sent.what == "count":
                return _json({"totalTokens": server.count_of(prompt)})
            data = f"data: {json.dumps(server.response(server.answer_of(prompt)))}\r\n\r\n".encode()
            return 200, {"Content-Type": "text/event-stream"}, data
        code, headers, body = super()._response(sent, query, upload)
        if upload is not None and upload.file is not None:
            server.contents[upload.file["name"]] = bytes(upload.content)
        return code, headers, body


__all__ = ["BatchServer", "Fault", "Job", "Plan"]
