"""Matrices of competing hypotheses as evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.import_ import import_
from forecast.workspace.records import Likelihood
from tests.workspace.writing import example, read

SAMPLE = Path(__file__).parent / "samples/ach.csv"


def imported(root: Path, text: str, *more: str, event: str = "launch") -> tuple[int, str]:
    """Import a matrix into a workspace; return exit status and output, or the problems."""
    (root / "matrix.csv").write_text(text, encoding="utf-8")
    arguments = [
        "evidence",
        str(root / "matrix.csv"),
        "-C",
        str(root),
        "--format",
        "ach",
        "--event",
        event,
        "--yes",
        *more,
    ]
    result = CliRunner().invoke(import_, arguments)
    return result.exit_code, str(result.exception) if result.exit_code == 1 else result.output


def test_cells_are_decibans(tmp_path: Path) -> None:
    """Likelihoods stand to each other as 10^(difference of decibans / 10): CC 10, C 5, N and N/A 0, I -5, II -10."""
    status, _ = imported(example(tmp_path), SAMPLE.read_text(encoding="utf-8"))
    items = {item.id: item for item in read(tmp_path).items if item.id.startswith("sample")}
    found = [bearing.ratios for item in items.values() for bearing in item.bears_on if isinstance(bearing, Likelihood)]
    assert (
        0,
        [{"none": 0.01, "limited": 1.0, "general": 0.3162}, {"none": 1.0, "limited": 0.3162, "general": 0.3162}],
    ) == (
        status,
        found,
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "II,CC,C",
            "II,CCC,C",
            "matrix.csv:2: item 'sample-1': 'limited' has no grade of consistency; got 'CCC'; grades are ",
        ),
        (
            "limited,general",
            "limited,still_testing",
            "matrix.csv:1: unknown column 'still_testing'; evidence bears on events",
        ),
        ("limited,general", "limited,generl", "did you mean 'general'?"),
        ("newspaper", "newspapr", "unknown source 'newspapr'"),
        ("2026-05-01", "1 May", "reported is not a date"),
    ],
)
def test_nothing_is_written_beside_a_problem(tmp_path: Path, old: str, new: str, says: str) -> None:
    """A mistake in the matrix, or in the items that it would give, is said, and no file appears."""
    before = sorted(example(tmp_path).rglob("*.yaml"))
    status, said = imported(tmp_path, SAMPLE.read_text(encoding="utf-8").replace(old, new))
    assert (1, True, before) == (status, says in said, sorted(tmp_path.rglob("*.yaml")))


def test_all_that_is_wrong_is_told_at_its_row(tmp_path: Path) -> None:
    """Grades, items and a row that breaks off are told in one run, each at its line of the matrix."""
    example(tmp_path)
    header = "id,reported,source,headline,none,limited,general\n"
    rows = ["a,2026-05-01,newspapr,A first.,II,CC,C", "b,2026-05-33,newspaper,Not like it.,XX,C,N", 'c,"2026']
    status, said = imported(tmp_path, header + "\n".join(rows))
    told = [line.split("; ")[0] for line in said.splitlines()]
    assert (
        1,
        [
            "matrix.csv:2: item 'a': unknown source 'newspapr'",
            "matrix.csv:3: item 'b': 'none' has no grade of consistency",
            "matrix.csv:3: item 'b': reported is a day that does not exist",
            "matrix.csv:4: a quote is opened and not closed",
        ],
    ) == (status, told)
