"""Adversarial texts that refer to something: link definitions, footnotes, entities, escapes and images.

Each function returns a text of about ``n`` characters.
"""

from __future__ import annotations

from texts import repeated

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def _long_definition(n: int) -> str:
    """A link whose definition takes a half of the text, and that is used in the other half."""
    return f"[a]: https://x.y/{'z' * (n // 2)}\n\n" + "[a]" * (n // 6)


TEXTS = {
    "one long link used often": _long_definition,
    "one long link used often, defined last": lambda n: (
        "[a] " * (n // 8) + f"\n\n[a]: https://x.y/{'z' * (n // 2)}"
    ),
    "one long title used often": lambda n: f"[a]: https://x.y '{'t' * (n // 2)}'\n\n" + "[a]" * (n // 6),
    "one long link used in many blocks": lambda n: (
        f"[a]: https://x.y/{'z' * (n // 2)}\n\n" + "[a]\n\n" * (n // 10)
    ),
    "one long link used in a list": lambda n: (
        f"[a]: https://x.y/{'z' * (n // 2)}\n\n" + "- [a]\n" * (n // 12)
    ),
    "one long link used in a table": lambda n: (
        f"[a]: https://x.y/{'z' * (n // 2)}\n\n|a|\n|-|\n" + "|[a]|\n" * (n // 12)
    ),
    "one long image used often": lambda n: f"[a]: https://x.y/{'z' * (n // 2)}\n\n" + "![a]" * (n // 8),
    "one long list of labels used often": lambda n: (
        "".join(f"[a{k}]: https://x.y/{'z' * 2000}\n\n" for k in range(n // 4000))
        + "".join(f"[a{k % max(1, n // 4000)}]" for k in range(n // 12))
    ),
    "one picture used often": lambda n: f"[a]: {PIXEL}\n\n" + "![a]" * (n // 4),
    "pictures": repeated(f"![a]({PIXEL})"),
    "definitions": lambda n: "".join(f"[a{k}]: /u\n" for k in range(n // 10)),
    "definitions of one label": repeated("[a]: https://x.y\n"),
    "definitions that go on": repeated("[a]:\n"),
    "definitions with open titles": repeated("[a]: /u 'x\n"),
    "definitions late": lambda n: (
        "[a] [b] [c]\n\n" * (n // 26) + "[a]: https://x.y\n[b]: https://x.y\n" * (n // 64)
    ),
    "definitions and uses in turn": lambda n: "".join(
        f"[a{k}]\n\n[a{k}]: https://x.y\n\n" for k in range(n // 36)
    ),
    "uses without a definition": lambda n: "".join(f"[a{k}] " for k in range(n // 8)),
    "open labels": repeated("[a]["),
    "labels of brackets": repeated("[[]"),
    "footnotes with definitions": lambda n: "".join(f"a[^{k}]\n\n[^{k}]: b\n\n" for k in range(n // 24)),
    "one footnote used often": repeated("[^a]", end="\n\n[^a]: b"),
    "long entities": repeated("&CounterClockwiseContourIntegral;"),
    "numeric entities": repeated("&#x1F600;"),
    "quotation marks": repeated('"'),
    "escaped brackets": repeated("\\["),
    "bare addresses": repeated("https://a.bc "),
    "addresses without spaces": repeated("https://a.bc/"),
    "mail addresses": repeated("a@", begin="<mailto:"),
    "nul characters": repeated("\0"),
    "half characters": repeated("\ud800"),
    "bidi controls": repeated("\u202e"),
    "tag characters": repeated("\U000e0041"),
    "combining characters": repeated("\u0301", begin="a"),
    "Chinese text in bold": repeated("**注意：**正文"),
}
