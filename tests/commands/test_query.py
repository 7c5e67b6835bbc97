"""`forecast query` as a user meets it."""

from __future__ import annotations

import json
from math import log
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.commands.query import _digits

DATA = Path(__file__).parents[1] / "networks" / "data"
ASIA = str(DATA / "asia.bif")


def _query(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["query", *arguments])


def test_json_holds_log_evidence_and_every_marginal() -> None:
    """With --json, stdout is one object: the natural log of P(evidence) and all marginals, observed ones included."""
    result = _query(ASIA, "--observe", "asia=yes", "--json")
    answered = json.loads(result.stdout)
    assert (0, ["log_evidence", "marginals"]) == (result.exit_code, list(answered))
    assert log(0.01) == pytest.approx(answered["log_evidence"], abs=1e-12)
    assert {"yes": 1.0, "no": 0.0} == answered["marginals"]["asia"]
    assert {"yes": pytest.approx(0.05), "no": pytest.approx(0.95)} == answered["marginals"]["tub"]
    assert 8 == len(answered["marginals"])


def test_likelihood_is_virtual_evidence_in_file_order() -> None:
    """--likelihood multiplies the states' probabilities by its numbers, in the order of the file."""
    answered = json.loads(_query(ASIA, "--likelihood", "smoke=0.8,0.2", "--json").stdout)
    assert log(0.5 * 0.8 + 0.5 * 0.2) == pytest.approx(answered["log_evidence"], abs=1e-12)
    assert 0.8 == pytest.approx(answered["marginals"]["smoke"]["yes"], abs=1e-12)


def test_an_argument_splits_at_its_first_equals_sign(tmp_path: Path) -> None:
    """A state may hold '=': only the first one separates."""
    file = tmp_path / "x.bif"
    file.write_text("variable a { type discrete [ 2 ] { <5, >=5 }; }\nprobability ( a ) { table 0.4, 0.6; }")
    answered = json.loads(_query(str(file), "--observe", "a=>=5", "--json").stdout)
    assert {"<5": 0.0, ">=5": 1.0} == answered["marginals"]["a"]


def test_table_shows_each_variable_and_the_evidence() -> None:
    """Without --json a table names every variable, its states and probabilities, and what was put in."""
    result = _query(ASIA, "--observe", "asia=yes", "--likelihood", "dysp=0.8,0.1")
    assert 0 == result.exit_code
    assert "tub       yes 0.0787  no 0.9213" in result.stdout
    assert "asia=yes" in result.stdout
    assert "dysp=0.8,0.1" in result.stdout
    assert "log evidence" in result.stdout


def test_contradicting_evidence_is_an_error_that_names_it() -> None:
    """Evidence of probability zero ends with status 1 and names the contradicting arguments alone."""
    result = _query(ASIA, "--observe", "smoke=no", "--observe", "either=no", "--observe", "tub=yes", "--json")
    expected = (1, "", "Error: the evidence has probability zero: 'either=no', 'tub=yes' contradict each other\n")
    assert expected == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--observe", "azia=yes"], "unknown variable 'azia'"),
        (["--observe", "azia=yes"], "did you mean 'asia'?"),
        (["--observe", "asia=yez"], "variable 'asia' has no state 'yez'; states are 'yes', 'no'; did you mean 'yes'?"),
        (["--observe", "asia"], "'asia' has no '='"),
        (["--likelihood", "asia=0.5"], "'asia' takes 2 numbers, none negative and not all zero, for yes, no"),
        (["--likelihood", "asia=0,0"], "'asia' takes 2 numbers"),
        (["--likelihood", "asia=-1,1"], "'asia' takes 2 numbers"),
        (["--likelihood", "asia=nan,1"], "'asia' takes 2 numbers"),
        (["--likelihood", "asia=inf,1"], "'asia' takes 2 numbers"),
        (["--likelihood", "asia=a,b"], "'asia' takes 2 numbers"),
    ],
)
def test_wrong_arguments_are_wrong_usage(arguments: list[str], message: str) -> None:
    """A wrong name or number is refused with status 2, said with what is allowed."""
    result = _query(ASIA, *arguments)
    assert (2, True) == (result.exit_code, message in result.stderr)


def test_wrong_arguments_are_told_in_one_run() -> None:
    """Each wrong option is named, once, whatever else is wrong."""
    wrong = ("--observe", "asai=yes", "--observe", "smoke=maybe", "--likelihood", "tub=1", "--observe", "smoke=maybe")
    result = _query(ASIA, "--observe", "asia=yes", *wrong)
    told = [line for line in result.output.splitlines() if "Invalid value" in line]
    assert (2, 3) == (result.exit_code, len(told)), result.output
    assert ["did you mean 'asia'?", "has no state 'maybe'", "takes 2 numbers"] == [
        next(words for words in ("did you mean 'asia'?", "has no state 'maybe'", "takes 2 numbers") if words in line)
        for line in told
    ]


def test_problems_of_the_file_end_with_status_1(tmp_path: Path) -> None:
    """Mistakes in the file are listed on stderr, each with its line."""
    file = tmp_path / "x.bif"
    file.write_text("variable a { type discrete [ 2 ] { x, y }; }\nprobability ( a ) { table 0.4, 0.7; }")
    result = _query(str(file), "--json")
    expected = (
        f"{file}:2: variable 'a': probabilities do not sum to one; got 1.1; 1, or less than 0.1 off by rounding\n"
    )
    assert (1, "", expected) == (result.exit_code, result.stdout, result.stderr)


def test_a_mended_row_is_said_on_stderr(tmp_path: Path) -> None:
    """A row that was divided by its sum is a warning on stderr; stdout stays JSON alone."""
    file = tmp_path / "x.bif"
    file.write_text("variable a { type discrete [ 2 ] { x, y }; }\nprobability ( a ) { table 0.3, 0.7000003; }")
    result = _query(str(file), "--json")
    assert (0, True) == (result.exit_code, "each was divided by its sum" in result.stderr)
    assert 0.0 == pytest.approx(json.loads(result.stdout)["log_evidence"], abs=1e-15)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [(0.0, "0"), (1.0, "1"), (0.25, "0.2500"), (1e-9, "<0.0001"), (1 - 1e-9, ">0.9999"), (0.00005, "0.0001")],
)
def test_only_certainty_is_printed_as_certainty(probability: float, expected: str) -> None:
    """0 and 1 are printed for exactly 0 and 1 only."""
    assert expected == _digits(probability)


@pytest.mark.parametrize(
    ("probability", "expected"), [(0.0, "0"), (1.0, ">0.9999"), (0.25, "0.2500"), (5e-324, "<0.0001")]
)
def test_nothing_is_certain_while_another_state_is_possible(probability: float, expected: str) -> None:
    """A double that is 1 is no certainty if another state has any probability."""
    assert expected == _digits(probability, is_certain=False)


def _one_variable(folder: Path) -> str:
    file = folder / "a.bif"
    file.write_text("variable A { type discrete [2] { yes, no }; }\nprobability ( A ) { table 0.01, 0.99; }")
    return str(file)


@pytest.mark.parametrize(("likelihood", "expected"), [("0.02,0.01", "yes >0.9999"), ("0.01,0.02", "yes <0.0001")])
def test_four_hundred_reports_on_one_variable(tmp_path: Path, likelihood: str, expected: str) -> None:
    """Reports that say the same do not contradict each other, however many; the table counts them."""
    result = _query(_one_variable(tmp_path), *["--likelihood", f"A={likelihood}"] * 400)
    assert 0 == result.exit_code
    assert expected in result.stdout
    assert f"400 times A={likelihood}" in result.stdout


def test_the_smallest_likelihoods_are_ratios_as_any_others(tmp_path: Path) -> None:
    """1e-320 : 1e-322 are doubles with a ratio of 2024 to 20 units of the smallest: the posterior follows it."""
    answered = json.loads(_query(_one_variable(tmp_path), "--likelihood", "A=1e-320,1e-322", "--json").stdout)
    ratio = 1e-320 / 1e-322
    assert ratio * 0.01 / (ratio * 0.01 + 0.99) == pytest.approx(answered["marginals"]["A"]["yes"], rel=1e-14)


def _dense(folder: Path, n: int) -> Path:
    """Causes, each two of which have a child; a file, and the options that observe every child."""
    lines = ["network dense { }"]
    causes, pairs = range(n), [(i, j) for j in range(n) for i in range(j)]
    names = [*(f"c{i}" for i in causes), *(f"d{i}_{j}" for i, j in pairs)]
    lines += [f"variable {name} {{ type discrete [ 2 ] {{ y, n }}; }}" for name in names]
    lines += [f"probability ( c{i} ) {{ table 0.3, 0.7; }}" for i in causes]
    for i, j in pairs:
        rows = "(y, y) 0.9, 0.1; (y, n) 0.6, 0.4; (n, y) 0.5, 0.5; (n, n) 0.1, 0.9;"
        lines.append(f"probability ( d{i}_{j} | c{i}, c{j} ) {{ {rows} }}")
    path = folder / "dense.bif"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_memory_bounds_what_tables_take(tmp_path: Path) -> None:
    """In less memory than the tables need the answer is the same; what cannot be done is refused with its numbers."""
    path = _dense(tmp_path, 18)
    observed = [part for j in range(18) for i in range(j) for part in ("--observe", f"d{i}_{j}=y")]
    with_all, with_little = (
        json.loads(_query(str(path), *observed, "--json", *memory).stdout) for memory in ((), ("--memory", "2 MB"))
    )
    assert with_all["log_evidence"] == pytest.approx(with_little["log_evidence"], abs=1e-10)
    for name, marginal in with_all["marginals"].items():
        assert marginal == pytest.approx(with_little["marginals"][name], abs=1e-12)
    path = _dense(tmp_path, 45)
    observed = [part for j in range(45) for i in range(j) for part in ("--observe", f"d{i}_{j}=y")]
    refused = _query(str(path), *observed, "--memory", "1.5GB")
    assert refused.exit_code == 1
    assert "with a table of 35,184,372,088,832 numbers, where 1.5 GB are allowed; allow more" in refused.stderr


@pytest.mark.parametrize("size", ["0", "much", "-1GB", "2 pounds", "0.0001kB"])
def test_a_size_is_a_number_with_a_unit(size: str) -> None:
    """What is no size is refused with what was found and what is one."""
    refused = _query(ASIA, "--memory", size)
    assert (2, True) == (refused.exit_code, f"got '{size}'" in refused.stderr)
