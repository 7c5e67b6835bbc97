"""A replay: what is kept, what is computed anew, which draws are sampled, and that an interrupted run goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.analysis import replay_run as run
from forecast.analysis.replay_day import (
    ImpossibleDay,
    Job,
    ReplayLine,
    Waiting,
    replay_day,
)
from forecast.analysis.replay_run import DrawsNotSharedError, Replay, replay, replay_dates
from forecast.posterior import posterior as reweighting
from forecast.workers import OtherProgramError, Workers
from forecast.workspace.records import (
    BaseRate,
    Benchmark,
    Condition,
    Publication,
    Question,
    Settled,
    Support,
    Workspace,
)
from tests.analysis.sampling import by_digest
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, rule, statement, target, workspace

SEED = 6
DAYS = replay_dates(OPENS, OPENS + timedelta(days=70), 10)
NEWS = OPENS + timedelta(days=35)


@pytest.fixture(autouse=True)
def without_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws that hang on nothing but the digest of what made them; few of them are enough."""
    monkeypatch.setattr(reweighting, "prior_draws", by_digest)
    monkeypatch.setattr(run, "prior_draws", by_digest)
    monkeypatch.setattr("forecast.posterior.weights.MIN_EFFECTIVE_SIZE", 10.0)


def _known() -> Workspace:
    """Somebody speaks at the opening and after twenty days; a report comes after fifteen, news after thirty-five."""
    rate = BaseRate(0.2, Publication("book", None, None), "one of five")
    asked = Question(
        id="deal-by",
        question="?",
        about=Condition("deal", ("yes",)),
        by=HORIZON,
        opens=OPENS,
        topic="t",
        resolves="r",
        base_rate=rate,
        benchmarks=("crowd",),
        source=HERE,
    )
    known = workspace(
        network(event("talks"), event("deal", parents=["talks"])),
        statements=[
            statement("early", target("deal", "yes"), 0.3),
            statement("late", target("talks", "yes"), 0.6, day=OPENS + timedelta(days=20)),
        ],
        items=[
            item("news", NEWS, Settled("talks", "yes", HERE)),
            item("report", OPENS + timedelta(days=15), Support("deal", "slight", ("yes",), None, HERE)),
        ],
        scenarios=[rule("peace", deal="yes")],
    )
    return replace(known, questions=(asked,), benchmarks={"crowd": Benchmark("crowd", ((OPENS, "crowd", 0.3),), HERE)})


class _Counting(Workers):
    """Computes in this process, one date after the other, and notes which; stops after `most` of them."""

    days: list[date]
    most: int | None

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        object.__setattr__(self, "days", list[date]())
        object.__setattr__(self, "most", most)

    def map(self, function: Any, jobs: Any, arrived: Any = None, lost: Any = None) -> Any:
        def counted(one: Job) -> Any:
            result = function(one)
            if not isinstance(result, Waiting):
                if len(self.days) == self.most:
                    raise KeyboardInterrupt
                self.days.append(one.as_of)
            return result

        return super().map(counted, jobs, arrived, lost)


def _replay(known: Workspace, folder: Path, workers: Workers | None = None, told: list[str] | None = None) -> Replay:
    progress = (lambda _: None) if told is None else told.append
    return replay(known, DAYS, SEED, folder, _Counting() if workers is None else workers, progress)


def test_dates() -> None:
    """Every so-many-th day from the first one, none after the last one."""
    first = date(2025, 8, 6)
    assert (first, date(2025, 8, 13)) == replay_dates(first, date(2025, 8, 19), 7)
    assert date(2025, 8, 20) == replay_dates(first, date(2025, 8, 20), 7)[-1]
    assert (first,) == replay_dates(first, first, 7)


def test_one_fit_serves_many_dates(tmp_path: Path) -> None:
    """As many fits as sets of statements; each date is forecast once, from the statements of its day."""
    counting, told = _Counting(), list[str]()
    found = _replay(_known(), tmp_path, counting, told)
    assert (2, 0) == (len(found.fit_seconds), found.kept)
    assert sorted(counting.days) == list(DAYS)
    draws = [row.draws for row in found.rows if isinstance(row, ReplayLine)]
    assert len(set(draws)) == 2
    assert [digest == draws[0] for digest in draws] == [day < DAYS[2] for day in DAYS]
    assert any("8 dates wait for 2 fits" in line and "prior: drawing" in line for line in told)
    assert "replaying: 100 %" == told[-1]


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    """Finished dates are not computed again, and the lines are those of a run that nobody interrupted."""
    with pytest.raises(KeyboardInterrupt):
        _replay(_known(), tmp_path / "a", _Counting(3))
    rest = _Counting()
    found = _replay(_known(), tmp_path / "a", rest)
    assert (3, len(DAYS) - 3) == (found.kept, len(rest.days))
    assert _replay(_known(), tmp_path / "b").rows == found.rows
    assert [] == [path.name for path in tmp_path.rglob("*.partial")]


def test_what_changed_is_computed_anew(tmp_path: Path) -> None:
    """A new item or an edit touches the dates from its own on, a new price none."""
    known, before = _known(), _replay(_known(), tmp_path)
    same = _Counting()
    crowd = {"crowd": Benchmark("crowd", ((OPENS, "crowd", 0.9),), HERE)}
    assert before.rows == _replay(replace(known, benchmarks=crowd), tmp_path, same).rows
    assert [] == same.days
    edited = _Counting()
    news = replace(known.items[0], bears_on=(Settled("deal", "yes", HERE),))
    after = _replay(replace(known, items=(news, known.items[1])), tmp_path, edited)
    touched = [day for day in DAYS if day >= NEWS]
    assert touched == edited.days
    assert touched == [day for day, a, b in zip(DAYS, before.rows, after.rows, strict=True) if a != b]


def test_another_program_computes_all_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken from before a change of the program; a worker with another program is refused."""
    before = _replay(_known(), tmp_path)
    monkeypatch.setattr("forecast.analysis.replay_day.program_digest", lambda: "another")
    anew = _Counting()
    assert before.rows == _replay(_known(), tmp_path, anew).rows
    assert sorted(anew.days) == list(DAYS)

    monkeypatch.setattr(run, "replay_day", lambda one: replay_day(replace(one, program="mine")))
    with pytest.raises(OtherProgramError):
        replay(_known(), DAYS, SEED + 1, tmp_path, Workers(), lambda _: None)


def test_workers_that_see_no_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that still waits for draws that are there sees another folder; to sample again would never end."""
    monkeypatch.setattr(run, "replay_day", lambda _: Waiting("of nothing here"))
    with pytest.raises(DrawsNotSharedError, match="do not see"):
        _replay(_known(), tmp_path)


def test_impossible_evidence_leaves_its_date_out(tmp_path: Path) -> None:
    """A contradiction that was retracted later is told on the dates that had it, and forecasts the others."""
    net = network(event("truth", "constant"), event("deal"))
    known = workspace(
        net,
        statements=[statement("said", target("truth", "yes"), 0.5), statement("too", target("deal", "yes"), 0.5)],
        items=[
            item("right", OPENS, Settled("truth", "yes", HERE)),
            item("wrong", OPENS + timedelta(days=25), Settled("truth", "no", HERE), retracted=NEWS),
        ],
        scenarios=[rule("peace", deal="yes")],
    )
    rows = _replay(known, tmp_path).rows
    assert [day for day, row in zip(DAYS, rows, strict=True) if isinstance(row, ImpossibleDay)] == [DAYS[3]]
    assert ImpossibleDay(as_of=DAYS[3], impossible=("right", "wrong")) == rows[3]
