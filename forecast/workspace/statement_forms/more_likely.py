"""An order without a number: the target is likelier than something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import override

from forecast.workspace.read_renames import former_target
from forecast.workspace.read_targets import TargetShape, build_target, inherit
from forecast.workspace.records import Expert, MoreLikelyThan, Reading, Target
from forecast.workspace.renames import Former
from forecast.workspace.statement_forms.form import Built, Numbers, Ordered, Said, StatementForm
from forecast.workspace.wording import target


class MoreLikelyForm(StatementForm[MoreLikelyThan]):
    """`more_likely_than: TARGET`."""

    key = "more_likely_than"
    shape = TargetShape
    record = MoreLikelyThan
    may_be_coded_again = False
    example = "{event: EVENT, state: STATE}"
    second = ("more_likely_than",)
    is_read_with_about = True
    has_outcome = False

    @override
    def build(self, said: Said) -> Built:
        """Return the reading and the problems in it."""
        other_shape = inherit(said.value, said.about, said.frame)
        other, problems = build_target(other_shape, said.at, said.frame)
        if other_shape == said.about:
            problems += (said.at.problem("compares the target with itself"),)
        return (None if other is None or problems else MoreLikelyThan(other)), problems

    @override
    def sd(self, reading: MoreLikelyThan, expert: Expert) -> float | None:
        """Return nothing: an order has no width."""
        return None

    @override
    def numbers(self, reading: MoreLikelyThan, scale: float, window_days: int) -> Numbers:
        """Return the order."""
        return Ordered(reading.other, scale)

    @override
    def words(self, reading: MoreLikelyThan, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write what is less likely."""
        return f"likelier than: {target(reading.other, scenarios, events)}"

    @override
    def alike(self, reading: MoreLikelyThan, sd: float) -> Reading:
        """Return the order as it is."""
        return reading

    @override
    def second_target(self, reading: MoreLikelyThan) -> Target | None:
        """Return what is less likely."""
        return reading.other

    @override
    def former(self, reading: MoreLikelyThan, about: Target, names: Former) -> MoreLikelyThan:
        """Return the reading with the names of then."""
        return replace(reading, other=former_target(reading.other, names))
