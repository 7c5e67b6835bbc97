"""Every number that the page prints is in report.json, and what report.json prints is rounded from what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from forecast.words import percent
from forecast.workspace.wording import MONTHS
from tests.report.drawn import Drawn, Text, elements

NUMBER = re.compile(r"\d+(?:\.\d+)?")
DATE = re.compile(rf"\d{{4}}-\d{{2}}(?:-\d{{2}})?|\d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}")
NAME = re.compile(r"[A-Za-z_][\w.-]*\d[\w.-]*|\b[0-9a-f]{32,}\b|0x[0-9a-f]+")  # ids, digests: not numbers
NOT_PROSE = {"script", "style", "title", "svg", "h1", "h2", "h3", "code", "pre", "sub", "sup", "select"}


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _known(page: dict[str, Any]) -> set[str]:
    """Every number that a text of report.json prints, every whole number that it holds, and every limit, as written."""
    told = {key: part for key, part in page.items() if key != "what_if"}
    told["what_if"] = {"rows": page["what_if"]["rows"], "pair_draws": page["what_if"]["pair_draws"]}
    found: set[str] = set()
    for leaf in _leaves(told):
        if isinstance(leaf, str):
            found |= set(NUMBER.findall(DATE.sub(" ", leaf)))
        elif isinstance(leaf, bool) or leaf is None:
            continue
        elif isinstance(leaf, int):
            found.add(str(leaf))
        elif leaf == round(leaf, 3):
            found |= {f"{leaf:g}", f"{leaf:.1f}"}
    return found


def _prose(html: str) -> Iterator[Text]:
    for one in elements(html).told:
        if not one.drawn and not NOT_PROSE.intersection(one.around) and one.text.strip():
            yield one


def test_every_printed_number_is_in_the_file(drawn: Drawn) -> None:
    """Dates, headings, formulas and axis ticks apart, each number in text and tables is one that report.json prints."""
    known, seen = _known(drawn.page), 0
    for one in _prose(drawn.html):
        for number in NUMBER.findall(NAME.sub(" ", DATE.sub(" ", one.text))):
            seen += 1
            assert number in known, (number, one.text[:120], one.section)
    assert seen > 300


def _estimates(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"probability", "mcse", "shown"} <= value.keys() and value["probability"] is not None:
            yield value
        for part in value.values():
            yield from _estimates(part)
    elif isinstance(value, list):
        for part in value:
            yield from _estimates(part)


def test_printed_probabilities_are_rounded_by_their_error(drawn: Drawn) -> None:
    """Wherever report.json holds a probability with its error, what it prints follows from the two."""
    found = list(_estimates(drawn.page))
    assert len(found) > 50
    for row in found:
        assert percent(row["probability"], row["mcse"]) == row["shown"]


def test_what_the_scripts_compute_with_is_what_the_file_holds(drawn: Drawn) -> None:
    """The block in the page and the part of report.json are the same, but for the table in words."""
    import json

    block = drawn.html.split('id="worlds">', 1)[1].split("</script>", 1)[0]
    expected = {key: value for key, value in drawn.page["what_if"].items() if key != "rows"}
    found = json.loads(block)
    signs, step = found.pop("pair_signs"), found.pop("pair_step")
    cards = [len(event["states"]) for event in expected["events"]]
    read = {}
    for name, text in found["pair_events"].items():
        first, second = (cards[int(v)] for v in name.split("."))
        read[name] = _pairs(text, first, second, cards, signs, step)
    assert expected == found | {"pair_events": read}


def _pairs(text: str, first: int, second: int, cards: list[int], signs: str, step: int) -> list[list[Any]]:
    """Read what every event is given two others, as `forecast.analysis.pairs.written` describes it."""
    pairs = iter(zip(text[::2], text[1::2], strict=True))

    def given() -> list[list[int]] | None:
        read = [[next(pairs) for _ in range(card - 1)] for card in cards]
        if (" ", " ") in [pair for states in read for pair in states]:
            return None
        units = [[step * (len(signs) * signs.index(a) + signs.index(b)) for a, b in states] for states in read]
        return [[*states, 10_000 - sum(states)] for states in units]

    return [[given() for _ in range(second)] for _ in range(first)]
