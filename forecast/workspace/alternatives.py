"""Other weights for those who speak or report: the workspace without some of them, or with everybody counting alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from forecast.workspace.problems import choice, shown
from forecast.workspace.records import EDITORS, Statement, Workspace
from forecast.workspace.statement_forms.registry import statement_form

EQUAL_SD = 1.0  # log-odds; of every statement, when all are to count alike


class UnknownNameError(ValueError):
    """An expert, a group or a source that the workspace does not have."""


@dataclass(frozen=True)
class Alternative:
    """Who is left out, and whether the others count alike.

    `without_editors` leaves out what editors said and the numbers that they put on the words of others;
    `equal_weights` gives every statement the same sd and every expert the same weight, whatever the track record.
    `without_sources` leaves out all items of these sources, also what they settle: it then counts as not having
    happened.
    """

    without_experts: tuple[str, ...] = ()
    without_groups: tuple[str, ...] = ()
    equal_weights: bool = False
    without_editors: bool = False
    without_sources: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What is different, in words; empty if nothing is."""
        parts = [f"without {name}" for name in self.without_experts]
        parts += [f"without the group {name}" for name in self.without_groups]
        parts += ["without what editors said or coded"] if self.without_editors else []
        parts += [f"without the source {name}" for name in self.without_sources]
        return ", ".join([*parts, *(["with equal weights"] if self.equal_weights else [])])


def alternative_workspace(workspace: Workspace, alternative: Alternative) -> Workspace:
    """Return the workspace as an alternative has it. Raises UnknownNameError."""
    groups = sorted({expert.group for expert in workspace.experts.values()})
    _known("expert", alternative.without_experts, sorted(workspace.experts))
    _known("group", alternative.without_groups, groups)
    _known("source", alternative.without_sources, sorted(workspace.sources))

    def stays(statement: Statement) -> bool:
        expert = workspace.experts[statement.expert]
        of_editors = statement.coded_by is not None or statement.expert == EDITORS
        return not (
            statement.expert in alternative.without_experts
            or expert.group in alternative.without_groups
            or (alternative.without_editors and of_editors)
        )

    statements = tuple(statement for statement in workspace.statements if stays(statement))
    items = tuple(item for item in workspace.items if item.report_source not in alternative.without_sources)
    if not alternative.equal_weights:
        return replace(workspace, statements=statements, items=items)
    # What follows from a rule is no voice among others: it stays as it is.
    people = {name: one for name, one in workspace.experts.items() if not one.exact}
    alike = tuple(
        replace(one, reading=statement_form(one.reading).alike(one.reading, EQUAL_SD), resolved=None)
        if one.expert in people
        else one
        for one in statements
    )
    equal = {name: replace(one, default_sd=EQUAL_SD, weight=1.0) for name, one in people.items()}
    experts = {name: equal.get(name, one) for name, one in workspace.experts.items()}
    return replace(workspace, statements=alike, experts=experts, items=items)


def _known(kind: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            msg = f"unknown {kind} {shown(name)}; {choice(f'{kind}s', name, known)}"
            raise UnknownNameError(msg)
