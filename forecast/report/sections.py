"""The sections of the page in their order: the main judgement first, the method last."""

from __future__ import annotations

from typing import NamedTuple


class Section(NamedTuple):
    """A place in the report: its id (also of its template), heading, and the part of the contents it stands in."""

    id: str
    title: str
    part: str


SECTIONS = (
    Section("judgement", "Main judgement", "In short"),
    Section("question", "Question, window and rules", "In short"),
    Section("confidence", "Likelihood and confidence", "In short"),
    Section("why", "Why it moved", "In short"),
    Section("watch", "What would change it", "In short"),
    Section("history", "The forecast over time", "In short"),
    Section("network", "Event network", "Explore"),
    Section("what-if", "What if", "Explore"),
    Section("events", "Events", "Explore"),
    Section("evidence", "Evidence", "What it rests on"),
    Section("statements", "Expert statements", "What it rests on"),
    Section("grounds", "Evidence, judgement, assumption", "What it rests on"),
    Section("updating", "Prior and posterior", "Method"),
    Section("sensitivity", "Sensitivity", "Method"),
    Section("alternatives", "Alternatives", "Method"),
    Section("sampling", "Sampling", "Method"),
    Section("reweighting", "Reweighting", "Method"),
    Section("digits", "Printed digits", "Method"),
    Section("checks", "Checks of the method", "Method"),
    Section("scores", "Scores", "Method"),
    Section("model", "Model", "Method"),
    Section("reproduce", "Reproduce", "Method"),
)


def contents() -> dict[str, list[Section]]:
    """Return the sections by their part of the contents."""
    parts: dict[str, list[Section]] = {}
    for section in SECTIONS:
        parts.setdefault(section.part, []).append(section)
    return parts
