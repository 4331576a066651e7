import json

import pytest

from gemini_magic.config import settings
from gemini_magic.errors import OptionError, PromptError
from gemini_magic.notebook.arguments import help_text, parse_line
from gemini_magic.notebook.interpolation import expand_json, expand_text
from gemini_magic.notebook.row_options import split_row_options


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
def test_the_options_of_a_line(line, options):
    assert parse_line(line).options == options


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("--temprature 1", "Unknown option: --temprature.", "Did you mean --temperature"),
        ("--zzz", "Unknown option: --zzz.", "-h"),
        ("-z", "Unknown option: -z.", "-h"),
        ("--api-key x", "--api-key must not be on this line", "GEMINI_API_KEY"),
        ("--api_key=x", "--api-key must not be on this line", "GEMINI_API_KEY"),
        ("-t warm", "-t must be a number", "sampling temperature"),
        ("--display 3d", "--display must be one of auto, live, html, text, not '3d'", "display"),
        (
            "-f math",
            "-f must be one of markdown, md, text, json",
            "Markdown, the default format, displays formulas.",
        ),
        ("-f image", "-f must be one of", "`r.images`"),
        ("--format xml", "--format must be one of", "display format"),
        ("-m", "-m requires a value: MODEL.", "MODEL"),
        ("--chat -c", "--chat requires a value: NAME.", "NAME"),
        ("-q=1", "Unknown option: -=", ""),
        ("--quiet=1", "--quiet does not accept a value.", "Write only --quiet"),
        ("result", "'result' is neither an option nor the name of a model.", "-m result"),
        ("gemini-a gemini-b", "'gemini-b' is neither", "-o"),
        ("""-m '{"temperature": 1}'""", "-m requires the name of a model, not JSON.", "--body"),
        ("-s don't", "quotation mark", "it's"),
        ("a << -o b", "two names: a and b", "-o"),
        ("-o 2x", "'2x' is not a valid name.", "-o answer"),
        ("-o for", "'for' is a Python keyword.", "-o answer"),
        ("lambda <<", "'lambda' is a Python keyword.", "-o answer"),
        ("-m A -m B", "-m is set twice: 'A' and 'B'.", "Set it once: model to use."),
        ("gemini-a -m B", "-m is set twice: 'gemini-a' and 'B'.", "once"),
        ("-t 0 --temperature 1", "--temperature is set twice: 0.0 and 1.0.", "once"),
        ("-q --no-quiet", "--no-quiet is set twice.", "once"),
        ("-t 0 \\", "The line cannot be continued with a backslash.", "Write all options on one line."),
        ("-s 'a \\", "The line cannot be continued with a backslash.", "Write all options on one line."),
    ],
)
def test_an_invalid_line_is_refused_with_a_remedy(line, message, remedy):
    with pytest.raises(OptionError) as caught:
        parse_line(line)
    assert message in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "line", ["--api-key={}", "{}", "-k{}", "--keyy={}", "-m {}", "--key-env={}", "--chat {} --oops"]
)
def test_a_key_on_the_line_is_not_repeated_in_the_error(line):
    canary = "AIzaSyCanaryCanaryCanaryCanary"
    with pytest.raises(OptionError) as caught:
        parse_line(line.format(canary))
    assert canary not in str(caught.value)


def test_expressions_in_values_may_contain_spaces_and_quotes():
    names = {"d": {"a b": "x y"}, "model": "gemini-x"}

    def value(text):
        return expand_text(text, names, where="the line")

    line = """-m {{ model }} -s "say {{ d["a b"] }}" --stop={{ '"' }}"""
    assert parse_line(line, value).options == {"model": "gemini-x", "system": "say x y", "stop": ['"']}
    assert parse_line("--verbatim -s '{{ d }}'", value).options["system"] == "{{ d }}"
    with pytest.raises(PromptError, match="name 'nothing' is not defined"):
        parse_line("-s {{ nothing }}", value)
    with pytest.raises(PromptError, match="is not closed"):
        parse_line("-s '{{ d['", value)


def test_python_values_in_p_and_body_become_json():
    names = {"schema": {"type": "object", "n": None, "ok": True}, "n": 3, "word": "5", "text": '{"a": 1}'}

    def evaluate(text):
        return expand_json(text, names, where="the line")

    line = "-p a={{ schema }} -p b={{ word }} -p c={{ text }} -p d=x/{{ n }} --body '{\"k{{ n }}\": {{ [n, word] }}}'"
    parsed = parse_line(line, str, evaluate_json=evaluate).options
    assert parsed["param"] == [
        'a={"type": "object", "n": null, "ok": true}',
        'b="5"',
        'c={"a": 1}',
        "d=x/3",
    ]
    assert json.loads(parsed["body"]) == {"k3": [3, "5"]}
    with pytest.raises(
        PromptError, match="cannot be written as JSON: Encoding objects of type type"
    ) as caught:
        parse_line("-p a={{ str }}", str, evaluate_json=evaluate)
    assert "model_json_schema" in caught.value.remedy


def test_the_value_of_an_expression_is_not_split_or_parsed_as_options():
    assert parse_line("-s {{ x }}", lambda _: "a -t 3").options == {"system": "a -t 3"}


def test_words_that_are_not_options_are_the_arguments_of_a_command():
    line = parse_line("last 2 -t 1", model=False)
    assert (line.arguments, line.options) == (("last", "2"), {"temperature": 1.0})


def test_help_lists_every_option_with_its_help_text_in_groups():
    text = " ".join(help_text().split())
    for setting in settings().values():
        for flag in setting.flags:
            assert flag in text
        if setting.flags:
            assert setting.help in text
    assert max(map(len, help_text().splitlines())) <= 79
    assert "\n  --max-tokens, --max-output-tokens N\n      " in help_text()
    assert help_text().endswith("`%gemini help` lists the commands of %gemini.")
    assert "\n\nModel options\n" in help_text()
    assert parse_line("-h").help
    assert parse_line("-m x --help").help


# ------------------------------------------------------------------------------ --rows


def test_the_options_of_rows_are_read_from_the_line():
    line = "--rows df --id a --id b --store x.rows.sqlite --limit 20 --max-cost 5 --in_doubt again --no-dedupe -o run"
    options = parse_line(line).options
    assert options == {
        "rows": "df",
        "id": ["a", "b"],
        "store": "x.rows.sqlite",
        "limit": 20,
        "max_cost": 5.0,
        "in_doubt": "again",
        "no_dedupe": True,
        "out": "run",
    }
    assert split_row_options(options) == {
        "rows": "df",
        "id": ["a", "b"],
        "store": "x.rows.sqlite",
        "limit": 20,
        "max_cost": 5.0,
        "in_doubt": "again",
        "no_dedupe": True,
    }
    assert options == {"out": "run"}


def test_an_object_of_rows_is_kept():
    table = object()
    parsed = parse_line("--rows {{ table }}", lambda text: text, evaluate_object=lambda _: table)
    assert parsed.options["rows"] is table


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("--id a", "--id needs --rows", "--rows df"),
        ("--max-cost 3", "--max-cost needs --rows", "--rows df"),
        ("--rows df -c", "--rows and --continue exclude each other", "separate question"),
        ("--rows df --to x.md", "--rows and --to exclude each other", "to_parquet"),
        ("--rows df -T weather", "--rows and --tool exclude each other", "one prompt"),
        ("--rows df --mcp files", "--rows and --mcp exclude each other", "one prompt"),
        ("--rows df --background", "--rows and --background exclude each other", "Stop button"),
        ("--rows df --replay a.jsonl", "--rows and --replay exclude each other", "--store"),
        ("--rows df -n 3", "--rows and --candidates exclude each other", "--repeat"),
        ("--rows df --count", "--rows and --count exclude each other", "--dry-run"),
        ("--rows df[df.n > 1]", "'>' is neither an option nor the name of a model", "in quotes"),
        ("--rows df --limit 0", "--limit must be", ""),
        ("--rows df --stale ask", "--stale must be one of stop, keep, again", ""),
        ("--rows", "--rows requires a value", "DATA"),
    ],
)
def test_a_line_that_makes_no_sense_for_rows_is_refused(line, message, remedy):
    with pytest.raises(OptionError, match=message) as raised:
        split_row_options(parse_line(line).options)
    assert remedy in raised.value.remedy


def test_commands_do_not_take_the_options_of_rows():
    with pytest.raises(OptionError, match="Unknown option: --rows"):
        parse_line("--rows df", model=False)


def test_the_help_lists_the_options_of_rows_in_a_group():
    text = help_text()
    group = text[text.index("Rows options") : text.index("Result options")]
    assert "--rows DATA" in group
    assert "--in-doubt WHAT" in group
