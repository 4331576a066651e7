"""The style sheet of rendered Markdown, scoped to the root class; it knows class names and colours only.

Colours are JupyterLab's variables with a fallback that reads on white and on black; no rule loads anything.
"""

from __future__ import annotations

from typing import Final

__all__ = ["STYLE"]

# what of code -> (JupyterLab variable, fallback legible on light and dark, further declarations)
_CODE: Final = {
    "pre b": ("mirror-editor-keyword", "#2e8b57", "font-weight:bold"),  # keyword
    ".gm-t": ("mirror-editor-keyword", "#2e8b57", ""),  # type
    "pre samp": ("mirror-editor-number", "#3a8f3a", ""),  # number
    "pre bdi": ("mirror-editor-string", "#d0504f", ""),  # string
    ".gm-e": ("mirror-editor-string-2", "#3d86d6", ""),  # escape
    "pre i": ("mirror-editor-comment", "#5f8f8f", "font-style:italic"),  # comment
    "pre dfn": ("mirror-editor-def", "#4a82ff", ""),  # function
    ".gm-v": ("mirror-editor-variable-2", "#4a82c0", ""),  # variable
    "pre var": ("mirror-editor-builtin", "#2f8f2f", ""),  # builtin
    ".gm-o": ("mirror-editor-operator", "#b04cff", ""),  # operator
    ".gm-m": ("mirror-editor-meta", "#b04cff", ""),  # meta
    ".gm-g": ("mirror-editor-tag", "#2f8f2f", ""),  # tag
    ".gm-a": ("mirror-editor-attribute", "#5c78e0", ""),  # attribute
    ".gm-i": ("mirror-editor-number", "#3a8f3a", ""),  # inserted
    ".gm-d": ("mirror-editor-string", "#d0504f", ""),  # deleted
    ".gm-h": ("mirror-editor-header", "#4a82ff", "font-weight:bold"),  # heading
}

_LAYOUT: Final = """
.gemini-magic{line-height:1.5;overflow-wrap:break-word}
.gemini-magic pre{margin:.6em 0;padding:.6em .8em;overflow-x:auto;line-height:1.4;border-radius:4px;
background:var(--jp-cell-editor-background,rgba(127,127,127,.1))}
.gemini-magic code{font-family:var(--jp-code-font-family,monospace);font-size:.92em;
background:var(--jp-layout-color2,rgba(127,127,127,.14));padding:1px 4px;border-radius:3px}
.gemini-magic pre code{display:block;padding:0;background:none;white-space:pre;font-size:var(--jp-code-font-size,.92em)}
.gemini-magic pre :is(bdi,dfn,samp,var){font:inherit}
.gemini-magic .gm-table{overflow-x:auto;margin:.6em 0}
.gemini-magic .gm-table table{border-collapse:separate;border-spacing:0;margin:0}
.gemini-magic .gm-table :is(th,td){padding:4px 10px;white-space:normal;max-width:40em;
border:0 solid var(--jp-border-color2,rgba(127,127,127,.4));border-width:0 1px 1px 0}
.gemini-magic .gm-table :is(th,td):first-child{border-left-width:1px}
.gemini-magic .gm-table th{border-top-width:1px}
.gemini-magic .gm-table th{font-weight:600;background:var(--jp-layout-color2,rgba(127,127,127,.14))}
.gemini-magic blockquote{margin:.6em 0;padding:0 1em;opacity:.85;
border-left:4px solid var(--jp-border-color1,rgba(127,127,127,.5))}
.gemini-magic li:has(>.gm-task,>p>.gm-task){list-style:none}
.gemini-magic .gm-task{display:inline-block;width:1.4em;margin-left:-1.4em}
.gemini-magic .gm-image{padding:1px 6px;border-radius:3px;border:1px dashed var(--jp-border-color1,rgba(127,127,127,.6))}
.gemini-magic div:is(.mathjax_process,.gm-pending){overflow:auto hidden;margin:.6em 0}
.gemini-magic :is(.gm-pending,.mathjax_process:not(:has(mjx-container))){opacity:.7}
.gemini-magic sup{font-size:.75em;line-height:0}
.gemini-magic p:has(>.gm-def){font-size:var(--jp-ui-font-size1,.9em)}
.gemini-magic img{max-width:100%;height:auto}
.gemini-magic hr{border:0;border-top:1px solid var(--jp-border-color1,rgba(127,127,127,.5))}
"""


def _rules() -> str:
    lines = []
    for name, (variable, fallback, more) in _CODE.items():
        lines.append(
            f".gemini-magic {name}{{color:var(--jp-{variable}-color,{fallback}){';' + more if more else ''}}}"
        )
    return "\n".join(lines)


STYLE: Final = _LAYOUT.lstrip() + _rules() + "\n"
