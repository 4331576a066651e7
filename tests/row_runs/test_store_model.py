"""Random runs over random inputs leave the store as a simple model of it says."""

import random

import pytest
from store_stage import RUN, all_results, attempted, wanted

from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_schema import DONE, GRANTED, IN_DOUBT, SENT
from gemini_magic.row_runs.values import Grant

STATUS = {GRANTED: "waiting", SENT: "running", IN_DOUBT: "in_doubt"}


class Model:
    """What the store must hold: the text that each key asks for, which may be kept from before, and each text's request."""

    def __init__(self):
        self.rows = {}  # key: (text that answers, text that is wanted)
        self.requests = {}  # text: [state, attempts, cost]
        self.input = []  # keys in order

    def expected(self):
        shown = []
        for position, key in enumerate(self.input):
            answers, asks = self.rows[key]
            state, attempts, _ = self.requests[answers]
            status = "stale" if answers != asks else STATUS.get(state, "complete")
            text = f"answer to {answers}" if state == DONE else ""
            shown.append((position, key, status, attempts, text))
        return shown


def run_once(chance, store, model):
    """Run over a new input: some keys of before, moved, with texts of before or new ones."""
    store.begin_run(RUN)
    keys = chance.sample([f"key {n}".encode() for n in range(12)], chance.randrange(1, 12))
    texts = [f"text {chance.randrange(8)}" for _ in keys]
    model.input = keys
    size = chance.randrange(1, 6)
    for start in range(0, len(keys), size):
        batch = [
            wanted(start + n, text, key=key)
            for n, (key, text) in enumerate(
                zip(keys[start : start + size], texts[start : start + size], strict=True)
            )
        ]
        add, keep, stored = [], [], dict(model.requests)
        for row, match, text in zip(batch, store.match(batch), texts[start:], strict=False):
            before = model.rows.get(row.key)
            known = stored.get(text)
            assert match.known == (before is not None)
            assert match.changed == (before is not None and before[0] != text)
            assert (match.request is None) == (known is None)
            if known is not None:
                assert (match.state, match.attempts) == tuple(known[:2])
            if match.changed and known is None and chance.random() < 0.4:
                keep.append(row)
                model.rows[row.key] = (before[0], text)
            elif not match.placed:
                add.append(row)
                model.rows[row.key] = (text, text)
                model.requests.setdefault(text, [GRANTED, 0, 0.0])
            else:
                assert before == (text, text)
        store.keep(keep)
        store.add(add)
        assert all(match.placed for match in store.match(add))


def attempt_some(chance, store, model):
    """Make some attempts: answered, repeated, not sent, or left without an end."""
    for text in chance.sample(sorted(model.requests), min(4, len(model.requests))):
        request = model.requests[text]
        if request[0] in (SENT, DONE):
            continue
        (match,) = store.match([wanted(0, text, key=b"no such key")])
        grant = Grant(match.request, request[1] + 1, None)
        store.sent([grant])
        end = chance.randrange(4)
        if end == 0:
            store.commit([attempted(grant, f"answer to {text}", cost=0.5)])
            request[:] = [DONE, request[1] + 1, request[2] + 0.5]
        elif end == 1:
            store.commit([attempted(grant, "", status="waiting", cost=0.25)])
            request[:] = [GRANTED, request[1] + 1, request[2] + 0.25]
        elif end == 2:
            store.commit(unsent=[grant])
            request[:] = [GRANTED, request[1], request[2]]
        else:
            request[:] = [SENT, request[1] + 1, request[2]]


@pytest.mark.parametrize("seed", range(3))
def test_random_runs_are_as_the_model_says(tmp_path, seed):
    chance, model, path = random.Random(seed), Model(), tmp_path / "t.rows.sqlite"
    for _ in range(3):
        with Store.open(path) as store:
            for request in model.requests.values():
                if request[0] == SENT:
                    request[0] = IN_DOUBT
            for _ in range(4):
                run_once(chance, store, model)
                attempt_some(chance, store, model)
                rows = all_results(store, chance.randrange(1, 5))
                assert [
                    (row.position, row.key, row.status, row.attempts, row.text) for row in rows
                ] == model.expected()
                assert store.cost().dollars == sum(request[2] for request in model.requests.values())
                counts = {}
                for _, _, status, *_ in model.expected():
                    counts[status] = counts.get(status, 0) + 1
                assert store.counts() == counts
