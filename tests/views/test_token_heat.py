"""The display of log probabilities: shaded text that needs neither scripts nor a style sheet."""

from __future__ import annotations

import re

from attack_strings import attacks
from grounded_answers import chunk, ledger_of
from html_audit import audit
from markdown_it import MarkdownIt

from gemini_magic.response import Response
from gemini_magic.views import bundle
from gemini_magic.views.token_heat import heat_html

MARKDOWN = MarkdownIt("commonmark", {"html": True})


def table(*tokens, index=0):
    chosen = [{"token": token, "logProbability": logprob} for token, logprob in tokens]
    top = [
        {
            "candidates": [
                {"token": token, "logProbability": logprob},
                {"token": "<b>", "logProbability": -2.3},
            ]
        }
        for token, logprob in tokens
    ]
    text = "".join(token for token, _ in tokens)
    return Response(ledger_of(chunk({"text": text}, index=index, logprobsResult={"chosenCandidates": chosen, "topCandidates": top}))).logprobs  # fmt: skip


def spans(html):
    return re.findall(r'<span title="([^"]*)" style="([^"]*)">(.*?)</span>', html)


def test_a_token_is_shaded_and_underlined_by_its_probability():
    sure, fair, poor = spans(heat_html(table(("Paris", -0.0001), (" is", -0.8), ("!", -4.0))))
    assert sure == ("99.99%; also &#x27;&lt;b&gt;&#x27; 10%", "background-color:rgba(230,120,0,0.0)", "Paris")
    assert fair[1] == "background-color:rgba(230,120,0,0.33);border-bottom:2px dotted"
    assert poor[1] == "background-color:rgba(230,120,0,0.59);border-bottom:2px solid"


def test_the_text_is_shown_above_the_table():
    html = table(("a", -0.1))._repr_html_()
    assert html.index("Probability of each token") < html.index("<table>")
    assert "Probability of each token" not in table(("a", -0.1))[:1]._repr_html_()
    assert "Probability of each token" not in table()._repr_html_()


def test_a_token_without_a_probability_has_no_shade():
    assert "<span>a</span>" in heat_html(table(("a", None)))


def test_a_positive_value_counts_as_certain():
    assert spans(heat_html(table(("a", 5.0))))[0][0].startswith("100%")


def test_long_answers_are_cut():
    html = heat_html(table(*[("word ", -0.1)] * 3001))
    assert html.count("<span title") == 3000
    assert "Only the first 3,000 tokens are shown." in html


def test_hostile_tokens_are_text():
    for attack in attacks()[::41]:
        for title, _, token in spans(heat_html(table((attack, -0.5)))):
            assert "<" not in title + re.sub("<br>", "", token)
        html = re.sub(
            r' style="[^"]*"| role="[^"]*"| aria-label="[^"]*"| class="[^"]*"|</?small>',
            "",
            heat_html(table((attack, -0.5))),
        )
        assert audit(html) == []


def answer(count):
    chosen = [{"token": f"t{n} ", "logProbability": -0.5} for n in range(count)]
    text = "".join(each["token"] for each in chosen)
    return ledger_of(chunk({"text": text}, logprobsResult={"chosenCandidates": chosen}))


def test_an_answer_has_a_folded_section_with_its_tokens():
    html = bundle(answer(2))["text/html"]
    section = re.search(
        r'<details class="gm-code gm-heat"><summary>Token probabilities</summary>(.*?)</details>', html
    )
    assert [each[2] for each in spans(section[1])] == ["t0 ", "t1 "]
    assert "gm-heat" not in bundle(ledger_of(chunk({"text": "Hello"})))["text/html"]
    long = bundle(answer(900))["text/html"]
    assert "Only the first 800 tokens are shown, <code>r.logprobs</code> shows 3,000." in long
    assert len(long) < 200_000


def test_hostile_tokens_of_an_answer_are_text():
    for attack in attacks()[::97]:
        found = [{"token": attack, "logProbability": -0.5}]
        ledger = ledger_of(chunk({"text": "x"}, logprobsResult={"chosenCandidates": found}))
        section = bundle(ledger)["text/html"].partition('<details class="gm-code gm-heat">')[2]
        for title, _, token in spans(section):
            assert "<" not in title + re.sub("<br>", "", token)
        for kind in ("text/markdown", "text/plain"):
            assert "Token probabilities: 61% on average of 1 token; " in bundle(ledger)[kind]
        assert audit(MARKDOWN.render(bundle(ledger)["text/markdown"])) == []


def test_markdown_and_text_name_the_least_probable_tokens():
    chosen = [{"token": t, "logProbability": p} for t, p in (("The", -0.0), ("cat*", -2.0), (" sat", -0.7))]
    made = bundle(ledger_of(chunk({"text": "Thecat* sat"}, logprobsResult={"chosenCandidates": chosen})))
    text = "Token probabilities: 54% on average of 3 tokens; the least probable are 'cat*' 14%, ' sat' 50%."
    assert text in made["text/plain"]
    assert "'cat&#42;' 14%" in made["text/markdown"]
    assert "54% on average of the first 800 tokens" not in bundle(answer(2))["text/plain"]
    assert "of the first 800 tokens" in bundle(answer(900))["text/plain"]
    assert "Token probabilities" not in bundle(ledger_of(chunk({"text": "Hello"})))["text/plain"]
