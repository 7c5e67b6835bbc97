"""What a reader asks of the page, where the answer stands and what it is, worked out again from report.json."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from forecast.words import likelihood_word, long_date, percent
from tests.report.drawn import Drawn, elements

Page = Mapping[str, Any]
UNIT = re.compile(r"\u202f%")  # where the head of a table has it, its cells have none
FIRST, NEXT = "first screen", "first page"
MOST_WORDS, MOST_OF_ALL = 250, 14_000  # on the first screen, and on the page, what is folded included
SAMPLE = Path(__file__).parents[2] / "docs" / "sample-report.html"


def _scenarios(page: Page) -> list[Any]:
    return sorted(page["scenarios"], key=lambda row: -row["probability"])


def _shown(row: Any) -> str:
    return percent(row["probability"], row["mcse"])


def _likeliest(page: Page) -> list[str]:
    first = _scenarios(page)[0]
    name = "none of the" if first["id"] == "other" else first["name"]
    return [f"Likeliest of {len(page['scenarios'])} on {long_date(page['question']['horizon'])}: {name}", _shown(first)]


def _ranges(page: Page) -> list[str]:
    return [text for row in page["scenarios"] for text in (_shown(row), row["interval"], row["name"])]


def _furthest(page: Page) -> list[str]:
    """Return the open question on which another forecaster is furthest away, and both numbers."""
    rows = [
        (abs(row["probability"] - other["probability"]), row, other)
        for row in page["history"]["questions"]
        if row["status"] == "open"
        for other in row["others"]
    ]
    _, row, other = max(rows, key=lambda one: one[0])
    return [row["text"], f"{other['forecaster']} {other['shown']}", f"here {row['shown']}"]


def _without_editors(page: Page) -> list[str]:
    row = next(row for row in page["alternatives"]["rows"] if row["name"] == "without-editors")
    said = [f"{row['statements']} of {len(page['statements'])} statements"]
    moved = {name: one for name, one in (row["scenarios"] or {}).items() if one["change_shown"] != "unchanged"}
    if row["scenarios"] is None:
        return [*said, "not computed here"]
    if not moved:
        return [*said, "no scenario clearly moves"]
    most = max(moved, key=lambda name: abs(moved[name]["change"]))
    ends = moved[most]["interval"].removesuffix("\u202f%")
    name = next(one["name"] for one in page["scenarios"] if one["id"] == most)
    return [*said, f"{name} {moved[most]['shown']} ({ends})"]


def _idle(page: Page) -> list[str]:
    rows = [row for row in page["watch"]["rows"] if not row["defines"]]
    still = [row for row in rows if all(abs(one["change"]) < 0.02 for one in row["outcomes"])]
    return [f"{len(still)} of {len(rows)} event"]


def _levels(page: Page) -> list[str]:
    levels = {reason["level"] for reason in page["confidence"]["reasons"]}
    level = "low" if "low" in levels else "high" if levels == {"high"} else "moderate"
    return [f"Confidence in the basis is {level}."]


def _signs(page: Page) -> list[str]:
    """Return what would move a scenario most, apart what the rules name: each with where the scenario would go."""
    told = []
    for of_rule in (False, True):
        rows = [row for row in page["watch"]["rows"] if row["defines"] == of_rule and not row["follows"]]
        best = [max(row["outcomes"], key=lambda one: abs(one["change"])) | {"event": row["event"]} for row in rows]
        best = sorted((one for one in best if abs(one["change"]) >= 0.02), key=lambda one: -abs(one["change"]))
        told += [f"{one['scenario']} {one['from_shown']} to {one['to_shown']}" for one in best[:1]]
    return [page["watch"]["finding"], *told]


def _by_date(page: Page) -> list[str]:
    """Return, for the first dated event, the row of its last state in the table of curves."""
    event = next(event for event in page["events"] if event["kind"] != "constant")
    state = event["states"][-1]
    days = page["curves"]["days"]
    before = days[:-1]
    told = before[:: -(-len(before) // 3)]  # at most three; the horizon stands in the table above
    points = [percent(point["probability"], point["mcse"]) for point in state["curve"] if point["day"] in told]
    return [" ".join(told), " ".join([state["state"], *points])]


def _skill(page: Page) -> list[str]:
    return [page["scores"]["sentence"], *(row["shown"]["interval"] for row in page["scores"]["beside"])]


def _weights(page: Page) -> list[str]:
    return [text for row in page["evidence"] for text in (row["headline"], f"{row['grade']}{row['credibility']}")]


def _opening(page: Page) -> list[str]:
    return [" ".join(percent(row["prior"]["probability"], row["prior"]["mcse"]) for row in page["scenarios"])]


def _hangs_on(page: Page) -> list[str]:
    found = page["caveats"]["datum"]
    if found is None or abs(found["change"]) < 0.01:
        return ["no report changes a scenario by a point" if found else "No report counts"]
    return [f"{found['scenario']} ({found['shown']})", found["headline"][:30]]


ASKED: dict[str, tuple[str, Callable[[Page], list[str]]]] = {
    "What is likeliest?": (FIRST, _likeliest),
    "How likely is each, and how far could that go?": (FIRST, _ranges),
    "What does each mean?": (FIRST, lambda page: [f"if {row['when']}" for row in page["scenarios"]]),
    "What if two rules hold?": (FIRST, lambda _: ["First that holds of peace, drift"]),
    "What is that in words?": (FIRST, lambda page: [likelihood_word(row["probability"]) for row in page["scenarios"]]),
    "What is new since last time?": (FIRST, lambda page: [row["change_shown"] for row in page["scenarios"]]),
    "Until when is the news known?": (FIRST, lambda page: [long_date(page["question"]["known_until"])]),
    "How sure is the basis?": (FIRST, _levels),
    "Why no surer?": ("confidence", lambda page: [reason["text"] for reason in page["confidence"]["reasons"]]),
    "Who disagrees?": (FIRST, _furthest),
    "Whose numbers are these?": (FIRST, _without_editors),
    "On what does it depend?": (FIRST, _hangs_on),
    "What is not moving it?": (FIRST, _idle),
    "Why did it move?": (NEXT, lambda page: [page["since_update"]["sentence"], page["since_prior"]["sentence"]]),
    "What would change it?": (NEXT, _signs),
    "What is P(it by a day)?": ("events", _by_date),
    "What is calibrated, who does better?": ("scores", _skill),
    "What has been reported, by whom, how good?": ("evidence", _weights),
    "Who said what, as which number?": (
        "statements",
        lambda page: [text for row in page["statements"] for text in (row["says"], row["coded"].split(" (")[0])],
    ),
    "What was it at the opening?": ("history", _opening),
    "How do I get it again?": ("reproduce", lambda page: [page["reproduce"]["command"]]),
}


class _Screens(HTMLParser):
    """The texts of the header and the first block, and of the block behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.at, self.skipped = "", 0
        self.texts: dict[str, list[str]] = {FIRST: [], NEXT: []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("class")
        if tag == "header" or name == "first":
            self.at = FIRST
        elif name == "next":
            self.at = NEXT
        elif tag in {"main", "h2"} or name == "stories":
            self.at = ""
        self.skipped += tag == "svg"

    def handle_endtag(self, tag: str) -> None:
        self.skipped -= tag == "svg"

    def handle_data(self, data: str) -> None:
        if self.at and not self.skipped:
            self.texts[self.at].append(data)


def _places(html: str) -> dict[str, str]:
    screens = _Screens()
    screens.feed(html)
    texts = dict(screens.texts)
    for one in elements(html).told:
        if one.section is not None:
            texts.setdefault(one.section, []).append(one.text)
    return {name: " ".join(parts) for name, parts in texts.items()}


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", UNIT.sub("", text))


@pytest.fixture(scope="module")
def places(recorded: Drawn) -> dict[str, str]:
    """The text of each place, spaces made one."""
    return {name: _plain(text) for name, text in _places(recorded.html).items()}


@pytest.mark.parametrize("question", ASKED)
def test_the_page_answers(recorded: Drawn, places: dict[str, str], question: str) -> None:
    """Each question has its answer in its place."""
    place, answer = ASKED[question]
    expected = answer(recorded.page)
    assert expected
    assert all(expected)
    assert [] == [text for text in expected if _plain(text) not in places[place]]


def _words(texts: Iterable[str]) -> int:
    return sum(any(sign.isalnum() for sign in word) for text in texts for word in text.split())


def test_the_first_screen_is_short(recorded: Drawn) -> None:
    """Header, scenarios, what a sceptic asks and confidence take no more words than a glance; a sign is no word."""
    assert 100 < _words([_places(recorded.html)[FIRST]]) <= MOST_WORDS


def test_the_sample_is_short() -> None:
    """The page of the shipped workspace has no more words than a reader bears, figures apart."""
    html = SAMPLE.read_text(encoding="utf-8")
    told = (one for one in elements(html).told if not one.drawn)
    texts = [one.text for one in told if not {"script", "style"}.intersection(one.around)]
    assert 5_000 < _words(texts) <= MOST_OF_ALL
    assert 100 < _words([_places(html)[FIRST]]) <= MOST_WORDS
