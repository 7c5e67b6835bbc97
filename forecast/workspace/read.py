"""From a folder to a checked workspace: every problem of every file in one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter
from pathlib import Path

from forecast.workspace import files
from forecast.workspace.names import Frame, Readable, collect_names, duplicates, list_of
from forecast.workspace.nodes import ListNode, MapNode, Node, Scalar, plain, text_at
from forecast.workspace.problems import (
    Problem,
    Source,
    WorkspaceProblems,
    choice,
    look_alikes,
    of_tables,
    one_form,
    shown,
    without_echoes,
)
from forecast.workspace.read_benchmarks import forecasters_of, read_benchmark, read_judgements
from forecast.workspace.read_decisions import read_decisions
from forecast.workspace.read_evidence import read_evidence, read_tables
from forecast.workspace.read_network import read_network
from forecast.workspace.read_people import read_experts, read_grades, read_sources, read_watch
from forecast.workspace.read_questions import read_questions, read_resolutions, resolved_items, with_reporter
from forecast.workspace.read_renames import leading_nowhere, names_by_kind, read_renames, unfinished_rename
from forecast.workspace.read_scenarios import read_scenarios
from forecast.workspace.read_statements import read_statements
from forecast.workspace.records import (
    AnyQuestion,
    Benchmark,
    DateQuestion,
    DecisionProblem,
    Expert,
    Item,
    Network,
    NumberQuestion,
    Question,
    ReportSource,
    Resolved,
    Scenario,
    Statement,
    Workspace,
)
from forecast.workspace.renames import NO_RENAMES, Grade, Letter, Renames
from forecast.workspace.rules import RULES
from forecast.workspace.slips import ids_as_meant, is_of_a_name, names_as_meant
from forecast.workspace.yaml_text import parse_yaml


@dataclass(frozen=True)
class AskedRead:
    """Questions of all kinds in file order, every series by its id, resolutions in file order, and problems found."""

    questions: tuple[AnyQuestion, ...]
    benchmarks: Mapping[str, Benchmark]
    resolutions: tuple[Resolved, ...]
    renames: Renames  # with the names of today's questions
    problems: tuple[Problem, ...]


def read_asked(
    inputs: files.InputFiles, trees: Mapping[str, Node], frame: Frame, renames: Renames = NO_RENAMES
) -> AskedRead:
    """Read the four kinds of files; all of them are optional. Lines of those that are never edited follow `renames`."""
    problems: list[Problem] = []
    benchmarks: dict[str, Benchmark] = {}
    partly: set[str] = set()  # series of which something could not be read
    for path, content in inputs.benchmarks().items():
        series, more = read_benchmark(content, path, frame.today)
        benchmarks[series.id] = series
        problems += more
        partly |= {series.id} if more else set()
    tree = trees.get(files.QUESTIONS, ListNode((), 1))
    ids = tuple(name for entry in list_of(tree) if (name := text_at(entry, "id")) is not None)
    is_readable = files.QUESTIONS in trees or files.QUESTIONS not in inputs.contents
    renames = replace(renames, known={**renames.known, "question": ids} if is_readable else renames.known)
    read = read_questions(tree, files.QUESTIONS, frame, tuple(benchmarks), renames)
    read = read if is_readable else replace(read, ids=None)
    problems += read.problems
    problems += [problem for question in read.questions for problem in _given_twice(question, benchmarks)]
    problems += [
        problem for question in read.questions for problem in _unknown_forecasters(question, benchmarks, partly)
    ]
    judged: dict[str, Benchmark] = {}
    if files.JUDGEMENTS in inputs.contents:
        content = inputs.contents[files.JUDGEMENTS]
        others = forecasters_of(benchmarks)
        judged, more = read_judgements(content, files.JUDGEMENTS, frame.today, read.ids, renames, others)
        problems += more
    problems += [
        Problem(judged[one.id].source, f"a judgement of {shown(one.id)}, which asks for a date or a number", "", YES_NO)
        for one in read.questions
        if one.id in judged and isinstance(one, DateQuestion | NumberQuestion)
    ]
    benchmarks |= {series.id: series for series in judged.values()}
    problems += _look_alikes(inputs, benchmarks)
    resolutions: tuple[Resolved, ...] = ()
    if files.RESOLUTIONS in inputs.contents:
        content = inputs.contents[files.RESOLUTIONS]
        resolutions, more = read_resolutions(content, files.RESOLUTIONS, frame, read, renames)
        problems += more
    questions = tuple(
        replace(question, benchmarks=(*question.benchmarks, judged[question.id].id))
        if question.id in judged
        else question
        for question in read.questions
    )
    return AskedRead(questions, benchmarks, resolutions, renames, tuple(problems))


def _look_alikes(inputs: files.InputFiles, benchmarks: Mapping[str, Benchmark]) -> Iterator[Problem]:
    """Warn of forecasters and authors whom a person takes for one and who are two: each would be scored by itself."""
    first: dict[str, Source] = {}
    for series in benchmarks.values():
        for _, who, _ in series.points:
            first.setdefault(who, series.source)
    for name, other, strange in look_alikes(first):
        where = first[name]
        lines = one_form(inputs.contents[where.path].decode("utf-8", "replace")).split("\n")
        cells = ({cell.strip(' "') for cell in line.split(",")} for line in lines)
        line = next((at for at, names in enumerate(cells, 1) if name in names), where.line)
        what = f"forecaster {shown(name)} looks like {shown(other)} and is another one"
        yield Problem(Source(where.path, line), what, strange, "write both alike if one is meant", "warning")


YES_NO = "a probability of yes, of a question that ends in yes or no"


def _given_twice(question: AnyQuestion, benchmarks: Mapping[str, Benchmark]) -> Iterator[Problem]:
    """Name who has a number of one day in two series of a question: neither is the later one."""
    first: dict[tuple[date, str], str] = {}
    named: set[tuple[str, str, str]] = set()
    for name in question.benchmarks:
        for day, forecaster, _ in benchmarks[name].points if name in benchmarks else ():
            other = first.setdefault((day, forecaster), name)
            if other != name and (other, name, forecaster) not in named:
                named.add((other, name, forecaster))
                what = f"question {shown(question.id)}: {forecaster} stands on {day} in two of its series"
                allowed = "one number of each forecaster a day; rename one or leave a series out"
                yield Problem(question.source, what, f"{shown(other)} and {shown(name)}", allowed)


def _unknown_forecasters(
    question: AnyQuestion, benchmarks: Mapping[str, Benchmark], partly: Set[str]
) -> Iterator[Problem]:
    """Name who is said to go by another reading of a question and stands in none of its series, if all can be read."""
    if not partly.isdisjoint(question.benchmarks) or not benchmarks.keys() >= {*question.benchmarks}:
        return
    names = {who for name in question.benchmarks if name in benchmarks for _, who, _ in benchmarks[name].points}
    for reading in question.readings if isinstance(question, Question) else ():
        for who in reading.forecasters:
            if who not in names:
                what = f"question {shown(question.id)}: reading {shown(reading.name)}: unknown forecaster {shown(who)}"
                yield Problem(question.source, what, "", choice("forecasters", who, sorted(names)))


Contents = Mapping[str, bytes]
MAPS = (files.NETWORK, files.EXPERTS, files.SOURCES, files.WATCH, files.GRADES)
NO_LIST = ListNode((), 1)
NO_MAP = MapNode({}, {}, 1)


def load(root: Path, today: date, inputs: Contents | None = None) -> Workspace:
    """Return the checked workspace below `root`, or raise WorkspaceProblems with all that is wrong in it.

    `inputs` are the contents of all files, by path, where others than those on disk are meant.
    """
    workspace, problems = read_workspace(root, today=today, inputs=inputs)
    if workspace is None:
        raise WorkspaceProblems(problems)
    return workspace


@dataclass(frozen=True, kw_only=True)
class _Declared:
    """What stands in one file of each kind, and what is wrong there. `network` is None where it cannot be read."""

    frame: Frame
    network: Network | None
    scenarios: tuple[Scenario, ...]
    experts: Mapping[str, Expert]
    grades: Mapping[Letter, Grade]
    sources: Mapping[str, ReportSource]
    watched_until: date | None
    problems: tuple[Problem, ...]


def _read_declared(trees: Mapping[str, Node], today: date) -> _Declared:
    """Read the network, the scenarios, the people and the sources."""
    problems: list[Problem] = []
    names = collect_names(
        trees.get(files.NETWORK),
        trees.get(files.SCENARIOS),
        trees.get(files.EXPERTS),
        trees.get(files.SOURCES),
        (files.NETWORK, files.SCENARIOS),
    )
    network = None
    if (tree := trees.get(files.NETWORK)) is not None:
        read = read_network(tree, files.NETWORK, names, today)
        network, problems = read.network, [*read.problems]
    scenarios, about_scenarios = read_scenarios(
        trees.get(files.SCENARIOS, NO_LIST), files.SCENARIOS, names, today, network.otherwise if network else None
    )
    experts, about_experts = read_experts(trees.get(files.EXPERTS, NO_MAP), files.EXPERTS, today)
    grades, about_grades = read_grades(trees.get(files.GRADES, NO_MAP), files.GRADES, today)
    sources, about_sources = read_sources(trees.get(files.SOURCES, NO_MAP), grades, files.SOURCES, today)
    problems += [*about_scenarios, *about_experts, *about_grades, *about_sources]
    watched_until = None
    if (tree := trees.get(files.WATCH)) is not None:
        watched_until, more = read_watch(tree, files.WATCH, network.opens if network else None, today)
        problems += more
    return _Declared(
        frame=Frame(
            names, network, today, tuple(replace(rule, name=rule.id, summary="", in_words="") for rule in scenarios)
        ),
        network=network,
        scenarios=scenarios,
        experts=experts,
        grades=grades.of,
        sources=sources,
        watched_until=watched_until,
        problems=tuple(problems),
    )


@dataclass(frozen=True, kw_only=True)
class _Dated:
    """What people said, what was reported and what is asked, and what is wrong with it, rules over all included."""

    statements: tuple[Statement, ...]
    items: tuple[Item, ...]
    questions: AskedRead
    sources: Mapping[str, ReportSource]
    renames: Renames
    problems: tuple[Problem, ...]


def _read_dated(contents: files.InputFiles, trees: Mapping[str, Node], declared: _Declared) -> _Dated:
    """Read statements, evidence and questions, each by the names that are declared."""
    frame = declared.frame
    problems: list[Problem] = []
    said = [read_statements(trees[path], path, frame) for path in contents.statements() if path in trees]
    reported = [read_evidence(trees[path], path, frame) for path in contents.evidence() if path in trees]
    tables, more = read_tables(contents, trees, frame)
    reported += tables
    problems += more
    is_every_statement_read = all(path in trees for path in contents.statements())
    is_every_item_read = all(path in trees for path in contents.evidence()) and not more
    for problems_of_file in (*(file.problems for file in said), *(file.problems for file in reported)):
        problems += problems_of_file
    made, more = read_renames(contents.contents.get(files.RENAMES, b""), files.RENAMES, frame.today)
    problems += more
    questions = read_asked(contents, trees, frame, Renames(made, names_by_kind(frame.names)))
    problems += questions.problems
    statement_ids = [pair for file in said for pair in file.ids]
    item_ids = [pair for file in reported for pair in file.ids]
    problems += duplicates(statement_ids, "statement")
    if item_ids and files.SOURCES not in contents.contents:
        problems.append(Problem(Source(files.SOURCES, 1), "file is missing", "", "it lists the sources of the items"))

    statements = tuple(sorted((s for file in said for s in file.statements), key=lambda s: s.id))
    resolved = resolved_items(questions.resolutions, frame.events)
    item_ids += [(item.id, item.source) for item in resolved]
    problems += duplicates(item_ids, "item")
    items = tuple(sorted((*(i for file in reported for i in file.items), *resolved), key=attrgetter("id")))
    ids: dict[str, list[str]] = {}
    if is_every_statement_read:
        ids["statement"] = [name for name, _ in statement_ids]
    if is_every_item_read:
        ids["item"] = [name for name, _ in item_ids]
    renames = replace(questions.renames, known={**questions.renames.known, **ids})
    problems += leading_nowhere(renames)
    readable = Readable(
        frame,
        declared.experts,
        statements,
        is_every_statement_read and all(file.is_whole for file in said),
        items,
        tuple(sorted({name for name, _ in item_ids})) if is_every_item_read else None,
        tuple(pair for file in reported for pair in file.superseding),
    )
    return _Dated(
        statements=statements,
        items=items,
        questions=questions,
        sources=with_reporter(declared.sources, resolved, Source(files.RESOLUTIONS, 1)),
        renames=renames,
        problems=(*problems, *(problem for rule in RULES for problem in rule(readable))),
    )


def read_workspace(
    root: Path, *, today: date, drafts: Contents | None = None, inputs: Contents | None = None
) -> tuple[Workspace | None, tuple[Problem, ...]]:
    """Read and check all files below `root`, as of the day of reading, `today`.

    `drafts` are contents of files, by path, that stand for what is on disk, or are not there yet; `inputs` are those of
    all files: then nothing on disk is looked at.
    Returns the workspace (None if any problem is an error) and all problems, warnings included, sorted by place."""
    if inputs is None and (problem := unfinished_rename(root)) is not None:
        return None, (problem,)
    on_disk = files.find_files(root) if inputs is None else files.given_files(inputs)
    contents = on_disk.with_drafts(drafts or {})
    parsed, problems = _parse(contents)
    trees, slips = ids_as_meant(parsed)
    problems += slips
    declared, dated, decisions, found = _read_trees(contents, trees, today)
    if any(is_of_a_name(problem) for problem in found):
        trees, slips = names_as_meant(trees, contents)
        if slips:  # read again as it was meant: whatever else is wrong is told, and nothing that follows from a slip
            problems += slips
            declared, dated, decisions, found = _read_trees(contents, trees, today)

    # One mistake can be seen from two sides; it is said once. So is one that every row of a table has.
    ordered = of_tables(without_echoes({*problems, *contents.problems, *found}))
    if declared.network is None or any(problem.severity == "error" for problem in ordered):
        return None, ordered
    workspace = Workspace(
        root=str(root),
        network=declared.network,
        scenarios=declared.scenarios,
        experts=declared.experts,
        statements=dated.statements,
        sources=dated.sources,
        items=dated.items,
        watched_until=declared.watched_until,
        digests=contents.digests,
        questions=tuple(one for one in dated.questions.questions if isinstance(one, Question)),
        further=tuple(one for one in dated.questions.questions if not isinstance(one, Question)),
        benchmarks=dated.questions.benchmarks,
        resolutions=dated.questions.resolutions,
        grades=declared.grades,
        warnings=ordered,
        contents=contents.contents,
        renames=dated.renames,
        decisions=decisions,
    )
    return workspace, ordered


def _read_trees(
    contents: files.InputFiles, trees: Mapping[str, Node], today: date
) -> tuple[_Declared, _Dated, tuple[DecisionProblem, ...], tuple[Problem, ...]]:
    declared = _read_declared(trees, today)
    dated = _read_dated(contents, trees, declared)
    decisions, wrong = read_decisions(trees.get(files.DECISIONS, NO_LIST), files.DECISIONS, declared.frame)
    return declared, dated, decisions, (*declared.problems, *dated.problems, *wrong)


def _parse(inputs: files.InputFiles) -> tuple[dict[str, Node], list[Problem]]:
    """Return the tree of each file that can be read and is of the right form at its top, and the problems."""
    trees: dict[str, Node] = {}
    problems: list[Problem] = []
    for path, content in inputs.trees().items():
        tree, more = parse_yaml(content, path)
        problems += more
        wrong = None if tree is None else _wrong_top(tree, path)
        if wrong is not None:
            problems.append(wrong)
        elif tree is not None:
            trees[path] = tree
    return trees, problems


def _wrong_top(tree: Node, path: str) -> Problem | None:
    source = Source(path, tree.line)
    if isinstance(tree, Scalar) and tree.value is None:
        return Problem(source, "the file is empty", "", "an unused file is deleted")
    if path == files.SCENARIOS:
        is_right, allowed = isinstance(tree, ListNode) and bool(tree.items), "a list of scenarios: - id: ..."
    elif path in MAPS or path.endswith(files.COLUMN_MAP):
        is_right, allowed = isinstance(tree, MapNode), "a map: key: value"
    else:
        is_right, allowed = not isinstance(tree, Scalar), "a list: - id: ..."
    return None if is_right else Problem(source, "the file has the wrong form", shown(plain(tree)), allowed)
