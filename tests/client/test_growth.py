"""Costs in proportion, from a socket to the response: ratios with slack, measured as `benchmarks/` measures.

Fresh processes in turn and process CPU; what a figure is in seconds or bytes is for the benchmarks to say.
"""

import statistics

import pytest
from surroundings import CHECKOUT

MB = 2**20
EVENTS = 3_000
ROUNDS = 6  # at most: a busy machine may need another one, growth that is real never passes


@pytest.fixture(scope="module")
def harness():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(CHECKOUT / "benchmarks")
        import harness as benchmark_harness  # noqa: PLC0415 - a script's folder, on the path for this module only

        yield benchmark_harness


@pytest.fixture(scope="module")
def server(harness):
    large = [f"large-{size * MB}-{piece}" for size in (4, 16) for piece in (512, 16_384)]
    with harness.serve(*large, f"burst-{EVENTS}", "hello") as port:
        yield port


def compared(harness, server, above, below, most):
    """The medians of `above / below` by figure, over rounds; two rounds suffice when they are good."""
    ratios = {figure: [] for figure in most}
    for turn in range(ROUNDS):
        figures = [
            harness.run_script(f"client_{client}.py", "read", server, model)
            for client, model in (above, below)
        ]
        for figure, found in ratios.items():
            found.append(figures[0][figure] / figures[1][figure])
        medians = {figure: statistics.median(found) for figure, found in ratios.items()}
        if turn and all(medians[figure] <= bound for figure, bound in most.items()):
            break
    print(f"{above} against {below}: {medians}")
    return medians


@pytest.mark.parametrize("piece", [512, 16_384])
def test_the_cost_of_a_large_event_is_proportional_to_its_size(harness, server, piece):
    large, small = (("ours", f"large-{size * MB}-{piece}") for size in (16, 4))
    ratios = compared(harness, server, large, small, {"cpu": 6, "peak": 5})
    assert ratios["cpu"] <= 7  # 4 times the bytes; what is quadratic costs 16 times
    assert ratios["peak"] <= 5


def test_a_large_event_is_held_in_memory_a_few_times_only(harness, server):
    figures = harness.run_script("client_ours.py", "read", server, f"large-{16 * MB}-16384")
    copies = figures["peak"] / (16 * MB)
    print(f"{copies:.1f} copies")
    assert 1 <= copies <= 6


def test_a_burst_costs_a_few_times_as_much_as_a_bare_socket(harness, server):
    model = f"burst-{EVENTS}"
    assert compared(harness, server, ("ours", model), ("raw", model), {"cpu": 3})["cpu"] <= 4
