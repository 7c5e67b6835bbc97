"""Commands that are killed, refused by the disk, or run eight at once; each trial holds what must be so after it."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from forecast.ledger.ledger import LEDGER, read_ledger
from tests.crash import workspaces
from tests.crash.workspaces import ROWS, Course, Courses, Row, acknowledged, copied, go_on, judge, problems

HOW = ("before", "after", "half")
FULL = ("ENOSPC", "ENOSPC", "EDQUOT", "size")
REFUSED = ("EROFS", "EACCES", "EPERM", "EIO")
PATIENCE_SECONDS = 120.0  # in which what a killed process has started ends by itself


class Trials:
    """Trials in copies of one workspace; `counts` says how many there were, of which command, and what they said."""

    def __init__(self, courses: Courses, folder: Path, seed: int) -> None:
        self.courses, self.template, self.folder = courses, courses.template, folder
        self.rng = random.Random(seed)
        self.counts: Counter[str] = Counter()

    def rows(self, n: int, rows: Sequence[Row] = ROWS) -> Iterator[Course]:
        """Choose rows by their weights."""
        for row in self.rng.choices(rows, [one.weight for one in rows], k=n):
            yield self.courses.of(row)

    def kill_at_a_call(self, course: Course) -> None:
        """Kill a command before, in or after one of its calls that write, which is drawn at random."""
        self.kill_at(course, self.rng.choice(HOW), self.rng.randrange(len(course.calls)))

    def kill_at(self, course: Course, how: str, number: int) -> None:
        """Kill a command before, in (`half`) or after a call of its calls that write."""
        root = copied(self.template, self.folder / "killed", course.row)
        ended = workspaces.run(root, how, number, course.row.call(root))
        when = f"{course.row.name}, killed {how} call {number} ({course.calls[number]})"
        assert -signal.SIGKILL == ended.returncode, f"{when}: {ended.stderr}"
        self._judged(course, root, ended.stdout, when)

    def end_at(self, course: Course, how: str, number: int) -> None:
        """Send a command a signal at a call of its calls that write: it ends in a word, or by the signal."""
        root = copied(self.template, self.folder / "ended", course.row)
        ended = workspaces.run(root, how, number, course.row.call(root))
        when = f"{course.row.name}, {how} at call {number} ({course.calls[number]})"
        assert ended.returncode in ((0, 1) if how == "INT" else (-signal.SIGTERM,)), f"{when}: {ended.stderr}"
        assert "Traceback" not in ended.stderr, f"{when}: {ended.stderr}"
        self._judged(course, root, ended.stdout, when)

    def kill_at_an_instant(self, course: Course) -> None:
        """Kill a command at a random moment of its time, and wait for the processes that it has started."""
        seconds = self.rng.uniform(0.2, 1.0) * course.seconds
        root = copied(self.template, self.folder / "killed", course.row)
        arguments = [one for one in course.row.call(root) if one not in ("--workers", "1")]
        when = f"{course.row.name}, killed after {seconds:.3f} s"
        process = workspaces.start(root, "never", 0, arguments, is_leader=True)
        time.sleep(seconds)
        process.kill()
        out, _, _ = process.ended()
        assert _ended(process.pid), f"{when}: a process that it started goes on"
        self._judged(course, root, out, when)

    def kill_when_told(self, course: Course) -> None:
        """Kill a command at once when it has said that its last file is written."""
        root, out = copied(self.template, self.folder / "killed", course.row), ""
        process = workspaces.start(root, "never", 0, course.row.call(root))
        while not acknowledged(course.row, out):
            line = process.stdout.readline()
            assert line, f"{course.row.name}: {out}"
            out += line
        process.kill()
        process.ended()
        assert self._judged(course, root, out, f"{course.row.name}, killed when it had said what is written")

    def _judged(self, course: Course, root: Path, out: str, when: str) -> bool:
        self.counts["kills"] += 1
        self.counts[f"  {course.row.name}"] += 1
        told = judge(course, root, out, when)
        self.counts["acknowledged before the kill"] += told
        go_on(course, root, when)
        shutil.rmtree(root)
        return told

    def refuse(self, course: Course, hows: Sequence[str]) -> None:
        """Let the disk refuse a command's calls from one on, or bytes of a file; what it says is one line."""
        how, row = self.rng.choice(hows), course.row
        largest = max(len(course.after[path]) for path in row.files)
        number = self.rng.randrange(largest if how == "size" else len(course.calls))
        root = copied(self.template, self.folder / "refused", row)
        ended = workspaces.run(root, how, number, row.call(root))
        when = f"{row.name}, {how} from {number} on"
        self.judge_refused(course, root, ended, when)
        shutil.rmtree(root)

    def judge_refused(
        self, course: Course, root: Path, ended: subprocess.CompletedProcess[str], when: str, *, again: bool = True
    ) -> None:
        """Hold a command that the disk refused something to one line of error, and its workspace to what judge says."""
        errors = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
        assert "Traceback" not in ended.stderr, f"{when}: {ended.stderr}"
        assert (ended.returncode, len(errors)) in {(0, 0), (1, 1)}, f"{when}: {ended.returncode} {ended.stderr}"
        if ended.returncode == 0:
            assert acknowledged(course.row, ended.stdout), when
        self.counts["refusals"] += 1
        self.counts[f"  {course.row.name}"] += 1
        self.counts["acknowledged"] += judge(course, root, ended.stdout, when)
        self.counts["one line of error"] += len(errors)
        if again:
            go_on(course, root, when)

    def eight_at_once(self, *, kill_one: bool = False) -> None:
        """Run eight commands that write at once, or kill one of them; what the others said is written is there."""
        root = copied(self.template, self.folder / "eight")
        before = (root / LEDGER).read_bytes()
        calls = mixed(self.rng)
        started = [workspaces.start(root, "never", 0, [*arguments, "-C", str(root)]) for arguments, _ in calls]
        if kill_one:
            time.sleep(self.rng.uniform(0.3, 2.0))
            self.rng.choice(started).kill()
        ended = [process.ended(1200) for process in started]
        lost = []
        for (arguments, is_there), (out, err, code) in zip(calls, ended, strict=True):
            assert code == 0 or (kill_one and code == -signal.SIGKILL), f"{arguments}: {out}{err}"
            told = "written: " in out
            self.counts["acknowledged"] += told
            if told and not is_there(root):
                lost.append(arguments)
        assert [] == lost
        now = (root / LEDGER).read_bytes()
        new = read_ledger(root).entries[len(before.splitlines()) :]
        lines = sum("new: a line" in out for out, *_ in ended)
        assert now.startswith(before)
        assert lines <= len(new) <= lines + kill_one
        assert [] == [one for one in problems(root) if ": warning: " not in one]
        self.counts["runs of eight"] += 1
        self.counts["killed in between"] += kill_one
        again = workspaces.run(root, "never", 0, ["update", "-C", str(root), "--no-report"])
        assert 0 == again.returncode, again.stderr
        shutil.rmtree(root)


Mixed = tuple[list[str], Callable[[Path], bool]]


def mixed(rng: random.Random) -> list[Mixed]:
    """Return eight commands that write, each with what is there when it is done, in random order."""

    def has(path: str, text: str) -> Callable[[Path], bool]:
        return lambda root: (root / path).exists() and text in (root / path).read_text("utf-8")

    calls: list[Mixed] = []
    for day in rng.sample(range(1, 29), 3):
        on = f"2026-06-{day:02d}"
        calls.append((["add", "judgement", "on-sale", "0.3", "--on", on, "--yes"], has("priors/judgements.csv", on)))
    void = ["resolve", "on-sale", "--void", "--known", "2026-06-30", "--yes"]
    calls.append((void, has("priors/resolutions.jsonl", "on-sale")))
    for name in ("one", "two"):
        item = ["--headline", "Shops sell it", "--reported", "2026-06-25", "--claims", "launch=limited"]
        item += ["--source", "newspaper", "--id", name, "--no-effect", "--yes"]
        calls.append((["add", "evidence", *item], has(f"evidence/2026-06-25-{name}.yaml", f"id: {name}")))
    for day in rng.sample(range(16, 31), 2):
        on = f"2026-07-{day}"
        calls.append((["update", "--as-of", on, "--no-report"], has(f"reports/{on}/forecast.json", on)))
    rng.shuffle(calls)
    return calls


def _ended(group: int) -> bool:
    """Say whether every process of a group ends within some seconds; where this cannot be seen, that it does."""
    if not sys.platform.startswith("linux"):
        return True
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if not any(_is_alive(status, group) for status in Path("/proc").glob("[0-9]*/stat")):
            return True
        time.sleep(0.05)
    return False


def _is_alive(status: Path, group: int) -> bool:
    try:
        fields = status.read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return False  # it has ended meanwhile
    return fields[0] not in "ZX" and int(fields[2]) == group


def told(counts: Counter[str]) -> str:
    """Write counts out, one a line."""
    return "\n".join(f"{number:5d}  {what}" for what, number in sorted(counts.items()))
