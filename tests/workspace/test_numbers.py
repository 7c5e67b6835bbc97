"""Numbers as people write them: read as they stand, or refused with how they would be written; never made zero."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from forecast.commands.query import query
from forecast.networks.formats import read_network
from forecast.workspace.csv_text import NotJsonError, load_json
from forecast.workspace.numbers import number_in, vanishes, why_no_number
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.yaml_text import resolve
from tests.workspace.writing import example, messages, replace

LIKELIHOOD = "evidence/2026-04-14-waiting-list.yaml"
HIGH = "item 'waiting-list': bears_on[1].likelihood.high"
RANGE = "numbers go from 1e-323 to 1e308, and 0 is written 0"


@given(st.integers(0, 10**6), st.integers(-400, 300))
def test_what_is_not_zero_is_not_read_as_zero(mantissa: int, power: int) -> None:
    """A number is read as the nearest double, or it is none where that would be zero and the number is not."""
    text = f"{mantissa}e{power}"
    exact = mantissa * Fraction(10) ** power
    read = number_in(text)
    assert vanishes(text) == (exact != 0 and float(exact) == 0.0)
    assert read == (None if vanishes(text) else float(exact))
    assert resolve(text) == (text if read is None else read)


@pytest.mark.parametrize("text", ["0", "0.0", "-0", "0e5", "0.00e-400", "5e-324", "1e-320"])
def test_zero_and_the_smallest_doubles_are_numbers(text: str) -> None:
    """Zero, however it is written, and what a double still holds."""
    assert number_in(text) == float(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("60%", "60% is written 0.6"),
        ("12.5 %", "12.5 % is written 0.125"),
        ("0,6", "decimals are written with a point: 0.6"),
        ("1_000", "digits stand together: 1000"),
        ("0x10", "numbers are decimal: 16"),
        ("0o20", "numbers are decimal: 16"),
        ("1e-400", RANGE),
        ("-1e400", RANGE),
        ("400", ""),
        ("1:30", ""),
        ("nan", ""),
        ("many", ""),
    ],
)
def test_how_it_would_be_written(text: str, says: str) -> None:
    """What is nearly a number is told with the number that it would be."""
    assert says == why_no_number(text)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("low: 0.3, high: 1e-400", [f"{HIGH} must be a number; got '1e-400'; {RANGE}"]),
        ("low: 0.3, high: '0.6'", [f"{HIGH} must be a number; got '0.6'; without quotes: 0.6"]),
        ("low: 0.3, high: 0,6", ["a comma within a number; got '0,6'; decimals are written with a point: 0.6"]),
        (
            "low: 0,3, high: 0,6",
            [f"a comma within a number; got '0,{n}'; decimals are written with a point: 0.{n}" for n in (3, 6)],
        ),
    ],
)
def test_a_number_in_a_file_is_told_once(tmp_path: Path, said: str, says: list[str]) -> None:
    """A comma for a point, quotes, and a number that would become 0 are one mistake each."""
    root = example(tmp_path)
    replace(root, LIKELIHOOD, "low: 0.3, high: 0.6", said)
    assert [f"{LIKELIHOOD}:9: {one}" for one in says] == messages(root)


def test_a_whole_number_with_decimals(tmp_path: Path) -> None:
    """A count with a point is told with the count."""
    root = example(tmp_path)
    replace(root, LIKELIHOOD, "credibility: 2", "credibility: 2.0")
    says = "item 'waiting-list': credibility must be a whole number; got 2.0; without decimals: 2"
    assert [f"{LIKELIHOOD}:4: {says}"] == messages(root)


RATIO = "ratio: 5, low: 2, high: 12"
RATIO_AT = "priors/statements/team.yaml:16: statement 'lead-launch-needs-test': times"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            "ratio: 1e300, low: 2, high: 1e301",
            ["ratio is out of range; got 1e+300", "high is out of range; got 1e+301"],
        ),
        ("ratio: 5, low: 1e-300, high: 12", ["low is out of range; got 1e-300"]),
        ("ratio: 5, low: 1e-12, high: 1e12, level: 0.001", ["the interval says nothing at its level; got an sd of"]),
    ],
)
def test_a_ratio_that_no_double_could_hold(tmp_path: Path, said: str, says: list[str]) -> None:
    """A ratio, or the end of an interval around it, that would overflow is told where it stands."""
    root = example(tmp_path)
    replace(root, "priors/statements/team.yaml", RATIO, said)
    found = messages(root)
    assert len(says) == len(found)
    assert all(one.startswith(RATIO_AT) for one in found)
    assert all(any(part in one for one in found) for part in says)


def test_a_width_that_says_nothing(tmp_path: Path) -> None:
    """An sd of hundreds of log-odds is a slip, as of a percentage."""
    root = example(tmp_path)
    replace(root, "priors/experts.yaml", "default_sd: 1.3", "default_sd: 130")
    expected = "priors/experts.yaml:1: expert 'editors': default_sd is out of range; got 130; at most 100"
    assert [expected] == messages(root)


@pytest.mark.parametrize("finite", [True, False])
def test_a_number_in_json(finite: bool) -> None:
    """Neither a forecast nor a market's history has a number that would become 0."""
    with pytest.raises(NotJsonError, match="too small: a double would hold 0"):
        load_json('{"p": 1e-400}', finite=finite)


BIF = "network t {{}}\nvariable A {{ type discrete [2] {{ yes, no }}; }}\nprobability ( A ) {{ table {}, 1; }}\n"


def test_a_number_in_a_network(tmp_path: Path) -> None:
    """A probability that would become 0 is refused where it stands, in a plain file too, which is read at once."""
    path = tmp_path / "t.bif"
    path.write_text(BIF.format("1e-400"), encoding="utf-8")
    with pytest.raises(WorkspaceProblems, match=rf"t.bif:3: .*got '1e-400'.*{RANGE}"):
        read_network(path)
    path.write_text(BIF.format("1e-310"), encoding="utf-8")
    assert 1e-310 == read_network(path).tables["A"][0]


@pytest.mark.parametrize("said", ["1e-400,1e-322", "1_0,1", "50%,1", "nan,1", "1e400,1", ",1", "\u0661,1"])
def test_a_number_of_virtual_evidence(tmp_path: Path, said: str) -> None:
    """What is no number, or would become 0, is wrong usage, and never an answer."""
    path = tmp_path / "t.bif"
    path.write_text(BIF.format("0"), encoding="utf-8")
    result = CliRunner().invoke(query, [str(path), "--likelihood", f"A={said}"])
    assert (2, True) == (result.exit_code, f"got '{said}'" in result.output)
