"""Notebook 08: one prompt over a thousand rows, killed and resumed, against a server on this computer. It has no recording."""

from __future__ import annotations

NAME = "08-a-thousand-rows"

SETUP = """\
%load_ext gemini_magic
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

import gemini_magic as gm
from gemini_magic.recording import PracticeServer"""

DATA = """\
random.seed(8)
TEXTS = {
    "bug": ["The app crashes when I open {}.", "{} shows a wrong total.", "Since the update {} is empty."],
    "idea": ["Please add dark mode to {}.", "Could {} be exported as CSV?", "I want to sort {} by date."],
    "praise": ["I love {}.", "{} works well, thank you!", "Great work on {}."],
}
PLACES = ["the calendar", "the invoice list", "the photo album", "the search", "the inbox"]

lines = []
for number in range(1000):
    text = random.choice(random.choice(list(TEXTS.values()))).format(random.choice(PLACES))
    text = f"{text[0].upper()}{text[1:]} (order {10_000 + number})"
    lines.append({"ticket_id": f"T-{number:04}", "text": text})
tickets = pd.DataFrame(lines)
tickets.head()"""

SERVER = """\
def answer(prompt):
    \"\"\"Plays the model. For ticket 500 it invents a label, but only once.\"\"\"
    text = prompt.lower()
    label = "bug" if any(word in text for word in ("crashes", "wrong", "empty")) else "idea"
    label = "praise" if any(word in text for word in ("love", "thank", "great")) else label
    if "(order 10500)" in text and server.asked[prompt] == 1:
        label = "question"
    return json.dumps({"label": label, "urgency": 4 if label == "bug" else 2})


server = PracticeServer(answer, seconds=0.05)
os.environ["PRACTICE_KEY"] = "not-a-key"
%config GeminiMagics.base_url = server.url
%config GeminiMagics.key_env = "PRACTICE_KEY"
%config GeminiMagics.price = "0.10,0.40"

folder = Path(tempfile.mkdtemp())
store = folder / "tickets.rows.sqlite"
server"""

LINE = "%%gemini --rows tickets --id ticket_id --store {{ store }} -o run"
SCHEMA = '--schema "label bug|idea|praise, urgency int"'
PROMPT = """\
Classify this ticket. The urgency is a number from 1 to 5.

{{ row.text }}"""

KILL = (
    '''\
tickets.to_csv(folder / "tickets.csv", index=False)
SCRIPT = """
import sys, gemini_magic as gm
prompt, data, store, url = sys.argv[1:]
gm.rows(prompt, data, id="ticket_id", schema="label bug|idea|praise, urgency int", store=store,
        base_url=url, key_env="PRACTICE_KEY")
"""
PROMPT = """\\
'''
    + PROMPT
    + '''"""

arguments = [PROMPT, folder / "tickets.csv", store, server.url]
child = subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, arguments)])
server.wait_for(400)
child.kill()  # kill -9: the process cannot tidy up
child.wait()
print(f"{server.requests} requests have arrived, and the process is gone.")'''
)

CELLS = [
    (
        "markdown",
        """\
# A thousand rows

One prompt, asked once for each row of a table: with a progress line, a table of the newest rows, and a store that knows what was
asked and what was answered. This notebook needs no key and no network: a small server on this computer plays the model. It counts
every request, so it can prove what is sent twice and what is not.""",
    ),
    ("code", SETUP),
    (
        "markdown",
        """\
## The data and the server

A thousand support tickets. Each has an identity, the column `ticket_id`.""",
    ),
    ("code", DATA),
    ("code", SERVER),
    (
        "markdown",
        """\
## Try twenty

`{{ row.text }}` is the value of a column. `--limit` asks the first rows only, `--schema` makes columns of the answers, and `--store`
keeps them: look at the answers, change the prompt, try again, and only then ask for all.""",
    ),
    ("code", f"{LINE} --limit 20 {SCHEMA}\n{PROMPT}"),
    ("code", 'run.df[["label", "urgency", "_status", "_tokens", "_cost"]].head(3)'),
    (
        "markdown",
        """\
## Kill it

The same run over all tickets, in another process, which is killed when 400 requests have arrived. A kernel that crashes, a
laptop that loses power, and a job that runs out of time do the same.""",
    ),
    ("code", KILL),
    (
        "markdown",
        """\
## Resume it

Run the cell. Every answer that had arrived was stored before it counted, so nothing of it is asked again. But some requests had been
sent and their answers are lost. They may have been paid, so the cell does not ask them again by itself: it names them, and says how
to decide.""",
    ),
    ("code!", f"{LINE} {SCHEMA}\n{PROMPT}"),
    ("markdown", "Skip these for now, and ask the others:"),
    ("code", f"{LINE} --in-doubt skip {SCHEMA}\n{PROMPT}"),
    ("markdown", "The server has counted. No ticket was asked twice:"),
    (
        "code",
        """\
twice = sum(count > 1 for count in server.asked.values())
print(f"{server.requests} requests for {len(tickets)} tickets, {twice} of them asked twice")
assert twice == 0
run.df["_status"].value_counts()""",
    ),
    (
        "markdown",
        """\
## The rest

Now that you know how many they are, ask for the rows in doubt again, and for the one whose answer does not fit the schema:""",
    ),
    ("code", f"{LINE} --in-doubt again {SCHEMA}\n{PROMPT}"),
    (
        "code",
        """\
run.retry(status="mismatch")
print(f"{server.requests} requests in all")
run.df["_status"].value_counts()""",
    ),
    (
        "markdown",
        """\
## Use it

`run.df` has one line for each row, in the order and with the library of the input. The columns of the schema come first, and those of
the system begin with an underscore. `run.join(df)` puts them beside the input.""",
    ),
    ("code", 'run.join(tickets)[["ticket_id", "text", "label", "urgency", "_tokens", "_cost"]].head()'),
    ("code", 'run.df["label"].value_counts()'),
    (
        "markdown",
        "Every row is a whole response, rebuilt from the store, with its text, its chunks and its timing:",
    ),
    ("code", 'run.at["T-0007"]'),
    (
        "code",
        """\
try:
    run.to_parquet(folder / "answers.parquet")
except gm.GeminiMagicError as missing:
    print(missing)
sorted(path.name for path in folder.iterdir())""",
    ),
    (
        "markdown",
        """\
The store holds prompts and answers, so it is readable by you only, and does not belong into a repository: add `*.rows.sqlite*` to
`.gitignore`.

**Next**: the same prompt for several models, side by side, in [09-compare.ipynb](09-compare.ipynb).""",
    ),
    ("code", "server.close()"),
]


def recordings() -> dict[str, list[str]]:
    """No recording: the server answers."""
    return {}
