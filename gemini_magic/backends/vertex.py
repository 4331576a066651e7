"""Gemini on Vertex AI: the same protocol at other URLs, with a Google Cloud project or an express-mode key.

Reference: cloud.google.com/vertex-ai, ``publishers.models.streamGenerateContent`` and "Deployments and endpoints".
With a project, the key is a token from a Google sign-in. Without one, it is an API key, and the URL contains no project
(express mode). No I/O, no key.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from ..content import File, Request
from ..errors import OptionError, PromptError
from ..text import one_line
from .auth import Auth
from .backend import CountTokens, Endpoint, HttpRequest, ListModels
from .gemini import GEMINI, GOOGLE_HOSTS, GOOGLE_STYLES, body_of, json_request
from .gemini_catalog import read_models, read_token_count
from .urls import checked_model, method_of, quoted, versioned

__all__ = ["VERTEX", "vertex_base"]

_HOST = "aiplatform.googleapis.com"
_MULTI_REGIONS = ("us", "eu")
_REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
_PROJECT = re.compile(r"[A-Za-z0-9.:_-]+")
_COUNTED = ("contents", "systemInstruction", "tools", "generationConfig")
_VERSION = "v1beta1"
_PAGE = 100  # models


def _location(endpoint: Endpoint) -> str:
    """The location of an endpoint in lower case; ``global`` by default.

    Raises:
        OptionError: it is not a valid location, or there is no project: express mode has no locations.
    """
    location = (endpoint.location or "global").lower()
    if location != "global" and location not in _MULTI_REGIONS and not _REGION.fullmatch(location):
        raise OptionError(
            f"--location {endpoint.location!r} is not a valid location.",
            remedy="Use global, us, eu or a region such as us-central1.",
        )
    if location != "global" and not endpoint.project:
        raise OptionError(
            f"--location {endpoint.location!r} needs a project: express mode, which has no project, has no locations.",
            remedy="Use --project ID, set GOOGLE_CLOUD_PROJECT, or use --location global.",
        )
    return location


def _host(location: str) -> str:
    """The host of a region, of a multi-region, or of the global endpoint."""
    if location == "global":
        return f"https://{_HOST}"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-{_HOST}"


def _base(endpoint: Endpoint) -> str:
    host = _host(_location(endpoint))
    version = endpoint.api_version or _VERSION
    if version in ("beta", "v1beta"):  # the Developer API's names of that version
        version = _VERSION
    return versioned(endpoint.base_url or host, version)


def _project_path(endpoint: Endpoint) -> str:
    """The path of the project and the location in a URL; empty in express mode."""
    if endpoint.project is None:
        return ""
    if not _PROJECT.fullmatch(endpoint.project):
        raise OptionError(
            f"--project {endpoint.project!r} is not a valid project ID.",
            remedy="Use an ID such as --project my-project.",
        )
    return f"projects/{endpoint.project}/locations/{_location(endpoint)}/"


def vertex_base(endpoint: Endpoint) -> str:
    """The URL of a project and a location, with the version; of express mode without a project.

    Raises:
        OptionError: the base URL, the project or the location is not valid.
    """
    return f"{_base(endpoint)}/{_project_path(endpoint)}".rstrip("/")


def _resource(model: str, endpoint: Endpoint) -> str:
    """The path of a model in a URL.

    ``NAME`` and ``models/NAME`` are Google's models, ``PUBLISHER/NAME`` is a model of another publisher. A path that
    begins with ``publishers/``, ``endpoints/`` or ``projects/`` is used unchanged.
    """
    name = checked_model(model).removeprefix("models/")
    if name.startswith("projects/"):
        return name
    if not name.startswith(("publishers/", "endpoints/")):
        publisher, _, name = name.rpartition("/")
        name = f"publishers/{publisher or 'google'}/models/{name}"
    return _project_path(endpoint) + name


def _method_url(model: str, endpoint: Endpoint, method: str) -> str:
    return f"{_base(endpoint)}/{quoted(_resource(model, endpoint)).replace('%3A', ':')}{method}"


def _url(model: str, endpoint: Endpoint) -> str:
    return _method_url(model, endpoint, method_of(endpoint))


def _check_types(request: Request) -> None:
    """Check that each address has a type: Vertex AI requires ``mimeType`` in ``fileData``.

    Raises:
        PromptError: the type of an address is not known.
    """
    for part in (part for turn in request.turns for part in turn.parts):
        if isinstance(part, File) and not part.mime_type:
            raise PromptError(
                f"The type of {one_line(part.uri)} is not known, and Vertex AI needs it.",
                remedy="Use an address that ends in its type, such as .pdf or .mp4, or insert "
                '{{ File(address, "application/pdf") }} with File from gemini_magic.content.',
            )


def _encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    if request.settings.mcp_servers:
        raise OptionError(
            "Vertex AI does not call MCP servers.",
            remedy="Use --mcp in place of --remote-mcp, or the Gemini API.",
        )
    _check_types(request)
    return json_request(_url(request.model, endpoint), body_of(request), streamed=endpoint.form == "sse")


def _count(request: Request, endpoint: Endpoint) -> HttpRequest:
    _check_types(request)
    body: dict[str, Any] = {name: value for name, value in body_of(request).items() if name in _COUNTED}
    return json_request(_method_url(request.model, endpoint, ":countTokens"), body)


def _models(endpoint: Endpoint, page: str) -> HttpRequest:
    """Lists Google's models; the list is the same for every project, so its URL contains no project."""
    query = f"pageSize={_PAGE}" + (f"&pageToken={quote(page, safe='')}" if page else "")
    url = f"{_base(endpoint)}/publishers/google/models?{query}"
    return HttpRequest("GET", url, (("accept", "application/json"),), b"")


def _style(style: str | None, endpoint: Endpoint) -> str | None:
    """Sign in if there is a project, otherwise use an API key.

    Raises:
        OptionError: a sign-in or a token without a project.
    """
    if style is None:
        return "google" if endpoint.project else None
    if style.strip().lower() in ("google", "bearer") and not endpoint.project:
        raise OptionError(
            "A sign-in to Vertex AI needs a project.",
            remedy="Use --project ID or set GOOGLE_CLOUD_PROJECT. Express mode, without a project, uses an API key.",
        )
    return style


VERTEX = replace(
    GEMINI,
    name="vertex",
    default_model="gemini-3.8-flash",  # `-latest` names exist on the Developer API's v1beta only
    auth=Auth(
        "x-goog-api-key",
        GOOGLE_STYLES,
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        GOOGLE_HOSTS,
        "cloud.google.com/vertex-ai, express mode; or sign in with --project ID",
    ),
    url=_url,
    encode=_encode,
    auth_style=_style,
    count=CountTokens(_count, read_token_count),
    models=ListModels(_models, read_models),
    files=None,
    batches=None,
    batch_remedy=(
        "Batch jobs of Vertex AI read and write Cloud Storage only. Use service_tier='flex', or the Gemini API "
        "(backend='gemini')."
    ),
    upload_remedy="Vertex AI has no Files API. Put the file into Cloud Storage and use its address: gs://BUCKET/OBJECT.",
)
