r"""The allow-list of TeX: which formulas a page's typesetter may receive. The others are shown as their source.

It lists commands and environments, as ``sanitize`` lists elements. Not allowed are commands that link or load (``\href``,
``\includegraphics``), change the page (``\class``, ``\style``), define commands (``\def``), load extensions (``\require``) or
move content out of its place (``\raise``, ``\hspace``, ``\smash``) or take a size (``\genfrac``, ``\rule``), and every command that is not listed. It knows no Markdown.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ..text import reveal

__all__ = ["is_allowed_use", "is_typesettable"]

_MAX_LENGTH: Final = 4_000  # characters; a page takes about 1 ms for a short formula
_MAX_DEPTH: Final = 40  # nested braces, environments and \left/\right
_MAX_NEGATIVE_SPACES: Final = 12  # more of them could move a formula over the text before it

_COMMAND_NAMES: Final = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa varkappa lambda mu nu xi omicron pi varpi
rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
varGamma varDelta varTheta varLambda varXi varPi varSigma varUpsilon varPhi varPsi varOmega digamma aleph beth gimel daleth
hbar hslash imath jmath ell wp Re Im partial nabla infty emptyset varnothing forall exists nexists neg lnot top bot angle
measuredangle sphericalangle triangle triangledown square Box blacksquare Diamond lozenge blacklozenge bigstar star prime
backprime sharp flat natural clubsuit diamondsuit heartsuit spadesuit complement mho eth Bbbk circledR circledS checkmark
maltese degree   dagger ddagger S    yen surd diagup diagdown
sum prod coprod int iint iiint iiiint oint  intop idotsint bigcap bigcup bigsqcup bigvee bigwedge bigodot
bigotimes bigoplus biguplus limits nolimits
pm mp times div cdot ast star circ bullet cap cup uplus sqcap sqcup vee wedge land lor setminus smallsetminus wr amalg
diamond bigtriangleup bigtriangledown triangleleft triangleright lhd rhd unlhd unrhd oplus ominus otimes oslash odot bigcirc
dotplus centerdot ltimes rtimes leftthreetimes rightthreetimes circledast circledcirc circleddash boxplus boxminus boxtimes
boxdot divideontimes intercal barwedge veebar doublebarwedge curlywedge curlyvee Cap Cup doublecap doublecup
le leq ge geq lt gt ne neq equiv sim simeq approx approxeq cong doteq propto asymp bowtie models perp parallel mid nmid
nparallel ll gg lll ggg leqslant geqslant nleq ngeq nless ngtr lesssim gtrsim lessapprox gtrapprox leqq geqq lneq gneq lneqq
gneqq prec succ preceq succeq preccurlyeq succcurlyeq precsim succsim nprec nsucc in ni notin owns subset supset subseteq
supseteq nsubseteq nsupseteq subsetneq supsetneq subseteqq supseteqq Subset Supset sqsubset sqsupset sqsubseteq sqsupseteq
vdash dashv vDash Vdash Vvdash nvdash nvDash models smile frown between pitchfork because therefore backsim thicksim
thickapprox triangleq circeq bumpeq Bumpeq doteqdot Doteq risingdotseq fallingdotseq eqcirc trianglelefteq trianglerighteq
vartriangle vartriangleleft vartriangleright coloneqq eqqcolon coloneq  colon
leftarrow gets rightarrow to leftrightarrow uparrow downarrow updownarrow Leftarrow Rightarrow Leftrightarrow Uparrow
Downarrow Updownarrow longleftarrow longrightarrow longleftrightarrow Longleftarrow Longrightarrow Longleftrightarrow mapsto
longmapsto hookleftarrow hookrightarrow leftharpoonup leftharpoondown rightharpoonup rightharpoondown rightleftharpoons
leftrightharpoons nearrow searrow swarrow nwarrow iff implies impliedby leadsto rightsquigarrow leftrightsquigarrow
nleftarrow nrightarrow nLeftarrow nRightarrow nLeftrightarrow twoheadrightarrow twoheadleftarrow rightarrowtail leftarrowtail
upharpoonright upharpoonleft restriction multimap circlearrowleft circlearrowright curvearrowleft curvearrowright Lleftarrow
Rrightarrow upuparrows downdownarrows leftleftarrows rightrightarrows leftrightarrows rightleftarrows
xleftarrow xrightarrow xleftrightarrow xRightarrow xLeftarrow xmapsto xrightleftharpoons
left right middle big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm Biggm
lbrace rbrace lbrack rbrack langle rangle lfloor rfloor lceil rceil lvert rvert lVert rVert vert Vert backslash lgroup rgroup
lmoustache rmoustache ulcorner urcorner llcorner lrcorner
frac dfrac tfrac cfrac binom dbinom tbinom sqrt root of over atop choose brace brack stackrel overset underset overbrace
underbrace overline underline overrightarrow overleftarrow overleftrightarrow underrightarrow underleftarrow substack
sideset boxed cancel bcancel xcancel not phantom hphantom vphantom mathstrut strut
hat widehat tilde widetilde bar vec dot ddot dddot ddddot acute grave breve check mathring
mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak mathscr mathnormal boldsymbol  pmb Bbb frak rm bf it sf tt cal
mit oldstyle text textrm textbf textit textsf texttt textnormal textup mbox operatorname mathop mathbin mathrel mathord
mathopen mathclose mathpunct mathinner displaystyle textstyle scriptstyle scriptscriptstyle
sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan   log ln lg exp lim limsup liminf max
min sup inf arg deg det dim gcd hom ker Pr injlim projlim varlimsup varliminf varinjlim varprojlim bmod pmod pod mod
dots ldots cdots vdots ddots  dotsb dotsc dotsi dotsm dotso  quad qquad enspace thinspace
negthinspace nonumber notag tag begin end hline cr newline color textcolor ce pu
bra ket braket Bra Ket Braket
"""
_ALLOWED_COMMANDS: Final = frozenset(_COMMAND_NAMES.split())
_ENVIRONMENT_NAMES: Final = """
matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array cases dcases rcases aligned alignedat gathered split align
align* alignat alignat* gather gather* equation equation* multline multline* eqnarray eqnarray* subarray
"""
_ALLOWED_ENVIRONMENTS: Final = frozenset(_ENVIRONMENT_NAMES.split())
_COMMAND: Final = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_CHARACTER_COMMANDS: Final = frozenset(
    ",;:! \n>|{}%&#$_\\"
)  # commands of one character: spaces, brackets and plain characters
_ENVIRONMENT: Final = re.compile(r"\\(begin|end)\s*\{([^{}]*)\}")
_NESTING: Final = re.compile(r"\\(?:(left|right|begin|end)(?![A-Za-z])|.)|[{}]", re.DOTALL)
_NEGATIVE_SPACE: Final = re.compile(r"\\!|\\negthinspace(?![A-Za-z])")
# Arguments of allowed commands that move content, or build more of it than the formula has characters.
_SMALL_GAP = r"\s*(?:\d{0,2}(?:\.\d{0,2})?\s*(?:pt|px)|\d?(?:\.\d{0,2})?\s*ex|[0-2]?\d?(?:\.\d{0,2})?\s*mm|[0-2]?(?:\.\d{0,2})?\s*em)\s*\]"
_UNSAFE_USES: Final = re.compile(
    # The distance to the next row, if it is not a small number of a known unit; MathJax 2 allows a space before it.
    rf"(?<!\\)(?:\\\\)+\*?\[(?!{_SMALL_GAP})"
    rf"|(?:(?<!\\)(?:\\\\)+\*?|\\(?:cr|newline))\s*\[(?!{_SMALL_GAP})(?=\s*[-+.,\d][-+.,\d\s]*[a-z]{{2}}\s*\])"
    r"|\\(?:text)?color(?![A-Za-z])(?!\s*\{[A-Za-z]{1,20}\})"
    r"|\\[bx]?cancel\s*\["  # attributes
    r"|\\begin\s*\{(?:sub)?array\}(?!\s*(?:\[[tbc]\]\s*)?\{[lcr|:\s]{0,60}\})"  # columns that repeat or have a width
    r"|\\begin\s*\{align(?:ed)?at\*?\}(?!\s*(?:\[[tbc]\]\s*)?\{\s*\d{1,2}\s*\})"  # many columns
)
# A comment hides what follows it; a backslash at the end would escape the closing delimiter.
_UNSAFE_END: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:%|\\\s*$)")
# HTML elements: a typesetter would show them as their source.
_HTML: Final = re.compile(
    r"<(?:[/!?]|[A-Za-z][^<>]*=[^<>]*>|(?:script|style|img|image|svg|iframe|object|embed|math|link|meta|base|form|input"
    r"|video|audio|a|b|i|p|div|span|details|tex-html)\s*/?>|(?:script|img|svg|iframe|tex-html)\b)",
    re.IGNORECASE,
)


def _is_balanced(tex: str) -> bool:
    r"""Return whether braces, environments and ``\left``/``\right`` are balanced and not nested too deep."""
    depth = deepest = braces = 0
    for match in _NESTING.finditer(tex):
        name = match[1] or match[0]
        step = {"{": 1, "left": 1, "begin": 1, "}": -1, "right": -1, "end": -1}.get(name, 0)
        depth += step
        braces += step if name in "{}" else 0
        deepest = max(deepest, depth)
        if depth < 0 or braces < 0:
            return False
    return depth == braces == 0 and deepest <= _MAX_DEPTH


@lru_cache(maxsize=256)  # formulas in an open paragraph are rendered again with each update
def is_typesettable(tex: str) -> bool:
    """Return whether a typesetter may receive a formula: it is allowed, complete and not too long.

    Args:
        tex: the formula without its delimiters.
    """
    if len(tex) > _MAX_LENGTH or not tex.strip() or reveal(tex) != tex:
        return False
    commands = _COMMAND.findall(tex)
    known = all(
        name in _ALLOWED_COMMANDS if name[0].isalpha() else name in _CHARACTER_COMMANDS for name in commands
    )
    environments = [name for _, name in _ENVIRONMENT.findall(tex)]
    named = sum(name in ("begin", "end") for name in commands) == len(environments)
    return (
        known
        and named
        and _ALLOWED_ENVIRONMENTS.issuperset(environments)
        and _is_balanced(tex)
        and len(_NEGATIVE_SPACE.findall(tex)) <= _MAX_NEGATIVE_SPACES
        and not any(pattern.search(tex) for pattern in (_UNSAFE_USES, _UNSAFE_END, _HTML))
    )


def is_allowed_use(text: str, at: int, name: str) -> bool:
    r"""Return whether formulas may contain a command with the arguments behind it.

    Args:
        text: the text that contains it.
        at: the position of its backslash.
        name: the command without its backslash; ``""`` for ``\\\\``, the end of a row.
    """
    return (not name or name in _ALLOWED_COMMANDS) and _UNSAFE_USES.match(text, at) is None
