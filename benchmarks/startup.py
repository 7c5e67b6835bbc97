"""Start-up, as whole processes: `forecast --help` against `python -c "import click"`, `forecast query` against pyAgrum.

A query reads a network and prints the marginal of every variable; pyAgrum loads the file and asks LazyPropagation (one
thread) for the same. `python benchmarks/startup.py FOLDER` takes the BIF files of a folder that are larger than 100 kB,
such as those of the bnlearn repository; without one, two networks are written to begin with.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measured import Used, bytecode_kept, median, table, used
from forecast.networks.bif import write_bif
from forecast.networks.network import DiscreteNetwork

HELP_PAIRS, PAIRS = 20, 5
HELP_LIMIT, LIMIT, MEMORY_LIMIT = 3.0, 1.0, 2.0
SMALLEST = 100_000  # bytes
PATIENCE = 20.0  # seconds of one run, after which the pair is not repeated
PYAGRUM = """
import sys, pyagrum
network = pyagrum.loadBN(sys.argv[1])
engine = pyagrum.LazyPropagation(network)
engine.setNumberOfThreads(1)
engine.makeInference()
for name in network.names():
    engine.posterior(name).toarray()
"""


def chain(n: int, states: int, parents: int) -> DiscreteNetwork:
    """Return a network in which each variable depends on the `parents` before it."""
    rng = np.random.default_rng(n)
    names = tuple(f"v{i}" for i in range(n))
    before = {name: names[max(0, i - parents) : i] for i, name in enumerate(names)}
    tables = {name: rng.dirichlet(np.ones(states), size=[states] * len(before[name])) for name in names}
    return DiscreteNetwork(names, dict.fromkeys(names, tuple(f"s{i}" for i in range(states))), before, tables, ())


def written(folder: Path) -> list[Path]:
    """Write two networks: many variables with small tables, and few with large ones."""
    for name, network in {"many-small": chain(500, 3, 2), "few-large": chain(30, 14, 2)}.items():
        with (folder / f"{name}.bif").open("w", encoding="utf-8") as file:
            write_bif(network, file)
    return sorted(folder.glob("*.bif"))


def pairs(environment: dict[str, str], n: int, ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[list[Used]]:
    """Alternate two commands, so that a busy machine slows both; the first run of each is not counted."""
    ran = [[used(environment, *command) for command in (ours, theirs)]]
    while len(ran) <= n and max(one.wall for one in ran[0]) < PATIENCE:
        ran.append([used(environment, *command) for command in (ours, theirs)])
    return ran[1:] or ran


def row(name: str, ran: list[list[Used]]) -> tuple[str, ...]:
    """Return the medians of both and of the ratios of the pairs."""
    cells = [f"{median([pair[side].wall for pair in ran]):.2f}" for side in (0, 1)]
    ratios = [[one[i] / other[i] for one, other in ran] for i in range(3)]
    memory = [f"{median([pair[side].memory for pair in ran]):.0f}" for side in (0, 1)]
    wall, processor, peak = (f"{median(ratio):.2f}" for ratio in ratios)
    return name, *cells, wall, processor, *memory, peak


def main() -> None:
    """Print the ratios of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = bytecode_kept(Path(scratch) / "bytecode") | {"OMP_NUM_THREADS": "1"}
        ran = pairs(environment, HELP_PAIRS, ("-m", "forecast", "--help"), ("-c", "import click"))
        ours, yardstick = (median([pair[side].wall for pair in ran]) for side in (0, 1))
        print(
            f"forecast --help {ours:.3f} s, import click {yardstick:.3f} s:"
            f" ratio {ours / yardstick:.2f} (limit {HELP_LIMIT:g})"
        )
        files = sorted(Path(sys.argv[1]).glob("*.bif")) if sys.argv[1:] else written(Path(scratch))
        names = (
            "forecast query",
            "s",
            "pyAgrum s",
            f"ratio ({LIMIT:g})",
            "cpu",
            "MB",
            "MB",
            f"ratio ({MEMORY_LIMIT:g})",
        )
        rows: list[tuple[str, ...]] = [names]
        for file in files:
            if file.stat().st_size > SMALLEST:
                ours_and_theirs = ("-m", "forecast", "query", str(file), "--json"), ("-c", PYAGRUM, str(file))
                rows.append(row(file.stem, pairs(environment, PAIRS, *ours_and_theirs)))
        table(rows)


if __name__ == "__main__":
    main()
