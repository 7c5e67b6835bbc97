"""Kalshi: candlesticks or trades of a market."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from forecast.workspace.feeds.histories import Crowd, HistorySelection, Located, inside, list_at, picked
from forecast.workspace.numbers import number_in

CLOSE = ("close", "close_dollars")


class Kalshi(Crowd):
    """The price of the last trade, in cents or in dollars."""

    name = "kalshi"
    title = "Kalshi"
    on_page = (
        "`candlesticks` of a market, those of an event, of which `--pick` names one market, or `trades`",
        "`end_period_ts`, in seconds, the last one of the candle; `created_time`",
        "`price`: `close_dollars`, or `close` in cents; `yes_price_dollars`, or `yes_price` in cents",
    )
    keys = ("candlesticks",)
    time = "end_period_ts"
    probability = "price"
    form = "candlesticks or trades of a market"
    same = ("ticker",)
    id = "trade_id"

    def locate(self, value: Any, selection: HistorySelection) -> Located:
        """Return where the candles or trades of the one market are."""
        if isinstance(inside(value, ("trades",)), list):
            return Located(keys=("trades",))
        tickers, candles = inside(value, ("market_tickers",)), inside(value, ("market_candlesticks",))
        if isinstance(tickers, list) and isinstance(candles, list) and tickers:
            place = picked("market", [(str(one),) for one in tickers], selection)
            keys = ("market_candlesticks", place)
            list_at(value, keys, self.form)
            return Located(keys=keys, of=str(tickers[place]))
        ticker = inside(value, ("ticker",))
        return replace(super().locate(value, selection), of=ticker if isinstance(ticker, str) else None)

    def needs(self, entry: Mapping[str, object]) -> tuple[str, ...]:
        """Return the keys of a candle, or of a trade."""
        if _is_trade(entry):
            return ("created_time", "yes_price_dollars" if "yes_price_dollars" in entry else "yes_price")
        return super().needs(entry)

    def may_have(self, entry: Mapping[str, object]) -> Iterator[tuple[Mapping[str, object], tuple[str, ...]]]:
        """Yield also the price of a candle: without a trade it has no close."""
        yield from super().may_have(entry)
        price = entry.get(self.probability)
        if isinstance(price, dict) and not any(key in price for key in CLOSE):
            yield price, CLOSE

    def said(self, entry: Mapping[str, object], located: Located) -> tuple[object, object]:  # noqa: ARG002 - one price
        """Return the last second of the candle and its last trade; without a trade the one before still holds."""
        if _is_trade(entry):
            return entry["created_time"], _price(entry, "yes_price")
        end, price = entry[self.time], entry[self.probability]
        # A candle ends with its last second: that which ends at midnight belongs to the day before.
        seconds = end - 1 if isinstance(end, int | float) else end
        return seconds, _price(price, "close") if isinstance(price, dict) else price


def _is_trade(entry: Mapping[str, object]) -> bool:
    """Say whether a point is a trade, also where one of its keys is misspelt."""
    return any(key in entry for key in ("created_time", "yes_price", "yes_price_dollars", "trade_id"))


def _price(entry: Mapping[str, object], key: str) -> object:
    """Return a price in dollars; as it stands where it is none."""
    dollars = entry.get(f"{key}_dollars")
    if isinstance(dollars, str):
        number = number_in(dollars)
        return dollars if number is None else number
    cents = entry.get(key)
    if isinstance(cents, int) and not isinstance(cents, bool):
        return cents / 100
    return cents if dollars is None else dollars


FEEDS = (Kalshi(),)
