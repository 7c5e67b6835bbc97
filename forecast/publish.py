"""From an update to its report: what the page asks of the engine, what is kept of earlier runs, and the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.analysis.replay_day import TABLE, forecaster_courses, scenario_courses
from forecast.files import folders_with, replace_file
from forecast.ledger.differences import NOTHING_EDITED, Edited, edited
from forecast.ledger.entries import Line, encode
from forecast.ledger.kept import DamagedInputError, kept_manifest
from forecast.ledger.ledger import line_to_compare, read_ledger
from forecast.ledger.line import LAST_DIGITS, called_today, table_today
from forecast.ledger.outcome import Outcome, UpdateTable, kept_forecast, read_object
from forecast.plain import as_data, from_data
from forecast.report.section import Answers, Kept, Material, Recorded
from forecast.store.entries import once, place_of
from forecast.workers import ALONE, Workers
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.renames import Renames

if TYPE_CHECKING:
    from forecast.analysis.why import Start, Why
    from forecast.report.page import ListedForecast

Progress = Callable[[str], None]

WATCHED_DAYS = 90  # of the watch list
MOST_STEPS = 200  # of a waterfall item by item; of more evidence it goes month by month


@dataclass(frozen=True)
class ReportRequest:
    """What a report is about: a forecast as it is recorded, and the update that it is compared with.

    `ledger` holds the lines that were there when it was made, and `recorded` says which is its own; `start` is None
    where there is no earlier update. With `refits` alternatives that the draws cannot bear are sampled, by `workers`.
    """

    root: Path
    outcome: Outcome
    prior: Outcome
    forecast: UpdateTable
    ledger: tuple[Line, ...]
    start: Start | None
    warnings: tuple[Problem, ...]
    recorded: Recorded
    refits: bool = False
    workers: Workers = ALONE


def published(request: ReportRequest, progress: Progress) -> dict[str, bytes]:
    """Draw the report of a forecast: its files by name. Nothing is written but answers kept in the cache.

    Raises WorkspaceProblems for mistakes in files that the report reads beside the workspace.
    """
    from forecast.report.page import report_files

    drawn = material(request, progress)
    progress("drawing the report")
    return report_files(drawn, progress, elsewhere(request.root, request.outcome))


def material(request: ReportRequest, progress: Progress) -> Material:
    """Gather what a report is drawn from; the engine's answers are computed once and kept under their digest."""
    from forecast.analysis.alternatives import kept_alternatives
    from forecast.analysis.questions import QuestionStatus, question_table

    outcome = request.outcome
    kept = replace(_kept(request.root, outcome), edited=_edited(request))
    answers = _once(request, "answers", lambda: as_data(_answers(request, progress)))
    questions = _once(request, f"questions {_asked_questions(outcome)}", lambda: as_data(question_table(outcome)))
    return Material(
        outcome=request.outcome,
        prior=request.prior,
        ledger=request.ledger,
        recorded=request.recorded,
        forecast=request.forecast.table,
        answers=from_data(Answers, answers),
        questions=from_data(tuple[QuestionStatus, ...], questions),
        alternatives=kept_alternatives(
            outcome, request.root / "reports" / ".cache", progress, refit=request.refits, workers=request.workers
        ),
        kept=kept,
        ranks=_ranks(request, kept),
        warnings=tuple(map(str, request.warnings)),
    )


def _once(request: ReportRequest, what: str, compute: Callable[[], Any]) -> Any:
    """Return what is kept of something that depends on the forecast alone, or compute and keep it."""
    return once(place_of(request.root / "reports" / ".cache", "answers", _told(request), what), compute)


def _ranks(request: ReportRequest, kept: Kept) -> dict[str, str]:
    """Return the figures of the calibrations, each drawn once for a run, whatever the forecast."""
    from forecast.report.sections.checks import drawn_ranks, rank_figures

    cache = request.root / "reports" / ".cache"
    return {
        figure.name: once(place_of(cache, "answers", "ranks", as_data(figure)), partial(drawn_ranks, figure))
        for figure in rank_figures(kept, request.outcome)
    }


def _asked_questions(outcome: Outcome) -> str:
    """Write out the questions and what others say: no digest of a forecast covers them."""
    workspace = outcome.workspace
    return repr((workspace.asked, sorted(workspace.benchmarks.items()), workspace.resolutions))


def write_index(root: Path, outcome: Outcome, updates: Sequence[Line]) -> None:
    """Write reports/index.html, which lists all updates."""
    from forecast.report.page import index_page
    from forecast.words import scenario_names

    recorded = {line.as_of.isoformat() for line in updates}
    listed = [*(_compared(root, line, outcome.workspace.renames) for line in updates), *_unrecorded(root, recorded)]
    page = index_page(outcome.workspace.network.title, scenario_names(outcome), listed, report_days(root))
    replace_file(root / "reports" / "index.html", page.encode())


def _compared(root: Path, line: Line, renames: Renames) -> ListedForecast:
    """List a line; its note has a word where the forecast that stands in its folder has other numbers."""
    from forecast.report.page import ListedForecast

    shares = {share.id: (share.probability, share.mcse) for share in line.scenarios}
    listed = ListedForecast(as_of=line.as_of.isoformat(), note=line.note, shares=shares)
    kept = kept_forecast(root, line.as_of.isoformat())
    if kept is None:
        return listed
    content = table_today(kept, line, renames)
    recorded, here = line.probabilities, {row["id"]: row["probability"] for row in content["scenarios"]}
    if content.get("version") != line.version or recorded.keys() != here.keys():
        return listed  # of other inputs: a later update of the day has a line of its own
    if all(abs(recorded[name] - here[name]) <= LAST_DIGITS for name in recorded):
        return listed
    said = "the ledger's numbers; computed again on this day's page, they come out otherwise"
    return replace(listed, note=f"{line.note}; {said}" if line.note else said)


def _unrecorded(root: Path, recorded: set[str]) -> list[ListedForecast]:
    """List what stands in the folders whose date has a page but no line of the ledger."""
    from forecast.report.page import ListedForecast

    listed = []
    for day in report_days(root):
        if day not in recorded:
            rows = (kept_forecast(root, day) or {"scenarios": []})["scenarios"]
            shares = {row["id"]: (row["probability"], row.get("mcse")) for row in rows}
            listed.append(ListedForecast(as_of=day, note="nothing new: no line in the ledger", shares=shares))
    return listed


def elsewhere(root: Path, outcome: Outcome) -> list[tuple[str, str]]:
    """Return what a report links to: the latest report before it, if there is one, and the list of updates."""
    earlier = max((day for day in report_days(root) if day < outcome.as_of.isoformat()), default=None)
    before = [("Report before", f"../{earlier}/report.html")] if earlier else []
    return [*before, ("All updates", "../index.html")]


def report_days(root: Path) -> list[str]:
    """Return the as-of dates that have a report, in order."""
    return [name for name in folders_with(root / "reports", "report.html") if name[0].isdigit() and "-" in name]


def _answers(request: ReportRequest, progress: Progress) -> Answers:
    from forecast.analysis.chronology import changes
    from forecast.analysis.dependence import dependence
    from forecast.analysis.influence import arrows, judgements
    from forecast.analysis.pairs import pair_table
    from forecast.analysis.story import stories
    from forecast.analysis.target import find_target, probabilities
    from forecast.analysis.watch import watch_list
    from forecast.analysis.why import Start, why, why_by_month
    from forecast.analysis.worlds import worlds, worlds_table
    from forecast.report.section import Inputs, sections
    from forecast.report.sections.sensitivity import parts
    from forecast.report.sections.waterfall import TOP

    outcome, prior = request.outcome, request.prior
    target = find_target(outcome, None)

    def since(start: Start, what: str) -> Why:
        return why(outcome, target, start, "item", TOP, lambda said: progress(f"why, since {what}: {said}"))

    alone = Start("the prior", probabilities(prior, target))
    if len(changes(outcome.workspace, outcome.as_of)) <= MOST_STEPS:
        since_prior = since(alone, "the prior")
    else:
        since_prior = why_by_month(outcome, target, alone, progress)
    start = request.start if request.start is not None and len(request.start.new) <= MOST_STEPS else None
    since_update = since(start, "the last update") if start is not None else None
    rests_on = dependence(outcome, lambda said: progress(f"what each scenario depends on: {said}"))
    progress("the most probable course of each scenario")
    courses = stories(outcome)
    progress("what to watch")
    watch = watch_list(outcome, WATCHED_DAYS, {})
    progress("what the forecast depends on")
    shown_arrows, shown_judgements = arrows(outcome), judgements(outcome)
    made = worlds(outcome, progress)
    table, pairs = worlds_table(outcome, made), pair_table(outcome, made, progress)
    progress("power-scaling, and figures of the draws")
    fit = outcome.posterior.draws.fit()[0]
    inputs = Inputs(outcome=outcome, prior=prior, fit=fit, logs=parts(outcome, fit))
    return Answers(
        stories=courses,
        since_prior=since_prior,
        since_update=since_update,
        watch=watch,
        arrows=shown_arrows,
        judgements=shown_judgements,
        dependence=rests_on,
        worlds=table,
        pair_events=pairs,
        of_sections={section.id: answer for section in sections() if (answer := section.asks(inputs)) is not None},
        figures={name: drawn for section in sections() for name, drawn in section.figures(inputs).items()},
    )


def _told(request: ReportRequest) -> str:
    """Write out all that answers depend on: the forecast, its draws, the update before."""
    outcome, start = request.outcome, request.start
    line = replace(request.recorded.line, note=None, previous=None, kept=None, ladder=None, asked=())
    # What the scenarios' complement is called, and how rules are worded, is no input but stands in answers.
    named = [outcome.workspace.network.otherwise, *(rule.in_words for rule in outcome.workspace.scenarios)]
    parts: list[Any] = [outcome.posterior.draws.digest, outcome.as_of.isoformat(), encode(line), *named]
    if start is not None:
        parts += [start.name, start.parts.tolist(), str(start.on), str(start.known_until), start.new, start.others]
    return json.dumps(parts)


def _edited(request: ReportRequest) -> Edited:
    """Return what was edited since the line that is compared with; its files where its inputs are kept."""
    line = request.recorded.line
    compared = line_to_compare(line, request.ledger)
    if compared is None:
        return NOTHING_EDITED
    try:
        before = kept_manifest(request.root, compared.kept) if compared.kept else {}
    except DamagedInputError:
        before = {}  # `forecast verify` tells of it
    return edited(line, compared, request.outcome.workspace.digests, before)


def _kept(root: Path, outcome: Outcome) -> Kept:
    replay = {
        name: [(day.isoformat(), p) for day, p in zip(course.days, course.probability, strict=True)]
        for name, course in scenario_courses(root).items()
    }
    series = {
        question: {who: [(day.isoformat(), p) for day, p in points] for who, points in by.items()}
        for question, by in forecaster_courses(root).items()
    }
    return Kept(
        replay=replay or None,
        series=series or None,
        scores=_scores(root),
        calibration=_calibration(root),
        posterior_calibration=_posterior_calibration(root),
        record=_record(root, outcome),
    )


def _record(root: Path, outcome: Outcome) -> Mapping[str, Any]:
    from forecast.analysis.record import record

    ledger = called_today(read_ledger(root), outcome.workspace)
    # The line of the forecast itself may not be written yet, and no outcome is known after it.
    found = record(root, outcome.workspace, outcome.layout, outcome.as_of, ledger, before=outcome.as_of)
    table: Mapping[str, Any] = as_data(replace(found, forecasts=()))
    return table


def _scores(root: Path) -> Mapping[str, Any] | None:
    """Return the scores of the table of the replay; they are computed once for its content."""
    path = root / TABLE
    if not path.exists():
        return None

    def computed() -> Mapping[str, Any]:
        from forecast.scoring.read import read_forecasts
        from forecast.scoring.score_table import score

        return score(read_forecasts([path], base=root)).as_json()

    place = place_of(root / "reports" / ".cache", "answers", "scores", path.read_bytes())
    scores: Mapping[str, Any] = once(place, computed)
    return scores


def _calibration(root: Path) -> Mapping[str, Any] | None:
    from forecast.report.sections.checks import CALIBRATION, NEEDED, calibration_of

    what = "a run of simulation-based calibration"
    return _kept_run(root, CALIBRATION, what, NEEDED, "benchmarks.calibration", calibration_of)


def _posterior_calibration(root: Path) -> Mapping[str, Any] | None:
    from forecast.report.sections.checks import POSTERIOR_CALIBRATION, POSTERIOR_NEEDED, posterior_calibration_of

    what = "a run of posterior simulation-based calibration"
    made_by = "benchmarks.posterior_calibration"
    return _kept_run(
        root,
        POSTERIOR_CALIBRATION,
        what,
        POSTERIOR_NEEDED,
        made_by,
        lambda kept: posterior_calibration_of(kept, "", ""),
    )


def _kept_run(
    root: Path, name: str, what: str, needed: Sequence[str], made_by: str, read: Callable[[Mapping[str, Any]], object]
) -> Mapping[str, Any] | None:
    """Return the content of a file that a benchmark wrote, if it is there and `read` understands it."""
    if not (root / name).exists():
        return None
    content = read_object(root, name)
    source = Source(name, 1)
    missing = [key for key in needed if key not in content]
    if missing:
        allowed = f"an object with {', '.join(needed)}"
        raise WorkspaceProblems([Problem(source, what, f"no {missing[0]}", allowed)])
    try:
        read(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        allowed = f"as `python -m {made_by}` writes it"
        raise WorkspaceProblems([Problem(source, what, f"{type(error).__name__}: {error}", allowed)]) from None
    return content
