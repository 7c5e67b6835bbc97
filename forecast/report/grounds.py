"""What a forecast is made of, told apart: evidence, judgement, assumption (ICD 203, section D.6.e.(3))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.prior.spec import SD_COUNT, SD_DEVIATION, SD_EXPERT
from forecast.record.outcome import Outcome
from forecast.report.wording import counted

Row = dict[str, Any]


def grounds(found: Outcome, evidence: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]]) -> list[Row]:
    """List what enters the forecast by its nature, with numbers: rows of `kind`, `what` and `where` on the page."""
    counting = [row for row in evidence if row["counts"]]
    settled = sum(row["weight"].startswith("settled") for row in counting)
    by_experts = [row for row in said if row["voice"] == "expert"]
    own = sum(row["coded_by"] is None for row in by_experts)
    editors, rules = (sum(row["voice"] == voice for row in said) for voice in ("editors", "rule"))
    grades = sorted({row["grade"] for row in counting})
    free = sum(event.cpt.kind == "shared" for event in found.layout.events)
    n_events = len(found.layout.events)
    reports, coded = len(counting) - settled, len(by_experts) - own
    graded = (
        f"How far a source of grade {', '.join(grades) or 'A to F'} can be relied on, before its reports are compared."
    )
    errors = (
        f"How statements err: a group's deviation with sd {SD_DEVIATION:g}, an expert's own noise of scale "
        f"{SD_EXPERT:g}, a reference class against the case at hand with sd {SD_COUNT:g}, in log-odds."
    )
    rows = [
        ("evidence", f"{counted(settled, 'settled fact')}: public, hard and dated, and taken as true.", "evidence"),
        (
            "evidence",
            f"{counted(reports, 'report')}, weighed by grade and credibility; any may be wrong.",
            "evidence",
        ),
        ("judgement", f"{counted(own, 'statement')} by experts with their own number.", "statements"),
        (
            "judgement",
            f"{counted(coded, 'statement')} by experts that an editor coded, with a wide interval.",
            "statements",
        ),
        ("judgement", f"{counted(editors, 'statement')} of the editors' own.", "statements"),
        ("assumption", f"{counted(rules, 'statement')} that a rule settles: how events are resolved.", "statements"),
        ("judgement", f"Which of {counted(n_events, 'event')} depends on which; the rules of scenarios.", "network"),
        ("assumption", graded, "evidence"),
        ("assumption", errors, "model"),
        ("assumption", _timing(found), "model"),
        ("assumption", f"{counted(free, 'table')} without a statement: the default prior holds.", "checks"),
    ]
    return [{"kind": kind, "what": what, "where": where} for kind, what, where in rows]


def _timing(found: Outcome) -> str:
    timed = sum(event.timing is not None for event in found.layout.events)
    text = "An open step is as likely on one day as on the next, given its causes"
    return f"{text}, but for {counted(timed, 'event')} with a timing of its own." if timed else f"{text}."
