"""Matrices of competing hypotheses as evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.import_ import import_
from forecast.workspace.records import Likelihood, OnScenarios
from tests.docs.pages import ROOT
from tests.workspace.writing import example, read

ON_SCENARIOS = """\
id,reported,source,credibility,headline,breakthrough,on_the_market,still_testing,other
m-1,2026-05-01,newspaper,2,A pilot shop is being fitted out.,C,CC,I,II
m-2,2026-05-02,forum,,Nobody has heard of a date.,II,I,C,N/A
"""
SAMPLE = Path(__file__).parent / "samples/ach.csv"


def imported(root: Path, text: str, *more: str, event: str | None = "launch") -> tuple[int, str]:
    """Import a matrix into a workspace; return exit status and output, or the problems."""
    (root / "matrix.csv").write_text(text, encoding="utf-8")
    arguments = [
        "evidence",
        str(root / "matrix.csv"),
        "-C",
        str(root),
        "--format",
        "ach",
        *(("--event", event) if event else ()),
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
            "matrix.csv:1: unknown column 'still_testing'; a matrix is on the states of one event or,",
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
    """A column too many, grades, items and a row that breaks off are told in one run, each at its line."""
    example(tmp_path)
    header = "id,reported,source,headline,none,limited,general,note\n"
    rows = ["a,2026-05-01,newspapr,A first.,II,CC,C,", "b,2026-05-33,newspaper,Not like it.,XX,C,N,", 'c,"2026']
    status, said = imported(tmp_path, header + "\n".join(rows))
    told = [line.split("; ")[0] for line in said.splitlines()]
    assert (
        1,
        [
            "matrix.csv:1: unknown column 'note'",
            "matrix.csv:2: item 'a': unknown source 'newspapr'",
            "matrix.csv:3: item 'b': 'none' has no grade of consistency",
            "matrix.csv:3: item 'b': reported is a day that does not exist",
            "matrix.csv:4: a quote is opened and not closed",
        ],
    ) == (status, told)


def test_a_matrix_of_scenarios(tmp_path: Path) -> None:
    """Without --event the columns are the scenarios and `other`: each row is an item on the scenarios."""
    status, said = imported(example(tmp_path), ON_SCENARIOS, event=None)
    workspace = read(tmp_path)
    items = [item for item in workspace.items if item.id.startswith("m-")]
    parts = [part for item in items for part in item.bears_on if isinstance(part, OnScenarios)]
    ratios = [
        {"breakthrough": 0.3162, "on_the_market": 1.0, "still_testing": 0.0316, "other": 0.01},
        {"breakthrough": 0.0316, "on_the_market": 0.1, "still_testing": 1.0, "other": 0.3162},
    ]
    rules = [(rule.id, rule.when) for rule in workspace.scenarios]
    assert (0, ratios) == (status, [part.ratios for part in parts]), said
    assert [rules, rules] == [[(rule.id, rule.when) for rule in part.rules] for part in parts]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            ",other\n",
            "\n",
            "matrix.csv:1: one column is needed for 'other'; got none; scenarios are 'breakthrough', 'on_",
        ),
        (",other\n", ",othr\n", "unknown column 'othr'; columns are "),
        (
            "still_testing,other",
            "general,other",
            "unknown column 'general'; that is a state of 'launch': without --event",
        ),
        (
            "CC,I,II",
            "CC,I,III",
            "matrix.csv:2: item 'm-1': 'other' has no grade of consistency; got 'III'; grades are ",
        ),
        ("newspaper", "newspapr", "matrix.csv:2: item 'm-1': unknown source 'newspapr'"),
    ],
)
def test_a_wrong_matrix_of_scenarios(tmp_path: Path, old: str, new: str, says: str) -> None:
    """A mistake in a matrix of scenarios is told at its row, and no file appears."""
    before = sorted(example(tmp_path).rglob("*.yaml"))
    status, said = imported(tmp_path, ON_SCENARIOS.replace(old, new), event=None)
    assert (1, before) == (status, sorted(tmp_path.rglob("*.yaml")))
    assert says in said


def test_incidents_need_an_event(tmp_path: Path) -> None:
    """Only a matrix can do without an event."""
    file = str(tmp_path / "some.csv")
    Path(file).write_text("a\n", encoding="utf-8")
    result = CliRunner().invoke(import_, ["evidence", file, "-C", str(example(tmp_path)), "--format", "acled", "--yes"])
    assert (2, True) == (result.exit_code, "--format acled needs --event" in result.output)


def test_what_controlled_studies_found_is_told(tmp_path: Path) -> None:
    """The command, its help and the page say that the procedure was not found to make judgements more accurate."""
    _, said = imported(example(tmp_path), SAMPLE.read_text(encoding="utf-8"))
    told = CliRunner().invoke(import_, ["evidence", "--help"]).output
    page = (ROOT / "docs/feeds.md").read_text(encoding="utf-8")
    for text in (said, told, page):
        assert "found no gain in accuracy" in " ".join(text.split())
        assert all(f"{who} 20" in " ".join(text.split()) for who in ("Whitesmith", "Karvetski and Mandel"))
