"""`forecast code`: the sheet for a second coder tells nothing of the first, and what comes back is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forecast.commands import running
from forecast.commands.main import main
from forecast.sampling.readings import coded_numbers
from forecast.workspace.fits import logit
from tests.workspace.writing import example, messages, read

FILE = "priors/statements/market_analyst.yaml"
CODED = """- id: market_analyst-secret
  date: 2026-06-01
  expert: market_analyst
  source: {publisher: Secret Letter, title: Spring, url: https://secret.example}
  says: A general launch is likely once testers are content.
  about: {event: launch, state: general, given: {prototype: tested}}
  word: {term: almost certain}
  coded_by: hidden_coder   # who had the article
  why: Nobody else may read this reason.
- id: market_analyst-cut
  date: 2026-06-02
  expert: market_analyst
  source: {publisher: Secret Letter}
  says: A cut would make success much less likely.
  about: {event: success, state: yes, given: {budget: cut}}
  odds_times: {against: {given: {budget: [kept, raised]}}, ratio: 0.4321}
  coded_by: [hidden_coder, {coder: third, odds_times: {ratio: 0.6}, why: Less.}]
  why: Much.
- id: market_analyst-own
  date: 2026-06-02
  expert: market_analyst
  source: {publisher: Secret Letter}
  says: One in five.
  about: {event: success, state: yes}
  probability: 0.2
  why: An own number is not coded.
"""


def folder_of(tmp_path: Path) -> Path:
    """The example, with three statements of the analyst: two coded, one of them twice."""
    folder = example(tmp_path)
    (folder / FILE).write_text(CODED, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str, said: str = "") -> Result:
    """Run `forecast code`."""
    return CliRunner().invoke(main, ["code", "-C", str(folder), *arguments], input=said)


def filled(folder: Path, name: str, **values: str) -> Path:
    """A sheet as a coder gives it back: values by the beginning of what a remark says."""
    sheet = run(folder, "market_analyst").stdout
    lines = [f"coder: {name}" if line == "coder:" else line for line in sheet.splitlines()]
    keys = {"launch": "probability", "cut": "odds_times"}
    remark = ""
    for place, line in enumerate(lines):
        if "says:" in line:
            remark = "launch" if "general launch" in line else "cut"
        if remark in values and line.strip() == f"{keys[remark]}:":
            lines[place] += f" {values[remark]}"
            lines[place + 1] += " These words."
    sheet_of = folder.parent / f"{folder.name}-sheet.yaml"
    sheet_of.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sheet_of


def test_sheet_is_anonymous(tmp_path: Path) -> None:
    """It has the paraphrase, the source's words, event, states and day, and nothing of speaker, coder or number."""
    folder = folder_of(tmp_path)
    result = run(folder, "market_analyst")
    assert 0 == result.exit_code
    for there in (
        "likely once testers",
        "Spring",
        "2026-06-01",
        "none, limited, general",
        "prototype has come to tested",
    ):
        assert there in result.stdout
    for hidden in ("analyst", "secret", "Secret", "hidden", "almost certain", "0.4321", "Nobody", "third", "five"):
        assert hidden not in result.stdout
    as_json = json.loads(run(folder, "market_analyst", "--json").stdout)
    assert {"probability", "odds_times"} == {
        key for one in as_json["remarks"] for key, value in one.items() if value is None and key != "why"
    }
    assert [] == json.loads(run(folder, "market_analyst", "--json", "--coder", "hidden_coder").stdout)["remarks"]


def test_what_comes_back_is_written(tmp_path: Path) -> None:
    """Both codings stand behind those that were there, comments stay, and are read as the same thing."""
    folder = folder_of(tmp_path)
    result = run(folder, "--read", str(filled(folder, "second", launch="0.6", cut="{ratio: 0.5}")), "--yes")
    assert (0, f"written: {FILE}") == (result.exit_code, result.stdout.splitlines()[-1])
    assert [] == messages(folder)
    known = read(folder)
    launch, cut = (next(one for one in known.statements if one.id.endswith(name)) for name in ("secret", "cut"))
    assert (("hidden_coder", "second"), ("hidden_coder", "third", "second")) == (launch.coders, cut.coders)
    assert logit(0.6) == pytest.approx(coded_numbers(launch, known.experts, known.network)[1].location)
    assert "These words." == launch.codings[0].why
    assert "  coded_by: # who had the article\n  - hidden_coder\n" in (folder / FILE).read_text(encoding="utf-8")
    before = (folder / FILE).read_bytes()
    as_json = filled(folder, "fourth", launch="0.7")
    told = json.loads(run(folder, "--read", str(as_json), "--json", "--yes").stdout)
    assert (["market_analyst-secret"], True) == ([one["statement"] for one in told["codings"]], told["written"])
    assert (folder / FILE).read_bytes().startswith(before[: before.index(b"second")])
    assert ("hidden_coder", "second", "fourth") == next(
        one for one in read(folder).statements if one.id == launch.id
    ).coders


def test_no_is_no(tmp_path: Path) -> None:
    """It is shown beside the other codings and together with them, and not written where that is not wanted."""
    folder = folder_of(tmp_path)
    before = (folder / FILE).read_bytes()
    result = run(folder, "--read", str(filled(folder, "second", launch="0.6")), said="n\n")
    assert "+ second: log-odds 0.41, sd 1.00" in result.stdout
    assert "together: log-odds" in result.stdout
    assert result.stdout.endswith("nothing written\n")
    assert before == (folder / FILE).read_bytes()


def test_written_behind_what_others_wrote_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft is made anew where the files have changed between reading and writing."""
    folder = folder_of(tmp_path)
    sheet = filled(folder, "second", launch="0.6")
    made = running.right

    def meanwhile(draft: running.Draft) -> running.Draft:
        with (folder / FILE).open("a", encoding="utf-8") as file:
            file.write("# a line of somebody else\n")
        monkeypatch.setattr(running, "right", made)
        return made(draft)

    monkeypatch.setattr("forecast.commands.coding.right", meanwhile)
    assert 0 == run(folder, "--read", str(sheet), "--yes").exit_code
    after = (folder / FILE).read_text(encoding="utf-8")
    assert after.endswith("# a line of somebody else\n")
    assert "coder: second" in after


def test_a_sheet_is_read_again(tmp_path: Path) -> None:
    """Run again after it was killed between two files, the command writes the rest; what is there is no mistake."""
    folder = folder_of(tmp_path)
    first = filled(folder, "second", launch="0.6")
    assert 0 == run(folder, "--read", str(first), "--yes").exit_code
    once = (folder / FILE).read_bytes()
    again = run(folder, "--read", str(first), "--yes")
    assert (0, "", once) == (again.exit_code, again.stdout, (folder / FILE).read_bytes())
    assert "nothing new: all that 'second' coded in this sheet is there\n" == again.stderr
    both = run(folder, "--read", str(filled(folder, "second", launch="0.6", cut="{ratio: 0.5}")), "--yes")
    assert (0, True) == (both.exit_code, f"written: {FILE}" in both.stdout)
    assert 1 == (folder / FILE).read_text("utf-8").count("probability: 0.6")
    other = run(folder, "--read", str(filled(folder, "second", launch="0.7")), "--yes")
    assert (1, True) == (other.exit_code, "'second' has coded it already" in other.stderr)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("remark: ", "remark: x"), "sheet: unknown remark; got x"),
        (("coder: second", "coder:"), "sheet: no coder"),
        (("coder: second", "coder: hidden_coder"), "'hidden_coder' has coded it already"),
        ((" 0.6", " 6"), "coded_by[2].probability is not a probability; got 6"),
        ((" These words.", ""), "no reason"),
        (("probability: 0.6", "more_likely_than: {state: none}"), "no remark is filled in"),
        (("  probability: 0.6", "  probability: 0.6\n  odds: 3:1 on"), "more than one number; got probability, odds"),
    ],
)
def test_mistakes_in_a_sheet(tmp_path: Path, change: tuple[str, str], line: str) -> None:
    """Each is told with its line in the sheet, and nothing is written."""
    folder = folder_of(tmp_path)
    sheet = filled(folder, "second", launch="0.6")
    sheet.write_text(sheet.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    result = run(folder, "--read", str(sheet), "--yes")
    assert result.exit_code in {1, 2}
    assert line in result.stderr
    assert CODED == (folder / FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("{coder: third, odds_times", "{coder: hidden_coder, odds_times", "'hidden_coder' codes one remark twice"),
        ("odds_times: {ratio: 0.6}, why", "probability: 0.6, why", "not a number of the same thing as 'odds_times'"),
        (", why: Less.", "", "missing key 'why'"),
        ("odds_times: {ratio: 0.6}, ", "", "needs exactly one of 'probability', 'quantiles'"),
        ("[hidden_coder, {", "[{coder: hidden_coder, why: x}, {", "the first coder has a number here"),
        ("coder: third", "codre: third", "unknown key 'codre'"),
        (
            "  word: {term: almost certain}\n  coded_by: hidden_coder",
            "  more_likely_than: {state: none}\n  coded_by: [a, b]",
            "several coders of 'more_likely_than'",
        ),
        ("ratio: 0.6}", "ratio: 0.6, against: {given: {budget: kept}}}", "unknown key 'against'"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, old: str, new: str, line: str) -> None:
    """What is wrong with several coders of a remark is told where it stands."""
    folder = folder_of(tmp_path)
    (folder / FILE).write_text(CODED.replace(old, new), encoding="utf-8")
    assert any(line in said for said in messages(folder)), messages(folder)


def test_wrong_usage(tmp_path: Path) -> None:
    """Nobody named, somebody unknown, a sheet that is not there: each told, with the nearest name."""
    folder = folder_of(tmp_path)
    for arguments, says in (
        ((), "name an expert, or --read a sheet"),
        (("market_analist",), "did you mean 'market_analyst'?"),
        (("--read", str(tmp_path / "none.yaml")), "no such file"),
        (("market_analyst", "--read", "x"), "leave the experts out"),
    ):
        result = run(folder, *arguments)
        assert (2, True) == (result.exit_code, says in result.stderr), result.stderr
    assert "nothing to code" in run(folder, "editors").stderr
