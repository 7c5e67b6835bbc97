"""The report stage: from a forecast and what is asked about it to forecast.nc, report.html, report.json, report.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.record.outcome import Outcome
from forecast.report.brief import brief
from forecast.report.evidence import evidence_list
from forecast.report.graph import network_drawing
from forecast.report.judgement import question
from forecast.report.material import Material
from forecast.report.opinions import statements
from forecast.report.page import CURVE_EVERY, page_numbers, reproduce
from forecast.report.recorded import Recorded
from forecast.report.render import Elsewhere, render
from forecast.report.untrusted import all_readable
from forecast.reweight.curves import Curves, curve_days, curves
from forecast.reweight.evaluate import mean_joint

if TYPE_CHECKING:
    from xarray import DataTree

Array = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Fits:
    """Stage 1's kept fits of an outcome, each (posterior, sampler's statistics): of the draws in use, of the base."""

    of: Outcome

    @cached_property
    def used(self) -> tuple[dict[str, Array], dict[str, Array]]:
        return self.of.posterior.draws.fit()

    @cached_property
    def base(self) -> tuple[dict[str, Array], dict[str, Array]]:
        posterior = self.of.posterior
        return self.used if posterior.draws.digest == posterior.base.digest else posterior.base.fit()


def report_files(material: Material, progress: Progress, elsewhere: Elsewhere = ()) -> dict[str, bytes]:
    """Draw the report: forecast.nc, report.html, report.json and report.md by name.

    Args:
        material: what it is drawn from.
        progress: told what is being done.
        elsewhere: pages beside it to which it links: (text, address) each.
    """
    from forecast.report.tree import as_netcdf

    fits = _Fits(material.outcome)
    progress("report: curves by date")
    by_date = _curves(material.outcome)
    progress("report: numbers")
    page = page_numbers(material, by_date, fits.base[0])
    progress("report: figures")
    drawing = network_drawing(material.outcome, page["events"], page["scenarios"])
    html = render(page, drawing, _figures(material, page), elsewhere)
    progress("report: DataTree")
    tree = _tree(material.outcome, material.prior, page, fits)
    return {
        "forecast.nc": as_netcdf(tree),
        "report.html": html.encode(),
        "report.json": _as_json(page),
        "report.md": brief(page).encode(),
    }


def report_brief(material: Material, progress: Progress) -> str:
    """Write the one page of Markdown alone; no figure is drawn."""
    progress("report: curves by date")
    by_date = _curves(material.outcome)
    progress("report: numbers")
    return brief(page_numbers(material, by_date, _Fits(material.outcome).base[0]))


def report_tree(outcome: Outcome, prior: Outcome, recorded: Recorded) -> DataTree:
    """Build the DataTree of forecast.nc alone."""
    fits = _Fits(outcome)
    tables = {
        "question": question(outcome),
        "statements": statements(outcome, fits.base[0]),
        "evidence": evidence_list(outcome),
        "reproduce": reproduce(outcome, recorded),
    }
    return _tree(outcome, prior, all_readable(tables), fits)


def _tree(outcome: Outcome, prior: Outcome, tables: Mapping[str, Any], fits: _Fits) -> DataTree:
    from forecast.report.tree import data_tree

    found = outcome.posterior
    joint = mean_joint(found.asked, found.draws.theta, found.weights.weights, found.reliabilities)
    return data_tree(outcome, prior.posterior.evaluation, joint, fits.used, tables)


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


def _figures(material: Material, page: Mapping[str, Any]) -> dict[str, str]:
    """Return ArviZ's figures: those of the draws, and of the ranks of a calibration run."""
    from forecast.report.method_figures import rank_histograms

    ranked = page["calibration"]["quantities"]
    return {**material.answers.figures, "pit": rank_histograms(ranked, material.outcome.seed) if ranked else ""}


def _as_json(page: Mapping[str, Any]) -> bytes:
    """Encode the page's numbers, indented but for the many of the what-ifs, which stand on one line."""
    rest = {key: page[key] for key in page if key != "what_if"}
    head = json.dumps(rest, ensure_ascii=False, indent=1, allow_nan=False)
    worlds = json.dumps(page["what_if"], ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'{head.removesuffix("}").rstrip()},\n "what_if": {worlds}\n}}\n'.encode()
