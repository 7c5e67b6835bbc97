"""Read what is asked: the questions, what others and oneself forecast of them, and how they ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from forecast.workspace import files
from forecast.workspace.frame import Frame
from forecast.workspace.nodes import Node, Sequence
from forecast.workspace.problems import Problem, shown
from forecast.workspace.read_benchmarks import read_benchmark, read_judgements
from forecast.workspace.read_questions import read_questions
from forecast.workspace.read_resolutions import read_resolutions
from forecast.workspace.records import Benchmark, Question, Resolved


@dataclass(frozen=True)
class AskedRead:
    """The questions in file order, every series by its id, the resolutions in file order, and the problems found."""

    questions: tuple[Question, ...]
    benchmarks: Mapping[str, Benchmark]
    resolutions: tuple[Resolved, ...]
    problems: tuple[Problem, ...]


def read_asked(found: files.InputFiles, trees: Mapping[str, Node], frame: Frame) -> AskedRead:
    """Read the four kinds of files; all of them are optional."""
    problems: list[Problem] = []
    benchmarks: dict[str, Benchmark] = {}
    for path, content in found.benchmarks().items():
        series, more = read_benchmark(content, path, frame.today)
        benchmarks[series.id] = series
        problems += more
    read = read_questions(trees.get(files.QUESTIONS, Sequence((), 1)), files.QUESTIONS, frame, tuple(benchmarks))
    problems += read.problems
    problems += [one for question in read.questions for one in _given_twice(question, benchmarks)]
    judged: dict[str, Benchmark] = {}
    if files.JUDGEMENTS in found.contents:
        judged, more = read_judgements(found.contents[files.JUDGEMENTS], files.JUDGEMENTS, frame.today, read.ids)
        problems += more
    benchmarks |= {series.id: series for series in judged.values()}
    resolutions: tuple[Resolved, ...] = ()
    if files.RESOLUTIONS in found.contents:
        resolutions, more = read_resolutions(found.contents[files.RESOLUTIONS], files.RESOLUTIONS, frame, read)
        problems += more
    questions = tuple(
        replace(question, benchmarks=(*question.benchmarks, judged[question.id].id))
        if question.id in judged
        else question
        for question in read.questions
    )
    return AskedRead(questions, benchmarks, resolutions, tuple(problems))


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
