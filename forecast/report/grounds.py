"""What a forecast is made of, told apart: evidence, judgement, assumption (ICD 203, section D.6.e.(3))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.prior.spec import SD_COUNT, SD_DEVIATION, SD_EXPERT
from forecast.record.outcome import Outcome

Row = dict[str, Any]


def grounds(found: Outcome, evidence: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]]) -> list[Row]:
    """List what enters the forecast by its nature, with numbers: rows of `kind`, `what` and `where` on the page."""
    counting = [row for row in evidence if row["counts"]]
    settled = sum(row["weight"].startswith("settled") for row in counting)
    own = sum(row["coded_by"] is None for row in said)
    grades = sorted({row["grade"] for row in counting})
    free = sum(event.cpt.kind == "shared" for event in found.layout.events)
    n_events = len(found.layout.events)
    reports = f"{len(counting) - settled} reports. Each is weighed by its source's grade and its credibility."
    coded = f"{len(said) - own} statements on whose words an editor put the number, which is wider for it."
    graded = f"How far a source of grade {', '.join(grades) or 'A to F'} can be relied on before it is heard."
    errors = (
        f"How statements err: a group's deviation with sd {SD_DEVIATION:g}, an expert's own noise of scale "
        f"{SD_EXPERT:g}, a reference class against the case at hand with sd {SD_COUNT:g}, in log-odds."
    )
    rows = [
        ("evidence", f"{settled} settled facts: public, hard and dated. They are taken as true.", "evidence"),
        ("evidence", f"{reports} Any may be mistaken.", "evidence"),
        ("judgement", f"{own} statements whose number is their author's own.", "statements"),
        ("judgement", coded, "statements"),
        ("judgement", f"Which of the {n_events} events bears on which, and the rules of the scenarios.", "network"),
        ("assumption", graded, "evidence"),
        ("assumption", errors, "model"),
        ("assumption", _timing(found), "model"),
        ("assumption", f"What {free} tables say where nobody spoke: nothing in particular.", "checks"),
    ]
    return [{"kind": kind, "what": what, "where": where} for kind, what, where in rows]


def _timing(found: Outcome) -> str:
    timed = sum(event.timing is not None for event in found.layout.events)
    text = "An open step is as likely on one day as on the next, given its causes"
    return f"{text}, but for {timed} events whose timing is stated." if timed else f"{text}."
