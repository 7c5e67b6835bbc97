"""Metaculus: a post or a question of its API, with its aggregations."""

from __future__ import annotations

from forecast.workspace.feeds.histories import Crowd


class Metaculus(Crowd):
    """The aggregation of a binary question, weighted by recency."""

    name = "metaculus"
    title = "Metaculus"
    on_page = (
        "a binary question of the API, alone or in its post",
        "`start_time` of `aggregations.recency_weighted.history`",
        "`centers`",
    )
    keys = ("aggregations", "recency_weighted", "history")
    time = "start_time"
    probability = "centers"
    form = "one question of the API with its aggregations"
    wrapped = "question"


FEEDS = (Metaculus(),)
