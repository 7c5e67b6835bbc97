"""Where dates are computed side by side: in this process, in local ones, or on an existing Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from threading import Thread

from forecast.analysis.replay_day import Job, Replayed, Waiting, replay_day
from forecast.analysis.replay_run import Mapped

Result = tuple[Job, Replayed | Waiting]


def local(workers: int) -> Mapped:
    """Compute dates in so many processes of this machine; with one, or with one date, in this process."""

    def mapped(jobs: Sequence[Job]) -> Iterator[Result]:
        many = min(workers, len(jobs))
        if many <= 1:
            yield from ((job, replay_day(job)) for job in jobs)
            return
        # Started anew, not forked: what the sampler's threads held would be held for ever in a copy of them.
        method = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(many, mp_context=method, initializer=_worker) as pool:
            futures = {pool.submit(replay_day, job): job for job in jobs}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    return mapped


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _worker() -> None:
    """Leave an interruption to the process that asked: it stops the others when their dates are done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that asked is gone, even if that was killed: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def dask(address: str) -> Mapped:
    """Compute dates on an existing Dask cluster, whose workers share this machine's files.

    Raises ImportError if `dask.distributed` is not installed, and OSError if no scheduler answers.
    """
    from distributed import Client
    from distributed import as_completed as as_done

    def mapped(jobs: Sequence[Job]) -> Iterator[Result]:
        with Client(address, timeout=TIMEOUT_SECONDS) as client:
            futures = dict(zip(client.map(replay_day, jobs, pure=False), jobs, strict=True))
            for future in as_done(futures):
                yield futures[future], future.result()

    return mapped


TIMEOUT_SECONDS = 10
