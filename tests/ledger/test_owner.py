"""The ledger and its exchanges change only through their own methods."""

import ast

from surroundings import CHECKOUT

from gemini_magic.errors import Interrupted
from gemini_magic.ledger import Exchange, Ledger, Pause

PACKAGE = CHECKOUT / "gemini_magic"
OWNED = {"ledger", "_ledger", "exchange", "_exchange"}


def written(path):
    """The attributes of a ledger or an exchange that a module assigns to."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            for each in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(each, ast.Attribute):
                    owner = each.value
                    name = getattr(owner, "id", None) or getattr(owner, "attr", None)
                    if name in OWNED:
                        yield f"{name}.{each.attr}"


def test_no_other_module_writes_their_attributes():
    others = {
        path.relative_to(PACKAGE).as_posix(): sorted(set(written(path)))
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "ledger"
    }
    # What a file format does not contain is an attribute of recorded exchanges alone.
    assert {name: found for name, found in others.items() if found} == {
        "recording/files.py": ["exchange.missing"]
    }


def test_a_phase_replaces_the_pause_of_the_phase_before():
    ledger, pause = Ledger(), Pause("429: quota", 8.0, 2, 4)
    ledger.set_phase("retrying", pause)
    assert (ledger.phase, ledger.pause, ledger.version) == ("retrying", pause, 1)
    ledger.set_phase("connecting")
    assert (ledger.phase, ledger.pause, ledger.version) == ("connecting", None, 2)


def test_sending_a_request_sets_its_times():
    ledger = Ledger()
    ledger.begin(Exchange("POST", "http://x", (), b""))
    ledger.request_sent(2.5, delay=0.2, connect=0.1)
    assert (ledger.phase, ledger.delay, ledger.marks) == ("waiting", 0.2, {"connect": 0.1})
    assert ledger.exchanges[0].started == 2.5


def test_advice_comes_before_the_remedy_of_a_bad_ending_until_the_next_attempt():
    ledger = Ledger()
    ledger.set_advice("Give it more time.")
    ledger.close("timeout", t=1.0, limit=1.0)
    assert ledger.error.remedy.startswith("Give it more time. `%gemini resume`")
    assert ledger.limit == 1.0
    retried = Ledger()
    retried.set_advice("Give it more time.")
    retried.begin(Exchange("POST", "http://x", (), b""))
    retried.close("timeout", t=1.0)
    assert retried.error.remedy.startswith("`%gemini resume`")


def test_an_answer_of_the_journal_has_its_own_source_time_and_error():
    ledger = Ledger()
    made, error = ledger.started.replace(year=2020), Interrupted("Still arriving.")
    ledger.close("arriving")
    ledger.set_source("journal", started=made)
    ledger.replace_error(error)
    assert (ledger.source, ledger.started, ledger.error) == ("journal", made, error)
    ledger.set_source("recording")
    assert ledger.started == made


def test_an_exchange_is_filled_from_its_head_to_its_end():
    exchange = Exchange("POST", "http://x", (), b"", attempt=1, backend="gateway", waited=2.0)
    assert exchange.summary()[1:4] == (1, "http://x", None)
    exchange.mark_sent(2.5)
    exchange.set_key("x-goog-api-key", "", "GEMINI_API_KEY")
    exchange.set_head(
        200, reason="OK", http_version="HTTP/1.1", headers=[("content-type", "text/event-stream")]
    )
    exchange.pieces.append((0.5, b"data: {}\n\n"))
    exchange.finish("eof")
    assert exchange.response_headers == (("content-type", "text/event-stream"),)
    assert exchange.summary() == (0, 1, "http://x", 200, "eof", None, 2.0, 2.5, 0.5, 10)
    exchange.finish("cut", "the connection was lost")
    assert (exchange.summary().end, exchange.problem) == ("cut", "the connection was lost")
