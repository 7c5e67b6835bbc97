"""A workspace that has a file of every kind, as contents by path: what the fuzzed readers begin with."""

from __future__ import annotations

from importlib.resources import as_file, files

from tests.workspace.writing import ASKED, KINDS, MARKET

MORE = {
    "priors/questions.yaml": ASKED + KINDS,
    "priors/benchmarks/market.csv": MARKET,
    "priors/judgements.csv": (
        "date,question,probability,why,author\n2026-03-01,on-sale,0.3,Said in a meeting.\n2026-03-02,kept,0.4,,ann\n"
    ),
    "priors/decisions.yaml": (
        "- id: line\n  question: Do we?\n  unit: euros\n  event: launch\n  options:\n"
        "    book: {none: -9, limited: 2, general: 1.4e1}\n    wait: {none: 0, limited: 0.6, general: 3}\n"
    ),
    "priors/resolutions.jsonl": (
        '{"question": "on-sale", "state": "yes", "on": "2026-07-01", "known": "2026-07-02", "source": "t"}\n'
        '{"event": "prototype", "state": "tested", "on": "2026-07-01", "known": "2026-07-02", "source": "the team"}\n'
        '{"undo": "prototype", "known": "2026-07-03", "source": "the team"}\n'
    ),
    "evidence/grades.yaml": "C: {mean: 0.6, certainty: 5}\nF: {mean: 0.2, certainty: 2}\n",
    "evidence/feed.csv": (
        "id,reported,source,credibility,headline,event,settled,likelihood,support,for,claims,until\n"
        "r1,2026-07-01,newspaper,2,A report.,demand,,low=.3;high=.6,,,,\n"
        "r2,2026-07-02,forum,,Second.,success,,,slight,yes,,2026-09-30\n"
        'r3,2026-07-03,newspaper,1,"Third, ""quoted""\nand long.",launch,,,,,limited,\n'
        "r4,2026-07-04,newspaper,1,Fourth.,launch,,,strong,at_least=limited,,\n"
    ),
    "evidence/other.csv": "uid,day,text,l\n7,2026-07-05,Fifth.,low=.4;high=.5\n",
    "evidence/other.columns.yaml": (
        "columns: {id: uid, reported: day, headline: text, likelihood: l}\n"
        "always: {source: newspaper, event: demand, credibility: 2}\n"
    ),
}


def whole() -> dict[str, bytes]:
    """Return the packaged example with questions, answers, decisions, grades and tables of evidence beside."""
    with as_file(files("forecast") / "data" / "init") as folder:
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return dict(sorted({**found, **{path: text.encode() for path, text in MORE.items()}}.items()))
