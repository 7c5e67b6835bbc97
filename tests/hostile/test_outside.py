"""Reading and writing never leave the workspace, and nothing that never ends is read to an end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from forecast.commands.main import main
from forecast.workspace.files import read_outside
from forecast.workspace.problems import WorkspaceProblems, shown
from tests.workspace.writing import example, messages

SECRET = "- id: secret\n  word: xyzzy\n"
REFUSED = "a link that leads out of the workspace; got "


def _secret(folder: Path) -> Path:
    (folder / "elsewhere").mkdir()
    path = folder / "elsewhere/secret.yaml"
    path.write_text(SECRET, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "place", ["evidence/a.yaml", "evidence/a.csv", "priors/statements/a.yaml", "priors/questions.yaml"]
)
@pytest.mark.parametrize("is_relative", [False, True])
def test_a_link_that_leads_out_is_not_read(tmp_path: Path, place: str, *, is_relative: bool) -> None:
    """A link to a file outside, absolute or by `..`, is one problem; nothing of what is there is told."""
    secret, root = _secret(tmp_path), example(tmp_path / "workspace")
    to = os.path.relpath(secret, (root / place).parent) if is_relative else secret
    (root / place).symlink_to(to)
    said = [f"{place}:1: {REFUSED}{shown(str(to))}; a workspace holds its own files; copy what it leads to"]
    assert said == messages(root)


@pytest.mark.parametrize("folder", ["priors", "evidence", "reports"])
def test_a_folder_that_leads_out(tmp_path: Path, folder: str) -> None:
    """Nor is a folder of the workspace that is a link to somewhere else, nor is anything written there."""
    root = example(tmp_path / "workspace")
    (tmp_path / "elsewhere").mkdir()
    if (root / folder).exists():
        (root / folder).rename(tmp_path / "elsewhere" / folder)
    else:
        (tmp_path / "elsewhere" / folder).mkdir()
    (root / folder).symlink_to(tmp_path / "elsewhere" / folder)
    to = shown(f"{tmp_path}/elsewhere/{folder}")
    assert f"{folder}:1: {REFUSED}{to}" in [one.split("; a workspace")[0] for one in messages(root)]


def test_a_link_of_the_reports(tmp_path: Path) -> None:
    """A page or a ledger that is a link to a file outside is not written over."""
    secret, root = _secret(tmp_path), example(tmp_path / "workspace")
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports/index.html").symlink_to(secret)
    result = CliRunner().invoke(main, ["update", "-C", str(root), "--as-of", "2026-07-01", "--no-report"])
    assert (1, True, SECRET) == (result.exit_code, REFUSED in result.output, secret.read_text(encoding="utf-8"))


def test_links_within(tmp_path: Path) -> None:
    """A link to a file of the workspace is read as that file; one to a folder is not followed, with a warning."""
    root = example(tmp_path)
    (root / "notes").mkdir()
    (root / "priors/experts.yaml").rename(root / "notes/experts.yaml")
    (root / "priors/experts.yaml").symlink_to("../notes/experts.yaml")
    (root / "evidence/more").symlink_to(root / "notes")
    said = f"evidence/more:1: warning: a link to a folder is not followed; got {shown(f'{root}/notes')}; "
    assert ([], [f"{said}put the files themselves there"]) == (messages(root), messages(root, "warning"))


@pytest.mark.parametrize("name", ["../../out", "/tmp/out", "..", "a/../../out", "a\\..\\out", ".hidden", "a\0b"])
def test_ids_are_no_paths(tmp_path: Path, name: str) -> None:
    """An id that would lead elsewhere as a file's name is refused, and no file appears."""
    root = example(tmp_path / "workspace")
    before = sorted(tmp_path.rglob("*"))
    crowd = Path(__file__).parents[1] / "workspace/feeds/samples/manifold.json"
    about = [
        "--reported",
        "2026-07-01",
        "--source",
        "newspaper",
        "--headline",
        "x",
        "--on",
        "launch",
        "--claims",
        "limited",
    ]
    calls = (
        ["import", "benchmark", str(crowd), "--format", "manifold", "--id", name],
        ["add", "evidence", *about, "--id", name],
        ["add", "statement", "--expert", name, "--about", "launch=general", "--probability", ".2"],
    )
    results = [CliRunner().invoke(main, [*call, "-C", str(root), "--yes"]) for call in calls]
    refused = [one.exit_code in (1, 2) and isinstance(one.exception, SystemExit) for one in results]
    assert [True] * 3 == refused, results
    after = [path for path in sorted(tmp_path.rglob("*")) if path.name not in ("reports", ".lock")]
    assert [path for path in before if path.name not in ("reports", ".lock")] == after


def test_what_never_ends(tmp_path: Path) -> None:
    """A file that goes on beyond the limit is refused, and one of the workspace that is no file is not opened."""
    with pytest.raises(WorkspaceProblems, match="file too large"):
        read_outside(Path("/dev/zero"), most=1_000_000)
    root = example(tmp_path)
    os.mkfifo(root / "priors/questions.yaml")
    (root / "evidence/zero.yaml").symlink_to("/dev/zero")
    assert [f"evidence/zero.yaml:1: {REFUSED}'/dev/zero'", "priors/questions.yaml:1: not a file; got a device"] == [
        "; ".join(text.split("; ")[:2]) for text in messages(root)
    ]
