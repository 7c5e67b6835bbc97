"""`forecast convert`, `export`, `import network` and the evidence of `query`, as a user meets them."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from forecast.commands.main import main
from forecast.networks.answer import answer
from forecast.networks.as_workspace import _boxes
from forecast.networks.formats import read_network
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.read import load
from forecast.workspace.records import Probability
from tests.networks.oracle import enumerate_answer

TODAY = datetime.now(UTC).date()
DATA = Path(__file__).parents[1] / "networks/data"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, [*arguments])
        assert status == result.exit_code, (result.output, result.stderr, result.exception)
        return result

    return invoke


def test_convert_writes_what_it_read(run: Callable[..., Result]) -> None:
    """A converted file has the same tables, packed or not; what is lost is listed on stderr and in JSON."""
    network = read_network(DATA / "noise.xdsl")
    for name in ("a.net", "a.xmlbif", "a.dne", "a.uai.gz", "a.xdsl.gz"):
        result = run("convert", str(DATA / "noise.xdsl"), name)
        again = read_network(Path(name))
        assert sorted(t.tobytes() for t in network.tables.values()) == sorted(
            t.tobytes() for t in again.tables.values()
        )
        assert name.endswith(".gz") == Path(name).read_bytes().startswith(b"\x1f\x8b")
        summary = json.loads(run("convert", str(DATA / "noise.xdsl"), name, "--force", "--json").stdout)
        assert ("XDSL", 5, name) == (summary["from"], summary["variables"], summary["path"])
        said = [f"{summary['format']} does not carry: {line}" for line in summary["left_out"]]
        assert said == result.stderr.splitlines()
        assert (said == []) == name.startswith("a.xdsl")
    assert b"forecast" not in gzip.decompress(Path("a.uai.gz").read_bytes())


def test_convert_writes_over_nothing(run: Callable[..., Result]) -> None:
    """A file that is there is left as it is, and so is one for which there is no format, or evidence for none."""
    Path("a.net").write_text("mine", encoding="utf-8")
    assert (
        "a.net:1: the file is there already; another name, or --force"
        in run("convert", str(DATA / "asia.bif"), "a.net", status=1).stderr
    )
    assert "mine" == Path("a.net").read_text(encoding="utf-8")
    assert (
        "a.doc:1: no network format that can be written"
        in run("convert", str(DATA / "asia.bif"), "a.doc", status=1).stderr
    )
    wrong = run("convert", str(DATA / "asia.bif"), "b.net", "--observe", "asia=yes", status=2)
    assert "evidence files belong to UAI, and FILE is NET" in wrong.stderr
    assert (
        "has no state 'maybe'"
        in run("convert", str(DATA / "asia.bif"), "b.uai", "--observe", "asia=maybe", status=2).stderr
    )
    assert [Path("a.net")] == sorted(Path().iterdir())


def test_evidence_goes_with_its_network(run: Callable[..., Result]) -> None:
    """The same observations by name and from an evidence file give the same posterior."""
    run("convert", str(DATA / "asia.bif"), "a.uai", "--observe", "xray=yes", "--observe", "asia=no")
    assert "2 6 0 0 1\n" == Path("a.uai.evid").read_text(encoding="utf-8")
    by_name = json.loads(
        run("query", str(DATA / "asia.bif"), "--observe", "xray=yes", "--observe", "asia=no", "--json").stdout
    )
    by_number = json.loads(run("query", "a.uai", "--evidence", "a.uai.evid", "--json").stdout)
    assert by_name["log_evidence"] == pytest.approx(by_number["log_evidence"], abs=1e-12)
    expected = [p for states in by_name["marginals"].values() for p in states.values()]
    actual = [p for states in by_number["marginals"].values() for p in states.values()]
    np.testing.assert_allclose(expected, actual, atol=1e-12)


def test_normalise_is_wanted_or_not(run: Callable[..., Result]) -> None:
    """A row that rounding does not explain is divided where that is wanted, with a warning."""
    Path("x.uai").write_text("BAYES\n1\n2\n1\n1 0\n2\n3 1\n", encoding="utf-8")
    assert "not a probability; got '3'" in run("query", "x.uai", status=1).stderr
    result = run("query", "x.uai", "--normalise")
    assert "s0 0.7500  s1 0.2500" in result.stdout
    assert (
        "x.uai:5: warning: variable 'x0': 1 of 1 rows miss one by up to 3; each was divided by its sum" in result.stderr
    )
    assert 1 == len(json.loads(run("convert", "x.uai", "x.net", "--normalise", "--json").stdout)["warnings"])


@pytest.mark.parametrize("name", ["asia.bif", "noise.xdsl", "dog.uai"])
def test_an_imported_network_is_a_workspace(run: Callable[..., Result], name: str) -> None:
    """Its files have no error, each number of the file is a statement, and each zero follows from what is required."""
    dates = ("--opens", "2026-01-05", "--horizon", "2026-12-31")
    summary = json.loads(run("import", "network", str(DATA / name), "-C", "w", *dates, "--yes", "--json").stdout)
    assert "nobody spoke" not in run("check", "-C", "w").stderr  # rows are stated, or follow from what is required
    network, workspace = read_network(DATA / name), load(Path("w"), TODAY)
    assert [*network.names] == [*workspace.network.events]
    stated = {}
    for one in workspace.statements:
        assert isinstance(one.reading, Probability)
        assert one.about.condition is not None
        given = tuple((given.event, given.states) for given in one.about.given)
        stated[one.about.condition.event, one.about.condition.states, given] = one.reading.best
    assert summary["statements"] == len(stated) == len(workspace.statements)
    n_open = 0
    for variable in network.names:
        event, table = workspace.network.events[variable], network.tables[variable]
        for at in np.ndindex(table.shape[:-1]):
            known = {p: network.states[p][i] for p, i in zip(network.parents[variable], at, strict=True)}
            given = tuple((parent, (state,)) for parent, state in known.items())
            opened = [i for i in range(table.shape[-1]) if table[at][i] > 0.0]
            assert [i for i in range(table.shape[-1]) if not event.is_excluded(event.states[i], known)] == opened
            for i in [] if len(opened) == 1 else opened[1:] if len(opened) == 2 else opened:
                n_open += 1
                assert table[at][i] == stated[variable, (network.states[variable][i],), given]
    assert n_open == len(stated)
    wrong = run("import", "network", str(DATA / name), "-C", "w", *dates, "--yes", status=1)
    assert "priors/network.yaml:1: the file is there already" in wrong.stderr


def test_names_and_certain_states_of_an_import_are_told(run: Callable[..., Result]) -> None:
    """What a workspace cannot hold has another name or is left out, and the command says so."""
    Path("x.bif").write_text(
        """variable "a b" { type discrete [ 3 ] { <5, 5-10, never }; }
        variable sure { type discrete [ 2 ] { yes, no }; }
        variable c { type discrete [ 2 ] { yes, no }; }
        probability ( "a b" ) { table 0.25, 0.75, 0; }
        probability ( sure ) { table 1, 0; }
        probability ( c | "a b", sure ) { table 0.5, 1, .1, 1, 1, 1, 0.5, 0, .9, 0, 0, 0; }""",
        encoding="utf-8",
    )
    result = run("import", "network", "x.bif", "-C", "w", "--yes", "--sd", "0.2")
    assert [
        "states without any probability are left out: 'a b=never', 'sure=no'",
        "variables that are certain are left out: 'sure'",
        "names of variables: 'a b is a_b'",
        "names of states of 'a b': '<5 is 5'",
    ] == [line for line in result.stderr.splitlines() if "warning" not in line]
    workspace = load(Path("w"), TODAY)
    assert {"a_b": ("5", "5-10"), "c": ("yes", "no")} == {
        name: event.states for name, event in workspace.network.events.items()
    }
    assert {0.2} == {one.reading.sd for one in workspace.statements if isinstance(one.reading, Probability)}
    assert "an sd above 0, not -1" in run("import", "network", "x.bif", "-C", "v", "--sd", "-1", status=1).stderr


def test_boxes_cover_exactly() -> None:
    """The alternatives of a requirement hold in every row with a probability above zero, and in no other."""
    rng = np.random.default_rng(1)
    for shape in ((2,), (3, 2), (2, 3, 2), (3, 3, 2)):
        for _ in range(30):
            above = rng.random(shape) < 0.6
            covered = np.zeros(shape, dtype=int)
            for box in _boxes(above):
                covered[np.ix_(*box)] += 1
            assert above.astype(int).tolist() == covered.tolist()


def test_an_export_is_near_the_forecast(run: Callable[..., Result], template: Path) -> None:
    """A chain of events is exported without a gap, with where it comes from, in every format."""
    run("init", "launch")
    shutil.copytree(template / "reports/.cache", "launch/reports/.cache")  # the same statements have the same draws
    day = ("--as-of", "2026-06-30")
    summary = json.loads(run("export", "x.xdsl", "-C", "launch", *day, "--json").stdout)
    assert summary["gap"] < 1e-4
    assert "none: this forecast is not in the ledger" == summary["properties"]["ledger_line"]
    run("update", "-C", "launch", *day, "--no-report")
    forecast = json.loads(Path("launch/reports/2026-06-30/forecast.json").read_text(encoding="utf-8"))
    for name in ("y.xdsl", "y.net", "y.xmlbif", "y.uai", "y.dne"):
        run("export", name, "-C", "launch", *day)
        network = read_network(Path(name))
        found = enumerate_answer(network, ())
        assert found is not None
        for event, variable in zip(forecast["events"], network.names, strict=True):
            expected = [state["probability"] for state in event["states"]]
            np.testing.assert_allclose(expected, found.marginals[variable], atol=summary["gap"] + 1e-12)
            np.testing.assert_allclose(found.marginals[variable], answer(network, ()).marginals[variable], atol=1e-12)
    properties = dict(read_network(Path("y.xdsl")).details.properties)
    assert ("1", "2026-06-30", "2026-12-31") == (
        properties["ledger_line"],
        properties["as_of"],
        properties["states_on"],
    )
    assert (
        json.loads(Path("launch/reports/ledger.jsonl").read_text(encoding="utf-8"))["version"] in properties["version"]
    )
    with pytest.raises(WorkspaceProblems, match="no network format"):
        read_network(Path("launch/reports/ledger.jsonl"))
