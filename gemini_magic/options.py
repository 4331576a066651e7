"""Every option, declared once: name, type, default, flags and help.

Declarations only: where a value comes from is ``settings``', how a cell's line is read ``notebook.arguments``'.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .backends import DEFAULT, backend, names

__all__ = ["DISPLAYS", "Options", "option"]


def option(
    default: Any = None,
    *flags: str,
    help: str,  # noqa: A002 - argparse's own word
    metavar: str | None = None,
    choices: Sequence[str] | None = None,
    instead: Mapping[str, str] | None = None,
    config: bool = True,
    env: str | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> Any:
    """A field with a default; what the words mean stands at ``Options``."""
    meta = {
        "flags": flags,
        "help": help,
        "metavar": metavar,
        "choices": choices,
        "instead": instead or {},
        "config": config,
        "env": env,
        "least": least,
        "above": above,
        "most": most,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=list, metadata=meta)
    return dataclasses.field(default=default, metadata=meta)


DISPLAYS = ("auto", "live", "html", "text")
FORMATS = ("markdown", "md", "text", "json", "html", "code", "raw")
SAFETY = ("low", "medium", "high", "none", "off")
TIERS = ("flex", "standard", "priority")
FRAMINGS = ("sse", "json")
METHOD_STYLES = ("colon", "slash")
_SECONDS = 1_000_000.0  # waits beyond 2**31 ms overflow in the system's own calls
_MEGABYTES = 8192.0  # of memory that one answer may take
_BACKENDS = ", ".join(f"{name} (offline)" if backend(name).local else name for name in names())


@dataclasses.dataclass(kw_only=True)
class Options:
    """What one call does. Each field is declared here and nowhere else.

    Fields without ``config`` belong to one cell and cannot be configured. Times are in seconds. A number is at least
    ``least``, above ``above`` and at most ``most``; whoever makes an object of this class keeps to that himself.
    ``instead`` has a remedy for values that users of other tools try.
    """

    model: str = option(
        DEFAULT.default_model,
        "-m",
        "--model",
        metavar="MODEL",
        help="the model that answers",
        env="GEMINI_MAGIC_MODEL",
    )
    system: str | None = option(None, "-s", "--system", metavar="TEXT", help="system instruction")
    temperature: float | None = option(
        None, "-t", "--temperature", metavar="T", help="randomness, 0 is steadiest", least=0
    )
    top_p: float | None = option(None, "--top-p", metavar="P", help="nucleus sampling", least=0, most=1)
    top_k: int | None = option(
        None, "--top-k", metavar="K", help="sample from the K likeliest tokens", least=1
    )
    max_tokens: int | None = option(
        None, "--max-tokens", "--max-output-tokens", metavar="N", help="longest answer, in tokens", least=1
    )
    stop: list[str] = option([], "--stop", metavar="TEXT", help="end the answer at this text (repeatable)")
    seed: int | None = option(None, "--seed", metavar="N", help="seed for sampling")
    candidates: int | None = option(
        None, "-n", "--candidates", metavar="N", help="how many answers; `r.candidates` holds them", least=1
    )
    search: bool = option(False, "--search", help="let the model search with Google")
    code_execution: bool = option(False, "--code-execution", help="let the model run Python on the server")
    url_context: bool = option(False, "--url-context", help="let the model read the addresses in the prompt")
    safety: str | None = option(
        None,
        "--safety",
        choices=SAFETY,
        metavar="LEVEL",
        help="block harmful content from this probability on: low, medium, high, none, off",
    )
    service_tier: str | None = option(
        None, "--service-tier", choices=TIERS, metavar="TIER", help="flex, standard or priority"
    )
    param: list[str] = option(
        [],
        "-p",
        "--param",
        metavar="K=V",
        help="any generationConfig field, or any request field by dotted path (repeatable)",
    )
    body: str | None = option(
        None,
        "--body",
        "--json",
        metavar="JSON",
        help="JSON merged deeply into the request; it has the last word",
    )
    thinking: str | None = option(
        None,
        "--thinking",
        metavar="LEVEL",
        help="off, on, minimal, low, medium, high, or a budget in tokens",
    )
    chat: str | None = option(
        None, "--chat", metavar="NAME", help="go on with the conversation NAME, or begin it", config=False
    )
    continue_: bool = option(False, "-c", "--continue", help="go on with the last conversation", config=False)
    fresh: bool = option(False, "--fresh", help="begin the conversation anew", config=False)
    out: str | None = option(
        None,
        "-o",
        "--out",
        metavar="NAME",
        help="bind the response to this name (also: NAME <<)",
        config=False,
    )
    count: bool = option(False, "--count", help="count the prompt's tokens, ask nothing", config=False)
    dry_run: bool = option(False, "--dry-run", help="show the exact request, send nothing", config=False)
    record: str | None = option(
        None, "--record", metavar="FILE", help="append what goes over the wire to FILE"
    )
    replay: str | None = option(
        None,
        "--replay",
        metavar="FILE",
        help="answer from a recording (or builtin:tour) instead of the network",
    )
    replay_any: bool = option(
        False, "--replay-any", help="replay the recording's answers in order, whatever is asked"
    )
    speed: float = option(
        1.0, "--speed", metavar="N", help="replay N times as fast; 0 means without waiting", least=0
    )
    display: str = option(
        "auto", "--display", choices=DISPLAYS, metavar="HOW", help="auto, live, html or text"
    )
    format: str = option(
        "markdown",
        "-f",
        "--format",
        choices=FORMATS,
        metavar="FORM",
        help="how the answer is shown: markdown (md), text, json (also asked for), html (its source), code (also put into "
        "the next cell) or raw; the response holds all of it",
        instead={
            "math": "Leave it out: Markdown, the default, has formulas.",
            "image": "Leave it out: the response's `images` holds the pictures of any answer.",
        },
    )
    next_cell: bool = option(
        False, "--next-cell", help="put the code of a complete answer into a new cell below"
    )
    images: str = option(
        "data",
        "--images",
        metavar="HOSTS",
        help="images drawn in an answer: none, data (small ones inside it), or hosts such as a.org,*.b.org as well",
    )
    backend: str = option(
        DEFAULT.name,
        "--backend",
        metavar="NAME",
        help=f"API of the server: {_BACKENDS}",
        env="GEMINI_MAGIC_BACKEND",
    )
    base_url: str | None = option(
        None, "--base-url", metavar="URL", help="another server that speaks the protocol"
    )
    api_version: str | None = option(
        None,
        "--api-version",
        metavar="V",
        help="version in the address (v1beta; vertex: v1beta1)",
        env="GOOGLE_GENAI_API_VERSION",
    )
    auth: str | None = option(
        None,
        "--auth",
        metavar="STYLE",
        help="how the key travels: x-goog-api-key, bearer, x-api-key, api-key, or google (sign-in)",
    )
    project: str | None = option(
        None, "--project", metavar="ID", help="vertex: the Google Cloud project", env="GOOGLE_CLOUD_PROJECT"
    )
    location: str | None = option(
        None,
        "--location",
        metavar="PLACE",
        help="vertex: global, us, eu or a region",
        env="GOOGLE_CLOUD_LOCATION",
    )
    alt: str = option(
        "sse",
        "--alt",
        choices=FRAMINGS,
        metavar="FORM",
        help="ask for server-sent events (sse) or a JSON array (json)",
    )
    no_stream: bool = option(
        False, "--no-stream", help="ask for the whole answer at once, for models that do not stream"
    )
    method_style: str | None = option(
        None,
        "--method-style",
        choices=METHOD_STYLES,
        metavar="STYLE",
        help="what stands before the method in the address: colon or slash (default: as the backend documents)",
    )
    fallback: bool = option(
        False, "--fallback", help="when streaming fails before any content, ask once more without it"
    )
    key_env: str | None = option(
        None, "--key-env", metavar="NAME", help="environment variable that holds the key for this address"
    )
    timeout: float | None = option(
        None,
        "--timeout",
        metavar="S",
        help="longest time for the whole answer, in seconds",
        above=0,
        most=_SECONDS,
    )
    stall_timeout: float = option(
        60.0,
        "--stall-timeout",
        metavar="S",
        help="longest silence in mid-answer, in seconds",
        above=0,
        most=_SECONDS,
    )
    first_byte_timeout: float = option(
        300.0,
        "--first-byte-timeout",
        metavar="S",
        help="longest wait for the first byte, in seconds",
        above=0,
        most=_SECONDS,
    )
    connect_timeout: float = option(
        10.0,
        "--connect-timeout",
        metavar="S",
        help="longest wait for a connection, in seconds",
        above=0,
        most=_SECONDS,
    )
    retries: int = option(
        3, "--retries", metavar="N", help="tries after the first, only before any content; 0 forbids", least=0
    )
    rpm: int | None = option(
        None,
        "--rpm",
        metavar="N",
        help="at most N requests a minute to this host with this key and model",
        least=1,
    )
    max_event: float = option(
        64.0, "--max-event", metavar="MB", help="largest single event, in MB", above=0, most=_MEGABYTES
    )
    max_total: float = option(
        128.0,
        "--max-total",
        metavar="MB",
        help="largest answer on the wire, in MB",
        above=0,
        most=_MEGABYTES,
    )
    to: str | None = option(
        None,
        "--to",
        metavar="FILE",
        help="write the answer's text to FILE as it comes, with the tokens at the end",
        config=False,
    )
    background: bool = option(
        False, "--background", help="return at once and go on streaming into this output", config=False
    )
    quiet: bool = option(False, "-q", "--quiet", help="show nothing, only return the response")
    verbatim: bool = option(False, "--verbatim", help="send the cell as it is, {{ }} included")
    record_size: float = option(
        2.0,
        help="how much of an answer's stream the notebook keeps for the inspector, in MB; 0 keeps none",
        least=0,
        most=64,
    )
    journal: bool | None = option(
        None,
        "--journal",
        help="keep the answer in the journal; by default in a notebook, when a server gives it",
    )
    journal_size: float = option(
        500.0, metavar="MB", help="largest size of the journal, in MB; the oldest answers go", above=0
    )
    journal_days: float | None = option(
        None, metavar="N", help="forget answers in the journal that are older than N days", above=0
    )

    def again(self) -> dict[str, Any]:
        """These options for a request that follows: not where it is bound, and not what is done only once."""
        once = ("chat", "continue_", "fresh", "out", "dry_run", "count", "background")
        return {name: value for name, value in vars(self).items() if name not in once}
