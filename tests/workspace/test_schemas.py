"""The published JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from forecast.workspace.nodes import plain
from forecast.workspace.schemas import FOLDER, KINDS, text_of
from forecast.workspace.yaml_text import parse_yaml
from tests.workspace.writing import example

KIND_OF = {
    "priors/network.yaml": "network",
    "priors/scenarios.yaml": "scenarios",
    "priors/experts.yaml": "experts",
    "evidence/sources.yaml": "sources",
    "evidence/watch.yaml": "watch",
}


@pytest.mark.parametrize("kind", KINDS)
def test_published_schemas_are_current(kind: str) -> None:
    """The schema that is shipped is the one that the program reads by (`python -m forecast.workspace.schemas`)."""
    Draft202012Validator.check_schema(json.loads(text_of(kind)))
    assert (FOLDER / f"{kind}.json").read_text(encoding="utf-8") == text_of(kind)


def wrong(folder: Path) -> list[str]:
    """Return every file below a folder that its schema refuses, with the reason."""
    found = []
    for file in sorted(folder.rglob("*.yaml")):
        path = file.relative_to(folder).as_posix()
        kind = KIND_OF.get(path, "statements" if path.startswith("priors/") else "evidence")
        schema = json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8"))
        node, _ = parse_yaml(file.read_bytes(), path)
        if node is None:
            raise ValueError(path)
        found += [f"{path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(plain(node))]
    return found


def test_the_example_fits_the_schemas(tmp_path: Path) -> None:
    """Every file of the packaged example is valid by its schema."""
    assert wrong(example(tmp_path)) == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("priors/network.yaml", "question: Do", "qestion: Do"),
        ("priors/statements/outside.yaml", "best: 0.15", "best: 15"),
        ("priors/statements/outside.yaml", "word: {term: likely}", "word: {term: likely}\n  probability: 0.5"),
        ("evidence/2026-03-02-prototype-shown.yaml", ", settled: shown", ""),
        ("evidence/2026-03-02-prototype-shown.yaml", "event: prototype, settled", "settled"),
        ("evidence/2026-03-02-prototype-shown.yaml", "settled: shown", "scenarios: {other: 1}"),
        ("evidence/watch.yaml", "2026-06-30", "30"),
        ("priors/experts.yaml", "name: Project lead, ", ""),
    ],
)
def test_schemas_refuse_mistakes(tmp_path: Path, path: str, old: str, new: str) -> None:
    """A mistake of shape is one for the schema too."""
    file = example(tmp_path) / path
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert [message.split(":")[0] for message in wrong(tmp_path)] != []
