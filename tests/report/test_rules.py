"""A scenario's number is that of its rule: the rule stands by it in words, and a story has a number of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.ledger.line import record_digest
from forecast.words import first_wins, rules_in_words
from tests.plainly import stories
from tests.report.drawn import Drawn, draw, elements
from tests.report.outcomes import world
from tests.worlds import rule

EVENTS = {"war": "the war", "truce": "a truce", "aid": "aid"}


def test_the_first_rule_that_holds_wins() -> None:
    """A rule in words names the earlier ones that go before it, but those that cannot hold together with it."""
    rules = [
        replace(rule("wide", war="wider"), name="Escalation"),
        replace(rule("deal", war="over", truce="general"), name="Deal"),
        replace(rule("part", aid="cut"), name="Partition"),
    ]
    assert {
        "wide": "the war is wider",
        "deal": "the war is over and a truce is general",
        "part": "aid is cut, unless Escalation or Deal holds",
        "other": "no rule of a scenario holds",
    } == rules_in_words(rules, EVENTS)
    said = "The rules are read in order, and the first that holds wins: Escalation, Deal, Partition."
    assert (said, "", "") == (first_wins(rules), first_wins(rules[:1]), first_wins(()))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _judgement(drawn: Drawn) -> str:
    return _plain(" ".join(one.text for one in elements(drawn.html).told if one.section == "judgement"))


def test_each_number_stands_beside_its_rule(drawn: Drawn) -> None:
    """On the page each number is followed by its rule, in the sentence too; the order of rules is told."""
    text = " ".join(" ".join(one.text for one in elements(drawn.html).told if one.section == "judgement").split())
    for row in drawn.page["scenarios"]:
        shown = re.sub(r"\s+", " ", row["shown"])
        ends = row["interval"].removesuffix("\u202f%")
        likeliest = row["probability"] == max(one["probability"] for one in drawn.page["scenarios"])
        word = f"{row['word']}, though likeliest" if likeliest and "unlikely" in row["word"] else row["word"]
        named = f"{row['shown']} {ends} {row['name']} {word}, {row['change_shown']} if {row['when']}"
        named = re.sub(r"\s+", " ", named)
        assert named in re.sub(r"\s+", " ", text)
        assert f"{shown} that {row['rule']}" in re.sub(r"\s+", " ", row["sentence"])
    rules = drawn.found.workspace.scenarios
    assert drawn.page["scenarios"][0]["rule"] in rules_in_words(rules, {e: e for e in drawn.found.events}).values()
    assert first_wins(rules) == drawn.page["first_wins"]
    assert f"First that holds of {', '.join(rule.name for rule in rules)}." in text


def test_the_brief_has_rules_too(drawn: Drawn) -> None:
    """The page of Markdown has each rule beside its number, their order, and how many alternatives are computed."""
    brief = drawn.files["report.md"].decode()
    for row in drawn.page["scenarios"]:
        assert f"| {row['rule']} | {row['shown']} |" in brief
    assert drawn.page["first_wins"] in brief
    for sentence in drawn.page["alternatives"]["sentences"]:
        assert sentence in brief


def test_a_story_has_its_own_probability(drawn: Drawn) -> None:
    """The page tells each scenario's most probable course with the course's probability, never the scenario's."""
    told, text = {row["scenario"]: row for row in stories(drawn.found)}, _judgement(drawn)
    assert told
    for row in drawn.page["scenarios"]:
        story, expected = row["story"], told[row["id"]]
        assert (expected["text"], expected["story_probability"]) == (story["text"], story["probability"])
        assert story["probability"] <= row["probability"]
        assert story["probability"] == pytest.approx(story["share"] * row["probability"], rel=1e-9)
        assert _plain(f"{story['text']} This one course: {story['shown']}") in text


def test_a_summary_is_called_a_story(tmp_path: Path) -> None:
    """What the files tell of a scenario is marked as less than its rule; the residual has no such story."""
    told = [replace(one, summary=f"How {one.id} comes.") for one in world().scenarios]
    told[0] = replace(told[0], in_words="the truce is for all")
    drawn = draw(tmp_path, scenarios=tuple(told))
    for one in told:
        assert f"Illustration: {one.summary}" in _judgement(drawn)
    assert len(told) == _judgement(drawn).count("Illustration: ")
    assert [None] == [row["summary"] for row in drawn.page["scenarios"] if row["id"] == "other"]
    assert "if the truce is for all" in _plain(_judgement(drawn))
    assert {"scenario": "peace", "rule": "truce is general"} in drawn.page["question"]["rules"]
    assert "peace: truce is general; drift: aid is cut. The first that holds counts." in _plain(drawn.html)


def test_words_of_a_rule_stand_for_it() -> None:
    """What the file says of a rule is read in its place; how it is worded is no input of the forecast."""
    rules = [replace(rule("wide", war="wider"), in_words="the war spreads"), rule("cut", aid="cut")]
    assert {
        "wide": "the war spreads",
        "cut": "aid is cut, unless wide holds",
        "other": "no rule of a scenario holds",
    } == rules_in_words(rules, EVENTS)
    bare = [replace(one, in_words="") for one in rules]
    assert [record_digest(one) for one in bare] == [record_digest(one) for one in rules]
