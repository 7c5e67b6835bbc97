"""The command line: which commands there are, each imported when it runs, and what a failure looks like."""

from __future__ import annotations

import atexit
import codecs
import errno
import gc
import io
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

# name -> (where the click command is, one line of help). The help stands here so that `--help` imports none of them.
COMMANDS = {
    "update": (
        "forecast.commands.update:update",
        "Read and check all files; compute and write the forecast and its report.",
    ),
    "show": ("forecast.commands.update:show", "Print the latest forecast, or the prior."),
    "roll": ("forecast.commands.rename:roll", "Move to a later horizon from a day on."),
    "check": ("forecast.commands.check:check", "Report every mistake in the workspace's files."),
    "init": ("forecast.commands.rename:init", "Write a small complete workspace into a new folder."),
    "add": ("forecast.commands.main:add", "Add a statement, evidence or a judgement, shown before it is written."),
    "import": ("forecast.commands.import_:import_", "Import another program's file as evidence or a benchmark."),
    "query": ("forecast.commands.query:query", "Compute the marginals of a network file given evidence."),
    "convert": ("forecast.commands.networks:convert", "Write a network file in the format of another program."),
    "export": ("forecast.commands.networks:export", "Write the forecast as a network file for other programs."),
    "pool": ("forecast.commands.score:pool", "Pool a table of forecasts question by question, and score it."),
    "score": ("forecast.commands.score:score", "Score resolved forecasts, from a table or from the replay."),
    "code": ("forecast.commands.coding:code", "Print a sheet for a second coder of remarks, or read one back."),
    "experts": ("forecast.commands.influence:experts", "Compare each expert's statements with the model."),
    "sources": ("forecast.commands.influence:sources", "Print how reliable each source is, and what its items favour."),
    "why": ("forecast.commands.why:why", "Explain a probability by the evidence, item by item."),
    "what-if": ("forecast.commands.what_if:what_if", "Condition the forecast on a state, or intervene."),
    "story": ("forecast.commands.what_if:story", "Describe each scenario by its most probable course of events."),
    "watch-list": (
        "forecast.commands.what_if:watch_list",
        "Rank events by what they will reveal about the scenarios.",
    ),
    "decide": ("forecast.commands.decide:decide", "Compare the options of a decision, and what knowing more is worth."),
    "conflict": ("forecast.commands.influence:conflict", "Show which reports conflict with each other."),
    "influence": ("forecast.commands.influence:influence", "Show which arrows and CPTs the forecast depends on most."),
    "alternatives": (
        "forecast.commands.influence:alternatives",
        "Show the forecast with equal weights, and without each group and source.",
    ),
    "log": ("forecast.commands.ledger:log", "Print the updates so far: what they forecast, and what was new."),
    "diff": ("forecast.commands.why:diff", "Explain the change between two forecasts, step by step."),
    "verify": ("forecast.commands.ledger:verify", "Verify that every recorded forecast is unchanged."),
    "backtest": ("forecast.commands.score:backtest", "Forecast past dates again, each from what was known then."),
    "questions": ("forecast.commands.questions:questions", "Print the dated questions beside benchmarks."),
    "team": ("forecast.commands.team:team", "Pool everybody's judgements, beside forecast and market."),
    "ladder": ("forecast.commands.record:ladder", "Print the dated sub-questions that the network asks by itself."),
    "record": ("forecast.commands.record:record", "Score what the ledger said of sub-questions that have ended."),
    "crowd": ("forecast.commands.crowd:crowd", "Show which world the benchmarks of a day imply, and contradictions."),
    "gap": ("forecast.commands.crowd:gap", "Find the smallest changes that bring a question to a price."),
    "resolve": ("forecast.commands.questions:resolve", "Resolve a question, or settle an event from a day on."),
    "rename": ("forecast.commands.rename:rename", "Rename something in every file that names it."),
    "due": ("forecast.commands.questions:due", "List what needs attention: questions, news, updates."),
    "merge": ("forecast.commands.ledger:merge", "Join the ledgers of two branches that git has merged."),
    "report": ("forecast.commands.update:report", "Draw the report of the latest forecast."),
    "cache": ("forecast.commands.check:cache", "List and prune the cache."),
}

ADDED = {
    "evidence": ("forecast.commands.add:evidence", "Add an evidence item, and show its effect on the forecast."),
    "judgement": ("forecast.commands.team:judgement", "Record your own probability of a question, or a file of them."),
    "questions": ("forecast.commands.questions:add_questions", "Add dated questions from a CSV table."),
    "statement": ("forecast.commands.add:statement", "Add a statement, and show how it is read."),
}

PROBLEMS_IN_FILES = 1  # exit status; wrong usage is click's own 2


class _Later(click.Command):
    """Stands for a command until it is called; only then is the module with the real one imported."""

    def __init__(self, name: str, target: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self.target = target

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return self.real.make_context(info_name, args, parent, **extra)
        except click.UsageError as wrong:
            takes_state = any("EVENT[=STATE]" in (one.metavar or "") for one in self.real.params)
            if takes_state and "extra argument" in wrong.message:
                hint = "; a state is named with its event, as EVENT=STATE"
                raise click.UsageError(wrong.message + hint, wrong.ctx) from None
            raise

    @property
    def real(self) -> click.Command:
        """The command, imported now."""
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class _Commands(click.Group):
    """A group that turns the problems of a user's files and of the disk into lines on stderr and an exit status."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] == "-C":
            raise click.UsageError("-C FOLDER stands after the command: forecast show -C FOLDER", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        from forecast.workspace.problems import WorkspaceProblems

        try:
            return super().invoke(ctx)
        except WorkspaceProblems as found:
            click.echo(str(found), err=True)
            ctx.exit(PROBLEMS_IN_FILES)
        except ValueError as undefined:
            from forecast.inference.scaled import NotFiniteError

            if not isinstance(undefined, NotFiniteError):
                raise
            # Nothing undefined is printed or written, whatever command comes upon it.
            raise click.ClickException(f"the result is undefined: {undefined}") from undefined
        except OSError as failure:
            from forecast.commands.running import told

            if failure.errno == errno.EPIPE:
                raise  # whoever read the output has enough of it; click ends quietly
            raise click.ClickException(told(failure)) from failure


def _later(commands: Mapping[str, tuple[str, str]]) -> dict[str, click.Command]:
    return {name: _Later(name, target, short_help) for name, (target, short_help) in commands.items()}


@click.group(commands=_later(ADDED), help=COMMANDS["add"][1])
def add() -> None:
    """Stand above the commands that add; each is imported when it runs."""


@click.group(
    cls=_Commands,
    commands={**_later(COMMANDS), "add": add},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="forecast")
def main() -> None:
    """Forecast questions that happen once, from expert statements and dated evidence.

    Exit status: 0 done, 1 problems in the files or with the disk (with --strict also a forecast that is not reliable),
    2 wrong usage.
    """
    # Little that a command makes at its start is garbage soon; to look for it as often as by default costs 6 %.
    gc.set_threshold(500_000)
    # No plugin of pydantic that happens to be installed changes how files are read; to look for them takes 15 ms.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Blocks of draws have threads of their own; those of BLAS beside them mostly wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # At its end Python would look for cycles in all that is there, which goes with the process anyway.
    atexit.register(gc.freeze)
    # What a terminal's encoding does not have is written out, and is no failure; in JSON it is the same text.
    codecs.register_error("forecast", _as_escapes)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in {"strict", "surrogateescape"}:
        sys.stdout.reconfigure(errors="forecast")


def _as_escapes(error: UnicodeError) -> tuple[str, int]:
    """Return the characters that cannot be encoded as JSON writes them, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end
