"""`forecast query`: ask any discrete network in a file of a known format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.commands.running import Progress, as_text
from forecast.inference.engine import TooDenseNetworkError
from forecast.networks.answer import ContradictingFindingsError, Finding, answer
from forecast.networks.formats import read_network
from forecast.workspace.files import read_outside
from forecast.workspace.numbers import number_in, why_no_number
from forecast.workspace.problems import choice, one_form, shown

if TYPE_CHECKING:
    from forecast.networks.answer import Answer
    from forecast.networks.network import DiscreteNetwork


SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class _Bytes(click.ParamType[int]):
    """A size such as 500MB or 2GB, in bytes."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = SIZE.fullmatch(str(value).strip())
        size = int(float(found[1]) * 1000 ** POWERS[found[2].lower()]) if found else 0
        if size <= 0:
            self.fail(f"got '{value}'; a size is a number above 0 with kB, MB, GB or TB, such as 2GB", param, ctx)
        return size


@click.command()
@click.argument("network", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--observe", "observed", multiple=True, metavar="X=a", help="Variable X is in state a.")
@click.option(
    "--likelihood",
    "likelihoods",
    multiple=True,
    metavar="X=0.8,0.1",
    help="Virtual evidence on X: P(report | state) for each state, in the order of the file.",
)
@click.option(
    "--evidence",
    "evidence",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.evid",
    help="Observations by number, as the UAI competitions write them.",
)
@click.option(
    "--normalise", is_flag=True, help="Divide every row by its sum, however far that is from one, and tell of it."
)
@click.option(
    "--memory",
    type=_Bytes(),
    metavar="SIZE",
    help="How much memory tables may take, as 2GB; default: half of what is free.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the natural log of P(evidence) and all marginals as JSON.")
def query(
    network: Path,
    observed: Sequence[str],
    likelihoods: Sequence[str],
    evidence: Path | None,
    normalise: bool,
    memory: int | None,
    as_json: bool,
) -> None:
    """Compute P(evidence) and the marginal of every variable of NETWORK exactly.

    NETWORK may be in any format of `forecast convert`, packed by gzip or not. An argument splits at its first '='.
    --observe and --likelihood may be given many times.
    """

    read = read_network(network, normalise=normalise)
    for warning in read.warnings:
        click.echo(str(warning), err=True)
    findings = _findings(observed, likelihoods, read)
    if evidence is not None:
        from forecast.networks.formats.uai import read_evidence

        findings += read_evidence(read_outside(evidence, str(evidence)), str(evidence), read)
    progress = Progress(after_seconds=2.0)
    try:
        posterior = answer(read, findings, progress, memory, partial(click.echo, err=True))
    except ContradictingFindingsError as impossible:
        labels = ", ".join(f"'{finding.label}'" for finding in impossible.findings)
        clash = "contradict each other" if len(impossible.findings) > 1 else "is impossible in this network"
        raise click.ClickException(f"the evidence has probability zero: {labels} {clash}") from None
    except TooDenseNetworkError as dense:
        way_out = "allow more with --memory, or observe more variables"
        raise click.ClickException(f"{network}: {dense}; {way_out}") from None
    finally:
        progress.done()
    if as_json:
        click.echo(_answer_as_json(posterior, read))
    else:
        _print_table(posterior, read, findings)


def _findings(observed: Sequence[str], likelihoods: Sequence[str], network: DiscreteNetwork) -> list[Finding]:
    """Read the evidence of the options. Raises click.BadParameter, of several mistakes one with each on a line."""
    findings, wrong = list[Finding](), list[click.BadParameter]()
    for read, texts in ((observation, observed), (_likelihood, likelihoods)):
        for text in texts:
            try:
                findings.append(read(text, network))
            except click.BadParameter as mistake:
                wrong.append(mistake)
    if len(wrong) > 1:
        raise click.UsageError("\n".join(dict.fromkeys(mistake.format_message() for mistake in wrong)))
    if wrong:
        raise wrong[0]
    return findings


def observation(text: str, network: DiscreteNetwork) -> Finding:
    """Read X=a. Raises click.BadParameter for an unknown variable or state."""

    variable, state = _split(text, network, "--observe")
    states = network.states[variable]
    if state not in states:
        raise click.BadParameter(
            f"'{text}': variable '{variable}' has no state {shown(state)}; {choice('states', state, states)}",
            param_hint="--observe",
        )
    return Finding(variable, tuple(float(known == state) for known in states), text)


def _likelihood(text: str, network: DiscreteNetwork) -> Finding:

    variable, listed = _split(text, network, "--likelihood")
    states = network.states[variable]
    said = [number.strip() for number in listed.split(",")]
    numbers = tuple(number for number in map(number_in, said) if number is not None and number >= 0.0)
    if not len(numbers) == len(said) == len(states) or not any(numbers):
        needed = f"{len(states)} numbers, none negative and not all zero, for {', '.join(states)}"
        hint = why_no_number(next((number for number in said if number_in(number) is None), ""))
        needed += f"; {hint}" if hint else ""
        raise click.BadParameter(f"'{text}': got '{listed}'; '{variable}' takes {needed}", param_hint="--likelihood")
    return Finding(variable, numbers, text)


def _split(text: str, network: DiscreteNetwork, option: str) -> tuple[str, str]:
    variable, equals, value = one_form(text).partition("=")
    if not equals:
        raise click.BadParameter(f"'{text}' has no '='; write VARIABLE=VALUE", param_hint=option)
    if variable not in network.states:
        known = choice("variables", variable, network.names)
        raise click.BadParameter(f"'{text}': unknown variable {shown(variable)}; {known}", param_hint=option)
    return variable, value


def _answer_as_json(posterior: Answer, network: DiscreteNetwork) -> str:
    marginals = {
        name: dict(zip(network.states[name], posterior.marginals[name].tolist(), strict=True)) for name in network.names
    }
    answered = {"log_evidence": posterior.log_evidence, "marginals": marginals}
    return as_text(answered, 2)


def _print_table(posterior: Answer, network: DiscreteNetwork, findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("variable", "probabilities", "evidence"):
        table.add_column(heading, overflow="fold")
    for name in network.names:
        chances = posterior.marginals[name].tolist()
        is_certain = sum(p > 0.0 for p in chances) == 1
        shown_chances = (_digits(p, is_certain=is_certain) for p in chances)
        labels = Counter(finding.label for finding in findings if finding.variable == name)
        row = (
            name,
            "  ".join(map(" ".join, zip(network.states[name], shown_chances, strict=True))),
            "  ".join(label if times == 1 else f"{times} times {label}" for label, times in labels.items()),
        )
        table.add_row(*map(Text, row))
    console = Console()
    console.print(table)
    if findings:
        # Likelihoods may be scaled above one; and a double holds no probability below exp(-700).
        p_evidence = (
            f" (probability {exp(posterior.log_evidence):.4g})" if -700.0 < posterior.log_evidence <= 0.0 else ""
        )
        console.print(f"\nlog evidence {posterior.log_evidence:.6g}{p_evidence}", highlight=False)


def _digits(probability: float, *, is_certain: bool = True) -> str:
    """Four decimals, and never 0 or 1 for what is only near: a double may be 1 though another state is possible."""
    from forecast.digits import share

    if probability in {0.0, 1.0}:
        return f"{probability:.0f}" if is_certain or not probability else share(1.0 - 1e-9, 4)
    return share(probability, 4)
