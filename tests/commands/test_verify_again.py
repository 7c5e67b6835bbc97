"""`forecast verify --recompute`: a forecast comes out the same from its kept inputs, and a forged line does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast import run_again
from forecast.ledger.kept import keep_inputs, kept_inputs
from forecast.ledger.ledger import LEDGER
from forecast.ledger.verified import Row
from forecast.sampling.settings import SampledFit
from forecast.session import DEFAULT_SEED, Session
from tests.commands.conftest import AS_OF
from tests.commands.verifying import chain_anew, edit, encode, kinds, run, verified
from tests.entries import kept_fit


def test_a_forecast_run_again(twice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line's forecast comes out the same from its kept inputs, whatever the files are now; no file is written.

    Where there are no draws they are sampled: here what is kept stands in for them.
    """
    fit, seeds = kept_fit(twice), list[int]()

    def sample(_spec: Any, seed: int, _progress: Any) -> SampledFit:
        seeds.append(seed)
        return fit

    monkeypatch.setattr("forecast.sampling.draws.sample", sample)
    shutil.rmtree(twice / "reports/.cache")
    edit(twice / "evidence/late.yaml", "slight", "strong")
    before = sorted(path.relative_to(twice).as_posix() for path in twice.rglob("*"))
    found = verified(twice, "--recompute", "1")
    (again,) = found["recomputed"]
    assert (1, AS_OF, True, []) == (again["line"], again["as_of"], again["same"], again["unlike"])
    assert [DEFAULT_SEED] == seeds
    assert before == sorted(path.relative_to(twice).as_posix() for path in twice.rglob("*"))


@pytest.fixture
def drawn(updated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose draws a line that is run again takes from the cache: it samples nothing."""
    monkeypatch.setattr(Session, "cache", updated / "reports/.cache")
    return updated


def test_a_forged_line_is_found_by_running_it_again(drawn: Path) -> None:
    """A line with another number, chained, copied and its page written anew, looks whole until it is run again."""
    (text,) = (drawn / LEDGER).read_text(encoding="utf-8").splitlines()
    line = json.loads(text)
    line["scenarios"][0]["probability"] += 0.01
    shutil.rmtree(drawn / f"reports/{AS_OF}")
    chain_anew(drawn, encode(line))
    assert [] == kinds(drawn)
    assert ["other numbers"] == kinds(drawn, "--recompute")


def test_a_forged_width_is_found_too(drawn: Path) -> None:
    """A line whose interval is narrower than its forecast's comes out otherwise when it is run again."""
    line = json.loads((drawn / LEDGER).read_text(encoding="utf-8"))
    line["scenarios"][0]["quantiles"][0] += 0.01
    shutil.rmtree(drawn / f"reports/{AS_OF}")
    chain_anew(drawn, encode(line))
    (finding,) = verified(drawn, "--recompute")["findings"]
    assert ("other numbers", True) == (finding["kind"], "but not its quantiles of" in finding["what"])


def test_a_line_that_names_other_inputs(drawn: Path) -> None:
    """A line whose kept inputs are not those that its digests tell is found when it is run again."""
    line = json.loads((drawn / LEDGER).read_text(encoding="utf-8"))
    contents = kept_inputs(drawn, line["kept"])
    place = "evidence/2026-05-20-hiring-stop.yaml"
    assert b"cut: 0.6" in contents[place]
    contents[place] = contents[place].replace(b"cut: 0.6", b"cut: 0.9", 1)
    line["kept"] = keep_inputs(drawn, contents)
    chain_anew(drawn, encode(line))
    assert "other inputs" in kinds(drawn, "--recompute")


def _forged(line: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    change(line)
    return line


def _shift(line: dict[str, Any], by: float) -> dict[str, Any]:
    line["scenarios"][1]["probability"] += by
    line["scenarios"][2]["probability"] -= by
    return line


def _step(line: dict[str, Any], by: float) -> dict[str, Any]:
    days = line["ladder"][0]["by"]
    days[max(days)] += by if days[max(days)] < 0.5 else -by
    return line


def _excuse(line: dict[str, Any]) -> None:
    _shift(line, 0.1)
    line["environment"]["processor"] = "a loom"
    for row in line["scenarios"]:
        row["mcse"] = 1.0


EXCUSES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "large errors on another machine": (_excuse, "other numbers: run again from its inputs, it gives others"),
    "another interval of another version": (
        lambda line: [_shift(line, 1e-4), line.update(version="0.1"), line["scenarios"][1].update(quantiles=[0.2] * 5)],
        "other numbers: its probabilities come out alike when it is run again, but not its quantiles of on_the_market",
    ),
    "an error of another version": (
        lambda line: (_shift(line, 1e-4), line.update(version="0.1.9"), line["scenarios"][1].update(mcse=1e-4)),
        "but not its mcse of on_the_market",
    ),
    "another ladder": (lambda line: _step(line, 1e-4), "but not its ladder"),
    "another ladder of another version": (
        lambda line: (_step(line, 0.2), line["versions"].update(program="0" * 16)),
        "but not its ladder",
    ),
    "another ladder from other draws": (
        lambda line: (_shift(line, 1e-4), _step(line, 0.2), line.update(version="0.1.9")),
        "but not its ladder",
    ),
    "no errors": (lambda line: line["scenarios"][1].pop("mcse"), "but not its mcse of on_the_market"),
    "no diagnostics": (lambda line: line.update(diagnostics={}), "but not its divergences, "),
    "a key more": (lambda line: line.update(prize="first"), "but not its prize"),
    "another horizon": (lambda line: line.update(horizon="2027-12-31"), "other inputs: its kept inputs are not"),
    "another item of another version": (
        lambda line: (line.update(version="0.1.9"), line["inputs"]["items"].update(more="0" * 16)),
        "they differ in items",
    ),
    "other scenarios": (lambda line: line["scenarios"][1].update(id="sold"), "it has other scenarios"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCUSES)
def test_no_line_excuses_itself(name: str, drawn: Path) -> None:
    """What a line says of its version, machine and errors lets no other number pass; nothing lacks or is more."""
    change, told = EXCUSES[name]
    line = _forged(json.loads((drawn / LEDGER).read_text(encoding="utf-8")), change)
    row = Row(1, encode(line).encode(), "", line)
    _, findings = run_again.recompute(drawn, date(2026, 7, 1), [row], 1, lambda _what: None)
    assert told in "\n".join(map(str, findings))


def test_an_honest_line_needs_no_excuse(drawn: Path) -> None:
    """The line as it was written is found to be right, so that what is found of the others is their change."""
    _, findings = run_again.recompute(drawn, date(2026, 7, 1), [_honest(drawn)], 1, lambda _what: None)
    assert [] == findings


def test_the_ladder_of_another_version(drawn: Path) -> None:
    """Another version may have solved the ladder on other draws: its numbers count as the same within their errors."""
    line = json.loads((drawn / LEDGER).read_text(encoding="utf-8"))
    _step(line, 1e-4)
    line["versions"]["program"] = "0" * 16
    row = Row(1, encode(line).encode(), "", line)
    _, findings = run_again.recompute(drawn, date(2026, 7, 1), [row], 1, lambda _what: None)
    assert [] == findings


def _honest(root: Path) -> Row:
    text = (root / LEDGER).read_bytes().rstrip(b"\n")
    return Row(1, text, "", json.loads(text))


@pytest.mark.parametrize("seed", [-1, 2**31, 10**30])
def test_a_seed_of_no_update(seed: int, updated: Path) -> None:
    """A line with a seed that no update takes is not run again, and no traceback says so."""
    line = json.loads((updated / LEDGER).read_text(encoding="utf-8")) | {"seed": seed}
    (updated / LEDGER).write_text(encode(line) + "\n", encoding="utf-8")
    result = run("verify", "-C", updated, "--recompute")
    assert (2, True) == (result.exit_code, "line 1: no update takes its seed" in " ".join(result.stderr.split()))
