"""Manifold: a list of bets."""

from __future__ import annotations

from forecast.workspace.feeds.histories import Crowd


class Manifold(Crowd):
    """The probability after each bet on one question or answer."""

    name = "manifold"
    title = "Manifold"
    on_page = (
        "a list of bets on one question or answer",
        "`createdTime`, in milliseconds",
        "`probAfter`",
    )
    keys = ()
    time = "createdTime"
    probability = "probAfter"
    per_second = 1000.0
    form = "a list of bets"
    same = ("contractId", "answerId")


FEEDS = (Manifold(),)
