"""Nothing that is read is run: no pickle, no eval, no loader of objects, and no socket."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.syntax import MODULES, ROOT, tree

LOADERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "dbm", "subprocess"}
NETWORK = {"socket", "ssl", "urllib.request", "http", "ftplib", "smtplib", "requests", "httpx", "aiohttp", "urllib3"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {("yaml", name) for name in ("load", "load_all", "full_load", "unsafe_load")} | {
    ("os", "system"),
    ("os", "popen"),
}
COMMANDS = (
    ["check", "-C", "{w}"],
    ["update", "-C", "{w}", "--as-of", "2026-07-01", "--no-report"],
    ["report", "-C", "{w}"],
    ["import", "benchmark", "{samples}/manifold.json", "-C", "{w}", "--format", "manifold", "--id", "m", "--yes"],
    ["init", "{w}-new"],
)
# Before anything else is imported: every event of a socket ends the command at once, even where it would be caught.
DENIED = """
import os, sys
def deny(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        sys.stderr.write(f"DENIED {event} {arguments!r}\\n"); sys.stderr.flush(); os._exit(77)
sys.addaudithook(deny)
import json
from forecast.commands.main import main
for words in json.loads(sys.argv[1]):
    main(words, standalone_mode=False)
    print("done:", *words)
"""


def forbidden(tree: ast.AST) -> list[str]:
    """Return what a module imports or calls that can run what it reads, or reach the network."""
    found: list[str] = []
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [name for name in names if {name, name.partition(".")[0]} & (LOADERS | NETWORK)]
        if isinstance(node, ast.Call):
            found += [node.func.id] if isinstance(node.func, ast.Name) and node.func.id in CALLS else []
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                pair = node.func.value.id, node.func.attr
                found += [".".join(pair)] if pair in METHODS else []
            found += [key.arg for key in node.keywords if key.arg == "allow_pickle" and not _is_false(key.value)]
    return found


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def test_no_module_runs_what_it_reads() -> None:
    """No module imports pickle and its kind or a network library, calls eval or exec, or loads YAML as objects."""
    found = {path: forbidden(tree(path)) for path in MODULES}
    # git is asked for the ledger's history, by arguments of its own and without a shell.
    assert {"forecast/ledger/verified.py": ["subprocess"]} == {path: what for path, what in found.items() if what}


@pytest.mark.parametrize(
    "text",
    ["import pickle", "from marshal import loads", "eval('1')", "import yaml\nyaml.load(x)", "import urllib.request",
     "np.load(f, allow_pickle=True)", "from http.client import HTTPConnection"],
)  # fmt: skip
def test_the_search_finds_them(text: str) -> None:
    """Each kind of what is forbidden is found where it stands."""
    assert 1 == len(forbidden(ast.parse(text)))


def test_an_array_of_objects_is_not_loaded(tmp_path: Path) -> None:
    """What numpy would need pickle for is refused by it, as every kept array is read without."""
    import numpy as np

    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "a.npy")


def test_the_audit_hook_denies(tmp_path: Path) -> None:
    """A socket that is connected under the hook ends the process with its own status."""
    code = DENIED.split("from forecast")[0] + "import socket\nsocket.socket().connect(('127.0.0.1', 9))"
    assert 77 == subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True).returncode


def test_commands_open_no_socket(template: Path, tmp_path: Path) -> None:
    """init, check, update, report and import do their work where every use of a socket ends the process."""
    root = shutil.copytree(template, tmp_path / "workspace")
    samples = ROOT / "tests/workspace/feeds/samples"
    commands = [[word.format(w=root, samples=samples) for word in command] for command in COMMANDS]
    done = subprocess.run(
        [sys.executable, "-c", DENIED, json.dumps(commands)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode, done.stderr
    assert len(COMMANDS) == done.stdout.count("\ndone: "), done.stdout
