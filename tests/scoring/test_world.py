"""A table as a workspace: what each row becomes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from forecast.model.layout import lay_out
from forecast.sampling.spec import LEAST_RECORD, prior_spec
from forecast.scoring.pool import prepare
from forecast.scoring.world import ExpertForecast, ForecastTable, as_workspace
from forecast.workspace.problems import Source
from forecast.workspace.records import Probability, Resolution

TODAY = date(2026, 11, 23)
HERE = Source("t.csv", 2)


def _row(expert: str, question: str, group: str | None = None) -> ExpertForecast:
    return ExpertForecast(
        expert=expert,
        question=question,
        best=0.3,
        low=0.2,
        high=0.5,
        level=0.8,
        day=date(2026, 1, 2),
        group=group,
        weight=2.0,
        source=HERE,
    )


def _table(rows: tuple[ExpertForecast, ...], outcomes: Mapping[str, int | None]) -> ForecastTable:
    return ForecastTable(path="t.csv", forecasts=rows, questions=outcomes, warnings=())


def test_a_row_is_a_statement() -> None:
    """Row, question and expert become a statement, a constant of two states without parents, and an expert."""
    workspace = as_workspace(_table((_row("ann", "rain?", "met"),), {"rain?": 1}), TODAY)
    (said,), event, ann = workspace.statements, workspace.network.events["rain?"], workspace.experts["ann"]
    assert ("constant", ("no", "yes"), ()) == (event.kind, event.states, event.parents)
    assert (Probability(0.3, 0.2, 0.5, 0.8, None), HERE, date(2026, 1, 2)) == (said.reading, said.source, said.date)
    assert (Resolution("yes", TODAY, None), None) == (said.resolved, said.coded_by)
    assert ("group met", 2.0) == (ann.group, ann.weight)


def test_a_group_called_like_an_expert_is_another_group() -> None:
    """An expert without a group shares nothing with a group that bears the expert's name."""
    rows = (_row("ann", "q"), _row("bob", "q", "ann"))
    experts = as_workspace(_table(rows, {"q": None}), TODAY).experts
    assert 2 == len({expert.group for expert in experts.values()})


def test_everything_is_read_in_one_network() -> None:
    """All statements are read at the opening, whenever they were made: one compiled network for all."""
    rows = tuple(_row(expert, question) for expert in "ab" for question in "xyz")
    workspace = as_workspace(_table(rows, dict.fromkeys("xyz")), TODAY)
    assert 1 == len(prior_spec(lay_out(workspace.network), workspace, TODAY).networks)


def test_record_terms_know_their_question() -> None:
    """Every term of a track record is that of the question which `record_of` names, expert by expert."""
    names = [f"q{i:02}" for i in range(LEAST_RECORD + 1)]
    outcomes = {name: i % 2 for i, name in enumerate(names)}
    rows = tuple(_row(expert, name) for name in names for expert in ("bob", "ann") if (expert, name) != ("ann", "q03"))
    prepared = prepare(_table(rows, outcomes), TODAY)
    assert (("ann", "bob"), tuple(names)) == (prepared.spec.rated, prepared.questions)
    expected = [outcomes[prepared.questions[row]] for row in prepared.record_of]
    assert expected == prepared.spec.record.happened.tolist()
    assert [*(i for i in range(len(names)) if i != 3), *range(len(names))] == prepared.record_of.tolist()
