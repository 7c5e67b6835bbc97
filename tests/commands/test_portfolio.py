"""`forecast update --each`: every workspace as if it were updated alone, and one table of all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from tests.commands.conftest import AS_OF


def _update(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["update", "-C", str(root), "--as-of", AS_OF, "--no-report", *arguments])


@pytest.fixture
def teams(fresh: Path, tmp_path: Path) -> Path:
    """Two workspaces before any update, one whose file is broken, and one that is none."""
    folder = tmp_path / "teams"
    for name in ("east", "west", "broken"):
        shutil.copytree(fresh, folder / name)
    (folder / "broken" / "priors" / "network.yaml").write_text("question: 7\n", encoding="utf-8")
    (folder / "nothing").mkdir()
    (folder / "README.md").write_text("no folder\n", encoding="utf-8")
    return folder


def _written(root: Path) -> tuple[bytes, bytes]:
    return (root / "reports" / AS_OF / "forecast.json").read_bytes(), (root / "reports/ledger.jsonl").read_bytes()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_each(teams: Path, fresh: Path, workers: str) -> None:
    """Files and ledger are those of single updates; what fails is told with its folder, and stops no other."""
    result = _update(teams, "--each", "*", "--workers", workers, "--json")
    assert 1 == result.exit_code, result.output
    rows = {row["folder"]: row for row in json.loads(result.stdout)}
    assert ["broken", "east", "nothing", "west"] == list(rows)
    assert ["failed", "new line", "failed", "new line"] == [row["status"] for row in rows.values()]
    assert "broken/priors/network.yaml:1: " in result.stderr
    assert any(problem.startswith("nothing/") for problem in rows["nothing"]["problems"])

    alone = json.loads(_update(fresh, "--json").stdout)
    assert _written(fresh)[0] == _written(teams / "east")[0] == _written(teams / "west")[0]
    top = max(alone["scenarios"], key=lambda one: one["probability"])
    for name in ("east", "west"):
        assert (top["id"], top["probability"], None) == tuple(
            rows[name][key] for key in ("scenario", "probability", "change")
        )
        assert 1 == len(_written(teams / name)[1].splitlines())


def test_again(teams: Path) -> None:
    """A second run has nothing new; the table says so in words, and all went well without those that fail."""
    assert 0 == _update(teams, "--each", "[ew]*st", "--workers", "1").exit_code
    before = [_written(teams / name)[1] for name in ("east", "west")]
    result = _update(teams, "--each", "[ew]*st", "--workers", "1")
    assert (0, 2) == (result.exit_code, result.stdout.count("nothing new"))
    assert "2 workspaces\n" in result.stdout
    assert before == [_written(teams / name)[1] for name in ("east", "west")]


def test_a_dry_run_writes_nothing(teams: Path) -> None:
    """With --dry-run there is a table and no ledger."""
    result = _update(teams, "--each", "east", "--dry-run", "--workers", "1")
    assert (0, True) == (result.exit_code, "dry run" in result.stdout)
    assert not (teams / "east/reports/ledger.jsonl").exists()


def test_a_folder_by_two_names_is_updated_once(teams: Path) -> None:
    """A link to a workspace that matches too is no second one."""
    (teams / "eastern").symlink_to(teams / "east", target_is_directory=True)
    result = _update(teams, "--each", "east*", "--dry-run", "--workers", "1")
    assert (0, True) == (result.exit_code, "1 workspace\n" in result.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--each", "south*"), "matches 'south*'"),
        (("--workers", "2"), "for --each"),
        (("--each", "*", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "a cluster"),
    ],
)
def test_wrong_usage(teams: Path, arguments: tuple[str, ...], said: str) -> None:
    """A pattern that nothing matches, and options that do not go together, end with 2."""
    result = _update(teams, *arguments)
    assert 2 == result.exit_code
    assert said in result.output
