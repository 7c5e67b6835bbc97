"""Polymarket: `prices-history` of its order book."""

from __future__ import annotations

from typing import Any

from forecast.workspace.feeds.histories import Crowd, HistorySelection, Located, inside, list_at, picked


class Polymarket(Crowd):
    """The price of one outcome."""

    name = "polymarket"
    title = "Polymarket"
    on_page = (
        '`prices-history`: `{"history": [...]}`, or `{"history": {TOKEN: [...]}}` of several outcomes',
        "`t`, in seconds",
        "`p`",
    )
    keys = ("history",)
    time = "t"
    probability = "p"
    form = "prices-history of one outcome"

    def locate(self, value: Any, selection: HistorySelection) -> Located:
        """Return where the prices of the one token are."""
        history = inside(value, self.keys)
        if isinstance(history, dict) and history:
            tokens = list(history)
            token = tokens[picked("token", [(one,) for one in tokens], selection)]
            list_at(value, (*self.keys, token), self.form)
            return Located(keys=(*self.keys, token), of=token)
        return super().locate(value, selection)


FEEDS = (Polymarket(),)
