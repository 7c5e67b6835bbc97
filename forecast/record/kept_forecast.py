"""The forecast.json of an update's folder, read again: by who asks for an earlier forecast, and by the index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forecast.files import read_in
from forecast.workspace.json_text import NotJsonError, load_json
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

FORECAST = "forecast.json"


def kept_forecast(root: Path, day: str) -> dict[str, Any] | None:
    """Return what `reports/DAY/forecast.json` holds, or None where there is none.

    Raises WorkspaceProblems: it cannot be read, is no JSON, or its scenarios and events are not lists of what has an id
    and probabilities.
    """
    path = f"reports/{day}/{FORECAST}"
    try:
        content = read_in(root / "reports" / day, FORECAST)
    except OSError as error:
        raise WorkspaceProblems([_unread(path, error)]) from None
    if content is None:
        return None
    found = _object(content, path)
    for key, inner in (("scenarios", None), ("events", "states")):
        if key in found or key == "scenarios":
            _hold(found.get(key), key, inner, path)
    return found


def read_object(root: Path, path: str) -> dict[str, Any]:
    """Return the JSON object that a file of `reports/` holds. Raises WorkspaceProblems where there is none in it."""
    try:
        return _object((root / path).read_bytes(), path)
    except OSError as error:
        raise WorkspaceProblems([_unread(path, error)]) from None


def _unread(path: str, error: OSError) -> Problem:
    return Problem(Source(path, 1), f"cannot be read: {error.strerror or error}")


def _object(text: bytes, path: str) -> dict[str, Any]:
    source = Source(path, 1)
    try:
        content = load_json(text.decode())
    except UnicodeDecodeError as error:
        raise WorkspaceProblems(
            [Problem(source, "not UTF-8 text", f"byte 0x{error.object[error.start]:02x}")]
        ) from None
    except NotJsonError as error:
        place = Source(path, error.line)
        raise WorkspaceProblems([Problem(place, "no JSON", error.what, "one object")]) from None
    if not isinstance(content, dict):
        raise WorkspaceProblems([Problem(source, "no JSON object", type(content).__name__, "one object")])
    return content


def _hold(rows: Any, key: str, inner: str | None, path: str) -> None:
    """Raise WorkspaceProblems unless these are rows as an update writes them."""
    states = inner is not None
    is_right = isinstance(rows, list) and all(
        isinstance(row, dict)
        and isinstance(row.get("id"), str)
        and (_are_states(row.get(inner)) if states else _is_number(row.get("probability")))
        for row in rows
    )
    if not is_right:
        what = f"{key} are not as an update writes them"
        raise WorkspaceProblems([Problem(Source(path, 1), what, "", "`forecast update` writes the file again")])


def _are_states(states: Any) -> bool:
    return isinstance(states, list) and all(
        isinstance(one, dict) and isinstance(one.get("state"), str) and _is_number(one.get("probability"))
        for one in states
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
