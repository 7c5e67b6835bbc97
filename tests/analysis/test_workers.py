"""The same dates in this process, in local processes and on a Dask cluster: the same lines, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.analysis.replay_day import Job, Replayed, ReplayLine, Waiting, job
from forecast.analysis.replay_run import dask, local
from forecast.model.layout import lay_out
from forecast.sampling.spec import prior_spec
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


def _by_day(results: Iterator[tuple[Job, Replayed | Waiting]]) -> dict[str, Replayed | Waiting]:
    return {one.as_of.isoformat(): result for one, result in results}


def test_local_processes(jobs: list[Job]) -> None:
    """Two processes give what one gives; every date comes back, with its forecast."""
    alone = _by_day(local(1)(jobs))
    assert DATES == len(
        {row.scenarios[0].estimate.probability for row in alone.values() if isinstance(row, ReplayLine)}
    )
    assert alone == _by_day(local(2)(jobs))


def test_a_process_does_not_sample(tmp_path: Path) -> None:
    """Where draws are missing, the date waits for them, whichever process it runs in."""
    missing = [job(_known(), OPENS + timedelta(days=n), SEED, tmp_path) for n in range(2)]
    assert all(isinstance(result, Waiting) for _, result in local(2)(missing))


def test_cluster(jobs: list[Job]) -> None:
    """Two worker processes of a Dask cluster give what this process gives."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    )
    with cluster:
        assert _by_day(local(1)(jobs)) == _by_day(dask(cluster.scheduler_address)(jobs))
