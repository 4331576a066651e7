"""The code blocks of an answer."""

from __future__ import annotations

from gemini_magic.markdown import CodeBlock, code_blocks


def test_code_blocks_of_an_answer():
    text = "```python\nprint(1)\n```\n\n- item\n  ~~~JS x\n  a\n\n  b\n  ~~~\n\n    indented\n\n> ````\n> ```\n> ````\n\n``` \nopen"
    assert code_blocks(text) == [
        CodeBlock("python", "print(1)\n"),
        CodeBlock("js", "a\n\nb\n"),
        CodeBlock("", "```\n"),
        CodeBlock("", "open"),
    ]
    assert code_blocks("none `here`\r\n") == []
    assert code_blocks("```py\r\na\r\nb\r\n```") == [CodeBlock("py", "a\nb\n")]
