"""The workspaces below examples/: right, coherent, and no number of theirs contradicts what was said."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from forecast.posterior.moved import leave_one_out
from forecast.session import Session
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Item, Settled
from tests.together import shared_folder

EXAMPLE = Path(__file__).parents[1] / "examples/sweden-nato"
TODAY = date(2026, 1, 1)
OPENS, OVER = date(2022, 7, 5), date(2024, 3, 8)
STEP = "turkish_submission"  # what others require
NEAR = 1.0  # sd; nearer than this a statement is implied back

# Each step that everybody calls necessary, and what needs it.
NECESSARY = [
    ("turkish_submission", "sent", "turkish_ratification", "ratified"),
    ("others_ratified", "all", "accession", "member"),
    ("turkish_ratification", "ratified", "accession", "member"),
    ("hungarian_ratification", "ratified", "accession", "member"),
    ("finland_turkey", "ratified", "finland_member", "member"),
    ("finland_hungary", "ratified", "finland_member", "member"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, fitted once for all workers of the test run: all statements are of the opening."""
    shared = shared_folder(tmp_path_factory)
    copy, done = shared / "sweden-nato", shared / "sweden-nato-done"
    with FileLock(shared / "sweden-nato.lock"):
        if not done.exists():
            shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("reports"))
            assert Session(copy, TODAY, OPENS).experts()
            done.touch()
    return copy


def test_it_is_right_and_large_enough() -> None:
    """No error; at least ten events, three coders who are marked as an exercise, 17 statements and 17 reports."""
    workspace, problems = read_workspace(EXAMPLE, today=TODAY)
    assert workspace is not None
    assert [] == [str(problem) for problem in problems if problem.severity == "error"]
    assert [True] * 3 == [expert.name.startswith("Exercise: ") for expert in workspace.experts.values()]
    found = workspace.network.events, workspace.statements, workspace.items
    assert [True] * 3 == [len(one) >= least for one, least in zip(found, (10, 17, 17), strict=True)]


def test_nothing_is_said_about_the_shipped_topic() -> None:
    """It is a topic of its own."""
    texts = [path.read_text(encoding="utf-8") for path in EXAMPLE.rglob("*.yaml")]
    assert [] == [found for text in texts for found in re.findall(r"Ukrain|Kyiv", text)]


def test_each_statement_is_implied_back(root: Path) -> None:
    """What all imply together lies within one sd of what each coder said; no two statements contradict each other."""
    rows = Session(root, TODAY, OPENS).experts()
    far = [(row.id, row.residual) for expert in rows for row in expert.statements if abs(row.residual or 0.0) > NEAR]
    assert [] == far
    assert [] == [ids for row in rows for ids in (*row.incoherent, *row.conflicts)]


@pytest.mark.parametrize(("step", "taken", "event", "state"), NECESSARY)
def test_a_necessary_step_raises_what_needs_it(root: Path, step: str, taken: str, event: str, state: str) -> None:
    """Taken, it makes what needs it likelier, whatever else is open; not taken by the horizon, impossible."""
    session = Session(root, TODAY, OPENS)
    network = session.workspace.network
    missing = next(one for one in network.events[step].states if one != taken)
    before, with_step = _chances(session, f"{step}={taken}", event, state)
    _, without = _chances(session, f"{step}={missing}", event, state)
    assert 0.0 == without < before < with_step


def _chances(session: Session, supposed: str, event: str, state: str) -> tuple[float, float]:
    found = session.what_if([supposed])
    (row,) = [row for one in found.events if one.id == event for row in one.states if row.id == state]
    return row.before, row.after


def test_it_ends_as_it_did(root: Path) -> None:
    """With all reports Sweden is a member, and nothing else is possible."""
    assert 1.0 == Session(root, TODAY, OVER).outcome.scenarios["member"].probability


def test_a_report_that_others_need_has_no_effect_of_coming_last(root: Path) -> None:
    """Without the report of a step that a later one requires the rest is impossible; of another it is not."""
    found = Session(root, TODAY, OVER).outcome
    of = {
        event: [item.id for item in found.workspace.items if event in _settled(item)] for event in ("accession", STEP)
    }
    effects = leave_one_out(found.workspace, found.posterior, [*of[STEP], *of["accession"]], lambda _: None)
    assert (1, 1, of["accession"]) == (len(of[STEP]), len(of["accession"]), list(effects))


def _settled(item: Item) -> list[str]:
    return [part.event for part in item.bears_on if isinstance(part, Settled)]
