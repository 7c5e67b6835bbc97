"""The daily job as one function: read, compile, prior, reweight, scenarios, record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.analysis.coherence import incoherent_rules
from forecast.digits import share
from forecast.files import locked, replace_folder
from forecast.ledger.differences import changes, other_changes
from forecast.ledger.entries import Line
from forecast.ledger.kept import keep_inputs, seal
from forecast.ledger.ledger import LEDGER, Ledger, append, has_news, line_to_compare, read_ledger
from forecast.ledger.line import called_today, new_line, recomputed
from forecast.ledger.outcome import (
    MovedBy,
    Outcome,
    UpdateTable,
    as_csv,
    as_json,
    forecast_table,
    outcome,
    prior_outcome,
)
from forecast.model.asof import compile_opening, compile_workspace
from forecast.model.layout import lay_out
from forecast.model.reliability import evidence_doubts
from forecast.posterior.directions import direction_doubts
from forecast.posterior.ladder import Ladder, ladder
from forecast.posterior.moved import leave_out, parts_of
from forecast.posterior.posterior import (
    check_possible,
    keep_posterior,
    posterior,
    posterior_place,
    query,
    unweighted,
)
from forecast.sampling.draws import Draws, cached_draws
from forecast.sampling.likelihood import DISAGREES, kept_residuals
from forecast.sampling.spec import PriorSpec, active_statements, prior_spec
from forecast.sampling.statements import by_date_doubts
from forecast.session import Progress, Session, told_as_problems
from forecast.workspace.files import find_files
from forecast.workspace.names import seen_on
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace
from forecast.workspace.rules import misfits

if TYPE_CHECKING:
    from xarray import DataTree

    from forecast.analysis.next_step import NextStep
    from forecast.publish import ReportRequest

WIDEST_OTHER = 0.4  # prior probability of `other` above which the scenarios miss too much of what may happen


@dataclass(frozen=True)
class Update:
    """An update that is computed but not yet written.

    `forecast` is the content of forecast.json; `line` the ledger line it would add; `ledger` what stands before it;
    `is_new` whether anything differs from the last line; `edited` ids of items and statements that were changed after
    the compared update used them; `warnings` name statements that their own fit misses or the model ends far from,
    and evidence that weighs much or may count twice, and parents that act against their direction. Of these `doubts`
    hold whatever the ledger holds. `is_attributed`: the forecast tells what moved it. `ladder` are the sub-questions of
    the day.
    """

    root: Path
    outcome: Outcome
    forecast: UpdateTable
    line: Line
    ledger: Ledger
    is_new: bool
    edited: tuple[str, ...]
    warnings: tuple[Problem, ...]
    doubts: tuple[Problem, ...]
    is_attributed: bool
    ladder: Ladder | None = None

    @property
    def folder(self) -> Path:
        """Where the files of this update go."""
        return self.root / "reports" / self.outcome.as_of.isoformat()


def conclude(
    session: Session,
    *,
    refit: bool = False,
    note: str | None = None,
    attribute: bool = True,
    n_lines: int | None = None,
) -> Update:
    """Compute the forecast of a session, and hold it against the ledger. Nothing is written but cached draws.

    Args:
        session: what is read, and as of which date.
        refit: sample anew although the draws are cached.
        note: for the ledger line.
        attribute: tell what moved the forecast.
        n_lines: only so many lines of the ledger are there to compare with.

    Raises WorkspaceProblems for mistakes in the files, for evidence that contradicts itself, and where today is earlier
    than an update that was made, unless the date is named.
    """
    written = read_ledger(session.root).until(n_lines)
    if session.as_of is None:
        _check_clock(written, session.now)
    workspace, layout, as_of, seed = session.workspace, session.layout, session.day, session.seed
    ledger = called_today(written, workspace)
    if problems := incoherent_rules(workspace, layout, as_of, session.cache):
        raise WorkspaceProblems(problems)
    with told_as_problems(workspace):
        weighed = posterior(layout, workspace, as_of, seed, session.cache, session.progress, refit=refit)
    keep_posterior(weighed, posterior_place(workspace, as_of, seed, session.cache))
    doubts = (
        *misfits(active_statements(workspace, as_of)),
        *_disagreements(workspace, as_of, seed, weighed.base, weighed.spec),
        *evidence_doubts(weighed.asked.network, workspace),
        *direction_doubts(layout, workspace, weighed),
    )
    result = outcome(workspace, layout, as_of, seed, weighed)
    asked = ladder(workspace, layout, as_of, weighed)
    return _compared(session.root, result, asked, ledger, note, doubts, session.progress, attribute=attribute)


def _check_clock(ledger: Ledger, today: date) -> None:
    """Raise WorkspaceProblems where a line is of a later date than today: one of two clocks is wrong."""
    last = max(ledger.updates, key=lambda line: line.as_of, default=None)
    if last is not None and last.as_of > today:
        what = f"this computer's date is earlier than the update as of {last.as_of}; nothing was written"
        allowed = f"set the clock right, or name the day: `forecast update --as-of {today}`"
        raise WorkspaceProblems([Problem(Source(LEDGER, last.number or 1), what, str(today), allowed)])


def _compared(
    root: Path,
    outcome: Outcome,
    asked: Ladder | None,
    ledger: Ledger,
    note: str | None,
    doubts: tuple[Problem, ...],
    progress: Progress,
    *,
    attribute: bool,
) -> Update:
    """Compare an outcome with the lines of a ledger: what is new, what changed, what moved it."""
    line = new_line(outcome, note=note, previous=ledger.last, ladder=asked)
    compared = line_to_compare(line, ledger.updates)
    table = forecast_table(outcome, compared, line.version)
    new_items, edited = changes(line, compared)
    moved = _moved(outcome, line, compared, new_items, progress) if attribute else ()
    forecast = UpdateTable(table=table, edited=edited, moved=moved)
    otherwise = recomputed(line, ledger.updates, ledger.texts)
    warnings = (*doubts, *ledger.warnings, *otherwise)
    # Other numbers of the same inputs (another program) are recorded by whoever says why.
    is_new = has_news(line, ledger.updates) or (note is not None and bool(otherwise))
    return Update(root, outcome, forecast, line, ledger, is_new, edited, warnings, doubts, attribute, asked)


def _compared_anew(update: Update, progress: Progress) -> Update:
    """Return an update against the ledger as it is now; the same one if no line has come since it was compared."""
    ledger = read_ledger(update.root)
    if ledger.texts == update.ledger.texts:
        return update
    note, attribute = update.line.note, update.is_attributed
    ledger = called_today(ledger, update.outcome.workspace)
    return _compared(
        update.root, update.outcome, update.ladder, ledger, note, update.doubts, progress, attribute=attribute
    )


def write(update: Update, progress: Progress, *, with_report: bool = True) -> Update:
    """Write the files of an update, all at once, then its ledger line if there is news, then the list of updates.

    Returns what was written. Where other updates have been written since this one was computed, it is compared with
    them: what is new, what changed and what moved it are then others, the probabilities are not. A warning says that
    files were changed meanwhile. The lock of the workspace is held while that is decided and written, not while
    anything is sampled.

    Raises WorkspaceProblems and OSError.
    """
    drawn = _files(update, progress, with_report=with_report)
    with locked(update.root):
        now = _compared_anew(update, progress)
        # Drawn twice only where another update came in between, which is rare.
        replace_folder(now.folder, drawn if now is update else _files(now, progress, with_report=with_report))
        if now.is_new:
            read = now.outcome.workspace
            keep_inputs(now.root, read.contents, read.digests)  # before the line that names them
            append(now.root, now.line)
        else:
            seal(now.root, now.ledger.texts[-1:])  # an update may have been interrupted before it was copied
        if with_report:
            from forecast.publish import write_index

            write_index(now.root, now.outcome, _with_line(now))
        late = _changed_meanwhile(now)
    return replace(now, warnings=(*now.warnings, *late))


def _changed_meanwhile(update: Update) -> tuple[Problem, ...]:
    """Warn where files were changed after an update had read them: its line is the last one, and they are newer."""
    read, now = update.outcome.workspace.digests, find_files(update.root).digests
    paths = [path for path in sorted({*read, *now}) if read.get(path) != now.get(path)]
    if not paths:
        return ()
    what = "this file changed while the forecast was computed; the forecast does not include the change"
    more = f"and {len(paths) - 1} more" if len(paths) > 1 else ""
    return (Problem(Source(paths[0], 1), what, more, "run `forecast update` again", "warning"),)


def _files(update: Update, progress: Progress, *, with_report: bool) -> dict[str, bytes]:
    files = {"forecast.json": as_json(update.forecast), "forecast.csv": as_csv(update.forecast.table)}
    return files | _report(update, progress) if with_report else files


def _report(update: Update, progress: Progress) -> dict[str, bytes]:
    from forecast.publish import published

    return published(asked_of(update), progress)


def asked_of(update: Update) -> ReportRequest:
    """Return what the report of an update is about (forecast.publish)."""
    from forecast.analysis.why import since_update
    from forecast.publish import ReportRequest
    from forecast.report.section import recorded_in

    forecast, updates = update.outcome, _with_line(update)
    start = since_update(update.root, updates, forecast, None, None)
    recorded = recorded_in(update.line, updates)
    return ReportRequest(
        update.root, forecast, prior_outcome(forecast), update.forecast, updates, start, update.warnings, recorded
    )


def _with_line(update: Update) -> tuple[Line, ...]:
    return update.ledger.with_update(update.line) if update.is_new else update.ledger.updates


def tree_of(update: Update) -> DataTree:
    """Build the DataTree of an update, as forecast.nc holds it."""
    from forecast.report.page import report_tree
    from forecast.report.section import recorded_in

    recorded = recorded_in(update.line, _with_line(update))
    return report_tree(update.outcome, prior_outcome(update.outcome), recorded)


def check(session: Session) -> tuple[Workspace | None, tuple[Problem, ...]]:
    """Read a workspace and return it (None if its files hold errors) with every problem and warning, sorted.

    The ledger is one of the files: no update goes on from one that cannot be read.
    """
    root, today = session.root, session.now
    workspace, problems = read_workspace(root, today=today)
    try:
        problems = tuple(sorted([*problems, *read_ledger(root).warnings]))
    except WorkspaceProblems as error:
        return None, tuple(sorted([*problems, *error.problems]))
    if workspace is not None and today >= workspace.network.opens:
        workspace = seen_on(workspace, today)
        if impossible := impossibilities(workspace, today):
            return None, tuple(sorted([*problems, *impossible]))
        try:
            problems = tuple(sorted([*problems, *_doubts(session, workspace)]))
        except WorkspaceProblems as error:  # statements that are read at too great a cost
            return None, tuple(sorted([*problems, *error.problems]))
    return workspace, problems


def impossibilities(workspace: Workspace, as_of: date) -> tuple[Problem, ...]:
    """Return the errors of rules that cannot hold together, of what events require and something lacks, and of size."""
    workspace = seen_on(workspace, as_of)
    layout = lay_out(workspace.network)
    if rules := incoherent_rules(workspace, layout, as_of):
        return rules
    try:
        with told_as_problems(workspace):
            query(compile_opening(layout), workspace.scenarios)  # plans it, and refuses what is too large
            if not layout.excluded:
                return ()
            spec = prior_spec(layout, workspace, as_of)
            check_possible(workspace, compile_workspace(layout, workspace, as_of), spec)
    except WorkspaceProblems as impossible:
        return impossible.problems
    return ()


def steps_implied(session: Session, workspace: Workspace) -> tuple[NextStep, ...]:
    """Return what the prior implies for each next step of an event; nothing where it has not been sampled yet."""
    from forecast.analysis.next_step import next_steps

    layout = lay_out(workspace.network)
    spec = prior_spec(layout, workspace, session.now)
    base = cached_draws(spec, session.seed, session.cache)
    if base is None:
        return ()
    prior = outcome(workspace, layout, layout.opens, session.seed, unweighted(workspace, layout, spec, base))
    return next_steps(prior, at_opening=True)


def _doubts(session: Session, workspace: Workspace) -> tuple[Problem, ...]:
    """Return warnings that need the compiled network, and (once the statements have been sampled) the prior."""
    from forecast.analysis.structure import Structure

    layout, as_of = lay_out(workspace.network), session.now
    network = compile_workspace(layout, workspace, as_of)
    structure = Structure(workspace=workspace, layout=layout, as_of=as_of)
    doubts = (*evidence_doubts(network, workspace), *by_date_doubts(layout, workspace, as_of))
    spec = prior_spec(layout, workspace, as_of)
    base = cached_draws(spec, session.seed, session.cache)
    if base is None:
        return (*doubts, *structure.doubts())
    from forecast.analysis.next_step import next_step_doubts

    prior = outcome(workspace, layout, layout.opens, session.seed, unweighted(workspace, layout, spec, base))
    far = _far(base, spec)  # told with their remedies
    doubts += (*structure.doubts(far), *_disagreements(workspace, as_of, session.seed, base, spec))
    doubts += next_step_doubts(prior)
    shares = prior.posterior.evaluation.scenarios.mean(axis=1)
    if shares[-1] <= WIDEST_OTHER or not workspace.scenarios:
        return doubts
    wide = Problem(
        workspace.scenarios[0].source,
        f"in the prior, no scenario holds with probability {share(float(shares[-1]), 2)}",
        "",
        f"the scenarios are too narrow above {WIDEST_OTHER}; give their rules fewer conditions",
        "warning",
    )
    return (*doubts, wide)


def _disagreements(workspace: Workspace, as_of: date, seed: int, base: Draws, spec: PriorSpec) -> tuple[Problem, ...]:
    """Return a warning for each statement that the prior ends far from, with what can be done about it."""
    said = {statement.id: statement for statement in workspace.statements}
    far = _far(base, spec)
    if not far:
        return ()
    from forecast.analysis.remedies import kept_remedies

    remedies = kept_remedies(workspace, as_of, seed, spec, base)
    return tuple(
        Problem(
            said[name].source,
            f"statement '{name}' says {'more' if residual > 0 else 'less'} than all statements together imply",
            f"{abs(residual):.1f} sd away",
            f"within {DISAGREES:g}; {f'{told}; ' if (told := remedies.get(name)) else ''}"
            f"see `forecast experts {said[name].expert}`",
            "warning",
        )
        for name, residual in far.items()
    )


def _far(base: Draws, spec: PriorSpec) -> dict[str, float]:
    """Return how far, in sd, the prior ends from each statement that it ends far from."""
    gaps = kept_residuals(spec, base).items()
    return {name: gap for name, gap in gaps if gap is not None and abs(gap) > DISAGREES}


def _moved(
    outcome: Outcome, line: Line, compared: Line | None, items: Sequence[str], progress: Progress
) -> tuple[MovedBy, ...]:
    """Return what each new item adds to each scenario, and what other changes of the inputs leave to explain.

    Sorted by the largest effect on any scenario. The remainder is only given where something else did change.
    """
    parts = parts_of(outcome.workspace, items)
    effects = leave_out(outcome.workspace, outcome.posterior, parts, progress) if items else {}
    rows = [
        MovedBy(what=item, kind="item", effects=dict(zip(outcome.scenario_ids, map(float, effect), strict=True)))
        for item, effect in effects.items()
    ]
    if compared is not None and (others := other_changes(line, compared)):
        before = compared.probabilities
        rest = {
            name: estimate.probability - before[name] - sum(row.effects[name] for row in rows)
            for name, estimate in outcome.scenarios.items()
            if name in before
        }
        rows.append(MovedBy(what=" and ".join(others), kind="inputs", effects=rest))
    return tuple(sorted(rows, key=lambda row: (-max(map(abs, row.effects.values()), default=0.0), row.what)))
