"""Random workspaces as files: all kinds of events, CPTs, timings, statements and evidence. Nothing of the package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

OPENS, HORIZON = date(2025, 1, 1), date(2026, 12, 31)
LAST = date(2026, 6, 1)  # of the evidence
AS_OF = date(2026, 4, 1)
SETTLES = date(2025, 3, 1)  # the first settled item: statements are older
PUBLISHER = {"publisher": "A paper"}
TERMS = ("likely", "unlikely", "almost certain", "probable")
Row = dict[str, Any]


def write_folder(seed: int, root: Path) -> Row:
    """Write a random workspace; return its events, which are the same on every machine."""
    rng = np.random.default_rng(seed)
    events = _events(rng, 3 + seed % 4)
    scenarios = _scenarios(rng, events)
    network: Row = {"title": f"World {seed}", "opens": str(OPENS), "horizon": str(HORIZON), "events": events}
    if seed % 5 == 4:
        network["rolled"] = [{"on": "2026-03-01", "horizon": "2027-12-31"}]
    files = {
        "priors/network.yaml": network,
        "priors/scenarios.yaml": scenarios,
        "priors/experts.yaml": {
            "ann": {"name": "Ann", "group": "school"},
            "bob": {"name": "Bob", "group": "school", "default_sd": 0.7, "weight": 0.5},
            "eve": {"name": "Eve"},
            "editors": {"name": "Editors"},
        },
        "priors/statements/all.yaml": _statements(rng, events, scenarios),
        "evidence/sources.yaml": {
            grade.lower(): {"name": f"Source {grade}", "reliability": grade} for grade in "ABCDF"
        },
        "evidence/all.yaml": _items(rng, events, scenarios),
        "priors/questions.yaml": _questions(rng, events),
    }
    if seed % 3:
        files["evidence/watch.yaml"] = {"watched_until": str(AS_OF - timedelta(days=7 * (seed % 4)))}
    for path, content in files.items():
        if content:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return events


def _pick(rng: np.random.Generator, among: Sequence[Any]) -> Any:
    return among[int(rng.integers(len(among)))]


def _day(rng: np.random.Generator, first: date, last: date) -> date:
    return first + timedelta(days=int(rng.integers((last - first).days + 1)))


def _events(rng: np.random.Generator, number: int) -> Row:
    events: Row = {}
    for v in range(number):
        kind = "reached" if v == 0 else _pick(rng, ["reached", "status", "constant"])
        states = [f"s{k}" for k in range(int(rng.integers(2, 4)))]
        event: Row = {"question": f"What of e{v}?", "kind": kind, "states": states, "resolves": "by decree"}
        possible = [name for name, one in events.items() if kind != "constant" or one["kind"] == "constant"]
        parents = sorted(str(p) for p in rng.permutation(possible)[: int(rng.integers(0, 3))]) if possible else []
        if parents:
            event["parents"] = parents
            event["cpt"] = _cpt(rng, kind, len(states))
        if kind == "status":
            event |= {"initial": _pick(rng, states), "persistence_days": int(rng.integers(50, 500))}
        if kind == "reached":
            event |= _timing(rng)
        events[f"e{v}"] = event
    return events


def _cpt(rng: np.random.Generator, kind: str, n_states: int) -> Any:
    kinds: list[Any] = ["shared", "table", "logistic", "noisy_max"]
    if kind == "reached" or n_states == 2:
        kinds += [{"kind": "noisy_or", "leak": "net"}, {"kind": "noisy_or", "leak": "compound"}]
    return _pick(rng, kinds)


def _timing(rng: np.random.Generator) -> Row:
    steps = [{"from": "2025-06-01", "rate": 2.5}, {"from": "2026-02-01", "rate": 0.25}]
    none: Row = {}
    return dict(_pick(rng, [none, {"timing": {"weibull": {"shape": 0.7}}}, {"timing": {"steps": steps}}]))


def _scenarios(rng: np.random.Generator, events: Row) -> list[Row]:
    chosen = [str(name) for name in rng.permutation(sorted(events))[:2]]
    first, second = ({name: events[name]["states"][-1]} for name in chosen)
    return [{"id": "both", "when": first | second}, {"id": "first", "when": {chosen[0]: {"at_least": "s1"}}}]


def _about(rng: np.random.Generator, name: str, events: Row) -> Row:
    """Some states of an event, perhaps given another, perhaps by a day."""
    states = events[name]["states"]
    about: Row = {"event": name, "state": _pick(rng, [states[-1], [states[-1]], {"at_least": states[-1]}])}
    others = [other for other in events if other != name]
    if rng.random() < 0.4:
        other = _pick(rng, others)
        about["given"] = {other: _pick(rng, events[other]["states"][1:])}
    if rng.random() < 0.3 and events[name]["kind"] != "constant":
        about["by"] = str(_day(rng, date(2026, 7, 1), date(2026, 12, 1)))
    return about


def _form(rng: np.random.Generator, about: Row, events: Row) -> Row:
    p = round(float(rng.uniform(0.1, 0.9)), 3)
    other = _pick(rng, [name for name in events if name != about["event"]])
    second = {"event": other, "state": events[other]["states"][-1]}
    ratio = round(float(rng.uniform(0.3, 4.0)), 2)
    happened = int(rng.integers(0, 9))
    forms: list[Row] = [
        {"probability": p},
        {"probability": {"best": p, "sd": 0.6}},
        {"probability": {"best": p, "confidence": "high"}},
        {"probability": {"low": round(p / 2, 4), "best": p, "high": round((1 + p) / 2, 4), "level": 0.8}},
        {"quantiles": {"0.1": round(p / 2, 4), "0.5": p, "0.9": round((1 + p) / 2, 4)}},
        {"odds": f"{ratio}:1 against"},
        {"word": {"term": _pick(rng, TERMS)}},
        {"word": {"term": "likely", "scale": _pick(rng, ["icd203", "nato"])}},
        {"times": {"against": second, "ratio": ratio, "low": ratio / 2, "high": ratio * 3}},
        {"odds_times": {"against": second, "ratio": ratio}},
        {"more_likely_than": second},
    ]
    if "given" not in about and ("by" not in about or events[about["event"]]["kind"] != "status"):
        forms.append({"count": {"happened": happened, "of": happened + 5, "per": "window"}})
        forms.append({"count": {"happened": happened, "of": happened + 5, "per": "opportunity", "opportunities": 4}})
    return dict(_pick(rng, forms))


def _statements(rng: np.random.Generator, events: Row, scenarios: Sequence[Row]) -> list[Row]:
    made: list[Row] = []
    for number in range(4 + int(rng.integers(8))):
        name = _pick(rng, sorted(events))
        about = _about(rng, name, events)
        form = _form(rng, about, events)
        if number == 0:
            about, form = {"scenario": scenarios[-1]["id"]}, {"probability": 0.3}
        elif number == 1:
            shares = np.round(rng.dirichlet(np.full(len(events[name]["states"]), 3.0)), 2) + 0.01
            numbers = [round(float(share), 2) for share in shares]
            numbers[-1] = round(1 - sum(numbers[:-1]), 2)
            about = {"event": name}
            form = {"distribution": {**dict(zip(events[name]["states"], numbers, strict=True)), "sd": 0.8}}
        row: Row = {
            "id": f"said-{number}",
            "date": str(OPENS if number < 3 else _day(rng, OPENS, SETTLES - timedelta(days=1))),
            "expert": _pick(rng, ["ann", "bob", "eve", "editors"]),
            "source": PUBLISHER,
            "says": "So.",
            "about": about,
            **form,
            "why": "As said.",
        }
        if rng.random() < 0.3:
            row["coded_by"] = "eve"
        if rng.random() < 0.3 and {"probability", "odds", "word"} & set(form) and "given" not in about:
            row["resolved"] = {"on": str(AS_OF - timedelta(days=20)), "void": True}
        made.append(row)
    return made


def _items(rng: np.random.Generator, events: Row, scenarios: Sequence[Row]) -> list[Row]:
    made: list[Row] = []
    for name, event in events.items():
        if rng.random() < 0.6 or event["kind"] == "constant":
            continue
        days = sorted(_day(rng, SETTLES, LAST) for _ in range(int(rng.integers(1, 3))))
        for number, day in enumerate(days):
            state = event["states"][min(number + 1, len(event["states"]) - 1)]
            reported = day + timedelta(days=int(rng.integers(0, 9)))
            row = _item(f"settled-{name}-{number}", reported, "a", [{"event": name, "settled": state}])
            made.append({**row, "happened": str(day), "credibility": 1})
    for number in range(3 + int(rng.integers(6))):
        reported = _day(rng, OPENS, LAST)
        chosen = rng.permutation(sorted(events))[: int(rng.integers(1, 3))]
        parts = [_bearing(rng, str(name), events[str(name)], reported) for name in chosen]
        if rng.random() < 0.2:
            ids = [*(one["id"] for one in scenarios), "other"]
            shares = {one: round(float(rng.uniform(0.05, 1.0)), 2) for one in ids}
            parts = [{"scenarios": shares}]
        row = _item(f"report-{number}", reported, _pick(rng, list("abcdf")), parts)
        row["credibility"] = int(rng.integers(1, 7))
        if rng.random() < 0.5:
            row |= {"group": _pick(rng, ["north", "south"]), "rho": _pick(rng, [0.9, 0.5])}
        if rng.random() < 0.15:
            row["retracted"] = str(reported + timedelta(days=30))
        made.append(row)
    return made


def _item(name: str, reported: date, source: str, parts: list[Row]) -> Row:
    row: Row = {"id": name, "reported": str(reported), "source": source}
    return row | {"headline": f"News of {name}", "why": "As it says.", "bears_on": parts}


def _bearing(rng: np.random.Generator, name: str, event: Mapping[str, Any], reported: date) -> Row:
    states = event["states"]
    until = {"until": str(reported + timedelta(days=200))} if rng.random() < 0.5 else {}
    kind = int(rng.integers(3))
    if kind == 0:
        return {"event": name, "likelihood": {s: round(float(rng.uniform(0.05, 1.0)), 2) for s in states}, **until}
    if kind == 1:
        strength = _pick(rng, ["slight", "moderate", "strong", "very_strong"])
        return {"event": name, "support": strength, "for": _pick(rng, states), **until}
    return {"event": name, "claims": _pick(rng, states[1:])}


def _questions(rng: np.random.Generator, events: Row) -> list[Row]:
    return [
        {
            "id": f"ask-{name}",
            "question": f"Is {name} in its last state?",
            "about": {"event": name, "state": event["states"][-1]},
            "by": str(_day(rng, date(2026, 2, 1), date(2026, 12, 1))),
            "resolves": "by decree",
        }
        for name, event in events.items()
        if event["kind"] != "constant" and rng.random() < 0.5
    ]
