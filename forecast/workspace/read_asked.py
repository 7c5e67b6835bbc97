"""Read what is asked: the questions, what others and oneself forecast of them, and how they ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from forecast.workspace import files
from forecast.workspace.frame import Frame
from forecast.workspace.names import list_of
from forecast.workspace.nodes import ListNode, Node, text_at
from forecast.workspace.problems import Problem, shown
from forecast.workspace.read_benchmarks import read_benchmark, read_judgements
from forecast.workspace.read_questions import read_questions
from forecast.workspace.read_resolutions import read_resolutions
from forecast.workspace.records import Benchmark, Question, Resolved
from forecast.workspace.renames import NO_RENAMES, Renames


@dataclass(frozen=True)
class AskedRead:
    """The questions in file order, every series by its id, the resolutions in file order, and the problems found."""

    questions: tuple[Question, ...]
    benchmarks: Mapping[str, Benchmark]
    resolutions: tuple[Resolved, ...]
    renames: Renames  # with the names of today's questions
    problems: tuple[Problem, ...]


def read_asked(
    found: files.InputFiles, trees: Mapping[str, Node], frame: Frame, renames: Renames = NO_RENAMES
) -> AskedRead:
    """Read the four kinds of files; all of them are optional. Lines of those that are never edited follow `renames`."""
    problems: list[Problem] = []
    benchmarks: dict[str, Benchmark] = {}
    for path, content in found.benchmarks().items():
        series, more = read_benchmark(content, path, frame.today)
        benchmarks[series.id] = series
        problems += more
    tree = trees.get(files.QUESTIONS, ListNode((), 1))
    ids = tuple(name for entry in list_of(tree) if (name := text_at(entry, "id")) is not None)
    renames = replace(renames, known={**renames.known, "question": ids})
    read = read_questions(tree, files.QUESTIONS, frame, tuple(benchmarks), renames)
    problems += read.problems
    problems += [one for question in read.questions for one in _given_twice(question, benchmarks)]
    judged: dict[str, Benchmark] = {}
    if files.JUDGEMENTS in found.contents:
        content = found.contents[files.JUDGEMENTS]
        judged, more = read_judgements(content, files.JUDGEMENTS, frame.today, read.ids, renames)
        problems += more
    benchmarks |= {series.id: series for series in judged.values()}
    resolutions: tuple[Resolved, ...] = ()
    if files.RESOLUTIONS in found.contents:
        content = found.contents[files.RESOLUTIONS]
        resolutions, more = read_resolutions(content, files.RESOLUTIONS, frame, read, renames)
        problems += more
    questions = tuple(
        replace(question, benchmarks=(*question.benchmarks, judged[question.id].id))
        if question.id in judged
        else question
        for question in read.questions
    )
    return AskedRead(questions, benchmarks, resolutions, renames, tuple(problems))


def _given_twice(question: Question, benchmarks: Mapping[str, Benchmark]) -> Iterator[Problem]:
    """Name who has a number of one day in two series of a question: neither is the later one."""
    first: dict[tuple[date, str], str] = {}
    told: set[tuple[str, str, str]] = set()
    for name in question.benchmarks:
        for day, forecaster, _ in benchmarks[name].points if name in benchmarks else ():
            other = first.setdefault((day, forecaster), name)
            if other != name and (other, name, forecaster) not in told:
                told.add((other, name, forecaster))
                what = f"question {shown(question.id)}: {forecaster} stands on {day} in two of its series"
                allowed = "one number of each forecaster a day; rename one or leave a series out"
                yield Problem(question.source, what, f"{shown(other)} and {shown(name)}", allowed)
