"""A workspace as of a date: what its files hold, what the model makes of them, and every answer about the forecast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from forecast.inference.engine import TooDenseNetworkError, in_bytes
from forecast.ledger.ledger import Ledger, read_ledger
from forecast.ledger.line import called_today, new_line
from forecast.ledger.outcome import (
    AlternativeTable,
    Outcome,
    forecast_table,
    outcome,
    prior_outcome,
    prior_predictive,
    prior_probabilities,
    with_flat,
)
from forecast.model.asof import compile_workspace
from forecast.model.layout import Layout, lay_out
from forecast.model.reliability import evidence_doubts
from forecast.model.reports import UndefinedError
from forecast.posterior.ladder import SubQuestionEstimate, ladder
from forecast.posterior.posterior import (
    MOST_PRODUCTS,
    ContradictionError,
    Posterior,
    TooMuchWorkError,
    kept_posterior,
    unweighted,
)
from forecast.posterior.posterior import posterior as fresh_posterior
from forecast.sampling.draws import Draws, cached_draws, prior_draws
from forecast.sampling.spec import PriorSpec, active_statements, prior_spec
from forecast.store.program import installed_versions
from forecast.workers import ALONE, Workers
from forecast.workspace.names import seen_on
from forecast.workspace.problems import Problem, WorkspaceProblems, choice, shown
from forecast.workspace.read import Contents, load
from forecast.workspace.records import Item, Workspace

if TYPE_CHECKING:
    from forecast.analysis.alternatives import Alternative, AlternativeForecast
    from forecast.analysis.chronology import ItemEffect, ItemSplit
    from forecast.analysis.conflict import Conflict
    from forecast.analysis.crowd import CrowdWorld
    from forecast.analysis.decide import Decided
    from forecast.analysis.diff import End, ForecastDifference
    from forecast.analysis.distance import Distance, Distances
    from forecast.analysis.experts import Coders, ExpertRow, SourceRow
    from forecast.analysis.gap import Gap
    from forecast.analysis.influence import Influence
    from forecast.analysis.next_step import PriorWithSteps
    from forecast.analysis.questions import ByDate, Due, QuestionStatus
    from forecast.analysis.record import LedgerRecord
    from forecast.analysis.story import Story
    from forecast.analysis.target import Partition
    from forecast.analysis.team import Team
    from forecast.analysis.watch import WatchList
    from forecast.analysis.what_if import WhatIf
    from forecast.analysis.why import By, Start, Why

DEFAULT_SEED = 20250806
Progress = Callable[[str], None]


class NoUpdateError(ValueError):
    """No update is early enough, or tells what is asked; the message says which."""


def quiet(_doing: str) -> None:
    """Progress for callers that want none."""


@dataclass(frozen=True)
class Session:
    """A workspace on disk, read as of a date. Nothing is read or computed before it is asked for, and each thing once.

    Nothing is written but what is cached below `reports/.cache`. What reads the files raises WorkspaceProblems for
    mistakes in them and for evidence that contradicts itself.

    Args:
        root: the folder with priors/, evidence/ and reports/.
        today: the day of reading; None: that of the clock, in UTC.
        as_of: nothing dated later counts; None: today.
        seed: of the draws.
        progress: told what is being done.
        inputs: contents of all input files where others than those on disk are meant.
    """

    root: Path
    today: date | None = None
    as_of: date | None = None
    seed: int = DEFAULT_SEED
    progress: Progress = quiet
    inputs: Contents | None = None

    def at(self, as_of: date | None, seed: int | None = None) -> Self:
        """Return the session as of another date, with another seed; the files are not read again."""
        there = replace(self, as_of=as_of, seed=self.seed if seed is None else seed)
        if "files" in self.__dict__:
            there.__dict__["files"] = self.files
        return there

    @property
    def now(self) -> date:
        """The day of reading."""
        return self.today or datetime.now(UTC).date()

    @property
    def cache(self) -> Path:
        """The folder of what is kept to save time."""
        return self.root / "reports" / ".cache"

    @cached_property
    def files(self) -> Workspace:
        """What the files hold, checked, whatever the date."""
        return load(self.root, self.now, self.inputs)

    @cached_property
    def day(self) -> date:
        """The as-of date, which is not before the opening."""
        day = self.as_of or self.now
        check_opened(self.files, day)
        return day

    @cached_property
    def workspace(self) -> Workspace:
        """What could be known on the as-of date."""
        return seen_on(self.files, self.day)

    @cached_property
    def layout(self) -> Layout:
        """The order of events and states."""
        return lay_out(self.workspace.network)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, under the names of today."""
        return called_today(read_ledger(self.root), self.workspace)

    @cached_property
    def outcome(self) -> Outcome:
        """The forecast that answers are about."""
        return self._outcome(self.workspace, weigh=kept_posterior)

    @property
    def posterior(self) -> Posterior:
        """The draws of the forecast, and their weights."""
        return self.outcome.posterior

    @cached_property
    def prior(self) -> Outcome:
        """What the statements of the forecast alone imply, at the opening."""
        return prior_outcome(self.outcome)

    @cached_property
    def stated(self) -> Posterior:
        """The draws of the statements known on the date, all of one weight."""
        spec = prior_spec(self.layout, self.workspace, self.day)
        base = prior_draws(spec, self.seed, self.cache, self.progress)
        return unweighted(self.workspace, self.layout, spec, base)

    def _outcome(
        self, workspace: Workspace, doing: str = "", *, weigh: Callable[..., Posterior] = fresh_posterior
    ) -> Outcome:
        """Compute the outcome of a workspace as of the session's date."""

        def said(what: str) -> None:
            self.progress(f"{doing}: {what}" if doing else what)

        layout = lay_out(workspace.network)
        with told_as_problems(workspace):
            weighed = weigh(layout, workspace, self.day, self.seed, self.cache, said)
        return outcome(workspace, layout, self.day, self.seed, weighed)

    # Answers, each a record of forecast.analysis.

    def why(
        self, about: str | None = None, *, since: date | None = None, by: By = "item", top: int | None = None
    ) -> Why:
        """Explain a probability by the evidence (forecast.analysis.why).

        Args:
            about: SCENARIO, EVENT or EVENT=STATE; None: the scenario that moved most since the last update.
            since: begin at the update of this day or the latest before it; None: at the statements alone.
            by: what a row stands for.
            top: keep so many of the largest steps, and add up the others.

        Raises UnknownTargetError (forecast.analysis.target) and NoUpdateError.
        """
        from forecast.analysis.target import error_of, find_target
        from forecast.analysis.why import most_moved, why

        target = find_target(self.outcome, about)
        start, chosen = self._start(target.event, since, target), None
        if target.asked is None:
            last = self.since_update(None, None) if target.event is None and start.on is None else None
            compared = last or start
            target, chosen = most_moved(self.outcome, target, compared), f"moved most since {compared.name}"
        explained = why(self.outcome, target, start, by, top, self.progress)
        return replace(explained, chosen=chosen, mcse=error_of(self.outcome, target))

    def _start(self, event: str | None, since: date | None, target: Partition) -> Start:
        from forecast.analysis.why import Start

        if since is None:
            return Start("the prior", prior_probabilities(self.outcome, target.rules))
        start = self.since_update(event, since)
        if start is None:
            what = f"no update on or before {since} in {self.root / 'reports'}"
            raise NoUpdateError(what if event is None else f"{what} that has the events")
        return start

    def since_update(self, event: str | None, on: date | None) -> Start | None:
        """Return where an explanation since an earlier update begins (`since_update` of forecast.analysis.why)."""
        from forecast.analysis.why import since_update

        return since_update(self.root, self.ledger.updates, self.outcome, event, on)

    def what_if(
        self,
        learned: Sequence[str] = (),
        imposed: Sequence[str] = (),
        reset: Sequence[str] = (),
        *,
        at_once: bool = False,
        on: date | None = None,
    ) -> WhatIf:
        """Compute every probability before and after a supposition (forecast.analysis.what_if).

        Args:
            learned: EVENT=STATE (or EVENT=STATE,STATE: one of these), several as one condition.
            imposed: EVENT=STATE, whatever the causes.
            reset: EVENT=STATE:PROBABILITY, all together.
            at_once: what is learned comes true on the as-of date, and is not merely found so on the day that is asked
                about.
            on: the day of all states and scenarios; None: the horizon date.

        Raises UnknownTargetError, ImpossibleError, TooDenseError, OutsideError and ValueError.
        """
        from forecast.analysis.questions import outcome_on
        from forecast.analysis.supposition import read_supposition
        from forecast.analysis.what_if import what_if

        asked = self.outcome if on is None else outcome_on(self.outcome, on)
        supposition = read_supposition(asked, learned, imposed, reset, at_once=at_once)
        return what_if(asked, supposition, self.progress)

    def stories(self) -> tuple[Story, ...]:
        """Tell each scenario by its most probable course of events (forecast.analysis.story)."""
        from forecast.analysis.story import stories

        return stories(self.outcome)

    def watch_list(self, days: int = 90, costs: Mapping[str, float] | None = None) -> WatchList:
        """Rank the events by what watching them for some days will tell of the scenarios (forecast.analysis.watch)."""
        from forecast.analysis.watch import watch_list

        return watch_list(self.outcome, days, costs or {})

    def decisions(self, days: int = 90, name: str | None = None) -> tuple[Decided, ...]:
        """Compute what the options of decisions are worth, and what watching is (forecast.analysis.decide).

        Args:
            days: of watching.
            name: the decision; None: all of them, in the order of the file.
        """
        from forecast.analysis.decide import decide

        asked = [one for one in self.workspace.decisions if name in (None, one.id)]
        return tuple(decide(self.outcome, one, days) for one in asked)

    def conflict(self, top: int = 5) -> Conflict:
        """Measure how far the reports disagree with each other (forecast.analysis.conflict)."""
        from forecast.analysis.conflict import conflict

        return conflict(self.outcome, top, self.progress)

    def influence(self) -> Influence:
        """Measure the arrows of the network, and the judgements that the forecast depends on."""
        from forecast.analysis.influence import influence

        return influence(self.outcome, self.progress)

    def alternatives(self, *, refit: bool = False, workers: Workers = ALONE) -> tuple[AlternativeForecast, ...]:
        """Compute the forecast under other weights (forecast.analysis.alternatives), refits by the workers."""
        from forecast.analysis.alternatives import kept_alternatives

        return kept_alternatives(self.outcome, self.cache, self.progress, refit=refit, workers=workers)

    def by_date(self, day: date) -> ByDate:
        """Compute the forecast for a day until the horizon (forecast.analysis.questions). Raises OutsideError."""
        from forecast.analysis.questions import by_date

        return by_date(self.outcome, day)

    def questions(self) -> tuple[QuestionStatus, ...]:
        """Describe every dated question (forecast.analysis.questions)."""
        from forecast.analysis.questions import question_table

        return question_table(self.outcome)

    def team(self, seed: int) -> Team:
        """Pool and score everybody's judgements, beside forecast and benchmarks (forecast.analysis.team).

        `seed` is that of the pool, whose draws are not those of the forecast.
        """
        from forecast.analysis.team import team

        return team(self.outcome, self.ledger, self.root, self.cache, self.progress, seed)

    def ladder(self) -> tuple[SubQuestionEstimate, ...]:
        """Compute the sub-questions that the network asks by itself (forecast.posterior.ladder)."""
        return ladder(self.workspace, self.layout, self.day, self.posterior).estimates

    def record(self) -> LedgerRecord:
        """Score what the ledger held of sub-questions before they ended (forecast.analysis.record)."""
        from forecast.analysis.record import record

        return record(self.root, self.workspace, self.layout, self.day, self.ledger)

    def crowd(
        self, questions: Sequence[str] = (), *, forecasters: Sequence[str] = (), days: int | None = None
    ) -> CrowdWorld:
        """Compute what the prices of the open questions imply (forecast.analysis.crowd).

        Args:
            questions: only these; none named: all that are open.
            forecasters: only the prices of these; none named: those of everybody.
            days: only prices that are at most so many days old.

        Raises NoPricesError, and ValueError for names that there are not.
        """
        from forecast.analysis.crowd import crowd

        return crowd(self.outcome, self.progress, questions=questions, forecasters=forecasters, days=days)

    def gap(self, question: str, *, to: float | None = None, forecaster: str | None = None, top: int = 3) -> Gap:
        """Find the smallest changes that would bring a question to a price (forecast.analysis.gap). Raises ValueError.

        Args:
            question: an open question.
            to: the probability to reach; None: the latest price.
            forecaster: whose price.
            top: so many changes of each kind.
        """
        from forecast.analysis.gap import gap

        return gap(self.outcome, question, self.progress, to=to, forecaster=forecaster, top=top)

    def sources(self) -> tuple[SourceRow, ...]:
        """Describe what became of each source that reported (forecast.analysis.experts)."""
        from forecast.analysis.experts import source_table

        return source_table(self.outcome)

    def experts(self) -> tuple[ExpertRow, ...]:
        """Describe what the statements alone made of each expert (forecast.analysis.experts)."""
        from forecast.analysis.experts import expert_table

        return expert_table(outcome(self.workspace, self.layout, self.day, self.seed, self.stated))

    def coders(self) -> Coders | None:
        """Compare the coders of remarks that several people coded (forecast.analysis.experts)."""
        from forecast.analysis.experts import coders

        return coders(outcome(self.workspace, self.layout, self.day, self.seed, self.stated))

    def expert(self, name: str, *, refit: bool = False) -> ExpertRow | None:
        """Describe one expert, and why each number is not what was stated (forecast.analysis.distance).

        Args:
            name: the expert's id; None is returned for somebody who said nothing by the as-of date.
            refit: sample what the draws of the flat prior do not bear.
        """
        row = next((one for one in self.experts() if one.expert == name), None)
        return None if row is None else replace(row, distances=self.distances(row, refit=refit))

    def distances(self, row: ExpertRow, *, refit: bool = False) -> tuple[Distance, ...]:
        """Compute the way from each number of an expert to what is implied for it."""
        from forecast.analysis.remedies import distances_of

        found = self.posterior
        ways = self._ways(self.workspace, found.spec, found.base)
        return distances_of(replace(ways, found=found, may_sample=refit), [one.id for one in row.statements])

    def distance_of(self, after: Workspace, name: str) -> Distance | None:
        """Compute the way from a statement that is not written yet to what would be implied for it.

        `after` is what the files would hold with it. The draws of the other statements are weighed by it. None where
        none are kept, for a mere order, and where it is not yet made on the session's date.
        """
        from forecast.analysis.remedies import distances_of

        if (self.as_of or self.now) < self.files.network.opens:
            return None
        spec, seen = prior_spec(self.layout, self.workspace, self.day), seen_on(after, self.day)
        base = cached_draws(spec, self.seed, self.cache)
        if base is None or all(one.id != name for one in active_statements(seen, self.day)):
            return None
        return next(iter(distances_of(self._ways(seen, spec, base), [name])), None)

    def _ways(self, workspace: Workspace, spec: PriorSpec, base: Draws) -> Distances:
        from forecast.analysis.distance import Distances

        return Distances(
            workspace=workspace,
            layout=self.layout,
            as_of=self.day,
            seed=self.seed,
            spec=spec,
            base=base,
            cache=self.cache,
            progress=self.progress,
        )

    def due(self, days: int = 14) -> tuple[Due, ...]:
        """List what should be done to the workspace (forecast.analysis.questions)."""
        from forecast.analysis.questions import due

        earlier = [line for line in self.ledger.updates if line.as_of <= self.day]
        # An update of a past date may have been made after that of a later one.
        latest = max(reversed(earlier), key=lambda line: line.as_of, default=None)
        return due(self.workspace, self.layout, self.day, latest, days)

    def statements_alone(self) -> PriorWithSteps:
        """Compute what the statements known on a date imply, and the flat prior, in the form of forecast.json.

        `next_steps`: what they imply for each next step once the step before it is taken (forecast.analysis.next_step).
        """
        from forecast.analysis.next_step import PriorWithSteps, next_steps

        prior = outcome(self.workspace, self.layout, self.workspace.network.opens, self.seed, self.stated)
        table = with_flat(forecast_table(prior, None, _version()), prior_predictive(prior))
        return PriorWithSteps(table=table, next_steps=next_steps(prior, at_opening=True))

    def alternative(self, alternative: Alternative) -> AlternativeTable:
        """Compute the forecast that an alternative gives, in the form of forecast.json, against the ordinary one.

        Raises UnknownNameError (forecast.analysis.alternatives).
        """
        from forecast.analysis.alternatives import alternative_workspace

        other = alternative_workspace(self.workspace, alternative)
        ordinary = self._outcome(self.workspace, "with everybody")
        varied = self._outcome(other, alternative.description)
        table = forecast_table(varied, new_line(ordinary), _version())
        return AlternativeTable(alternative=alternative.description, table=table)

    def effect(self, before: Workspace, after: Workspace, item: Item) -> tuple[ItemEffect, tuple[Problem, ...]]:
        """Compute what an item does to the forecast (forecast.analysis.chronology), and the doubts that it raises.

        `before` and `after` are what the files hold without and with it.
        """
        from forecast.analysis.chronology import effect_table

        there = self.at(self.as_of)
        there.__dict__["files"] = before
        seen = there.workspace, seen_on(after, there.day)
        without, with_it = (there._outcome(workspace) for workspace in seen)
        old, new = (
            evidence_doubts(compile_workspace(there.layout, workspace, there.day), workspace) for workspace in seen
        )
        return effect_table(without, with_it, item), tuple(doubt for doubt in new if doubt not in old)

    def split(self, name: str) -> ItemSplit:
        """Split what an item does to the forecast into three parts (`split_item`). Raises NoEffectError."""
        from forecast.analysis.chronology import NoEffectError, split_item

        item = next((one for one in self.workspace.items if one.id == name), None)
        if item is None:
            msg = f"there is no item {shown(name)}; {choice('items', name, [one.id for one in self.workspace.items])}"
            raise NoEffectError(msg)
        return split_item(self.outcome, item)

    def difference(self, first: str, last: str) -> ForecastDifference:
        """Explain what changed between two forecasts (forecast.analysis.diff), each as `find_line` there reads it.

        A date without a ledger line is computed from the files. Raises UnknownUpdateError.
        """
        from forecast.analysis.diff import UnknownUpdateError, difference, restored

        ends = self._end(first), self._end(last)
        if ends[0].as_of > ends[1].as_of:
            msg = f"{ends[0].name} is later than {ends[1].name}; name the earlier one first"
            raise UnknownUpdateError(msg)
        there = self.at(ends[1].as_of, ends[1].line.seed)
        known = seen_on(restored(self.files, ends[1]), ends[1].as_of)
        return difference(*ends, there._outcome(known), self.progress)

    def _end(self, text: str) -> End:
        from forecast.analysis.diff import UnknownUpdateError, end_of_files, end_of_line, find_line

        line = find_line(text, called_today(read_ledger(self.root), self.files))
        if line is not None:
            return end_of_line(self.root, line, self.files.renames)
        day = date.fromisoformat(text)
        if day > self.now:
            msg = f"{day} lies in the future; today is {self.now}"
            raise UnknownUpdateError(msg)
        there = self.at(day, DEFAULT_SEED)
        return end_of_files(there._outcome(there.workspace))


def check_opened(workspace: Workspace, as_of: date) -> None:
    """Raise WorkspaceProblems for a date before the opening."""
    network = workspace.network
    if as_of < network.opens:
        opening = f"a date from the opening {network.opens} on"
        raise WorkspaceProblems([Problem(network.source, "as-of date before the opening", as_of.isoformat(), opening)])


@contextmanager
def told_as_problems(workspace: Workspace) -> Iterator[None]:
    """Raise WorkspaceProblems with the items where evidence contradicts itself or leaves the forecast undefined.

    With what makes it too large where it is.
    """
    try:
        yield
    except ContradictionError as error:
        names = ", ".join(f"'{item.id}'" for item in error.items)
        why = "; ".join(error.needs)
        raise WorkspaceProblems(
            Problem(item.source, f"item '{item.id}' is part of evidence that is impossible together", names, why)
            for item in error.items
        ) from error
    except UndefinedError as error:
        raise WorkspaceProblems(_undefined(error, workspace)) from error
    except TooMuchWorkError as error:
        raise WorkspaceProblems([_too_large(error, workspace)]) from error
    except TooDenseNetworkError as error:
        what, allowed = "too many events hang together for the memory of this machine", in_bytes(error.memory)
        got = f"{in_bytes(error.bytes_needed)} for each draw"
        raise WorkspaceProblems([Problem(workspace.network.source, what, got, f"at most {allowed}")]) from error


def _too_large(error: TooMuchWorkError, workspace: Workspace) -> Problem:
    got, most = f"{error.products:,} products for each draw", f"at most {MOST_PRODUCTS:,}"
    if error.without_rules > MOST_PRODUCTS:
        what = "too many events hang together for an exact forecast"
        allowed = f"{most}; give events fewer parents, or cpt noisy_or or noisy_max if each cause acts by itself"
        return Problem(workspace.network.source, what, got, allowed)
    named = {condition.event for scenario in workspace.scenarios for condition in scenario.when}
    what = f"the rules of the scenarios tie {len(named)} events together that are too far apart"
    allowed = f"{most}, and {error.without_rules:,} without the rules; name fewer events, or one below several of them"
    return Problem(workspace.scenarios[0].source, what, got, allowed)


def _undefined(error: UndefinedError, workspace: Workspace) -> list[Problem]:
    if not error.items:
        network = workspace.network.source
        return [Problem(network, "the forecast is undefined without any evidence", error.why, "finite numbers")]
    got = f"{', '.join(f"'{item.id}'" for item in error.items)}: {error.why}"
    return [
        Problem(item.source, f"item '{item.id}' leaves the forecast undefined", got, "finite numbers")
        for item in error.items
    ]


def _version() -> str:
    return installed_versions(["forecast"])["forecast"]
