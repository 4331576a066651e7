"""Adversarial texts of inline markup: emphasis, links, code, tags, comments, formulas, entities and URLs.

Each function returns a text of about ``n`` characters.
"""

from __future__ import annotations

from texts import repeated


def _nested(opening, closing, middle="a"):
    return lambda n: (
        opening * (n // len(opening + closing)) + middle + closing * (n // len(opening + closing))
    )


def _runs(lengths):
    """Back-tick runs of these lengths, each followed by a letter; ``lengths`` gets the longest one."""
    return lambda n: "".join("`" * length + "a" for length in lengths(int((2 * n) ** 0.5)))


TEXTS = {
    # emphasis and strikethrough
    "underscores": repeated("_", end="a"),
    "asterisks": repeated("*", end="a"),
    "asterisks on both sides": _nested("*", "*"),
    "strong and emphasis that open": repeated("**a *b "),
    "emphasis inside emphasis": _nested("*a ", "a* "),
    "strong inside emphasis": _nested("*a **b", " b** a*"),
    "closing asterisks": repeated("a* "),
    "asterisk and underscore in turn": repeated("*_"),
    "asterisks inside words": repeated("a**b"),
    "rule of three": repeated("a**b", end="c* " * 200),
    "tildes": repeated("~", end="a"),
    "strikethrough that opens": repeated("~~a "),
    "strikethrough": repeated("~~a~~"),
    "emphasis in Chinese": repeated("**「a"),
    # links and images
    "brackets that open": repeated("["),
    "brackets that close": repeated("]"),
    "brackets inside brackets": _nested("[", "]"),
    "links inside links": _nested("[", "](https://a.b)"),
    "images that open": repeated("!["),
    "images inside images": _nested("![", "](https://a.b)"),
    "destinations that open": repeated("[a]("),
    "destinations with text": repeated("[a](https://a.b"),
    "destinations of parentheses": repeated("(", begin="[a]("),
    "destinations in angle brackets": repeated("[a](<"),
    "destinations with a title that opens": repeated('[a](b "'),
    "destinations with spaces": repeated("[a]( "),
    "links to headings": repeated("[a](#b)"),
    "links": repeated("[a](https://a.b) "),
    "links without a space": repeated("[a](https://a.b)"),
    "images": repeated("![a](https://a.b/c.png)"),
    "footnotes": repeated("[^1]"),
    "footnotes that open": repeated("[^1"),
    "data of an image": repeated("A", begin="![a](data:image/png;base64,"),
    "images with data that open": repeated("![a](data:image/png;base64,"),
    "autolinks": repeated("<https://a.b>"),
    "autolinks that open": repeated("<https://a.b"),
    "mail addresses that open": repeated("<a@b.c"),
    "URLs": repeated("https://a.b/c "),
    "URLs without a space": repeated("https://a.b/"),
    "URLs with a comma": repeated(",https://a"),
    "a URL of parentheses": repeated("(", begin="https://a.b/"),
    "a host of labels": repeated("a.", begin="https://"),
    # code
    "back-ticks": repeated("`", end="a"),
    "back-ticks and letters": repeated("`a"),
    "code": repeated("`a`"),
    "back-tick runs that grow": _runs(lambda most: range(1, most)),
    "back-tick runs that shrink": _runs(lambda most: range(most, 0, -1)),
    # tags and comments
    "less-than signs": repeated("<"),
    "tags that open": repeated("<sub>a "),
    "tags that close": repeated("</sub>"),
    "tags": repeated("<sub>a</sub>"),
    "tags inside tags": _nested("<sub>", "</sub>"),
    "tags that cross emphasis": repeated("*a <sub>b* "),
    "line breaks": repeated("<br>"),
    "unknown tags": repeated("<a"),
    "declarations": repeated("<!"),
    "comments that open": repeated("<!--"),
    "comments": repeated("<!--a-->"),
    "comments with dashes": repeated("<!-- -"),
    # formulas
    "dollar signs": repeated("$"),
    "dollar signs and letters": repeated("$a "),
    "formulas": repeated("$x$ "),
    "formulas without a space": repeated("$x$"),
    "display formulas that open": repeated("$$a "),
    "display formulas": repeated("$$a$$ "),
    "parentheses with a backslash": repeated("\\("),
    "formulas in parentheses": repeated("\\(a\\) "),
    "environments that open": repeated("\\begin{align}"),
    "environments": repeated("\\begin{align}a\\end{align} "),
    "environments that close": repeated("\\end{align}"),
    # characters
    "backslashes": repeated("\\", end="a"),
    "escapes": repeated("\\*"),
    "ampersands": repeated("&"),
    "entities": repeated("&amp;"),
    "unknown entities": repeated("&a"),
    "a long entity": repeated("a", begin="&"),
    "exclamation marks": repeated("!"),
    "colons": repeated(":"),
    "spaces": repeated(" ", begin="a", end="b"),
    "words with many spaces": repeated("a" + " " * 50),
    "tabs": repeated("\t", begin="a", end="b"),
    "no-break spaces": repeated("a\xa0"),
    "hard line breaks": repeated("a  \n"),
    "words": repeated("word "),
    "letters": repeated("x"),
}
"""The texts by name."""
