"""Remedies of errors that are raised in Python name keywords."""

import pytest

import gemini_magic as gm
from gemini_magic.errors import OptionError
from gemini_magic.prompts import with_keywords


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("Check --base-url.", "Check base_url=."),
        ("use --confirm none to run it.", "use confirm='none' to run it."),
        ("Check --base-url and the proxy settings.", "Check base_url= and the proxy settings."),
        ("Use --base-url https://host/v1.", "Use base_url='https://host/v1'."),
        ("Use a name such as -m gemini-flash-latest.", "Use a name such as model='gemini-flash-latest'."),
        (
            "Set `--thinking low` or a higher `--max-tokens`.",
            "Set `thinking='low'` or a higher `max_tokens=`.",
        ),
        ("To wait longer, increase `--timeout`.", "To wait longer, increase `timeout=`."),
        ("or name another one with --key-env.", "or name another one with key_env=."),
        ("Use --project ID, or use --location global.", "Use project=ID, or use location='global'."),
        ("for example `--price 0.3,2.5`.", "for example `price='0.3,2.5'`."),
        ("Use single quotes: --body '{\"key\": 1}'.", "Use single quotes: body='{\"key\": 1}'."),
        ("Remove either --cache or --no-stream.", "Remove either cache=True or no_stream=True."),
        ("Remove --no-journal.", "Remove journal=False."),
        ("Raise the limit with --max-total MB.", "Raise the limit with max_total=MB."),
        ("For example: -p topK=5.", "For example: param=['topK=5']."),
        ("Name a function, such as -T station.read.", "Name a function, such as tools=[station.read]."),
        ("`%%gemini --rows df` and -h stay, and so does a - b.", None),
        ("Use the well-known --unknown-flag.", None),
    ],
)
def test_flags_become_keywords(remedy, expected):
    assert with_keywords(remedy) == (expected or remedy)
    assert with_keywords(with_keywords(remedy)) == (expected or remedy)


@pytest.mark.parametrize(
    ("call", "keyword"),
    [
        (lambda: gm.ask("x", base_url="ftp://x"), "http://localhost:port"),
        (lambda: gm.ask("x", model="a b"), "model='gemini-flash-latest'"),
        (lambda: gm.stream("x", body="[]"), "body='{"),
        (lambda: gm.models(backend="echo"), "model="),
        (lambda: gm.count_tokens("x", param=["x"]), "param="),
        (lambda: gm.compare("x", sweep={"model": ["a", "a"]}, models=["a"]), "="),
        (lambda: gm.rows(["a"], model="a b", show=False), "model='gemini-flash-latest'"),
        (lambda: gm.decide("Is it?", "x", schema="name"), "schema="),
    ],
)
def test_the_functions_of_python_name_keywords(call, keyword):
    with pytest.raises(OptionError) as caught:
        call()
    assert keyword in caught.value.remedy
    assert "--" not in caught.value.remedy
    assert " -" not in caught.value.remedy
