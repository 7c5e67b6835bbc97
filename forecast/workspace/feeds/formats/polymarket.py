"""Polymarket: `prices-history` of its order book."""

from __future__ import annotations

from forecast.workspace.feeds.histories import Crowd


class Polymarket(Crowd):
    """The price of one outcome."""

    name = "polymarket"
    title = "Polymarket"
    on_page = (
        '`prices-history` of one outcome: `{"history": [...]}`',
        "`t`, in seconds",
        "`p`",
    )
    keys = ("history",)
    time = "t"
    probability = "p"
    form = "prices-history of one outcome"


FEEDS = (Polymarket(),)
