"""The table of ratios: this program beside what it is compared with, each pair measured side by side.

    python -m benchmarks.ratios [PART ...] [--against COMMIT] [--networks FOLDER] [--rounds N]

Without a PART all are measured, which takes more than an hour; with --against some are measured against that commit of
this repository, too, in a checkout of its own and with the same libraries. Without a FOLDER of BIF files the 24 classic
networks are downloaded (benchmarks.classics). A row is the median over the rounds, with the smallest and the largest of
them; processor time unless it says otherwise. Memory is the most that one process held.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from math import exp
from pathlib import Path

from benchmarks import bulk, classics, gradient, inference, networks, prices, scaling, scenarios, startup
from benchmarks import update as daily
from benchmarks.measured import ROOT, EndedError, Used, median, table, used
from tests.workspace.writing import example

LIBRARIES = ("numpy", "numba", "pymc", "arviz", "pyagrum", "dask")
ANSWERS = (("why", "escalation"), ("influence",), ("watch-list",), ("what-if", "ceasefire=general"), ("conflict",))
AIMS = {"why": "4", "influence": "2"}
POOLED, RESOLVED, EXPERTS = 103, 13, 25
ITEMS, CHILDREN = 100_000, 2_000
SMALL, LARGE, ALL_BUT_ONE = ("child", "insurance", "alarm"), {"munin1": "2 GB", "link": "1 GB"}, "munin1"
PATIENCE = 120  # seconds of a processor that pgmpy gets for a network
PGMPY_PINS = ("pgmpy==1.1.2", "numpy==2.5.5", "pandas==3.1.1")
LADDER = """
import sys, time
from pathlib import Path
from forecast.session import Session
session = Session(Path(sys.argv[1]))
session.posterior
start = time.process_time()
asked = session.ladder()
print(len(asked), time.process_time() - start)
"""
PGMPY = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({PATIENCE}, {PATIENCE}))
from pgmpy.inference import BeliefPropagation
from pgmpy.readwrite import BIFReader
network = BIFReader(sys.argv[1]).get_model()
engine = BeliefPropagation(network)
engine.calibrate()
for name in network.nodes():
    engine.query([name], show_progress=False)
"""

Row = tuple[str, ...]  # what, measured, aim, memory


@dataclass(frozen=True)
class Side:
    """One of the two programs of a pair: a checkout, and a folder for its byte code and its workspaces."""

    checkout: Path
    scratch: Path
    environment: dict[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        own = {"PYTHONPATH": str(self.checkout), "PYTHONPYCACHEPREFIX": str(self.scratch / "bytecode")}
        object.__setattr__(self, "environment", kept | own)

    def forecast(self, *arguments: str) -> Used:
        """Run this side's command. Raises RuntimeError if it fails."""
        return used(self.environment, "-P", "-m", "forecast", *arguments)

    def shipped(self, name: str) -> Path:
        """Return a copy of the shipped workspace as this side's checkout has it, nothing cached."""
        root = self.scratch / name
        for part in ("priors", "evidence"):
            shutil.copytree(self.checkout / part, root / part)
        return root

    def everyday(self, name: str = "daily") -> Path:
        """Return such a copy with the draws that are kept here: they count where this side's program made them."""
        root, kept = self.shipped(name), ROOT / "reports" / ".cache"
        if kept.exists():
            shutil.copytree(kept, root / "reports" / ".cache")
        return root


@dataclass(frozen=True)
class Asked:
    """What the command line asks for, and the sides: `before` is the commit of `--against`."""

    now: Side
    before: Side | None
    given: Path | None
    rounds: int

    @property
    def sides(self) -> tuple[Side, ...]:
        """This program, and the one of before if it was asked for."""
        return (self.now,) if self.before is None else (self.now, self.before)

    @cached_property
    def networks(self) -> dict[str, Path]:
        """BIF files by name: those of the folder that was given, or the classic ones."""
        folder = self.given or self.now.scratch / "classics"
        paths = sorted(folder.glob("*.bif")) if self.given else classics.write_classics(folder)
        return {path.stem: path for path in paths}


def shown(pairs: Sequence[tuple[float, float]]) -> str:
    """Return the median of the ratios, and between what they lie."""
    ratios = [ours / theirs for ours, theirs in pairs]
    between = f" ({min(ratios):.2g} to {max(ratios):.2g})" if len(ratios) > 1 else ""
    return f"{median(ratios):.2{'f' if median(ratios) >= 0.1 else 'g'}}{between}"


def row(what: str, pairs: Sequence[tuple[Used, Used]], aim: str) -> Row:
    """Return the row of pairs of processes: ours, then the other."""
    memory = f"{median([a.memory for a, _ in pairs]):.0f} of {median([b.memory for _, b in pairs]):.0f} MB"
    return what, shown([(a.processor, b.processor) for a, b in pairs]), aim, memory


def starts(asked: Asked) -> Iterator[Row]:
    """`forecast --help` against `import click`."""
    help_and_click = [
        (asked.now.forecast("--help"), used(asked.now.environment, "-c", "import click"))
        for _ in range(4 * asked.rounds)
    ]
    yield row("forecast --help / import click", help_and_click[1:], "3")


def everyday(asked: Asked) -> Iterator[Row]:
    """An update with one more file against `import pymc`, and answers against `import numpy, pandas`."""
    roots = {side: side.everyday() for side in asked.sides}
    ours: dict[str, list[list[Used]]] = {}
    for side, root in roots.items():
        side.forecast("update", "--no-report", "-C", str(root))  # samples where no draws were kept
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    commands = {"update --no-report": ("update", "--no-report"), **{" ".join(one): one for one in ANSWERS}}
    for number in range(asked.rounds + 1):
        for name, command in commands.items():
            ran = []
            for side, root in roots.items():
                path = root / "evidence" / f"{day}-weak.yaml"
                if command[0] == "update":
                    path.write_text(daily.ITEM.format(number=number, day=day), encoding="utf-8")
                ran.append(side.forecast(*command, "-C", str(root)))
            theirs = "import pymc" if command[0] == "update" else "import numpy, pandas"
            ran.append(used(asked.now.environment, "-c", theirs))
            ours.setdefault(name, []).append(ran)
    for name, rounds in ours.items():
        is_update = name.startswith("update")
        theirs, aim = ("import pymc", ".6") if is_update else ("import numpy, pandas", AIMS.get(name.split()[0], "2"))
        yield row(f"{name} / {theirs}", [(ran[0], ran[-1]) for ran in rounds[1:]], aim)
        if asked.before is not None:
            yield row(f"{name} / before", [(ran[0], ran[1]) for ran in rounds[1:]], "")


def first(asked: Asked) -> Iterator[Row]:
    """A first update with its report, and its fits alone, compiled code kept."""
    if asked.before is None:
        return
    ran: dict[str, list[Used]] = {"update": [], "update --no-report": []}
    for side in asked.sides:
        side.forecast("update", "--no-report", "-C", str(side.shipped("compiles")))
        for name, found in ran.items():
            found.append(side.forecast(*name.split(), "-C", str(side.shipped(name.replace(" ", "")))))
    for name, aim in (("update", ".33"), ("update --no-report", ".5")):
        ours, theirs = ran[name]
        yield row(f"first {name} / before", [(ours, theirs)], aim)
        yield f"first {name} / before, on the clock", f"{ours.wall / theirs.wall:.2f}", aim, ""


def bulky(asked: Asked) -> Iterator[Row]:
    """100,000 items checked and weighed, and the large workspaces of `benchmarks.scenarios`."""
    as_of = ("--as-of", str(bulk.AS_OF))
    roots = {side: example(side.scratch / "bulk") for side in asked.sides}
    for side, root in roots.items():
        side.forecast("update", "--no-report", *as_of, "-C", str(root))
        bulk.write_items(root / "evidence" / "bulk.csv", ITEMS)
    for command, options in (("check", ()), ("update", ("--no-report", *as_of))):
        rounds = [[side.forecast(command, *options, "-C", str(roots[side])) for side in asked.sides] for _ in range(2)]
        ours = rounds[-1][0]
        yield f"{command}, {ITEMS:,} items", f"{ours.wall:.1f} s", "", f"{ours.memory:.0f} MB"
        if asked.before is not None:
            yield row(f"{command}, {ITEMS:,} items / before", [(ran[0], ran[1]) for ran in rounds], ".5")
    events, items, about = scenarios.SIZES[1]
    root = scenarios.write_large(asked.now.scratch / "large", events, items, about)
    update = ("update", "--no-report", "--as-of", str(scenarios.AS_OF), "-C", str(root))
    asked.now.forecast(*update)
    again = asked.now.forecast(*update)
    named = f"{events} events, {items:,} items, eight scenarios over {about}: update, draws kept"
    yield named, f"{again.wall:.1f} s", "60 s, 2 GB", f"{again.memory:.0f} MB"


def pooled(asked: Asked) -> Iterator[Row]:
    """A pool of 103 questions, of which 13 have an outcome to leave out."""
    path = asked.now.scratch / "pooled.csv"
    rng = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("question", "expert", "probability", "outcome"))
        for question in range(POOLED):
            truth = rng.gauss(0.0, 1.5)
            outcome = int(rng.random() < 1.0 / (1.0 + exp(-truth)))
            for expert in range(EXPERTS):
                said = 1.0 / (1.0 + exp(-truth - rng.gauss(0.0, 1.0)))
                rows.writerow((f"q{question}", f"e{expert}", f"{said:.3f}", outcome if question < RESOLVED else ""))
    ran = [side.forecast("pool", str(path)) for side in asked.sides]
    yield f"pool of {POOLED} questions, {RESOLVED} outcomes", f"{ran[0].wall:.0f} s", "", f"{ran[0].memory:.0f} MB"
    if asked.before is not None:
        yield row(f"pool of {POOLED} questions, {RESOLVED} outcomes / before", [(ran[0], ran[1])], ".25")


def draws(_asked: Asked) -> Iterator[Row]:
    """4000 draws against a loop over pyAgrum."""
    found = inference.measure()
    name = f"{inference.DRAWS} draws of {inference.EVENTS} events"
    times = sorted(theirs / ours for theirs, ours in zip(found.pyagrum, found.circuit, strict=True))
    faster = f"{median(times):.0f} ({times[0]:.0f} to {times[-1]:.0f})"
    yield f"{name}: pyAgrum, one by one / forecast, on the clock", faster, "1500", ""
    passes = list(zip(found.circuit, found.one_pass, strict=True))
    yield f"{name}: forecast / one pass over the tables, on the clock", shown(passes), "4", ""


def slopes(_asked: Asked) -> Iterator[Row]:
    """The sampler's gradient against plain PyTensor operations."""
    found = gradient.measure()
    faster = shown(list(zip(found.theirs, found.ours, strict=True)))
    yield "log evidence with its gradient: plain PyTensor / forecast", faster, "", ""


def cases(asked: Asked) -> Iterator[Row]:
    """Single cases of classic networks against pyAgrum with one thread."""
    measured = list(networks.measure(asked.networks.values()))
    for side, name in ((0, "first question"), (1, "next question")):
        ratios = [one.ratios[side] for one in measured]
        slower = sorted({one.network for one in measured if one.ratios[side] < 1.0})
        told = f"{networks.geometric_mean(ratios):.2f} ({min(ratios):.2g} to {max(ratios):.3g})"
        yield (
            f"{len({one.network for one in measured})} networks, {name}: pyAgrum / forecast, geometric mean",
            told + (f"; slower on {', '.join(slower)}" if slower else ""),
            "3; slower on none",
            "",
        )
    for one in measured:
        if one.network in LARGE:
            named = f"{one.network}, {one.observed} observed: pyAgrum / forecast"
            yield named, f"{one.ratios[0]:.3g} ({one.pyagrum:.1f} s, {one.first:.1f} s)", "1", ""
    if ALL_BUT_ONE in asked.networks:
        (one,) = networks.measure([asked.networks[ALL_BUT_ONE]], [networks.all_but_the_last])
        named = f"{one.network}, all but one of {one.observed + 1} observed: pyAgrum / forecast"
        yield named, f"{one.ratios[0]:.2f}", "1", ""


def children(asked: Asked) -> Iterator[Row]:
    """One cause with 2,000 children, all observed, asked for the first time."""
    network = networks.fan(CHILDREN)
    _, findings = networks.findings_of(network, network.names[1:])
    taken = [networks.timed(partial(networks.first_question, network, findings)) for _ in range(asked.rounds)]
    yield f"{CHILDREN:,} children of one node, observed: first question", f"{median(taken):.2f} s", "1 s", ""


def large(asked: Asked) -> Iterator[Row]:
    """Large networks, nothing observed: the whole process."""
    for name, aim in LARGE.items():
        if name in asked.networks:
            ran = [asked.now.forecast("query", str(asked.networks[name]), "--json") for _ in range(asked.rounds)]
            seconds, memory = median([one.processor for one in ran]), median([one.memory for one in ran])
            yield f"query {name}.bif, nothing observed", f"{seconds:.1f} s", aim, f"{memory:.0f} MB"


def files(asked: Asked) -> Iterator[Row]:
    """Reading a BIF file over 100 kB and all marginals, as whole processes, against pyAgrum."""
    environment = asked.now.environment | {"OMP_NUM_THREADS": "1"}
    for name, path in asked.networks.items():
        if path.stat().st_size > startup.SMALLEST:
            ours = ("-P", "-m", "forecast", "query", str(path), "--json")
            ran = startup.pairs(environment, asked.rounds, ours, ("-c", startup.PYAGRUM, str(path)))
            yield row(f"query {name}.bif / pyAgrum", [(one, other) for one, other in ran], "1; memory 2")


def peers(asked: Asked) -> Iterator[Row]:
    """The same with pgmpy, in an environment of its own: small networks, one run each."""
    home = asked.now.scratch / "pgmpy"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PGMPY_PINS], check=True)
    for name in SMALL:
        if name in asked.networks:
            path = str(asked.networks[name])
            ours = asked.now.forecast("query", path, "--json")
            named = f"query {name}.bif / {PGMPY_PINS[0]}"
            try:
                alone = asked.now.environment | {"PYTHONPATH": ""}
                theirs = used(alone, "-W", "ignore", "-c", PGMPY, path, python=python)
            except EndedError as ended:
                if ended.status not in {signal.SIGXCPU, signal.SIGKILL}:
                    raise
                told = f"no answer in {PATIENCE} s; {ours.processor:.2f} s"
                yield named, f"less than {ours.processor / PATIENCE:.3f} ({told})", "", f"{ours.memory:.0f} MB"
                continue
            yield row(named, [(ours, theirs)], "")


def crowds(asked: Asked) -> Iterator[Row]:
    """25 prices on the shipped workspace, beyond the time of an answer that needs the kept posterior alone."""
    for coherent in (True, False):
        root = prices.priced(asked.now.scratch / f"priced-{coherent}", coherent=coherent)
        ran = [
            (asked.now.forecast("crowd", "-C", str(root)), asked.now.forecast("sources", "-C", str(root)))
            for _ in range(asked.rounds)
        ]
        beyond = median([ours.processor - other.processor for ours, other in ran])
        kind = "coherent" if coherent else "contradicting"
        memory = median([ours.memory for ours, _ in ran])
        yield f"crowd, {prices.PRICES} {kind} prices, less `sources`", f"{beyond:.2f} s", "2 s", f"{memory:.0f} MB"


def laddered(asked: Asked) -> Iterator[Row]:
    """The sub-questions that an update enters in the ledger."""
    root = asked.now.everyday("laddered")
    asked.now.forecast("update", "--no-report", "-C", str(root))
    command = [sys.executable, "-P", "-c", LADDER, str(root)]
    told = [
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=asked.now.environment).stdout.split()
        for _ in range(asked.rounds)
    ]
    number, taken = told[0][0], median([float(seconds) for _, seconds in told])
    yield f"the ladder's {number} sub-questions in an update", f"{taken:.2f} s", "1 s for 200", ""


def workers(asked: Asked) -> Iterator[Row]:
    """Two workers against one on replay dates, on the clock: on a Dask cluster, and as local processes."""
    root = example(asked.now.scratch / "replayed")
    for what, started, aim in (("Dask worker", scaling.clustered, "1.7"), ("process", scaling.in_processes, "")):
        ran = scaling.one_and_two(root, scaling.DATES, min(asked.rounds, 3), started)
        faster = shown([(one.wall, two.wall) for one, two in ran])
        yield f"{scaling.DATES} replay dates: one {what} / two, on the clock", faster, aim, ""


PARTS: dict[str, Callable[[Asked], Iterator[Row]]] = {
    "starts": starts,
    "everyday": everyday,
    "first": first,
    "bulk": bulky,
    "pool": pooled,
    "draws": draws,
    "gradient": slopes,
    "ladder": laddered,
    "crowd": crowds,
    "children": children,
    "large": large,
    "files": files,
    "pgmpy": peers,
    "workers": workers,
    "cases": cases,
}


@contextmanager
def checkout(commit: str | None) -> Iterator[Path | None]:
    """Check a commit out beside this repository for as long as it is needed."""
    if commit is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "before"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(path), commit], check=True, cwd=ROOT)
        try:
            yield path
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(path)], check=True, cwd=ROOT)


def machine() -> str:
    """Return what the numbers were measured with."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    known = []
    for name in LIBRARIES:
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    return (
        f"{datetime.now(UTC).date()}, commit {commit}, {os.cpu_count()} cores of {processor}, load"
        f" {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, {', '.join(known)}"
    )


def main() -> None:
    """Measure the parts that were asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--networks", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as scratch, checkout(given.against) as before:
        for side in ("now", "before"):
            (Path(scratch) / side).mkdir()
        other = None if before is None else Side(before, Path(scratch) / "before")
        asked = Asked(Side(ROOT, Path(scratch) / "now"), other, given.networks, given.rounds)
        for name in given.parts or PARTS:
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            # Each part by itself: who stops a long run has what was measured until then.
            table([("pair", "median (of rounds)", "aim", "memory"), *PARTS[name](asked)])


if __name__ == "__main__":
    main()
