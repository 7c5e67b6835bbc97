"""How the forecast came to stand where it does: scenarios over time, evidence dates, and what others say beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from forecast.report.digits import exact, interval, percent
from forecast.report.material import Material
from forecast.report.wording import label, scenario_colour, scenario_names

Row = dict[str, Any]
Points = Sequence[tuple[str, float]]

OWN = "this forecast"


def history(material: Material, evidence: Sequence[Mapping[str, Any]]) -> Row:
    """Describe the course of every scenario, the days on which evidence became known, and the questions.

    Returns `scenarios` (each with `points`: day, probability, what it is from), `evidence` (day, count), `questions`
    (with base rate and the latest number of every other forecaster) and `from`, `to`, the days of the axis.
    """
    found = material.outcome
    names = scenario_names(found)
    rows = [
        {
            "id": name,
            "name": names[name],
            "colour": scenario_colour(found, name),
            "replay": _replayed(material, name),
            "updates": _updates(material, name),
        }
        for name in found.scenario_ids
    ]
    days = Counter(row["reported"] for row in evidence)
    return {
        "from": found.layout.opens.isoformat(),
        "to": found.as_of.isoformat(),
        "scenarios": rows,
        "table": _table(material, names),
        "evidence": [{"day": day, "count": count} for day, count in sorted(days.items())],
        "questions": [_question(row, material.kept.series or {}) for row in material.answers.questions],
        "replayed": material.kept.replay is not None,
        "series": material.kept.series is not None,
    }


def _updates(material: Material, name: str) -> list[Row]:
    """Return the forecast of the statements alone at the opening, and of each update in the ledger."""
    opening = material.prior.scenarios[name]
    points = [_point(material.prior.as_of.isoformat(), opening.probability, opening.mcse)]
    last, now = material.outcome.as_of.isoformat(), material.outcome.scenarios[name]
    by_day = {
        line.as_of.isoformat(): (share.probability, share.mcse)
        for line in material.ledger
        for share in line.scenarios
        if share.id == name and line.as_of < material.outcome.as_of
    }
    by_day[last] = (now.probability, now.mcse)
    return points + [_point(day, *told) for day, told in sorted(by_day.items())]


def _replayed(material: Material, name: str) -> list[Row]:
    last = material.outcome.as_of.isoformat()
    return [_point(day, p) for day, p in (material.kept.replay or {}).get(name, ()) if day <= last]


def _point(day: str, probability: float, mcse: float | None = None) -> Row:
    return {"day": day, "probability": probability, "mcse": mcse, "shown": percent(probability, mcse)}


def _table(material: Material, names: Mapping[str, str]) -> list[Row]:
    """Return a row for each day with every scenario, what it is from, and the note of its ledger line."""
    notes = {line.as_of.isoformat(): line.note for line in material.ledger}
    notes[material.outcome.as_of.isoformat()] = material.recorded.line.note
    days: dict[tuple[str, str], dict[str, str]] = {}
    for name in names:
        for origin, points in (("update", _updates(material, name)), ("replay", _replayed(material, name))):
            for point in points:
                days.setdefault((point["day"], origin), {})[name] = point["shown"]
    opening = material.prior.as_of.isoformat()
    return [
        {
            "day": day,
            "origin": "prior" if (day, origin) == (opening, "update") else origin,
            "shown": [shares.get(name, "—") for name in names],
            "note": notes.get(day) if origin == "update" else None,
        }
        for (day, origin), shares in sorted(days.items())
    ]


def _question(row: Mapping[str, Any], series: Mapping[str, Mapping[str, Points]]) -> Row:
    probability, error = row["probability"], row["mcse"]
    quantiles = row["quantiles"]
    base = row["base_rate"]
    return {
        "id": row["question"],
        "text": row["text"],
        "by": row["by"],
        "status": row["status"],
        "probability": probability,
        "shown": "—" if probability is None else percent(probability, error),
        "interval": "—" if probability is None else interval(quantiles["0.05"], quantiles["0.95"], error),
        "base_rate": None if base is None else base["probability"],
        "base_shown": "—" if base is None else exact(base["probability"]),
        "base_why": None if base is None else f"{base['why']} ({base['publisher']})",
        "others": [
            {
                "forecaster": other["forecaster"],
                "day": other["date"],
                "probability": other["probability"],
                "shown": exact(other["probability"]),
            }
            for other in row["benchmarks"]
        ],
        "ended": _ended(row["resolution"]),
        "caution": row["caution"],
        "series": _series(row["question"], series),
    }


def _ended(resolution: Mapping[str, Any] | None) -> str | None:
    if resolution is None:
        return None
    state = resolution["state"]
    return "void" if state is None else label(state)


def _series(question: str, series: Mapping[str, Mapping[str, Points]]) -> list[Row]:
    return [
        {"forecaster": OWN if who == "forecast" else who, "own": who == "forecast", "points": _points(points)}
        for who, points in series.get(question, {}).items()
    ]


def _points(points: Iterable[tuple[str, float]]) -> list[Row]:
    return [{"day": day, "probability": p, "shown": percent(p, None)} for day, p in points]


WIDTH, HEIGHT, FOOT = 860.0, 260.0, 26.0  # of the chart, and the room for dates below it
NAMES = 150.0  # room for the names at the right
APART = 15.0  # least distance of two names


def chart(past: Mapping[str, Any], axis_to: float) -> Row:
    """Place the course of every scenario: lines of the replay, dots of the updates, ticks where evidence came in."""
    start, end = date.fromisoformat(past["from"]), date.fromisoformat(past["to"])
    days = max((end - start).days, 1)
    top = min(1.0, max([axis_to, *(p["probability"] for row in past["scenarios"] for p in _all(row))]) * 1.05)

    def place(point: Mapping[str, Any]) -> tuple[float, float]:
        return _x(point["day"], start, days), HEIGHT * (1.0 - float(point["probability"]) / top)

    rows = []
    for row in past["scenarios"]:
        dots = [place(point) for point in row["updates"]]
        line = [place(point) for point in row["replay"]] or dots
        rows.append({"colour": row["colour"], "name": row["name"], "line": line, "dots": dots, "end": dots[-1][1]})
    for row, y in zip(rows, _spread([row["end"] for row in rows]), strict=True):
        row["label_y"] = y
    return {
        "width": WIDTH + NAMES,
        "inner": WIDTH,
        "height": HEIGHT + FOOT,
        "floor": HEIGHT,
        "rows": rows,
        "evidence": [(_x(one["day"], start, days), one["count"]) for one in past["evidence"]],
        "months": _months(start, end, days),
        "levels": [(HEIGHT * (1.0 - tick / top), f"{100 * tick:.0f}") for tick in _levels(top)],
        "drawn": bool(past["replayed"]),
    }


def _all(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*row["updates"], *row["replay"]]


def _x(day: str, start: date, days: int) -> float:
    return WIDTH * (date.fromisoformat(day) - start).days / days


def _levels(top: float) -> list[float]:
    step = 0.1 if top <= 0.6 else 0.2
    return [step * i for i in range(int(top / step + 1e-9) + 1)]


def _months(start: date, end: date, days: int) -> list[tuple[float, str]]:
    """Return the first days of quarters within the window, with a short date each."""
    found = []
    for year in range(start.year, end.year + 1):
        for month in (1, 4, 7, 10):
            day = date(year, month, 1)
            if start <= day <= end:
                found.append((WIDTH * (day - start).days / days, f"{year}-{month:02d}"))
    return found


def _spread(ends: Sequence[float]) -> list[float]:
    """Move names apart that would stand on one another, keeping their order: down, and up again from the foot."""
    order = sorted(range(len(ends)), key=lambda i: ends[i])
    places = list(ends)
    for before, after in pairwise(order):
        places[after] = max(places[after], places[before] + APART)
    lowest = HEIGHT
    for i in reversed(order):
        places[i] = min(places[i], lowest)
        lowest = places[i] - APART
    return places
