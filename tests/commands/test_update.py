"""`forecast update` on the example workspace: what it prints, writes and leaves alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from forecast import digits, pipeline
from forecast.commands.main import main
from forecast.ledger.ledger import read_ledger
from forecast.sampling.settings import SampledFit
from forecast.session import Session
from tests.commands.conftest import AS_OF
from tests.entries import entries, kept_fit, parts_of, rewrite

LEDGER = "reports/ledger.jsonl"
SCENARIOS = ["breakthrough", "on_the_market", "still_testing", "other"]
SALE = """\
- id: shops-take-orders
  reported: 2026-06-25
  source: newspaper
  credibility: 2
  headline: Shops all over the home market take orders for the product.
  why: Shops seldom do so before a general launch is near.
  bears_on:
  - {event: launch, support: strong, for: general, until: 2026-12-31}
"""
STATEMENT = """\
- id: lead-later
  date: 2026-06-26
  expert: project_lead
  source: {publisher: Example Weekly, title: Another question}
  says: The launch is all but certain now.
  about: {event: launch, state: general}
  probability: {low: 0.8, best: 0.9, high: 0.97, level: 0.9}
  why: The lead gave the number.
"""


def _update(root: Path, *arguments: str, as_of: str = AS_OF, report: str = "--no-report") -> Result:
    return CliRunner().invoke(main, ["update", "-C", str(root), "--as-of", as_of, report, *arguments])


def _done(root: Path, *arguments: str, **more: str) -> Result:
    result = _update(root, *arguments, **more)
    assert 0 == result.exit_code, result.output
    return result


def _forecast(root: Path, as_of: str = AS_OF) -> Any:
    return json.loads((root / "reports" / as_of / "forecast.json").read_text(encoding="utf-8"))


def _p(table: Any) -> dict[str, float]:
    return {row["id"]: row["probability"] for row in table["scenarios"]}


def _ledger(root: Path) -> list[str]:
    return (root / LEDGER).read_text(encoding="utf-8").splitlines()


def _tree(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(p.relative_to(root)): p.read_bytes() for p in files if p.name != ".lock" and ".cache" not in p.parts}


def test_first_update(fresh: Path) -> None:
    """A table of all scenarios, forecast.json and .csv, one ledger line; probabilities sum to one."""
    result = _done(fresh)
    assert SCENARIOS == re.findall(
        r"^(\w+) +[<>]?\d[\d.]* % +[<>]?\d+(?: to [<>]?\d+)? %", result.stdout, flags=re.MULTILINE
    )
    assert {f"reports/{AS_OF}/forecast.csv", f"reports/{AS_OF}/forecast.json", LEDGER} == {
        name for name in _tree(fresh) if name.startswith("reports") and "/kept/" not in name
    }
    table, lines = _forecast(fresh), _ledger(fresh)
    assert SCENARIOS == list(_p(table))
    assert 1.0 == pytest.approx(sum(_p(table).values()), abs=1e-12)
    assert {"0.05", "0.25", "0.5", "0.75", "0.95"} == set(table["scenarios"][0]["quantiles"])
    assert {"pareto_k", "ess", "r_hat_max", "ess_bulk_min", "ess_tail_min", "divergences"} <= set(table["diagnostics"])
    assert [None] * 4 == [row["change"] for row in table["scenarios"]]
    assert [_p(table)] == [_p(json.loads(line)) for line in lines]
    assert (None, AS_OF) == (json.loads(lines[0])["previous"], json.loads(lines[0])["as_of"])
    assert "new: a line in reports/ledger.jsonl" in result.stdout


def test_nothing_new_is_no_line(updated: Path) -> None:
    """A second run, on the same day or a later one without news, repeats the numbers and adds no ledger line."""
    before, first = (updated / LEDGER).read_bytes(), _forecast(updated)
    assert "nothing new: no ledger line" in _done(updated).stdout
    assert first == _forecast(updated)
    _done(updated, "-m", "still the same", as_of="2026-07-15")  # the news was watched until the end of June
    assert _p(first) == _p(_forecast(updated, "2026-07-15"))
    assert before == (updated / LEDGER).read_bytes()


def test_one_new_file_moves_the_forecast(updated: Path) -> None:
    """The forecast moves the way the file says, and table and forecast.json say that this file did it."""
    before = _p(_forecast(updated))
    (updated / "evidence" / "2026-06-25-shops.yaml").write_text(SALE, encoding="utf-8")
    result = _done(updated, "-m", "shops")
    table = _forecast(updated)
    after, change = _p(table), {row["id"]: row["change"] for row in table["scenarios"]}
    assert change == {name: after[name] - before[name] for name in SCENARIOS}
    assert change["breakthrough"] > 0.01
    assert change["still_testing"] < -0.01
    assert ["shops-take-orders"] == [row["what"] for row in table["moved"]]
    assert change == pytest.approx(table["moved"][0]["effects"], abs=1e-12)
    for name in ("breakthrough", "still_testing"):
        row = next(line for line in result.stdout.splitlines() if line.startswith(name))
        error = next(one["mcse"] for one in table["scenarios"] if one["id"] == name)
        assert f"shops-take-orders ({digits.change(change[name], error)})" in row
        assert f" {digits.change(change[name], error)} " in row
    lines = [json.loads(line) for line in _ledger(updated)]
    assert [None, "shops"] == [line["note"] for line in lines]
    assert lines[1]["inputs"]["items"].keys() - lines[0]["inputs"]["items"].keys() == {"shops-take-orders"}
    assert AS_OF == table["compared_with"]


def test_as_of_uses_nothing_later(fresh: Path) -> None:
    """Items and statements dated after the as-of date change no bit of the forecast, and of the line what was kept."""
    _done(fresh, as_of="2026-06-24")
    before, (line,) = _tree(fresh / "reports" / "2026-06-24"), read_ledger(fresh).updates
    shutil.rmtree(fresh / "reports" / "2026-06-24")
    (fresh / LEDGER).unlink()
    (fresh / "evidence" / "2026-06-25-shops.yaml").write_text(SALE, encoding="utf-8")
    (fresh / "priors" / "statements" / "later.yaml").write_text(STATEMENT, encoding="utf-8")
    _done(fresh, as_of="2026-06-24")
    assert before == _tree(fresh / "reports" / "2026-06-24")
    (after,) = read_ledger(fresh).updates
    assert (True, replace(line, kept=after.kept)) == (line.kept != after.kept, after)


def test_an_update_on_kept_draws_opens_no_heavy_library(updated: Path) -> None:
    """Whoever adds one file a day never waits for a library of the sampler, of the report, or of statistics."""
    code = (
        "import sys; from forecast.commands.main import main\n"
        "main(['update', '-C', sys.argv[1], '--as-of', sys.argv[2], '--no-report'], standalone_mode=False)\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    (updated / "evidence/sale.yaml").write_text(SALE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code, str(updated), AS_OF], capture_output=True, text=True, check=True, cwd=updated
    )
    heavy = {"arviz", "arviz_base", "arviz_stats", "matplotlib", "numba", "pandas", "pymc", "pytensor", "scipy"}
    heavy |= {"nutpie", "xarray", "jinja2", "distributed", "multiprocessing", "asyncio"}
    assert set() == heavy & set(done.stdout.splitlines()[-1].split())


def test_dry_run_writes_nothing(updated: Path) -> None:
    """With --dry-run the table is printed and no file changes."""
    (updated / "evidence" / "2026-06-25-shops.yaml").write_text(SALE, encoding="utf-8")
    before = _tree(updated)
    result = _done(updated, "--dry-run")
    assert before == _tree(updated)
    assert "shops-take-orders (" in result.stdout
    assert "dry run: nothing written" in result.stdout


def test_json_alone_on_stdout(updated: Path) -> None:
    """With --json stdout is forecast.json, and progress goes to stderr."""
    result = _done(updated, "--json")
    assert _forecast(updated) == json.loads(result.stdout)


def test_report_is_written_with_the_forecast(updated: Path) -> None:
    """Without --no-report the page, its numbers and the DataTree stand beside the forecast, and nothing partial.

    A report is drawn before its line is written, and is drawn to the same bytes when the line is there.
    """
    (updated / "evidence" / "2026-06-25-shops.yaml").write_text(SALE, encoding="utf-8")
    drawn = []
    for said in ("new: a line", "nothing new"):
        assert said in _done(updated, report="--seed=20250806").stdout
        drawn.append({path.name: path.read_bytes() for path in (updated / "reports" / AS_OF).iterdir()})
    assert [] == [name for name in drawn[0] if drawn[0][name] != drawn[1][name] and name != "forecast.nc"]
    expected = {"forecast.csv", "forecast.json", "forecast.nc", "report.html", "report.json", "report.md"}
    assert [expected] * 2 == [{*files} for files in drawn]
    assert {".cache", ".lock", AS_OF, "index.html", "kept", "ledger.jsonl"} == {
        path.name for path in (updated / "reports").iterdir()
    }


@pytest.fixture
def resampled(updated: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """With which seeds was sampled: what is kept, the other way round, stands in the place of new draws."""
    seeds: list[int] = []
    fit = kept_fit(updated)

    def sample(_spec: Any, seed: int, _progress: Any) -> SampledFit:
        seeds.append(seed)
        return replace(fit, theta=fit.theta[:, ::-1])

    monkeypatch.setattr("forecast.sampling.draws.sample", sample)
    return seeds


def test_seed_and_refit_sample(updated: Path, resampled: list[int]) -> None:
    """Another seed samples, with that seed, and is news; --refit samples although the draws are there."""
    seeds = resampled
    _done(updated)
    assert [] == seeds
    _done(updated, "--refit")
    assert [20250806] == seeds
    _done(updated, "--seed", "7")
    assert [20250806, 7] == seeds
    assert [20250806, 7] == [json.loads(line)["seed"] for line in _ledger(updated)]
    assert 7 == _forecast(updated)["seed"]


def test_same_numbers_without_cache_elsewhere(updated: Path, tmp_path: Path) -> None:
    """A clone at another path, without cached draws, gets the same forecast and ledger line to the last digit."""
    clone = tmp_path / "some" / "other place"
    shutil.copytree(updated, clone, ignore=shutil.ignore_patterns("reports"))
    _done(clone)
    assert _tree(updated / "reports") == _tree(clone / "reports")


def test_an_edited_item_is_reported(updated: Path) -> None:
    """An item that an earlier update used and that was edited since is named, and its effect shown; then it is old."""
    path = updated / "evidence" / "2026-05-20-hiring-stop.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("cut: 0.6", "cut: 0.9"), encoding="utf-8")
    result = _done(updated)
    assert f"'hiring-stop' was edited after the update of {AS_OF} used it" in result.stdout
    assert ["hiring-stop"] == [row["what"] for row in _forecast(updated)["moved"]]
    assert ["hiring-stop"] == _forecast(updated)["edited"]
    assert 2 == len(_ledger(updated))


def test_an_interrupted_update_changes_nothing(updated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted while it writes, an update leaves the last forecast and the ledger as they were."""
    (updated / "evidence" / "2026-06-25-shops.yaml").write_text(SALE, encoding="utf-8")
    before = _tree(updated)
    monkeypatch.setattr(Path, "rename", _interrupt)
    assert 0 != _update(updated).exit_code
    monkeypatch.undo()
    assert before == _tree(updated)
    assert "new: a line" in _done(updated).stdout


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_problems_in_files_are_status_1(updated: Path) -> None:
    """All mistakes of all files in one run, one line each on stderr, and nothing is written."""
    (updated / "evidence" / "2026-06-25-shops.yaml").write_text(SALE.replace("general", "genral"), encoding="utf-8")
    (updated / "evidence" / "watch.yaml").write_text("watched_until: soon\n", encoding="utf-8")
    before = _tree(updated)
    result = _update(updated)
    assert (1, "") == (result.exit_code, result.stdout)
    first, second = result.stderr.splitlines()
    assert first.startswith("evidence/2026-06-25-shops.yaml:8: ")
    assert "did you mean 'general'?" in first
    assert second.startswith("evidence/watch.yaml:1: ")
    assert before == _tree(updated)


def test_contradicting_evidence_is_status_1(updated: Path) -> None:
    """A constant that was observed to be both is a problem at the later item, which names the earlier one."""
    item = "- {{id: {0}, reported: 2026-06-2{1}, source: newspaper, headline: h, why: {0},\n"
    item += "   bears_on: [{{event: demand, settled: {0}}}]}}\n"
    text = item.format("high", 1) + item.format("low", 2)
    (updated / "evidence" / "2026-06-22-demand.yaml").write_text(text, encoding="utf-8")
    result = _update(updated)
    assert 1 == result.exit_code
    (line,) = result.stderr.splitlines()
    assert line.startswith("evidence/2026-06-22-demand.yaml:4: ")
    assert "'high'" in line


def test_before_the_opening(updated: Path) -> None:
    """An as-of date before the opening is a problem at the network's opening."""
    result = _update(updated, as_of="2026-01-04")
    assert 1 == result.exit_code
    assert re.match(r"priors/network\.yaml:\d+: as-of date before the opening; got 2026-01-04; ", result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [["--as-of", "yesterday"], ["--as-of", "9999-01-01"], ["--seed", "-1"], ["--sed", "1"], ["extra"], ["-m"]],
)
def test_wrong_usage_is_status_2(updated: Path, arguments: list[str]) -> None:
    """An unknown option, a value that is none and an argument too many are wrong usage."""
    result = CliRunner().invoke(main, ["update", "-C", str(updated), *arguments])
    assert 2 == result.exit_code
    assert "Error: " in result.stderr
    assert not (updated / "reports" / "9999-01-01").exists()


def test_a_folder_that_is_no_workspace(tmp_path: Path) -> None:
    """Without priors there is nothing to forecast: status 1, and the files that are missing."""
    result = CliRunner().invoke(main, ["update", "-C", str(tmp_path)])
    assert 1 == result.exit_code
    assert "priors/network.yaml" in result.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_fit_that_misses_is_said_by_the_update(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update warns of a statement whose fit misses what was stated by more than is tolerated, and goes on."""
    quiet = _done(fresh, "--dry-run")
    assert [] == [line for line in quiet.stderr.splitlines() if "misses what was stated" in line]
    monkeypatch.setattr("forecast.workspace.rules.WORST_MISFIT", 0.001)  # else the draws would be sampled anew
    said = [line for line in _done(fresh, "--dry-run").stderr.splitlines() if "misses what was stated" in line]
    place = "priors/statements/outside.yaml:25: warning: statement 'editors-success': the interval about its best value"
    assert [True] == [line.startswith(place) for line in said]


def test_doubts_about_evidence_are_said_by_the_update(updated: Path) -> None:
    """Items that may count twice are named by the update that uses them; other warnings of the files are counted."""
    (updated / "evidence" / "twice.yaml").write_text(SALE + SALE.replace("shops-", "again-"), encoding="utf-8")
    said = _done(updated, "--dry-run").stderr.splitlines()
    assert "evidence/twice.yaml:1: warning: 2 unsettled items on 'launch' add up for 'general'" in "\n".join(said)
    assert ["1 more warning about the files: see `forecast check`"] == [line for line in said if "more warning" in line]
    assert "add up" not in _done(updated, "--dry-run", as_of="2026-06-20").stderr


def _spoil(root: Path) -> None:
    """Let the kept draws come from chains that did not agree, as two opposed sharp statements make them."""
    for path in entries(root, "draws"):
        diagnostics = parts_of(path)["diagnostics"]
        assert isinstance(diagnostics, bytes)
        found = json.loads(diagnostics) | {"r_hat_max": 1.09, "sampled": 20000.0}
        rewrite(path, {"diagnostics": json.dumps(found).encode()})


def test_other_numbers_of_the_same_inputs_are_recorded_with_a_reason(updated: Path) -> None:
    """What another program makes of the same files is warned of, and has a line once somebody says why."""
    for path in entries(updated, "draws"):
        theta = parts_of(path)["theta"]
        assert isinstance(theta, np.ndarray)
        rewrite(path, {"theta": np.ascontiguousarray(theta[:, ::-1])})  # other sources meet these draws
    for path in entries(updated, "posterior"):
        path.unlink()
    without = _done(updated)
    assert ("nothing new" in without.output, 1) == (True, len(_ledger(updated)))
    assert "the ledger's forecast of 2026-07-01 comes out otherwise from the same inputs" in without.output
    assert "`forecast update -m WHY` records them" in without.output
    _done(updated, "-m", "another program")
    assert 2 == len(_ledger(updated))
    again = _done(updated, "-m", "once more")
    assert ("nothing new" in again.output, 2) == (True, len(_ledger(updated)))
    assert "comes out otherwise" not in again.output


def test_a_forecast_that_is_not_reliable_says_so(fresh: Path) -> None:
    """Chains that do not agree make a forecast unreliable: on stderr, in forecast.json, in the ledger and in `show`."""
    _spoil(fresh)
    doubt = "The forecast is not reliable: R-hat is 1.09, above 1.01."
    result = _done(fresh)
    assert doubt in result.stderr.splitlines()
    assert "drawn 4 times as long: 20000 draws" in result.stdout
    told = [_forecast(fresh)["diagnostics"], json.loads(_ledger(fresh)[-1])["diagnostics"]]
    assert [(False, ["R-hat is 1.09, above 1.01"])] * 2 == [(one["reliable"], one["reasons"]) for one in told]
    shown = CliRunner().invoke(main, ["show", "-C", str(fresh)])
    assert doubt == shown.stdout.splitlines()[-1]


@pytest.mark.parametrize("spoiled", [False, True])
def test_strict_exits_with_1_where_a_forecast_is_not_reliable(fresh: Path, spoiled: bool) -> None:
    """After everything is written; of a reliable forecast, and without --strict, the status is 0."""
    if spoiled:
        _spoil(fresh)
    result = _update(fresh, "--strict")
    assert (1 if spoiled else 0) == result.exit_code
    assert spoiled == ("not reliable" in result.stderr)
    assert 1 == len(_ledger(fresh))
    assert spoiled != _forecast(fresh)["diagnostics"]["reliable"]
    again = _update(fresh, "--strict", "--json")
    assert (1 if spoiled else 0) == again.exit_code
    assert spoiled != json.loads(again.stdout)["diagnostics"]["reliable"]
    assert 0 == _update(fresh).exit_code


def test_files_that_change_while_it_is_computed(updated: Path) -> None:
    """An update whose files were changed meanwhile is written as computed, and says that the change is not in it."""
    day = date.fromisoformat("2026-07-05")
    sources = updated / "evidence/sources.yaml"
    before = sources.read_bytes()
    found = pipeline.conclude(Session(updated, day, day))
    sources.write_bytes(before + b"# a remark\n")
    written = pipeline.write(found, lambda _: None, with_report=False)
    (warning,) = set(written.warnings) - set(found.warnings)
    what = "this file changed while the forecast was computed; the forecast does not include the change"
    assert f"evidence/sources.yaml:1: warning: {what}; run `forecast update` again" == str(warning)
    again = pipeline.conclude(Session(updated, day, day))
    assert () == tuple(set(pipeline.write(again, lambda _: None, with_report=False).warnings) - set(again.warnings))
