"""Updates that are made at once: every line is in the ledger, and each is compared with the line before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast import load, pipeline
from forecast.ledger.ledger import append, read_ledger, same_inputs
from forecast.pipeline import Update, conclude, write
from forecast.posterior import posterior as reweighting
from forecast.session import Session
from tests.posterior.strong_evidence import draws_of
from tests.processes import FORKING
from tests.report.outcomes import AS_OF, SEED, world

DAYS = tuple(AS_OF + timedelta(days=n) for n in range(4))


def _without_sampler(patch: pytest.MonkeyPatch) -> None:
    """Put draws of the prior in the place of sampled ones, and a world of records in that of files."""

    def drawn(*arguments: Any, **more: Any) -> Any:
        arguments[2].mkdir(parents=True, exist_ok=True)  # the folder of the cache
        sampled = {"r_hat_max": 1.0, "ess_bulk_min": 400.0, "ess_tail_min": 400.0, "divergences": 0.0}
        return replace(draws_of(*arguments, **more), diagnostics=sampled)

    patch.setattr(reweighting, "prior_draws", drawn)
    patch.setattr(pipeline, "kept_residuals", lambda *_: {})
    patch.setattr("forecast.session.load", lambda *_: world())


def _concluded(root: Path, as_of: date) -> Update:
    return conclude(Session(root, date(2026, 1, 1), as_of, SEED))


def _update(root: Path, as_of: date, meet: Any) -> None:
    """Update through the Python interface when all are ready to write: each has read the same ledger."""
    with pytest.MonkeyPatch.context() as patch:
        _without_sampler(patch)

        def together(*arguments: Any, **more: Any) -> Update:
            found = conclude(*arguments, **more)
            meet.wait(60)
            return found

        patch.setattr(pipeline, "conclude", together)
        load(root).update(as_of=as_of, seed=SEED)


def _at_once(root: Path, days: Sequence[date]) -> None:
    with FORKING.Manager() as manager, ProcessPoolExecutor(len(days), mp_context=FORKING) as pool:
        meet = manager.Barrier(len(days))
        for made in [pool.submit(_update, root, day, meet) for day in days]:
            made.result(timeout=600)


def test_updates_of_different_dates_at_once(tmp_path: Path) -> None:
    """Four updates through Python, all computed before any was written, leave four lines, and the chain holds."""
    _at_once(tmp_path, DAYS)
    assert sorted(DAYS) == sorted(line.as_of for line in read_ledger(tmp_path).updates)
    assert {day.isoformat() for day in DAYS} == {
        path.parent.name for path in (tmp_path / "reports").glob("*/forecast.json")
    }


def test_the_same_update_at_once(tmp_path: Path) -> None:
    """The same inputs, computed by two processes at once, give one line."""
    _at_once(tmp_path, DAYS[:1] * 2)
    assert 1 == len(read_ledger(tmp_path).entries)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Update, ...]:
    """Updates of all dates, each computed before any was written."""
    root = tmp_path_factory.mktemp("computed")
    with pytest.MonkeyPatch.context() as patch:
        _without_sampler(patch)
        return tuple(_concluded(root, day) for day in DAYS)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_as_if_one_after_the_other(
    computed: tuple[Update, ...], order: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order they are written, updates computed at once leave the files of updates made one by one."""
    _without_sampler(monkeypatch)
    one_by_one, at_once = tmp_path / "one-by-one", tmp_path / "at-once"
    for number in (*order, order[-1]):
        write(_concluded(one_by_one, DAYS[number]), lambda _: None, with_report=False)
        write(replace(computed[number], root=at_once), lambda _: None, with_report=False)
    kept = [
        {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*.*")
            if ".cache" not in str(path)
        }
        for root in (one_by_one / "reports", at_once / "reports")
    ]
    assert kept[0] == kept[1]
    assert 3 == len(read_ledger(at_once).entries)
    told = [json.loads(kept[0][f"{DAYS[number].isoformat()}/forecast.json"])["compared_with"] for number in order]
    earlier = [[DAYS[n] for n in order[:place] if n < number] for place, number in enumerate(order)]
    assert [days[-1].isoformat() if days else None for days in earlier] == told


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_line_is_written_where_the_last_has_other_inputs(
    computed: tuple[Update, ...], tmp_path_factory: pytest.TempPathFactory, written: list[int]
) -> None:
    """Of updates written one behind the other, those whose inputs are not the last line's add one, and no others."""
    root = tmp_path_factory.mktemp("written")
    added = [write(replace(computed[n], root=root), lambda _: None, with_report=False).is_new for n in written]
    lines = [computed[n].line for n in written]
    news = [place == 0 or not same_inputs(line, lines[place - 1]) for place, line in enumerate(lines)]
    assert news == added
    expected = [line.as_of for line, is_new in zip(lines, news, strict=True) if is_new]
    assert expected == [line.as_of for line in read_ledger(root).updates]


def test_a_line_is_chained_to_the_last_one(computed: tuple[Update, ...], tmp_path: Path) -> None:
    """Whatever a line says of the one before it, it is chained to the one that stands there, whose bytes stay."""
    ledger = tmp_path / "reports" / "ledger.jsonl"
    append(tmp_path, computed[0].line)
    # As an editor leaves it: without the end of the last line.
    before = ledger.read_bytes().rstrip()
    ledger.write_bytes(before)
    append(tmp_path, replace(computed[1].line, previous="of another line"))
    assert before + b"\n" == ledger.read_bytes()[: len(before) + 1]
    assert 2 == len(read_ledger(tmp_path).entries)
