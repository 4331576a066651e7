"""A server on 127.0.0.1 with the Files API and Google's resumable upload protocol, for tests.

It follows the recorded sequence: the start has an empty text answer whose headers name the address of the upload; a chunk
goes to that address without a key; every chunk but the last is a multiple of the granularity; the last answer is the
file in an envelope, with its size as a string and its digest as the base64 text of the hexadecimal digits. It keeps
digests and sizes, and bytes only for `batch_server`. It imports nothing from gemini_magic.

    with UploadServer() as server:
        server.fail("upload", cut_after=1000)        # the next upload request is cut after 1,000 bytes of its body
        server.states = ["PROCESSING", "ACTIVE"]     # what a file is when it was uploaded, and with each look at it
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

GRANULARITY = 8 * 2**20
KEY_HEADERS = ("x-goog-api-key", "authorization")


@dataclass
class Fault:
    """What goes wrong with one request.

    Attributes:
        on: ``start``, ``upload``, ``query``, ``get``, ``list``, ``delete`` or ``generate``.
        status, message, headers: the answer of the server; UPLOAD in the message is the id of the upload.
        cut_after: bytes of the request's body after which the connection is reset; the bytes before count as received.
        lose_answer: whether the request takes effect, and the connection is reset in place of the answer.
        pause: seconds to wait before anything else.
        slow: bytes of the body that are read each second.
        drop: headers of the answer that are left out.
        body: the body of the answer in place of the right one.
    """

    on: str
    status: int = 0
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    lose_answer: bool = False
    pause: float = 0.0
    slow: int = 0
    drop: tuple[str, ...] = ()
    body: bytes | None = None


@dataclass
class Sent:
    """One request that arrived: what it asks for, its head, and how many bytes of its body were read."""

    what: str
    method: str
    path: str
    headers: dict[str, str]
    size: int = 0
    body: bytes = b""
    offset: int = 0

    @property
    def keyed(self) -> bool:
        return any(name in self.headers for name in KEY_HEADERS)


@dataclass
class _Upload:
    meta: dict[str, Any]
    mime_type: str
    size: int
    received: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    content: bytearray = field(default_factory=bytearray)
    file: dict[str, Any] | None = None


class UploadServer(ThreadingHTTPServer):
    """See the module; a context manager.

    Args:
        tls: the context for https; None for http.

    Attributes:
        requests: what arrived, in order.
        files: the files by name.
        states: the states of a new file, one after the other with each look at it; the last one stays.
        failure: the server's words about a file that FAILED.
        granularity: the chunk granularity that the server names.
        upload_host: the host in the address of an upload.
        answer: the text of the model's answer.
    """

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base_url = f"http://127.0.0.1:{self.server_port}"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
            self.base_url = f"https://localhost:{self.server_port}"
        self.requests: list[Sent] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.states = ["ACTIVE"]
        self.failure = "The file could not be decoded."
        self.granularity = GRANULARITY
        self.upload_host = f"127.0.0.1:{self.server_port}"
        self.answer = "I see it."
        self.life = timedelta(hours=48)
        self.wrong_digest = False
        self.keep_bytes = False
        self._faults: list[Fault] = []
        self._uploads: dict[str, _Upload] = {}
        self._looks: dict[str, int] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that leaves is no error."""

    def fail(self, on: str, **what: Any) -> None:
        """Let the next request of a kind fail; several calls are for the requests after it."""
        self._faults.append(Fault(on, **what))

    def fault(self, what: str) -> Fault | None:
        with self._lock:
            for each in self._faults:
                if each.on == what:
                    self._faults.remove(each)
                    return each
        return None

    def kinds(self) -> list[str]:
        """What was asked for, in order."""
        return [each.what for each in self.requests]

    def forget_uploads(self) -> None:
        """Forget the uploads in progress, as after a week."""
        self._uploads.clear()

    def secrets(self) -> list[str]:
        """The ids in the addresses of uploads."""
        return list(self._uploads)

    # -- the state

    def begin(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        headers = sent.headers
        assert headers["x-goog-upload-protocol"] == "resumable"
        assert headers["x-goog-upload-command"] == "start"
        meta = json.loads(sent.body)["file"]
        if meta.get("name") in self.files:
            return _error(409, "Requested entity already exists", "ALREADY_EXISTS")
        ident = f"SECRET-{base64.urlsafe_b64encode(hashlib.sha256(str(len(self._uploads)).encode()).digest()).decode()}"
        self._uploads[ident] = _Upload(
            meta,
            headers["x-goog-upload-header-content-type"],
            int(headers["x-goog-upload-header-content-length"]),
        )
        url = f"http://{self.upload_host}/upload/v1beta/files?upload_id={ident}&upload_protocol=resumable"
        return (
            200,
            {
                "Content-Type": "text/plain; charset=utf-8",
                "X-Goog-Upload-Status": "active",
                "X-Goog-Upload-URL": url,
                "X-Goog-Upload-Control-URL": url,
                "X-Goog-Upload-Chunk-Granularity": str(self.granularity),
                "X-GUploader-UploadID": ident,
            },
            b"",
        )

    def upload(self, ident: str) -> _Upload | None:
        return self._uploads.get(ident)

    def finish(self, upload: _Upload) -> dict[str, Any]:
        name = upload.meta.get("name") or f"files/srv{len(self.files)}"
        now = datetime.now(UTC)
        digest = hashlib.sha256(b"x").hexdigest() if self.wrong_digest else upload.digest.hexdigest()
        file = {
            "name": name,
            "displayName": upload.meta.get("displayName", ""),
            "mimeType": upload.mime_type,
            "sizeBytes": str(upload.received),
            "createTime": _stamp(now),
            "updateTime": _stamp(now),
            "expirationTime": _stamp(now + self.life),
            "sha256Hash": base64.b64encode(digest.encode()).decode(),
            "uri": f"{self.base_url}/v1beta/{name}",
            "state": self.states[0],
            "source": "UPLOADED",
        }
        if file["state"] == "FAILED":
            file["error"] = {"code": 3, "message": self.failure}
        self.files[name] = upload.file = file
        return file

    def look(self, name: str) -> dict[str, Any] | None:
        file = self.files.get(name)
        if file is not None:
            looks = self._looks[name] = self._looks.get(name, 0) + 1
            file["state"] = self.states[min(looks, len(self.states) - 1)]
            if file["state"] == "FAILED":
                file["error"] = {"code": 3, "message": self.failure}
        return file


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _error(code: int, message: str, status: str) -> tuple[int, dict[str, str], bytes]:
    body = {"error": {"code": code, "message": message, "status": status}}
    return code, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(body).encode()


def _no_file(name: str) -> tuple[int, dict[str, str], bytes]:
    ident = name.removeprefix("files/")
    message = f"You do not have permission to access the File {ident} or it may not exist."
    return _error(403, message, "PERMISSION_DENIED")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: UploadServer

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self._serve()

    do_GET = do_DELETE = do_POST

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        headers = {name.lower(): value for name, value in self.headers.items()}
        command = headers.get("x-goog-upload-command", "")
        what = {"start": "start", "query": "query", "cancel": "cancel"}.get(
            command, "upload" if command else ""
        )
        if not what:
            what = self._plain_kind(parts.path)
        sent = Sent(
            what, self.command, parts.path, headers, offset=int(headers.get("x-goog-upload-offset", 0))
        )
        self.server.requests.append(sent)
        fault = self.server.fault(what) or Fault(what)
        if fault.pause:
            self.server.closing.wait(fault.pause)
        upload = self.server.upload(query.get("upload_id", ""))
        if not self._read_body(sent, upload if what == "upload" and not fault.status else None, fault):
            self._reset()
            return
        if fault.status:
            words = fault.message.replace("UPLOAD", query.get("upload_id", ""))
            code, extra, body = _error(fault.status, words, _NAMES.get(fault.status, "UNKNOWN"))
            self._answer(code, extra | fault.headers, body)
            return
        code, extra, body = self._response(sent, query, upload)
        if fault.lose_answer:
            self._reset()
            return
        extra = {name: value for name, value in extra.items() if name.lower() not in fault.drop}
        self._answer(code, extra | fault.headers, body if fault.body is None else fault.body)

    def _plain_kind(self, path: str) -> str:
        if "/models/" in path:
            return "count" if path.endswith("countTokens") else "generate"
        if self.command == "DELETE":
            return "delete"
        return "list" if path.endswith("/files") else "get"

    def _read_body(self, sent: Sent, upload: _Upload | None, fault: Fault) -> bool:
        left = int(sent.headers.get("content-length", 0))
        accepted = upload is not None and sent.offset == upload.received and upload.file is None
        while left:
            if fault.cut_after is not None and sent.size >= fault.cut_after:
                return False
            most = (
                min(65536, left) if fault.cut_after is None else min(65536, left, fault.cut_after - sent.size)
            )
            data = self.rfile.read1(most)
            if not data:
                return False
            left -= len(data)
            sent.size += len(data)
            if upload is None:
                sent.body += data
            elif accepted:
                upload.digest.update(data)
                upload.received += len(data)
                if self.server.keep_bytes:
                    upload.content += data
            if fault.slow:
                time.sleep(len(data) / fault.slow)
        return True

    def _response(
        self, sent: Sent, query: dict[str, str], upload: _Upload | None
    ) -> tuple[int, dict[str, str], bytes]:
        server = self.server
        name = sent.path.removeprefix("/v1beta/")
        if sent.what == "start":
            return server.begin(sent)
        if sent.what in ("upload", "query", "cancel"):
            return self._to_upload(sent, upload)
        if sent.what == "list":
            files = list(server.files.values())
            first = int(query.get("pageToken", 0))
            size = min(2, int(query["pageSize"]))  # small pages
            more = {"nextPageToken": str(first + size)} if first + size < len(files) else {}
            return _json({"files": files[first : first + size], **more} if files else {})
        if sent.what == "get":
            file = server.look(name)
            return _no_file(name) if file is None else _json(file)
        if sent.what == "delete":
            return _no_file(name) if server.files.pop(name, None) is None else _json({})
        return self._to_model(sent)

    def _to_upload(self, sent: Sent, upload: _Upload | None) -> tuple[int, dict[str, str], bytes]:
        command = sent.headers["x-goog-upload-command"]
        if upload is None:
            return _error(404, "The upload was not found.", "NOT_FOUND")
        if command == "query":
            status = "active" if upload.file is None else "final"
            received = {"X-Goog-Upload-Size-Received": str(upload.received)} if upload.file is None else {}
            return 200, {"X-Goog-Upload-Status": status, **received}, b""
        last = "finalize" in command
        if upload.received != sent.offset + sent.size:
            return _error(400, f"The offset must be {upload.received}.", "INVALID_ARGUMENT")
        if not last and sent.size % self.server.granularity:
            return _error(400, "A chunk must be a multiple of the granularity.", "INVALID_ARGUMENT")
        if not last:
            return 200, {"X-Goog-Upload-Status": "active"}, b""
        if upload.received != upload.size:
            return _error(400, "The size differs from the announced one.", "INVALID_ARGUMENT")
        code, headers, body = _json({"file": self.server.finish(upload)})
        return code, headers | {"X-Goog-Upload-Status": "final"}, body

    def _to_model(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        request = json.loads(sent.body)
        request = request.get("generateContentRequest", request)
        for content in request["contents"]:
            for part in content["parts"]:
                uri = part.get("fileData", {}).get("fileUri", "")
                name = f"files/{uri.partition('/files/')[2]}"
                if not uri:
                    continue
                if name not in self.server.files:
                    return _no_file(name)
                if self.server.files[name]["state"] != "ACTIVE":
                    message = f"The File {name} is not in an ACTIVE state and usage is not allowed."
                    return _error(400, message, "FAILED_PRECONDITION")
        if sent.what == "count":
            return _json({"totalTokens": 1234})
        value = {
            "candidates": [{"content": {"parts": [{"text": self.server.answer}]}, "finishReason": "STOP"}]
        }
        data = f"data: {json.dumps(value)}\r\n\r\n".encode()
        return 200, {"Content-Type": "text/event-stream"}, data

    def _answer(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


_NAMES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(value, indent=1).encode()
