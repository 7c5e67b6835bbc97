"""`forecast influence`: the arrows that carry information, and the judgements that the forecast depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table as Grid
from rich.text import Text

from forecast.analysis.alternatives import computed
from forecast.analysis.remedies import CAUSES, as_stated, steps_shown
from forecast.commands import running
from forecast.commands.readable import print_table
from forecast.commands.running import echo_json, one_or_all, opened
from forecast.digits import DERIVED, change, exact, percent, share, signed
from forecast.ledger.outcome import NEEDS_REFIT, REFITTED, TOO_MANY, as_row
from forecast.plain import as_data
from forecast.posterior.weights import not_reliable
from forecast.workspace.problems import choice

if TYPE_CHECKING:
    from forecast.analysis.alternatives import AlternativeForecast, AlternativeShare
    from forecast.analysis.conflict import Conflict
    from forecast.analysis.distance import Distance
    from forecast.analysis.experts import ExpertRow, SourceRow
    from forecast.analysis.influence import GradeShift, Influence, ProbabilityChange, WithoutExpert
    from forecast.analysis.statements import Unit
    from forecast.ledger.outcome import Outcome

LEAST_BITS, LEAST_SHARE = 0.0005, 0.005  # what is smaller prints as zero
VISIBLE = 0.0005  # of a change of probability


@click.command()
@click.argument("scenario", required=False)
@running.workspace
@running.as_of
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Rows of each table.")
@running.as_json
def influence(scenario: str | None, root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print the strongest arrows, and the judgements that the scenarios (or SCENARIO) depend on most.

    Judgements: the CPTs that the spread comes from, each expert left out, each grade moved up or down.
    """

    with opened(root, as_of) as session:
        names = session.outcome.scenario_ids
        if scenario is not None and scenario not in names:
            raise click.UsageError(f"no scenario '{scenario}'; {choice('scenarios', scenario, names)}")
        answer = session.influence()
    if scenario is not None:
        names = (scenario,)
        answer = answer.of(scenario)
    if as_json:
        echo_json(as_data(answer))
        return
    _print_influence(answer, names, top)


def _print_influence(answer: Influence, names: Sequence[str], top: int) -> None:
    arrows = [row for row in answer.arrows if row.bits >= LEAST_BITS]
    _influence_table(("arrow", "bits"), [(f"{row.parent} -> {row.child}", f"{row.bits:.3f}") for row in arrows[:top]])
    if rest := len(answer.arrows) - len(arrows[:top]):
        click.echo(f"and {rest} weaker arrow{'s' * (rest != 1)}")
    click.echo()
    rows = [row for row in answer.judgements if any((row.shares[name] or 0.0) >= LEAST_SHARE for name in names)]
    _influence_table(
        ("share of the spread from the CPT of", *names),
        [(row.event, *(_share(row.shares[name]) for name in names)) for row in rows[:top]],
    )
    if any(row.shares[name] is None for row in rows for name in names):
        click.echo("-: too few draws for that many parameters")
    click.echo()
    borne = [(row, row.effects) for row in answer.experts if row.effects is not None]
    _influence_table(
        ("without", "statements", *names),
        [
            (_without_expert(row), str(row.statements), *(_change(effects[name]) for name in names))
            for row, effects in borne[:top]
        ],
    )
    if borne:
        click.echo("change in percentage points ± its Monte Carlo error, by reweighting the draws")
    if refit := [row for row in answer.experts if not row.reliable]:
        listed = ", ".join(_without_expert(row) for row in refit)
        click.echo(f"needs a refit with `forecast show --without-expert NAME` (for a group --without-group): {listed}")
    _print_grades(answer.grades, names)


def _print_grades(rows: Sequence[GradeShift], names: Sequence[str]) -> None:
    if not rows:
        return
    moving = [row for row in rows if any(abs(row.effects[name]) >= VISIBLE for name in names)]
    click.echo()
    _influence_table(
        ("grade", "counted as", "sources", *names),
        [
            (row.grade, row.as_, str(row.sources), *(change(row.effects[name], None) for name in names))
            for row in moving
        ],
    )
    if moving:
        click.echo("change in percentage points if sources of one grade counted as another grade")
    if still := [f"{row.grade} as {row.as_}" for row in rows if row not in moving]:
        click.echo(f"no effect if counted otherwise: {', '.join(sorted(still))}")


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share, None)


def _without_expert(row: WithoutExpert) -> str:
    return f"group {row.name}" if row.kind == "group" else row.name


def _change(effect: ProbabilityChange) -> str:
    return f"{change(effect.change, effect.mcse)} ± {100 * effect.mcse:.1f}"


def _influence_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    print_table(grid)


# `forecast alternatives`: the forecast under other weights, and without each group of experts and each source.


@click.command()
@running.workspace
@running.as_of
@click.option(
    "--top", type=click.IntRange(min=1), default=15, show_default=True, help="Number of rows, largest changes first."
)
@running.as_json
def alternatives(root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print the forecast with equal weights, without editors, without each group of experts and each source.

    Reweights the existing draws; where the weights fail, an alternative needs a refit, which
    `forecast report --refit-alternatives` does for all of them.
    """

    with opened(root, as_of) as session:
        outcome, rows = session.outcome, session.alternatives()
    if as_json:
        forecast = {name: as_data(as_row(estimate)) for name, estimate in outcome.scenarios.items()}
        echo_json({"forecast": forecast, "computed": computed(rows), "of": len(rows), "rows": as_data(rows)})
    else:
        _print_alternatives(outcome, rows, top)


def _print_alternatives(outcome: Outcome, rows: Sequence[AlternativeForecast], top: int) -> None:

    names = outcome.scenario_ids
    computed_rows = sorted((row for row in rows if row.scenarios), key=lambda row: -row.largest_change)
    shown = [row for row in computed_rows if row.largest_change >= VISIBLE][:top]
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("without", overflow="fold")
    for name in names:
        grid.add_column(name.replace("_", " "), justify="right", min_width=max(map(len, name.split("_"))))
    ordinary = (percent(outcome.scenarios[name].probability, outcome.scenarios[name].mcse) for name in names)
    grid.add_row(*map(Text, ("(the forecast)", *ordinary)))
    for row in shown:
        marks = f"{' *' if row.settles else ''}{' (refit)' if row.how == REFITTED else ''}"
        cells = (_cell(row.scenarios[name]) for name in names if row.scenarios)
        grid.add_row(*map(Text, (f"{_without_whom(row)}{marks}", *cells)))
    print_table(grid)
    click.echo("change in percentage points; 0: less than twice its Monte Carlo error")
    if any(row.settles for row in shown):
        click.echo("*: also removes facts for which only this source is cited; they then count as not having happened")
    if computed_rows and len(computed_rows) < len(rows):
        click.echo(
            f"{len(computed_rows)} of {len(rows)} alternatives are computed; "
            "the largest changes are the largest of these"
        )
    if less := [row for row in computed_rows if row not in shown]:
        click.echo(f"and {len(less)} that move less{_under(less)}: {', '.join(map(_without_whom, less))}")
    for how in (NEEDS_REFIT, TOO_MANY):
        if of := [row for row in rows if row.how == how]:
            click.echo(f"{how}, `forecast report --refit-alternatives`: {', '.join(map(_without_whom, of))}")
    for row in computed_rows:
        if row.reasons:
            click.echo(f"{_without_whom(row)}: {not_reliable(row.reasons)}")
    for row in rows:
        if row.scenarios is None and row.how not in {NEEDS_REFIT, TOO_MANY}:
            click.echo(f"{row.description}: {_contradiction(row)}")


def _contradiction(row: AlternativeForecast) -> str:
    if not row.needs:
        return "the remaining evidence contradicts itself"
    return f"what is left settles something without what it requires: {'; '.join(row.needs)}"


def _under(rows: Sequence[AlternativeForecast]) -> str:
    return f" (none by {100 * VISIBLE:g} points)" if all(row.largest_change < VISIBLE for row in rows) else ""


def _without_whom(row: AlternativeForecast) -> str:
    if row.kind == "weights":
        return row.description.removeprefix("without ").replace("with equal weights", "(equal weights)")
    return f"{row.kind} {row.name}"


def _cell(share: AlternativeShare) -> str:
    return change(share.change, share.change_mcse) if share.is_clear else "0"


# `forecast conflict`: how surprising the evidence is, which items fight, and which statements it refutes.

LEAST_DECIBANS = 0.005  # what is smaller prints as zero
SURPRISING = 0.05


@click.command()
@running.workspace
@running.as_of
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Rows of each table.")
@running.as_json
def conflict(root: Path, as_of: date | None, top: int, as_json: bool) -> None:
    """Print how far the reports conflict with each other, and how they moved the stated probabilities."""
    with opened(root, as_of) as session:
        answer = session.conflict(top)
    if as_json:
        echo_json(as_data(answer))
    else:
        _print_conflict(answer, top)


def _print_conflict(answer: Conflict, top: int) -> None:
    n = answer.telling
    click.echo(f"{answer.reports} report{'s' * (answer.reports != 1)}, {n} with weight left")
    if n:
        _print_whole(answer)
    for heading, rows in (("conflict with each other", answer.fights), ("support each other", answer.supports)):
        _conflict_table(
            (heading, "decibans", ""),
            [
                (
                    f"{' / '.join(row.items)}{' (copies)' if row.copies else ''}",
                    signed(row.decibans, 2),
                    f"± {row.mcse:.2f}",
                )
                for row in rows
                if abs(row.decibans) >= LEAST_DECIBANS
            ],
        )
    _conflict_table(
        ("least expected after all others", "chance", "p-value", "decibans"),
        [
            (row.item, percent(row.chance, row.mcse), share(row.p_value, 2), signed(row.decibans, 2))
            for row in sorted(answer.items, key=lambda row: (row.p_value, -row.decibans))[:top]
        ],
    )
    false = [claim for claim in answer.claims if not claim.was_true]
    if answer.claims:
        n = len(answer.claims)
        click.echo(f"claims judged by now: {n}, of which false when they were made: {len(false)}")
    _conflict_table(
        ("false when it was made", "claimed on", "so since"),
        [
            (
                f"{claim.item} ({claim.event} {' or '.join(claim.states)})",
                str(claim.claimed_on),
                "not so far" if claim.since is None else str(claim.since),
            )
            for claim in false
        ],
    )
    _conflict_table(
        ("statement", "stated", "before", "after", ""),
        [
            (
                row.statement,
                _stated(*row.stated),
                percent(row.before, None),
                percent(row.after, None),
                "refuted" if row.refuted else "",
            )
            for row in answer.statements
        ],
    )


def _print_whole(answer: Conflict) -> None:
    whole = answer.surprise
    verdict = "surprising" if whole.p_value < SURPRISING else "not surprising"
    click.echo(
        f"{verdict}: {percent(whole.p_value, whole.mcse)} (± {100 * whole.mcse:.1f}) of simulated sets of "
        f"reports are at least as improbable as this one"
    )
    if abs(answer.conflict) < max(LEAST_DECIBANS, 2.0 * answer.mcse):
        together = "as probable together as they would be independently"
    else:
        together = f"{'less' if answer.conflict > 0.0 else 'more'} probable together than they would be independently"
    click.echo(f"conflict {signed(answer.conflict, 2)} ± {answer.mcse:.2f} decibans: {together}")


def _stated(low: float, middle: float, high: float) -> str:
    ends = [exact(end, DERIVED) for end in (low, high)]
    return f"{exact(middle)} ({ends[0].removesuffix(' %')} to {ends[1]})"


def _conflict_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:

    if not rows:
        return
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if place else "left", overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    print_table(grid)


# `forecast experts` and `forecast sources`: what the model made of those who spoke and of those who report.

IMPLIED = "implied, statements alone"
VERDICT = {True: "was true", False: "was false"}


@click.command()
@click.argument("name", required=False)
@running.workspace
@running.as_of
@click.option("--refit", is_flag=True, help="With NAME: sample what few draws of the prior cannot tell.")
@running.as_json
def experts(name: str | None, root: Path, as_of: date | None, refit: bool, as_json: bool) -> None:
    """Print every expert's statements, deviation, noise and record.

    With NAME: each statement beside what is implied for it, the way from the one to the other, and what to do about it.
    """
    if refit and name is None:
        msg = "--refit is for one expert; give a name"
        raise click.UsageError(msg)
    with opened(root, as_of) as session:
        rows: Sequence[ExpertRow] = session.experts()
        if name is not None:
            rows = [
                replace(row, distances=session.distances(row, refit=refit)) if row.expert == name else row
                for row in rows
            ]
        between = session.coders() if name is None and any(row.agreement for row in rows) else None
    one_or_all(rows, "expert", name, as_json=as_json, print_all=_print_experts, print_one=_print_expert)
    if between is not None and not as_json:
        click.echo(str(between))


def _print_experts(rows: Sequence[ExpertRow]) -> None:

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    # A name is typed again after the command: it is never cut. What is narrow is broken, the group first.
    grid.add_column("expert", overflow="fold", min_width=min(30, max(len(row.expert) for row in rows)))
    grid.add_column("group", overflow="fold")
    for heading, width in (
        ("made", 4),
        ("far off", 7),
        ("deviation", 9),
        ("noise", 5),
        ("record", 6),
        ("conflicts", 9),
    ):
        grid.add_column(heading, justify="right", no_wrap=True, min_width=width)
    for row in rows:
        deviation, record = row.deviation, row.record
        cells = (
            row.expert,
            row.group,
            str(len(row.statements)),
            str(sum(statement.disagrees for statement in row.statements) or "-"),
            signed(deviation.mean, 2) if deviation else "-",
            f"{row.noise.mean:.2f}" if row.noise else "-",
            f"{record.resolved}/{record.needed}" if record.slope is None else str(record.resolved),
            str(len(row.incoherent) + len(row.conflicts) or "-"),
        )
        grid.add_row(*map(Text, cells))
    print_table(grid)
    click.echo("made: statements; far off: of these more than 2 sd from what all together imply;")
    click.echo("deviation and noise in log-odds; record: resolved forecasts")


def _print_expert(row: ExpertRow) -> None:

    click.echo(f"{row.name}, {row.group}\n")
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("statement", no_wrap=True)
    for heading in ("about", "stated", IMPLIED):
        grid.add_column(heading, overflow="fold")
    grid.add_column("sd away", justify="right", no_wrap=True)
    for statement in row.statements:
        far = "red" if statement.disagrees else ""
        cells = (statement.id, statement.about, statement.coded, statement.implied)
        grid.add_row(*map(Text, cells), Text(statement.residual_shown, style=far))
    print_table(grid)
    click.echo()
    print_distances(row.distances)
    for ids in row.incoherent:
        click.echo(f"cannot all hold: {', '.join(ids)}")
    for ids in row.conflicts:
        click.echo(f"cannot all hold, with others: {', '.join(ids)}")
    click.echo(row.summary)


def print_distances(distances: Sequence[Distance]) -> None:
    """Print the way from each stated number to the implied one, the causes in columns, and the remedies."""

    if not distances:
        return
    columns = [cause for cause in CAUSES if any(cause in step.causes for way in distances for step in way.steps)]
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("the way", no_wrap=True)
    last = "implied, with evidence" if "evidence" in columns else IMPLIED
    for heading in ("stated", *(CAUSES[cause] for cause in columns), last):
        grid.add_column(heading, justify="right", overflow="fold")
    has_unsure = False
    for way in distances:
        cells = dict.fromkeys(columns, "-")
        texts = steps_shown(way)
        for step, text in zip(way.steps, texts, strict=True):
            *untold, last = step.causes
            cells |= dict.fromkeys(untold, "→")
            cells[last] = text
        has_unsure = has_unsure or any(text.startswith("~") for text in texts)
        name = way.statement if way.state is None else f"{way.statement} ({way.state})"
        ends = [_in_unit(value, way.unit) for value in (way.stated, way.implied)]
        grid.add_row(*map(Text, (name, ends[0], *cells.values(), ends[1])))
    print_table(grid)
    click.echo("from stated to implied, in steps:")
    click.echo(
        "default prior: what this statement alone would imply; same event: with the others of its event; CPT kind:"
    )
    click.echo(
        "what the kind of its CPT does to these; in percentage points, near 0 or 1 in log-odds, of a ratio in logs"
    )
    if has_unsure:
        click.echo("~: within its Monte Carlo error; steps are those between the printed numbers, so that they add up")
    if any(len(step.causes) > 1 for way in distances for step in way.steps):
        click.echo("→: shown with the next, because few draws of the prior bear these statements; --refit samples them")
    click.echo()
    for way in distances:
        if way.remedy:
            click.echo(f"{way.statement}: {way.remedy}")
    if any(way.remedy for way in distances):
        click.echo()


def _in_unit(value: float, unit: Unit) -> str:

    return as_stated(value, unit) + ("" if unit == "probability" else f" ({signed(value, 2)})")


@click.command()
@click.argument("name", required=False)
@running.workspace
@running.as_of
@running.as_json
def sources(name: str | None, root: Path, as_of: date | None, as_json: bool) -> None:
    """Print every source's reliability by its grade and now, items and agreement; with NAME, each of its items."""
    with opened(root, as_of) as session:
        rows = session.sources()
    one_or_all(rows, "source", name, as_json=as_json, print_all=_print_sources, print_one=_print_source)


def _print_sources(rows: Sequence[SourceRow]) -> None:

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("source", no_wrap=True)
    for heading in ("grade", "items", "reliability", "now", "90 % interval", "agreement", "false"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        now = row.now
        cells = (
            row.source,
            row.grade,
            str(len(row.items)),
            share(row.prior, 2),
            share(now.mean, 2) if now else "-",
            _range(now.quantiles) if now else "-",
            _percent(row.agreement),
            f"{len(row.false_alarms)} of {n}" if (n := len(row.false_alarms) + len(row.true_claims)) else "-",
        )
        grid.add_row(*map(Text, cells))
    print_table(grid)
    click.echo("reliability: from the grade, and now; agreement: probability now of what the reports favour;")
    click.echo("false: claims that were false when they were made, of those that are judged by now")


def _print_source(row: SourceRow) -> None:

    click.echo(f"{row.name}, grade {row.grade}: reliability {share(row.prior, 2)} by the grade", nl=row.now is None)
    if row.now:
        click.echo(f", {share(row.now.mean, 2)} now ({_range(row.now.quantiles)})")
    click.echo()
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for heading in ("item", "reported", "standing"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("favours", overflow="fold")
    grid.add_column("now", justify="right", no_wrap=True)
    for item in row.items:
        favours = [f"{said.event}: {' or '.join(said.favours)}" for said in item.says] or ["-"]
        now = [_percent(said.agreement) if said.was_true is None else VERDICT[said.was_true] for said in item.says]
        now = now or ["-"]
        grid.add_row(*map(Text, (item.id, str(item.reported), item.standing, "\n".join(favours), "\n".join(now))))
    print_table(grid)
    if row.false_alarms:
        click.echo(f"false when claimed: {', '.join(row.false_alarms)}")


def _range(quantiles: Sequence[float]) -> str:
    return " to ".join(share(end, 2) for end in quantiles)


def _percent(probability: float | None) -> str:
    return "-" if probability is None else percent(probability, None)
