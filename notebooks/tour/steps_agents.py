"""Notebook 10: steps, a stream that is cut and resumed, and an agent, with a server on this computer."""

from __future__ import annotations

NAME = "10-steps-agents-resuming"

CELLS = [
    (
        "markdown",
        """\
# Steps, agents and resuming

With the backend `interactions`, Google's newer protocol, an answer consists of *steps*: thoughts, uses of tools, their results, and
text. The server can keep the answer, so a lost connection is resumed instead of asked again, and agents work on the server for
minutes. This notebook needs no key and no network: a small server on this computer plays the API.""",
    ),
    (
        "code",
        """\
%load_ext gemini_magic
import os

import gemini_magic
from gemini_magic.recording import PracticeInteractions, cited_text""",
    ),
    (
        "markdown",
        """\
## The server

It answers three prompts with steps, keeps the answers that it may keep, and lists every request. Run the folded cell; a click on its
dots shows the steps.""",
    ),
    (
        "code-",
        '''\
def thought(text, seconds=0.3):
    summary = [{"type": "text", "text": text}]
    return {"type": "thought", "summary": summary, "signature": "c2ln", "seconds": seconds}


def search(number, *queries):
    return [
        {"type": "google_search_call", "id": f"search{number}", "arguments": {"queries": list(queries)}},
        {"type": "google_search_result", "call_id": f"search{number}", "result": [], "seconds": 0.8},
    ]


def say(text, seconds=0.3):
    return {"type": "model_output", "content": [cited_text(text)], "seconds": seconds}


CODE = "words, hours = 98, 16\\nprint(round(words / hours / 60, 2), 'words a minute')"
RUN = [
    {"type": "code_execution_call", "id": "run1", "arguments": {"language": "python", "code": CODE}},
    {"type": "code_execution_result", "call_id": "run1", "result": "0.1 words a minute\\n", "seconds": 0.5},
]
SPEED = """\\
The Queen's greeting had **98 words**, and
[[the cable needed sixteen hours for it]](https://museum.example/greeting): one word in ten minutes.

| cable | words a minute |
|:--|--:|
| 1858 | 0.1 |
| 1866 | [[8]](https://cables.example/1866) |
"""
STORY = """\\
The clerks at Valentia watched a spot of light. *It moved to the left, it moved to the right*, and each
move was a part of a letter.

After three weeks the spot stood still. The cable had been under the sea for **twenty-three days**, and
nothing that the clerks sent that night has ever arrived.
"""
REPORT_1858 = """\\
# Two cables

## 1858

It [[failed after three weeks]](https://letters.example/whitehouse): the voltage was too high.

"""
REPORT_1866 = """\\
## 1866

The *Great Eastern* laid one that [[lasted for years]](https://cables.example/1866).
"""
ANSWERS = {
    "How fast was the cable of 1858?": [
        thought("**Plan**\\n\\nFind the greeting, then compute its speed."),
        *search(1, "transatlantic cable 1858 greeting", "cable 1866 speed"),
        *RUN,
        say(SPEED),
    ],
    "Tell the story of its last night.": [thought("A short story, in two paragraphs."), say(STORY)],
    "Write a report about the cables of 1858 and 1866.": [
        thought("**Research plan**\\n\\n1. The first cable\\n2. The second cable", 0.6),
        *search(2, "atlantic cable failure 1858"),
        thought("The voltage explains the failure. Now the second cable."),
        *search(3, "Great Eastern cable 1866", "siphon recorder"),
        say(REPORT_1858),
        say(REPORT_1866),
    ],
}
server = PracticeInteractions(ANSWERS.__getitem__)
os.environ["PRACTICE_KEY"] = "not-a-key"
%config GeminiMagics.backend = "interactions"
%config GeminiMagics.base_url = server.url
%config GeminiMagics.key_env = "PRACTICE_KEY"
%config GeminiMagics.price = "0.10,0.40"''',
    ),
    (
        "markdown",
        """\
## Steps

The server searches and runs code for the model. Each use is a folded line of the answer, in order with its text: click it for what was
asked and what came out.""",
    ),
    (
        "code",
        """\
%%gemini --search --code-execution -o speed
How fast was the cable of 1858?""",
    ),
    (
        "markdown",
        "`r.steps` is a table like the others: when each step began and ended, its tokens, and what it cost.",
    ),
    ("code", "speed.steps"),
    ("markdown", "In the timeline, and in the inspector below the answer, each kind of step is a lane."),
    ("code", "speed.timeline()"),
    (
        "markdown",
        """\
## A lost connection

With `--server-store` the server keeps the answer. Here it breaks the connection in the middle of the text. The cell reconnects and asks
for what comes after the last event that arrived.""",
    ),
    ("code", "server.cut(after=14)"),
    (
        "code",
        """\
%%gemini --server-store -o story
Tell the story of its last night.""",
    ),
    ("markdown", "The prompt was sent once; the second request only fetched the rest:"),
    ("code", "server.requests[-2:]"),
    (
        "markdown",
        """\
Without retries the cell fails, and `%gemini resume` reads the answer from the server when you want it, even after a restart of the
kernel. The model is not asked again.""",
    ),
    ("code", "server.cut(after=14)"),
    (
        "code!",
        """\
%%gemini --server-store --retries 0 -o late
Tell the story of its last night.""",
    ),
    ("code", "%gemini resume"),
    ("code", "server.requests[-2:]"),
    (
        "markdown",
        """\
## An agent

`--agent` names an agent instead of a model. It works in the background of the server, which keeps its answer; both are implied. The cell
shows what it does. Stop cancels it on the server.""",
    ),
    (
        "code",
        """\
%%gemini --agent deep-research-preview-04-2026 -o report
Write a report about the cables of 1858 and 1866.""",
    ),
    ("code", "report.steps"),
    (
        "markdown",
        "`%gemini interactions` lists what was stored from here. Each of them can be shown, cancelled and deleted by its id.",
    ),
    ("code", "%gemini interactions list"),
    (
        "code",
        """\
for answer in (story, late, report):
    gemini_magic.interactions.delete(answer.response_id)
server.requests[-3:]""",
    ),
    (
        "markdown",
        """\
With a key of your own, `%config GeminiMagics.backend = "interactions"` is all you need. The page *Interactions* of the documentation has
the details. This was the last notebook of the tour.""",
    ),
    ("code", "server.close()"),
]


def recordings() -> dict[str, list[dict]]:
    """No recordings: the notebook has a server."""
    return {}
