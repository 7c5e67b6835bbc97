"""What a clone needs to set itself up: locks, interpreter, make."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
OLD_PYTHON = '#!/bin/sh\ncase "$2" in *version_info*) exit 1;; *) echo 3.11.2;; esac\n'
FIT_PYTHON = '#!/bin/sh\ncase "$2" in *version_info*) exit 0;; *) echo 3.12.1;; esac\n'
BROKEN_PYTHON = "#!/bin/sh\necho 'command not found' >&2\nexit 127\n"


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_machine(lock: str) -> None:
    """A lock holds names, versions and hashes: no address, no index option, no path of the machine that wrote it."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert [] == re.findall(r"https?:|file:|--index|--extra-index|--find-links|\S*/(?:home|root|tmp|opt)/\S*", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    """Every pinned version is followed by at least one SHA-256."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    unhashed = [line for line in text.splitlines() if "==" in line and not line.endswith("\\") and line[0] != " "]
    assert [] == [line for line in unhashed if not line.startswith("#")]


def test_locks_agree() -> None:
    """What is in both locks has the same version in both, and the development lock leaves nothing out."""
    runtime, development = _pins("requirements.lock"), _pins("requirements-dev.lock")
    assert runtime == {name: development.get(name) for name in runtime}


def test_every_dependency_is_locked() -> None:
    """Each dependency of the project file has a pin, and the build backend is locked at the version it is pinned to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = _pins("requirements-dev.lock")
    named = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["dev"]]
    names = [re.split(r"[<>=]", entry)[0].lower() for entry in named]
    assert [] == [name for name in names if name not in pins]
    assert [f"flit_core=={_pins('requirements.lock')['flit-core']}"] == project["build-system"]["requires"]


def _find_python(tmp_path: Path, **interpreters: str) -> subprocess.CompletedProcess[str]:
    """Run the finder where only these interpreters (name -> script) exist."""
    for name, script in interpreters.items():
        file = tmp_path / name.replace("_", ".")
        file.write_text(script, encoding="utf-8")
        file.chmod(0o755)
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path / "nobody")}
    return subprocess.run(
        ["/bin/sh", ROOT / "tools" / "find-python"], env=environment, capture_output=True, text=True, check=False
    )


def test_finder_skips_a_shim_that_fails(tmp_path: Path) -> None:
    """An interpreter that exists but fails, or is too old, is passed over for one that runs."""
    found = _find_python(tmp_path, python3_13=BROKEN_PYTHON, python3=OLD_PYTHON, python=FIT_PYTHON)
    assert (0, "python\n", "") == (found.returncode, found.stdout, found.stderr)


def test_finder_says_in_one_sentence_what_is_needed(tmp_path: Path) -> None:
    """With only an older Python the finder fails with one sentence that says what is needed and what is there."""
    found = _find_python(tmp_path, python3_13=BROKEN_PYTHON, python3=OLD_PYTHON)
    sentence = "forecast needs Python 3.12 or newer with its venv module; found here: 3.11.2.\n"
    assert (1, "", sentence) == (found.returncode, found.stdout, found.stderr)


def test_finder_looks_where_pyenv_keeps_its_versions(tmp_path: Path) -> None:
    """When no name on the path runs, an interpreter among pyenv's versions is taken."""
    kept = tmp_path / "nobody" / ".pyenv" / "versions" / "3.12.9" / "bin"
    kept.mkdir(parents=True)
    (kept / "python").write_text(FIT_PYTHON, encoding="utf-8")
    (kept / "python").chmod(0o755)
    found = _find_python(tmp_path, python3=OLD_PYTHON)
    assert (0, f"{kept}/python\n") == (found.returncode, found.stdout)


def test_every_target_is_in_the_help() -> None:
    """`make help` lists every target that a person may call."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert phony.split() == re.findall(r"^make (\S+)", listed, flags=re.MULTILINE)


def test_the_check_script_is_executable() -> None:
    """The script that a build server calls can be called."""
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_no_test_reaches_into_another() -> None:
    """What several tests need is public, in a module that is no test: none imports another's private helpers."""
    taken = re.compile(r"^from tests\.[\w.]*test_\w+ import .*(?<!\w)_\w+", re.MULTILINE)
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert [] == [str(path) for path in files if taken.search(path.read_text(encoding="utf-8"))]
