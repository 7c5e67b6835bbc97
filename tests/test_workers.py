"""One function over many jobs: the same results from any number of workers, also when some of them die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.inference.cores import cores
from forecast.workers import OtherProgramError, Workers, WorkersError, _digest, _of_this_program

N = 12


def square(number: int) -> int:
    """Take longer for the first ones, so that results arrive in another order."""
    time.sleep(0.02 * (N - number) / N)
    return number * number


def dies_once(job: tuple[int, Path]) -> int:
    """End the process of job 5 the first time, as the kernel does for want of memory."""
    number, folder = job
    if number == 5 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def dies_always(number: int) -> int:
    """End the process of job 5 whenever it comes."""
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def fails(number: int) -> int:
    """Raise for job 3; the others would take a minute."""
    if number == 3:
        msg = "three"
        raise LookupError(msg)
    time.sleep(60.0 if number > 3 else 0.0)
    return number


EXPECTED = [number * number for number in range(N)]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a Dask cluster of two processes of this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_order(processes: int) -> None:
    """Results stand in the order of the jobs; each arrives once."""
    came: list[tuple[int, int]] = []
    found = Workers(processes).map(square, range(N), lambda job, result: came.append((job, result)))
    assert EXPECTED == found
    assert list(enumerate(EXPECTED)) == sorted(came)
    assert [] == Workers(processes).map(square, [])


def test_a_cluster(scheduler: str) -> None:
    """A cluster of two gives the same."""
    assert EXPECTED == Workers(scheduler=scheduler).map(square, range(N))


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """What a process had when it was killed is run again."""
    assert EXPECTED == Workers(2).map(dies_once, [(number, tmp_path) for number in range(N)])
    assert (tmp_path / "died").exists()


def test_a_worker_of_a_cluster_that_is_killed(scheduler: str, tmp_path: Path) -> None:
    """So it is on a cluster."""
    assert EXPECTED == Workers(scheduler=scheduler).map(dies_once, [(number, tmp_path) for number in range(N)])
    assert (tmp_path / "died").exists()


def test_a_job_that_kills_every_process() -> None:
    """It has the result of the lost; the jobs beside it, which some of its processes had too, have their own."""
    found = Workers(2).map(dies_always, range(N), lost=lambda number: -number)
    assert [-5 if number == 5 else number * number for number in range(N)] == found


def test_a_job_that_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing stands for a lost job, it is named, and what to do."""
    monkeypatch.setattr("forecast.workers.MOST_DEATHS", 1)
    with pytest.raises(WorkersError, match=r"job . of 2 was given up: .*; what was kept .* fewer --workers"):
        Workers(2).map(dies_always, [5, 5])


GIVEN_UP = """
import dask
from distributed import LocalCluster
from forecast.workers import Workers
from tests.test_workers import dies_always

if __name__ == "__main__":
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
    ):
        print(Workers(scheduler=cluster.scheduler_address).map(dies_always, [5], lost=lambda number: -number))
"""


def test_a_cluster_that_gives_up(tmp_path: Path) -> None:
    """A job that a cluster takes for the cause of death is lost, too."""
    pytest.importorskip("distributed")
    script = tmp_path / "run.py"
    script.write_text(GIVEN_UP, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert (0, "[-5]\n") == (ran.returncode, ran.stdout), ran.stderr


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_job_raises(processes: int) -> None:
    """It is raised here; no process is left, and nobody waits for what the others do."""
    before = {child.pid for child in multiprocessing.active_children()}
    with pytest.raises(LookupError, match="three"):
        Workers(processes).map(fails, range(N))
    assert set() == {child.pid for child in multiprocessing.active_children()} - before


INTERRUPTED = """
import signal
import time
from forecast.workers import Workers

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is begun without
if __name__ == "__main__":
    print("begun", flush=True)
    Workers(2).map(time.sleep, [0.0, 3600.0, 3600.0], lambda *_: print("arrived", flush=True))
"""


def test_an_interruption_ends_all(tmp_path: Path) -> None:
    """Ctrl-C ends the run and its processes at once, with one traceback at most: that of the process that asked."""
    script = tmp_path / "run.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    started = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert started.stdout is not None
    assert ["begun\n", "arrived\n"] == [started.stdout.readline(), started.stdout.readline()]
    os.killpg(started.pid, signal.SIGINT)
    _, said = started.communicate(timeout=600)  # returns when the last process that could write has ended
    assert -signal.SIGINT == started.returncode
    assert 1 == said.count("Traceback")


LOCKED = """
import signal
import threading
import time
from concurrent.futures import _base
from forecast.workers import Workers

signal.signal(signal.SIGINT, signal.default_int_handler)
armed = False


def interrupt_with_the_lock(kind):
    enter = kind.__enter__

    def entered(self):
        global armed
        got = enter(self)
        mine = threading.get_ident() == threading.main_thread().ident
        if armed and mine and signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ()):
            armed = False
            signal.raise_signal(signal.SIGINT)
        return got

    kind.__enter__ = entered


def arm(*_):
    global armed
    armed = True


if __name__ == "__main__":
    interrupt_with_the_lock(threading.Condition)
    interrupt_with_the_lock(_base._AcquireFutures)
    print("begun", flush=True)
    Workers(2).map(time.sleep, [0.0, 2.0, 3600.0], arm)
"""


def test_an_interruption_leaves_no_lock(tmp_path: Path) -> None:
    """Ctrl-C at the very moment when a lock of the pool has been taken ends the run as at any other moment."""
    script = tmp_path / "run.py"
    script.write_text(LOCKED, encoding="utf-8")
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=False)
    assert -signal.SIGINT == ran.returncode, ran.stderr
    assert 1 == ran.stderr.count("Traceback"), ran.stderr


def share(_: int) -> int:
    """Return how many cores the process may use that asks."""
    return cores()


@pytest.mark.parametrize("processes", [2, 3])
def test_workers_share_the_cores(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local workers share the cores out, at least one each; a job on a cluster has the one that it was given."""
    assert [max(1, cores() // processes)] * N == Workers(processes).map(share, range(N))
    monkeypatch.setattr("forecast.inference.cores._SHARE", [])
    assert 1 == _of_this_program(0, function=share, digest=_digest())


def test_another_program() -> None:
    """A worker with another version of the program does not answer."""
    with pytest.raises(OtherProgramError):
        _of_this_program(3, function=square, digest="of another")


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that does not answer is an OSError, as any other connection."""
    monkeypatch.setattr("forecast.workers.TIMEOUT_SECONDS", 1)
    with pytest.raises(OSError, match=r"127\.0\.0\.1:1"):
        Workers(scheduler="tcp://127.0.0.1:1").map(square, range(N))
