"""The Files API of the Gemini Developer API: URLs, headers and answers.

Reference: ai.google.dev, "Files API" and ``files``; the upload is Google's resumable protocol. No I/O, no key.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final
from urllib.parse import quote

from .backend import Endpoint, FilesApi, HttpRequest, RemoteFile
from .gemini_resources import resource_number, resource_text, resource_time
from .urls import versioned

__all__ = ["FILES", "GOOGLE", "gemini_base"]

GOOGLE: Final = "https://generativelanguage.googleapis.com"
_PAGE: Final = 100  # files per page, the API's maximum
_ACCEPT: Final = (("accept", "application/json"),)
_NAME: Final = re.compile(r"files/[A-Za-z0-9_-]{1,100}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# What a file API answers for a file that has expired, was deleted, or belongs to another project (403).
_NO_FILE: Final = re.compile(r"access the File\s+([A-Za-z0-9_/-]+)", re.IGNORECASE)


def gemini_base(endpoint: Endpoint) -> str:
    """The base URL of the API with its version."""
    version = endpoint.api_version or "v1beta"
    return versioned(endpoint.base_url or GOOGLE, {"beta": "v1beta"}.get(version, version))


def _start(endpoint: Endpoint, name: str, display_name: str, mime_type: str, size: int) -> HttpRequest:
    base, _, version = gemini_base(endpoint).rpartition("/")
    headers = (
        ("content-type", "application/json"),
        *_ACCEPT,
        ("x-goog-upload-protocol", "resumable"),
        ("x-goog-upload-command", "start"),
        ("x-goog-upload-header-content-length", str(size)),
        ("x-goog-upload-header-content-type", mime_type),
    )
    file = {"name": name, "displayName": display_name[:512], "mimeType": mime_type, "sizeBytes": str(size)}
    body = json.dumps({"file": file}, separators=(",", ":")).encode()
    return HttpRequest("POST", f"{base}/upload/{version}/files", headers, body)


def _get(endpoint: Endpoint, name: str) -> HttpRequest:
    return HttpRequest("GET", f"{gemini_base(endpoint)}/{quote(name)}", _ACCEPT, b"")


def _delete(endpoint: Endpoint, name: str) -> HttpRequest:
    return HttpRequest("DELETE", f"{gemini_base(endpoint)}/{quote(name)}", _ACCEPT, b"")


def _list(endpoint: Endpoint, page: str) -> HttpRequest:
    query = f"pageSize={_PAGE}" + (f"&pageToken={quote(page, safe='')}" if page else "")
    return HttpRequest("GET", f"{gemini_base(endpoint)}/files?{query}", _ACCEPT, b"")


def _read(value: Any) -> RemoteFile | None:
    """The file in an answer, with or without its envelope; None if there is none. Never raises."""
    found = value.get("file", value) if isinstance(value, dict) else None
    if not isinstance(found, dict):
        return None
    name, uri = found.get("name"), found.get("uri")
    if not (isinstance(name, str) and _NAME.fullmatch(name) and isinstance(uri, str) and uri):
        return None
    error = found.get("error")
    return RemoteFile(
        name=name,
        uri=uri,
        display_name=resource_text(found.get("displayName")),
        mime_type=resource_text(found.get("mimeType")),
        size=resource_number(found.get("sizeBytes")),
        state=resource_text(found.get("state")) or "ACTIVE",
        created=resource_time(found.get("createTime")),
        expires=resource_time(found.get("expirationTime")),
        digest=_digest(found.get("sha256Hash")),
        error=resource_text(error.get("message")) if isinstance(error, dict) else "",
    )


def _read_list(value: dict[str, Any]) -> tuple[list[RemoteFile], str]:
    files = value.get("files")
    found = [_read(each) for each in files] if isinstance(files, list) else []
    page = value.get("nextPageToken")
    return [each for each in found if each is not None], page if isinstance(page, str) else ""


def _digest(value: Any) -> str:
    """The digest in hexadecimal: the API sends the base64 text of that; empty for anything else."""
    if not isinstance(value, str):
        return ""
    try:
        decoded = base64.b64decode(value, validate=True)
    except ValueError:
        decoded = b""
    for text in (decoded.decode("latin-1").lower(), decoded.hex(), value.lower()):
        if _SHA256.fullmatch(text):
            return text
    return ""


def _missing(message: str) -> str:
    """The file that an error says cannot be used; empty for any other error."""
    found = _NO_FILE.search(message)
    return "" if found is None else f"files/{found[1].removeprefix('files/')}"


FILES: Final = FilesApi(_start, _get, _list, _delete, _read, _read_list, _missing)
