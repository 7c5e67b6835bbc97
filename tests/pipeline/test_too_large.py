"""A forecast that would take too long is refused before anything is computed, with its number and the way out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.inference import engine
from forecast.pipeline import check, conclude
from forecast.session import Session
from forecast.workspace.problems import WorkspaceProblems
from tests.workspace.writing import example

DAY = date(2026, 7, 1)


def _written(root: Path, network: list[str], scenarios: list[str]) -> Session:
    example(root)
    for old in (*root.glob("evidence/*"), *root.glob("priors/statements/*")):
        old.unlink()
    head = ["title: Many", "opens: 2026-01-05", "horizon: 2026-12-31", "events:"]
    (root / "priors" / "network.yaml").write_text("\n".join([*head, *network]) + "\n", encoding="utf-8")
    (root / "priors" / "scenarios.yaml").write_text("\n".join(scenarios) + "\n", encoding="utf-8")
    return Session(root, DAY, DAY, 1)


def _event(name: str, parents: list[str]) -> list[str]:
    lines = [f"  {name}:", "    question: What of it?", "    kind: constant", "    states: [low, middle, high]"]
    return [*lines, "    resolves: by decree", "    role: driver", f"    parents: [{', '.join(parents)}]"]


def _refused(session: Session) -> str:
    """The one error that both check and update tell; nothing is written."""
    workspace, problems = check(session)
    (told,) = [str(problem) for problem in problems if problem.severity == "error"]
    assert workspace is None
    with pytest.raises(WorkspaceProblems) as raised:
        conclude(session)
    assert [told] == [str(problem) for problem in raised.value.problems]
    assert not (session.root / "reports").exists()
    return told


def test_events_that_hang_together_too_closely(tmp_path: Path) -> None:
    """Events in a lattice of fourteen by six: whatever is asked of them, tables over fourteen events are needed."""
    events = [_event(f"e{n}", [f"e{p}" for p in (n - 1, n - 14) if p >= 0]) for n in range(84)]
    told = _refused(_written(tmp_path, [line for one in events for line in one], ["- id: one", "  when: {e3: low}"]))
    assert told.startswith("priors/network.yaml:1: too many events hang together for an exact forecast; got ")
    assert told.endswith(
        " products for each draw; at most 10,000,000; give events fewer parents, "
        "or cpt noisy_or or noisy_max if each cause acts by itself"
    )


def test_rules_over_too_many_events(tmp_path: Path) -> None:
    """Forty rules over twelve of thirty events each, which have nothing else to do with each other."""
    rng = np.random.default_rng(3)
    events = [line for n in range(30) for line in _event(f"e{n}", [])]
    rules = []
    for number in range(40):
        named = sorted(rng.permutation(30)[:12].tolist())
        states = [", ".join(rng.permutation(["low", "middle", "high"])[:2].tolist()) for _ in named]
        when = ", ".join(f"e{v}: [{of}]" for v, of in zip(named, states, strict=True))
        rules += [f"- id: s{number}", f"  when: {{{when}}}"]
    told = _refused(_written(tmp_path, events, rules))
    assert told.startswith(
        "priors/scenarios.yaml:1: the rules of the scenarios tie 30 events together that are too far apart; got "
    )
    assert told.endswith(
        " products for each draw; at most 10,000,000, and 91 without the rules; "
        "name fewer events, or one below several of them"
    )


def test_a_draw_that_the_memory_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one draw needs is compared with what may be taken, and both are told."""
    monkeypatch.setattr(engine, "free_memory", lambda: 1000)
    events = [line for n in range(5) for line in _event(f"e{n}", [f"e{p}" for p in range(n)])]
    told = _refused(_written(tmp_path, events, ["- id: one", "  when: {e3: low}"]))
    start = "priors/network.yaml:1: too many events hang together for the memory of this machine; got "
    assert told.startswith(start)
    assert told.endswith(" kB for each draw; at most 1 kB")
