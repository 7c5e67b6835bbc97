"""Are statements that fit together implied back? 200 events as an analyst states them, each with a truth behind it.

    python benchmarks/implied_back.py [STRUCTURES]      a few minutes

An event has one to three parents and a table of its own, drawn by its seed: with weak causes, strong ones, and some
that are necessary or suffice. An analyst states what that truth implies for the event by itself and under two
conditions, with intervals of a usual width, and for each parent; what the rules exclude or demand an exact expert
states. All of it can therefore hold at once. The statements are fitted as any workspace is, many events in one fit,
and one counts as implied back if the mean of the log-odds that the posterior implies lies within a quarter of its sd of
what was stated: of the sd that it is read with, deviations and the expert's own noise included, as `forecast experts`
shows distances, and of the sd that it was stated with, which is smaller. A stated number is a median, so the share of
medians is shown beside the share of means. Standard errors are over structures, whose statements hang together.

Each miss has one cause: `error`, the mean is within two Monte Carlo errors of the quarter; `prior`, the posterior's
mode misses as well, so that the default prior draws it away; `spread`, the mode does not miss: what the statement
is a reading of is not linear in the coefficients, and spreads farther to one side (towards rows that are nearly
certain, or away from a bound that other statements set). And what misses if the statement is read by its own sd alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.measured import table
from forecast.cpt.kind import Configuration
from forecast.model.layout import Layout, lay_out
from forecast.sampling.draws import sample
from forecast.sampling.likelihood import quantities, residuals, statement_columns
from forecast.sampling.model import build_model, compile_density
from forecast.sampling.op import run_draws
from forecast.sampling.program import record_program
from forecast.sampling.settings import Effort
from forecast.sampling.spec import PriorSpec, prior_spec, rows_prior, theta_draws
from forecast.workspace.records import Cpt, Event, Expert, Kind, Probability, Statement, Workspace
from tests.worlds import event, network, statement, target, workspace

Array = NDArray[np.float64]
Row = Callable[[Configuration], list[float]]  # a parents' configuration to the numbers of its row, as probabilities

STRUCTURES = 200
TOGETHER = 20  # events in one fit
EFFORT = Effort(sampled_per_chain=400, tune=300)
QUARTER = 0.25
SORTS = ("marginal", "conditional", "rule", "parent")
CPTS = (Cpt("shared", None), Cpt("table", None), Cpt("noisy_or", "net"), Cpt("noisy_max", None))
KINDS: tuple[Kind, ...] = ("reached", "status", "constant")
WIDTHS = (0.2, 0.3, 0.4)  # sd in log-odds: at even odds a 90 % interval of ten, fifteen, twenty points each way
RULE_SD = 0.3  # of an exact expert, as the shipped workspace has it
STRENGTHS = (1.0, 2.5, 5.0, 8.0)  # log-odds that a cause moves: weak, usual, strong, very strong
LEAST, LEAST_RULE = 0.02, 0.004  # nobody states less of an event, or of a rule (nor more than one less it)
PRIOR_DRAWS = 4000


@dataclass(frozen=True)
class Structure:
    """An event with its parents, the numbers of its rows in truth, and what is stated; ids carry its number."""

    event: Event
    parents: tuple[Event, ...]
    rows: dict[str, list[list[float]]]
    statements: tuple[tuple[str, Statement], ...]  # with what sort of statement each is


def structures(n: int) -> list[Structure]:
    """Draw structures by their seeds. One whose truth nobody would put a number on is drawn again."""
    found = []
    for seed in range(n):
        rng = np.random.default_rng([seed, 16])
        while (one := _structure(rng, seed)) is None:
            pass
        found.append(one)
    return found


def _structure(rng: np.random.Generator, number: int) -> Structure | None:
    cpt, kind = CPTS[number % len(CPTS)], KINDS[number // len(CPTS) % len(KINDS)]
    n_states = 2 if cpt.kind == "noisy_or" and kind != "reached" else int(rng.choice([2, 2, 3]))
    names = [f"p{number}_{i}" for i in range(int(rng.choice([1, 2, 2, 3])))]
    parents = tuple(event(name, "constant" if kind == "constant" else KINDS[int(rng.integers(3))]) for name in names)
    it = event(f"e{number}", kind, [f"s{x}" for x in range(n_states)], names, cpt=cpt)
    part = ["plain"] * len(parents)
    if rng.random() < 0.7:
        # A noisy OR has no necessary cause but for its leak; one that suffices is a link near one.
        part[0] = "suffices" if cpt.kind.startswith("noisy") or rng.random() < 0.4 else "necessary"
    if cpt.kind.startswith("noisy"):
        rows = {it.id: _causes(rng, it, part)}
    else:
        row = _additive(rng, it, part, cpt.kind == "table")
        rows = {it.id: [row(u) for u in np.ndindex(*(2,) * len(parents))]}
    for parent in parents:
        p = float(rng.uniform(0.2, 0.8))
        rows[parent.id] = [[p] if parent.kind == "reached" else [1.0 - p, p]]
    structure = Structure(it, parents, rows, tuple(_statements(rng, it, parents, part)))
    return _stated(structure)


def _additive(rng: np.random.Generator, it: Event, part: Sequence[str], own_rows: bool) -> Row:
    """Log-odds from one state (or step) to the next as sums; rows without a necessary cause have next to nothing."""
    moves = len(it.states) - 1
    levels = rng.normal(0.0, 1.5, moves)
    signs = [1.0 if name != "plain" or rng.random() < 0.7 else -1.0 for name in part]
    strengths = [8.0 if name == "suffices" else float(rng.choice(STRENGTHS)) for name in part]
    nothing = rng.uniform(0.004, 0.02)
    own = rng.normal(0.0, 1.0 if own_rows else 0.0, (2,) * len(part))

    def row(u: Configuration) -> list[float]:
        if any(name == "necessary" and x == 0 for name, x in zip(part, u, strict=True)):
            return _probabilities(it, [np.log(nothing / (1.0 - nothing))] * moves)
        shift = sum(
            sign * strength * (x - (1.0 if name == "necessary" else 0.5))
            for sign, strength, x, name in zip(signs, strengths, u, part, strict=True)
        )
        return _probabilities(it, [level + shift + float(own[u]) for level in levels])

    return row


def _probabilities(it: Event, moves: Sequence[float]) -> list[float]:
    if it.kind == "reached":
        return [float(1.0 / (1.0 + np.exp(-eta))) for eta in moves]
    weights = np.exp(np.cumsum([0.0, *moves]) - max(np.cumsum([0.0, *moves])))
    return [float(weight) for weight in weights / weights.sum()]


def _causes(rng: np.random.Generator, it: Event, part: Sequence[str]) -> list[list[float]]:
    """What the leak, then each cause by itself, brings the event to: theta of such an event holds these, not rows."""
    moves = len(it.states) - 1

    def beyond(low: float, high: float) -> Array:
        return np.asarray(1.0 / (1.0 + np.exp(-rng.uniform(low, high, moves))))

    causes = [beyond(-5.0, -1.5), *(beyond(3.5, 5.0) if name == "suffices" else beyond(-2.5, 3.0) for name in part)]
    if it.kind == "reached":
        return [one.tolist() for one in causes]
    # P(state <= y): one less the probability of going beyond every state up to y.
    up_to = [np.append(1.0 - np.cumprod(one), 1.0) for one in causes]
    return [np.diff(one, prepend=0.0).tolist() for one in up_to]


def _statements(
    rng: np.random.Generator, it: Event, parents: Sequence[Event], part: Sequence[str]
) -> Iterator[tuple[str, Statement]]:
    """Yield what is spoken of: the numbers are still to come from the truth."""
    analyst, number = f"analyst{it.id}", 0

    def said(about: str, states: Sequence[str], given: dict[str, str], *, by_rule: bool = False) -> Statement:
        nonlocal number
        number += 1
        who, sd = (f"rules{it.id}", RULE_SD) if by_rule else (analyst, float(rng.choice(WIDTHS)))
        about_it = target(about, *states, given=given)
        return statement(f"{it.id}-{number}", about_it, 0.5, expert=who, sd=sd)

    later = it.states[1:] if it.kind == "reached" else it.states[-1:]
    for parent in parents:
        yield "parent", said(parent.id, ["yes"], {})
    yield "marginal", said(it.id, later, {})
    first = parents[0].id
    ruled = {"plain": None, "necessary": "no", "suffices": "yes"}[part[0]]
    if ruled:
        yield "rule", said(it.id, later, {first: ruled}, by_rule=True)
    conditions = [{first: state} for state in ("yes", "no") if state != ruled]
    conditions += [{second.id: state} for second in parents[1:2] for state in ("yes", "no")]
    for which in rng.permutation(len(conditions))[:2]:
        yield "conditional", said(it.id, later, conditions[which])


def _stated(one: Structure) -> Structure | None:
    """Put the numbers that the truth implies into the statements; None where nobody would state one of them."""
    layout, world = together([one])
    spec = prior_spec(layout, world, layout.opens)
    logits = quantities(spec, truth(layout, [one]), range(len(spec.statement_ids)))[:, 0]
    implied = dict(zip(spec.statement_ids, (1.0 / (1.0 + np.exp(-logits))).tolist(), strict=True))
    numbered = []
    for sort, made in one.statements:
        p, least = implied[made.id], LEAST_RULE if sort == "rule" else LEAST
        if not least <= p <= 1.0 - least:
            return None
        assert isinstance(made.reading, Probability)  # they all are
        numbered.append((sort, replace(made, reading=replace(made.reading, best=p))))
    return replace(one, statements=tuple(numbered))


def together(some: Sequence[Structure]) -> tuple[Layout, Workspace]:
    """One workspace of several structures that have nothing to do with each other, experts included."""
    events = [found for one in some for found in (*one.parents, one.event)]
    said = [made for one in some for _, made in one.statements]
    experts = {made.expert: made.expert for made in said}
    world = workspace(network(*events), statements=said, experts=experts)
    by_id = {name: _with_rules(expert) for name, expert in world.experts.items()}
    return lay_out(world.network), replace(world, experts=by_id)


def _with_rules(expert: Expert) -> Expert:
    return replace(expert, exact=expert.id.startswith("rules"))


def truth(layout: Layout, some: Sequence[Structure]) -> Array:
    """Theta (n_theta, 1) of structures as they were drawn."""
    theta = np.empty((layout.n_theta, 1))
    for one in some:
        for name, rows in one.rows.items():
            v = layout.index[name]
            for number, row in enumerate(rows):
                for k, p in enumerate(row):
                    theta[layout.theta_index(v, number, k)] = -np.log1p(-p) if layout.events[v].kind == "reached" else p
    return theta


@dataclass(frozen=True)
class Told:
    """How far the posterior's mean, median and mode end from a statement, in the sd that it is read with.

    `own` is that of the mean in the sd that the statement was made with, `error` the mean's Monte Carlo error in the
    sd that it is read with.
    """

    structure: str
    cpt: str
    kind: str
    sort: str
    mean: float
    median: float
    mode: float
    own: float
    error: float

    @property
    def cause(self) -> str:
        """Why it misses; "" if it does not."""
        if abs(self.mean) <= QUARTER:
            return ""
        if abs(self.mean) <= QUARTER + 2.0 * self.error:
            return "error"
        return "prior" if abs(self.mode) > QUARTER else "spread"


def fitted(some: Sequence[Structure]) -> tuple[list[Told], dict[str, float]]:
    """Fit structures, and return how far each statement ends, and the sampler's diagnostics."""
    layout, world = together(some)
    spec = prior_spec(layout, world, layout.opens)
    fit = sample(spec, 1, lambda _: None, EFFORT)
    gaps, columns = residuals(spec, fit.posterior), statement_columns(spec)
    quantity = fit.posterior["quantity"]
    implied, median = quantity.mean(axis=(0, 1)), np.median(quantity, axis=(0, 1))
    errors, mode = np.asarray(array_stats.mcse(np.moveaxis(quantity, 2, 0), chain_axis=1, draw_axis=2)), at_mode(spec)
    told = []
    for one in some:
        for sort, made in one.statements:
            (at,) = columns[made.id]
            gap, location = float(gaps[made.id] or 0.0), spec.stated.location[at]
            sd = float((location - implied[at]) / gap)
            of_median, of_mode = (float((location - of[at]) / sd) for of in (median, mode))
            own = float((location - implied[at]) / spec.stated.scale[at])
            event_, error = one.event, float(errors[at] / sd)
            told.append(Told(event_.id, event_.cpt.kind, event_.kind, sort, gap, of_median, of_mode, own, error))
    return told, fit.diagnostics


def at_mode(spec: PriorSpec) -> Array:
    """Return what each statement is a reading of where the density of all standardised variables is largest."""
    program = record_program(spec)
    density = compile_density(build_model(spec, program))

    def down(x: Array) -> tuple[float, Array]:
        value, gradient = density.value_and_gradient(x)
        return -value, -gradient

    found = minimize(down, density.start(1), jac=True, method="L-BFGS-B", options={"maxiter": 5000, "maxfun": 5000})
    x = density.variables(found.x[np.newaxis, np.newaxis])
    parts = [x[part][0, 0] for part in ("alpha", "beta", "epsilon") if part in x]
    return np.asarray(run_draws(np.concatenate(parts)[np.newaxis], program)[0])


def marginals(some: Sequence[Structure]) -> Array:
    """Draw P(last state) of each event from the prior, before any statement (structures, draws)."""
    layout, _ = together(some)
    prior = rows_prior(layout)
    drawn = np.random.default_rng(2).normal(size=(prior.n_coordinates, PRIOR_DRAWS))
    spec = _unstated(some)
    logits = quantities(spec, theta_draws(prior, drawn), range(len(spec.statement_ids)))
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def _unstated(some: Sequence[Structure]) -> PriorSpec:
    only = [replace(one, statements=tuple(s for s in one.statements if s[0] == "marginal")) for one in some]
    layout, world = together(only)
    return prior_spec(layout, world, layout.opens)


def main(n: int) -> None:
    """Fit all structures and print the shares, and what the prior says before anybody speaks."""
    drawn = structures(n)
    told: list[Told] = []
    worst = {"r_hat_max": 0.0, "divergences": 0.0}
    for start in range(0, n, TOGETHER):
        found, diagnostics = fitted(drawn[start : start + TOGETHER])
        told += found
        worst["r_hat_max"] = max(worst["r_hat_max"], diagnostics["r_hat_max"])
        worst["divergences"] += diagnostics["divergences"]
        so_far = f"{_share(told, 'mean'):.1%} of {len(told)} statements"
        print(f"{start + TOGETHER} of {n}: {so_far}, {diagnostics}", file=sys.stderr, flush=True)
    _print_shares(told)
    print(f"worst R-hat {worst['r_hat_max']:.3f}, {worst['divergences']:.0f} divergences")
    _print_marginals(drawn)


def _print_shares(told: Sequence[Told]) -> None:
    names = [*SORTS, *(cpt.kind for cpt in CPTS), *KINDS]
    head = "within a quarter", "mean", "se", "median", "mode", "mean, own sd"
    rows: list[tuple[str, ...]] = [(*head, "error", "prior", "spread", "statements")]
    for name in ("all", "on the event", *names):
        own = [o for o in told if name in {"all", o.sort, o.cpt, o.kind, "on the event" if o.sort != "parent" else ""}]
        shares = [_share(own, gaps) for gaps in ("mean", "median", "mode", "own")]
        causes = [np.mean([o.cause == cause for o in own]) for cause in ("error", "prior", "spread")]
        of = [f"{share:.1%}" for share in (shares[0], _error(own), *shares[1:], *causes)]
        rows.append((name, *of, str(len(own))))
    table(rows)


def _share(told: Sequence[Told], gap: str) -> float:
    return float(np.mean([abs(getattr(one, gap)) <= QUARTER for one in told]))


def _error(told: Sequence[Told]) -> float:
    """Return the standard error of a share of statements, of structures drawn independently (a ratio estimator)."""
    share = _share(told, "mean")
    sums: dict[str, float] = {}
    for one in told:
        sums[one.structure] = sums.get(one.structure, 0.0) + (abs(one.mean) <= QUARTER) - share
    return float(np.sqrt(sum(left**2 for left in sums.values())) / len(told))


def _print_marginals(drawn: Sequence[Structure]) -> None:
    p = np.concatenate([marginals(drawn[at : at + TOGETHER]) for at in range(0, len(drawn), TOGETHER)])
    rows: list[tuple[str, ...]] = [
        ("before any statement", "below .02", "below .05", "below .2", "above .8", "above .95", "above .98")
    ]
    for cpt in CPTS:
        own = p[[one.event.cpt.kind == cpt.kind for one in drawn]]
        below = [f"{(own < low).mean():.1%}" for low in (0.02, 0.05, 0.2)]
        rows.append((cpt.kind, *below, *(f"{(own > high).mean():.1%}" for high in (0.8, 0.95, 0.98))))
    table(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else STRUCTURES)
