"""Workspaces for tests: the packaged example, with parts of its files replaced."""

from __future__ import annotations

import shutil
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

from forecast.workspace.read import read_workspace
from forecast.workspace.records import Workspace

TODAY = date(2026, 11, 1)
ASKED = """\
- id: on-sale
  question: On sale by the end of October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: the first sale
- id: kept
  question: Is the budget as planned at the end of June?
  about: {event: budget, state: [kept, raised]}
  by: 2026-06-30
  opens: 2026-02-01
  topic: money
  resolves: within ten percent
  source: {publisher: A market, url: "https://a.example"}
  base_rate: {probability: 0.4, source: {publisher: B}, why: four of ten}
  benchmarks: [market]
  caution: the market has other rules
"""
KINDS = """\
- id: sold
  question: On sale by the end of October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: the first sale
  benchmarks: [market]
  readings:
  - name: a contract
    about: {event: launch, state: general}
    by: 2026-12-31
    resolves: general sale
    forecasters: [crowd]
- id: sold-if-tested
  question: On sale by the end of October, if it has been tested?
  about: {event: launch, state: limited}
  given: {prototype: tested}
  by: 2026-10-31
  resolves: the first sale
- id: out
  question: Does it end in a breakthrough?
  scenario: breakthrough
  given: {scenario: other}
  resolves: by the rules
- id: first-sale
  question: When is it first sold?
  when: {event: launch, state: limited}
  resolves: the day
- id: units
  question: How many are sold?
  number:
    unit: units
    cases:
    - when: {launch: general}
      quantiles: {0: 0, 0.5: 4000, 1: 40000}
    - when: {launch: limited}
      quantiles: {0: 0, 1: 3000}
    - quantiles: {0: 0, 1: 0}
    bins: [1, 1000]
  by: 2026-06-30
  resolves: delivered and paid for
"""
QUESTION_TABLE = b"""\
id,question,about,given,when,by,resolves,base_rate,base_publisher,base_why
tested,"Tested, by July?",prototype=tested,,,2026-07-31,a week,0.5,team,one of two
paid,With more money on sale?,launch>=limited,budget=raised;prototype>=shown,,2026-12-31,a sale,,,
day,When is the test?,,,prototype=tested,,the fiftieth,,,
none,None of them?,other,,,,by the rules,,,
"""
BULK_HEADER = "id,reported,source,credibility,headline,event,settled,likelihood,support,for,claims,until"
BULK_PATH = "evidence/feed.csv"
MARKET = "probability,date,forecaster\n0.5,2026-03-02,crowd\n1,2026-03-01,crowd\n0.2,2026-03-02,a b\n"


def example(folder: Path) -> Path:
    """Copy the packaged example workspace to `folder` and return it."""
    with as_file(files("forecast") / "data" / "init") as template:
        shutil.copytree(template, folder, dirs_exist_ok=True)
    return folder


def replace(folder: Path, path: str, old: str, new: str) -> None:
    """Replace the only place where `old` stands in a file."""
    text = (folder / path).read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{old!r} stands {text.count(old)} times in {path}")
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")


def messages(folder: Path, severity: str = "error") -> list[str]:
    """Return the problems of a workspace as a user reads them."""
    _, problems = read_workspace(folder, today=TODAY)
    return [str(problem) for problem in problems if problem.severity == severity]


def read(folder: Path) -> Workspace:
    """Return a workspace that must be right."""
    workspace, problems = read_workspace(folder, today=TODAY)
    if workspace is None:
        raise ValueError("\n".join(map(str, problems)))
    return workspace


def name_event(folder: Path, event: str, name: str) -> None:
    """Give an event of the example a name for readers."""
    replace(folder, "priors/network.yaml", f"\n  {event}:\n", f"\n  {event}:\n    name: {name}\n")


def write_bulk(root: Path, *rows: str, header: str = BULK_HEADER) -> Path:
    """Put a table into an example workspace."""
    (example(root) / BULK_PATH).write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return root
