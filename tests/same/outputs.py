"""Write all that a refactoring has to leave as it is, as one JSON file: {part: {what: text}}.

Usage: PYTHONPATH=CHECKOUT python tests/same/outputs.py OUT.json [PART ...]

The package is that of CHECKOUT; what is asked of it is that of the folder of this script. Parts: example, writing,
worlds, shipped, mistakes, tables (default: all). `compare.py` tells two such files apart. Texts longer than LONGEST
stand as their digest and their beginning.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "workspace/feeds/samples"
LONGEST = 400_000
N_WORLDS = 50
Texts = dict[str, str]


class Asked:
    """Commands run in one folder, and what they said: `texts` {name or command line: text}."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.texts = folder, Texts()

    def run(self, *arguments: str, name: str = "", typed: str = "n\n", on: Path | None = None) -> int:
        """Run a command on the workspace (or on another, or on none where it takes no `-C`) and keep what it said."""
        from click.testing import CliRunner

        from forecast.commands.main import main
        from tests.same.frozen import plain, said

        root = on or self.folder
        called = [*arguments, "-C", str(root)] if arguments[0] not in WITHOUT_FOLDER else list(arguments)
        result = CliRunner().invoke(main, called, input=typed, prog_name="forecast")
        text = f"{result.stdout}[stderr]\n{said(result.stderr)}[exit {result.exit_code}]\n"
        if result.exception and not isinstance(result.exception, SystemExit):
            text += f"[raised {type(result.exception).__name__}: {result.exception}]\n"
        told = " ".join([name, *(Path(a).name if a.startswith("/") else a for a in arguments)]).strip()
        self.texts[told] = plain(text, str(root), str(self.folder.parent), str(HERE.parent))
        return result.exit_code

    def both(self, *arguments: str, name: str = "") -> None:
        """Run a command for a person and for a program."""
        self.run(*arguments, name=name)
        self.run(*arguments, "--json", name=name)

    def files(self, *paths: str, name: str = "", on: Path | None = None) -> None:
        """Keep files, and that one is not there."""
        from tests.same.frozen import plain

        root = on or self.folder
        for path in paths:
            there = (root / path).is_file()
            text = (root / path).read_text(encoding="utf-8") if there else "[no such file]"
            self.texts[f"{name} {path}".strip()] = plain(text, str(root))

    def new_files(self, before: Path, name: str, on: Path) -> None:
        """Keep the files of a workspace that another, the one before, has not or has otherwise."""
        found = sorted(path for path in on.rglob("*") if path.is_file() and ".cache" not in path.parts)
        paths = [path.relative_to(on) for path in found if path.name != ".lock" and "kept" not in path.parts]
        changed = [path for path in paths if not _same(before / path, on / path)]
        self.files(*map(str, changed), name=f"{name}:", on=on)


WITHOUT_FOLDER = ("init", "query", "pool")


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and one.read_bytes() == other.read_bytes()


QUESTIONS = """- id: on-sale
  question: On sale by October?
  about: {event: launch, state: {at_least: limited}}
  by: 2026-10-01
  resolves: the first sale
- id: kept
  question: Is the budget as planned at the end of June?
  about: {event: budget, state: [kept, raised]}
  by: 2026-06-30
  opens: 2026-02-01
  topic: money
  resolves: within ten percent
  base_rate: {probability: 0.4, source: {publisher: B}, why: four of ten}
  benchmarks: [market]
"""
MARKET = "date,forecaster,probability\n2026-03-01,crowd,0.75\n2026-03-02,crowd,0.5\n2026-03-02,a b,0.2\n"
STATEMENT = ["--expert", "market_analyst", "--date", "2026-06-01", "--publisher", "A letter", "--says", "So."]
STATEMENT += ["--about", "success=yes", "--form", "probability", "--value", "0.3", "--why", "As said.", "--id", "so"]
EVIDENCE = ["--headline", "Shops sell it", "--reported", "2026-06-25", "--claims", "launch=limited", "--id", "sold"]
LATER = "2026-07-01"


def ask_all(asked: Asked, event: str, state: str, by: str, scenario: str, *, as_of: str, plain: bool = True) -> None:
    """Ask every question of the forecast of a day, for a program, and if `plain` for a person too."""
    on = ("--as-of", as_of)
    told = f"{event}={state}"
    for arguments in (
        ("why",),
        ("why", told, "--all", "--by", "source"),
        ("why", scenario, "--by", "group"),
        ("why", told, "--since", "prior"),
        ("what-if", told, "--all"),
        ("what-if", "--do", told, "--all"),
        ("what-if", "--set", f"{told}:0.37", "--all"),
        ("watch-list", "--days", "60", "--cost", f"{event}=2"),
        ("story",),
        ("story", scenario),
        ("conflict",),
        ("influence",),
        ("influence", scenario),
        ("sources",),
        ("experts",),
        ("questions",),
        ("due",),
        ("show", "--prior"),
        ("show", "--events"),
        ("show", "--by", by),
    ):
        asked.run(*arguments, *on, "--json")
        if plain:
            asked.run(*arguments, *on)


def example(folder: Path) -> Texts:
    """The example of `forecast init`, truly sampled, as of two dates, between which questions were added."""
    asked = Asked(folder / "example")
    root = asked.folder
    asked.run("init", str(root))
    asked.run("update", "--as-of", "2026-04-01", "--no-report")
    (root / "priors/questions.yaml").write_text(QUESTIONS, encoding="utf-8")
    (root / "priors/benchmarks").mkdir()
    (root / "priors/benchmarks/market.csv").write_text(MARKET, encoding="utf-8")
    asked.run("update", "--as-of", LATER, "--dry-run", "--json")
    asked.run("update", "--as-of", LATER, "-m", "a note")
    files = [f"reports/{day}/forecast.{form}" for day in ("2026-04-01", LATER) for form in ("json", "csv")]
    asked.files(*files, "reports/ledger.jsonl", f"reports/{LATER}/report.md", f"reports/{LATER}/report.json")
    asked.files(f"reports/{LATER}/report.html", "reports/index.html")
    ask_all(asked, "launch", "limited", "2026-09-30", "on_the_market", as_of=LATER)
    for arguments in (
        ("alternatives",),
        ("sources", "newspaper"),
        ("experts", "project_lead"),
        ("questions", "kept"),
        ("log",),
        ("diff",),
        ("diff", "1", "2"),
        ("check",),
        ("check", "--network"),
        ("verify",),
        ("show", "--line", "1"),
        ("show", "--without-expert", "project_lead"),
        ("show", "--without-source", "newspaper"),
        ("show", "--equal-weights"),
    ):
        asked.both(*arguments)
    asked.run("report", "--format", "md")
    for arguments in (("why", "lunch"), ("what-if", "launch=no"), ("story", "brakthrough"), ("show", "--line", "9")):
        asked.run(*arguments)
    return asked.texts


ACH = ("import", "evidence", str(SAMPLES / "ach.csv"), "--format", "ach", "--event", "launch")
WRITERS: dict[str, Sequence[str]] = {
    "resolve": ("resolve", "on-sale", "yes", "--on", "2026-09-01", "--source", "https://example.org/shop"),
    "resolve void": ("resolve", "on-sale", "--void", "--known", "2026-06-30"),
    "resolve event": ("resolve", "launch", "limited", "--on", "2026-09-01", "--source", "https://example.org/shop"),
    "add statement": ("add", "statement", *STATEMENT),
    "add evidence": ("add", "evidence", *EVIDENCE, "--source", "newspaper", "--as-of", LATER),
    "add judgement": ("add", "judgement", "on-sale", "0.3", "--on", "2026-06-01"),
    "roll": ("roll", "--horizon", "2027-06-30", "--on", "2026-06-20"),
    "rename": ("rename", "launch", "start"),
    "rename state": ("rename", "state", "launch=limited", "regional"),
    "rename scenario": ("rename", "on_the_market", "sold"),
    "import ach": ACH,
    "import benchmark": ("import", "benchmark", str(SAMPLES / "manifold.json"), "--format", "manifold", "--id", "m"),
    "metaculus": ("import", "benchmark", str(SAMPLES / "metaculus.json"), "--format", "metaculus", "--id", "u"),
    "polymarket": ("import", "benchmark", str(SAMPLES / "polymarket.json"), "--format", "polymarket", "--id", "p"),
}
CODED = {
    "acled": "acled.csv",
    "gdelt": "gdelt.export.CSV",
    "ucdp-ged": "ucdp-ged.csv",
    "ucdp-candidate": "ucdp-candidate.csv",
}
COUNTS = "    role: plan\n    counts: {of: fatalities, window_days: 30, states: {limited: 1, general: 20}}\n"
EVENTS = "    role: consequence\n    counts: {of: events, window_days: 30, states: {yes: 1}}\n"


def writing(folder: Path) -> Texts:
    """Commands that write, each in a copy of its own: what they show, and every byte of the files that they make."""
    from tests.same.frozen import made_up

    asked = Asked(folder / "written")
    root, copy = asked.folder, folder / "copy"
    with made_up():
        asked.run("init", str(root))
        (root / "priors/questions.yaml").write_text(QUESTIONS, encoding="utf-8")
        (root / "priors/benchmarks").mkdir()
        (root / "priors/benchmarks/market.csv").write_text(MARKET, encoding="utf-8")
        network = root / "priors/network.yaml"
        text = network.read_text(encoding="utf-8")
        text = text.replace("    role: plan\n", COUNTS).replace("    role: consequence\n", EVENTS)
        network.write_text(text, encoding="utf-8")
        asked.run("update", "--as-of", LATER, "--no-report")
        coded = {
            form: (
                *("import", "evidence", str(SAMPLES / path), "--format", form),
                *("--event", "success" if form == "gdelt" else "launch", "--source", "forum"),
                *(
                    "--from",
                    "2026-04-01",
                    "--to",
                    "2026-04-30",
                    "--reported",
                    "2026-06-01",
                    *(("--whole",) if form == "gdelt" else ()),
                ),
            )
            for form, path in CODED.items()
        }
        for name, arguments in {**WRITERS, **coded}.items():
            shutil.copytree(root, copy)
            asked.run(*arguments, name=name, on=copy)
            asked.run(*arguments, "--yes", "--json", name=name, on=copy)
            asked.new_files(root, name, copy)
            asked.run("check", name=f"after {name}", on=copy)
            shutil.rmtree(copy)
        backtest = ("backtest", "--from", "2026-05-01", "--to", "2026-07-01", "--every", "30d", "--workers", "1")
        asked.run(*backtest, "--json")
        asked.files("reports/replay.csv", "reports/replay.jsonl")
        asked.both("score", "--as-of", LATER)
    return asked.texts


def worlds(folder: Path) -> Texts:
    """Random workspaces with made-up draws: the forecast, the ledger's line, and answers."""
    from tests.same.folders import AS_OF, write_folder
    from tests.same.frozen import made_up

    texts = Texts()
    for seed in range(N_WORLDS):
        asked = Asked(folder / f"world-{seed}")
        events = write_folder(seed, asked.folder)
        event, day = "e0", str(AS_OF)
        state = events[event]["states"][-1]
        with made_up() as made:
            asked.run("check", "--json")
            if asked.run("update", "--as-of", day, "--no-report") == 0:
                asked.files(f"reports/{day}/forecast.json", f"reports/{day}/forecast.csv", "reports/ledger.jsonl")
                for arguments in (
                    ("why", "--all"),
                    ("why", f"{event}={state}", "--by", "source"),
                    ("what-if", f"{event}={state}"),
                    ("what-if", "--do", f"{event}={state}"),
                    ("what-if", "--set", f"{event}={state}:0.37"),
                    ("watch-list",),
                    ("story",),
                    ("conflict",),
                    ("sources",),
                    ("experts",),
                    ("questions",),
                    ("show", "--by", "2026-09-01"),
                    ("show", "--prior"),
                    *((("influence",), ("alternatives",)) if seed % 10 == 0 else ()),
                ):
                    asked.run(*arguments, "--as-of", day, "--json")
        asked.texts["made up"] = "\n".join(made)
        texts |= {f"{seed} {what}": text for what, text in asked.texts.items()}
        shutil.rmtree(asked.folder)
    return texts


def shipped(folder: Path) -> Texts:
    """The workspace of the checkout, with made-up draws, as of two dates."""
    import forecast
    from tests.same.frozen import made_up

    home = Path(str(forecast.__file__)).parents[1]
    asked = Asked(folder / "shipped")
    for part in ("priors", "evidence"):
        shutil.copytree(home / part, asked.folder / part)
    (asked.folder / "reports").mkdir()
    for name in ("ledger.jsonl", "replay.csv", "replay.jsonl", "calibration.json"):
        shutil.copy(home / "reports" / name, asked.folder / "reports" / name)
    with made_up() as made:
        asked.both("check")
        for day in ("2026-03-01", "2026-11-20"):
            asked.run("update", "--as-of", day, "--no-report")
            asked.files(f"reports/{day}/forecast.json", f"reports/{day}/forecast.csv")
        lines = (asked.folder / "reports/ledger.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / "lines").write_text("".join(lines[-2:]), encoding="utf-8")
        asked.files("lines", on=folder)
        ask_all(asked, "ceasefire", "general", "2027-06-30", _scenario(home), as_of="2026-11-20", plain=False)
        asked.both("log")
        asked.both("score")
    asked.texts["made up"] = "\n".join(made)
    return asked.texts


def _scenario(home: Path) -> str:
    text = (home / "priors/scenarios.yaml").read_text(encoding="utf-8")
    return next(line.removeprefix("- id: ") for line in text.splitlines() if line.startswith("- id: "))


def mistakes(folder: Path) -> Texts:
    """What `forecast check` says of one mistake after the other in the example."""
    import yaml

    asked = Asked(folder / "right")
    asked.run("init", str(asked.folder))
    (asked.folder / "priors/questions.yaml").write_text(ASKED, encoding="utf-8")
    (asked.folder / "priors/benchmarks").mkdir()
    (asked.folder / "priors/benchmarks/market.csv").write_text(MARKET, encoding="utf-8")
    for name in ("priors", "evidence", "questions"):
        file = HERE.parent / f"workspace/mistakes_in_{name}.yaml"
        for number, one in enumerate(yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)):
            path = asked.folder / one.get("file", "priors/questions.yaml")
            right = path.read_text(encoding="utf-8")
            path.write_text(right.replace(one["old"], one["new"]), encoding="utf-8")
            asked.run("check", name=f"{name} {number}: {one['old']} to {one['new']:.50}")
            path.write_text(right, encoding="utf-8")
    return asked.texts


ASKED = QUESTIONS.replace("2026-10-01", "2026-10-31").replace("October", "the end of October").replace(
    "  base_rate", '  source: {publisher: A market, url: "https://a.example"}\n  base_rate'
)  # fmt: skip
POOLED = "expert,question,probability,outcome\nann,rain,0.7,1\nbob,rain,0.6,1\nann,snow,0.1,0\nbob,snow,0.05,\n"
SCORED = """question,forecaster,time,probability,outcome,opens,closes,topic
rain,ann,2026-01-01,0.7,1,2026-01-01,2026-02-01,wet
rain,bob,2026-01-03,0.4,1,2026-01-01,2026-02-01,wet
rain,ann,2026-01-09,0.9,1,2026-01-01,2026-02-01,wet
snow,ann,2026-01-01,0.2,0,2026-01-01,2026-02-01,cold
snow,bob,2026-01-02,0.3,0,2026-01-01,2026-02-01,cold
hail,ann,2026-01-01,0.2,,2026-01-01,2026-03-01,cold
"""
WRONG = "question,forecaster,time,probability,outcome,closes\nrain,ann,2026-01-01T06:00:00+02:00,80,2,2026-02-01\n"


def tables(folder: Path) -> Texts:
    """Networks in BIF files, a small pool (truly sampled) and scores of small tables."""
    asked = Asked(folder / "tables")
    asked.folder.mkdir()
    for name, text in {"pooled.csv": POOLED, "scored.csv": SCORED, "wrong.csv": WRONG}.items():
        (asked.folder / name).write_text(text, encoding="utf-8")
    data = HERE.parent / "networks/data"
    for name in ("asia", "cancer", "dog"):
        asked.both("query", str(data / f"{name}.bif"))
    asia = str(data / "asia.bif")
    asked.both("query", asia, "--observe", "asia=yes", "--likelihood", "xray=0.8,0.1")
    asked.both("query", asia, "--observe", "tub=yes", "--observe", "either=no")
    asked.run("query", asia, "--observe", "smoke=maybe")
    asked.both("pool", str(asked.folder / "pooled.csv"), "--no-refit")
    asked.run("pool", str(asked.folder / "wrong.csv"))
    for name in ("scored.csv", "wrong.csv"):
        asked.both("score", str(asked.folder / name))
    asked.run("score", str(asked.folder / "scored.csv"), "--json", "--by-question", "--benchmark", "bob")
    return asked.texts


PARTS: dict[str, Callable[[Path], Texts]] = {
    part.__name__: part for part in (example, writing, worlds, shipped, mistakes, tables)
}


def kept(text: str) -> str:
    """Return a text, or of a long one its digest and its beginning."""
    if len(text) <= LONGEST:
        return text
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()} of {len(text)} characters\n{text[:2000]}"


def collect(parts: Sequence[str]) -> dict[str, Texts]:
    """Compute parts of the outputs, telling how long each took."""
    from tests.same.frozen import open_package

    os.environ |= {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb", "TZ": "UTC"}
    open_package()
    found = {}
    for part in parts:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            found[part] = {what: kept(text) for what, text in PARTS[part](Path(folder).resolve()).items()}
        sys.stderr.write(f"{part}: {len(found[part])} outputs, {time.perf_counter() - begun:.0f} s\n")
    return found


def main(arguments: Sequence[str]) -> None:
    """Write the outputs of the package that PYTHONPATH names."""
    tests: Any = ModuleType("tests")  # this folder's, not that of the other checkout
    tests.__path__ = [str(HERE.parent)]
    sys.modules["tests"] = tests
    found = collect(arguments[1:] or list(PARTS))
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
    Path(arguments[0]).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
