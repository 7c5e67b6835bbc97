"""Publish the JSON Schema of each kind of file: `python -m forecast.workspace.schemas [FOLDER]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from forecast.workspace.evidence_forms import BearingShape
from forecast.workspace.nodes import FORMAT, Shape
from forecast.workspace.question_kinds import AnyShape
from forecast.workspace.read_decisions import DecisionShape
from forecast.workspace.read_evidence import ColumnMapShape, ItemShape
from forecast.workspace.read_network import NetworkShape, TimingShape
from forecast.workspace.read_people import ExpertShape, GradesShape, ReportSourceShape, WatchShape
from forecast.workspace.read_questions import ResolutionShape
from forecast.workspace.read_renames import RenameShape
from forecast.workspace.read_scenarios import ScenarioShape
from forecast.workspace.statement_forms import StatementShape

FOLDER = Path(__file__).parent.parent / "data" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What each kind of file holds at its top.
KINDS: dict[str, tuple[str, Any]] = {
    "network": ("priors/network.yaml", NetworkShape),
    "scenarios": ("priors/scenarios.yaml", list[ScenarioShape]),
    "experts": ("priors/experts.yaml", dict[str, ExpertShape]),
    "statements": ("priors/statements/*.yaml", list[StatementShape] | StatementShape),
    "questions": ("priors/questions.yaml", list[AnyShape] | AnyShape),
    "decisions": ("priors/decisions.yaml", list[DecisionShape] | DecisionShape),
    "resolutions": ("priors/resolutions.jsonl, a line of it", ResolutionShape),
    "renames": ("priors/renames.jsonl, a line of it", RenameShape),
    "sources": ("evidence/sources.yaml", dict[str, ReportSourceShape]),
    "watch": ("evidence/watch.yaml", WatchShape),
    "grades": ("evidence/grades.yaml", GradesShape),
    "columns": ("evidence/*.columns.yaml", ColumnMapShape),
    "evidence": ("evidence/*.yaml", list[ItemShape] | ItemShape),
}


class _Published(GenerateJsonSchema):
    """Leaves out the titles that repeat each key."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the generator's own signature
        return False


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a kind of file, one of `KINDS`."""
    path, top = KINDS[kind]
    schema = TypeAdapter(top).json_schema(schema_generator=_Published)
    for shape in (StatementShape, BearingShape, TimingShape, ResolutionShape):
        _say_exactly_one(schema, shape)
    if kind in ("experts", "sources"):
        schema["properties"] = {FORMAT: {"const": 1}}
    return {"$schema": DIALECT, "title": path, **schema}


def _say_exactly_one(schema: dict[str, Any], shape: type[Shape]) -> None:
    is_top = schema.get("type") == "object" and set(shape.one_of) <= set(schema.get("properties", {}))
    definition = schema if is_top else schema.get("$defs", {}).get(shape.__name__)
    if definition is not None:
        definition["oneOf"] = [_branch(shape, key) for key in shape.one_of]


def _branch(shape: type[Shape], key: str) -> dict[str, Any]:
    if key in shape.beside:
        return {"required": [shape.beside[key], key]}
    others = sorted(set(shape.beside.values()))
    return {"required": [key], "not": {"required": others}} if others else {"required": [key]}


def text_of(kind: str) -> str:
    """Return the file that is published for a kind."""
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    """Write all schemas to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (folder / f"{kind}.json").write_text(text_of(kind), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
