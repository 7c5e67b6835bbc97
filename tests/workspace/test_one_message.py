"""One mistake is one message: what was right beside a wrong value is not called missing, half or unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from forecast.workspace.problems import TOLD_APART, TOLD_BY_HAND, Problem, Source, WorkspaceProblems
from forecast.workspace.question_table import draft_questions
from forecast.workspace.read import read_workspace
from tests.workspace.writing import ASKED, MARKET, TODAY, example, messages

BASE = {
    "id": "said",
    "expert": "market_analyst",
    "date": "2026-06-01",
    "source": {"publisher": "X"},
    "says": "y",
    "about": {"event": "success", "state": "yes"},
    "why": "z",
}
INTERVAL = {"low": 0.1, "high": 0.5, "level": 0.8}
READINGS: dict[str, tuple[str, Any]] = {
    "probability": ("probability", {"best": 0.3, **INTERVAL, "fit": "beta"}),
    "sd": ("probability", {"best": 0.3, "sd": 0.5}),
    "odds": ("odds", {"best": "2:1 on", "low": "1:1", "high": "4:1 on", "level": 0.8}),
    "quantiles": ("quantiles", {"0.05": 0.1, "0.5": 0.3}),
    "word": ("word", {"term": "likely"}),
    "times": ("times", {"ratio": 2, "low": 1.5, "high": 3, "level": 0.8, "against": {"given": {"budget": "kept"}}}),
    "more_likely_than": ("more_likely_than", {"event": "launch", "state": "general"}),
}
WRONG: tuple[Any, ...] = (0, [], "no such", {"": ""})


def _places(tree: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return [
        place
        for key, value in tree.items()
        for place in (_places(value, (*above, key)) if isinstance(value, dict) else [(*above, key)])
    ]


def _with(tree: Any, place: tuple[str, ...], value: Any) -> Any:
    return {**tree, place[0]: _with(tree[place[0]], place[1:], value) if place[1:] else value}


def _told(root: Path, statement: dict[str, Any]) -> list[str]:
    (root / "priors/statements/said.yaml").write_text(json.dumps([statement], indent=1), encoding="utf-8")
    return messages(root)


@pytest.mark.parametrize("kind", READINGS)
def test_a_wrong_value_is_one_message(tmp_path: Path, kind: str) -> None:
    """Any one value of a statement put wrong is told once, at its own line, and nothing else is called wrong for it."""
    key, reading = READINGS[kind]
    statement = {**BASE, key: reading}
    assert [] == _told(example(tmp_path), statement)
    for place in _places(statement):
        for wrong in WRONG:
            found = _told(tmp_path, _with(statement, place, wrong))
            is_text = wrong == "no such" and place[-1] in ("publisher", "says", "why")
            assert len(found) == (0 if is_text else 1), (place, wrong, found)


def test_a_zero_end_is_one_message(tmp_path: Path) -> None:
    """An end that may not be 0 was given: the other end is not called alone."""
    statement = {**BASE, "probability": {"best": 0.3, "low": 0, "high": 0.5}}
    expected = "probability.low may not be 0 or 1; got 0; no evidence could ever move a certainty"
    (found,) = _told(example(tmp_path), statement)
    assert f"priors/statements/said.yaml:17: statement 'said': {expected}; write 0.01 or 0.99, or less" == found


def test_two_mistakes_are_two_messages(tmp_path: Path) -> None:
    """A wrong value hides nothing that does not rest on it."""
    about = {"event": "success", "state": "maybe"}
    statement = {**BASE, "about": about, "expert": "nobody", "probability": {"best": 0.3, "low": 0, "high": 2}}
    assert 4 == len(_told(example(tmp_path), statement))


@pytest.mark.parametrize("number", [TOLD_APART, TOLD_APART + 1, 2000])
def test_rows_of_a_table_with_one_mistake(tmp_path: Path, number: int) -> None:
    """Up to five rows are told one by one; of more the first, its values, how many there are and where they end."""
    rows = [f"2026-05-01,f{row},{row + 2}" for row in range(number)]
    folder = example(tmp_path) / "priors/benchmarks"
    folder.mkdir()
    (folder / "odd.csv").write_text("\n".join(["date,forecaster,probability", *rows]), encoding="utf-8")
    found = messages(tmp_path)
    if number == TOLD_APART:
        one = "probability is not a probability; got '{}'; a number from 0 to 1"
        assert [f"priors/benchmarks/odd.csv:{row + 2}: {one.format(row + 2)}" for row in range(number)] == found
    else:
        what = "probability is not a probability; got '2', '3', '4' and others; a number from 0 to 1"
        more = f"{number - 1:,} more rows are like it, to line {number + 1}"
        assert [f"priors/benchmarks/odd.csv:2: {what}; {more}"] == found


def test_other_mistakes_stay_apart() -> None:
    """Mistakes of other kinds, of other files, and in files that are written by hand are each told."""
    kinds = [Problem(Source("a.csv", row), f"column {row} is wrong") for row in range(9)]
    files = [Problem(Source(f"{row}.csv", 1), "wrong") for row in range(9)]
    by_hand = [Problem(Source("a.yaml", row), "wrong") for row in range(9)]
    told = WorkspaceProblems([*kinds, *files, *by_hand]).problems
    assert tuple(sorted([*kinds, *files, *by_hand])) == told


@pytest.mark.parametrize("number", [TOLD_BY_HAND, TOLD_BY_HAND + 1])
def test_a_mistake_of_a_generated_file_is_told_once(tmp_path: Path, number: int) -> None:
    """A state misspelt in every statement, or item, of a list is one message with their number: no person wrote it."""
    statements = [{**BASE, "id": f"b{n}", "word": {"term": "likely"}} for n in range(number)]
    for one in statements:
        one["about"] = {"event": "success", "state": "yse"}
    items = [
        {"id": f"i{n}", "reported": "2026-04-14", "source": "forum", "headline": f"News of place {n} at the fair."}
        | {"bears_on": [{"event": "budget", "support": "slight", "for": "cutt"}]}
        for n in range(number)
    ]
    root = example(tmp_path)
    (root / "priors/statements/said.yaml").write_text(json.dumps(statements, indent=1), encoding="utf-8")
    (root / "evidence/bulk.yaml").write_text(json.dumps(items, indent=1), encoding="utf-8")
    found = messages(root)
    if number == TOLD_BY_HAND:
        assert 2 * number == len(found)
    else:
        assert 2 == len(found)
        assert all(
            f"did you mean '{name}'?; {number - 1} more" in one for name, one in zip(("cut", "yes"), found, strict=True)
        )


def test_names_that_look_alike_are_told_where_people_forecast(tmp_path: Path) -> None:
    """A forecaster or author who is called like another one in other letters is two people, with a warning each."""
    root = example(tmp_path)
    (root / "priors/benchmarks").mkdir()
    rows = ["Metaculus", "Met\u0430culus", "Met\u200baculus", "\u039fracle", "Zoe\u0308", "Zo\u00eb"]
    lines = [f"2026-01-{at + 1:02d},{name},0.4" for at, name in enumerate(rows)]
    (root / "priors/benchmarks/odd.csv").write_text(
        "\n".join(["date,forecaster,probability", *lines]), encoding="utf-8"
    )
    question = {"id": "sold", "question": "Is it sold?", "about": {"event": "success", "state": "yes"}}
    question |= {"by": "2026-12-31", "resolves": "yes = it is.", "benchmarks": ["odd"]}
    (root / "priors/questions.yaml").write_text(json.dumps([question], indent=1), encoding="utf-8")
    judged = "date,question,probability,why,author\n2026-01-01,sold,.4,x,ann\n2026-01-02,sold,.4,x,\uff41nn\n"
    (root / "priors/judgements.csv").write_text(judged, encoding="utf-8")
    _, problems = read_workspace(root, today=TODAY)
    found = [str(one) for one in problems]
    places = ["priors/benchmarks/odd.csv:3", "priors/benchmarks/odd.csv:4", "priors/judgements.csv:3"]
    assert places == [one.split(": ")[0] for one in found]
    assert all(" looks like " in one and "U+" in one for one in found)


FILES: dict[str, Any] = {
    "priors/network.yaml": {
        "title": "T",
        "opens": "2026-01-05",
        "horizon": "2026-12-31",
        "otherwise": "Nothing",
        "rolled": [{"on": "2026-10-01", "horizon": "2027-12-31", "why": "Later."}],
        "events": {
            "cause": {"question": "Q?", "kind": "constant", "states": ["few", "many"], "resolves": "R."},
            "first": {
                "name": "First",
                "question": "Q?",
                "kind": "reached",
                "states": ["none", "some", "full"],
                "resolves": "R.",
                "parents": ["cause"],
                "raises": ["cause"],
                "role": "plan",
                "cpt": {"kind": "shared"},
                "timing": {"steps": [{"from": "2026-06-01", "rate": 2}]},
                "counts": {"of": "events", "window_days": 30, "states": {"some": 1, "full": 9}},
            },
            "second": {
                "question": "Q?",
                "kind": "status",
                "states": ["cut", "kept"],
                "initial": "kept",
                "persistence_days": 300,
                "resolves": "R.",
                "lowers": ["first"],
                "parents": ["first", "cause"],
                "requires": {"cause": "many"},
            },
        },
    },
    "priors/scenarios.yaml": [
        {"id": "good", "name": "Good", "summary": "S.", "when": {"first": {"at_least": "some"}, "second": "kept"}}
    ],
    "priors/experts.yaml": {
        "market_analyst": {"name": "A", "role": "r", "group": "g", "default_sd": 1.1, "weight": 0.5},
        "rule": {"name": "B", "exact": True},
    },
    "priors/statements/all.yaml": [
        {
            **BASE,
            "source": {"publisher": "X", "title": "Y", "url": "https://a.example"},
            "about": {"event": "first", "state": "some", "given": {"cause": "many"}, "by": "2026-09-01"},
            "probability": {"best": 0.3, **INTERVAL, "fit": "beta"},
            "coded_by": [{"coder": "one"}, {"coder": "two", "why": "z", "probability": {"best": 0.2, "sd": 1.2}}],
            "resolved": {"on": "2026-09-01", "state": "some", "url": "https://a.example"},
        },
        {**BASE, "id": "b", "about": {"scenario": "good"}, "odds": {"best": "3:1 on", "low": "1:1", "high": "9:1"}},
        {
            **BASE,
            "id": "c",
            "about": {"event": "first", "state": "full"},
            "word": {"term": "probable", "scale": "kent"},
        },
        {
            **BASE,
            "id": "d",
            "about": {"event": "first", "state": "full", "given": {"cause": "many"}},
            "times": {"against": {"given": {"cause": "few"}}, "ratio": 3, "low": 2, "high": 5, "level": 0.8},
        },
        {
            **BASE,
            "id": "e",
            "about": {"event": "first", "state": "full"},
            "count": {"happened": 2, "of": 9, "per": "opportunity", "opportunities": 2, "until": "2025-12-01"},
        },
    ],
    "priors/questions.yaml": [
        {
            "id": "one",
            "question": "Q?",
            "about": {"event": "first", "state": {"at_least": "some"}},
            "by": "2026-10-31",
            "opens": "2026-02-01",
            "topic": "t",
            "resolves": "R.",
            "source": {"publisher": "P", "url": "https://a.example"},
            "base_rate": {"probability": 0.4, "source": {"publisher": "B"}, "why": "w"},
            "benchmarks": ["market"],
            "caution": "c",
            "readings": [
                {
                    "name": "n",
                    "about": {"event": "first", "state": "full"},
                    "by": "2026-11-30",
                    "resolves": "R.",
                    "forecasters": ["crowd"],
                }
            ],
        },
        {"id": "two", "question": "Q?", "when": {"event": "first", "state": "some"}, "resolves": "R."},
        {"id": "three", "question": "Q?", "scenario": "good", "given": {"second": "kept"}, "resolves": "R."},
        {
            "id": "four",
            "question": "Q?",
            "number": {
                "unit": "u",
                "cases": [{"when": {"first": "full"}, "quantiles": {"0": 1, "1": 9}}, {"quantiles": {"0": 0, "1": 5}}],
                "bins": [2, 4],
            },
            "by": "2026-06-30",
            "resolves": "R.",
        },
    ],
    "priors/decisions.yaml": [
        {
            "id": "dec",
            "question": "Q?",
            "unit": "euros",
            "event": "first",
            "options": {"a": {"none": 0, "some": 1, "full": 2}, "b": {"none": 1, "some": 1, "full": 1}},
            "why": "w",
        }
    ],
    "evidence/sources.yaml": {"paper": {"name": "P", "reliability": "B"}},
    "evidence/grades.yaml": {"C": {"mean": 0.6, "certainty": 5}, "same_day": {"rho": 0.5, "why": "w"}},
    "evidence/watch.yaml": {"watched_until": "2026-06-30"},
    "evidence/all.yaml": [
        {
            "id": "i",
            "reported": "2026-04-14",
            "happened": "2026-04-13",
            "source": "paper",
            "credibility": 2,
            "group": "g",
            "rho": 0.8,
            "headline": "H.",
            "url": "https://a.example",
            "why": "w",
            "retracted": "2026-05-01",
            "bears_on": [
                {"event": "cause", "likelihood": {"few": 0.3, "many": 0.6}},
                {"event": "first", "support": "slight", "for": "full", "until": "2026-09-30"},
            ],
        },
        {
            "id": "j",
            "reported": "2026-04-15",
            "source": "paper",
            "headline": "Other.",
            "supersedes": "i",
            "independent": "own reporter",
            "bears_on": [{"event": "second", "claims": "kept"}, {"scenarios": {"good": 1, "other": 0.5}}],
        },
        {
            "id": "k",
            "reported": "2026-04-16",
            "source": "paper",
            "headline": "Third.",
            "bears_on": [{"event": "first", "settled": "some"}],
        },
    ],
}
NOT_NAMED = {  # names that the files give themselves, and numbers as keys
    *("cause", "first", "second", "market_analyst", "rule", "paper", "a", "b", "0", "1", "rolled"),
    *("good", "other"),
}


def _key_places(tree: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [
        place
        for key, value in entries
        for place in ([(*above, key)] if isinstance(tree, dict) else []) + _key_places(value, (*above, key))
    ]


def _misspelt(tree: Any, place: tuple[Any, ...]) -> Any:
    """Return the tree with the last letter of one key written twice."""
    first, *rest = place
    if isinstance(tree, list):
        return [_misspelt(one, tuple(rest)) if at == first else one for at, one in enumerate(tree)]
    if rest:
        return {key: _misspelt(one, tuple(rest)) if key == first else one for key, one in tree.items()}
    return {(key + key[-1] if key == first else key): one for key, one in tree.items()}


def _written(root: Path) -> Path:
    """Write a workspace of FILES, with a market, and a table of evidence about the same events."""
    for name, tree in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(tree, indent=1), encoding="utf-8")
    (root / "priors/benchmarks").mkdir()
    (root / "priors/benchmarks/market.csv").write_text(MARKET, encoding="utf-8")
    rows = [f"x{day},2026-05-{day},paper,Row {day}.,second,kept" for day in (11, 12)]
    table = "\n".join(["id,reported,source,headline,event,claims", *rows])
    (root / "evidence/table.csv").write_text(table, encoding="utf-8")
    assert [] == messages(root)
    return root


@pytest.mark.parametrize("path", FILES)
def test_a_misspelt_key_is_one_message(tmp_path: Path, path: str) -> None:
    """Any one key written with a letter too many is told once, with the key that was meant."""
    _written(tmp_path)
    wrong = {}
    for place in _key_places(FILES[path]):
        if place[-1] in NOT_NAMED:
            continue
        (tmp_path / path).write_text(json.dumps(_misspelt(FILES[path], place), indent=1), encoding="utf-8")
        found = messages(tmp_path)
        if len(found) != 1 or f"did you mean '{place[-1]}'?" not in found[0]:
            wrong[place] = found
    assert {} == wrong


def _value_places(tree: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of texts that could be names."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [
        place
        for key, value in entries
        for place in ([(*above, key)] if isinstance(value, str) and value.isidentifier() else [])
        + _value_places(value, (*above, key))
    ]


def _respelt(tree: Any, place: tuple[Any, ...]) -> Any:
    """Return the tree with the last letter of one value written twice."""
    if not place:
        return tree + tree[-1]
    first, *rest = place
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
    changed = {key: _respelt(one, tuple(rest)) if key == first else one for key, one in entries}
    return changed if isinstance(tree, dict) else [*changed.values()]


@pytest.mark.parametrize("path", FILES)
def test_a_misspelt_name_is_one_message(tmp_path: Path, path: str) -> None:
    """Any one name with a letter too many is told at most once, where it is declared as where it is referred to."""
    _written(tmp_path)
    wrong = {}
    for place in _value_places(FILES[path]):
        (tmp_path / path).write_text(json.dumps(_respelt(FILES[path], place), indent=1), encoding="utf-8")
        found = messages(tmp_path)
        if len(found) > 1 or not all("did you mean '" in one for one in found):
            wrong[place] = found
    assert {} == wrong


DECLARED = {
    ("priors/network.yaml", "events", "cause"): "event 'causee'",
    ("priors/network.yaml", "events", "first"): "event 'firstt'",
    ("priors/network.yaml", "events", "second"): "event 'secondd'",
    ("priors/experts.yaml", "market_analyst"): "expert 'market_analystt'",
    ("evidence/sources.yaml", "paper"): "source 'paperr'",
}


@pytest.mark.parametrize("place", DECLARED, ids=lambda place: place[-1])
def test_a_name_misspelt_where_it_is_declared_is_one_message(tmp_path: Path, place: tuple[str, ...]) -> None:
    """However many places name it, in trees and tables, the declaration is told, with some of them."""
    path, *steps = place
    _written(tmp_path)
    (tmp_path / path).write_text(json.dumps(_misspelt(FILES[path], tuple(steps)), indent=1), encoding="utf-8")
    (found,) = messages(tmp_path)
    assert f": {DECLARED[place]} is named nowhere else; '{steps[-1]}' is declared nowhere and named at " in found
    assert found.startswith(f"{path}:")
    assert found.endswith(f"did you mean '{steps[-1]}'?")


def test_a_misspelt_file_of_a_series_is_one_message(tmp_path: Path) -> None:
    """Nobody is called unknown in a series that there is not."""
    folder = _written(tmp_path) / "priors/benchmarks"
    (folder / "market.csv").rename(folder / "markett.csv")
    (found,) = messages(tmp_path)
    assert found.endswith("unknown benchmark 'market'; benchmarks are 'markett'; did you mean 'markett'?")


def test_a_name_that_is_right_somewhere_is_declared_right(tmp_path: Path) -> None:
    """Two places with the same slip are two mistakes where a third one has the name as it is declared."""
    _written(tmp_path)
    rows = [f"x{day},2026-05-{day},paper,Row {day}.,secondd,kept" for day in (11, 12)]
    table = "\n".join(["id,reported,source,headline,event,claims", *rows])
    (tmp_path / "evidence/table.csv").write_text(table, encoding="utf-8")
    found = messages(tmp_path)
    assert 2 == len(found)
    assert all(one.endswith("did you mean 'second'?") for one in found)


TABLES = {
    "evidence/x.csv": "id,reported,source,credibility,headline,event,claims\nx,2026-05-01,newspaper,2,A.,launch,no\n",
    "priors/benchmarks/x.csv": "date,forecaster,probability\n2026-05-01,crowd,7\n",
    "priors/judgements.csv": "date,question,probability,why,author\n2026-05-01,on-sale,7,w,ann\n",
}


@pytest.mark.parametrize("path", TABLES)
def test_a_misspelt_column_is_one_message(tmp_path: Path, path: str) -> None:
    """Any one column of a table misspelt is told once, with the column that was meant, beside the mistake of a row."""
    root = example(tmp_path)
    (root / "priors/questions.yaml").write_text(ASKED.replace("  benchmarks: [market]\n", ""), encoding="utf-8")
    (root / path).parent.mkdir(exist_ok=True)
    header, _, rows = TABLES[path].partition("\n")
    for column in header.split(","):
        wrong = header.replace(column, column[:-1] + 2 * column[-1], 1)
        (root / path).write_text(f"{wrong}\n{rows}", encoding="utf-8")
        found = messages(root)
        assert ([f"{path}:1", f"{path}:2"], True) == (
            [one.split(": ")[0] for one in found],
            f"did you mean '{column}'?" in found[0],
        ), (column, found)


def test_questions_of_a_table_are_all_checked(tmp_path: Path) -> None:
    """A misspelt column is one message, and a row with an unknown event hides no mistake of another row."""
    header = "id,question,resolves,about,by"
    rows = ["a,A?,r,launch=limited,2026-13-01", "b,B?,r,lanch=limited,2026-10-31", "c,C?,,launch=general,2026-10-31"]
    expected = ["2: question 'a': by is a day", "3: about: 'lanch' is none", "4: resolves is empty"]
    for column in (None, "resolves", "about"):
        names = header if column is None else header.replace(column, column[:-1])
        draft = draft_questions(example(tmp_path), "\n".join([names, *rows]).encode(), "q.csv", TODAY)
        more = [] if column is None else [f"1: unknown column '{column[:-1]}'"]
        found = [str(one).removeprefix("q.csv:") for one in sorted(draft.problems)]
        assert len(found) == len(more) + 3, found
        assert all(one.startswith(start) for one, start in zip(found, (*more, *expected), strict=True)), found
        assert draft.workspace is None
