"""The report stage: from a forecast to forecast.nc, report.html and report.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.prior.draws import load_fit
from forecast.record.files import replace_file
from forecast.record.outcome import Outcome
from forecast.report.graph import network_drawing
from forecast.report.page import CURVE_EVERY, page_numbers
from forecast.report.render import render
from forecast.reweight.curves import Curves, curve_days, curves
from forecast.reweight.evaluate import Evaluation, mean_joint

if TYPE_CHECKING:
    from xarray import DataTree

Progress = Callable[[str], None]


def write_report(
    outcome: Outcome,
    prior: Outcome,
    folder: Path,
    ledger: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any],
    progress: Progress,
) -> None:
    """Write the three files of the report into a folder, each of them whole or not at all."""
    for name, content in report_files(outcome, prior, ledger, forecast, progress).items():
        replace_file(folder / name, content)


def report_files(
    outcome: Outcome,
    prior: Outcome,
    ledger: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any],
    progress: Progress,
) -> dict[str, bytes]:
    """Draw the report: forecast.nc, report.html and report.json by name.

    Args:
        outcome, prior: the forecast, and the statements alone at the opening.
        ledger: all lines of the ledger, that of this update last.
        forecast: the content of forecast.json.
        progress: told what is being done.
    """
    from forecast.report.tree import as_netcdf

    page, tree = _page_and_tree(outcome, prior, ledger, forecast, progress)
    progress("report: figures")
    drawing = network_drawing(outcome, page["events"], page["scenarios"])
    html = render(page, drawing, _figures(outcome, prior.posterior.evaluation, page))
    text = json.dumps(page, ensure_ascii=False, indent=1, allow_nan=False)
    return {"forecast.nc": as_netcdf(tree), "report.html": html.encode(), "report.json": f"{text}\n".encode()}


def report_tree(
    outcome: Outcome,
    prior: Outcome,
    ledger: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any],
    progress: Progress,
) -> DataTree:
    """Build the DataTree of forecast.nc alone; arguments as of `report_files`."""
    return _page_and_tree(outcome, prior, ledger, forecast, progress)[1]


def _page_and_tree(
    outcome: Outcome,
    prior: Outcome,
    ledger: Sequence[Mapping[str, Any]],
    forecast: Mapping[str, Any],
    progress: Progress,
) -> tuple[dict[str, Any], DataTree]:
    from forecast.report.tree import data_tree

    found = outcome.posterior
    progress("report: curves by date")
    by_date = _curves(outcome)
    joint = mean_joint(found.asked, found.draws.theta, found.weights.weights, found.reliabilities)
    progress("report: numbers")
    fit = load_fit(found.draws.folder)
    told = fit if found.draws.digest == found.base.digest else load_fit(found.base.folder)
    page = page_numbers(outcome, prior, ledger, forecast, by_date, told[0])
    return page, data_tree(outcome, prior.posterior.evaluation, joint, fit, page)


def _curves(outcome: Outcome) -> Curves:
    found, layout = outcome.posterior, outcome.layout
    days = curve_days(found.asked.network.known.until, layout.horizon)
    return curves(
        layout,
        outcome.workspace,
        outcome.as_of,
        found.draws.theta,
        found.weights.weights,
        days,
        every=CURVE_EVERY,
        drawn=found.reliabilities,
    )


def _figures(outcome: Outcome, opening: Evaluation, page: Mapping[str, Any]) -> dict[str, str]:
    from forecast.report.figures import prior_posterior, ranks

    found = outcome.posterior
    names = {row["id"]: row["name"] for row in page["scenarios"]}
    likeliest = [event["likeliest"] for event in page["events"]]
    states = [event["states"][k]["state"] for event, k in zip(page["events"], likeliest, strict=True)]
    rows = [f"{event['label']}: {state}" for event, state in zip(page["events"], states, strict=True)]

    def values(evaluation: Evaluation) -> Any:
        events = [evaluation.events[v][k] for v, k in enumerate(likeliest)]
        return np.concatenate([evaluation.scenarios, np.stack(events)])

    shares = {names[name]: found.evaluation.scenarios[i] for i, name in enumerate(outcome.scenario_ids)}
    varying = {name: values for name, values in shares.items() if values.std() > 0.0}
    weights = found.weights.weights
    return {
        "prior_posterior": prior_posterior(
            [*(names[name] for name in outcome.scenario_ids), *rows], values(opening), values(found.evaluation), weights
        ),
        "ranks": ranks(varying) if varying else "",
    }
