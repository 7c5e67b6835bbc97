"""`forecast import evidence` with files of coders, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.import_ import import_
from forecast.workspace.problems import WorkspaceProblems
from forecast.workspace.records import Claim, Item, Settled, Support, events_of
from tests.workspace.feeds.coded_files import FILES, SAMPLES
from tests.workspace.writing import example, read

VIOLENCE = """\
  violence:
    question: How violent is Sampleland on the horizon date?
    kind: {kind}
    states: [calm, limited, heavy]{status}
    resolves: by the fatalities of the last 30 days.
    counts: {{of: fatalities, window_days: 30, states: {{limited: {limited}, heavy: 100}}}}
"""
STATUS = "\n    initial: calm\n    persistence_days: 90"
WINDOW = ["--from", "2026-04-01", "--to", "2026-04-30"]


def with_event(folder: Path, *, kind: str = "status", limited: int = 10) -> Path:
    """Write the example with an event `violence`; it is limited from so many fatalities on."""
    network = example(folder) / "priors/network.yaml"
    event = VIOLENCE.format(kind=kind, status=STATUS if kind == "status" else "", limited=limited)
    network.write_text(network.read_text(encoding="utf-8") + event, encoding="utf-8")
    return folder


def imported(root: Path, form: str, *more: str, where: str = "country=Sampleland") -> tuple[int, str, str]:
    """Import a sample; return exit status, what is on stdout, and what is on stderr or the problems."""
    file = str(SAMPLES / FILES[form])
    needed = [file, "-C", str(root), "--format", form, "--event", "violence", "--where", where, *WINDOW]
    rest = ["--source", "newspaper", "--reported", "2026-05-20", "--yes", *more]
    result = CliRunner().invoke(import_, ["evidence", *needed, *rest])
    problems = str(result.exception) if isinstance(result.exception, WorkspaceProblems) else result.stderr
    return result.exit_code, result.stdout, problems


def item(root: Path) -> Item:
    """Return the item that was imported."""
    return next(one for one in read(root).items if any("violence" in events_of(part) for part in one.bears_on))


def test_a_count_is_a_dated_claim(tmp_path: Path) -> None:
    """The best count becomes the claim of a state, dated to the end of the window, known from the day of report."""
    status, _, said = imported(with_event(tmp_path), "ucdp-candidate", "--credibility", "2", "--group", "coders")
    found = item(tmp_path)
    (bearing,) = found.bears_on
    assert isinstance(bearing, Claim)
    assert (0, "limited", "2026-05-20", "2026-04-30", 2, "coders") == (
        status, bearing.state, str(found.reported), str(found.happened), found.credibility, found.group,
    )  # fmt: skip
    expected = "UCDP Candidate counts 17 fatalities (3 to 39) from 2026-04-01 to 2026-04-30, country=Sampleland."
    assert expected == found.headline
    assert found.why.startswith("By its thresholds violence is 'limited' from 10 to 99 fatalities in 30 days;")
    assert "got low 3 is 'calm', best 17 is 'limited', high 39 is 'limited'" in said


def test_a_count_may_settle_or_support(tmp_path: Path) -> None:
    """By option the count is a settled item, or a verbal weight for the state."""
    kinds = {"settled": Settled, "support": Support}
    for way, kind in kinds.items():
        root = with_event(tmp_path / way)
        strength = ["--strength", "strong"] if way == "support" else []
        assert 0 == imported(root, "acled", "--as", way, *strength)[0]
        (bearing,) = item(root).bears_on
        assert isinstance(bearing, kind)
        assert "limited" in (bearing.states if isinstance(bearing, Support) else (getattr(bearing, "state", ""),))


def test_json_is_alone_on_stdout(tmp_path: Path) -> None:
    """With --json stdout is one object with count and state of each bound, and the warnings."""
    _, printed, _ = imported(with_event(tmp_path), "ucdp-ged", "--json")
    found = json.loads(printed)
    bounds = {bound: (found[bound]["count"], found[bound]["state"]) for bound in ("low", "best", "high")}
    assert {"low": (3, "calm"), "best": (17, "limited"), "high": (39, "limited")} == bounds
    assert (True, "fatalities", 2) == (found["written"], found["of"], len(found["problems"]))


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        (["--source", "newspapr"], 1, "unknown source 'newspapr'"),
        (["--reported", "2026-04-20"], 1, "a row of 2026-05-11, after the day on which the count was reported"),
        (["--to", "2026-04-29"], 2, "are 29 days; the event's counts are of 30"),
        (["--to", "2026-03-01"], 2, "before it begins"),
        (["--event", "violense"], 2, "did you mean 'violence'?"),
        (["--event", "launch"], 1, "event 'launch' does not say which counts mean which state"),
        (["--where", "country"], 2, "'country' is not a condition"),
        (["--as", "support"], 2, "--strength goes with --as support"),
        (["--strength", "strong"], 2, "--strength goes with --as support"),
        (["--as", "support", "--strength", "strog"], 1, "did you mean 'strong'?"),
        (["--format", "ach"], 2, "not with --format ach"),
    ],
)
def test_nothing_is_written_beside_a_problem(tmp_path: Path, more: list[str], status: int, says: str) -> None:
    """A mistake in options, files or the item is said, and no file appears."""
    before = sorted(with_event(tmp_path).rglob("*.yaml"))
    found, _, said = imported(tmp_path, "acled", *more)
    assert (status, True, before) == (found, says in said, sorted(tmp_path.rglob("*.yaml")))


def test_the_beginning_of_a_reached_event_is_no_news(tmp_path: Path) -> None:
    """A count that leaves a reached event where it began is refused as a claim; silence says it already."""
    status, _, said = imported(with_event(tmp_path, kind="reached", limited=50), "acled")
    assert (1, True) == (status, "the count says that 'violence' is still 'calm', which is no news" in said)


def test_a_file_is_not_written_over(tmp_path: Path) -> None:
    """A second import of the same count finds the file of the first."""
    assert 0 == imported(with_event(tmp_path), "acled")[0]
    status, _, said = imported(tmp_path, "acled")
    assert (1, True) == (status, "the file is there already" in said)
