"""Every reader of outside bytes, each as one function from bytes to what is wrong with what came out of it.

What may come out: a value without NaN, or problems, each on one line that can be printed, at a line that the file has.
Any other exception is a failure of the reader, and passes through.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

import numpy as np

from forecast.analysis.replay_day import forecaster_courses, scenario_courses
from forecast.ledger.entries import encode
from forecast.ledger.ledger import LEDGER, read_ledger
from forecast.ledger.outcome import kept_forecast
from forecast.ledger.verified import verified_chain
from forecast.networks.bif import read_bif
from forecast.networks.formats import formats, read_network
from forecast.networks.formats.uai import read_evidence
from forecast.publish import _calibration
from forecast.scoring.read import read_forecasts
from forecast.scoring.score_table import score as scores
from forecast.scoring.world import read_table
from forecast.workspace.csv_text import parse_csv, parse_json_lines
from forecast.workspace.feeds import feeds_of
from forecast.workspace.feeds.coded_table import Coder, File
from forecast.workspace.feeds.counted import Wanted, count
from forecast.workspace.feeds.formats.ach import Ach
from forecast.workspace.feeds.histories import Crowd, HistorySelection, read_points
from forecast.workspace.files import InputFiles
from forecast.workspace.problems import Problem, WorkspaceProblems
from forecast.workspace.question_table import draft_questions
from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace
from forecast.workspace.yaml_text import parse_yaml
from tests.hostile.whole import whole
from tests.ledgers import digest, update
from tests.report.kept import keep
from tests.workspace.feeds.coded_files import APRIL, FILES, REPORTED, SAMPLES
from tests.workspace.writing import QUESTION_TABLE

LINE_END = re.compile(rb"\r\n|\n|\r")
TODAY = date(2026, 11, 1)
NOW = 1.8e9
NETWORKS = Path(__file__).parents[1] / "networks/data"
POOLED = (
    b"expert,question,best,low,high,level,outcome,date,group,weight\n"
    b"ann,rain,.3,.2,.5,.9,1,2026-01-02,g,2\nbob,rain,.6,,,,1,,,\n"
)
SCORED = (
    b"question,forecaster,time,probability,outcome,opens,closes\nrain,ann,2026-01-02,0.5,1,2026-01-01,2026-01-11\n",
    b"""question,forecaster,time,state,probability,outcome,opens,closes,scheduled_close,topic,order
w,ann,2026-01-02,a,0.5,a,2026-01-01,2026-01-11,2026-01-12,t,1
w,ann,2026-01-02,b,0.5,a,2026-01-01,2026-01-11,2026-01-12,t,2
""",
    b"""question,forecaster,time,quantile,value,outcome,opens,closes
n,bob,2026-01-02T10:00:00Z,.05,1,3.5,2026-01-01,2026-01-11
n,bob,2026-01-02T10:00:00Z,.5,2,3.5,2026-01-01,2026-01-11
n,bob,2026-01-02T10:00:00Z,.95,4,3.5,2026-01-01,2026-01-11
""",
    b"""question,forecaster,time,state,probability,outcome,opens,closes,known,end_time
o,ann,2026-01-02,a,0.5,a=0.5; b=0.5,2026-01-01,2026-01-11,2026-01-09,2026-01-05
o,ann,2026-01-02,other,0.5,,,,,
o,bob,2026-01-03,a,0.2,,,,,
o,bob,2026-01-03,b,0.3,,,,,
o,bob,2026-01-03,other,0.5,,,,,
s,bob,2026-01-03,,0.5,0.35,2026-01-01,2026-01-11,,
""",
)
EXPORTED = b"""Question ID,Forecaster Username,Start Time,End Time,Forecaster Count,Probability Yes Per Category
7,somebody,2026-04-01 05:00:00+00:00,,,
7,recency_weighted,2026-04-01 06:00:00+00:00,2026-04-02 06:00:00+00:00,3,"[0.2, None, 0.8]"
7,recency_weighted,2026-04-05 06:00:00+00:00,,3,"[0.2, 0.3, 0.5]"
"""


DAY = "2026-07-01"
KEPT = (
    b'{"as_of": "2026-07-01", "scenarios": [{"id": "other", "probability": 0.5, "quantiles": {"0.05": 0.1}}],\n'
    b' "events": [{"id": "launch", "states": [{"state": "none", "probability": 1, "mcse": null}]}]}\n'
)


@dataclass(frozen=True)
class Reader:
    """A reader, valid files to begin with, and how many of a million cases are its own."""

    check: Callable[[bytes], list[str]]
    seeds: tuple[bytes, ...]
    share: int  # in thousands: the faster, the more


def undefined(value: object, place: str = "") -> Iterator[str]:
    """Yield the places of numbers that are NaN, in records, maps, lists and arrays."""
    if isinstance(value, float):
        if math.isnan(value):
            yield f"NaN at {place}"
    elif isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and np.isnan(value).any():
            yield f"NaN at {place}"
    elif is_dataclass(value):
        for one in fields(value):
            yield from undefined(getattr(value, one.name), f"{place}.{one.name}")
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from undefined(part, f"{place}[{key!r}]")
    elif isinstance(value, tuple | list):
        for number, part in enumerate(value):
            yield from undefined(part, f"{place}[{number}]")


def not_located(problems: Iterable[Problem], contents: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the problems that are not one printable line at a line that the file has."""
    found = tuple(problems)
    ends = {path: len(LINE_END.findall(contents[path])) for path in {one.source.path for one in found} & set(contents)}
    for problem in found:
        text = str(problem)
        path, line = problem.source.path, problem.source.line
        lines = ends.get(path, 0) + 1
        if path not in contents and problem.what != "file is missing":
            yield f"of no file: {text[:200]}"
        if not 1 <= line <= lines:
            yield f"of no line: {text[:200]}"
        if len(text.splitlines()) != 1 or not text.isprintable():
            yield f"cannot be printed as a line: {text[:200]!a}"
        if len(text) > 16_000:
            yield f"too long: {text[:200]}"


def _raised(content: bytes, path: str, make: Callable[[], object]) -> list[str]:
    try:
        value = make()
    except WorkspaceProblems as found:
        return list(not_located(found.problems, {path: content})) or ([] if found.problems else ["no problem"])
    return list(undefined(value))


def _found(content: bytes, read_bytes: Callable[[bytes, str], tuple[object, tuple[Problem, ...]]]) -> list[str]:
    value, problems = read_bytes(content, "f.csv")
    return [*undefined(value), *not_located(problems, {"f.csv": content})]


def _tree(content: bytes) -> list[str]:
    # A tree may hold .nan, as it was written; no record does, which the readers of the workspace's files show.
    return list(not_located(parse_yaml(content, "f.yaml")[1], {"f.yaml": content}))


@cache
def _contents() -> dict[str, bytes]:
    return whole()


@cache
def valid() -> Workspace:
    """Return the workspace whose files are changed."""
    found, problems = _read(_contents())
    if found is None:
        raise ValueError("\n".join(map(str, problems)))
    return found


def _read(contents: dict[str, bytes]) -> tuple[Workspace | None, tuple[Problem, ...]]:
    # As `read_workspace` does, the files being in memory: a million times is too often to look for them.
    with patch("forecast.workspace.files.find_files", lambda _: InputFiles(contents, ())):
        return read_workspace(Path("/nowhere"), today=TODAY)


def _in_workspace(path: str, content: bytes) -> list[str]:
    contents = {**_contents(), path: content}
    found, problems = _read(contents)
    wrong = list(not_located(problems, contents))
    if (found is None) != any(problem.severity == "error" for problem in problems):
        wrong.append("a workspace with errors, or none without")
    return [*wrong, *(undefined(found) if found is not None else ())]


@cache
def _file(name: str) -> Path:
    memory = Path("/dev/shm")  # a disk is slow for a million files
    return Path(mkdtemp(prefix="hostile-", dir=memory if memory.is_dir() else None)) / name


def _on_disk(name: str, make: Callable[[Path], object], content: bytes) -> list[str]:
    path = _file(name)
    path.write_bytes(content)
    return _raised(content, path.as_posix(), partial(make, path))


def _network(ending: str, content: bytes) -> list[str]:
    form = next(one for one in formats() if ending in one.endings)
    return _raised(content, f"f{ending}", lambda: form.read(content, f"f{ending}"))


def _evidence(content: bytes) -> list[str]:
    known = read_network(NETWORKS / "dog.uai")
    return _raised(content, "f.evid", lambda: read_evidence(content, "f.evid", known))


def _scored(path: Path) -> object:
    found = read_forecasts([path], around=True)
    scores(found)
    return found.questions  # the arrays have NaN where a row says nothing, which is no result


def _ledger(content: bytes) -> list[str]:
    root = _file("root")
    (root / "reports").mkdir(parents=True, exist_ok=True)
    (root / LEDGER).write_bytes(content)
    verified_chain(root)  # takes any bytes
    return _raised(content, LEDGER, partial(read_ledger, root))


def _chained() -> bytes:
    first = update("2026-07-01")
    return f"{encode(first)}\n{encode(update('2026-07-02', previous=digest(first)))}\n".encode()


def _coded(form: str, content: bytes) -> list[str]:
    found = count([File("f", content)], feeds_of(Coder)[form], Wanted("events", *APRIL, REPORTED, (), is_whole=True))
    in_order = 0 <= found.low <= found.best <= found.high
    return [*([] if in_order else ["counts out of order"]), *not_located(found.problems, {"f": content})]


def _matrix(event: str | None, content: bytes) -> list[str]:
    found = Ach().read(content, "f.csv", event, valid().network, valid().scenarios)
    # What is wrong in the items that it would give is told at the row of each.
    _, problems = parse_yaml(found.text.encode(), "f.yaml")
    placed = [found.placed(one, "f.yaml", "f.csv") for one in problems]
    return list(not_located([*found.problems, *placed], {"f.csv": content}))


def _of_reports(name: str, make: Callable[[Path], object], content: bytes) -> list[str]:
    root = _file("root")
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return _raised(content, name, partial(make, root))


@cache
def _kept() -> dict[str, bytes]:
    root = _file("kept")
    (root / "reports").mkdir(parents=True)
    keep(root)
    return {path.name: path.read_bytes() for path in (root / "reports").iterdir()}


def _questions(content: bytes) -> list[str]:
    """Draft the questions of a table; what is wrong with them is told at its rows."""
    with patch("forecast.workspace.files.find_files", lambda _: InputFiles(_contents(), ())):
        draft = draft_questions(Path("/nowhere"), content, "f.csv", TODAY)
    wrong = list(not_located((one for one in draft.problems if one.source.path == "f.csv"), {"f.csv": content}))
    return wrong if draft.workspace is not None or draft.problems else [*wrong, "no questions and no problem"]


def readers() -> dict[str, Reader]:
    """Return every reader by its name."""
    contents = _contents()
    trees = tuple(content for path, content in contents.items() if path.endswith(".yaml"))
    tables = tuple(content for path, content in contents.items() if path.endswith(".csv"))
    lines = (contents["priors/resolutions.jsonl"],)
    found = {
        "yaml": Reader(_tree, trees, 120),
        "csv": Reader(partial(_found, read_bytes=parse_csv), tables, 200),
        "json-lines": Reader(partial(_found, read_bytes=parse_json_lines), lines, 160),
        "bif": Reader(
            partial(_on_disk, "f.bif", read_bif), tuple(p.read_bytes() for p in sorted(NETWORKS.glob("*.bif"))), 40
        ),
        "evidence": Reader(_evidence, ((NETWORKS / "dog.uai.evid").read_bytes(),), 20),
        "pool": Reader(partial(_on_disk, "pool.csv", lambda path: read_table(path, TODAY)), (POOLED,), 80),
        "score": Reader(partial(_on_disk, "score.csv", _scored), SCORED, 60),
        "questions": Reader(_questions, (QUESTION_TABLE,), 8),
        "ledger": Reader(_ledger, (_chained(),), 60),
        "ach": Reader(partial(_matrix, "launch"), ((SAMPLES / "ach.csv").read_bytes(),), 30),
    }
    of_reports: dict[str, tuple[Callable[[Path], object], bytes]] = {
        "reports/calibration.json": (_calibration, _kept()["calibration.json"]),
        "reports/replay.jsonl": (scenario_courses, _kept()["replay.jsonl"]),
        "reports/replay.csv": (forecaster_courses, _kept()["replay.csv"]),
        f"reports/{DAY}/forecast.json": (lambda root: kept_forecast(root, DAY), KEPT),
    }
    for name, (make, seed) in of_reports.items():
        found[name] = Reader(partial(_of_reports, name, make), (seed,), 15)
    for file in sorted(NETWORKS.iterdir()):
        if file.suffix in (".xdsl", ".xmlbif", ".net", ".uai", ".dne"):
            found[file.name] = Reader(partial(_network, file.suffix), (file.read_bytes(),), 20)
    for form, name in FILES.items():
        found[form] = Reader(partial(_coded, form), ((SAMPLES / name).read_bytes(),), 25)
    for form, crowd in feeds_of(Crowd).items():
        check = partial(_found, read_bytes=partial(read_points, crowd=crowd, now=NOW))
        found[form] = Reader(check, ((SAMPLES / f"{form}.json").read_bytes(),), 25)
    export = partial(read_points, crowd=feeds_of(Crowd)["metaculus"], now=NOW, selection=HistorySelection(picks=("1",)))
    found["metaculus export"] = Reader(partial(_found, read_bytes=export), (EXPORTED,), 40)
    for path, content in contents.items():
        if path.endswith((".yaml", ".csv", ".jsonl")):
            found[path] = Reader(partial(_in_workspace, path), (content,), 4)
    return found
