"""How the rows of a CPT hang together: the shape of `cpt`, and what must hold between it and the rest of an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from forecast.workspace.nodes import ListNode, MapNode, Node, child, line_at, text_at
from forecast.workspace.problems import Problem, Source, quoted
from forecast.workspace.shapes import Shape

KINDS = ("reached", "status", "constant")


CPT_KINDS = ("shared", "table", "noisy_or", "noisy_max", "logistic")


class CptShape(Shape):
    """How an event's rows hang together; `leak` is the convention of a noisy_or's links."""

    kind: Literal["shared", "table", "noisy_or", "noisy_max", "logistic"]
    leak: Literal["net", "compound"] | None = None


def _read_cpt(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


CptKindName = Literal["shared", "table", "noisy_max", "logistic"]


NamedCpt = Annotated[CptShape, BeforeValidator(_read_cpt, json_schema_input_type=CptKindName | CptShape)]


WITHOUT_PARENTS = ("shared", "table")


LEAK_ALLOWED = "a noisy_or needs leak: 'net' (a link is what the cause does alone) or 'compound' (it includes the leak)"


def cpt_problems(node: Node, path: str, subject: str) -> Iterator[Problem]:
    """Report a way to build the CPT that does not fit the event, and a leak convention missing or out of place."""
    cpt = child(node, "cpt")
    kind = text_at(cpt, "kind") if isinstance(cpt, MapNode) else text_at(cpt)
    if cpt is None or kind not in CPT_KINDS:
        return
    where = Source(path, line_at(node, "cpt", "kind"))
    has_leak = isinstance(cpt, MapNode) and "leak" in cpt.entries
    if kind == "noisy_or" and not has_leak:
        yield Problem(where, f"{subject}: cpt: missing key 'leak'", "", LEAK_ALLOWED)
    if kind != "noisy_or" and has_leak:
        what = f"{subject}: cpt: 'leak' beside kind '{kind}'"
        yield Problem(Source(path, line_at(node, "cpt", "leak")), what, "", "only a noisy_or has it")
    states, event_kind = child(node, "states"), text_at(node, "kind")
    n_states = len(states.items) if isinstance(states, ListNode) else 0
    if kind == "noisy_or" and n_states > 2 and event_kind in KINDS and event_kind != "reached":
        what = f"{subject}: cpt 'noisy_or' on an event of kind {event_kind} with more than two states"
        yield Problem(where, what, f"{n_states} states", "use 'noisy_max' for ordered states")
    parents = child(node, "parents")
    if kind not in WITHOUT_PARENTS and not (isinstance(parents, ListNode) and parents.items):
        what = f"{subject}: cpt '{kind}' on an event without parents"
        yield Problem(where, what, "", f"without parents there is one row: {quoted(WITHOUT_PARENTS)}")
