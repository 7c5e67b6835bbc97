"""One function over many jobs: in this process, in processes of this machine, or on a Dask cluster.

The results are those of the function, job by job: how many workers there are, and in which order they finish, changes
none of them. A worker that dies is survived: the jobs that it had are run again.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING, NoReturn

from forecast.inference.cores import cores, take
from forecast.store.program import program

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.connection import Connection

MOST_DEATHS = 3  # of workers, with one and the same job
TIMEOUT_SECONDS = 10  # to reach a scheduler


class WorkersError(RuntimeError):
    """The workers cannot do what they are asked for; the message says why, and what to do."""


class OtherProgramError(WorkersError):
    """A worker has another version of the program than the one that sent it a job."""

    def __init__(self) -> None:
        super().__init__("a worker runs another version of this program, or of what it is built on; install the same")


class Died:
    """In the place of a result: every worker that had the job ended before it was done."""


@dataclass(frozen=True)
class Workers:
    """Where jobs are run: with one process in this one, with several in new ones, with a scheduler on its cluster.

    Args:
        processes: how many at once, on this machine.
        scheduler: the address of a Dask cluster, such as tcp://10.0.0.5:8786, which is then used instead. Its workers
            have this program installed, and see under the same paths the files that the jobs name.
    """

    processes: int = 1
    scheduler: str | None = None

    def map[J, R](
        self,
        function: Callable[[J], R],
        jobs: Sequence[J],
        arrived: Callable[[J, R], object] | None = None,
        lost: Callable[[J], R] | None = None,
    ) -> list[R]:
        """Return what a function gives for each job, in the order of the jobs.

        Args:
            function: of a module, so that another process finds it; its result is of its job alone.
            jobs: what it is called on. Jobs and results can be pickled.
            arrived: called here with each job and its result as it is done, to keep it or to tell how far all is.
            lost: gives the result of a job with which MOST_DEATHS workers have died; None: raise WorkersError.

        Raises WorkersError, OSError if no scheduler answers, and what the function or `arrived` raises. Then, and where
        it is interrupted, local processes end at once, whatever they are doing.
        """
        many = min(self.processes, len(jobs))
        found: Generator[tuple[int, R | Died]]
        if self.scheduler is not None:
            found = _on_cluster(function, jobs, self.scheduler)
        elif many <= 1:
            found = ((place, function(job)) for place, job in enumerate(jobs))
        else:
            found = _in_processes(function, jobs, many)
        results: dict[int, R] = {}
        with closing(found):
            for place, result in found:
                if isinstance(result, Died):
                    results[place] = _given_up(place, len(jobs)) if lost is None else lost(jobs[place])
                else:
                    results[place] = result
                if arrived is not None:
                    arrived(jobs[place], results[place])
        return [results[place] for place in range(len(jobs))]


ALONE = Workers()  # in this process
DIED = f"{MOST_DEATHS} processes that worked on it were ended from outside, often for want of memory"


def _given_up(place: int, of: int) -> NoReturn:
    what = f"job {place + 1} of {of} was given up: {DIED}"
    msg = f"{what}; what was kept before is not lost: run again, with fewer --workers"
    raise WorkersError(msg)


def _in_processes[J, R](function: Callable[[J], R], jobs: Sequence[J], many: int) -> Generator[tuple[int, R | Died]]:
    """Run jobs in local processes. Where one dies, what was under way is run again, one job at a time.

    So a job that kills its process does so alone from then on, and no other is blamed for it.
    """
    from concurrent.futures.process import BrokenProcessPool

    left, deaths = dict.fromkeys(range(len(jobs))), [0] * len(jobs)
    while left:
        untouched = [place for place in left if not deaths[place]]
        turn, size = (untouched, min(many, len(untouched))) if untouched else (list(left)[:1], 1)
        running: dict[Future[R], int] = {}
        # Not `wait` of the library: where it is interrupted, a future stays locked, and the pool never ends.
        done: SimpleQueue[Future[R]] = SimpleQueue()
        touched: list[int] = []
        with _processes(size) as pool:
            coming = iter(turn)
            try:
                # No more are handed out than there are processes: what is running is what a death has touched.
                for place in islice(coming, size):
                    running[_sent(pool, function, jobs[place], done)] = place
                while running:
                    future = done.get()
                    with _unbroken():
                        result = future.result()
                    place = running.pop(future)
                    del left[place]
                    yield place, result
                    for following in islice(coming, 1):
                        running[_sent(pool, function, jobs[following], done)] = following
            except BrokenProcessPool:
                touched = [place for future, place in running.items() if _is_broken(future)]
        for place in touched:
            deaths[place] += 1
            if deaths[place] == MOST_DEATHS:
                del left[place]
                yield place, Died()


def _sent[J, R](
    pool: ProcessPoolExecutor, function: Callable[[J], R], job: J, done: SimpleQueue[Future[R]]
) -> Future[R]:
    """Hand out a job, whose future is put into a queue when it is done."""
    with _unbroken(), _blocked():
        future = pool.submit(function, job)
        future.add_done_callback(done.put)
    return future


@contextmanager
def _unbroken() -> Iterator[None]:
    """Put an interruption off to the end of the block: inside, it could leave a lock of the pool taken for ever.

    Python interrupts its main thread alone, between any two of its instructions.
    """
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _blocked() -> Iterator[None]:
    """Block interruptions: a process that starts in the block inherits that, so that an interruption spares it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_broken[R](future: Future[R]) -> bool:
    from concurrent.futures.process import BrokenProcessPool

    return isinstance(future.exception(), BrokenProcessPool)


@contextmanager
def _processes(size: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes, which end with the block; if that is left early, at once."""
    import multiprocessing  # for those who start some
    from concurrent.futures import ProcessPoolExecutor

    # Started anew, not forked: what the sampler's threads held would be held for ever in a copy of them.
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(size, mp_context=context, initializer=_begin, initargs=(theirs, cores() // size))
    try:
        yield pool
    except BaseException:
        ours.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        ours.close()
        theirs.close()


def _begin(line: Connection, share: int) -> None:
    """Leave the others their cores, an interruption to the process that asked; end when that closes its end of a line.

    So it does where that process is gone.
    """
    take(share)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(line,), daemon=True).start()


def _end_with(line: Connection) -> None:
    with suppress(EOFError, OSError):
        line.recv_bytes()
    os._exit(1)


def _on_cluster[J, R](function: Callable[[J], R], jobs: Sequence[J], address: str) -> Generator[tuple[int, R | Died]]:
    """Run jobs on an existing Dask cluster, which runs those of a dead worker again (three times by its default)."""
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError as error:
        msg = f"{error.name} is not installed; run: pip install 'forecast[dask]'"
        raise WorkersError(msg) from error

    with Client(address, timeout=TIMEOUT_SECONDS) as client:
        sent = client.map(_of_this_program, jobs, function=function, digest=_digest(), pure=False)
        places = {future: place for place, future in enumerate(sent)}
        for future in as_completed(sent):
            result: R | Died
            try:
                result = future.result()
            except KilledWorker:
                result = Died()
            yield places[future], result


def _digest() -> str:
    return program("answers")  # of all code


def _of_this_program[J, R](job: J, *, function: Callable[[J], R], digest: str) -> R:
    if digest != _digest():
        raise OtherProgramError
    take(1)  # a cluster hands a thread of a worker one job, and another job to the next
    return function(job)
