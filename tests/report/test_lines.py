"""Every line that a reviewer looks for stands in its place, in order, with this forecast's own numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from forecast.report.section import contents, sections
from forecast.words import long_date
from tests.report.drawn import Drawn, elements

Page = Mapping[str, Any]

# What a reader looks for -> the section, and texts of this forecast that have to stand in it.
LINES: dict[str, tuple[str, Callable[[Page], list[str]]]] = {
    "1 main judgement": (
        "judgement",
        lambda page: (
            [
                text
                for row in page["scenarios"]
                for text in (row["shown"], row["interval"], row["sentence"], row["moved"], row["when"])
            ]
            + [one["text"] for one in page["caveats"]["told"]]
            + [page["watch"]["finding"], page["since_prior"]["sentence"], page["confidence"]["sentence"]]
        ),
    ),
    "2 question, window, horizon, rules": (
        "question",
        lambda page: [
            long_date(page["question"]["opens"]),
            long_date(page["question"]["horizon"]),
            "For whom",
            *(event["resolves"] for event in page["question"]["events"]),
        ],
    ),
    "3 likelihood words, confidence apart": (
        "confidence",
        lambda page: [
            *(row["word"] for row in page["words"]),
            *(row["shown"] for row in page["words"]),
            page["confidence"]["sentence"],
            *(reason["text"] for reason in page["confidence"]["reasons"]),
        ],
    ),
    "4 why it moved": (
        "why",
        lambda page: (
            [page[since][key] for since in ("since_update", "since_prior") for key in ("since", "name")]
            + [row[key] for row in page["since_prior"]["rows"] for key in ("what", "value_shown", "error_shown")]
        ),
    ),
    "5 what would change it": (
        "watch",
        lambda page: [page["watch"]["sentence"], *(row["bits_shown"] for row in page["watch"]["rows"])],
    ),
    "6 over time, evidence dates, benchmarks": (
        "history",
        lambda page: [
            *(value for row in page["history"]["table"] for value in row["shown"]),
            "days on which evidence became known",
            "what others forecast",
        ],
    ),
    "7 network": (
        "network",
        lambda page: [event["label"] for event in page["events"]] + ["driver", "term of the plan", "consequence"],
    ),
    "8 what if": ("what-if", lambda page: ["condition on", "intervene", *page["what_if"]["rows"][0]["learned"]]),
    "9 events": (
        "events",
        lambda page: (
            [
                text
                for event in page["events"]
                for state in event["states"]
                for text in (state["prior"]["shown"], state["shown"], state["interval"])
            ]
            + [
                f"once {step['step']}: {step['next']} {step['shown']}, now {step['shown_before']}"
                f", {step['shown_stated']}"
                for event in page["events"]
                for step in event["next_steps"]
                if not step["taken"]
            ]
        ),
    ),
    "10 evidence": (
        "evidence",
        lambda page: (
            [
                text
                for item in page["evidence"]
                for text in (item["headline"], item["source"], item["weight"], item["id"])
            ]
            + ["retracted 9 August 2025", "group g"]
        ),
    ),
    "11 statements": (
        "statements",
        lambda page: [
            row[key] for row in page["statements"] for key in ("says", "coded", "implied", "residual_shown", "expert")
        ],
    ),
    "12 evidence, assumption, judgement": (
        "grounds",
        lambda page: [text for row in page["grounds"] for text in (row["kind"], row["what"])],
    ),
    "13 prior against posterior": (
        "updating",
        lambda page: [row["event"] for row in page["uncertain_rows"]] + ["prior (grey, above) and now (below)"],
    ),
    "14 sensitivity": (
        "sensitivity",
        lambda page: (
            [value for row in page["power_scaling"]["rows"] for value in row["shown"].values()]
            + [*page["power_scaling"]["parts"].values(), *page["warnings"]]
            + [row["shown"] for row in page["hanging_on"]["arrows"]]
        ),
    ),
    "15 alternatives": (
        "alternatives",
        lambda page: (
            [
                row[key]
                for row in page["alternatives"]["rows"]
                if _moves(row)
                for key in ("label", "takes", "k_shown", "ess_shown")
            ]
            + page["alternatives"]["sentences"]
        ),
    ),
    "16 sampling": (
        "sampling",
        lambda page: (
            [value for row in page["sampling"]["forecasts"] for value in row["shown"]]
            + [row["mcse_shown"] for row in page["scenarios"]]
            + ["R-hat", "MCSE"]
        ),
    ),
    "17 reweighting": (
        "reweighting",
        lambda page: [page["reweighting"][key] for key in ("pareto_k_shown", "effective_size_shown", "fit_of")],
    ),
    "18 printed digits": ("digits", lambda page: [f"{', '.join(page['digits'])} percent", "Sampling"]),
    "19 prior predictive, calibration": (
        "checks",
        lambda page: [event["pull_shown"] for event in page["predictive"]["events"]] + ["has not yet been run"],
    ),
    "20 scores": ("scores", lambda _: ["Not yet"]),
    "21 model": ("model", lambda _: ["StudentT", "priors/network.yaml", "priors/statements/", "evidence/"]),
    "22 reproduce": (
        "reproduce",
        lambda page: [page["reproduce"]["command"], str(page["reproduce"]["seed"]), page["reproduce"]["draws"]],
    ),
}


@pytest.fixture(scope="module")
def by_section(drawn: Drawn) -> dict[str, str]:
    """The text of each section, spaces made one."""
    texts: dict[str, list[str]] = {}
    for one in elements(drawn.html).told:
        if one.section is not None:
            texts.setdefault(one.section, []).append(one.text)
    return {name: _plain(" ".join(parts)) for name, parts in texts.items()}


def _moves(alternative: Mapping[str, Any]) -> bool:
    return any(share["change_shown"] != "unchanged" for share in (alternative["scenarios"] or {}).values())


# Where the head of a table or the text above it has it, its cells have none.
UNIT = re.compile(", at 90\u202f%(?=\\))|\u202f%| dB| log-odds")


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", UNIT.sub("", text))


@pytest.mark.parametrize("line", LINES)
def test_every_line_has_its_place(drawn: Drawn, by_section: dict[str, str], line: str) -> None:
    """The section of the line shows this forecast's numbers of it."""
    section, wanted = LINES[line]
    texts = wanted(drawn.page)
    assert texts
    missing = [text for text in texts if _plain(text) not in by_section[section]]
    assert [] == missing


def test_sections_stand_in_the_order_of_the_lines(drawn: Drawn) -> None:
    """Main judgement first, method last: sections come as the lines do, and each is in the contents."""
    order = [attributes["aria-labelledby"] for tag, attributes in elements(drawn.html).found if tag == "section"]
    assert [section.id for section in sections()] == order
    assert [section for section, _ in LINES.values()] == [
        name for name in order if name in {s for s, _ in LINES.values()}
    ]
    assert order == [section.id for listed in contents(sections()).values() for section in listed]
    for name in order[1:]:
        assert f'href="#{name}"' in drawn.html


def test_likelihood_and_confidence_never_share_a_sentence(drawn: Drawn) -> None:
    """No sentence of the page names both a likelihood word and a level of confidence."""
    words = {row["word"] for row in drawn.page["words"]}
    texts = [*(one.text for one in elements(drawn.html).told), drawn.files["report.md"].decode()]
    sentences = [s for text in texts for s in re.split(r"(?<=[.:;!?])\s", text) if "onfidence" in s]
    assert sentences
    assert [] == [s for s in sentences if any(re.search(rf"\b{word}\b", s) for word in words) or re.search(r"\d", s)]


def test_every_scenario_has_its_word(drawn: Drawn, by_section: dict[str, str]) -> None:
    """Beside each scenario's number stands the word that ICD 203 gives it."""
    for row in drawn.page["scenarios"]:
        assert f"{_plain(row['name'])} {row['word']}, {row['change_shown']}" in by_section["judgement"]


def test_figures_have_their_numbers_as_tables(drawn: Drawn) -> None:
    """Every figure of the first part is a table of its numbers, or has them in one that opens."""
    html = drawn.html
    for name in ("judgement", "why", "history"):
        section = html.split(f'<h2 id="{name}"', 1)[1].split("</section>", 1)[0]
        assert "<figure" in section
        for figure in section.split("<figure")[1:]:
            assert "<table" in (figure if name == "judgement" else figure.split("</figure>", 1)[0]), name
