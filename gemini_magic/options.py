"""Declares every option once: name, type, default, flags, bounds and help text.

``config`` resolves the values; ``notebook.arguments`` parses the line of a cell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .backends import DEFAULT, names_for_help

__all__ = ["DISPLAYS", "Options", "option"]


def option(
    default: Any = None,
    *flags: str,
    help: str,  # noqa: A002 - the name that argparse uses
    metavar: str | None = None,
    choices: Sequence[str] | None = None,
    remedies: Mapping[str, str] | None = None,
    config: bool = True,
    project: bool | str | None = False,
    env: str | None = None,
    json: bool = False,
    is_object: bool = False,
    minimum: float | None = None,
    exclusive_minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """A dataclass field that declares one option.

    Args:
        default: the value when the option is not set; a list makes the option repeatable.
        flags: the flags in a cell's line; an option without flags is for configuration only.
        help: one phrase without a final period, for ``%%gemini --help`` and for error messages.
        metavar: the name of the value in help texts.
        choices: the values that are allowed.
        remedies: hints for values that are not allowed but that users of other tools try.
        config: whether the option can be configured; without it, the option belongs to a single cell.
        project: whether the ``pyproject.toml`` of a project may set it, which a stranger can have written. False: only if the
            user trusts the file; True: always; a regular expression: always for values that match it; None: never. An
            option that decides where prompts, keys or files go, who pays, or which protection applies, must not be True.
        env: the environment variable that sets it.
        json: whether the value is JSON, so that Python objects are accepted too.
        is_object: whether the value is any Python object, which is kept as it is.
        minimum: the smallest number that is allowed.
        exclusive_minimum: the number that values have to exceed.
        maximum: the largest number that is allowed.
    """
    meta = {
        "flags": flags,
        "help": help,
        "metavar": metavar,
        "choices": choices,
        "remedies": remedies or {},
        "config": config,
        "project": project,
        "env": env,
        "json": json,
        "is_object": is_object,
        "minimum": minimum,
        "exclusive_minimum": exclusive_minimum,
        "maximum": maximum,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=list, metadata=meta)
    return dataclasses.field(default=default, metadata=meta)


DISPLAYS = ("auto", "live", "html", "text")
CONFIRMATIONS = ("marked", "all", "none")
FORMATS = ("markdown", "md", "text", "json", "html", "code", "raw")
SAFETY = ("low", "medium", "high", "none", "off")
TIERS = ("flex", "standard", "priority", "deferred", "batch")
FRAMINGS = ("sse", "json")
METHOD_STYLES = ("colon", "slash")
_SECONDS = 1_000_000.0  # timeouts beyond 2**31 ms overflow in system calls
_MEGABYTES = 8192.0  # the largest limit for the memory of one answer
_MOST_INLINE = 75.0  # megabytes: 100 MB in base64 (ai.google.dev, "File input methods")
_NAMES = names_for_help()
_BACKENDS = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}"


# To generate the methods for so many fields would take half a millisecond of the first cell.
@dataclasses.dataclass(kw_only=True, eq=False, match_args=False)
class Options:
    """The options of one call.

    Times are in seconds, sizes in megabytes. The declared bounds and choices are checked by ``config``, not by this
    class: code that creates an object directly has to respect them.
    """

    model: str = option(
        DEFAULT.default_model,
        "-m",
        "--model",
        metavar="MODEL",
        project=r"(models/)?[\w.-]+",  # a path can name a project, which pays
        help="model to use",
        env="GEMINI_MAGIC_MODEL",
    )
    system: str | None = option(None, "-s", "--system", metavar="TEXT", help="system instruction")
    temperature: float | None = option(
        None,
        "-t",
        "--temperature",
        metavar="T",
        help="sampling temperature; 0 is the most deterministic",
        minimum=0,
        project=True,
    )
    top_p: float | None = option(
        None, "--top-p", metavar="P", help="nucleus sampling probability", minimum=0, maximum=1, project=True
    )
    top_k: int | None = option(
        None, "--top-k", metavar="K", help="sample from the K most likely tokens", minimum=1, project=True
    )
    max_tokens: int | None = option(
        None,
        "--max-tokens",
        "--max-output-tokens",
        metavar="N",
        help="maximum length of the answer, in tokens",
        minimum=1,
        project=True,
    )
    stop: list[str] = option(
        [], "--stop", metavar="TEXT", help="stop sequence that ends the answer (repeatable)", project=True
    )
    seed: int | None = option(None, "--seed", metavar="N", help="seed for sampling", project=True)
    schema: Any | None = option(
        None,
        "--schema",
        metavar="SCHEMA",
        config=False,
        is_object=True,
        help="request an answer in JSON that fits: 'name, age int', a class such as Person or list[Person], "
        "a .json file with a JSON Schema, or {{ an object }}; the response has it as `parsed`",
    )
    schema_multi: Any | None = option(
        None,
        "--schema-multi",
        metavar="SCHEMA",
        config=False,
        is_object=True,
        help="request an array of what --schema would request; the response has it as `items`",
    )
    items: str | None = option(
        None,
        "--items",
        metavar="PATH",
        config=False,
        help="with a schema that has several arrays, the one whose elements are the items, such as dogs or result.dogs",
    )
    decide: Any | None = option(
        None,
        "--decide",
        metavar="QUESTIONS",
        config=False,
        is_object=True,
        help="experimental: have the prompt judged, with probabilities, instead of answered: 'Is this spam?', 'What is it? sport | news', "
        "a .json file, or {{ questions by their ids }}; the response has the answers as `parsed`",
    )
    repair: int = option(
        0,
        "--repair",
        metavar="N",
        help="ask again at most N times when the answer does not fit its schema; each is a request with its own cost",
        minimum=0,
        maximum=5,
    )
    candidates: int | None = option(
        None,
        "-n",
        "--candidates",
        metavar="N",
        help="number of candidate answers, available as `r.candidates`",
        minimum=1,
    )
    logprobs: int | None = option(
        None,
        "--logprobs",
        metavar="N",
        help="request the log probability of each token and of the N best alternatives (0 to 20), for `r.logprobs`",
        minimum=0,
        maximum=20,
        project=True,
    )
    search: bool = option(False, "--search", help="let the model use Google Search")
    code_execution: bool = option(
        False, "--code-execution", help="let the model run Python code on the server"
    )
    url_context: bool = option(False, "--url-context", help="let the model read the URLs in the prompt")
    maps: bool = option(False, "--maps", help="let the model use Google Maps")
    file_search: list[str] = option(
        [],
        "--file-search",
        metavar="STORE",
        help="let the model search a file search store (repeatable)",
    )
    tool: list[str] = option(
        [],
        "-T",
        "--tool",
        metavar="NAME",
        help="let the model call the function NAME (repeatable)",
        config=False,
    )
    mcp: list[str] = option(
        [],
        "--mcp",
        metavar="NAME[:TOOL,TOOL]",
        help="let the model call the tools of the MCP server NAME, or some of them (repeatable)",
    )
    remote_mcp: list[str] = option(
        [],
        "--remote-mcp",
        metavar="NAME",
        help="let the model's server call the MCP server NAME without asking you; the headers of its entry are sent (repeatable)",
    )
    tool_choice: str | None = option(
        None,
        "--tool-choice",
        metavar="CHOICE",
        help="whether the model calls functions: auto, any (it must call one), none, or the NAME of the one to call",
        config=False,
    )
    max_rounds: int = option(
        10,
        "--max-rounds",
        metavar="N",
        help="maximum number of requests for one answer when the model calls functions",
        minimum=1,
        maximum=1000,
    )
    tool_timeout: float | None = option(
        None,
        "--tool-timeout",
        metavar="SECONDS",
        help="maximum time for one call of a function",
        exclusive_minimum=0,
        maximum=_SECONDS,
    )
    confirm: str = option(
        "marked",
        "--confirm",
        choices=CONFIRMATIONS,
        metavar="WHICH",
        project=None,
        help="functions whose calls you confirm before they run: marked (those with confirm=True), all or none",
    )
    run_tools: bool = option(
        False,
        "--run-tools",
        help="run the functions in a replay too, instead of showing their recorded results",
        config=False,
    )
    safety: str | None = option(
        None,
        "--safety",
        choices=SAFETY,
        metavar="LEVEL",
        help="lowest probability of harm at which content is blocked: low, medium, high, none or off",
    )
    service_tier: str | None = option(
        None,
        "--service-tier",
        choices=TIERS,
        metavar="TIER",
        help="service tier: flex (half price, slow), standard, priority, deferred (interactions backend), or batch (half price, "
        "for rows only)",
    )
    param: list[str] = option(
        [],
        "-p",
        "--param",
        metavar="NAME=VALUE",
        help="set a generation setting by its API name, or any request field by dotted path (repeatable)",
        json=True,
    )
    body: str | None = option(
        None,
        "--body",
        "--json",
        metavar="JSON",
        help="JSON to merge into the request; overrides configured settings",
        json=True,
    )
    thinking: str | None = option(
        None,
        "--thinking",
        metavar="LEVEL",
        project=True,
        help="thinking level (off, on, minimal, low, medium, high) or a budget in tokens",
    )
    chat: str | None = option(
        None, "--chat", metavar="NAME", help="continue the conversation NAME, or start it", config=False
    )
    continue_: bool = option(False, "-c", "--continue", help="continue the last conversation", config=False)
    fresh: bool = option(
        False, "--fresh", help="start a new conversation instead of continuing the old one", config=False
    )
    server_store: bool = option(
        False,
        "--server-store",
        help="let the server store the answer (interactions backend): a lost connection is resumed, and a conversation "
        "continues from the stored answer",
    )
    previous: str | None = option(
        None,
        "--previous",
        metavar="ID",
        help="continue the stored answer with this id (interactions backend)",
        config=False,
    )
    agent: str | None = option(
        None,
        "--agent",
        metavar="NAME",
        help="agent that answers in place of the model, such as deep-research-preview-04-2026 (interactions backend)",
        config=False,
    )
    server_background: bool = option(
        False,
        "--server-background",
        help="let the server answer at its own time; the answer is fetched when it is ready (interactions backend)",
        config=False,
    )
    out: str | None = option(
        None,
        "-o",
        "--out",
        metavar="NAME",
        help="assign the response to the variable NAME (also: NAME <<)",
        config=False,
    )
    attach: list[str] = option(
        [],
        "-a",
        "--attach",
        metavar="WHAT",
        help="attach a file, a pattern such as plots/*.png, an address or a variable (repeatable)",
        config=False,
    )
    count: bool = option(
        False, "--count", help="count the tokens of the request; nothing is sent to the model", config=False
    )
    dry_run: bool = option(False, "--dry-run", help="show the exact request without sending it", config=False)
    compare: str | None = option(
        None,
        "--compare",
        metavar="MODEL,MODEL",
        help="ask several models and show their answers side by side; BACKEND:MODEL selects another API",
        config=False,
    )
    sweep: list[str] = option(
        [],
        "--sweep",
        metavar="NAME=VALUE,VALUE",
        help="ask with each of these values of an option, such as temperature=0,0.5,1, and show the answers side by side "
        "(repeatable: every combination)",
        config=False,
    )
    repeat: int | None = option(
        None, "--repeat", metavar="N", help="ask the same prompt N times", minimum=1, config=False
    )
    cache: bool = option(
        False,
        "--cache",
        help="show the answer of the journal if the same request has a complete answer there; nothing is sent then",
    )
    record: str | None = option(
        None, "--record", metavar="FILE", help="append the HTTP request and response to FILE"
    )
    replay: str | None = option(
        None,
        "--replay",
        metavar="FILE",
        help="replay a recording (a file or builtin:NAME, such as builtin:tour) instead of sending the request",
    )
    replay_any: bool = option(
        False,
        "--replay-any",
        help="replay the answers of the recording in order, even if the requests differ",
    )
    speed: float = option(
        1.0,
        "--speed",
        metavar="N",
        help="replay speed factor; 0 replays without delays",
        minimum=0,
        project=True,
    )
    display: str = option(
        "auto",
        "--display",
        choices=DISPLAYS,
        metavar="MODE",
        project=True,
        help="how the answer is displayed: auto, live, html or text",
    )
    format: str = option(
        "markdown",
        "-f",
        "--format",
        choices=FORMATS,
        project="(?!code).*",  # which inserts a cell
        metavar="FORMAT",
        help="display format of the answer: markdown (md), text, json (also requested from the model), html (as source), "
        "code (also inserted into a new cell) or raw; the response always holds the whole answer",
        remedies={
            "math": "Markdown, the default format, displays formulas.",
            "image": "The images of an answer are in `r.images`, whatever the format.",
        },
    )
    next_cell: bool = option(
        False, "--next-cell", help="insert the code of a complete answer into a new cell below"
    )
    images: str = option(
        "data",
        "--images",
        metavar="HOSTS",
        project="none|data",  # the address of an image that a host receives can contain the prompt
        help="images to display in an answer: none, data (small embedded ones), or additional hosts such as a.org,*.b.org",
    )
    backend: str = option(
        DEFAULT.name,
        "--backend",
        metavar="NAME",
        help=f"API to use: {_BACKENDS}; auto chooses gemini or interactions by the model and the options",
        env="GEMINI_MAGIC_BACKEND",
    )
    base_url: str | None = option(
        None, "--base-url", metavar="URL", help="base URL of another server with the same API"
    )
    api_version: str | None = option(
        None,
        "--api-version",
        metavar="V",
        project=True,
        help="API version in the URL (default: v1beta; Vertex AI: v1beta1)",
        env="GOOGLE_GENAI_API_VERSION",
    )
    auth: str | None = option(
        None,
        "--auth",
        metavar="STYLE",
        help="how the key is sent: x-goog-api-key, bearer, x-api-key, api-key, or google (sign in)",
    )
    project: str | None = option(
        None, "--project", metavar="ID", help="Google Cloud project for Vertex AI", env="GOOGLE_CLOUD_PROJECT"
    )
    location: str | None = option(
        None,
        "--location",
        metavar="LOCATION",
        help="Vertex AI location: global, us, eu or a region",
        env="GOOGLE_CLOUD_LOCATION",
    )
    alt: str = option(
        "sse",
        "--alt",
        choices=FRAMINGS,
        project=True,
        metavar="FORMAT",
        help="response format to request: server-sent events (sse) or a JSON array (json)",
    )
    no_stream: bool = option(
        False,
        "--no-stream",
        help="request the whole answer at once, for models that do not stream",
        project=True,
    )
    method_style: str | None = option(
        None,
        "--method-style",
        choices=METHOD_STYLES,
        project=True,
        metavar="STYLE",
        help="separator before the method in the URL: colon or slash (default: as the backend documents)",
    )
    fallback: bool = option(
        False, "--fallback", help="retry once without streaming if streaming fails before any content arrived"
    )
    price: str | None = option(
        None,
        "--price",
        metavar="IN,OUT",
        help="dollars for a million tokens of prompt and of answer in the standard tier, for `r.cost` on a server without "
        "list prices",
    )
    key_env: str | None = option(
        None, "--key-env", metavar="NAME", help="environment variable with the API key for this server"
    )
    http_hosts: list[str] = option(
        [],
        help="hosts that may receive a key over plain http, such as llm.local or llm.local:8000",
        project=None,
    )
    timeout: float | None = option(
        None,
        "--timeout",
        metavar="S",
        help="timeout for the whole answer, in seconds",
        exclusive_minimum=0,
        maximum=_SECONDS,
        project=True,
    )
    stall_timeout: float = option(
        60.0,
        "--stall-timeout",
        metavar="S",
        help="timeout between two pieces of the answer, in seconds",
        exclusive_minimum=0,
        maximum=_SECONDS,
        project=True,
    )
    first_byte_timeout: float = option(
        300.0,
        "--first-byte-timeout",
        metavar="S",
        help="timeout for the first byte, in seconds",
        exclusive_minimum=0,
        maximum=_SECONDS,
        project=True,
    )
    connect_timeout: float = option(
        10.0,
        "--connect-timeout",
        metavar="S",
        help="timeout for connecting, in seconds",
        exclusive_minimum=0,
        maximum=_SECONDS,
        project=True,
    )
    retries: int = option(
        3,
        "--retries",
        metavar="N",
        help="maximum number of retries, only before any content arrived",
        minimum=0,
    )
    rpm: int | None = option(
        None,
        "--rpm",
        metavar="N",
        help="maximum requests per minute to this host with this key and model",
        minimum=1,
        project=True,
    )
    max_event: float = option(
        64.0,
        "--max-event",
        metavar="MB",
        help="maximum size of a single event, in MB",
        exclusive_minimum=0,
        maximum=_MEGABYTES,
    )
    max_total: float = option(
        128.0,
        "--max-total",
        metavar="MB",
        help="maximum size of the response, in MB",
        exclusive_minimum=0,
        maximum=_MEGABYTES,
    )
    to: str | None = option(
        None,
        "--to",
        metavar="FILE",
        help="write the text of the answer to a new FILE while it arrives; Markdown and text end with the token counts",
        config=False,
    )
    overwrite: bool = option(False, "--overwrite", help="let --to replace an existing file", config=False)
    append: bool = option(
        False, "--append", help="let --to write at the end of an existing file", config=False
    )
    background: bool = option(
        False,
        "--background",
        help="return immediately and keep streaming into this cell's output",
        config=False,
    )
    quiet: bool = option(False, "-q", "--quiet", help="display nothing, only return the response")
    verbatim: bool = option(
        False, "--verbatim", help="send the cell text unchanged, including {{ }}", project=True
    )
    table_rows: int = option(
        50,
        "--table-rows",
        metavar="N",
        help="maximum number of rows of a table in {{ }} that are sent; 0 sends all",
        minimum=0,
    )
    inline_limit: float = option(
        15.0,
        "--inline-limit",
        metavar="MB",
        help="maximum size of the media that are sent inside a request, in MB; the largest ones beyond it are uploaded first",
        exclusive_minimum=0,
        maximum=_MOST_INLINE,
    )
    record_size: float = option(
        2.0,
        help="maximum size of the stream record that the notebook stores for the inspector, in MB; 0 stores none",
        minimum=0,
        maximum=64,
        project=True,
    )
    media_size: float = option(
        4.0,
        help="maximum size of the pictures, audio and videos that the notebook stores of all answers together, in MB; 0 stores none",
        minimum=0,
        maximum=64,
        project=True,
    )
    journal: bool | None = option(
        None,
        "--journal",
        help="save the answer in the journal (default: in a notebook, if the answer came from a server)",
    )
    journal_size: float = option(
        500.0,
        metavar="MB",
        help="maximum size of the journal, in MB; the oldest entries are deleted",
        exclusive_minimum=0,
    )
    journal_days: float | None = option(
        None, metavar="N", help="delete journal entries older than N days", exclusive_minimum=0
    )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Options) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment] # the values may change

    @property
    def is_comparison(self) -> bool:
        """Whether these options request several answers side by side."""
        return bool(self.compare or self.sweep or self.repeat is not None)

    def for_follow_up(self) -> dict[str, Any]:
        """The options that a follow-up request inherits: all but those that belong to a single call."""
        once = (
            "attach",
            "chat",
            "continue_",
            "fresh",
            "out",
            "dry_run",
            "count",
            "background",
            "compare",
            "sweep",
            "repeat",
            "tool",  # the functions themselves are inherited, not their names
            "tool_choice",
            "mcp",
            "previous",
            "server_background",
        )
        return {name: value for name, value in vars(self).items() if name not in once}
