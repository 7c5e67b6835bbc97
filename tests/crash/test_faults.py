"""What the disk, missing rights and a wrong clock do to commands: one line says what happened, and nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.commands.running import told
from forecast.files import LOCK, UnwrittenError, locked, replace_folder
from forecast.ledger.ledger import LEDGER
from tests.crash import workspaces
from tests.crash.trials import Trials
from tests.crash.workspaces import ROWS, Courses, Row, acknowledged, copied, state

JUDGEMENT = next(row for row in ROWS if row.name == "add judgement")
READING = (["show"], ["check"], ["log"], ["why", "on_the_market"], ["due"], ["questions"], ["diff", "1", "2"])
SUITED = {
    "ENOSPC": "no space left on device; what was there is as it was; free some space on that disk",
    "EDQUOT": "disk quota exceeded; what was there is as it was; free some of the space that you may use on that disk",
    "EFBIG": "file too large; what was there is as it was; let files be larger there (`ulimit -f` shows the limit of "
    "this shell)",
    "EROFS": "read-only file system; what was there is as it was; copy the workspace to a disk that can be written, or "
    "make this one writable",
    "EACCES": "permission denied; what was there is as it was; get the right to it (`ls -ld` shows who has it)",
    "EPERM": "operation not permitted; what was there is as it was; get the right to it (`ls -ld` shows who has it)",
    "EIO": "input/output error; what was there is as it was; the disk is faulty: see to it",
    "ENXIO": "no such device or address; what was there is as it was; see to it",
}


def refused(courses: Courses, root: Path, how: str, call: str, row: Row = JUDGEMENT) -> tuple[int, str, str]:
    """Run a row whose disk refuses from the last call of a kind on; return status, stdout and stderr."""
    calls = courses.of(row).calls
    number = len(calls) - 1 - calls[::-1].index(call)
    ended = workspaces.run(copied(courses.template, root, row), how, number, row.call(root))
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("how", SUITED)
def test_one_line_says_what_happened(courses: Courses, tmp_path: Path, how: str) -> None:
    """It has the path, what became of the file, and what to do; the exit status is 1."""
    root = tmp_path / "workspace"
    code, out, err = refused(courses, root, how, "write")
    file = root / "priors/judgements.csv"
    assert (1, f"Error: cannot write {file}: {SUITED[how]}, then run this command again\n") == (code, err)
    assert "written" not in out
    assert courses.of(JUDGEMENT).before == state(root)


def test_the_lock(courses: Courses, tmp_path: Path) -> None:
    """Where the lock cannot be had, nothing was written, and the line says so."""
    root = tmp_path / "workspace"
    ended = workspaces.run(copied(courses.template, root), "EROFS", 0, JUDGEMENT.call(root))
    told = f"Error: cannot write {root / LOCK}: read-only file system; nothing was written; copy the workspace to a "
    told += "disk that can be written, or make this one writable, then run this command again\n"
    assert (1, told) == (ended.returncode, ended.stderr)
    assert courses.of(JUDGEMENT).before == state(root)


def test_not_written_before_the_sync(courses: Courses, tmp_path: Path) -> None:
    """A file in its place whose folder cannot be synced is not called written, and the line says why."""
    root = tmp_path / "workspace"
    code, out, err = refused(courses, root, "EIO", "fsync")
    file = root / "priors/judgements.csv"
    told = f"Error: {file} is written, but may not outlast a loss of power: input/output error; the disk is faulty: "
    assert (1, f"{told}see to it, then run this command again\n") == (code, err)
    assert "written" not in out
    assert courses.of(JUDGEMENT).after == state(root)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_refused_at_the_last_file(courses: Courses, tmp_path: Path, row: Row) -> None:
    """Every command that writes says in one line what it could not write."""
    root = tmp_path / "workspace"
    code, out, err = refused(courses, root, "ENOSPC", "write", row)
    told = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert (1, 1, False) == (code, len(told), "Traceback" in err)
    last = "reports/kept/lines/" if row.files[-1] == LEDGER else row.files[-1]  # a copy follows the ledger
    assert told[0].startswith(f"Error: cannot write {root / last}")
    assert ": no space left on device; " in told[0]
    assert not acknowledged(row, out)


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "what this command prints could not be written"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "cannot use /x: permission denied; get the right"),
        (OSError("no scheduler answers"), "no scheduler answers\n"),
    ],
)
def test_whatever_the_system_refuses(monkeypatch: pytest.MonkeyPatch, failure: OSError, line: str) -> None:
    """No command ends with a traceback because the system refuses it something; a reader that has left is quiet."""

    @click.command()
    def failing() -> None:
        raise failure

    monkeypatch.setitem(main.commands, "failing", failing)
    result = CliRunner().invoke(main, ["failing"])
    assert (1, f"Error: {line}") == (result.exit_code, result.stderr[: len(line) + 7])
    assert 1 == result.stderr.count("\n")


def test_a_file_that_was_named_on_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    """What belongs to no workspace is put elsewhere; that of a workspace moves with it."""
    (tmp_path / "w/priors").mkdir(parents=True)
    (tmp_path / "w/priors/network.yaml").touch()
    of_workspace, named = (
        told(UnwrittenError(errno.EROFS, "Read-only file system", str(tmp_path / path)))
        for path in ("w/evidence/new.yaml", "w/net.uai")
    )
    assert "copy the workspace to a disk" in of_workspace
    assert "name a file on a disk" in named
    assert "workspace to" not in named


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_is_refused(workspace: Path) -> None:
    """What cannot be printed is one line of error."""
    with Path("/dev/full").open("w") as full:
        called = workspaces.command(workspace, "never", 0, ["log", "-C", str(workspace)])
        ended = subprocess.run(called, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    told = "Error: what this command prints could not be written: no space left on device; its files may have been; "
    assert (1, f"{told}free some space on that disk, then run this command again\n") == (ended.returncode, ended.stderr)


@pytest.fixture(scope="module")
def informed(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after two updates, in which questions were answered."""
    root = Path(shutil.copytree(workspace, tmp_path_factory.mktemp("informed") / "workspace"))
    for arguments in (ROWS[0].call(root), ["why", "on_the_market", "-C", str(root)], ["diff", "-C", str(root)]):
        workspaces.done(*arguments)
    return root


@pytest.fixture
def readable(informed: Path, tmp_path: Path) -> Iterator[Path]:
    """A workspace after two updates in which nothing may be written."""
    root = Path(shutil.copytree(informed, tmp_path / "workspace"))
    places = [root, *root.rglob("*")]
    for path in places:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    yield root
    for path in places:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o200)


SEVERAL = """import json, sys
from pathlib import Path
from tests.crash.workspaces import run
ended = [run(Path(), "never", 0, call) for call in json.loads(sys.argv[1])]
print(json.dumps([(one.returncode, one.stderr) for one in ended]))
"""


def limited(root: Path, calls: Iterable[Sequence[str]]) -> list[tuple[int, str]]:
    """Run commands that have no more rights than the permissions give: those of root give all.

    Returns the status and stderr of each. They run in one process: what a process may do does not change.
    """
    called = [sys.executable, "-c", SEVERAL, json.dumps([[*arguments, "-C", str(root)] for arguments in calls])]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and `setpriv` is not there to take that from it")
        called = ["setpriv", "--bounding-set=-dac_override", *called]
    ended = subprocess.run(called, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert 0 == ended.returncode, ended.stderr
    return [(code, err) for code, err in json.loads(ended.stdout)]


def test_reading_needs_no_right_to_write(readable: Path) -> None:
    """`show`, `check`, `log`, `why` and others that read work where nothing may be written, and change nothing."""
    before = state(readable)
    for arguments, (code, err) in zip(READING, limited(readable, READING), strict=True):
        assert (0, "") == (code, "".join(_errors(err))), arguments
    assert before == state(readable)


def test_writing_without_the_right(readable: Path) -> None:
    """A command that may not write says so in one line, and changes nothing."""
    before = state(readable)
    ended = limited(readable, [[*row.arguments, *row.options] for row in ROWS[:6]])
    for row, (code, err) in zip(ROWS[:6], ended, strict=True):
        assert "Traceback" not in err, row.name
        assert (1, 1) == (code, len(_errors(err))), f"{row.name}: {err}"
        assert "permission denied" in _errors(err)[0]
    assert before == state(readable)


def _errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("Error: ")]


def test_a_small_disk(courses: Courses, tmp_path: Path) -> None:
    """On a disk that is really full an update is one line of error, and completes where there is room."""
    course, inside = courses.of(ROWS[0]), tmp_path / "disk"
    inside.mkdir()
    used = sum(path.stat().st_size // 4096 + 2 for path in courses.template.rglob("*")) * 4
    for spare in (0, 40, 400):
        root, out = inside / "workspace", tmp_path / f"after-{spare}"
        called = " ".join(f"'{part}'" for part in workspaces.command(root, "never", 0, course.row.call(root)))
        script = f"mount -t tmpfs -o size={used + spare}k tmpfs {inside} || exit 77\n"
        script += f"cp -r {courses.template} {root} || exit 78\n"
        script += f"left=$(df -k --output=avail {inside} | tail -n 1)\n"
        script += f"head -c $(((left - {spare}) * 1024)) /dev/zero > {inside}/else\n"
        script += f"{called}\nstatus=$?\ncp -r {root} {out}\nexit $status\n"
        ended = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
        if ended.returncode in (77, 127) or "unshare failed" in ended.stderr:
            pytest.skip("no disk may be mounted here")
        assert 78 != ended.returncode, "the small disk does not hold the workspace"
        trials = Trials(courses, tmp_path, 0)
        trials.judge_refused(course, out, ended, f"{spare} kB to spare")
        assert spare > 0 or trials.counts["one line of error"]


def at(root: Path, today: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a day."""
    return workspaces.run(root, "never", 0, [*arguments, "-C", str(root)], date.fromisoformat(today))


def test_a_clock_that_goes_back(workspace: Path, tmp_path: Path) -> None:
    """No update is made on a day before one that was made, unless the day is named; what reads says what it holds."""
    root = copied(workspace, tmp_path / "workspace")
    before = state(root)
    ended = at(root, "2026-07-12", "update", "--no-report")
    what = "this computer's date is earlier than the update as of 2026-07-15; nothing was written"
    to_do = "set the clock right, or name the day: `forecast update --as-of 2026-07-12`"
    assert (1, f"{LEDGER}:1: {what}; got 2026-07-12; {to_do}\n") == (ended.returncode, ended.stderr)
    assert before == state(root)
    assert 0 == at(root, "2026-07-12", "update", "--no-report", "--as-of", "2026-07-12").returncode
    assert 0 == at(root, "2026-07-15", "update", "--no-report").returncode
    lines = (root / LEDGER).read_text("utf-8").splitlines()
    assert before[LEDGER].decode().splitlines() == lines[:1]
    assert [0, 0] == [at(root, "2026-07-12", command).returncode for command in ("show", "log")]


def test_a_clock_before_what_is_known(workspace: Path, tmp_path: Path) -> None:
    """What was received after today is named with its line, and nothing is written."""
    root = copied(workspace, tmp_path / "workspace")
    before = state(root)
    for arguments in (["check"], ["add", "judgement", "on-sale", "0.3", "--yes"], ["resolve", "on-sale", "--void"]):
        ended = at(root, "2026-07-01", *arguments)
        what = "item 'shops-list-it': reported lies in the future; got '2026-07-10'; today is 2026-07-01"
        assert 1 == ended.returncode
        assert f"evidence/2026-07-10-shops-list-it.yaml:2: {what}" in ended.stdout + ended.stderr
    assert before == state(root)


def test_a_forecast_is_read_between_the_two_moves(workspace: Path, tmp_path: Path) -> None:
    """After a kill between the two moves of a folder readers find what was there; the next writer brings it back."""
    root = copied(workspace, tmp_path / "workspace")
    workspaces.done(*ROWS[0].call(root))
    folder, said = root / "reports/2026-07-15", []
    for _ in range(2):
        said.append([CliRunner().invoke(main, [*one, "-C", str(root)]).stdout for one in READING])
        if folder.exists():
            folder.rename(folder.with_name(".2026-07-15.before"))
    assert said[0] == said[1]
    assert not folder.exists()
    with locked(root):
        assert (folder / "forecast.json").exists()
    assert [] == list(folder.parent.glob(".*.before"))


def test_drawing_a_report_after_a_kill(workspace: Path, tmp_path: Path) -> None:
    """A report that is drawn into a folder that a kill left beside its place keeps the other files of that folder."""
    root = tmp_path / "workspace"
    replace_folder(root / "reports/2026-07-15", {"forecast.json": b"{}"})
    (root / "reports/2026-07-15").rename(root / "reports/.2026-07-15.before")
    with locked(root), locked(root):
        assert b"{}" == (root / "reports/2026-07-15/forecast.json").read_bytes()
    assert workspace.exists()
