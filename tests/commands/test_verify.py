"""`forecast verify`: what became of everything that was ever written, on a real workspace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.ledger.ledger import LEDGER
from forecast.workspace.files import JUDGEMENTS
from tests.commands.conftest import AS_OF
from tests.commands.verifying import ITEM, chain_anew, edit, encode, kinds, run, verified


def test_a_whole_workspace(twice: Path) -> None:
    """After updates nothing is found; the inputs that two updates share are kept once."""
    found = verified(twice)
    n_files = sum(path.is_file() for folder in ("priors", "evidence") for path in (twice / folder).rglob("*"))
    assert ([], 2, 2, n_files + 2) == (found["findings"], found["lines"], found["copies"], found["contents"])
    text = run("verify", "-C", twice)
    assert "ledger: 2 lines, 2 with a kept copy" in text.stdout
    assert "everything is as it was written" in text.stdout


CHANGES: dict[str, tuple[Callable[[Path], object], list[str], int]] = {
    "evidence edited": (lambda root: edit(root / "evidence/late.yaml", "slight", "strong"), ["edited"], 1),
    "evidence gone": (lambda root: (root / "evidence/late.yaml").unlink(), ["missing file"] * 3, 1),
    "evidence no YAML": (lambda root: edit(root / "evidence/late.yaml", "bears_on:", "bears_on: ["), ["edited"], 1),
    "a comment": (lambda root: edit(root / "evidence/late.yaml", "- id", "# by hand\n- id"), ["not yet recorded"], 0),
    "a statement edited": (
        lambda root: edit(sorted((root / "priors/statements").iterdir())[0], "probability: ", "probability: 0.0"),
        ["edited"],
        1,
    ),
    "a network edited": (lambda root: edit(root / "priors/network.yaml", "title: ", "title: Other "), ["edited"], 1),
    "a ledger's byte": (lambda root: edit(root / LEDGER, '"seed":2', '"seed":3'), ["changed"], 1),
    "a new file": (
        lambda root: (root / "evidence/later.yaml").write_text(ITEM.format("later", "2026-07-04"), encoding="utf-8"),
        ["not yet recorded"],
        0,
    ),
    "a new file with a mistake": (
        lambda root: (root / "evidence/later.yaml").write_text("- id: later\n", encoding="utf-8"),
        ["not yet recorded"],
        0,
    ),
    "a page edited": (
        lambda root: edit(root / f"reports/{AS_OF}/forecast.json", '"probability": 0.', '"probability": 0.9'),
        ["other page"],
        1,
    ),
    "a page's interval": (
        lambda root: edit(root / f"reports/{AS_OF}/forecast.json", '"0.95": 0.', '"0.95": 0.9'),
        ["other page"],
        1,
    ),
    "a page of a day without a line": (
        lambda root: edit(
            shutil.copytree(root / f"reports/{AS_OF}", root / "reports/2026-06-01") / "forecast.json",
            '"probability": 0.',
            '"probability": 0.9',
        ),
        ["other page"],
        1,
    ),
    "a judgement edited": (lambda root: edit(root / JUDGEMENTS, "0.4", "0.9"), ["rewritten"], 1),
    "a judgement's end": (lambda root: edit(root / JUDGEMENTS, "another\n", "another way\n"), ["rewritten"], 1),
    "a judgement gone": (
        lambda root: edit(root / JUDGEMENTS, "2026-07-02,on-sale,0.5,another\n", ""),
        ["rewritten"],
        1,
    ),
    "a column of authors": (
        lambda root: edit(root / JUDGEMENTS, "why\n", "why,author\n"),
        [],
        0,
    ),
    "a judgement of another branch": (
        lambda root: edit(root / JUDGEMENTS, "2026-07-02", "2026-07-03,on-sale,0.6,theirs\n2026-07-02"),
        [],
        0,
    ),
    "line ends of Windows": (
        lambda root: (root / JUDGEMENTS).write_bytes((root / JUDGEMENTS).read_bytes().replace(b"\n", b"\r\n")),
        [],
        0,
    ),
    "a question edited": (
        lambda root: edit(root / "priors/questions.yaml", "{at_least: limited}", "general"),
        ["edited"],
        1,
    ),
    "a question's wording": (
        lambda root: edit(root / "priors/questions.yaml", "Can it", "Could it"),
        ["not yet recorded"],
        0,
    ),
    "a retraction taken back": (
        lambda root: edit(root / "evidence/late.yaml", "  retracted: 2026-07-04\n", ""),
        ["edited"],
        1,
    ),
    "a retraction of before": (
        lambda root: edit(root / "evidence/late.yaml", "  headline", "  retracted: 2026-07-04\n  headline"),
        ["not yet recorded"],
        0,
    ),
    "a retraction of later": (
        lambda root: edit(root / "evidence/late.yaml", "  headline", "  retracted: 2026-07-08\n  headline"),
        ["not yet recorded"],
        0,
    ),
    "news watched for shorter": (
        lambda root: edit(root / "evidence/watch.yaml", "2026-06-30", "2026-06-20"),
        ["edited"],
        1,
    ),
    "news watched for longer": (
        lambda root: edit(root / "evidence/watch.yaml", "2026-06-30", "2026-07-10"),
        ["not yet recorded"],
        0,
    ),
    "evidence in another file": (
        lambda root: (root / "evidence/late.yaml").rename(root / "evidence/later.yaml"),
        ["not yet recorded", "not yet recorded"],
        0,
    ),
    "a page as a quiet day left it": (lambda root: shutil.rmtree(root / f"reports/{AS_OF}"), [], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_since(name: str, twice: Path) -> None:
    """Each change is called by its name, and only what is not as it was written decides the exit status."""
    change, expected, status = CHANGES[name]
    change(twice)
    result = run("verify", "-C", twice, "--json")
    assert (expected, status) == ([one["kind"] for one in json.loads(result.stdout)["findings"]], result.exit_code)


def test_an_edit_does_not_vanish_with_the_next_update(twice: Path) -> None:
    """What was edited between two updates is told for good; a row of judgements that went away is wrong for good."""
    edit(twice / "evidence/late.yaml", "slight", "strong")
    run("update", "-C", twice, "--as-of", "2026-07-06", "--no-report")
    (finding,) = verified(twice)["findings"]
    assert ("edited before", True) == (
        finding["kind"],
        "between lines 2 and 3 was changed: item 'late'" in finding["what"],
    )
    edit(twice / JUDGEMENTS, "0.4", "0.9")
    (twice / "evidence" / "more.yaml").write_text(ITEM.format("more", "2026-07-06"), encoding="utf-8")
    run("update", "-C", twice, "--as-of", "2026-07-07", "--no-report")
    assert {"edited before", "rewritten"} == set(kinds(twice))


def test_two_branches(twice: Path, tmp_path: Path) -> None:
    """Behind a merge the files are held against the last updates of both branches; either one's network is right."""
    other = shutil.copytree(twice, tmp_path / "other")
    for root, name in ((twice, "here"), (other, "there")):
        (root / "evidence" / f"{name}.yaml").write_text(ITEM.format(name, "2026-07-06"), encoding="utf-8")
    edit(twice / "priors/network.yaml", "title: ", "title: Another ")
    for root, day in ((twice, "2026-07-08"), (other, "2026-07-07")):
        result = run("update", "-C", root, "--as-of", day, "--no-report")
        assert 0 == result.exit_code, result.output
    shutil.copy(other / "evidence/there.yaml", twice / "evidence")
    shutil.copytree(other / "reports/kept", twice / "reports/kept", dirs_exist_ok=True)
    last = (other / LEDGER).read_text(encoding="utf-8").splitlines()[-1]
    with (twice / LEDGER).open("a", encoding="utf-8") as file:
        file.write(f"{last}\n")
    assert ["fork"] == kinds(twice)
    assert 0 == run("merge", "-C", twice).exit_code
    assert [] == kinds(twice)
    edit(twice / "evidence/here.yaml", "slight", "strong")
    assert ["edited"] == kinds(twice)


def test_another_version_and_processor_are_notes(updated: Path) -> None:
    """Lines of another version, or of another kind of machine, are noted; that is nothing wrong."""
    line = json.loads((updated / LEDGER).read_text(encoding="utf-8"))
    line |= {"version": "0.0.9", "environment": {**line["environment"], "processor": "a loom"}}
    chain_anew(updated, encode(line))
    found = verified(updated)
    assert [("other processor", True), ("other version", True)] == [
        (one["kind"], one["note"]) for one in found["findings"]
    ]
    assert "line 1 by forecast 0.0.9" in found["findings"][1]["what"]


def test_what_was_only_renamed_was_not_edited(twice: Path) -> None:
    """After a rename the last line's records are still what they were, and its forecast comes out the same."""
    renamed = run("rename", "event", "success", "sold", "-C", twice, "--yes")
    assert 0 == renamed.exit_code, renamed.output
    assert {"not yet recorded"} == set(kinds(twice))
    shown = run("show", "-C", twice, "--line", "2", "--json")
    assert 0 == shown.exit_code, shown.output


def test_a_past_forecast_is_shown(twice: Path) -> None:
    """`show --line` prints a past forecast as it was, whatever the files and the folders of reports are now."""
    first = json.loads((twice / f"reports/{AS_OF}/forecast.json").read_text(encoding="utf-8"))
    shutil.rmtree(twice / f"reports/{AS_OF}")
    edit(twice / "priors/statements/outside.yaml", "happened: 7", "happened: 8")
    (twice / "evidence" / "2026-06-18-test-begun.yaml").unlink()
    shown = run("show", "-C", twice, "--line", "1", "--json")
    assert 0 == shown.exit_code, shown.output
    told = json.loads(shown.stdout)
    assert [first[key] for key in ("scenarios", "events")] == [told[key] for key in ("scenarios", "events")]
    refused = run("show", "-C", twice, "--line", "3")
    assert (1, True) == (refused.exit_code, "no forecast is on line 3; the ledger has lines 1 to 2" in refused.stderr)


def test_a_past_report_is_drawn(twice: Path) -> None:
    """`report` draws a past forecast from kept inputs; `--line` into a folder of its own, and all else stays."""
    edit(twice / "priors/statements/outside.yaml", "happened: 7", "happened: 8")
    before = (twice / LEDGER).read_bytes()
    drawn = run("report", "-C", twice, "--line", "1")
    assert 0 == drawn.exit_code, drawn.output
    page = twice / "reports/line-1/report.html"
    assert f"written: {page}" in drawn.stdout
    told = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))
    line = json.loads(before.splitlines()[0])
    rows = {row["id"]: row["probability"] for row in line["scenarios"]}
    assert rows == {row["id"]: row["probability"] for row in told["scenarios"]}
    assert not (twice / f"reports/{AS_OF}/report.html").exists()
    brief = run("report", "-C", twice, AS_OF, "--format", "md")
    assert 0 == brief.exit_code, brief.output
    assert before == (twice / LEDGER).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--recompute", "7"], "no line 7; the ledger has lines 1 to 1"),
        (["--recompute", "soon"], "'soon' names no line; write its number, latest, or all"),
        (["--since", "nowhere"], "git: "),
        (["--since", "--all"], "git: "),
    ],
)
def test_mistakes(arguments: list[str], told: str, updated: Path) -> None:
    """A line or a revision that is not there is wrong usage, said in one line."""
    result = run("verify", "-C", updated, *arguments)
    assert 2 == result.exit_code
    assert told in " ".join(result.stderr.split())


def test_an_empty_workspace(fresh: Path) -> None:
    """Where nothing was ever written, nothing is found, and nothing can be run again."""
    assert [] == kinds(fresh)
    assert 2 == run("verify", "-C", fresh, "--recompute").exit_code


def test_a_folder_that_is_no_workspace(tmp_path: Path) -> None:
    """A folder that was named by mistake is an error in one line, and not a workspace in which all is well."""
    result = run("verify", "-C", tmp_path)
    told = "priors/network.yaml:1: this folder is no workspace; nothing was verified; got no such file"
    assert (1, f"{told}; name the workspace with -C\n") == (result.exit_code, result.stderr)
