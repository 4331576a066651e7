import pytest

from gemini_magic.config import settings
from gemini_magic.errors import OptionError, PromptError
from gemini_magic.notebook.arguments import help_text, parse
from gemini_magic.notebook.interpolation import expand_text


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("", {}),
        ("-m gemini-x -t 0.2", {"model": "gemini-x", "temperature": 0.2}),
        ("--max-tokens=5", {"max_tokens": 5}),
        ("--max_tokens 5 --top_k=3", {"max_tokens": 5, "top_k": 3}),
        ("--max-output-tokens 7", {"max_tokens": 7}),
        ("-t0.5 -cq", {"temperature": 0.5, "continue_": True, "quiet": True}),
        ("--no-quiet", {"quiet": False}),
        ("-s 'costs $5 and {x}'", {"system": "costs $5 and {x}"}),
        ("--seed -1", {"seed": -1}),
        ("--stop a --stop '- b'", {"stop": ["a", "- b"]}),
        ("-p topK=5 -p a.b='x y'", {"param": ["topK=5", "a.b=x y"]}),
        ("""--json '{"a": {"b": 1}}'""", {"body": '{"a": {"b": 1}}'}),
        ("gemini-2.5-flash", {"model": "gemini-2.5-flash"}),
        ("models/anything -c", {"model": "models/anything", "continue_": True}),
        ("llama-3.1-8b", {"model": "llama-3.1-8b"}),
        ("answer <<", {"out": "answer"}),
        ("answer << gemini-x --chat tom", {"out": "answer", "model": "gemini-x", "chat": "tom"}),
        ("answer =<< -q", {"out": "answer", "quiet": True}),
        ("-o r", {"out": "r"}),
    ],
)
def test_a_line_says_this(line, options):
    assert parse(line).options == options


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("--temprature 1", "There is no option --temprature.", "Did you mean --temperature"),
        ("--zzz", "There is no option --zzz.", "-h"),
        ("-z", "There is no option -z.", "-h"),
        ("--api-key x", "--api-key does not belong on this line", "GEMINI_API_KEY"),
        ("--api_key=x", "--api-key does not belong", "GEMINI_API_KEY"),
        ("-t warm", "-t must be a number", "sampling temperature"),
        ("--display 3d", "--display must be one of auto, live, html, text, not '3d'", "display"),
        (
            "-f math",
            "-f must be one of markdown, md, text, json",
            "Markdown, the default format, displays formulas.",
        ),
        ("-f image", "-f must be one of", "`r.images`"),
        ("--format xml", "--format must be one of", "display format"),
        ("-m", "-m needs a value", "MODEL"),
        ("--chat -c", "--chat needs a value", "NAME"),
        ("-q=1", "no option -=", ""),
        ("--quiet=1", "--quiet takes no value", "-"),
        ("result", "'result' is neither an option nor the name of a model.", "-m result"),
        ("gemini-a gemini-b", "'gemini-b' is neither", "-o"),
        ("""-m '{"temperature": 1}'""", "takes the name of a model, not JSON", "--body"),
        ("-s don't", "quotation mark", "it's"),
        ("a << -o b", "two names: a and b", "-o"),
        ("-o 2x", "'2x' is not a name", "-o answer"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(line, message, remedy):
    with pytest.raises(OptionError) as caught:
        parse(line)
    assert message in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "line", ["--api-key={}", "{}", "-k{}", "--keyy={}", "-m {}", "--key-env={}", "--chat {} --oops"]
)
def test_a_key_on_the_line_is_never_repeated(line):
    canary = "AIzaSyCanaryCanaryCanaryCanary"
    with pytest.raises(OptionError) as caught:
        parse(line.format(canary))
    assert canary not in str(caught.value)


def test_expressions_in_values_need_no_care_for_blanks_and_quotes():
    names = {"d": {"a b": "x y"}, "model": "gemini-x"}

    def value(text):
        return expand_text(text, names, where="the line")

    line = """-m {{ model }} -s "say {{ d["a b"] }}" --stop={{ '"' }}"""
    assert parse(line, value).options == {"model": "gemini-x", "system": "say x y", "stop": ['"']}
    assert parse("--verbatim -s '{{ d }}'", value).options["system"] == "{{ d }}"
    with pytest.raises(PromptError, match="there is no 'nothing'"):
        parse("-s {{ nothing }}", value)
    with pytest.raises(PromptError, match="never closed"):
        parse("-s '{{ d['", value)


def test_a_value_is_not_split_or_read_as_options():
    assert parse("-s {{ x }}", lambda _: "a -t 3").options == {"system": "a -t 3"}


def test_words_are_kept_where_they_are_allowed():
    line = parse("last 2 -t 1", model=False)
    assert (line.words, line.options) == (("last", "2"), {"temperature": 1.0})


def test_help_lists_every_option_and_what_it_is_for():
    text = " ".join(help_text().split())
    for setting in settings().values():
        for flag in setting.flags:
            assert flag in text
        if setting.flags:
            assert setting.help in text
    assert max(map(len, help_text().splitlines())) <= 79
    assert "\n  --max-tokens, --max-output-tokens N\n      " in help_text()
    assert parse("-h").help
    assert parse("-m x --help").help
