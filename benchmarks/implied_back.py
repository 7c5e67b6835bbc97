"""Are statements that fit together implied back? 200 events as an analyst states them, each with a truth behind it.

    python benchmarks/implied_back.py [STRUCTURES]      a few minutes

An event has one to three parents and a table of its own, drawn by its seed: with weak causes, strong ones, and some
that are necessary or suffice. An analyst states what that truth implies for the event by itself and under two
conditions, with intervals of a usual width, and for each parent; what the rules exclude or demand an exact expert
states. All of it can therefore hold at once. The statements are fitted as any workspace is, many events in one fit,
and one counts as implied back if the mean of the log-odds that the posterior implies lies within a quarter of its sd of
what was stated: of the sd that it is read with, deviations and the expert's own noise included, as `forecast experts`
shows distances, and of the sd that it was stated with, which is smaller.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured import table
from forecast.cpt.kind import Configuration
from forecast.model.layout import Layout, lay_out
from forecast.sampling.draws import sample
from forecast.sampling.likelihood import quantities, residuals, statement_columns
from forecast.sampling.settings import Effort
from forecast.sampling.spec import PriorSpec, prior_spec, rows_prior, theta_draws
from forecast.workspace.records import Cpt, Event, Expert, Kind, Probability, Statement, Workspace
from tests.worlds import event, network, statement, target, workspace

Array = NDArray[np.float64]
Row = Callable[[Configuration], list[float]]  # a parents' configuration to the numbers of its row, as probabilities

STRUCTURES = 200
TOGETHER = 20  # events in one fit
EFFORT = Effort(sampled_per_chain=500, tune=500)
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
    row = _noisy(rng, it, part) if cpt.kind.startswith("noisy") else _additive(rng, it, part, cpt.kind == "table")
    configurations = list(np.ndindex(*(2,) * len(parents)))
    rows = {it.id: [row(u) for u in configurations]}
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


def _noisy(rng: np.random.Generator, it: Event, part: Sequence[str]) -> Row:
    """Causes that each bring the event to some state by themselves; the highest counts, or the rates add up."""
    moves = len(it.states) - 1

    def beyond(low: float, high: float) -> Array:
        return np.asarray(1.0 / (1.0 + np.exp(-rng.uniform(low, high, moves))))

    leak = beyond(-5.0, -1.5)
    links = [beyond(3.5, 5.0) if name == "suffices" else beyond(-2.5, 3.0) for name in part]

    def row(u: Configuration) -> list[float]:
        acting = [leak, *(link for link, x in zip(links, u, strict=True) if x)]
        if it.kind == "reached":
            return [float(1.0 - np.prod([1.0 - one[j] for one in acting])) for j in range(moves)]
        # P(state <= y) of each contribution: one less the probability of going beyond every state up to y.
        up_to = np.prod([np.append(1.0 - np.cumprod(one), 1.0) for one in acting], axis=0)
        return [float(p) for p in np.diff(up_to, prepend=0.0)]

    return row


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
    """How far the posterior ends from a statement, in the sd that it is read with and in that it was stated with."""

    cpt: str
    kind: str
    sort: str
    read: float
    own: float


def fitted(some: Sequence[Structure]) -> tuple[list[Told], dict[str, float]]:
    """Fit structures, and return how far each statement ends, and the sampler's diagnostics."""
    layout, world = together(some)
    spec = prior_spec(layout, world, layout.opens)
    fit = sample(spec, 1, lambda _: None, EFFORT)
    gaps, columns = residuals(spec, fit.posterior), statement_columns(spec)
    implied = fit.posterior["quantity"].mean(axis=(0, 1))
    told = []
    for one in some:
        for sort, made in one.statements:
            (at,) = columns[made.id]
            own = (spec.stated.location[at] - implied[at]) / spec.stated.scale[at]
            told.append(Told(one.event.cpt.kind, one.event.kind, sort, float(gaps[made.id] or 0.0), float(own)))
    return told, fit.diagnostics


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
        print(f"{start + TOGETHER} of {n}: {diagnostics}", file=sys.stderr, flush=True)
    _print_shares(told)
    print(f"worst R-hat {worst['r_hat_max']:.3f}, {worst['divergences']:.0f} divergences")
    _print_marginals(drawn)


def _print_shares(told: Sequence[Told]) -> None:
    names = [*SORTS, *(cpt.kind for cpt in CPTS), *KINDS]
    rows: list[tuple[str, ...]] = [("within a quarter", "of the sd read", "of the sd stated", "largest", "statements")]
    for name in ("all", *names):
        own = [one for one in told if name in {"all", one.sort, one.cpt, one.kind}]
        shares = [
            np.mean([abs(gap) <= QUARTER for gap in gaps]) for gaps in ([o.read for o in own], [o.own for o in own])
        ]
        rows.append(
            (name, *(f"{share:.0%}" for share in shares), f"{max(abs(o.read) for o in own):.2f}", str(len(own)))
        )
    table(rows)


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
