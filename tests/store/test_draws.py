"""Draws in the store: damaged ones are sampled anew, and of many processes one samples."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.model.layout import lay_out
from forecast.sampling import draws as module
from forecast.sampling.draws import Draws, draws_digest, prior_draws
from forecast.sampling.settings import CHAINS, SampledFit
from forecast.sampling.spec import PriorSpec, prior_spec
from forecast.store import entries
from forecast.store.entries import Place
from tests.entries import spot
from tests.worlds import HORIZON, event, network, workspace

ROOT = Path(__file__).parents[2]
NET = network(event("deal"))


def spec() -> PriorSpec:
    """A world of one event of which nobody has said anything."""
    return prior_spec(lay_out(NET), workspace(NET), HORIZON)


def fit_of(told: PriorSpec, seed: int) -> SampledFit:
    """Numbers in the place of sampled ones, the same for the same seed."""
    rng = np.random.default_rng(seed)
    alpha = rng.standard_normal((CHAINS, 8, len(told.rows.alpha)))
    theta = np.ascontiguousarray(rng.standard_normal((told.rows.n_coordinates, CHAINS * 8)))
    return SampledFit(theta, {"alpha": alpha}, {"diverging": np.zeros((CHAINS, 8), dtype=bool)}, {"r_hat_max": 1.0})


def _numbers(found: Draws) -> tuple[Any, ...]:
    posterior, stats = found.fit()
    arrays = {**posterior, **stats}
    return found.digest, found.theta.tobytes(), found.diagnostics, {n: a.tobytes() for n, a in arrays.items()}


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """With which seeds was sampled."""
    noted: list[int] = []

    def sample(told: PriorSpec, seed: int, _progress: Any) -> SampledFit:
        noted.append(seed)
        return fit_of(told, seed)

    monkeypatch.setattr("forecast.sampling.draws.sample", sample)
    return noted


def _drawn(cache: Path, **how: bool) -> Draws:
    return prior_draws(spec(), 3, cache, lambda _: None, **how)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_damaged_draws_are_sampled_anew(tmp_path: Path, seeds: list[int], data: st.DataObject) -> None:
    """Whatever byte of a fit changes, and wherever it ends, all numbers are those of an empty store."""
    place = Place(tmp_path, "draws", draws_digest(spec(), 3))
    place.path.unlink(missing_ok=True)
    expected = _numbers(_drawn(tmp_path))
    whole = bytearray(place.path.read_bytes())
    at = spot(data, len(whole))
    if data.draw(st.booleans()):
        whole[at] ^= data.draw(st.integers(1, 255))
    else:
        del whole[at:]
    place.path.write_bytes(whole)
    seeds.clear()
    assert expected == _numbers(_drawn(tmp_path))
    assert seeds in ([], [3])  # where the damage was done is a part that no number comes from, nothing is sampled
    seeds.clear()
    assert expected == _numbers(_drawn(tmp_path))
    assert [] == seeds


def test_damage_after_reading(tmp_path: Path, seeds: list[int]) -> None:
    """A fit that is damaged or deleted after its draws were read is sampled again when it is asked for."""
    found = _drawn(tmp_path)
    expected = _numbers(found)
    found = _drawn(tmp_path)
    Place(tmp_path, "draws", found.digest).path.unlink()
    assert [3] == seeds
    assert expected == _numbers(found)
    assert [3, 3] == seeds


def test_draws_that_cannot_be_kept(tmp_path: Path, seeds: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be written draws are sampled and used, fit and all, with one warning."""
    entries._cannot_keep.cache_clear()
    expected = _numbers(_drawn(tmp_path / "store"))
    (tmp_path / "file").write_bytes(b"")
    assert expected == _numbers(_drawn(tmp_path / "file"))
    assert [3, 3] == seeds
    assert 1 == len(capsys.readouterr().err.splitlines())


def test_only_asking_samples_nothing(tmp_path: Path, seeds: list[int]) -> None:
    """Draws that may not be sampled are named by the digest under which they will be found."""
    with pytest.raises(module.NotSampledError) as raised:
        _drawn(tmp_path, may_sample=False)
    assert raised.value.digest == _drawn(tmp_path).digest == _drawn(tmp_path, may_sample=False).digest
    assert [3] == seeds


SAMPLING = """
import sys, time
from pathlib import Path
import forecast.sampling.draws
from forecast.sampling.draws import prior_draws
from tests.store.test_draws import fit_of, spec
root = Path(sys.argv[1])
def sample(told, seed, progress):
    (root / f"began-{sys.argv[2]}").touch()
    until = time.monotonic() + float(sys.argv[3])
    while time.monotonic() < until and not (root / "go").exists():
        time.sleep(0.02)
    return fit_of(told, seed)
forecast.sampling.draws.sample = sample
print(prior_draws(spec(), 3, root / "store", lambda _: None).theta.sum())
"""


def _process(root: Path, name: str, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SAMPLING, str(root), name, str(seconds)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 600.0
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_two_processes_sample_once(tmp_path: Path) -> None:
    """Who needs draws that another process is sampling waits for them, says so, and has the same."""
    first = _process(tmp_path, "first", 300.0)
    _wait_for(tmp_path / "began-first")
    second = _process(tmp_path, "second", 0.0)
    assert second.stderr is not None
    waited = second.stderr.readline()  # however slow the machine: the first one ends only when the second one waits
    (tmp_path / "go").touch()
    (one, said), (other, _) = first.communicate(), second.communicate()
    assert (0, 0, "") == (first.returncode, second.returncode, said)
    assert one == other
    assert "waiting for another command that makes draws" in waited
    assert not (tmp_path / "began-second").exists()


def test_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    """The lock goes with the process that held it: who waits then samples."""
    first = _process(tmp_path, "first", 600.0)
    _wait_for(tmp_path / "began-first")
    second = _process(tmp_path, "second", 0.0)
    time.sleep(1.0)
    first.kill()
    first.communicate()
    _, said = second.communicate(timeout=600.0)
    assert 0 == second.returncode, said
    assert (tmp_path / "began-second").exists()
