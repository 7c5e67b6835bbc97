"""A whole `forecast update --no-report`, draws cached, of large workspaces whose scenarios name many events.

Each event has up to two parents among those a few before it, and three states; every rule names two or three of the
events that the scenarios are about. Printed are the seconds of the update, and the most memory that a process held.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measured import bytecode_kept, seconds, table
from tests.workspace.writing import example

NEAR = 8  # an event's parents are among so many before it
SIZES = ((60, 800, 9), (100, 2000, 9), (100, 2000, 14))  # events, items, events that the eight rules name
SCENARIOS = 8
OPENS, HORIZON, AS_OF = date(2026, 1, 5), date(2026, 12, 31), date(2026, 6, 30)
STATES = ("low", "middle", "high")
SAID = """\
- id: on-{name}
  date: 2026-01-05
  expert: editors
  source: {{publisher: A book, title: On the events}}
  says: So it is.
  about: {{event: {name}, state: {state}}}
  probability: {{best: {best:.2f}, low: {low:.2f}, high: {high:.2f}}}
  why: As an example.
"""


def write_large(root: Path, events: int, items: int, about: int, seed: int = 1) -> Path:
    """Write a workspace of so many events and items, whose scenarios name so many of the events."""
    rng = random.Random(seed)
    example(root)
    for old in (*root.glob("evidence/2026-*.yaml"), *root.glob("priors/statements/*.yaml")):
        old.unlink()
    names = [f"e{n:03d}" for n in range(events)]
    (root / "evidence" / "watch.yaml").unlink(missing_ok=True)
    (root / "priors" / "network.yaml").write_text("\n".join(_network(rng, names)) + "\n", encoding="utf-8")
    named = sorted(rng.sample(names, about))
    (root / "priors" / "scenarios.yaml").write_text("\n".join(_rules(rng, named)) + "\n", encoding="utf-8")
    said = "".join(_statement(rng, name) for name in rng.sample(names, events // 5))
    (root / "priors" / "statements" / "some.yaml").write_text(said, encoding="utf-8")
    rows = ["id,reported,source,credibility,group,headline,event,support,for", *_items(rng, names, items)]
    (root / "evidence" / "bulk.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def _network(rng: random.Random, names: Sequence[str]) -> Iterator[str]:
    yield from ("title: A large network", f"opens: {OPENS}", f"horizon: {HORIZON}", "events:")
    for n, name in enumerate(names):
        kind = rng.choice(("reached", "status", "status", "constant"))
        near = names[max(0, n - NEAR) : n]
        parents = rng.sample(near, min(len(near), rng.choice((0, 1, 2, 2))))
        if kind == "constant":  # nothing dated brings about what holds all window long
            parents = []
        yield from (f"  {name}:", f"    question: What of {name}?", f"    kind: {kind}")
        yield from (f"    states: [{', '.join(STATES)}]", "    resolves: by decree", "    role: driver")
        if kind == "status":
            yield from ("    initial: middle", "    persistence_days: 200")
        if parents:
            yield f"    parents: [{', '.join(parents)}]"


def _rules(rng: random.Random, named: Sequence[str]) -> Iterator[str]:
    for number in range(SCENARIOS):
        # Every event is named by some rule; the rest is drawn.
        own = {named[number], named[-1]} if number == 0 else {named[number]}
        while len(own) < rng.choice((2, 3)):
            own.add(rng.choice(named))
        conditions = ", ".join(f"{name}: [{', '.join(rng.sample(STATES, rng.choice((1, 2))))}]" for name in sorted(own))
        yield from (f"- id: scenario_{number}", f"  when: {{{conditions}}}")


def _statement(rng: random.Random, name: str) -> str:
    best = rng.uniform(0.2, 0.5)
    return SAID.format(name=name, state=rng.choice(STATES), best=best, low=best / 2.0, high=best + (1.0 - best) / 3.0)


def _items(rng: random.Random, names: Sequence[str], number: int) -> Iterator[str]:
    days = (AS_OF - OPENS).days
    for item in range(number):
        name, day = rng.choice(names), OPENS + timedelta(days=rng.randrange(1, days))
        source = rng.choice(("newspaper", "market_letter", "forum"))
        yield f"i{item:04d},{day},{source},3,{name},Report {item}.,{name},slight,{rng.choice(STATES)}"


def main() -> None:
    """Print a row for each size; the update is a process of its own, run once before to sample."""
    rows = [("eight scenarios", "seconds, warm", "peak so far, GB")]
    with tempfile.TemporaryDirectory() as folder:
        environment = bytecode_kept(Path(folder) / "bytecode")
        for events, items, about in SIZES:
            root = write_large(Path(folder) / f"{events}-{about}", events, items, about)
            update = ("-m", "forecast", "update", "-C", str(root), "--no-report", "--as-of", str(AS_OF))
            seconds(environment, *update)  # samples; the draws are then cached
            took = seconds(environment, *update)
            # Of all processes so far, those that sampled included.
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
            rows.append((f"{events} events, {items:,} items, {about} named", f"{took:.1f}", f"{peak:.2f}"))
    table(rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write_large(Path(sys.argv[1]), *map(int, sys.argv[2:]))
    else:
        main()
