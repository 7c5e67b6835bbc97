"""`forecast convert` and `forecast export`: networks as files of other programs, and what those cannot carry."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from forecast.commands import running
from forecast.commands.query import observation
from forecast.commands.running import echo_json, opened, refused, said
from forecast.files import replace_file
from forecast.networks.formats import MAX_BYTES, format_of, format_to_write, unpacked
from forecast.networks.formats.uai import UaiFormat, write_evidence
from forecast.networks.network import DiscreteNetwork, normalising
from forecast.workspace.files import read_outside
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

if TYPE_CHECKING:
    from forecast.networks.answer import Finding

NORMALISE = click.option(
    "--normalise", is_flag=True, help="Divide every row by its sum, however far that is from one, and tell of it."
)
FORCE = click.option("--force", is_flag=True, help="Write over a file that is there.")
TO_WRITE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class WrittenNetwork:
    """A network as a file: its format, its bytes, and what they lack."""

    form: str
    content: bytes
    left_out: tuple[str, ...]


def written(network: DiscreteNetwork, path: Path) -> WrittenNetwork:
    """Return the content of a file in the format of its ending, packed if that is .gz; it is read back and compared.

    Raises:
        WorkspaceProblems: no format that can be written has the ending.
        ValueError: what is written is not what is read back, to the last digit.
    """
    form = format_to_write(path.name)
    stream = StringIO()
    lost = form.write(network, stream)
    content = stream.getvalue().encode("utf-8")
    if not _same_tables(network, form.read(content, path.name)):
        msg = f"what {form.title} reads back is not what was written"
        raise ValueError(msg)
    is_packed = path.name.lower().endswith(".gz")
    return WrittenNetwork(form.title, gzip.compress(content, mtime=0) if is_packed else content, tuple(lost))


def _same_tables(network: DiscreteNetwork, again: DiscreteNetwork) -> bool:
    """Say whether two networks have the same tables: by name, or where the format has other names, each somewhere."""
    if set(again.names) != set(network.names):
        before, after = (sorted(one.tables[name].tobytes() for name in one.names) for one in (network, again))
        return before == after
    return all(
        network.parents[name] == again.parents[name] and np.array_equal(network.tables[name], again.tables[name])
        for name in network.names
    )


def put(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file. Raises WorkspaceProblems where one is there and is not to be written over."""
    if path.exists() and not force:
        what = "the file is there already"
        raise WorkspaceProblems([Problem(Source(str(path), 1), what, "", "another name, or --force to write over it")])
    replace_file(path, content)


@click.command()
@click.argument("network", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("file", type=TO_WRITE)
@click.option("--observe", "observed", multiple=True, metavar="X=a", help="For UAI: written to FILE.evid.")
@NORMALISE
@FORCE
@running.as_json
def convert(network: Path, file: Path, observed: Sequence[str], normalise: bool, force: bool, as_json: bool) -> None:
    """Write NETWORK as FILE, in the format of the ending of FILE; .gz behind it packs the file.

    Every number is read back as the same double. What the format cannot carry is told on stderr.
    """
    name = str(network)
    content = unpacked(read_outside(network, name, MAX_BYTES), name)
    source = format_of(content, name)
    with normalising(is_wanted=normalise):
        read = source.read(content, name)
    for warning in read.warnings:
        click.echo(str(warning), err=True)
    made = written(read, file)
    if observed and made.form != UaiFormat.title:
        msg = f"evidence files belong to {UaiFormat.title}, and FILE is {made.form}"
        raise click.BadParameter(msg, param_hint="--observe")
    findings = [observation(text, read) for text in observed]
    put(file, made.content, force=force)
    beside = _evidence_beside(file, read, findings, force=force)
    more = {"from": source.title, "evidence": str(beside) if beside else None}
    _tell(file, made, len(read.names), read.warnings, more, as_json=as_json)
    if beside and not as_json:
        click.echo(f"written: {beside} (the evidence)")


def _tell(
    file: Path,
    made: WrittenNetwork,
    variables: int,
    warnings: Sequence[Problem],
    more: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    if as_json:
        told = {"path": str(file), "format": made.form, **more, "variables": variables, "left_out": list(made.left_out)}
        echo_json({**told, "warnings": [str(one) for one in warnings]})
        return
    for line in made.left_out:
        click.echo(f"{made.form} does not carry: {line}", err=True)
    counted = "1 variable" if variables == 1 else f"{variables} variables"
    click.echo(f"written: {file} ({made.form}, {counted})")


@click.command()
@click.argument("file", type=TO_WRITE)
@running.workspace
@running.as_of
@running.seed
@FORCE
@running.as_json
def export(file: Path, root: Path, as_of: date | None, seed: int | None, force: bool, as_json: bool) -> None:
    """Write the forecast as a network of tables, in the format of the ending of FILE, with where it comes from.

    Rows are posterior means given all that was known on the date; nothing has to be observed.
    """
    from forecast.analysis.exported import TableTooLargeError, exported

    format_to_write(file.name)  # an ending that is not known is told before anything is computed
    with opened(root, as_of, seed) as session:
        said(session.ledger)
        with refused(TableTooLargeError):
            found = exported(session.outcome, session.ledger)
    made = written(found.network, file)
    put(file, made.content, force=force)
    more = {
        "gap": found.gap,
        "widest": found.widest,
        "unreached": found.unreached,
        "properties": dict(found.network.details.properties),
    }
    _tell(file, made, len(found.network.names), (), more, as_json=as_json)
    if not as_json:
        click.echo(f"its probabilities are within {100 * found.gap:.2g} points of the forecast's ({found.widest})")
        if found.unreached:
            click.echo(f"{found.unreached} rows are for parents' states that cannot be any more")


def _evidence_beside(file: Path, network: DiscreteNetwork, findings: Sequence[Finding], *, force: bool) -> Path | None:
    """Write the evidence file of a network, if there is evidence, and return where it is."""
    if not findings:
        return None
    name = file.name[:-3] if file.name.lower().endswith(".gz") else file.name
    beside = file.with_name(f"{name}.evid")
    put(beside, write_evidence(network, findings).encode(), force=force)
    return beside
