"""Workspaces whose commands are stopped: which commands, what of their files is compared, and what must hold after."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner

from forecast import pipeline
from forecast.commands import running
from forecast.commands.coding import CODE
from forecast.commands.main import main
from forecast.digests import digest_of
from forecast.files import BEFORE, DEAD_SECONDS, PARTIAL
from forecast.ledger.entries import encode
from forecast.ledger.ledger import LEDGER, read_ledger
from forecast.session import Session
from forecast.workspace.files import UNFINISHED
from tests.crash.killed import Calls, watched
from tests.entries import entries

RUNNER = Path(__file__).with_name("killed.py")
SAMPLES = Path(__file__).parents[1] / "workspace/feeds/samples"
TODAY = date(2026, 11, 1)
State = Mapping[str, bytes]

QUESTIONS = """- id: on-sale
  question: Is it on sale by October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-01
  resolves: the first sale
"""
ITEM = """- id: shops-list-it
  reported: 2026-07-10
  source: newspaper
  credibility: 2
  headline: Shops list it.
  bears_on:
  - {event: launch, support: moderate, for: limited, until: 2026-12-31}
"""
STATEMENT = ["--expert", "market_analyst", "--date", "2026-06-01", "--publisher", "A letter", "--says", "So."]
STATEMENT += ["--about", "success=yes", "--form", "probability", "--value", "0.3", "--why", "As said.", "--id", "so"]
EVIDENCE = ["--headline", "Shops sell it", "--reported", "2026-06-25", "--claims", "launch=limited", "--id", "sold"]
NEW_SOURCE = ["--source", "gazette", "--source-name", "The Gazette", "--grade", "B"]
MATRIX, ACH = str(SAMPLES / "ach.csv"), ["--format", "ach", "--event", "launch"]


@dataclass(frozen=True)
class Row:
    """A command that writes: its arguments behind `forecast`, and the files that it writes, in the order of writing.

    `weight` is its part of the kills; `begins` changes the workspace that it is run in; `says` is what it prints at the
    end, where that is not that a file is written. To hold another command to the same rules, add a row to ROWS.
    """

    name: str
    arguments: tuple[str, ...]
    files: tuple[str, ...]
    weight: int = 1
    options: tuple[str, ...] = field(default=("--yes",))
    begins: Callable[[Path], None] = field(default=lambda _: None)
    says: str = ""

    def call(self, root: Path) -> list[str]:
        """Return all arguments for a workspace."""
        return [*(one.replace("{root}", str(root)) for one in self.arguments), "-C", str(root), *self.options]


def fork(root: Path) -> None:
    """Let two branches have added a line each to the ledger of a workspace, as git's union merge leaves them."""
    ledger = read_ledger(root)
    branches = [encode(replace(ledger.updates[-1], note=note, previous=ledger.last)) for note in ("here", "there")]
    text = "".join(f"{line}\n" for line in (*ledger.texts, *branches))
    (root / LEDGER).write_text(text, encoding="utf-8")


CODED = """- id: {expert}-soon
  date: 2026-02-01
  expert: {expert}
  source: {{publisher: A letter}}
  says: Quite likely.
  about: {{event: success, state: yes}}
  probability: {{best: 0.3, low: 0.1, high: 0.6}}
  coded_by: editor
  why: As said.
"""
SHEET, NEW_QUESTIONS = "sheet.yaml", "new.csv"
TABLE = "id,question,about,by,resolves\nearns,Does it earn its keep?,success=yes,2026-12-31,by the books\n"


def to_be_coded(root: Path) -> None:
    """Give a workspace two coded remarks in two files, and a sheet in which somebody else codes both."""
    remarks = []
    for expert, name in (("market_analyst", "outside"), ("project_lead", "team")):
        statements = root / f"priors/statements/{name}.yaml"
        statements.write_text(statements.read_text("utf-8") + CODED.format(expert=expert), encoding="utf-8")
        remark = digest_of(f"{expert}-soon")[:CODE]
        remarks.append(f"- remark: {remark}\n  probability: {{best: 0.4, low: 0.2, high: 0.7}}\n  why: So it reads.\n")
    (root / SHEET).write_text("coder: zoe\nremarks:\n" + "".join(remarks), encoding="utf-8")


def to_be_asked(root: Path) -> None:
    """Put a table of questions into a workspace."""
    (root / NEW_QUESTIONS).write_text(TABLE, encoding="utf-8")


AS_OF = ("update", "--as-of", "2026-07-15")
DAY = "reports/2026-07-15/forecast.json"
ROWS = (
    Row("update", (*AS_OF, "--no-report"), (DAY, LEDGER), 4, ()),
    Row("resolve", ("resolve", "on-sale", "--void", "--known", "2026-06-30"), ("priors/resolutions.jsonl",), 2),
    Row("add statement", ("add", "statement", *STATEMENT), ("priors/statements/market_analyst.yaml",)),
    Row("add evidence", ("add", "evidence", *EVIDENCE, "--source", "newspaper"), ("evidence/2026-06-25-sold.yaml",)),
    Row(
        "add evidence of a new source",
        ("add", "evidence", *EVIDENCE, *NEW_SOURCE, "--no-effect"),
        ("evidence/sources.yaml", "evidence/2026-06-25-sold.yaml"),
    ),
    Row("add judgement", ("add", "judgement", "on-sale", "0.3", "--on", "2026-06-01"), ("priors/judgements.csv",), 2),
    Row("roll", ("roll", "--horizon", "2027-06-30", "--on", "2026-06-20"), ("priors/network.yaml",), 2),
    Row("import evidence", ("import", "evidence", MATRIX, *ACH), ("evidence/2026-11-01-ach.yaml",)),
    Row(
        "import benchmark",
        ("import", "benchmark", str(SAMPLES / "manifold.json"), "--format", "manifold", "--id", "m"),
        ("priors/benchmarks/m.csv",),
    ),
    Row(
        "backtest",
        ("backtest", "--from", "2026-05-01", "--to", "2026-07-01", "--workers", "1"),
        ("reports/replay.jsonl", "reports/replay.csv"),
        2,
        (),
    ),
    Row(
        "rename",
        ("rename", "event", "success", "profit"),
        (
            "priors/renames.jsonl",
            "priors/scenarios.yaml",
            "priors/statements/outside.yaml",
            "priors/network.yaml",
        ),
        2,
        says="written: ",
    ),
    Row(
        "code",
        ("code", "--read", f"{{root}}/{SHEET}"),
        ("priors/statements/outside.yaml", "priors/statements/team.yaml"),
        2,
        begins=to_be_coded,
        says="written: ",
    ),
    Row(
        "add questions",
        ("add", "questions", f"{{root}}/{NEW_QUESTIONS}"),
        ("priors/questions.yaml",),
        1,
        begins=to_be_asked,
    ),
    Row("merge", ("merge",), (LEDGER,), 1, (), fork, "joined two branches"),
)
WITH_PAGE = Row(
    "update with its page", AS_OF, (DAY, "reports/2026-07-15/report.html", LEDGER, "reports/index.html"), 1, ()
)


def prepare(root: Path, draws: Path) -> Path:
    """Write the example with a question, an update, half of a replay, and news that no update has seen.

    `draws` is the folder of caches of another copy of the example.
    """
    done("init", str(root))
    shutil.copytree(draws, root / "reports/.cache")
    (root / "priors/questions.yaml").write_text(QUESTIONS, encoding="utf-8")
    done("update", "-C", str(root), "--as-of", "2026-07-15", "--no-report")
    done("backtest", "-C", str(root), "--from", "2026-05-01", "--to", "2026-07-01", "--workers", "1")
    (root / "evidence/2026-07-10-shops-list-it.yaml").write_text(ITEM, encoding="utf-8")
    for kept in (root / "reports/replay.csv", root / "reports/replay.jsonl", *entries(root, "posterior")):
        kept.unlink()
    for number, day in enumerate(entries(root, "replay")):
        if number % 2:
            day.unlink()  # these dates are to be computed, from draws that are there
    return root


def done(*arguments: str) -> None:
    """Run a command that has to succeed."""
    ended = run(Path(), "never", 0, arguments)
    if ended.returncode:
        raise RuntimeError(ended.stderr)


def command(root: Path, how: str, number: int, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a process that runs a command so (tests.crash.killed)."""
    return [sys.executable, str(RUNNER), how, str(number), TODAY.isoformat(), str(root), *arguments]


def run(root: Path, how: str, number: int, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, or to where it is stopped.

    One that ends by itself, with what the system answers or without, runs in this process: most of its time would be
    that of starting Python.
    """
    if how == "never" or hasattr(errno, how):
        return _run_here(root, how, number, arguments)
    called = command(root, how, number, arguments)
    return subprocess.run(called, capture_output=True, text=True, timeout=1200, check=False)


def _run_here(root: Path, how: str, number: int, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    refusing = nullcontext() if how == "never" else watched(Calls(how, number, str(root)))
    with patch.object(running, "today", lambda: TODAY), refusing:
        ended = CliRunner().invoke(main, [*arguments], prog_name="forecast")
    failed = ended.exception is not None and not isinstance(ended.exception, SystemExit)
    err = "".join([ended.stderr, *(traceback.format_exception(ended.exception) if failed else ())])
    return subprocess.CompletedProcess([*arguments], ended.exit_code, ended.stdout, err)


def state(root: Path) -> dict[str, bytes]:
    """Return what is in a workspace, as its readers find it: all files but caches, the lock and what was left over."""
    found: dict[str, bytes] = {}
    for at, folders, names in os.walk(root):
        folders[:] = [one for one in folders if one != ".cache" and not PARTIAL.fullmatch(one)]
        for name in names:
            path = Path(at, name)
            place = path.relative_to(root)
            if name == ".lock" or PARTIAL.fullmatch(name):
                continue
            if kept := BEFORE.fullmatch(place.parent.name):
                if place.parent.with_name(kept[1]).exists() or (root / place.parent.with_name(kept[1])).exists():
                    continue
                place = place.parent.with_name(kept[1]) / name
            found[place.as_posix()] = path.read_bytes()
    return found


def left_over(root: Path) -> list[Path]:
    """Return what killed processes have left behind, caches apart."""
    return [path for path in root.rglob("*") if PARTIAL.fullmatch(path.name) or BEFORE.fullmatch(path.name)]


def aged(root: Path) -> None:
    """Make what was left behind old enough for nobody to be writing it."""
    then = time.time() - DEAD_SECONDS - 60
    for path in left_over(root):
        os.utime(path, (then, then))


def problems(root: Path) -> tuple[str, ...]:
    """Return what `forecast check` says."""
    return tuple(str(one) for one in pipeline.check(Session(root, TODAY))[1])


@dataclass(frozen=True)
class Course:
    """What a row does to a workspace if nothing comes in between.

    Its state and problems before and after, the calls that write, and how long it takes.
    """

    row: Row
    template: Path
    before: State
    after: State
    said_before: tuple[str, ...]
    said_after: tuple[str, ...]
    calls: tuple[str, ...]
    seconds: float


class Courses:
    """Courses of rows in one workspace, each looked at once, below a folder of their own."""

    def __init__(self, template: Path, folder: Path) -> None:
        self.template, self._folder = template, folder
        self._found: dict[str, Course] = {}

    def of(self, row: Row) -> Course:
        """Return what a row does undisturbed."""
        if row.name not in self._found:
            self._found[row.name] = _course(row, self.template, self._folder)
        return self._found[row.name]


def _course(row: Row, template: Path, folder: Path) -> Course:
    """Run a row in a copy of a workspace, and look at it before and after."""
    root = copied(template, folder / "course", row)
    before, said = state(root), problems(root)
    started = time.perf_counter()
    ended = run(root, "count", 0, row.call(root))
    seconds = time.perf_counter() - started
    if ended.returncode or not acknowledged(row, ended.stdout):
        raise RuntimeError(f"{row.name}: {ended.stdout}{ended.stderr}")
    after, calls = state(root), tuple(ended.stderr.rpartition("calls: ")[2].split())
    expected = {path for path in after if after[path] != before.get(path)}
    if not set(row.files) <= expected:
        raise RuntimeError(f"{row.name} wrote {sorted(expected)}, not {row.files}")
    found = Course(row, template, before, after, said, problems(root), calls, seconds)
    shutil.rmtree(root)
    return found


def acknowledged(row: Row, out: str) -> bool:
    """Say whether a command has said that its last file is written."""
    if row.says:
        return row.says in out
    last = row.files[-1] if row.name.startswith(("update", "import", "add", "resolve", "roll")) else "replay.csv"
    said = re.findall(r"^(?:written: (.*)|new: a line in (.*))$", out, re.MULTILINE)
    return any(last in (one or other) or other for one, other in said)


def copied(template: Path, root: Path, row: Row | None = None) -> Path:
    """Copy a workspace, for a row as it begins; the kept draws are linked, which no command writes in place."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root, copy_function=_linked)
    if row is not None:
        row.begins(root)
    return root


def _linked(source: str, target: str) -> None:
    if "/.cache/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def judge(course: Course, root: Path, out: str, when: str) -> bool:
    """Hold a workspace to what must be so after a command that did not end well; return whether it had said *written*.

    Every file is as before or as after. What was acknowledged is there. `check` finds what it found before or would
    find after, and the ledger is whole, a continuation of the one before. The forecast can be shown.
    """
    found, told = state(root), acknowledged(course.row, out)
    # Of several files that change in one step readers are told that it is not finished, and how it is.
    unfinished = not told and found.pop(UNFINISHED, None) is not None
    for path in sorted({*found, *course.before, *course.after}):
        allowed = (course.after.get(path),) if told else (course.before.get(path), course.after.get(path))
        assert found.get(path) in allowed, f"{when}: {path} is neither as before nor as after; acknowledged: {told}"
    assert found[LEDGER].startswith(course.before[LEDGER]), when
    assert len(read_ledger(root).entries) == len(found[LEDGER].splitlines()), when
    if unfinished:
        assert all(one.startswith(f"{UNFINISHED}:1: a rename is not finished") for one in problems(root)), when
    elif found == course.before:
        assert course.said_before == problems(root), when
    elif found == course.after:
        assert course.said_after == problems(root), when
    else:
        assert [] == [one for one in problems(root) if ": warning: " not in one], when
    return told


def go_on(course: Course, root: Path, when: str) -> None:
    """Run the command again as it is: it completes, the end is the right one, and what was left over is gone."""
    found = state(root)
    was_done = all(found[path] == course.after[path] for path in course.row.files if path in found)
    was_done = was_done and set(course.row.files) <= set(found)
    aged(root)
    ended = run(root, "never", 0, course.row.call(root))
    assert "Traceback" not in ended.stderr, f"{when}: {ended.stderr}"
    if not was_done:
        assert 0 == ended.returncode, f"{when}, again: {ended.stdout}{ended.stderr}"
        # An update whose line is there already has nothing new to say, and finishes what stands behind the line.
        has_line = LEDGER in course.row.files and found.get(LEDGER) == course.after[LEDGER]
        assert has_line or acknowledged(course.row, ended.stdout), f"{when}, again: {ended.stdout}"
        touched = {(root / path).parent for path in course.row.files} | {root / "reports"}
        assert [] == [path for path in left_over(root) if path.parent in touched], when
    found = state(root)
    differing = [path for path in {*found, *course.after} if found.get(path) != course.after.get(path)]
    assert [] == differing, f"{when}, again"
