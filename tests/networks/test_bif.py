"""Reading BIF: what other programs write is read as they mean it, and every mistake has its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecast.networks.bif import _BulkReader, _NotBulkError, _Reader, parse_bif, read_bif, write_bif
from forecast.networks.details import NetworkDetails, VariableDetails
from forecast.networks.network import DiscreteNetwork
from forecast.workspace.problems import Problem, WorkspaceProblems, one_form
from tests.networks.oracle import networks

DATA = Path(__file__).parent / "data"


def _found(text: str) -> tuple[Problem, ...]:
    try:
        parse_bif(text, "x.bif")
    except WorkspaceProblems as found:
        return found.problems
    return ()


def _problems(text: str) -> list[str]:
    return [str(problem) for problem in _found(text)]


def _written(network: DiscreteNetwork, rename: Sequence[str] = ()) -> str:
    """Write a network in BIF, rows in reverse order; `rename` gives the states other names, quoted."""
    shown = {f"s{i}": f'"{name}"' for i, name in enumerate(rename)}
    lines = ["network random { }"]
    for name in network.names:
        states = ", ".join(shown.get(state, state) for state in network.states[name])
        lines.append(f"variable {name} {{ type discrete [ {len(network.states[name])} ] {{ {states} }}; }}")
    for name in network.names:
        parents = network.parents[name]
        lines.append(f"probability ( {name}{' | ' if parents else ''}{', '.join(parents)} ) {{")
        for at in reversed(list(np.ndindex(network.tables[name].shape[:-1]))):
            given = [network.states[parent][i] for parent, i in zip(parents, at, strict=True)]
            row = ", ".join(repr(p) for p in network.tables[name][at].tolist())
            head = f"({', '.join(shown.get(state, state) for state in given)})" if parents else "table"
            lines.append(f"  {head} {row};")
        lines.append("}")
    return "\n".join(lines)


@given(network=networks())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(network: DiscreteNetwork) -> None:
    """A network written in BIF and read back has the same names, states, parents and numbers."""
    actual = parse_bif(_written(network), "x.bif")
    assert (network.names, network.states, network.parents) == (actual.names, actual.states, actual.parents)
    for name in network.names:
        np.testing.assert_allclose(network.tables[name], actual.tables[name], rtol=1e-14)


def _everything(network: DiscreteNetwork) -> tuple[object, ...]:
    tables = {name: table.tolist() for name, table in network.tables.items()}
    return network.names, network.states, network.parents, tables, network.warnings, network.details


USUAL = """network usual { property note; }
variable a { type discrete [ 2 ] { x, y }; }
variable b { type discrete [ 3 ] { up, down, table }; property "position = (1, 2)"; }
variable c { type discrete { t f }; }
probability ( a ) { table 0.3, 0.7; }
probability ( b | a, c ) { (x, t) 0.333, 0.333, 0.333; (y f) 1 0 0; default .2, .3, .5; }
probability ( c ) { default 2.5e-1 0.75; }
probability ( d | a ) { (x) 1; (y) 1; }
probability ( e, d, a ) { table 1 0.9999999 0 0 0 0; }
variable d{type discrete[1]{-};}
variable e { type discrete [ 3 ] { 1, 2, 3 }; }
"""
ODD = ["_", "+", "nan", "inf", "1e400", "\x1c", "é", "e\u0301", "(x) 0.5, 0.5;", "default 1 0 0;", "table", ",,"]
USUAL_PIECES = [*'{}()[];,|"/* \n01.ab', "//", "property p;", "property ", "variable ", "probability ", "x", *ODD]


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_what_is_read_in_bulk_is_what_the_grammar_says(data: st.DataObject) -> None:
    """A text that is read in bulk is read word by word as the very same network, to the last bit and warning."""
    text = USUAL
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.sampled_from([start, start, start + 1, start + 5, start + 30]))
        text = text[:start] + data.draw(st.sampled_from(["", *USUAL_PIECES])) + text[end:]
    try:
        in_bulk = _BulkReader(text, "x.bif").network()
    except (_NotBulkError, WorkspaceProblems):
        return
    assert _everything(_Reader(text, "x.bif").network()) == _everything(in_bulk)


@given(network=networks(), comma=st.sampled_from([", ", ",", " "]))
@settings(max_examples=60, deadline=None)
def test_the_usual_forms_are_read_in_bulk(network: DiscreteNetwork, comma: str) -> None:
    """Rows between commas or blanks, and the usual text with its defaults and tables, need no look at each word."""
    for text in (_written(network).replace(", ", comma), USUAL):
        assert _everything(_Reader(text, "x.bif").network()) == _everything(_BulkReader(text, "x.bif").network())


def _renamed(network: DiscreteNetwork, names: Sequence[str]) -> DiscreteNetwork:
    """Give the variables and, from the end of the list, the states other names."""
    called = dict(zip(network.names, names, strict=False))
    return DiscreteNetwork(
        names=tuple(called.values()),
        states={called[v]: tuple(names[-1 - i] for i in range(len(known))) for v, known in network.states.items()},
        parents={called[v]: tuple(called[parent] for parent in known) for v, known in network.parents.items()},
        tables={called[v]: table for v, table in network.tables.items()},
        warnings=(),
    )


_any_name = st.text(st.characters(codec="utf-8", exclude_characters='"\n'), max_size=4).map(one_form)


@given(network=networks(4), names=st.lists(_any_name, min_size=4, max_size=9, unique=True))
@settings(max_examples=100, deadline=None)
@example(network=parse_bif(USUAL, "x.bif"), names=["", "table", "//", "; }", "a b", "(", "property", "a"])
def test_what_is_written_is_read_back_to_the_last_bit(network: DiscreteNetwork, names: list[str]) -> None:
    """A network that is written and read back is the same, whatever its names, to the last bit of its numbers."""
    said = (("author", "me; you"), ("note", ""), ("quoted", '"two words"'))
    of_variables = {names[0]: VariableDetails(properties=(("position", "(1, 2)"),))}
    expected = replace(_renamed(network, names), details=NetworkDetails(names[-1], said, of_variables, "BIF"))
    stream = StringIO()
    assert [] == write_bif(expected, stream)
    assert _everything(expected) == _everything(parse_bif(stream.getvalue(), "x.bif"))


def test_what_bif_cannot_carry_is_said() -> None:
    """A quote or the end of a line in a name becomes an underscore; that, and what has no place, is told."""
    network = parse_bif(
        "variable a { type discrete [ 2 ] { x, x__y }; } probability ( a ) { table 0.25, 0.75; }", "x.bif"
    )
    details = NetworkDetails(properties=(("a", 'one "'),), variables={"a": VariableDetails(title="A title")})
    odd = replace(network, states={"a": ('x"\ny', "x__y")}, details=details)
    stream = StringIO()
    assert [
        "titles of 'a'",
        "names of states: 'x\"\ny of a' is x__y_",
        "properties that BIF has no way to write: 'a' of the network",
    ] == write_bif(odd, stream)
    actual = parse_bif(stream.getvalue(), "x.bif")
    assert ({"a": ("x__y_", "x__y")}, [0.25, 0.75]) == (actual.states, actual.tables["a"].tolist())


@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array:DeprecationWarning")  # in pyAgrum's toarray
@given(network=networks(least_states=2))
@settings(max_examples=20, deadline=None)
def test_pyagrum_reads_what_is_written(tmp_path_factory: pytest.TempPathFactory, network: DiscreteNetwork) -> None:
    """Another program finds the same tables in a file, to its own seven digits, and passes over properties."""
    import pyagrum

    file = tmp_path_factory.mktemp("written") / "x.bif"
    of_variables = {name: VariableDetails(properties=(("position", "(1, 2)"),)) for name in network.names}
    with file.open("w", encoding="utf-8") as stream:
        assert [] == write_bif(replace(network, details=NetworkDetails(variables=of_variables)), stream)
    theirs = pyagrum.loadBN(str(file))
    for name in network.names:
        cpt = theirs.cpt(name)
        order = [cpt.names[::-1].index(known) for known in (*network.parents[name], name)]
        assert network.states[name] == theirs.variable(name).labels()
        np.testing.assert_allclose(network.tables[name], cpt.toarray().transpose(order), rtol=1e-6, atol=1e-30)


PLACES = {
    "": "x.bif:1: no variable; a network has at least one 'variable' block",
    "x": "got 'x'; expected 'network' or 'probability' or 'variable' or the end of the file",
    "network": "got the end of the file; expected '{' or a name or number or a quoted name",
    "network n { type": "got 'type'; expected 'property ...;' or '}'",
    "variable a { size": "got 'size'; expected 'property ...;' or 'type' or '}'",
    "variable a { type real": "got 'real'; expected 'discrete'",
    "variable a { type discrete (": "got '('; expected '[' or '{'",
    "variable a { type discrete { x |": "got '|'; expected ',' or '}' or a name or number or a quoted name",
    "variable a { type discrete { x }": "got the end of the file; expected ';'",
    "probability ( a {": "got '{'; expected ')' or ',' or '|' or a name or number or a quoted name",
    "probability ( a | {": "got '{'; expected ')' or a name or number or a quoted name",
    "probability ( a | b {": "got '{'; expected ')' or ',' or a name or number or a quoted name",
    "probability ( a ) { 0.5": "got '0.5'; expected '(' or 'default' or 'property ...;' or 'table' or '}'",
    "probability ( a ) { table 0.5": "got the end of the file; expected ',' or ';' or a name or number",
    "probability ( a ) { property p": "got 'property'; expected '(' or 'default' or 'property ...;' or 'table' or '}'",
    'network "n { }': "got '\"n'; expected '{' or a name or number or a quoted name",
    "network n { } /* {": "got '/*'; expected 'network' or 'probability' or 'variable' or the end of the file",
}


@pytest.mark.parametrize("text", PLACES)
def test_a_text_outside_the_grammar_says_what_could_stand_there(text: str) -> None:
    """At the first place where a text goes wrong stands everything that the grammar allows there."""
    expected = PLACES[text] if not text else f"x.bif:1: not in the BIF grammar; {PLACES[text]}"
    assert [expected] == _problems(text)


_letters = st.characters(codec="utf-8", exclude_characters='"', categories=["L", "N", "P", "S", "Zs"])
_name = st.text(_letters, min_size=1).map(one_form)  # names are read in one of Unicode's forms


@given(network=networks(3), names=st.lists(_name, min_size=3, max_size=3, unique=True))
@settings(max_examples=60, deadline=None)
@example(network=read_bif(DATA / "asia.bif"), names=["table", "//", "; }"])
def test_quotes_hold_any_name(network: DiscreteNetwork, names: list[str]) -> None:
    """A quoted state may be called anything that has no quote in it."""
    actual = parse_bif(_written(network, names), "x.bif")
    for name in network.names:
        expected = tuple(names[int(state[1:])] if state[1:].isdigit() else state for state in network.states[name])
        assert expected == actual.states[name]


_pieces = st.sampled_from([*'{}()[];,|"/* \n01.eab', "variable ", "probability ", "table "])


@given(text=st.lists(_pieces).map("".join))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_has_located_problems(text: str) -> None:
    """Whatever the text, the reader returns a network or problems on lines that the text has."""
    lines = [problem.source.line for problem in _found(text)]
    assert [] == [line for line in lines if not 1 <= line <= text.count("\n") + 1]


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_read_or_has_located_problems(data: st.DataObject) -> None:
    """A file with a piece cut out or doubled is read, or its problems stand on lines that it has."""
    text = (DATA / "asia.bif").read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    damaged = text[:start] + text[start:end] * data.draw(st.sampled_from([0, 2])) + text[end:]
    lines = [problem.source.line for problem in _found(damaged)]
    assert [] == [line for line in lines if not 1 <= line <= damaged.count("\n") + 1]


def test_odd_names_are_names() -> None:
    """States with signs and digits, names that start with a digit and names of keywords are read as written."""
    text = """network n {}
    variable 1st { type discrete [ 9 ] { <5, 5-10, >=10, a/b, +, -, x=y, 1.5, table }; }
    variable table { type discrete [ 2 ] { default, property }; }
    probability ( 1st ) { table 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1; }
    probability ( table | 1st ) { (>=10) 1, 0; (table) 0, 1; default 2.5e-1, 7.5E-1; }"""
    network = parse_bif(text, "x.bif")
    assert ("<5", "5-10", ">=10", "a/b", "+", "-", "x=y", "1.5", "table") == network.states["1st"]
    assert [0.25, 0.25, 1.0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.0] == network.tables["table"][:, 0].tolist()


def test_a_whole_table_lists_own_states_slowest() -> None:
    """In a whole table the variable's own states change slowest and its last parent fastest."""
    network = read_bif(DATA / "dog.bif")
    assert ("bowel-problem", "family-out") == network.parents["dog-out"]
    assert [[0.99, 0.97], [0.9, 0.3]] == network.tables["dog-out"][..., 0].tolist()
    assert [[0.6, 0.4], [0.05, 0.95]] == network.tables["light-on"].tolist()


def test_a_row_just_off_one_is_divided_by_its_sum_with_a_warning() -> None:
    """A row that misses one by less than 1e-6 is normalised, and the reader says so."""
    network = parse_bif(
        "variable a { type discrete [ 2 ] { x, y }; }\nprobability ( a ) { table 0.3, 0.7000003; }", "x.bif"
    )
    assert [0.3 / 1.0000003, 0.7000003 / 1.0000003] == pytest.approx(network.tables["a"].tolist(), abs=1e-15)
    assert ["x.bif:2: warning: variable 'a': 1 of 1 rows miss one by up to 3e-07; each was divided by its sum"] == list(
        map(str, network.warnings)
    )


@pytest.mark.parametrize("n", [4, 6, 30])
def test_mended_rows_of_many_variables_are_one_warning(n: int) -> None:
    """Nobody reads a warning for each of a hundred variables: of more than three one line tells, with the worst."""
    blocks = [
        f"variable v{i} {{ type discrete [ 2 ] {{ x, y }}; }}\nprobability ( v{i} ) {{ table .3, .70000{i % 3:02d}; }}"
        for i in range(n)
    ]
    told = [*map(str, parse_bif("\n".join(blocks), "x.bif").warnings)]
    off = [i for i in range(n) if i % 3]
    if len(off) <= 3:
        assert [f"x.bif:{2 * i + 2}: " for i in off] == [one[: one.index("warning")] for one in told]
    else:
        what = f"{len(off)} variables, 'v2' most: {len(off)} of {len(off)} rows miss one by up to 2e-07"
        assert [f"x.bif:6: warning: {what}; each was divided by its sum"] == told


def test_a_row_at_the_limit_is_read() -> None:
    """One millionth off is within a millionth, whatever floating point makes of the difference."""
    network = parse_bif(_one_row(["0.999999", "1e-20", "0"]), "x.bif")
    assert [1.0, 1e-20, 0.0] == pytest.approx(network.tables["a"].tolist(), rel=2e-6)
    assert 1 == len(network.warnings)


def _one_row(row: Sequence[str]) -> str:
    states = ", ".join(f"s{i}" for i in range(len(row)))
    return f"""variable a {{ type discrete [ {len(row)} ] {{ {states} }}; }}
probability ( a ) {{ table {", ".join(row)}; }}"""


STYLES = ["{:.4f}", "{:.6f}", "{:.10f}", "{:.4g}", "{:.6g}", "{:.9g}", "{:.5e}", "{:.12e}"]
ROUNDED = [
    ["0.333333"] * 3,  # six digits
    ["0.33", "0.33", "0.33"],
    ["0.1667"] * 6,
    [".14", ".14", ".14", ".14", ".14", ".14", ".14"],
    ["0.999877", "0.000123457"],  # six significant digits, not nine decimals
    ["9.99877e-01", "1.23457e-04"],
    ["0.99997", "1.0E-5", "1.0E-5", "1.0E-5"],
    ["1", "0", "4e-9"],
]


@pytest.mark.parametrize("row", ROUNDED)
def test_a_row_off_by_its_rounding_is_divided_by_its_sum_with_a_warning(row: list[str]) -> None:
    """A row may miss one by what rounding to the digits it is printed with explains; it is told and normalised."""
    network = parse_bif(_one_row(row), "x.bif")
    numbers = np.array(row, dtype=float)
    np.testing.assert_allclose(numbers / numbers.sum(), network.tables["a"], rtol=1e-15)
    off = abs(numbers.sum() - 1.0)
    expected = [f"x.bif:2: warning: variable 'a': 1 of 1 rows miss one by up to {off:.1g}; each was divided by its sum"]
    assert (expected if off > 1e-12 else []) == list(map(str, network.warnings))


NOT_ROUNDED = {
    ("0.333333", "0.333333", "0.333330"): "got 0.999996; 1, or less than 1.5e-06 off by rounding",
    ("0.5", "0.333333", "0.2"): "got 1.033333; 1, or less than 1.5e-06 off by rounding",
    ("0.5", "0.6"): "got 1.1; 1, or less than 0.1 off by rounding",
    ("1", "1", "0"): "got 2; 1 within 1e-06",
    ("0", "0", "0"): "got 0; 1 within 1e-06",
    ("0.0",) * 30: "got 0; 1, or less than 1.5 off by rounding",
    ("0.99", "1e-7"): "got 0.9900001; 1, or less than 5e-05 off by rounding",
}


@pytest.mark.parametrize("row", NOT_ROUNDED)
def test_a_row_further_off_than_its_digits_explain_is_a_problem(row: tuple[str, ...]) -> None:
    """What rounding does not explain is a mistake; the message says what it would."""
    assert [f"x.bif:2: variable 'a': probabilities do not sum to one; {NOT_ROUNDED[row]}"] == _problems(_one_row(row))


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=12).filter(lambda row: sum(row) > 0.0), st.data())
@settings(max_examples=200, deadline=None)
def test_any_rounded_row_is_read(row: list[float], data: st.DataObject) -> None:
    """A row that is rounded to any number of decimals or of significant digits, zeros at the end left out, is read."""
    numbers = [number / sum(row) for number in row]
    style = data.draw(st.sampled_from(STYLES))
    printed = [style.format(number) for number in numbers]
    if data.draw(st.booleans()) and "e" not in style:
        printed = [text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text for text in printed]
    np.testing.assert_allclose(numbers, parse_bif(_one_row(printed), "x.bif").tables["a"], atol=1e-3)


def test_each_row_of_a_whole_table_has_digits_of_its_own() -> None:
    """In a whole table, which lists the variable's own states slowest, a row is judged by its own numbers."""
    text = """variable a { type discrete [ 2 ] { x, y }; }
    variable b { type discrete [ 3 ] { u, v, w }; }
    probability ( a ) { table 0.5, 0.5; }
    probability ( b | a ) { table 0.333333, 0.2, 0.333333, 0.3, 0.333333, 0.5; }"""
    network = parse_bif(text, "x.bif")
    np.testing.assert_allclose([[1 / 3] * 3, [0.2, 0.3, 0.5]], network.tables["b"], rtol=1e-15)
    assert "1 of 2 rows miss one by up to 1e-06" in str(network.warnings[0])


VARIABLES = """variable a { type discrete [ 2 ] { x, y }; }
variable b { type discrete [ 2 ] { up, down }; }
probability ( a ) { table 0.3, 0.7; }
"""

MISTAKES = {
    "probability ( b | a ) { (x) 0.5, 0.5; }": "x.bif:4: variable 'b': 1 of 2 rows missing: (y)",
    "probability ( b | a ) {\n (x) NaN, NaN;\n (y) 1, 0; }": (
        "x.bif:5: variable 'b': not a probability; got 'NaN'; a number from 0 to 1"
    ),
    "probability ( b | a ) {\n (x) 0.5, 0.6;\n (y) 1, 0; }": (
        "x.bif:5: variable 'b': probabilities do not sum to one in row (x); got 1.1; "
        "1, or less than 0.1 off by rounding"
    ),
    "probability ( b ) { table 1.5, -0.5; }": (
        "x.bif:4: variable 'b': not a probability; got '1.5'; a number from 0 to 1"
    ),
    "probability ( b ) { table 1; }": "x.bif:4: variable 'b': wrong number of probabilities; got 1; 2 are needed",
    "probability ( b | aa ) { table 0.5, 0.5; }": (
        "x.bif:4: variable 'b': unknown parent; got 'aa'; no 'variable' block declares it; did you mean 'a'?"
    ),
    "probability ( b | a ) { (x) 1, 0; (x) 1, 0; (y) 1, 0; }": (
        "x.bif:4: variable 'b': a second row for (x); first on line 4"
    ),
    "probability ( b | a ) { (x) 1, 0; (Y) 1, 0; }": (
        "x.bif:4: variable 'b': parent 'a' has no such state; got 'Y'; states are 'x', 'y'; did you mean 'y'?"
    ),
    "probability ( b | a ) { (x, y) 1, 0; default 1, 0; }": (
        "x.bif:4: variable 'b': row has the wrong length; got 2 parent states; parents are 'a'"
    ),
    "probability ( b | a ) { table 0.1, 0.9, 0.2, 0.8; }": (
        "x.bif:4: variable 'b': probabilities do not sum to one in row (x); got 0.3; "
        "1, or less than 0.1 off by rounding; a table lists the states of 'b' slowest; "
        "with the states of 'b' fastest each row of this one sums to one"
    ),
    "probability ( b | b ) { default 1, 0; }": "x.bif:4: a cycle of parents; got b -> b",
    "probability ( b | a, a ) { default 1, 0; }": "x.bif:4: variable 'b': parent 'a' twice",
    "": "x.bif:2: variable 'b' has no probability block",
    "probability ( b ) { default 1, 0; default 1, 0; }": "x.bif:4: variable 'b': a second default row; first on line 4",
    "probability ( b ) { table 1, 0; }\nprobability ( b ) { table 1, 0; }": (
        "x.bif:5: variable 'b' has a second probability block; first on line 4"
    ),
    "probability ( b ) { table 1, 0; }\nvariable a { type discrete [ 1 ] { x }; }": (
        "x.bif:5: variable 'a' is declared twice; first on line 1"
    ),
    "probability ( b ) { table 1, 0; }\nprobability ( c ) { table 1, 0; }": (
        "x.bif:5: probability block: unknown variable; got 'c'; no 'variable' block declares it"
    ),
    "probability ( b ) { table 1, 0; }\nvariable c { type discrete [ 3 ] { x }; } probability ( c ) { table 1; }": (
        "x.bif:5: variable 'c': wrong number of states; got 3; 1 are listed"
    ),
    "probability ( b | a ) {\n property noisy-max;\n table 0.1, 0.2, 0.3; }": (
        "x.bif:5: variable 'b': a canonical model, not a table; got 'noisy-max'; "
        "only tables are read: save the network with the probabilities of every combination of parents"
    ),
    'probability ( b | a ) {\n property "type = Leaky NoisyOR";\n table 0.1, 0.9, 0.9, 0.1; }': (
        "x.bif:5: variable 'b': a canonical model, not a table; got 'Leaky NoisyOR'; "
        "only tables are read: save the network with the probabilities of every combination of parents"
    ),
    "probability ( b | a ) {\n function noisyOr(0.1, 0.2); }": (
        "x.bif:5: a canonical model, not a table; got 'noisyOr'; "
        "only tables are read: save the network with the probabilities of every combination of parents"
    ),
    "probability ( b | a ) { property source = a_noisy_origin; (x) 0.5, 0.6; (y) 1, 0; }": (
        "x.bif:4: variable 'b': probabilities do not sum to one in row (x); got 1.1; "
        "1, or less than 0.1 off by rounding"
    ),
    "probability ( b | a ) { (x) 1_0e-1, 0; (y) 1, 0; }": (
        "x.bif:4: variable 'b': not a probability; got '1_0e-1'; a number from 0 to 1"
    ),
    "probability ( b | a ) { (x) 1, 0; (y) 1, 0; default 2, 0; }": (
        "x.bif:4: variable 'b': not a probability; got '2'; a number from 0 to 1"
    ),
    "probability ( b | c, a ) { (u v, x) 1, 0; default 1, 0; }\n"
    'variable c { type discrete { "u v" }; } probability ( c ) { table 1; }': (
        "x.bif:4: variable 'b': row has the wrong length; got 3 parent states; parents are 'c', 'a'"
    ),
    "probability ( b | a ) { (x,) 1, 0; (y) 1, 0; }": (
        "x.bif:4: not in the BIF grammar; got ')'; expected a name or number or a quoted name"
    ),
    "probability ( b | a ) { (x) 1, 0; (y) 1, 0 }": (
        "x.bif:4: not in the BIF grammar; got '}'; expected ',' or ';' or a name or number"
    ),
    "probability ( b ) { table 1,, 0; }": "x.bif:4: not in the BIF grammar; got ','; expected a name or number",
}


@pytest.mark.parametrize("block", MISTAKES)
def test_a_mistake_is_located_and_said(block: str) -> None:
    """Each mistake is one line that says where, what, what was found and what is allowed."""
    assert [MISTAKES[block]] == _problems(VARIABLES + block)


def test_rows_are_counted_each() -> None:
    """Rows of the wrong lengths are told of although together they have as many numbers as are needed."""
    what = "x.bif:4: variable 'b': wrong number of probabilities"
    expected = [f"{what}; got 1; 2 are needed", f"{what}; got 3; 2 are needed"]
    assert expected == _problems(f"{VARIABLES}probability ( b | a ) {{ (x) 1; (y) 0, 1, 0; }}")


def test_no_rounding_makes_more_than_certain() -> None:
    """A number above one is no probability, whatever rounding explains of the row's sum."""
    expected = ["x.bif:2: variable 'a': not a probability; got '1.1'; a number from 0 to 1"]
    assert expected == _problems(_one_row(["1.1", "0", "0", "0"]))


NOT_ONE = "probabilities do not sum to one"


def test_all_mistakes_are_reported_in_one_run() -> None:
    """Mistakes in different blocks are all reported together, in the order of their lines."""
    text = """variable a { type discrete [ 2 ] { x, x }; }
variable b { type discrete [ 2 ] { x, y }; }
variable c { type discrete [ 2 ] { x, y }; }
probability ( a ) { table 0.5, 0.5; }
probability ( b | c ) { (x) 0.5, 0.4; (z) 1, 0; }
probability ( c | b ) { (x) 1, 0; (y) 2, 0; }
"""
    assert [
        "x.bif:1: variable 'a': state 'x' twice",
        "x.bif:5: a cycle of parents; got b -> c -> b",
        "x.bif:5: variable 'b': parent 'c' has no such state; got 'z'; states are 'x', 'y'",
        f"x.bif:5: variable 'b': {NOT_ONE} in row (x); got 0.9; 1, or less than 0.1 off by rounding",
        "x.bif:6: variable 'c': not a probability; got '2'; a number from 0 to 1",
    ] == _problems(text)


def test_a_file_that_is_not_text_is_a_problem(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a problem on the line where they stand."""
    file = tmp_path / "x.bif"
    file.write_bytes(b"network x {}\n\xff")
    with pytest.raises(WorkspaceProblems) as found:
        read_bif(file)
    assert f"{file}:2: not a text file; got byte 0xff; text is UTF-8" == str(found.value)


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    """A file that cannot be opened is a problem at its first line."""
    with pytest.raises(WorkspaceProblems, match=r"x\.bif:1: cannot be read: No such file"):
        read_bif(tmp_path / "x.bif")
