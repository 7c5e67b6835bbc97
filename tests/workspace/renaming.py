"""A workspace in which every kind of file names something in every way, in all styles of writing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from forecast.workspace.draft_renames import RenameDraft, draft_rename
from forecast.workspace.mentions import Named
from forecast.workspace.records import Workspace
from tests.workspace.writing import TODAY, example, replace

STATEMENTS = """\
# launch, general and market_analyst stand in comments too
-   id:   'shares-of-launch'   # quoted, with blanks
    date: 2026-01-13
    expert: "market_analyst"
    source: {publisher: launch, title: general}
    says: launch none limited general budget
    about: {event:   launch}
    distribution: {none: 0.2, "limited": 0.3, 'general': 0.5, sd: 1.0}
    why: the launch is general
- id: given-two
  date: 2026-01-14
  expert: market_analyst
  source: {publisher: x}
  says: launch
  about:
    event: >-
      launch
    state:
    - general   # a list
    given: {budget: [kept, raised], prototype: {is: {at_least: shown}, held_by: 2026-06-01}}
  odds_times: {against: {state: limited, given: {budget: cut}}, ratio: 2}
  why: launch
- id: order
  date: 2026-01-14
  expert: project_lead
  source: {publisher: x}
  says: likelier
  about: {scenario: breakthrough}
  more_likely_than: {event: budget, state: cut}
  why: breakthrough
- id: big
  date: 2026-01-14
  expert: project_lead
  source: {publisher: x}
  says: likelier
  about: {scenario: breakthrough}
  probability: 0.1
  why: breakthrough
  resolved: {state: on_the_market, on: 2026-08-01}
- id: came
  date: 2026-01-14
  expert: project_lead
  source: {publisher: x}
  says: likelier
  about: {event: prototype, state: tested, by: 2026-06-30}
  probability: 0.4
  why: prototype
  resolved: {state: shown, on: 2026-07-01}
"""
QUESTIONS = """\
- id: on-sale
  question: on-sale launch
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-31
  resolves: launch
- {id: "kept-then", question: kept, about: {event: budget, state: [kept, raised]}, by: 2026-06-30, resolves: budget}
"""
EVIDENCE = """\
- id: first
  reported: 2026-04-01
  source: newspaper
  headline: launch
  bears_on:
  - {event: launch, likelihood: {none: 0.5, limited: 0.3, general: 0.2}}
  - {scenarios: {breakthrough: 1, on_the_market: 0.6, still_testing: 0.2, other: 0.2}}
- id: second
  reported: 2026-04-02
  supersedes: first
  source: forum
  headline: newspaper
  bears_on:
  - {event: budget, support: slight, for: [kept, raised]}
  - {event: prototype, support: slight, for: {at_least: shown}}
- id: third
  reported: 2026-08-02
  source: forum
  headline: newspaper
  bears_on:
  - {event: launch, claims: limited}
"""
TABLE = '''\
id,reported,source,headline,event,likelihood,support,for,settled,supersedes\r
"row-1",2026-07-01,newspaper,"launch, ""general""",launch," none=.3 ; limited=.6;general = .1",,,,\r
row-2,2026-07-02, forum ,kept,budget,,slight,kept; raised,,first\r
\r
row-3,2026-07-02,"forum",kept,budget,,slight,at_least=kept,,\r
row-4,2026-07-03,newspaper,x,budget,,slight,raised,,
'''
MAPPED = "uid,day,text\nm-1,2026-07-05,general\n"
COLUMN_MAP = """\
columns: {id: uid, reported: day, headline: text}
always: {source: "forum", event: launch, likelihood: "none=.4; limited=.3; general=.3"}
"""
RESOLUTIONS = (
    {"question": "kept-then", "state": "no", "on": "2026-06-30", "known": "2026-07-01", "source": "x"},
    {"event": "launch", "state": "limited", "on": "2026-09-02", "known": "2026-09-03", "source": "x"},
    {"undo": "launch", "known": "2026-09-05"},
    {"event": "launch", "state": "limited", "on": "2026-09-02", "known": "2026-09-07", "source": "x"},
)
JUDGEMENTS = "date,question,probability,why\n2026-03-01,on-sale,0.4,on-sale\n2026-03-02,kept-then,0.3,x\n"


def rich(folder: Path) -> Path:
    """Write the workspace: the example and all this; one file has Windows line ends and a byte order mark."""
    root = example(folder)
    replace(root, "priors/network.yaml", "kind: reached                 #", "kind: reached # launch launch")
    replace(
        root,
        "priors/network.yaml",
        "    states: [none, limited, general]\n",
        "    states: [none, limited, general]\n"
        "    counts: {of: events, window_days: 30, states: {limited: 1, general: 9}}\n"
        "    requires:\n"
        "      limited: {prototype: {at_least: shown}}\n"
        "      'general': {prototype: [shown, tested], any_of: [{budget: kept}, {budget: [raised], demand: high}]}\n",
    )
    (root / "priors/statements/more.yaml").write_bytes(STATEMENTS.encode())
    (root / "priors/questions.yaml").write_bytes("\ufeff".encode() + QUESTIONS.replace("\n", "\r\n").encode())
    (root / "evidence/more.yaml").write_bytes(f"# é 🙂\n{EVIDENCE}".encode())
    (root / "evidence/bulk.csv").write_bytes(TABLE.encode())
    (root / "evidence/mapped.csv").write_bytes(MAPPED.encode())
    (root / "evidence/mapped.columns.yaml").write_bytes(COLUMN_MAP.encode())
    (root / "priors/resolutions.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in RESOLUTIONS))
    (root / "priors/judgements.csv").write_text(JUDGEMENTS)
    (root / "priors/benchmarks").mkdir()
    (root / "priors/benchmarks/on-sale.csv").write_text("date,forecaster,probability\n2026-03-01,crowd,0.3\n")
    experts = (root / "priors/experts.yaml").read_text(encoding="utf-8")
    (root / "priors/experts.yaml").write_text(f"{experts}alone: {{name: Alone}}\npupil: {{name: p, group: alone}}\n")
    return root


def names_of(workspace: Workspace) -> Iterator[Named]:
    """Yield everything in it that can be renamed."""
    network = workspace.network
    for event in network.events.values():
        yield Named("event", event.id)
        yield from (Named("state", state, event.id) for state in event.states)
    yield from (Named("scenario", one.id) for one in workspace.scenarios)
    yield from (Named("question", one.id) for one in workspace.questions)
    yield from (Named("expert", name) for name in workspace.experts if name != "editors")
    yield from (Named("source", name) for name in workspace.sources if name != "resolutions")
    yield from (Named("statement", one.id) for one in workspace.statements)
    yield from (Named("item", one.id) for one in workspace.items if not one.id.startswith("resolved-"))


def drafted(root: Path, target: Named, new: str) -> RenameDraft:
    """Draft a rename; the workspace must be right with it."""
    old = target.name if target.event is None else f"{target.event}={target.name}"
    draft = draft_rename(root, target.kind, old, new, TODAY)
    if draft.workspace is None:
        raise ValueError("\n".join(map(str, draft.problems)))
    return draft


def renamed(root: Path, target: Named, new: str) -> RenameDraft:
    """Rename something on disk."""
    draft = drafted(root, target, new)
    for path, content in draft.contents.items():
        (root / path).write_bytes(content)
    return draft
