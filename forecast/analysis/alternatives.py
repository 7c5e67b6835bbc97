"""The forecast under other weights: everybody alike, without editors, without each group of experts, each source."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from math import hypot, isfinite, prod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.inference.engine import ImpossibleEvidenceError, Plan
from forecast.ledger.line import active_inputs
from forecast.ledger.outcome import (
    CLEAR,
    IMPOSSIBLE,
    NEEDS_REFIT,
    QUANTILES,
    REFITTED,
    REWEIGHTED,
    TOO_MANY,
    Outcome,
    diagnostics,
    outcome,
)
from forecast.model.asof import Latest, compile_workspace
from forecast.model.history import active_items
from forecast.model.layout import lay_out
from forecast.plain import as_data, from_data
from forecast.posterior.moved import Reweighed, reweigh
from forecast.posterior.passes import Passes
from forecast.posterior.posterior import ContradictionError, check_possible, posterior
from forecast.posterior.weights import Weights, deviations, standard_error, weighted_quantiles
from forecast.sampling.draws import NotSampledError
from forecast.sampling.spec import active_statements, prior_spec
from forecast.store.entries import Place, is_kept, keep_value, kept_value, once, place_of
from forecast.workers import ALONE, Workers
from forecast.workspace.problems import WorkspaceProblems, choice, shown
from forecast.workspace.read_questions import REPORTER
from forecast.workspace.records import EDITORS, Reading, Settled, Statement, Workspace
from forecast.workspace.statement_forms import statement_form

# Other weights for those who speak or report: the workspace without some of them, or with everybody counting alike.

EQUAL_SD = 1.0  # log-odds; of every statement, when all are to count alike


class UnknownNameError(ValueError):
    """An expert, a group or a source that the workspace does not have."""


@dataclass(frozen=True)
class Alternative:
    """Who is left out, and whether the others count alike.

    `without_editors` leaves out what editors said and the numbers that they put on the words of others;
    `equal_weights` gives every statement the same sd and every expert the same weight, whatever the track record.
    `without_sources` leaves out all items of these sources, also what they settle: it then counts as not having
    happened.
    """

    without_experts: tuple[str, ...] = ()
    without_groups: tuple[str, ...] = ()
    equal_weights: bool = False
    without_editors: bool = False
    without_sources: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What is different, in words; empty if nothing is."""
        parts = [f"without {name}" for name in self.without_experts]
        parts += [f"without the group {name}" for name in self.without_groups]
        parts += ["without what editors said or coded"] if self.without_editors else []
        parts += [f"without the source {name}" for name in self.without_sources]
        return ", ".join([*parts, *(["with equal weights"] if self.equal_weights else [])])


_LATEST: Latest[Workspace] = Latest(1)


def alternative_workspace(workspace: Workspace, alternative: Alternative) -> Workspace:
    """Return the workspace as an alternative has it: the same one if it is asked for again. Raises UnknownNameError."""
    return _LATEST.once((workspace,), alternative, lambda: _alternative_workspace(workspace, alternative))


def _alternative_workspace(workspace: Workspace, alternative: Alternative) -> Workspace:
    groups = sorted({expert.group for expert in workspace.experts.values()})
    _known("expert", alternative.without_experts, sorted(workspace.experts))
    _known("group", alternative.without_groups, groups)
    _known("source", alternative.without_sources, sorted(workspace.sources))

    def stays(statement: Statement) -> bool:
        expert = workspace.experts[statement.expert]
        of_editors = statement.coded_by is not None or statement.expert == EDITORS
        return not (
            statement.expert in alternative.without_experts
            or expert.group in alternative.without_groups
            or (alternative.without_editors and of_editors)
        )

    statements = tuple(statement for statement in workspace.statements if stays(statement))
    items = tuple(item for item in workspace.items if item.report_source not in alternative.without_sources)
    if not alternative.equal_weights:
        return replace(workspace, statements=statements, items=items)
    # What follows from a rule is no voice among others: it stays as it is.
    people = {name: one for name, one in workspace.experts.items() if not one.exact}
    alike = tuple(replace(one.read_by(_alike), resolved=None) if one.expert in people else one for one in statements)
    equal = {name: replace(one, default_sd=EQUAL_SD, weight=1.0) for name, one in people.items()}
    experts = {name: equal.get(name, one) for name, one in workspace.experts.items()}
    return replace(workspace, statements=alike, experts=experts, items=items)


def _alike(reading: Reading) -> Reading:
    return statement_form(reading).alike(reading, EQUAL_SD)


def _known(kind: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            msg = f"unknown {kind} {shown(name)}; {choice(f'{kind}s', name, known)}"
            raise UnknownNameError(msg)


Array = NDArray[np.float64]
Progress = Callable[[str], None]
Kind = Literal["weights", "group", "source"]

THINNING = 4
DRAWS = "draws"  # where forecast.sampling.draws keeps them
# Entries of tables multiplied, over all draws and sources: some ten seconds on a small machine.
BUDGET = 4.0e9


@dataclass(frozen=True)
class ListedAlternative:
    """An alternative, whom it is about, and what it takes away: statements, items, events that the items settle."""

    kind: Kind
    name: str
    alternative: Alternative
    statements: int
    items: int
    settles: tuple[str, ...]

    @property
    def command(self) -> str:
        """What computes it exactly, by sampling where it must."""
        match self.kind:
            case "group":
                return f"forecast show --without-group {self.name}"
            case "source":
                return f"forecast show --without-source {self.name}"
            case _:
                return f"forecast show --{self.name}"


@dataclass(frozen=True, kw_only=True)
class AlternativeShare:
    """A scenario under an alternative, and `change` against the forecast with its Monte Carlo error `change_mcse`."""

    probability: float
    quantiles: Mapping[str, float]
    mcse: float
    change: float
    change_mcse: float

    @property
    def is_clear(self) -> bool:
        """Whether the change is more than Monte Carlo error."""
        return abs(self.change) >= CLEAR * self.change_mcse


@dataclass(frozen=True, kw_only=True)
class AlternativeForecast:
    """The forecast under an alternative.

    `statements` and `items`: how many it changes or takes away; `settles`: events that these items settle, which then
    count as not having happened; `how`: reweighted, refitted, needs a refit, not computed, contradicts itself;
    `reasons`: why a refitted one is not reliable (posterior.weights); `scenarios`: by id, None where nothing is
    known of them; `needs`: what events require that is missing where what is left contradicts itself.
    """

    kind: Kind
    name: str
    description: str
    statements: int
    items: int
    settles: tuple[str, ...]
    how: str
    pareto_k: float | None
    ess: float | None
    draws: int
    command: str
    reasons: tuple[str, ...]
    scenarios: Mapping[str, AlternativeShare] | None
    needs: tuple[str, ...] = ()

    @property
    def largest_change(self) -> float:
        """The largest change of any scenario; zero where none is known."""
        return max((abs(share.change) for share in (self.scenarios or {}).values()), default=0.0)


def computed(rows: Sequence[AlternativeForecast]) -> int:
    """Return for how many alternatives there are numbers: a largest change is one of these."""
    return sum(row.scenarios is not None for row in rows)


def listed(outcome: Outcome) -> tuple[ListedAlternative, ...]:
    """Return the alternatives of a forecast, those that change nothing left out.

    Equal weights; without what editors said or coded; without each group of experts, by name (somebody without a group
    is one); without each source of an active item, those with most items first. What `priors/resolutions.jsonl`
    settles has no source that could be left out.
    """
    workspace, spoken = outcome.workspace, active_statements(outcome.workspace, outcome.as_of)
    coded = [said for said in spoken if said.coded_by is not None or said.expert == EDITORS]
    groups: dict[str, int] = {}
    for said in spoken:
        group = workspace.experts[said.expert].group
        groups[group] = groups.get(group, 0) + 1
    rows = (
        [ListedAlternative("weights", "equal-weights", Alternative(equal_weights=True), len(spoken), 0, ())]
        if spoken
        else []
    )
    if coded:
        rows.append(
            ListedAlternative("weights", "without-editors", Alternative(without_editors=True), len(coded), 0, ())
        )
    for group, n in sorted(groups.items()):
        rows.append(ListedAlternative("group", group, Alternative(without_groups=(group,)), n, 0, ()))
    active = active_items(workspace.items, outcome.as_of)
    sources = {item.report_source: [i for i in active if i.report_source == item.report_source] for item in active}
    for name, items in sorted(sources.items(), key=lambda of: (-len(of[1]), of[0])):
        settled = {part.event for item in items for part in item.bears_on if isinstance(part, Settled)}
        if name != REPORTER:
            without = Alternative(without_sources=(name,))
            rows.append(ListedAlternative("source", name, without, 0, len(items), tuple(sorted(settled))))
    return tuple(rows)


def alternatives(outcome: Outcome, cache: Path, progress: Progress) -> list[AlternativeForecast]:
    """Compute every alternative that the kept draws bear, by reweighting them (forecast.posterior.moved).

    Weights that fail (Pareto k, effective size) show nothing: unless draws of such a fit lie in the cache, the row says
    that it needs a refit, and the command for it. Of sources no more are computed than BUDGET allows, first on fewer
    draws and then fewer sources: those with the fewest items are not computed.
    """
    fit = outcome.posterior.draws.fit()[0]
    all_listed = listed(outcome)
    sources = [alternative for alternative in all_listed if alternative.kind == "source"]
    every, affordable = _spread(outcome, len(sources))
    skipped = set(sources[affordable:])
    passes = Passes(outcome.posterior.draws.theta[:, ::every])
    rows = []
    for number, alternative in enumerate(all_listed, 1):
        progress(f"one alternative after the other: {100 * number // len(all_listed)} %")
        if alternative in skipped:
            rows.append(_row(outcome, alternative, TOO_MANY))
            continue
        of_source = alternative.kind == "source"
        row = _reweighted(outcome, alternative, fit, every if of_source else 1, passes if of_source else None)
        if row.how == NEEDS_REFIT:
            row = refitted(outcome, alternative, row, cache, progress, may_sample=False)
        rows.append(row)
    return rows


def refitted(
    base: Outcome, listed: ListedAlternative, row: AlternativeForecast, cache: Path, progress: Progress, *,
    may_sample: bool = True,
) -> AlternativeForecast:  # fmt: skip
    """Compute an alternative with draws of its own, from the cache or (if that is allowed) sampled and kept there.

    Returns the row as it was where draws would have to be sampled and may not.
    """
    other = alternative_workspace(base.workspace, listed.alternative)
    try:
        own = posterior(base.layout, other, base.as_of, base.seed, cache, progress, may_sample=may_sample)
    except NotSampledError:
        return row
    except ContradictionError as error:
        return replace(_row(base, listed, IMPOSSIBLE), needs=tuple(error.needs))
    varied = outcome(other, base.layout, base.as_of, base.seed, own)
    scenarios = {}
    for name, estimate in varied.scenarios.items():
        ordinary = base.scenarios[name]
        scenarios[name] = AlternativeShare(
            probability=estimate.probability,
            quantiles=dict(zip(map(str, QUANTILES), estimate.quantiles, strict=True)),
            mcse=estimate.mcse,
            change=estimate.probability - ordinary.probability,
            change_mcse=hypot(estimate.mcse, ordinary.mcse),  # draws of their own: errors are independent
        )
    row = _row(base, listed, REFITTED, own.weights, scenarios)
    return replace(row, reasons=diagnostics(varied).reasons)


def _spread(outcome: Outcome, n_sources: int) -> tuple[int, int]:
    """Return which draws sources are computed on, and how many sources BUDGET allows."""
    of_one = cost(outcome.posterior.asked.plan) * outcome.posterior.weights.weights.size
    every = 1 if n_sources * of_one <= BUDGET else THINNING
    return every, max(1, int(BUDGET * every / of_one))


def cost(order: Plan) -> int:
    """Return the entries of all tables that an elimination multiplies, for one draw."""
    return sum(len(step.inputs) * prod(order.cards[v] for v in (*step.scope, step.variable)) for step in order.steps)


def _reweighted(
    outcome: Outcome, listed: ListedAlternative, fit: dict[str, Array], every: int, passes: Passes | None
) -> AlternativeForecast:
    other = alternative_workspace(outcome.workspace, listed.alternative)
    try:
        there = reweigh(outcome.posterior, outcome.workspace, other, fit, every, passes)
    except ImpossibleEvidenceError:
        return replace(_row(outcome, listed, IMPOSSIBLE), needs=_missing_needs(outcome, other))
    if there is None:
        return _row(outcome, listed, NEEDS_REFIT)
    weights = there.weights
    scenarios = _scenarios(outcome, there, every) if weights.reliable else None
    how = REWEIGHTED if weights.reliable else NEEDS_REFIT
    return _row(outcome, listed, how, weights, scenarios)


def _missing_needs(outcome: Outcome, other: Workspace) -> tuple[str, ...]:
    """Return what events require without which the evidence that is left contradicts itself; () if it does anyhow."""
    network = compile_workspace(outcome.layout, other, outcome.as_of)
    try:
        check_possible(other, network, prior_spec(outcome.layout, other, outcome.as_of))
    except ContradictionError as error:
        return tuple(error.needs)
    except WorkspaceProblems:  # a statement that is read with the evidence that is left
        pass
    return ()


def _scenarios(outcome: Outcome, there: Reweighed, every: int) -> dict[str, AlternativeShare]:
    without, everybody = there.weights.weights, outcome.posterior.weights.weights[::every]
    everybody = everybody / everybody.sum()
    shares = np.ascontiguousarray(outcome.posterior.evaluation.scenarios[:, ::every])
    quantiles = weighted_quantiles(there.scenarios, without, np.array(QUANTILES))
    after, before = there.scenarios @ without, shares @ everybody
    own, other = deviations(there.scenarios, without), deviations(shares, everybody)
    # Both are averages over the same draws: the error of a change is that of their difference.
    errors, of_changes = standard_error(own), standard_error(own - other)
    return {
        name: AlternativeShare(
            probability=float(after[i]),
            quantiles=dict(zip(map(str, QUANTILES), quantiles[i].tolist(), strict=True)),
            mcse=float(errors[i]),
            change=float(after[i] - before[i]),
            change_mcse=float(of_changes[i]),
        )
        for i, name in enumerate(outcome.scenario_ids)
    }


def _row(
    outcome: Outcome, listed: ListedAlternative, how: str, weights: Weights | None = None,
    scenarios: Mapping[str, AlternativeShare] | None = None,
) -> AlternativeForecast:  # fmt: skip
    return AlternativeForecast(
        kind=listed.kind,
        name=listed.name,
        description=listed.alternative.description,
        statements=listed.statements,
        items=listed.items,
        settles=listed.settles,
        how=how,
        pareto_k=weights.pareto_k if weights is not None and isfinite(weights.pareto_k) else None,
        ess=weights.effective_size if weights is not None and isfinite(weights.effective_size) else None,
        draws=0 if weights is None else weights.weights.size,
        command=f"{listed.command} --as-of {outcome.as_of}",
        reasons=(),
        scenarios=scenarios,
    )


def kept_alternatives(
    outcome: Outcome, cache: Path, progress: Progress, *, refit: bool = False, workers: Workers = ALONE
) -> tuple[AlternativeForecast, ...]:
    """Return the alternatives of a forecast (forecast.analysis.alternatives): the kept ones, or computed and kept.

    With `refit` those that reweighting cannot tell are sampled, and kept for all later questions about the forecast.

    Args:
        outcome: the forecast.
        cache: the folder reports/.cache of the workspace.
        progress: told what is being done; of refits how many there are and how long they will take.
        refit: whether to sample.
        workers: where refits are sampled, side by side; draws that they do not leave in the cache are sampled here.
    """
    place = _place(outcome, cache)
    looked_at, there = place_of(cache, "alternatives", place.key, DRAWS), _draws_there(cache)
    seen = kept_value(looked_at) if is_kept(place) else there
    kept = once(place, lambda: as_data(alternatives(outcome, cache, progress)))
    rows: list[AlternativeForecast] = [from_data(AlternativeForecast, row) for row in kept]
    if refit:
        _refit(outcome, rows, place, progress, workers)
    elif seen != there:
        _take_sampled(outcome, rows, place, progress)
    if refit or seen != there or not is_kept(looked_at):
        keep_value(looked_at, _draws_there(cache))
    return tuple(rows)


def _draws_there(cache: Path) -> list[str]:
    """Return the names of the draws in the cache: only where there are others is each alternative asked for again."""
    return sorted(entry.name for entry in (cache / DRAWS).glob("*"))


def _take_sampled(outcome: Outcome, rows: list[AlternativeForecast], place: Place, progress: Progress) -> None:
    """Fill in the rows whose draws have been sampled since they were kept (`forecast show --without-...` does that)."""
    all_listed, found = listed(outcome), False
    for n, row in enumerate(rows):
        if row.how == NEEDS_REFIT:
            rows[n] = refitted(outcome, all_listed[n], row, place.folder, progress, may_sample=False)
            found = found or rows[n] is not row
    if found:
        keep_value(place, as_data(rows))


def _refit(
    outcome: Outcome, rows: list[AlternativeForecast], place: Place, progress: Progress, workers: Workers
) -> None:
    """Fill in the rows that need it, one fit after the other; each is kept at once, so that an interruption is none.

    With several workers the draws are sampled by them first, and lie in the cache when they are asked for.
    """
    missing = [n for n, row in enumerate(rows) if row.how in {NEEDS_REFIT, TOO_MANY}]
    all_listed, started = listed(outcome), time.monotonic()
    if workers != ALONE and len(missing) > 1:
        _sample_side_by_side(outcome, [all_listed[n].alternative for n in missing], place.folder, progress, workers)
    for done, n in enumerate(missing):
        per_fit = (time.monotonic() - started) / done if done else None
        left = "" if per_fit is None else f", about {_minutes(per_fit * (len(missing) - done))} left"
        doing = f"refit {done + 1} of {len(missing)} ({rows[n].description}{left})"

        def say(what: str, doing: str = doing) -> None:
            progress(f"{doing}: {what}")

        rows[n] = refitted(outcome, all_listed[n], rows[n], place.folder, say)
        keep_value(place, as_data(rows))
    if missing:
        progress(f"{len(missing)} refits in {_minutes(time.monotonic() - started)}")


@dataclass(frozen=True)
class Refit:
    """An alternative to sample: of which workspace, as of which date, by which seed, and the cache for its draws."""

    workspace: Workspace
    alternative: Alternative
    as_of: date
    seed: int
    cache: Path


def sample_refit(refit: Refit) -> None:
    """Sample the draws of an alternative into its cache. Who asks for the forecast is told what is impossible."""
    other = alternative_workspace(refit.workspace, refit.alternative)
    with suppress(ContradictionError, WorkspaceProblems):
        posterior(lay_out(other.network), other, refit.as_of, refit.seed, refit.cache, lambda _doing: None)


def _sample_side_by_side(
    base: Outcome, wanted: Sequence[Alternative], cache: Path, progress: Progress, workers: Workers
) -> None:
    jobs = [Refit(base.workspace, one, base.as_of, base.seed, cache.resolve()) for one in wanted]
    done: list[Refit] = []

    def arrived(job: Refit, _: None) -> None:
        done.append(job)
        progress(f"sampling {len(jobs)} refits side by side: {100 * len(done) // len(jobs)} %")

    progress(f"sampling {len(jobs)} refits side by side")
    workers.map(sample_refit, jobs, arrived)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _place(outcome: Outcome, cache: Path) -> Place:
    """Return where alternatives are kept, by what they depend on: the draws, everything known, the date, the seed."""
    known = outcome.posterior.asked.network.known
    return place_of(
        cache,
        "alternatives",
        outcome.posterior.draws.digest,
        active_inputs(outcome.workspace, outcome.as_of),
        [outcome.as_of, known.until, outcome.layout.horizon, outcome.seed],
    )
