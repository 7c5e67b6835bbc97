"""A name is the same name in either of Unicode's forms: é as one character, or as a letter and its accent."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from forecast.commands.main import main
from forecast.networks.bif import parse_bif
from forecast.scoring.read import read_forecasts
from forecast.scoring.world import read_table
from forecast.workspace.feeds.coded_table import condition
from forecast.workspace.problems import choice, nearest, one_form
from forecast.workspace.read_benchmarks import read_benchmark
from tests.workspace.feeds.coded_files import bounds, counted, sample
from tests.workspace.writing import TODAY, example, messages, name_event, read

FORMS = pytest.mark.parametrize(
    ("written", "asked"), [(a, b) for a in ("NFC", "NFD") for b in ("NFC", "NFD")], ids="-".join
)
BIF = (
    'network u {{}} variable "{0}" {{ type discrete [2] {{ "{0}a", "non" }}; }} '
    'probability ( "{0}" ) {{ table .3, .7; }}'
)


def form(kind: str, text: str) -> str:
    """Return a text in one of the forms."""
    return unicodedata.normalize(kind, text)  # type: ignore[arg-type]  # one of the names that it takes


@FORMS
def test_a_query_finds_its_variable(tmp_path: Path, written: str, asked: str) -> None:
    """Variables and states of a network file are found in either form, by observation and by likelihood."""
    path = tmp_path / "u.bif"
    path.write_text(BIF.format(form(written, "é")), encoding="utf-8")
    for option, value in (("--observe", "éa"), ("--likelihood", "1,0")):
        result = CliRunner().invoke(main, ["query", str(path), option, form(asked, f"é={value}")])
        assert (0, True) == (result.exit_code, "(probability 0.3)" in result.stdout), result.output


def test_a_name_is_declared_in_one_form_and_used_in_the_other() -> None:
    """Within a network file a probability block finds its variable in either form."""
    text = BIF.format(form("NFC", "ü")).replace('probability ( "ü"', f'probability ( "{form("NFD", "ü")}"')
    assert ("ü",) == parse_bif(text, "x.bif").names


@FORMS
def test_a_condition_takes_the_rows_that_it_names(written: str, asked: str) -> None:
    """`--where country=Côte` counts the rows of that country in either form."""
    text = sample("acled").replace("Sampleland", form(written, "Côte"))
    expected = bounds(counted("acled", sample("acled")))
    assert expected == bounds(counted("acled", text, where=[form(asked, "country=Côte")]))
    assert condition(form("NFD", "a=é")) == condition(form("NFC", "a=é"))


@FORMS
def test_forecasters_and_questions(tmp_path: Path, written: str, asked: str) -> None:
    """A forecaster, an expert and a question of a table are one in either form."""
    first, second = form(written, "René"), form(asked, "René")
    series, problems = read_benchmark(
        f"date,forecaster,probability\n2026-05-01,{first},.3\n2026-05-02,{second},.4\n".encode(), "x", TODAY
    )
    assert ({"René"}, ()) == ({name for _, name, _ in series.points}, problems)
    row = "{},{},2026-01-02,.3,1,2026-01-01,2026-02-01\n"
    scored = tmp_path / "scored.csv"
    header = "question,forecaster,time,probability,outcome,opens,closes\n"
    scored.write_text(header + row.format(first, "b") + row.format(second, "c"), encoding="utf-8")
    assert ["René"] == [question.name for question in read_forecasts([scored]).questions]
    pooled = tmp_path / "pooled.csv"
    pooled.write_text(f"expert,question,probability\n{first},a,.5\n{second},b,.6\n", encoding="utf-8")
    assert {"René"} == {one.expert for one in read_table(pooled, TODAY).forecasts}


@FORMS
def test_columns_of_somebody_elses_table(tmp_path: Path, written: str, asked: str) -> None:
    """A column map finds the columns of its table in either form."""
    example(tmp_path)
    table = f"{form(written, 'clé')},reported,source,headline,event,claims\nx,2026-05-01,newspaper,A.,demand,high\n"
    (tmp_path / "evidence/feed.csv").write_text(table, encoding="utf-8")
    keys = "reported: reported, source: source, headline: headline, event: event, claims: claims"
    columns = f"columns: {{id: {form(asked, 'clé')}, {keys}}}\n"
    (tmp_path / "evidence/feed.columns.yaml").write_text(columns, encoding="utf-8")
    assert "x" in {item.id for item in read(tmp_path).items}


def test_two_events_of_one_name_in_two_forms(tmp_path: Path) -> None:
    """Two events whose names look alike have one name."""
    example(tmp_path)
    name_event(tmp_path, "budget", form("NFC", "Das Gehör"))
    name_event(tmp_path, "launch", form("NFD", "Das Gehör"))
    (found,) = messages(tmp_path)
    assert "the name is also that of 'budget'" in found


@given(st.text(max_size=8))
def test_a_name_in_another_form_is_the_nearest(name: str) -> None:
    """What is named as near is what is known, in either form, and no form is called unknown beside itself."""
    assert one_form(form("NFD", name)) == one_form(form("NFC", name)) == one_form(one_form(name))
    if one_form(name):
        assert f"; did you mean '{one_form(name)}'?" == nearest(form("NFD", name), [form("NFC", name)])


@pytest.mark.parametrize(
    ("name", "known"),
    [("\uff50\uff45\uff41\uff43\uff45", "peace"), ("\ufb01rst", "first"), ("peace", "\uff50\uff45\uff41\uff43\uff45")],
)
def test_a_name_in_compatibility_characters_is_offered_its_twin(name: str, known: str) -> None:
    """Full-width letters and ligatures are not the plain ones; a name in either finds the one in the other."""
    assert f"; did you mean '{known}'?" == nearest(name, ["first-aid", "other", known])


def test_near_names_in_another_form() -> None:
    """A misspelt name in one form finds the right one in the other."""
    said = choice("states", form("NFD", "élevee"), [form("NFC", "élevée"), "bas"])
    assert "states are 'élevée', 'bas'; did you mean 'élevée'?" == said
