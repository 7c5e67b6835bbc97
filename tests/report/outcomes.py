"""A small forecast without sampling: draws straight from the coordinates' prior, with every kind of statement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from forecast.analysis.why import Start
from forecast.ledger.entries import Line
from forecast.ledger.outcome import ForecastRecord, Outcome, UpdateTable, forecast_table, outcome, prior_outcome
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.posterior import Posterior, evaluate, query
from forecast.posterior.sources import draw_reliabilities
from forecast.posterior.weights import weigh_draws
from forecast.publish import ReportRequest
from forecast.report.section import recorded_in
from forecast.sampling.draws import Draws
from forecast.sampling.settings import CHAINS
from forecast.sampling.spec import PriorSpec, prior_spec, theta_draws
from forecast.workspace.problems import Problem
from forecast.workspace.records import (
    Claim,
    Count,
    Distribution,
    Likelihood,
    MoreLikelyThan,
    Settled,
    Support,
    Times,
    Word,
    Workspace,
)
from tests.ledgers import shares, update
from tests.worlds import HERE, event, item, network, rule, statement, target, workspace

AS_OF = date(2025, 9, 1)
SEED, DRAWS = 3, 100 * CHAINS


def world(**more: Any) -> Workspace:
    """Three kinds of event, two scenarios, every kind of statement and of evidence."""
    net = network(
        event("will", "constant"),
        event("truce", states=("none", "limited", "general"), parents=["will"]),
        event("aid", "status", ("on", "cut"), parents=["truce"]),
        event("alone", states=("no", "yes")),
    )
    told = [
        statement("s-chance", target("will", "yes"), 0.3),
        statement("s-word", target("truce", "general"), Word("likely", "icd203"), expert="bob", coded_by="ed"),
        statement(
            "s-times",
            target("aid", "cut", given={"truce": "none"}),
            Times(target("aid", "cut", given={"truce": "general"}), 2.0, 0.5, 8.0, 0.9, of_odds=False),
        ),
        statement("s-count", target("alone", "yes"), Count(2, 7, "window", None)),
        statement("s-order", target("will", "yes"), MoreLikelyThan(target("alone", "yes"))),
        statement(
            "s-shares", target("truce", "none", "limited", "general"),
            Distribution({"none": 0.2, "limited": 0.5, "general": 0.3}, 0.6),
        ),
    ]  # fmt: skip
    items = [
        item("i-settled", date(2025, 5, 1), Settled("truce", "limited", HERE)),
        item("i-said", date(2025, 8, 1), Likelihood("truce", {"none": 1, "limited": 1, "general": 3}, None, HERE)),
        item("i-again", date(2025, 8, 2), Support("truce", "slight", ("general",), None, HERE), group="g"),
        item("i-copy", date(2025, 8, 3), Support("truce", "slight", ("general",), None, HERE), group="g"),
        item("i-claim", date(2025, 8, 4), Claim("aid", "cut", HERE)),
        item("i-gone", date(2025, 8, 5), Support("alone", "strong", ("yes",), None, HERE), retracted=date(2025, 8, 9)),
        item("i-old", date(2025, 3, 1), Support("alone", "slight", ("no",), date(2025, 4, 1), HERE)),
        item("i-later", date(2025, 12, 1), Settled("alone", "yes", HERE)),
    ]
    rules = [rule("peace", truce="general"), rule("drift", aid="cut")]
    return replace(workspace(net, statements=told, items=items, scenarios=rules), **more)


def concluded(known: Workspace, folder: Path, n_draws: int = DRAWS) -> tuple[Outcome, Outcome, ForecastRecord]:
    """Return the forecast, its prior and forecast.json; `folder` gets the fit."""
    layout = lay_out(known.network)
    spec = prior_spec(layout, known, AS_OF)
    draws = _draws(spec, folder, n_draws)
    asked = query(compile_workspace(layout, known, AS_OF), known.scenarios)
    drawn = draw_reliabilities(asked.network, known.sources, draws.theta, SEED)
    evaluation = evaluate(asked, draws.theta, drawn)
    weights = weigh_draws(evaluation.log_evidence + drawn.log_correction, evaluation.scenarios)
    found = Posterior(
        asked=asked,
        spec=spec,
        base=draws,
        draws=draws,
        anchor=None,
        log_anchor=np.zeros(n_draws),
        reliabilities=drawn,
        evaluation=evaluation,
        weights=weights,
    )
    result = outcome(known, layout, AS_OF, SEED, found)
    earlier = replace(update("2025-06-01"), scenarios=shares(**dict.fromkeys(result.scenario_ids, 0.25)))
    return result, prior_outcome(result), forecast_table(result, earlier, "0.1.0")


def ledger_line(result: Outcome, as_of: date = AS_OF, number: int = 2, note: str | None = "a <b>note</b>") -> Line:
    """A ledger line with a note."""
    told = {"seed": SEED, "version": "0.1.0", "versions": {"numpy": np.__version__}, "known_until": AS_OF.isoformat()}
    line = update(as_of.isoformat(), number=number, note=note, **told)
    return replace(line, scenarios=shares(**{name: one.probability for name, one in result.scenarios.items()}))


def asked(known: Workspace, root: Path, n_draws: int = DRAWS) -> ReportRequest:
    """What the report of that forecast is about, compared with an earlier update; `root` gets the fit and the cache."""
    found, prior, table = concluded(known, root, n_draws)
    parts = np.full(len(found.scenario_ids), 1.0 / len(found.scenario_ids))
    start = Start("the update of 2025-06-01", parts, date(2025, 6, 1), date(2025, 6, 1), ("i-said", "i-claim"), ())
    earlier = ledger_line(found, date(2025, 6, 1), 1, None)
    doubt = Problem(HERE, "somebody <b>doubts</b>", "this", "that", "warning")
    ledger = (earlier, ledger_line(found))
    return ReportRequest(
        root,
        found,
        prior,
        UpdateTable(table=table, edited=(), moved=()),
        ledger,
        start,
        (doubt,),
        recorded_in(ledger[-1], ledger),
    )


def _draws(spec: PriorSpec, folder: Path, n_draws: int) -> Draws:
    rng = np.random.default_rng(SEED)
    coordinates = rng.standard_normal((spec.rows.n_coordinates, n_draws))
    rows = spec.rows

    def chained(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return values.T.reshape(CHAINS, -1, values.shape[0])

    ends = np.cumsum([len(rows.alpha), len(rows.beta)])
    alpha, beta, epsilon = np.split(coordinates, ends)
    fit = {
        "alpha": chained(alpha),
        "beta": chained(beta),
        "epsilon": chained(epsilon),
        "omega": np.abs(chained(rng.standard_normal((len(spec.experts), n_draws)))) / 2,
        "deviation": chained(rng.standard_normal((len(spec.deviation_labels), n_draws))),
        "quantity": -np.abs(chained(rng.standard_normal((spec.quantities.n_rows, n_draws)))),
    }
    stats = {"diverging": np.zeros((CHAINS, n_draws // CHAINS), dtype=bool)}
    diagnostics = {"r_hat_max": 1.0, "ess_bulk_min": 400.0, "ess_tail_min": 400.0, "divergences": 0.0}
    diagnostics["sampled"] = 5000.0
    return Draws(
        theta=theta_draws(rows, coordinates),
        digest="d" * 64,
        diagnostics=diagnostics,
        store=folder,
        fit=lambda: (fit, stats),
    )
