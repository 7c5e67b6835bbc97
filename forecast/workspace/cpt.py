"""How the rows of a CPT hang together: the shape of `cpt`, and what must hold between it and the rest of an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

from forecast.workspace.nodes import Cursor, ListNode, MapNode
from forecast.workspace.problems import Problem, quoted
from forecast.workspace.records import CptKind, Kind, Leak
from forecast.workspace.shapes import Shape

KINDS: tuple[Kind, ...] = get_args(Kind)
CPT_KINDS: tuple[CptKind, ...] = get_args(CptKind)


class CptShape(Shape):
    """How an event's rows hang together; `leak` is the convention of a noisy_or's links."""

    kind: CptKind
    leak: Leak | None = None


def _read_cpt(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


CptKindName = Literal["shared", "table", "noisy_max", "logistic"]
NamedCpt = Annotated[CptShape, BeforeValidator(_read_cpt, json_schema_input_type=CptKindName | CptShape)]
WITHOUT_PARENTS = ("shared", "table")
LEAK_ALLOWED = "a noisy_or needs leak: 'net' (a link is what the cause does alone) or 'compound' (it includes the leak)"


def cpt_problems(at: Cursor) -> Iterator[Problem]:
    """Report a way to build the CPT that does not fit the event, and a leak convention missing or out of place."""
    is_map = isinstance(at.child("cpt"), MapNode)
    kind = at.text("cpt", "kind") if is_map else at.text("cpt")
    if kind not in CPT_KINDS:
        return
    cpt = at.at("cpt", "kind") if is_map else at.at("cpt")
    has_leak = at.child("cpt", "leak") is not None
    if kind == "noisy_or" and not has_leak:
        yield cpt.problem("cpt: missing key 'leak'", "", LEAK_ALLOWED)
    if kind != "noisy_or" and has_leak:
        yield at.at("cpt", "leak").problem(f"cpt: 'leak' beside kind '{kind}'", "", "only a noisy_or has it")
    states, event_kind = at.child("states"), at.text("kind")
    n_states = len(states.items) if isinstance(states, ListNode) else 0
    if kind == "noisy_or" and n_states > 2 and event_kind in KINDS and event_kind != "reached":
        what = f"cpt 'noisy_or' on an event of kind {event_kind} with more than two states"
        yield cpt.problem(what, f"{n_states} states", "use 'noisy_max' for ordered states")
    parents = at.child("parents")
    if kind not in WITHOUT_PARENTS and not (isinstance(parents, ListNode) and parents.items):
        allowed = f"without parents there is one row: {quoted(WITHOUT_PARENTS)}"
        yield cpt.problem(f"cpt '{kind}' on an event without parents", "", allowed)
