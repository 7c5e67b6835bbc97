"""Why a number is not what was stated: each point of the way against importance sampling written out by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from forecast.analysis.distance import Distance, Distances, DistanceStep
from forecast.analysis.remedies import remedy, steps_shown
from forecast.analysis.statements import Unit
from forecast.digits import number
from forecast.model.layout import lay_out
from forecast.posterior.weights import smooth
from forecast.sampling.draws import Draws
from forecast.sampling.likelihood import log_likelihood, quantities
from forecast.sampling.spec import SD_EXPERT, PriorSpec, prior_spec, theta_draws
from forecast.workspace.records import Cpt, Statement, Workspace
from tests.worlds import HORIZON, event, network, statement, target, workspace

Array = NDArray[np.float64]
N = 400_000
DRAWS = 8000


def _world(*statements: Statement, kind: str = "shared") -> Workspace:
    """A constant event, another with it as its cause, and what was said."""
    net = network(
        event("cause", "constant"), event("effect", "constant", parents=["cause"], cpt=Cpt(kind, None)),
    )  # fmt: skip
    return workspace(net, statements=statements)


def _sampled(known: Workspace) -> Draws:
    """Draws of all statements, resampled from the flat prior in place of the sampler."""
    spec, rng = prior_spec(lay_out(known.network), known, HORIZON), np.random.default_rng(8)
    theta = theta_draws(spec.rows, rng.standard_normal((spec.rows.n_coordinates, 20 * DRAWS)))
    quantity = quantities(spec, theta, range(spec.quantities.n_rows)).T
    deviation = rng.standard_normal((len(theta.T), len(spec.deviation_labels)))
    fit = {"quantity": quantity[np.newaxis], "deviation": deviation[np.newaxis]}
    weights, _ = smooth(log_likelihood(spec, fit, spec.statement_ids))
    taken = np.searchsorted(np.cumsum(weights), (np.arange(DRAWS) + 0.5) / DRAWS)
    taken = rng.permutation(taken)
    omega = SD_EXPERT * np.abs(rng.standard_normal((1, DRAWS, len(spec.experts))))
    kept = {"quantity": quantity[np.newaxis, taken], "deviation": deviation[np.newaxis, taken], "omega": omega}
    return Draws(
        theta=np.ascontiguousarray(theta[:, taken]), digest="d", diagnostics={}, store=Path(), fit=lambda: (kept, {})
    )


def _ways(known: Workspace, said: Workspace | None = None) -> Distances:
    """The ways of a workspace whose draws know the statements of `said` (default: all)."""
    layout, said = lay_out(known.network), said or known
    return Distances(
        workspace=known,
        layout=layout,
        as_of=HORIZON,
        seed=1,
        spec=prior_spec(layout, said, HORIZON),
        base=_sampled(said),
        found=None,
        cache=Path(),
        may_sample=False,
        progress=print,
    )


class _ByHand:
    """The flat prior of the two events by its formulas, and the means that statements leave of it.

    Log-odds: of the cause alpha + epsilon; of the effect alpha + beta + epsilon, as docs/model.md has them, alpha of sd
    2.5 where the event is stated as a whole and 1.5 where not; under `table` sd 3 for each row, which share a level of
    sd 3 if the event is stated as a whole, and beta if it is under a condition. Deviations have sd .4, one for
    all that is said of one event.
    """

    def __init__(self, kind: str) -> None:
        rng = np.random.default_rng(3)
        self.kind = kind
        self.cause, self.level, self.half, *rows = rng.standard_normal((5, N))
        self.rows = np.array(rows)
        self.epsilon = 0.3 * rng.standard_normal(N)
        self.deviation = {name: rng.normal(0.0, 0.4, N) for name in ("cause", "effect")}
        self.omega = np.abs(rng.normal(0.0, 0.25, N))

    def reads(self, what: str, spoken: Collection[str]) -> Array:
        """The log-odds of what is stated, where so much is spoken of."""
        cause = (2.5 if "cause" in spoken else 1.5) * self.cause + self.epsilon
        half = 2.5 * np.sqrt(0.5) * self.half  # beta: 2.5 (1 - 1/2)^(1/2), the opposite in the other state
        if self.kind == "table":
            level = 3.0 * self.level if "effect" in spoken else 0.0
            half, spread = half if {"effect if no", "effect if yes"} & set(spoken) else np.zeros(N), 3.0
        else:
            level, spread = (2.5 if "effect" in spoken else 1.5) * self.level, 0.3
        no, yes = level - half + spread * self.rows[0], level + half + spread * self.rows[1]
        if what == "effect":
            return np.asarray(logit(expit(cause) * expit(yes) + (1.0 - expit(cause)) * expit(no)))
        return np.asarray({"cause": cause, "effect if no": no, "effect if yes": yes}[what])

    def mean(self, what: str, stated: dict[str, tuple[float, float]], spoken: Collection[str] | None = None) -> float:
        """P(what) given statements (probability, sd), averaged over all that nobody knows.

        `spoken`: what the prior is wide for; None: what is stated.
        """
        spoken = stated if spoken is None else spoken
        log_weight = np.zeros(N)
        for other, (p, sd) in stated.items():
            scale = np.sqrt(sd**2 + self.omega**2)
            heard = self.reads(other, spoken) + self.deviation[other.split()[0]]
            log_weight += -np.log(scale) - 2.5 * np.log1p(np.square((logit(p) - heard) / scale) / 4.0)
        weights = np.exp(log_weight - log_weight.max())
        return float(expit(self.reads(what, spoken)) @ weights / weights.sum())


ABOUT = {
    "cause": target("cause", "yes"),
    "effect": target("effect", "yes"),
    "effect if no": target("effect", "yes", given={"cause": "no"}),
    "effect if yes": target("effect", "yes", given={"cause": "yes"}),
}
STATED = {"effect if no": (0.2, 0.8), "effect if yes": (0.8, 0.8), "effect": (0.6, 0.8), "cause": (0.4, 0.4)}


def _said(*names: str) -> list[Statement]:
    return [statement(name.replace(" ", "-"), ABOUT[name], STATED[name][0], sd=STATED[name][1]) for name in names]


def _sharp() -> list[Statement]:
    """Statements so sharp, and so far apart, that hardly a draw of the flat prior fits them."""
    chances = zip(ABOUT.items(), (0.3, 0.9, 0.1, 0.9), strict=True)
    return [statement(name.replace(" ", "-"), about, p, sd=0.03) for (name, about), p in chances]


def _all(way: Distance | None) -> Distance:
    assert way is not None
    assert way.stated + sum(step.change for step in way.steps) == pytest.approx(way.implied, abs=1e-12)
    return way


@pytest.mark.parametrize("kind", ["shared", "table"])
def test_each_point_is_that_of_the_formulas(kind: str) -> None:
    """Alone, with the others of its event (rows free, then of its kind), with all: the means of those statements."""
    known = _world(*_said(*STATED), kind=kind)
    ways, own, free = _ways(known), _ByHand(kind), _ByHand("table")
    same = {name: STATED[name] for name in STATED if name != "cause"}
    for name in same:
        way = _all(ways.of(name.replace(" ", "-")))
        expected = [free.mean(name, {name: STATED[name]}), free.mean(name, same)]
        causes = [("alone",), ("same_event",)]
        if kind != "table":
            expected.append(own.mean(name, same))
            causes.append(("kind",))
        expected.append(own.mean(name, STATED))
        assert [*causes, ("statements",)] == [step.causes for step in way.steps]
        for step, mean in zip(way.steps, expected, strict=True):
            assert mean == pytest.approx(step.implied, abs=0.02)
    way = _all(ways.of("cause"))
    assert [("alone",), ("statements",)] == [step.causes for step in way.steps]
    assert own.mean("cause", {"cause": STATED["cause"]}) == pytest.approx(way.steps[0].implied, abs=0.01)


def test_what_the_draws_do_not_bear_is_told_with_the_next() -> None:
    """Statements that leave hardly a draw of the flat prior give no point of their own; the steps still add up."""
    known = _world(*_sharp())
    ways = replace(_ways(_world(*_said(*STATED))), workspace=known)
    way = _all(ways.of("effect"))
    assert ("kind", "statements") == way.steps[-1].causes[-2:]
    assert "or other statements" in remedy(way, known, HORIZON)
    assert "`forecast experts ann --refit` may tell them apart" in remedy(way, known, HORIZON)


@pytest.mark.parametrize(("r_hat", "is_used"), [(1.0, True), (1.05, False)])
def test_a_fit_of_its_own_counts_if_its_chains_agree(
    monkeypatch: pytest.MonkeyPatch, r_hat: float, is_used: bool
) -> None:
    """What no weights bear is sampled where that is allowed; chains that do not agree tell no point."""
    diagnostics = {"r_hat_max": r_hat, "ess_bulk_min": 1e3, "ess_tail_min": 1e3, "divergences": 0.0}
    asked: list[tuple[str, ...]] = []

    def sampled(spec: PriorSpec, _seed: int, _cache: Path, progress: Callable[[str], None]) -> Draws:
        asked.append(spec.statement_ids)
        progress("sampling")
        one = np.zeros((1, 400, spec.quantities.n_rows))
        fit = {"quantity": one}
        return Draws(theta=np.zeros((1, 400)), digest="d", diagnostics=diagnostics, store=Path(), fit=lambda: (fit, {}))

    monkeypatch.setattr("forecast.analysis.distance.prior_draws", sampled)
    known, doing = _world(*_sharp()), list[str]()
    ways = replace(_ways(_world(*_said(*STATED))), workspace=known, may_sample=True, progress=doing.append)
    way = _all(ways.of("effect"))
    assert "the 3 statements of 'effect': sampling" in doing  # what they are is told once, and not line by line
    assert ("effect", "effect-if-no", "effect-if-yes") in asked
    points = {cause: step for step in way.steps for cause in step.causes}
    assert is_used == points["kind"].sampled
    assert is_used == (points["kind"] is not points["statements"])


def test_leaving_out_one_statement() -> None:
    """What would be implied without one of the others is the mean of the rest; a sharp one cannot be left out so."""
    kept = {"effect": (0.6, 0.8), "cause": (0.3, 1.5), "effect if yes": (0.8, 1.5)}
    told = [statement(name.replace(" ", "-"), ABOUT[name], p, sd=sd) for name, (p, sd) in kept.items()]
    way, by_hand = _all(_ways(_world(*told)).of("effect")), _ByHand("shared")
    found = {one.statement: one.implied for one in way.without}
    for name in ("cause", "effect if yes"):
        rest = {other: said for other, said in kept.items() if other != name}
        # What was said still decides how wide the prior is.
        assert by_hand.mean("effect", rest, kept) == pytest.approx(found[name.replace(" ", "-")], abs=0.02)


def test_a_statement_that_the_draws_do_not_know() -> None:
    """Before it is written its way ends where a fit with it would: the draws of the others are weighed by it."""
    others = _said("cause", "effect if no")
    known = _world(*others, *_said("effect if yes"))
    way = _all(_ways(known, replace(known, statements=tuple(others))).of("effect-if-yes"))
    kept = {name: STATED[name] for name in ("cause", "effect if no", "effect if yes")}
    assert _ByHand("shared").mean("effect if yes", kept) == pytest.approx(way.implied, abs=0.02)


def test_the_remedy_is_that_of_the_main_step() -> None:
    """What takes a number farthest from what was said is named, with what can be done about it."""
    rows = [statement(name, ABOUT[f"effect if {name}"], p, sd=0.2) for name, p in (("no", 0.8), ("yes", 0.2))]
    known = _world(*rows, kind="noisy_or")
    told = remedy(_all(_ways(known).of("yes")), known, HORIZON)
    assert "mostly CPT kind" in told
    assert "under `noisy_or` causes add up and none can hinder; use `table`, or `requires`" in told
    wide = _world(statement("wide", ABOUT["effect"], 0.9, sd=1.5))
    told = remedy(_all(_ways(wide).of("wide")), wide, HORIZON)
    assert "room for the default priors, also of 'cause', whose probability nobody stated" in told
    against = [statement(f"low-{n}", ABOUT["cause"], 0.2, sd=0.2, expert=f"e{n}") for n in range(3)]
    disputed = _world(statement("high", ABOUT["cause"], 0.8, sd=0.3), *against)
    of_anybody = replace(disputed.experts["ann"], group="others")
    experts = {f"e{n}": replace(of_anybody, id=f"e{n}", group=f"g{n}") for n in range(3)}
    disputed = replace(disputed, experts={**disputed.experts, **experts})
    told = remedy(_all(_ways(disputed).of("high")), disputed, HORIZON)
    assert "3 other statements of 'cause' say yes 20 % (low-0), yes 20 % (low-1), yes 20 % (low-2)" in told
    near = _world(statement("near", ABOUT["cause"], 0.5))
    assert "" == remedy(_all(_ways(near).of("near")), near, HORIZON)


def test_near_the_ends_it_is_told_in_log_odds() -> None:
    """A stated or implied probability below .05 or above .95 is told in log-odds, a distribution by its worst state."""
    rare = _world(statement("rare", ABOUT["cause"], 0.02))
    way = _all(_ways(rare).of("rare"))
    assert "log-odds" == way.unit
    assert logit(0.02) == pytest.approx(way.stated)
    usual = _all(_ways(_world(statement("usual", ABOUT["cause"], 0.4))).of("usual"))
    assert "probability" == usual.unit
    assert pytest.approx(usual.stated) == 0.4


def test_steps_add_up_as_they_are_printed() -> None:
    """Whatever the numbers, the printed steps are those between the printed ends; within its error one is marked."""
    rng = np.random.default_rng(3)
    units: tuple[tuple[Unit, float], ...] = ("probability", 1.0), ("log-odds", 4.0)
    for unit, scale in units:
        for _ in range(50):
            points = (scale * (0.05 + 0.9 * rng.random(5))).tolist()
            steps = tuple(
                DistanceStep(
                    causes=("alone",), change=b - a, mcse=0.03, implied=b, pareto_k=None, ess=100.0, sampled=False
                )
                for a, b in pairwise(points)
            )
            way = Distance(
                statement="s", event=None, kind=None, state=None, unit=unit, stated=points[0], sd=1.0,
                implied=points[-1], steps=steps, others=(), without=(),
            )  # fmt: skip
            texts = steps_shown(way)
            ends = [Decimal(number(p, None)) if scale == 1.0 else Decimal(f"{p:.2f}") for p in (points[0], points[-1])]
            assert ends[1] - ends[0] == sum(Decimal(text.lstrip("~")) for text in texts)
            assert all(abs(step.change) < 0.03 for step, text in zip(steps, texts, strict=True) if "~" in text)
