"""The same dates in this process, in local processes and on a Dask cluster: the same lines, to the last digit."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.analysis.replay_day import Job, Replayed, ReplayLine, Waiting, job, replay_day
from forecast.model.layout import lay_out
from forecast.sampling.spec import prior_spec
from forecast.workers import Workers
from forecast.workspace.records import Settled, Support, Workspace
from tests.analysis.sampling import by_digest
from tests.worlds import HERE, OPENS, event, item, network, rule, statement, target, workspace

SEED, DATES = 5, 5


def _known() -> Workspace:
    return workspace(
        network(event("talks"), event("deal", parents=["talks"])),
        statements=[statement("said", target("deal", "yes"), 0.3)],
        items=[
            item("news", OPENS + timedelta(days=20), Settled("talks", "yes", HERE)),
            item("report", OPENS + timedelta(days=10), Support("deal", "slight", ("yes",), None, HERE)),
        ],
        scenarios=[rule("peace", deal="yes")],
    )


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Five dates whose draws are all kept, as the real sampler would keep them."""
    known, made = _known(), []
    layout = lay_out(known.network)
    for number in range(DATES):
        day = OPENS + timedelta(days=10 * number)
        made.append(job(known, day, SEED, tmp_path))
        by_digest(prior_spec(layout, known, day), SEED, tmp_path, lambda _: None, size=4000)
    return made


def test_local_processes(jobs: list[Job]) -> None:
    """Two processes give what one gives; every date comes back, with its forecast."""
    alone = Workers(1).map(replay_day, jobs)
    assert DATES == len({row.scenarios[0].estimate.probability for row in alone if isinstance(row, ReplayLine)})
    assert alone == Workers(2).map(replay_day, jobs)


def test_a_process_does_not_sample(tmp_path: Path) -> None:
    """Where draws are missing, the date waits for them, whichever process it runs in."""
    missing = [job(_known(), OPENS + timedelta(days=n), SEED, tmp_path) for n in range(2)]
    assert all(isinstance(result, Waiting) for result in Workers(2).map(replay_day, missing))


def test_cluster(jobs: list[Job]) -> None:
    """Two worker processes of a Dask cluster give what this process gives, also when one is killed in the middle."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )
    with cluster:
        ours = [worker.pid for worker in cluster.workers.values()]
        killed: list[int] = []

        def kill_one(_: Job, __: Replayed | Waiting) -> None:
            if not killed:
                killed.append(ours[0])
                os.kill(ours[0], signal.SIGKILL)

        found = Workers(scheduler=cluster.scheduler_address).map(replay_day, jobs, kill_one)
        assert [ours[0]] == killed
        assert Workers(1).map(replay_day, jobs) == found
