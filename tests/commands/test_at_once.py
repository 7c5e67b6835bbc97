"""Commands that write to one workspace at once, each a process of its own: what was called written is there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

from forecast import files
from forecast.commands import running
from forecast.commands.main import main
from tests.processes import Started, forecast
from tests.workspace.writing import example, messages, read

QUESTIONS = """- id: on-sale
  question: Is it on sale by October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-01
  resolves: the first sale
"""


def at_once(root: Path, calls: Iterable[tuple[str, ...]]) -> list[str]:
    """Run commands side by side; return what each printed last."""
    started = [Started(forecast, [*call, "-C", str(root), "--yes"]) for call in calls]
    ended = [process.ended(600) for process in started]
    assert [] == [(out, err) for out, err, code in ended if code != 0]
    return [out.splitlines()[-1] for out, *_ in ended]


def asking(root: Path) -> Path:
    """Give a workspace a question."""
    (root / "priors/questions.yaml").write_text(QUESTIONS, encoding="utf-8")
    return root


def test_judgements_at_once(tmp_path: Path) -> None:
    """Three judgements that three commands add at once are three rows."""
    root = asking(example(tmp_path))
    days = [f"2026-06-{day:02d}" for day in range(1, 4)]
    said = at_once(root, [("add", "judgement", "on-sale", "0.3", "--on", day) for day in days])
    assert ["written: priors/judgements.csv"] * 3 == said
    rows = (root / "priors/judgements.csv").read_text("utf-8").splitlines()
    assert [f"{day},on-sale,0.3," for day in days] == sorted(rows[1:])
    assert [] == messages(root)


def test_statements_at_once(tmp_path: Path) -> None:
    """Statements without an id that are added at once to one file all stand in it, under ids that are free."""
    root = example(tmp_path)
    options = ["--expert", "market_analyst", "--date", "2026-06-01", "--publisher", "A letter", "--says", "So."]
    options += ["--about", "success=yes", "--form", "probability", "--value", "0.3", "--why", "As said."]
    said = at_once(root, [("add", "statement", *options)] * 3)
    file = "priors/statements/market_analyst.yaml"
    assert [f"written: {file}"] * 3 == said
    name = "market_analyst-2026-06-01"
    expected = [name, *(f"{name}-{number}" for number in range(2, 4))]
    assert expected == sorted(one.id for one in read(root).statements if one.source.path == file)
    assert [] == messages(root)


def test_different_commands_at_once(tmp_path: Path) -> None:
    """Items with one headline, resolutions, and a roll that come at once are all there, and the files are right."""
    root = asking(example(tmp_path))
    evidence = ["--headline", "Shops list it", "--reported", "2026-06-25", "--claims", "launch=limited", "--no-effect"]
    evidence += ["--source", "newspaper"]
    calls: list[tuple[str, ...]] = [("add", "evidence", *evidence)] * 2
    calls += [("resolve", "on-sale", "--void", "--known", "2026-06-30")]
    calls += [("roll", "--horizon", "2027-06-30", "--on", "2026-06-20")]
    before = (root / "priors/network.yaml").read_bytes()
    said = at_once(root, calls)
    # Which number a name gets hangs on who saw whose file; each has a file of its own.
    written = {one.rpartition(" ")[2] for one in said[:2]}
    assert 2 == len(written)
    assert all(re.fullmatch(r"evidence/2026-06-25-shops-list-it(-\d)*\.yaml", name) for name in written)
    assert written <= {f"evidence/{path.name}" for path in (root / "evidence").iterdir()}
    assert 2 == len({one.id for one in read(root).items if one.source.path in written})
    assert ["written: priors/resolutions.jsonl", "written: priors/network.yaml"] == said[2:]
    after = (root / "priors/network.yaml").read_text("utf-8").splitlines(keepends=True)
    kept = "".join(line for line in after if "rolled:" not in line and "2027-06-30" not in line)
    assert before == kept.encode()
    assert [] == messages(root)


def judge(root: Path, day: str, *more: str, said: str = "") -> tuple[int, str, str]:
    """Add a judgement in this process; return exit status, stdout and stderr."""
    arguments = ["add", "judgement", "on-sale", "0.3", "--on", day, "-C", str(root), *more]
    result = CliRunner().invoke(main, arguments, input=said)
    return result.exit_code, result.stdout, result.stderr


def test_what_came_while_it_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that somebody else adds while the question is on the screen stays; one for the same day is refused."""
    root = asking(example(tmp_path))
    file = root / "priors/judgements.csv"
    for day, expected in (("2026-06-02", 0), ("2026-06-01", 1)):
        file.unlink(missing_ok=True)
        draft = running.Files.write

        def interrupted(self: running.Files, *arguments: object, draft: object = draft) -> object:
            monkeypatch.setattr(running.Files, "write", draft)
            assert 0 == judge(root, "2026-06-01", "--yes")[0]
            return draft(self, *arguments)  # type: ignore[operator]  # the method that was there

        monkeypatch.setattr(running.Files, "write", interrupted)
        code, out, err = judge(root, day, said="y\n")
        assert (expected, expected == 0) == (code, "written" in out), err
        assert 2 - expected == len(file.read_text("utf-8").splitlines()) - 1
        assert [] == messages(root)


def test_waiting_is_told_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the lock says so, and gives up with one message when it is held for very long."""
    root = asking(example(tmp_path))
    monkeypatch.setattr(files, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(files, "PATIENT_SECONDS", 0.1)
    (root / "reports").mkdir(exist_ok=True)
    holder = "import sys\nfrom pathlib import Path\nfrom forecast.files import locked\n"
    holder += "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"held\n" == process.stdout.readline()
        code, out, err = judge(root, "2026-06-01", "--yes")
        process.kill()  # the lock goes with whoever held it
    assert (1, False) == (code, "written" in out)
    waiting, *given_up = err.splitlines()
    assert "waiting for another command that writes to this workspace (reports/.lock)" == waiting
    what = "another command writes to this workspace and does not end; nothing was written"
    got = "its lock is held for more than 0.1 seconds"
    assert [f"reports/.lock:1: {what}; got {got}; end that command, then run this one again"] == given_up
    assert not (root / "priors/judgements.csv").exists()
    assert (0, "") == judge(root, "2026-06-01", "--yes")[::2]


def test_the_lock_is_held_again_by_who_holds_it(tmp_path: Path) -> None:
    """Within one thread the lock is taken twice without waiting, and is free after the outer one."""
    with files.locked(tmp_path), files.locked(tmp_path / "." / "reports" / ".."):
        pass
    free = FileLock(tmp_path / files.LOCK)
    free.acquire(timeout=0)
    assert free.is_locked
    free.release()
