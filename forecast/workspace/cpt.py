"""How the rows of a CPT hang together: the shape of `cpt`, and what must hold between it and the rest of an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

from forecast.cpt.registry import KINDS as CPTS
from forecast.cpt.registry import LEAKS, WITHOUT_OPTIONS, WITHOUT_PARENTS
from forecast.workspace.nodes import Cursor, ListNode, MapNode
from forecast.workspace.problems import Problem, quoted
from forecast.workspace.records import Kind
from forecast.workspace.shapes import Shape

KINDS: tuple[Kind, ...] = get_args(Kind)
CPT_KINDS = tuple(CPTS)
if TYPE_CHECKING:
    type CptName = str
    type WithoutOptions = str
    type LeakName = str
else:
    CptName, WithoutOptions, LeakName = Literal[CPT_KINDS], Literal[WITHOUT_OPTIONS], Literal[LEAKS]


class CptShape(Shape):
    """How an event's rows hang together; `leak` is the convention of a noisy_or's links."""

    kind: CptName
    leak: LeakName | None = None


def _read_cpt(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


NamedCpt = Annotated[CptShape, BeforeValidator(_read_cpt, json_schema_input_type=WithoutOptions | CptShape)]


def cpt_problems(at: Cursor) -> Iterator[Problem]:
    """Report a way to build the CPT that does not fit the event, and a leak convention missing or out of place."""
    is_map = isinstance(at.child("cpt"), MapNode)
    kind = at.text("cpt", "kind") if is_map else at.text("cpt")
    if kind not in CPTS:
        return
    rules = CPTS[kind]
    cpt = at.at("cpt", "kind") if is_map else at.at("cpt")
    has_leak = at.child("cpt", "leak") is not None
    if rules.leaks and not has_leak:
        yield cpt.problem("cpt: missing key 'leak'", "", rules.leak_rule)
    if not rules.leaks and has_leak:
        allowed = f"only a {' or '.join(name for name, other in CPTS.items() if other.leaks)} has it"
        yield at.at("cpt", "leak").problem(f"cpt: 'leak' beside kind '{kind}'", "", allowed)
    states, event_kind = at.child("states"), at.text("kind")
    n_states = len(states.items) if isinstance(states, ListNode) else 0
    if event_kind in KINDS and (misfit := rules.misfit(event_kind, n_states)) is not None:
        what, use = misfit
        yield cpt.problem(f"cpt '{kind}' on an event of kind {event_kind} {what}", f"{n_states} states", use)
    parents = at.child("parents")
    if kind not in WITHOUT_PARENTS and not (isinstance(parents, ListNode) and parents.items):
        allowed = f"without parents there is one row: {quoted(WITHOUT_PARENTS)}"
        yield cpt.problem(f"cpt '{kind}' on an event without parents", "", allowed)
