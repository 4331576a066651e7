"""Notebook 04: figures, pictures, sound and files in a prompt, and the recordings "figure" and "attached"."""

from __future__ import annotations

from .recording_lines import lines

NAME = "04-send-anything"

FIGURE = """\
The curve follows the seasons, with the usual noise of a degree or two. **Two places are not weather:**

| when | what the plot shows | likely cause |
|:--|:--|:--|
| from late July to mid-August | a perfectly flat line for three weeks | the sensor hung and repeated its last value |
| end of October | a single point far above its neighbours | one disturbed reading |

Real air is never flat for five days, and it does not warm by nineteen degrees for one day. Both rules fit into two lines:

```python
flat = temperature.celsius.diff().eq(0).rolling(5).sum().ge(5)
spike = (temperature.celsius - temperature.celsius.rolling(7, center=True).median()).abs().gt(10)
```

`temperature[flat | spike]` lists the days. I would drop them rather than interpolate: three weeks are too long for that.
"""

ATTACHED = """\
**The sound** is a steady tone of one second at 440 Hz, the A that orchestras tune to. It fades neither in nor out.

**The file** `readings.csv` has a header and 31 rows, one for each day of January 2025. The values swing by a few degrees from
day to day without a trend, as they should in winter.

The two have nothing to do with each other, unless the sensor sings.
"""

CELLS = [
    (
        "markdown",
        """\
# Send anything

A prompt can contain figures, pictures, tables, sound, video, files and addresses. This notebook needs matplotlib and takes ten
minutes. It uses no key and sends nothing: the answers are recordings that were written for it.""",
    ),
    (
        "code",
        """\
%load_ext gemini_magic
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import gemini_magic""",
    ),
    (
        "markdown",
        """\
## A figure in the middle of a sentence

A sensor on a roof recorded the temperature of every day of a year:""",
    ),
    (
        "code",
        """\
random = np.random.default_rng(3)
celsius = 9 + 9 * np.sin((np.arange(365) - 110) / 58) + random.normal(0, 1.6, 365)
celsius[205:226] = celsius[204]
celsius[300] += 19
days = pd.date_range("2025-01-01", periods=365)
temperature = pd.DataFrame({"day": days, "celsius": celsius.round(1)})

fig, ax = plt.subplots(figsize=(8, 3))
ax.plot(temperature.day, temperature.celsius, linewidth=1)
ax.set(title="Roof sensor, 2025", ylabel="°C")
plt.show()""",
    ),
    (
        "markdown",
        """\
`{{ fig }}` in a prompt becomes a picture at that place, between the text around it. The status line of the answer says what was
sent.""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:figure --out r
What is wrong with the sensor behind this plot? {{ fig }}
Give me a table of what you see, and two lines of pandas that find these days in `temperature`.""",
    ),
    ("markdown", "The two lines, run as they are:"),
    (
        "code",
        """\
flat = temperature.celsius.diff().eq(0).rolling(5).sum().ge(5)
spike = (temperature.celsius - temperature.celsius.rolling(7, center=True).median()).abs().gt(10)
temperature[flat | spike].iloc[[0, -2, -1]]""",
    ),
    (
        "markdown",
        """\
Axes and what is drawn on them work like the figure. So do plots of seaborn, charts of plotly and altair (with the package that
exports their images), pictures of Pillow, arrays in the shape of a picture, `IPython.display` objects, bytes, paths, and any
object that shows itself as PNG or JPEG.

## Attachments

`-a` attaches a file, a pattern such as `plots/*.png`, an address, or a variable. It can be repeated.""",
    ),
    (
        "code",
        """\
from IPython.display import Audio

temperature.head(31).to_csv("readings.csv", index=False)
tone = Audio(np.sin(2 * np.pi * 440 * np.arange(8000) / 8000), rate=8000)
tone""",
    ),
    (
        "code",
        """\
%%gemini --replay builtin:attached -a tone -a readings.csv
What do you hear, and what is in the file?""",
    ),
    (
        "markdown",
        """\
A text file is sent as text with its name. What a file contains decides what it is, not its name.

## See it before you send it

`--dry-run` lists the parts with thumbnails. A large picture is sent as JPEG, which a message says. `gemini_magic.attach` sets
what an option cannot say: which pages of a document, or which section of a video.""",
    ),
    (
        "code",
        """\
x, y = np.meshgrid(np.linspace(-2, 0.6, 4000), np.linspace(-1, 1, 3000))
colors = np.stack([np.hypot(x, y) * 90, 120 + 80 * np.sin(9 * x * y), 160 - 50 * y], axis=-1)
photo = colors.astype("uint8")

clip = gemini_magic.attach("https://youtu.be/dQw4w9WgXcQ", start="10s", end="30s", fps=2)
clip""",
    ),
    (
        "code",
        """\
%%gemini --dry-run
Compare {{ ax }} with {{ photo }}, and sum up this section: {{ clip }}""",
    ),
    (
        "markdown",
        """\
## Tables

A DataFrame in `{{ }}` becomes a Markdown table. `gemini_magic.table` chooses the number of rows and the format.""",
    ),
    ("code", 'print(gemini_magic.table(temperature, rows=3, format="csv"))'),
    (
        "markdown",
        """\
## From Python

`ask` takes a list of texts and objects, and `attach=`. `stream` and `count_tokens` do, too.""",
    ),
    (
        "code",
        """\
answer = gemini_magic.ask(
    ["What is wrong here?", fig, temperature.tail(3)],
    attach="readings.csv",
    replay="builtin:figure",
    speed=0,
)
[type(part).__name__ for part in answer.request.turns[-1].parts]""",
    ),
    (
        "markdown",
        """\
## Mistakes cost nothing

What cannot be sent is an error before anything is sent, with a way out.""",
    ),
    ("code!", 'gemini_magic.attach("reading.csv")'),
    ("code!", 'gemini_magic.attach(Path("readings.csv"), pages=(3, 9))'),
    ("code!", 'gemini_magic.ask(["Look:", plt.Figure()], replay="builtin:figure")'),
    (
        "markdown",
        """\
## Your turn

With your own key, leave out `--replay`, and let a model explain the last figure that you made.

**Next**: pictures, speech, code and sources in an answer, in [05-what-came-back.ipynb](05-what-came-back.ipynb).""",
    ),
]


def recordings() -> dict[str, list[dict]]:
    """The lines of each recording by its name."""
    return {
        "figure": lines([("", {}, "", FIGURE, 0.04, "STOP")], "figure", 1786),
        "attached": lines([("", {}, "", ATTACHED, 0.04, "STOP")], "attached", 1834),
    }
