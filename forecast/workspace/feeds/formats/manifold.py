"""Manifold: a list of bets, alone or within its market."""

from __future__ import annotations

from typing import Any

from forecast.workspace.feeds.histories import Crowd, HistorySelection, Located, NotLocatedError, inside, list_at
from forecast.workspace.problems import Problem, Source, shown


class Manifold(Crowd):
    """The probability after each bet on one question or answer."""

    name = "manifold"
    title = "Manifold"
    on_page = (
        "a list of bets on one question, or on the answer that `--pick` names, alone or as `bets` of its market",
        "`createdTime`, in milliseconds",
        "`probAfter`",
    )
    keys = ()
    time = "createdTime"
    probability = "probAfter"
    per_second = 1000.0
    form = "a list of bets"
    same = ("contractId", "answerId")
    before = "probBefore"
    id = "id"

    def locate(self, value: Any, selection: HistorySelection) -> Located:  # noqa: ARG002 - bets of all answers are one list
        """Return where the bets are; of a market that resolved to a percentage, that it did."""
        if not isinstance(inside(value, ("bets",)), list) or "resolution" not in value:
            list_at(value, (), self.form)
            return Located(keys=())
        remarks: tuple[Problem, ...] = ()
        if value["resolution"] == "MKT":
            share = value.get("resolutionProbability")
            if not isinstance(share, int | float):
                raise NotLocatedError("resolutionProbability is not a number", shown(share), "the share of yes")
            what = f"the market resolved to a share, resolution MKT: {share:g} of yes"
            allowed = f"in a table to be scored the outcome is {share:g}; no answer of yes or no resolves the question"
            remarks = (Problem(Source("", 1), what, "", allowed, "warning"),)
        return Located(keys=("bets",), remarks=remarks)


FEEDS = (Manifold(),)
