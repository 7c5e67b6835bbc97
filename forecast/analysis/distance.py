"""Why a number is not what was stated: the way from a statement to what is implied for it, step by step.

    stated -> this statement alone -> with the others of its event -> the same under the event's own CPT kind
           -> with all statements -> with the evidence

Each point is the mean of what is implied for the statement, so the steps add up. The first points are the flat prior
(standard normal coordinates) weighed by a few statements; where the weights do not bear that, the draws of all
statements with the others divided out; where these do not either, they are sampled, or the steps on both sides of the
point are told as one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from math import hypot, isfinite
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.chronology import LEAST_SIZE
from forecast.analysis.statements import DistanceScale, Unit, scale_of
from forecast.digests import digest_of
from forecast.model.layout import Layout, lay_out
from forecast.posterior.posterior import Posterior
from forecast.posterior.weights import MAX_PARETO_K, effective_size, smooth
from forecast.sampling.draws import Draws, distrust, prior_draws
from forecast.sampling.likelihood import (
    RATED,
    log_likelihood,
    log_likelihood_given_noise,
    quantities,
    statement_columns,
)
from forecast.sampling.readings import numbers
from forecast.sampling.spec import (
    SD_EXPERT,
    PriorSpec,
    active_statements,
    prior_kappa,
    prior_spec,
    theta_draws,
)
from forecast.workspace.records import Cpt, Statement, Workspace
from forecast.workspace.statement_forms.form import CountedCases, Ordered

Array = NDArray[np.float64]
Cause = Literal["alone", "same_event", "kind", "statements", "evidence"]
Progress = Callable[[str], None]

FEW, MANY = 4000, 32_000  # draws of the flat prior; many where few do not bear the weights
FREE = Cpt("table", None)
MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class DistanceStep:
    """A step from one point to the next, and its causes: more than one where the points between are not known.

    `change` and its Monte Carlo error `mcse` are in the unit of the distance, `implied` is the point after the step,
    `pareto_k` and `ess` are of the draws of that point; `sampled`: it has draws of its own.
    """

    causes: tuple[Cause, ...]
    change: float
    mcse: float
    implied: float
    pareto_k: float | None
    ess: float
    sampled: bool


@dataclass(frozen=True, kw_only=True)
class ImpliedWithout:
    """What would be implied without one other statement, all else as it is (importance sampling leave-one-out)."""

    statement: str
    implied: float
    mcse: float
    pareto_k: float | None


@dataclass(frozen=True, kw_only=True)
class Distance:
    """The way from a stated number to what is implied for it.

    `stated` plus the changes of `steps` is `implied`, all in `unit` (of a distribution about the state in `state`).
    `others` are the other statements of the event; `without`: those statements without which most would change;
    `remedy`: what can be done about the distance, in words ("" where it is small; forecast.analysis.remedies).
    """

    statement: str
    event: str | None
    kind: str | None
    state: str | None
    unit: Unit
    stated: float
    sd: float
    implied: float
    steps: tuple[DistanceStep, ...]
    others: tuple[str, ...]
    without: tuple[ImpliedWithout, ...]
    remedy: str = ""


class _Point(NamedTuple):
    """What is implied in each draw, the draws' weights, and how well they bear it."""

    causes: tuple[Cause, ...]
    quantity: Array  # (rows of the statement, draws)
    weights: Array
    pareto_k: float = -np.inf
    sampled: bool = False

    @property
    def is_borne(self) -> bool:
        return _is_borne(self.pareto_k, self.weights)


class _Weighed(NamedTuple):
    """The flat prior weighed by some statements: the quantities of each of them, and the weights of the draws."""

    spec: PriorSpec
    quantity: Array
    weights: Array
    pareto_k: float
    sampled: bool = False

    @property
    def is_borne(self) -> bool:
        return _is_borne(self.pareto_k, self.weights)


def _is_borne(pareto_k: float, weights: Array) -> bool:
    """Say whether weights bear a mean whose Monte Carlo error can be told."""
    return pareto_k <= MAX_PARETO_K and effective_size(weights) >= LEAST_SIZE


@dataclass(frozen=True, kw_only=True)
class Distances:
    """The ways from statements to what is implied for them, of one workspace as of a date.

    Args:
        workspace, layout, as_of, seed: what is known, and the seed of the draws.
        spec, base: the statements, and the draws of them alone.
        cache: where small fits are kept.
        found: the forecast, for the step of the evidence; None leaves it out.
        may_sample: whether what the flat prior does not bear may be sampled.
        progress: is told what is done.
    """

    workspace: Workspace
    layout: Layout
    as_of: date
    seed: int
    spec: PriorSpec
    base: Draws
    cache: Path
    found: Posterior | None = None
    may_sample: bool = False
    progress: Progress = lambda _: None
    _weighed: dict[tuple[tuple[str, ...], str | None], _Weighed] = field(default_factory=dict)

    @cached_property
    def statements(self) -> dict[str, Statement]:
        """The statements known on the date, by id."""
        return {statement.id: statement for statement in active_statements(self.workspace, self.as_of)}

    def of(self, name: str) -> Distance | None:
        """Return the way of one statement; None for a mere order, which states no number."""
        said = self.statements[name]
        read = numbers(said, self.workspace.experts, self.workspace.network)
        if isinstance(read, Ordered):
            return None
        points = [point for point in self._points(said) if point is not None]
        scale = scale_of(said, read, points[-1].quantity, points[-1].weights)
        event = self._event(said)
        means = [scale.mean(point.quantity, point.weights) for point in points]
        steps = []
        earlier = (scale.stated, 0.0)
        for point, (mean, error) in zip(points, means, strict=True):
            steps.append(
                DistanceStep(
                    causes=point.causes,
                    change=mean - earlier[0],
                    mcse=hypot(error, earlier[1]),
                    implied=mean,
                    pareto_k=point.pareto_k if isfinite(point.pareto_k) else None,
                    ess=effective_size(point.weights),
                    sampled=point.sampled,
                )
            )
            earlier = mean, error
        return Distance(
            statement=name,
            event=event,
            kind=None if event is None else self.workspace.network.events[event].cpt.kind,
            state=scale.state,
            unit=scale.unit,
            stated=scale.stated,
            sd=0.0 if isinstance(read, CountedCases) else read.scale,
            implied=means[-1][0],
            steps=tuple(steps),
            others=tuple(one for one in self._same_event(said) if one != name),
            without=self._without(name, scale),
        )

    def _event(self, said: Statement) -> str | None:
        return None if said.about.condition is None else said.about.condition.event

    def _same_event(self, said: Statement) -> tuple[str, ...]:
        event = self._event(said)
        return tuple(
            name for name, one in self.statements.items() if event is not None and self._event(one) == event
        ) or (said.id,)

    def _points(self, said: Statement) -> Iterator[_Point | None]:
        """Yield the points of the way; causes of a point that is not borne go to the next one."""
        same, event = self._same_event(said), self._event(said)
        is_free = event is not None and self._may_differ(event) and len(same) > 1
        wanted: list[tuple[Cause, tuple[str, ...], str | None]] = [("alone", (said.id,), event if is_free else None)]
        if len(same) > 1:
            wanted.append(("same_event", same, event if is_free else None))
        if is_free:
            wanted.append(("kind", same, None))
        pending: tuple[Cause, ...] = ()
        for cause, names, free in wanted:
            pending = (*pending, cause)
            of = self._weigh(names, free)
            rows = statement_columns(of.spec)[said.id]
            point = _Point(pending, of.quantity[rows], of.weights, of.pareto_k, of.sampled)
            if point.is_borne:
                pending = ()
                yield point
        if said.id not in self.spec.statement_ids:
            spec, fit = self._with(said)
            smoothed = smooth(log_likelihood_given_noise(spec, fit, (said.id,))[said.id])
            rows = statement_columns(spec)[said.id]
            yield _Point((*pending, "statements"), fit["quantity"][0].T[rows], *smoothed)
            return
        rows = statement_columns(self.spec)[said.id]
        yield _Point((*pending, "statements"), _kept(self.base, rows), _even(self.base.theta.shape[1]))
        if self.found is not None:
            weights = self.found.weights
            yield _Point(("evidence",), _kept(self.found.draws, rows), weights.weights, weights.pareto_k)

    def _with(self, said: Statement) -> tuple[PriorSpec, dict[str, Array]]:
        """Return the statements with one that the draws do not know, and the draws in the columns of these.

        Noise that nobody had before is drawn from its prior. Of the quantities only the new statement's are filled in.
        """
        spec, n = prior_spec(self.layout, self.workspace, self.as_of), self.base.theta.shape[1]
        rng = np.random.default_rng(int(digest_of(self.seed, said.id)[:16], 16))
        fit = self.base.fit()[0]
        quantity = np.zeros((1, n, spec.quantities.n_rows))
        rows = statement_columns(spec)[said.id]
        quantity[0, :, rows] = quantities(spec, self.base.theta, rows)

        def columns(name: str, known: Sequence[str], wanted: Sequence[str], fresh: Array) -> Array:
            kept = fit[name].reshape(n, -1) if known else np.zeros((n, 0))
            at = [kept[:, known.index(label)] if label in known else fresh[:, i] for i, label in enumerate(wanted)]
            return np.array(at).T.reshape(1, n, len(wanted))

        labels, experts = spec.deviation_labels, spec.experts
        normal = rng.standard_normal((n, len(labels)))
        omega = SD_EXPERT * np.abs(rng.standard_normal((n, len(experts))))
        found = {
            "quantity": quantity,
            "deviation": columns("deviation", self.spec.deviation_labels, labels, normal),
            "omega": columns("omega", self.spec.experts, experts, omega),
        }
        for name, of_nobody in RATED:
            found[name] = columns(name, self.spec.rated, spec.rated, np.full((n, len(spec.rated)), of_nobody))
        if spec.codings is not None:
            found["kappa"] = fit["kappa"].reshape(1, n, 1) if self.spec.codings else prior_kappa(rng, n)
        return spec, found

    def _may_differ(self, event: str) -> bool:
        v = self.layout.index[event]
        return self.layout.events[v].cpt.kind != FREE.kind and self.layout.n_rows(v) > 1

    def _weigh(self, names: tuple[str, ...], free: str | None) -> _Weighed:
        """Weigh the flat prior by some statements, the rows of one event free (`table`) or as they are."""
        key = names, free
        if key not in self._weighed:
            self._weighed[key] = self._weigh_anew(names, free)
        return self._weighed[key]

    def _weigh_anew(self, names: tuple[str, ...], free: str | None) -> _Weighed:
        events = dict(self.workspace.network.events)
        if free is not None:
            events[free] = replace(events[free], cpt=FREE)
        network = replace(self.workspace.network, events=events)
        layout = lay_out(network)
        # Whatever else an expert's record says belongs to all statements.
        kept = tuple(replace(self.statements[name], resolved=None) for name in names)
        few = replace(self.workspace, statements=kept, questions=(), network=network)
        spec = prior_spec(layout, few, self.as_of)
        found = _weigh_flat(spec, FEW, self.seed)
        if not found.is_borne and free is None and set(names) <= set(self.spec.statement_ids):
            found = self._left_out(names)
        if not found.is_borne:
            found = _weigh_flat(spec, MANY, self.seed)
        if found.is_borne or not self.may_sample:
            return found
        told = f"'{names[0]}' alone"
        if len(names) > 1:
            told = f"the {len(names)} statements of '{self._event(self.statements[names[0]])}'"
        told += ", rows free" if free is not None else ""
        draws = prior_draws(spec, self.seed, self.cache, lambda doing: self.progress(f"{told}: {doing}"))
        if distrust(draws.diagnostics):
            return found  # chains that do not agree tell no mean
        n = draws.theta.shape[1]
        return _Weighed(spec, _kept(draws, range(spec.quantities.n_rows)), _even(n), -np.inf, sampled=True)

    def _left_out(self, names: Collection[str]) -> _Weighed:
        """Weigh the draws of all statements as those of some: what the others say is divided out."""
        n = self.base.theta.shape[1]
        others = [density for name, density in self._densities.items() if name not in names]
        weights, k = smooth(np.zeros(n) - np.sum(others, axis=0))
        return _Weighed(self.spec, _kept(self.base, range(self.spec.quantities.n_rows)), weights, k)

    def _without(self, name: str, scale: DistanceScale) -> tuple[ImpliedWithout, ...]:
        """Return the statements without which most would change, as far as the draws bear to leave them out."""
        if name not in self.spec.statement_ids:
            return ()
        rows = statement_columns(self.spec)[name]
        quantity, whole = _kept(self.base, rows), _even(self.base.theta.shape[1])
        as_it_is, _ = scale.mean(quantity, whole)
        found = []
        for other, log_density in self._densities.items():
            if other == name:
                continue
            weights, k = smooth(-log_density)
            if _is_borne(k, weights):
                mean, error = scale.mean(quantity, weights)
                told = ImpliedWithout(statement=other, implied=mean, mcse=error, pareto_k=k if isfinite(k) else None)
                found.append((-abs(mean - as_it_is), other, told))
        return tuple(told for *_, told in sorted(found, key=lambda one: one[:2])[:MOST_NAMED])

    @cached_property
    def _densities(self) -> Mapping[str, Array]:
        """Log p(statement | draw) of every statement on the draws of all of them."""
        return log_likelihood_given_noise(self.spec, self.base.fit()[0], self.spec.statement_ids)


def _even(n: int) -> Array:
    return np.full(n, 1.0 / n)


def _kept(draws: Draws, rows: Collection[int]) -> Array:
    """Return what some quantities are in each draw of a fit (rows, draws)."""
    kept = draws.fit()[0]["quantity"]
    return np.asarray(kept.reshape(-1, kept.shape[-1])[:, list(rows)].T)


def _weigh_flat(spec: PriorSpec, size: int, seed: int) -> _Weighed:
    """Weigh draws of the flat prior, of coordinates and deviations, by all statements of a spec."""
    rng = np.random.default_rng(int(digest_of(seed, "flat prior")[:16], 16))
    theta = theta_draws(spec.rows, rng.standard_normal((spec.rows.n_coordinates, size)))
    quantity = quantities(spec, theta, range(spec.quantities.n_rows))
    deviation = rng.standard_normal((1, size, len(spec.deviation_labels)))
    fit = {"quantity": quantity.T[np.newaxis], "deviation": deviation}
    if spec.codings is not None:
        fit["kappa"] = prior_kappa(rng, size)
    weights, k = smooth(log_likelihood(spec, fit, spec.statement_ids))
    return _Weighed(spec, quantity, weights, k)
