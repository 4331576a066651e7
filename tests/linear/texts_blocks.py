"""Adversarial texts of blocks: nested and endless lists, quotes, tables, fences, details and formulas.

Each function returns a text of about ``n`` characters.
"""

from __future__ import annotations

from texts import repeated

TEXTS = {
    # lists
    "list of empty items": repeated("-\n"),
    "list of one-letter items": repeated("- a\n"),
    "loose list": repeated("- a\n\n"),
    "list with two kinds of bullets": repeated("- a\n* b\n"),
    "ordered list": repeated("1. a\n"),
    "bullets on one line": repeated("- ", end="a"),
    "numbers on one line": repeated("1. ", end="a"),
    "list that nests deeper with each item": lambda n: "".join(
        "  " * (depth % 60) + "- a\n" for depth in range(max(1, n // 64))
    ),
    "item with many paragraphs": repeated("  a\n\n", begin="- a\n\n"),
    "item with a long lazy paragraph": repeated("a b c\n", begin="- a\n"),
    "item with a long fence": repeated("  a = 1\n", begin="- a\n  ```\n"),
    "task list": repeated("- [ ] a\n- [x] b\n"),
    "list and rule in turn": repeated("- a\n---\n"),
    "lists that a comment separates": repeated("- a\n\n<!-- -->\n\n"),
    # quotes
    "quote of many lines": repeated("> a b c\n"),
    "quote of many paragraphs": repeated("> a\n>\n"),
    "quotes on one line": repeated("> ", end="a"),
    "quote with a lazy paragraph": repeated("a b c\n", begin="> a\n"),
    "quote and list in turn": repeated("> - a\n"),
    "quotes with an open fence": repeated("> ```\na\n"),
    # tables
    "table of many rows": repeated("| a | b |\n", begin="| a | b |\n|---|---|\n"),
    "table of many columns and short rows": lambda n: (
        "|a" * (n // 8) + "|\n" + "|-" * (n // 8) + "|\n" + "b\n" * (n // 4)
    ),
    "tables of some columns and short rows": repeated(
        "|a" * 20 + "|\n" + "|-" * 20 + "|\n" + "b\n" * 20 + "\n"
    ),
    "table of short rows": repeated("|\n", begin="| a | b | c | d |\n|---|---|---|---|\n"),
    "table of one wide row": lambda n: (
        "|a" * (n // 6) + "|\n" + "|-" * (n // 6) + "|\n" + "|b" * (n // 6) + "|"
    ),
    "header without delimiters": repeated("| a ", end="|\n"),
    "line of delimiters": repeated("|-", begin="a\n", end="|"),
    "many small tables": repeated("| a |\n|---|\n| b |\n\n"),
    "lines with a pipe": repeated("a | b\n"),
    "table cells of code": repeated("| `a` | \\| |\n", begin="| a | b |\n|---|---|\n"),
    "table of backslashes": repeated("| \\\\| | a |\n", begin="| a | b |\n|---|---|\n"),
    # fences and code
    "open fence": repeated("a = 1\n", begin="```python\n"),
    "open fence without a line end": repeated("a = 1; ", begin="```python\n"),
    "many fences": repeated("```\na\n```\n"),
    "many fences with a language": repeated("```python\na = 1\n```\n"),
    "fences of growing length": lambda n: "".join("`" * (3 + k % 80) + "\n" for k in range(n // 42)),
    "Markdown fence with fences inside": repeated("```python\na\n```\n", begin="````markdown\n"),
    "indented code": repeated("    a\n"),
    "indented code with blank lines": repeated("    a\n\n"),
    "open string in code": repeated("a\\'b ", begin="```python\nx = '"),
    "nested comments in code": repeated("/* ", begin="```rust\n"),
    "tags in code": repeated("<a b='", begin="```html\n"),
    # headings, paragraphs, rules
    "headings": repeated("# a\n"),
    "heading of hashes": repeated("# "),
    "underlined headings": repeated("a\n=\n"),
    "underline that never comes": repeated("a\n", end="="),
    "rules": repeated("***\n"),
    "lines of dashes": repeated("a\n--\n"),
    "one paragraph of lines": repeated("word\n"),
    "one word": repeated("a"),
    "hard breaks": repeated("a  \nb\\\n"),
    "blank lines": repeated("\n"),
    "carriage returns": repeated("\r"),
    # details and comments
    "details inside details": repeated("<details><summary>a</summary>\n"),
    "many details": repeated("<details>\n\na\n\n</details>\n"),
    "open comments": repeated("<!-- "),
    "closed comments": repeated("<!-- a --> "),
    # formulas
    "open block formula": repeated("a + b\n", begin="$$\n"),
    "block formulas": repeated("$$a$$\n"),
    "open environments": repeated("\\begin{align}\n"),
    "nested groups of a formula": lambda n: "$$" + "{" * (n // 2) + "}" * (n // 2) + "$$",
    "fractions of fractions": repeated("\\frac{", begin="$$", end="$$"),
    "fences and formulas in turn": repeated("$$ a\n```\n$$\n```\n"),
}
