"""A small world of four events and seven items, and its forecast on draws without a sampler."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from forecast.ledger.outcome import Outcome, outcome
from forecast.model.asof import compile_workspace
from forecast.model.layout import lay_out
from forecast.posterior.posterior import Posterior, evaluate, query
from forecast.posterior.sources import draw_reliabilities
from forecast.posterior.weights import weigh_draws
from forecast.sampling.draws import Draws
from forecast.sampling.spec import PriorSpec
from forecast.workspace.records import Claim, Likelihood, Settled, Support, Workspace
from tests.worlds import HERE, OPENS, event, item, network, rule, workspace

Array = NDArray[np.float64]
AS_OF = OPENS + timedelta(days=300)
DRAWS = 4000


def day(days: int) -> Any:
    """Return a day of the window."""
    return OPENS + timedelta(days=days)


def known_deal() -> Workspace:
    """Return a workspace of seven items on four events."""
    net = network(
        event("willing", "constant"), event("talks", parents=["willing"]),
        event("deal", states=("none", "draft", "signed"), parents=["talks"]), event("aid", "status", ("low", "high")),
    )  # fmt: skip
    items = [
        item("a-rumour", day(20), Claim("talks", "yes", HERE), source="blog", group="rumours"),
        item("b-rumour", day(20), Support("willing", "moderate", ("yes",), None, HERE), group="rumours"),
        item("c-talks", day(60), Settled("talks", "yes", HERE)),
        item("d-wrong", day(90), Likelihood("willing", {"no": 1.0, "yes": 0.2}, None, HERE), retracted=day(120)),
        item("e-aid", day(150), Settled("aid", "high", HERE)),
        item("f-draft", day(200), Support("deal", "strong", ("draft",), None, HERE)),
        item("g-draft", day(230), Support("deal", "moderate", ("signed",), None, HERE), supersedes="f-draft"),
    ]
    return workspace(net, items=items, scenarios=[rule("peace", deal="signed"), rule("paper", deal="draft")])


class Sampled:
    """Draws without a sampler."""

    def __init__(self, theta: Array) -> None:
        self.theta = theta


def drawn_theta(known: Workspace, draws: int = DRAWS, seed: int = 5) -> Array:
    """Draw conditional probabilities that no statement shaped: (theta, draws)."""
    rng, layout = np.random.default_rng(seed), lay_out(known.network)
    theta = np.empty((layout.n_theta, draws))
    for v, one in enumerate(layout.events):
        for row in range(layout.n_rows(v)):
            width, start = layout.width(v), layout.theta_index(v, row, 0)
            eta = rng.normal(0.0, 0.7, (width, draws))
            share = np.exp(eta) / np.exp(eta).sum(axis=0)
            theta[start : start + width] = np.log1p(np.exp(eta)) if one.kind == "reached" else share
    return theta


def outcome_of(known: Workspace, theta: Array, seed: int = 1) -> Outcome:
    """Weigh the draws by the evidence, as an update does."""
    layout, draws = lay_out(known.network), cast("Draws", Sampled(theta))
    asked = query(compile_workspace(layout, known, AS_OF), known.scenarios)
    drawn = draw_reliabilities(asked.network, known.sources, theta, seed)
    found = evaluate(asked, theta, drawn)
    weights = weigh_draws(found.log_evidence + drawn.log_correction, found.scenarios)
    none, spec = np.zeros(theta.shape[1]), cast("PriorSpec", None)
    return outcome(
        known,
        layout,
        AS_OF,
        seed,
        Posterior(
            asked=asked,
            spec=spec,
            base=draws,
            draws=draws,
            anchor=None,
            log_anchor=none,
            reliabilities=drawn,
            evaluation=found,
            weights=weights,
        ),
    )
