"""From an update to its report: what the page asks of the engine, what is kept of earlier runs, and the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.analysis.replay_table import TABLE, forecaster_courses, scenario_courses
from forecast.files import folders_with, replace_file
from forecast.ledger.entries import Line, encode
from forecast.ledger.line import LAST_DIGITS
from forecast.ledger.outcome import Outcome
from forecast.ledger.renamed import table_today
from forecast.ledger.tables import kept_forecast, read_object
from forecast.plain import as_data
from forecast.report.material import Answers, Kept, Material
from forecast.report.recorded import Recorded
from forecast.store.entries import once, place_of
from forecast.words import long_date
from forecast.workspace.problems import Problem, Source, WorkspaceProblems
from forecast.workspace.renames import Renames

if TYPE_CHECKING:
    from forecast.analysis.why import Start, Why
    from forecast.report.index import ListedForecast

Progress = Callable[[str], None]
Row = dict[str, Any]

WATCHED_DAYS = 90  # of the watch list
MOST_STEPS = 200  # of a waterfall item by item; of more evidence it goes month by month


@dataclass(frozen=True)
class ReportRequest:
    """What a report is about: a forecast as it is recorded, and the update that it is compared with.

    `ledger` holds the lines that were there when it was made, and `recorded` says which is its own; `start` is None
    where there is no earlier update. With `refits` alternatives that the draws cannot bear are sampled.
    """

    root: Path
    outcome: Outcome
    prior: Outcome
    forecast: Row
    ledger: tuple[Line, ...]
    start: Start | None
    warnings: tuple[Problem, ...]
    recorded: Recorded
    refits: bool = False


def published(asked: ReportRequest, progress: Progress) -> dict[str, bytes]:
    """Draw the report of a forecast: its files by name. Nothing is written but answers kept in the cache.

    Raises WorkspaceProblems for mistakes in files that the report reads beside the workspace.
    """
    from forecast.report.page import report_files

    drawn = material(asked, progress)
    progress("drawing the report")
    return report_files(drawn, progress, elsewhere(asked.root, asked.outcome))


def material(asked: ReportRequest, progress: Progress) -> Material:
    """Gather what a report is drawn from; the engine's answers are computed once and kept under their digest."""
    found = asked.outcome
    answered = _once(asked, "answers", lambda: _answers(asked, progress))
    questions = _once(asked, f"questions {_asked_questions(found)}", lambda: _questions(found))
    return Material(
        outcome=asked.outcome,
        prior=asked.prior,
        ledger=asked.ledger,
        recorded=asked.recorded,
        forecast=asked.forecast,
        answers=Answers(**answered, questions=questions, alternatives=_alternatives(asked, progress)),
        kept=_kept(asked.root),
        warnings=tuple(map(str, asked.warnings)),
    )


def _once(asked: ReportRequest, what: str, compute: Callable[[], Any]) -> Any:
    """Return what is kept of something that hangs on the forecast alone, or compute and keep it."""
    return once(place_of(asked.root / "reports" / ".cache", "answers", _told(asked), what), compute)


def _asked_questions(found: Outcome) -> str:
    """Write out the questions and what others say: no digest of a forecast covers them."""
    workspace = found.workspace
    return repr((workspace.questions, sorted(workspace.benchmarks.items()), workspace.resolutions))


def write_index(root: Path, found: Outcome, updates: Sequence[Line]) -> None:
    """Write reports/index.html, which lists all updates."""
    from forecast.report.index import index_page
    from forecast.words import scenario_names

    recorded = {line.as_of.isoformat() for line in updates}
    listed = [*(_compared(root, line, found.workspace.renames) for line in updates), *_unrecorded(root, recorded)]
    page = index_page(found.workspace.network.title, scenario_names(found), listed, report_days(root))
    replace_file(root / "reports" / "index.html", page.encode())


def _compared(root: Path, line: Line, renames: Renames) -> ListedForecast:
    """List a line; its note has a word where the forecast that stands in its folder has other numbers."""
    from forecast.report.index import ListedForecast

    shares = {share.id: (share.probability, share.mcse) for share in line.scenarios}
    listed = ListedForecast(as_of=line.as_of.isoformat(), note=line.note, shares=shares)
    kept = kept_forecast(root, line.as_of.isoformat())
    if kept is None:
        return listed
    content = table_today(kept, line, renames)
    told, here = line.probabilities, {one["id"]: one["probability"] for one in content["scenarios"]}
    if content.get("version") != line.version or told.keys() != here.keys():
        return listed  # of other inputs: a later update of the day has a line of its own
    if all(abs(told[name] - here[name]) <= LAST_DIGITS for name in told):
        return listed
    said = "the ledger's numbers; computed again on this day's page, they come out otherwise"
    return replace(listed, note=f"{line.note}; {said}" if line.note else said)


def _unrecorded(root: Path, recorded: set[str]) -> list[ListedForecast]:
    """List what stands in the folders whose date has a page but no line of the ledger."""
    from forecast.report.index import ListedForecast

    listed = []
    for day in report_days(root):
        if day not in recorded:
            rows = (kept_forecast(root, day) or {"scenarios": []})["scenarios"]
            shares = {row["id"]: (row["probability"], row.get("mcse")) for row in rows}
            listed.append(ListedForecast(as_of=day, note="nothing new: no line in the ledger", shares=shares))
    return listed


def elsewhere(root: Path, found: Outcome) -> list[tuple[str, str]]:
    """Return what a report links to: the latest report before it, if there is one, and the list of updates."""
    earlier = max((day for day in report_days(root) if day < found.as_of.isoformat()), default=None)
    before = [(f"The report before, {long_date(earlier)}", f"../{earlier}/report.html")] if earlier else []
    return [*before, ("All updates", "../index.html")]


def report_days(root: Path) -> list[str]:
    """Return the as-of dates that have a report, in order."""
    return [name for name in folders_with(root / "reports", "report.html") if name[0].isdigit() and "-" in name]


def _answers(asked: ReportRequest, progress: Progress) -> Row:
    from forecast.analysis.by_month import why_by_month
    from forecast.analysis.chronology import changes
    from forecast.analysis.influence import arrows, judgements
    from forecast.analysis.story import stories
    from forecast.analysis.target import find_target, probabilities
    from forecast.analysis.watch import watch_list
    from forecast.analysis.why import Start, why
    from forecast.analysis.worlds import worlds, worlds_table
    from forecast.report.sections.waterfall import TOP

    found, prior = asked.outcome, asked.prior
    target = find_target(found, None)

    def since(start: Start, what: str) -> Row:
        return _explained(
            why(found, prior, target, start, "item", TOP, lambda said: progress(f"why, since {what}: {said}"))
        )

    alone = Start("the prior", probabilities(prior, target))
    if len(changes(found.workspace, found.as_of)) <= MOST_STEPS:
        since_prior = since(alone, "the prior")
    else:
        since_prior = _explained(why_by_month(found, prior, target, alone, progress))
    start = asked.start if asked.start is not None and len(asked.start.new) <= MOST_STEPS else None
    since_update = since(start, "the last update") if start is not None else None
    progress("the most probable course of each scenario")
    told = stories(found)
    progress("what to watch")
    watch = watch_list(found, WATCHED_DAYS, {})
    progress("what the forecast depends on")
    return {
        "stories": as_data(told),
        "since_prior": since_prior,
        "since_update": since_update,
        "watch": as_data(watch),
        "influence": {"arrows": as_data(arrows(found)), "judgements": as_data(judgements(found))},
        "worlds": worlds_table(found, worlds(found, progress)),
        **_of_sections(asked, progress),
    }


def _explained(told: Why) -> Row:
    """Return an explanation as the page reads it, which chooses its own target and has its error elsewhere."""
    return {key: value for key, value in as_data(told).items() if key not in {"chosen", "mcse"}}


def _of_sections(asked: ReportRequest, progress: Progress) -> Row:
    """Return what sections ask themselves, by their id, and all figures of the draws."""
    from forecast.report.section import Inputs, sections
    from forecast.report.sections.sensitivity import parts

    progress("power-scaling, and figures of the draws")
    fit = asked.outcome.posterior.draws.fit()[0]
    inputs = Inputs(outcome=asked.outcome, prior=asked.prior, fit=fit, logs=parts(asked.outcome, fit))
    return {
        "of_sections": {section.id: answer for section in sections() if (answer := section.asks(inputs)) is not None},
        "figures": {name: drawn for section in sections() for name, drawn in section.figures(inputs).items()},
    }


def _told(asked: ReportRequest) -> str:
    """Write out all that answers hang on: the forecast, its draws, the update before."""
    found, start = asked.outcome, asked.start
    line = replace(asked.recorded.line, note=None, previous=None, kept=None)
    told: list[Any] = [found.posterior.draws.digest, found.as_of.isoformat(), encode(line)]
    if start is not None:
        told += [start.name, start.parts.tolist(), str(start.on), str(start.known_until), start.new, start.others]
    return json.dumps(told)


def _alternatives(asked: ReportRequest, progress: Progress) -> list[Row]:
    from forecast.analysis.alternatives import kept_alternatives

    return kept_alternatives(asked.outcome, asked.root / "reports" / ".cache", progress, refit=asked.refits)


def _questions(found: Outcome) -> list[Row]:
    from forecast.analysis.questions import question_table

    rows: list[Row] = as_data(question_table(found))
    return rows


def _kept(root: Path) -> Kept:
    replay = {
        name: [(day.isoformat(), p) for day, p in zip(course.days, course.probability, strict=True)]
        for name, course in scenario_courses(root).items()
    }
    series = {
        question: {who: [(day.isoformat(), p) for day, p in points] for who, points in by.items()}
        for question, by in forecaster_courses(root).items()
    }
    return Kept(replay=replay or None, series=series or None, scores=_scores(root), calibration=_calibration(root))


def _scores(root: Path) -> Row | None:
    path = root / TABLE
    if not path.exists():
        return None
    from forecast.scoring.read import read_forecasts
    from forecast.scoring.score_table import score

    return score(read_forecasts([path], base=root)).as_json()


def _calibration(root: Path) -> Mapping[str, Any] | None:
    from forecast.report.sections.checks import CALIBRATION, NEEDED, calibration_of

    path = root / CALIBRATION
    if not path.exists():
        return None
    content = read_object(root, CALIBRATION)
    source = Source(CALIBRATION, 1)
    missing = [key for key in NEEDED if key not in content]
    if missing:
        allowed = f"an object with {', '.join(NEEDED)}"
        raise WorkspaceProblems([Problem(source, "a run of simulation-based calibration", f"no {missing[0]}", allowed)])
    try:
        calibration_of(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what, allowed = "a run of simulation-based calibration", "as `python -m benchmarks.calibration` writes it"
        raise WorkspaceProblems([Problem(source, what, f"{type(error).__name__}: {error}", allowed)]) from None
    return content
