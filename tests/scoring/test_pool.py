"""The hierarchical pool: the ways in which it must differ from a plain mean, and a question without its outcome."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.pool import KINDS, scored
from forecast.sampling.draws import distrust
from forecast.scoring.pool import (
    EFFORT,
    HIERARCHICAL,
    PLAIN_POOLS,
    LeftOut,
    Pool,
    as_json,
    fit,
    leave_out,
    pool,
    scores,
)
from forecast.scoring.world import ExpertForecast, ForecastTable, as_panel
from forecast.workspace.problems import Source


def _row(expert: str, question: str, p: float, group: str | None = None, weight: float = 1.0) -> ExpertForecast:
    return ExpertForecast(
        expert=expert, question=question, best=p, group=group, weight=weight, source=Source("t.csv", 1)
    )


def _table(*rows: ExpertForecast, outcomes: dict[str, int] | None = None) -> ForecastTable:
    questions = {row.question: (outcomes or {}).get(row.question) for row in rows}
    return ForecastTable(path="t.csv", forecasts=rows, questions=questions, warnings=())


def _silent(doing: str) -> None:
    del doing


def _pooled(table: ForecastTable) -> dict[str, float]:
    return {question.name: question.p_event for question in pool(table, 1, _silent).questions}


def test_copies_in_a_group_move_less_than_strangers() -> None:
    """Two copies of one expert in one group move the pool less than two independent experts who say the same.

    On questions that five experts disagree about elsewhere: where all agree, one of them alone is believed.
    """
    rng, rows = np.random.default_rng(0), []
    for i in range(6):  # the same comparison many times, for its mean
        rows += [_row("a", f"group {i}", 0.9, "school"), _row("b", f"group {i}", 0.9, "school")]
        rows += [_row("c", f"strangers {i}", 0.9), _row("d", f"strangers {i}", 0.9), _row("e", f"one {i}", 0.9)]
    for i in range(16):
        said = rng.permutation([0.1, 0.3, 0.5, 0.7, 0.9]).tolist()
        rows += [_row(expert, f"other {i}", p) for expert, p in zip("abcde", said, strict=True)]
    found = _pooled(_table(*rows))
    one, group, strangers = (
        np.mean([p for name, p in found.items() if name.startswith(f"{what} ")])
        for what in ("one", "group", "strangers")
    )
    assert one - 0.01 < group < strangers - 0.03


def test_many_unlikely_events_stay_unlikely() -> None:
    """Eight questions put at .05 by two experts stay below .1, by an expert each or by one alone below .15."""
    names = [f"q{i:02}" for i in range(8)]
    by_two = _pooled(_table(*(_row(f"e{e}", name, 0.05) for e in range(2) for name in names)))
    by_one_each = _pooled(_table(*(_row(f"expert of {name}", name, 0.05) for name in names)))
    by_one = _pooled(_table(*(_row("a", name, 0.05) for name in names)))
    assert max(by_two.values()) < 0.1
    assert max(*by_one_each.values(), *by_one.values()) < 0.15


def test_weight_sharpens() -> None:
    """An expert of weight 9 moves the pool further than one of weight 1."""
    found = _pooled(_table(_row("a", "heavy", 0.9, weight=9.0), _row("b", "light", 0.9)))
    assert found["heavy"] > found["light"] + 0.01


def test_order_of_rows_changes_nothing() -> None:
    """The same rows in another order give the same numbers, to the last digit."""
    rows = [_row(expert, question, p) for expert, question, p in
            (("a", "x", 0.3), ("b", "x", 0.6), ("a", "y", 0.8), ("b", "y", 0.7))]  # fmt: skip
    assert _pooled(_table(*rows)) == _pooled(_table(*reversed(rows)))


def _with_records() -> ForecastTable:
    """Twelve resolved questions; one expert is always sure and wrong half of the time."""
    rng = np.random.default_rng(2)
    outcomes = {f"q{i:02}": i % 2 for i in range(12)}
    rows = [_row("good", name, 0.8 if outcome else 0.2) for name, outcome in outcomes.items()] + [
        _row("wild", name, float(rng.choice([0.03, 0.97]))) for name in outcomes
    ]
    rows += [_row("good", "open", 0.2), _row("wild", "open", 0.97)]
    return _table(*rows, outcomes=outcomes)


@pytest.fixture(scope="module")
def recorded() -> Pool:
    """The pool of the table with records."""
    return pool(_with_records(), 1, _silent)


def test_record_teaches_noise(recorded: Pool) -> None:
    """An expert whose certainty came to nothing is read as noisier than one who was always on the right side."""
    noise = {expert.name: expert.omega.mean for expert in recorded.experts}
    assert (True, {"good", "wild"}) == (noise["wild"] > noise["good"] + 0.3, set(noise))


def test_leaving_out_is_a_fit_without_the_outcome() -> None:
    """The weighed draws agree with draws sampled without the question's outcome; its forecasts stay."""
    named = as_panel(_with_records())
    left = leave_out(named, fit(named.panel, 1, _silent), 1, _silent, refit=False).by_question
    row = named.questions.index("q01")
    again = 1.0 / (1.0 + np.exp(-fit(named.panel.without_outcome(row), 2, _silent).log_odds[row]))
    assert float(again.mean()) == pytest.approx(left["q01"].p_event, abs=0.03)
    assert float(np.quantile(again, 0.95)) == pytest.approx(left["q01"].high, abs=0.08)
    assert "open" not in left


def test_an_unreliable_weight_is_sampled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where k is above the limit the question is refitted and says so; without refits it stays as weighed."""
    monkeypatch.setattr("forecast.scoring.pool.MAX_PARETO_K", -10.0)
    named = as_panel(_table(_row("a", "q", 0.7), _row("b", "q", 0.6), _row("a", "r", 0.7), outcomes={"q": 0}))
    fitted = fit(named.panel, 1, _silent)
    refits = [leave_out(named, fitted, 1, _silent, refit=refit).by_question["q"].refitted for refit in (True, False)]
    assert [True, False] == refits


def _short(monkeypatch: pytest.MonkeyPatch, sampled_per_chain: int, longest: int) -> None:
    effort = replace(EFFORT, sampled_per_chain=sampled_per_chain, tune=100)
    monkeypatch.setattr("forecast.scoring.pool.EFFORT", effort)
    monkeypatch.setattr("forecast.sampling.draws.LONGEST", longest)


def test_chains_that_do_not_agree_are_drawn_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few draws are drawn anew until they are enough, which is told; as many are kept, and the pool is reliable."""
    _short(monkeypatch, 90, longest=16)
    told: list[str] = []
    found = pool(_table(_row("a", "q", 0.3), _row("b", "q", 0.4)), 1, told.append)
    assert () == found.distrust
    assert 4 * 90 < found.diagnostics["sampled"]
    assert any("the chains do not agree yet (" in one and "drawing 2 times as long" in one for one in told)
    again = pool(_table(_row("a", "q", 0.3), _row("b", "q", 0.4)), 1, _silent)
    assert (found.questions, found.diagnostics) == (again.questions, again.diagnostics)


def test_a_pool_that_is_not_reliable_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the longest chains are too short each reason stands there, as everywhere with its value and limit."""
    _short(monkeypatch, 20, longest=2)
    outcomes = {f"q{i}": int(i > 2) for i in range(10)}
    found = pool(_table(*(_row("a", f"q{i}", 0.7) for i in range(10)), outcomes=outcomes), 1, _silent)
    assert 4 * 40 == found.diagnostics["sampled"]
    assert distrust(found.diagnostics) == found.distrust[: len(distrust(found.diagnostics))]
    assert any(reason.startswith("tail ESS is ") and reason.endswith(", below 400") for reason in found.distrust)
    told = as_json(found, scores(found))["diagnostics"]
    assert (False, list(found.distrust)) == (told["reliable"], told["reasons"])


def test_what_is_scored_by_unreliable_weights_is_counted(recorded: Pool) -> None:
    """Questions whose weights, or whose refits, are not reliable are reasons of their own."""
    left = {
        name: LeftOut(0.5, 0.4, 0.6, 0.9, refitted, reliable)
        for name, refitted, reliable in (("a", False, False), ("b", True, False), ("c", True, True), ("d", True, False))
    }
    found = replace(recorded, left_out=replace(recorded.left_out, by_question=left))
    of = "of 4 questions, scored without their own outcome,"
    expected = (f"1 {of} has weights with a Pareto k above 0.7", f"2 {of} were sampled again, and not reliably")
    assert (*distrust(recorded.diagnostics), *expected) == found.distrust


def test_without_an_outcome_there_is_no_score() -> None:
    """A table without outcomes has no scores and leaves nothing out."""
    found = pool(_table(_row("a", "q", 0.3)), 1, _silent)
    assert ((), (), {}) == (scores(found).pools, scores(found).experts, found.left_out.by_question)


def test_scores_are_of_what_was_said(recorded: Pool) -> None:
    """An expert's scores are those of the resolved questions that the expert answered, n among them."""
    found = {scored.name: scored for scored in scores(recorded).experts}
    assert [12, 0.04] == pytest.approx([found["good"].n, found["good"].means["brier"]])
    against = found["good"].against_pool
    assert against is not None
    pooled = scores(recorded).pools[0]
    assert found["good"].means["log"] - pooled.means["log"] == pytest.approx(against["log"].mean)


def test_what_is_scored_did_not_know_the_outcome(recorded: Pool) -> None:
    """The hierarchical pool is scored with the probabilities that left each outcome out."""
    left = [(q.left_out.p_event, q.outcome) for q in recorded.questions if q.left_out and q.outcome is not None]
    expected = np.mean([(p - outcome) ** 2 for p, outcome in left])
    assert expected == pytest.approx(scores(recorded).pools[0].means["brier"])


def test_a_panel_with_known_overlap_is_pooled_as_well_as_by_the_best_plain_rule() -> None:
    """Of eight people who read the same news, each question pooled without its outcome scores within .005 of the best.

    The score is the expected one, given all facts of the simulated world: no luck of outcomes is in it.
    """
    brier, pooled = scored(KINDS[2], 0, with_outcomes=True)
    assert 50 == sum(question.left_out is not None for question in pooled.questions)
    assert brier[HIERARCHICAL] <= min(brier[name] for name in PLAIN_POOLS) + 0.005


def test_equal_numbers_are_pooled_at_that_number() -> None:
    """Forty experts who all say .9 of each question are sampled without divergences, and the pool lies at or above."""
    rows = [_row(f"e{e:02}", f"q{q}", 0.9) for e in range(40) for q in range(3)]
    found = fit(as_panel(_table(*rows)).panel, 1, _silent)
    assert 0.0 < found.least_scatter
    p_event = 1.0 / (1.0 + np.exp(-found.log_odds))
    assert (p_event.mean(axis=1) > 0.85).all()
    assert np.isfinite(found.omega).all()
    assert found.omega.mean() < 1.0
