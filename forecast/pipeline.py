"""The daily job as one function: read, compile, prior, reweight, scenarios, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.compiled.asof import compile_workspace
from forecast.compiled.doubts import evidence_doubts
from forecast.compiled.layout import Layout, lay_out
from forecast.compiled.reports import UndefinedError
from forecast.digits import share
from forecast.files import replace_folder
from forecast.lock import locked
from forecast.prior.by_dates import by_date_doubts
from forecast.prior.draws import Draws, cached_draws, prior_draws
from forecast.prior.residuals import DISAGREES, kept_residuals
from forecast.prior.spec import PriorSpec, active_statements, prior_spec
from forecast.record.changes import changes, other_changes
from forecast.record.entries import Line
from forecast.record.kept import keep_inputs, seal
from forecast.record.kept_forecast import kept_forecast
from forecast.record.ledger import LEDGER, Ledger, append, has_news, line_to_compare, read_ledger
from forecast.record.new_line import new_line
from forecast.record.outcome import Outcome, outcome, prior_outcome
from forecast.record.predictive import prior_predictive, with_flat
from forecast.record.recomputed import recomputed
from forecast.record.renamed import called_today, table_today
from forecast.record.tables import as_csv, as_json, forecast_table
from forecast.reweight.evaluate import ContradictionError
from forecast.reweight.kept import keep_posterior, kept_posterior, posterior_place
from forecast.reweight.moved import leave_out, parts_of
from forecast.reweight.posterior import Posterior, posterior, unweighted
from forecast.store.versions import installed_versions
from forecast.workspace.alternatives import Alternative, alternative_workspace
from forecast.workspace.files import find_files
from forecast.workspace.horizons import seen_on
from forecast.workspace.misfits import misfits
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.read import Contents, load, read_workspace
from forecast.workspace.records import Item, Workspace

if TYPE_CHECKING:
    from xarray import DataTree

    from forecast.answers.why import Start
    from forecast.publish import Asked

DEFAULT_SEED = 20250806
WIDEST_OTHER = 0.4  # prior probability of `other` above which the scenarios miss too much of what may happen
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Update:
    """An update that is computed but not yet written.

    `forecast` is the content of forecast.json; `line` the ledger line it would add; `ledger` what stands before it;
    `is_new` whether anything differs from the last line; `edited` ids of items and statements that were changed after
    the compared update used them; `warnings` name statements that their own fit misses or the model ends far from, and
    evidence that weighs much or may count twice. Of these `doubts` hold whatever the ledger holds. `is_attributed`:
    the forecast tells what moved it.
    """

    root: Path
    outcome: Outcome
    forecast: dict[str, Any]
    line: Line
    ledger: Ledger
    is_new: bool
    edited: tuple[str, ...]
    warnings: tuple[Problem, ...]
    doubts: tuple[Problem, ...]
    is_attributed: bool

    @property
    def folder(self) -> Path:
        """Where the files of this update go."""
        return self.root / "reports" / self.outcome.as_of.isoformat()


def conclude(
    root: Path,
    today: date,
    progress: Progress,
    *,
    as_of: date | None = None,
    seed: int = DEFAULT_SEED,
    refit: bool = False,
    note: str | None = None,
    attribute: bool = True,
    n_lines: int | None = None,
    inputs: Contents | None = None,
    cache: Path | None = None,
) -> Update:
    """Read a workspace and compute its forecast as of a date (default: today). Nothing is written but cached draws.

    With `n_lines` only so many lines of the ledger are there to compare with. `inputs` are the contents of all input
    files where others than those on disk are meant; `cache` is the folder of the draws, by default the workspace's.

    Raises WorkspaceProblems for mistakes in the files, for evidence that contradicts itself, and where today is earlier
    than an update that was made, unless the date is named.
    """
    written = read_ledger(root).until(n_lines)
    if as_of is None:
        _check_clock(written, today)
    workspace, layout, as_of = open_workspace(root, today, as_of, inputs)
    ledger = called_today(written, workspace)
    cache = cache or root / "reports" / ".cache"
    try:
        found = posterior(layout, workspace, as_of, seed, cache, progress, refit=refit)
    except ContradictionError as error:
        raise WorkspaceProblems(_contradiction(error)) from error
    except UndefinedError as error:
        raise WorkspaceProblems(_undefined(error, workspace)) from error
    keep_posterior(found, posterior_place(workspace, as_of, seed, cache))
    result = outcome(workspace, layout, as_of, seed, found)
    doubts = (
        *misfits(active_statements(workspace, as_of)),
        *_disagreements(workspace, found.base, found.spec),
        *evidence_doubts(found.asked.network, workspace),
    )
    return _compared(root, result, ledger, note, doubts, progress, attribute=attribute)


def _check_clock(ledger: Ledger, today: date) -> None:
    """Raise WorkspaceProblems where a line is of a later date than today: one of two clocks is wrong."""
    last = max(ledger.updates, key=lambda line: line.as_of, default=None)
    if last is not None and last.as_of > today:
        what = f"this computer's date is earlier than the update as of {last.as_of}; nothing was written"
        allowed = f"set the clock right, or name the day: `forecast update --as-of {today}`"
        raise WorkspaceProblems([Problem(Source(LEDGER, last.number or 1), what, str(today), allowed)])


def _compared(
    root: Path,
    found: Outcome,
    ledger: Ledger,
    note: str | None,
    doubts: tuple[Problem, ...],
    progress: Progress,
    *,
    attribute: bool,
) -> Update:
    """Compare an outcome with the lines of a ledger: what is new, what changed, what moved it."""
    line = new_line(found, note=note, previous=ledger.last)
    compared = line_to_compare(line, ledger.updates)
    table = forecast_table(found, compared, line.version)
    new_items, edited = changes(line, compared)
    table["edited"] = list(edited)
    table["moved"] = _moved(found, line, compared, new_items, progress) if attribute else []
    warnings = (*doubts, *ledger.warnings, *recomputed(line, ledger.updates, ledger.texts))
    is_new = has_news(line, ledger.updates)
    return Update(root, found, table, line, ledger, is_new, edited, warnings, doubts, attribute)


def _compared_anew(update: Update, progress: Progress) -> Update:
    """Return an update against the ledger as it is now; the same one if no line has come since it was compared."""
    ledger = read_ledger(update.root)
    if ledger.texts == update.ledger.texts:
        return update
    note, attribute = update.line.note, update.is_attributed
    ledger = called_today(ledger, update.outcome.workspace)
    return _compared(update.root, update.outcome, ledger, note, update.doubts, progress, attribute=attribute)


def open_workspace(
    root: Path, today: date, as_of: date | None, inputs: Contents | None = None
) -> tuple[Workspace, Layout, date]:
    """Read and check a workspace for a run as of a date. Raises WorkspaceProblems."""
    workspace = load(root, today, inputs)
    as_of = as_of or today
    _check_opened(workspace, as_of)
    seen = seen_on(workspace, as_of)
    return seen, lay_out(seen.network), as_of


def _check_opened(workspace: Workspace, as_of: date) -> None:
    network = workspace.network
    if as_of < network.opens:
        opening = f"a date from the opening {network.opens} on"
        raise WorkspaceProblems([Problem(network.source, "as-of date before the opening", as_of.isoformat(), opening)])


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
            keep_inputs(now.root, now.outcome.workspace.contents)  # before the line that names them
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
    files = {"forecast.json": as_json(update.forecast), "forecast.csv": as_csv(update.forecast)}
    return files | _report(update, progress) if with_report else files


def _report(update: Update, progress: Progress) -> dict[str, bytes]:
    from forecast.publish import published

    return published(asked_of(update), progress)


def asked_of(update: Update) -> Asked:
    """Return what the report of an update is about (forecast.publish)."""
    from forecast.publish import Asked
    from forecast.report.recorded import recorded_in

    found, updates = update.outcome, _with_line(update)
    start = _start(update.root, updates, found, None, None)
    recorded = recorded_in(update.line, updates)
    return Asked(update.root, found, prior_outcome(found), update.forecast, updates, start, update.warnings, recorded)


def _with_line(update: Update) -> tuple[Line, ...]:
    return update.ledger.with_update(update.line) if update.is_new else update.ledger.updates


def tree_of(update: Update) -> DataTree:
    """Build the DataTree of an update, as forecast.nc holds it."""
    from forecast.report.recorded import recorded_in
    from forecast.report.write import report_tree

    recorded = recorded_in(update.line, _with_line(update))
    return report_tree(update.outcome, prior_outcome(update.outcome), recorded)


def alternative_table(
    root: Path,
    today: date,
    progress: Progress,
    alternative: Alternative,
    *,
    as_of: date | None = None,
    seed: int = DEFAULT_SEED,
) -> dict[str, Any]:
    """Compute the forecast that an alternative gives, in the form of forecast.json, against the ordinary one.

    Draws are cached by digest as ever; nothing else is written. Raises WorkspaceProblems, and UnknownNameError.
    """
    workspace, layout, as_of = open_workspace(root, today, as_of)
    other = alternative_workspace(workspace, alternative)

    def said(doing: str) -> Progress:
        return lambda what: progress(f"{doing}: {what}")

    ordinary = _outcome(root, workspace, layout, as_of, seed, said("with everybody"))
    varied = _outcome(root, other, layout, as_of, seed, said(alternative.description))
    table = forecast_table(varied, new_line(ordinary), _version())
    return {"alternative": alternative.description, **table}


def item_effect(
    root: Path,
    before: Workspace,
    after: Workspace,
    item: Item,
    as_of: date,
    progress: Progress,
    *,
    seed: int = DEFAULT_SEED,
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Compute what an item does to the forecast (forecast.answers.effect), and the doubts about evidence it raises.

    `before` and `after` are the workspace without and with it. Nothing is written but cached draws. Raises
    WorkspaceProblems where the item contradicts other evidence.
    """
    from forecast.answers.effect import effect_table

    _check_opened(after, as_of)
    before, after = seen_on(before, as_of), seen_on(after, as_of)
    layout = lay_out(after.network)
    without = _outcome(root, before, layout, as_of, seed, progress)
    table = effect_table(without, _outcome(root, after, layout, as_of, seed, progress), item)
    old, new = (evidence_doubts(compile_workspace(layout, one, as_of), one) for one in (before, after))
    return table, tuple(doubt for doubt in new if doubt not in old)


def check(root: Path, today: date) -> tuple[Workspace | None, tuple[Problem, ...]]:
    """Read a workspace and return it (None if its files hold errors) with every problem and warning, sorted.

    The ledger is one of the files: no update goes on from one that cannot be read.
    """
    workspace, problems = read_workspace(root, today=today)
    try:
        problems = tuple(sorted([*problems, *read_ledger(root).warnings]))
    except WorkspaceProblems as error:
        return None, tuple(sorted([*problems, *error.problems]))
    if workspace is not None and today >= workspace.network.opens:
        workspace = seen_on(workspace, today)
        problems = tuple(sorted([*problems, *_doubts(root, workspace, today)]))
    return workspace, problems


def _doubts(root: Path, workspace: Workspace, as_of: date, seed: int = DEFAULT_SEED) -> tuple[Problem, ...]:
    """Return warnings that need the compiled network, and (once the statements have been sampled) the prior."""
    layout = lay_out(workspace.network)
    network = compile_workspace(layout, workspace, as_of)
    found = (*evidence_doubts(network, workspace), *by_date_doubts(layout, workspace, as_of))
    spec = prior_spec(layout, workspace, as_of)
    base = cached_draws(spec, seed, root / "reports" / ".cache")
    if base is None:
        return found
    found += _disagreements(workspace, base, spec)
    shares = unweighted(workspace, layout, spec, base).evaluation.scenarios.mean(axis=1)
    if shares[-1] <= WIDEST_OTHER or not workspace.scenarios:
        return found
    wide = Problem(
        workspace.scenarios[0].source,
        f"in the prior, no scenario holds with probability {share(float(shares[-1]), 2)}",
        "",
        f"the scenarios are too narrow above {WIDEST_OTHER}; give their rules fewer conditions",
        "warning",
    )
    return (*found, wide)


def _disagreements(workspace: Workspace, base: Draws, spec: PriorSpec) -> tuple[Problem, ...]:
    """Return a warning for each statement that the prior ends far from."""
    said = {statement.id: statement for statement in workspace.statements}
    return tuple(
        Problem(
            said[name].source,
            f"statement '{name}' says {'more' if residual > 0 else 'less'} than all statements together imply",
            f"{abs(residual):.1f} sd away",
            f"within {DISAGREES:g}; see `forecast experts {said[name].expert}`",
            "warning",
        )
        for name, residual in kept_residuals(spec, base).items()
        if residual is not None and abs(residual) > DISAGREES
    )


def prior_table(
    root: Path, today: date, progress: Progress, *, as_of: date | None = None, seed: int = DEFAULT_SEED
) -> dict[str, Any]:
    """Compute what the statements known on a date imply, and the flat prior, in the form of forecast.json."""
    workspace, layout, as_of = open_workspace(root, today, as_of)
    spec = prior_spec(layout, workspace, as_of)
    base = prior_draws(spec, seed, root / "reports" / ".cache", progress)
    found = unweighted(workspace, layout, spec, base)
    prior = outcome(workspace, layout, workspace.network.opens, seed, found)
    return with_flat(forecast_table(prior, None, _version()), prior_predictive(prior))


def experts(
    root: Path, today: date, progress: Progress, *, as_of: date | None = None, seed: int = DEFAULT_SEED
) -> list[dict[str, Any]]:
    """Describe what the statements alone made of each expert, and what each expert said (forecast.feedback.experts)."""
    from forecast.feedback.experts import expert_table

    workspace, layout, as_of = open_workspace(root, today, as_of)
    spec = prior_spec(layout, workspace, as_of)
    base = prior_draws(spec, seed, root / "reports" / ".cache", progress)
    return expert_table(outcome(workspace, layout, as_of, seed, unweighted(workspace, layout, spec, base)))


def sources(
    root: Path, today: date, progress: Progress, *, as_of: date | None = None, seed: int = DEFAULT_SEED
) -> list[dict[str, Any]]:
    """Describe what became of each source that reported (forecast.feedback.sources)."""
    from forecast.feedback.sources import source_table

    return source_table(conclude(root, today, progress, as_of=as_of, seed=seed, attribute=False).outcome)


def concluded(
    root: Path, today: date, progress: Progress, *, as_of: date | None = None, seed: int = DEFAULT_SEED
) -> Outcome:
    """Compute the outcome that answers are about (forecast.answers). Nothing is written but what is cached."""
    workspace, layout, as_of = open_workspace(root, today, as_of)
    return _outcome(root, workspace, layout, as_of, seed, progress, weigh=kept_posterior)


def _outcome(
    root: Path,
    workspace: Workspace,
    layout: Layout,
    as_of: date,
    seed: int,
    progress: Progress,
    *,
    weigh: Callable[..., Posterior] = posterior,
) -> Outcome:
    try:
        found = weigh(layout, workspace, as_of, seed, root / "reports" / ".cache", progress)
    except ContradictionError as error:
        raise WorkspaceProblems(_contradiction(error)) from error
    except UndefinedError as error:
        raise WorkspaceProblems(_undefined(error, workspace)) from error
    return outcome(workspace, layout, as_of, seed, found)


def since_update(root: Path, found: Outcome, event: str | None, on: date | None) -> Start | None:
    """Return where an explanation since an earlier update begins (forecast.answers.why).

    The update is the one of a date or the latest before it; with None the one that a new update would be compared with.
    None if there is none or, for an event, if its forecast.json is gone: the ledger holds scenarios alone.
    """
    return _start(root, called_today(read_ledger(root), found.workspace).updates, found, event, on)


def _start(root: Path, updates: Sequence[Line], found: Outcome, event: str | None, on: date | None) -> Start | None:
    from forecast.answers.why import Start

    line = new_line(found)
    if on is None:
        compared = line_to_compare(line, updates)
    else:
        last = min(on, found.as_of)
        early = sorted((one for one in updates if one.as_of <= last), key=lambda one: one.as_of)
        compared = early[-1] if early else None
    if compared is None:
        return None
    if event is None:
        before = compared.probabilities
        parts = [before.get(name, 0.0) for name in found.scenario_ids]  # a scenario that was not there had none
    else:
        kept = kept_forecast(root, compared.as_of.isoformat())
        if kept is None:
            return None
        table = table_today(kept, compared, found.workspace.renames)
        events = {row["id"]: row for row in table.get("events", ())}
        before = {row["state"]: row["probability"] for row in events.get(event, {"states": []})["states"]}
        parts = [before.get(state, 0.0) for state in found.events[event]]
    known = compared.inputs["items"]
    new = tuple(name for name, digest in line.inputs["items"].items() if known.get(name) != digest)
    day = compared.as_of
    return Start(
        f"the update of {day}", np.array(parts), day, compared.known_until, new, tuple(other_changes(line, compared))
    )


def difference(root: Path, today: date, progress: Progress, first: str, last: str) -> dict[str, Any]:
    """Explain what changed between two forecasts (forecast.answers.diff), each named as forecast.answers.ends reads it.

    A date without a ledger line is computed from the files. Raises WorkspaceProblems, and UnknownUpdateError.
    """
    from forecast.answers.diff import difference as explained
    from forecast.answers.ends import End, UnknownUpdateError, end_of_files, end_of_line, find_line, restored

    workspace = load(root, today)
    ledger = called_today(read_ledger(root), workspace)

    def end(text: str) -> End:
        line = find_line(text, ledger)
        if line is not None:
            return end_of_line(root, line, workspace.renames)
        day = date.fromisoformat(text)
        if day > today:
            msg = f"{day} lies in the future; today is {today}"
            raise UnknownUpdateError(msg)
        _check_opened(workspace, day)
        seen = seen_on(workspace, day)
        found = _outcome(root, seen, lay_out(seen.network), day, DEFAULT_SEED, progress)
        return end_of_files(found)

    ends = end(first), end(last)
    if ends[0].as_of > ends[1].as_of:
        msg = f"{ends[0].name} is later than {ends[1].name}; name the earlier one first"
        raise UnknownUpdateError(msg)
    known = seen_on(restored(workspace, ends[1]), ends[1].as_of)
    found = _outcome(root, known, lay_out(known.network), ends[1].as_of, ends[1].line.seed, progress)
    return explained(*ends, found, progress)


def _version() -> str:
    return installed_versions(["forecast"])["forecast"]


def _moved(
    found: Outcome, line: Line, compared: Line | None, items: Sequence[str], progress: Progress
) -> list[dict[str, Any]]:
    """Return what each new item adds to each scenario, and what other changes of the inputs leave to explain.

    Sorted by the largest effect on any scenario. The remainder is only given where something else did change.
    """
    parts = parts_of(found.workspace, items)
    effects = leave_out(found.workspace, found.posterior, parts, progress) if items else {}
    rows: list[dict[str, Any]] = [
        {"what": item, "kind": "item", "effects": dict(zip(found.scenario_ids, map(float, effect), strict=True))}
        for item, effect in effects.items()
    ]
    if compared is not None and (others := other_changes(line, compared)):
        before = compared.probabilities
        rest = {
            name: estimate.probability - before[name] - sum(row["effects"][name] for row in rows)
            for name, estimate in found.scenarios.items()
            if name in before
        }
        rows.append({"what": " and ".join(others), "kind": "inputs", "effects": rest})
    return sorted(rows, key=lambda row: (-max(map(abs, row["effects"].values()), default=0.0), row["what"]))


def _contradiction(error: ContradictionError) -> list[Problem]:
    names = ", ".join(f"'{item.id}'" for item in error.items)
    return [
        Problem(item.source, f"item '{item.id}' is part of evidence that is impossible together", names, "")
        for item in error.items
    ]


def _undefined(error: UndefinedError, workspace: Workspace) -> list[Problem]:
    if not error.items:
        network = workspace.network.source
        return [Problem(network, "the forecast is undefined without any evidence", error.why, "finite numbers")]
    got = f"{', '.join(f"'{item.id}'" for item in error.items)}: {error.why}"
    return [
        Problem(item.source, f"item '{item.id}' leaves the forecast undefined", got, "finite numbers")
        for item in error.items
    ]
