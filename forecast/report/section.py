"""What a section of the report is, and the registry of all of them.

A section is a class in a module of `forecast/report/sections`, with a template of its id in `templates/sections`. The
page, its contents, report.json and report.md ask the registry: to add a section, add the module, the template and a
test.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.alternatives import AlternativeForecast
from forecast.analysis.dependence import Dependence
from forecast.analysis.influence import Arrow, Judgement
from forecast.analysis.pairs import PairTable
from forecast.analysis.questions import QuestionStatus
from forecast.analysis.story import Story
from forecast.analysis.watch import WatchList
from forecast.analysis.why import Why
from forecast.analysis.worlds import WorldsTable
from forecast.ledger.differences import NOTHING_EDITED, Edited
from forecast.ledger.entries import Line
from forecast.ledger.ledger import line_of, line_to_compare, same_inputs
from forecast.ledger.outcome import ForecastRecord, Outcome
from forecast.plain import all_readable, readable
from forecast.posterior.by_date import Curves
from forecast.report import sections as folder
from forecast.words import long_date, scenario_names

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from markupsafe import Markup


# Where a forecast stands in the ledger: its own line, or the earlier one that has the same inputs, or none.


@dataclass(frozen=True)
class Recorded:
    """A forecast and the ledger.

    `line` is what the ledger holds of it or would hold; `number` that of its line, from 1, None where there is none;
    `same` the number and the date of the latest earlier line with the same inputs; `first`: no line comes before it.
    """

    line: Line
    number: int | None
    same: tuple[int, str] | None
    first: bool

    @property
    def sentence(self) -> str:
        """Say where the forecast is recorded."""
        if self.number is not None:
            return f"line {self.number}"
        if self.same is None:
            return "no line: this forecast is not recorded"
        return f"no line of its own: nothing is new since line {self.same[0]}, of {long_date(self.same[1])}"

    def compared(self, since: str | None) -> str:
        """Say what changes are measured against, given the forecast that was compared with (`Material.since`)."""
        if since is not None:
            return f"Changes since {since}"
        if self.same is not None:
            return f"Nothing new since {long_date(self.same[1])}"
        return "First forecast: nothing to compare with" if self.first else "Nothing earlier to compare with"


def recorded_in(line: Line, updates: Sequence[Line]) -> Recorded:
    """Find a forecast in the ledger; lines that are dated after it are none of its past."""
    own = line_of(line, updates)
    before = [earlier for earlier in updates if earlier.as_of <= line.as_of and earlier is not own]
    same = [(earlier.number or 0, earlier.as_of.isoformat()) for earlier in before if same_inputs(earlier, line)]
    return Recorded(own or line, None if own is None else own.number, same[-1] if same else None, not before)


# What a report is drawn from: the forecast, what the engine answered about it, and what is kept of earlier ones.

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the engine answered for the page, from the draws and the update before alone.

    `since_update` is None for a first forecast; `pair_events`: every event given two others, as `pairs` of the worlds;
    `of_sections`: what sections ask themselves, as plain data by the section's id; `figures`: those of ArviZ, name ->
    `<svg>` element.
    """

    stories: tuple[Story, ...]
    since_prior: Why
    since_update: Why | None
    watch: WatchList
    arrows: tuple[Arrow, ...]
    judgements: tuple[Judgement, ...]
    dependence: Dependence
    worlds: WorldsTable
    pair_events: PairTable
    of_sections: Mapping[str, Any]
    figures: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stands in the workspace's `reports` folder beside the forecasts, each None where it was never made.

    `replay`: scenario -> (day, probability) of reports/replay.jsonl; `series`: question -> forecaster -> the same, of
    reports/replay.csv; `scores`: what `forecast score --json` says of it; `calibration` and
    `posterior_calibration`: the contents of reports/calibration.json and reports/posterior-calibration.json;
    `record`: what `forecast record --json` says of the lines before that of the forecast; `edited`: what other inputs
    than reports changed since the line that is compared with.
    """

    replay: Mapping[str, Sequence[tuple[str, float]]] | None = None
    series: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]] | None = None
    scores: Row | None = None
    calibration: Row | None = None
    posterior_calibration: Row | None = None
    record: Row | None = None
    edited: Edited = NOTHING_EDITED


@dataclass(frozen=True, kw_only=True)
class Material:
    """Everything that a report is drawn from.

    `prior` is what the statements alone give at the opening; `ledger` holds the lines that were there when it was made,
    and `recorded` says which of them is its own; `forecast` is the content of forecast.json; `ranks` are the figures of
    the calibrations that are kept, name -> `<svg>` element; `warnings` are those that the run gave.
    """

    outcome: Outcome
    prior: Outcome
    ledger: tuple[Line, ...]
    recorded: Recorded
    forecast: ForecastRecord
    answers: Answers
    questions: tuple[QuestionStatus, ...]
    alternatives: tuple[AlternativeForecast, ...]
    kept: Kept = Kept()
    ranks: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def compared_with(self) -> str | None:
        """The day of the update that changes are measured against."""
        day = self.forecast.head.compared_with
        return None if day is None else day.isoformat()

    @property
    def since(self) -> str | None:
        """The update that changes are measured against, by its day and its line; None where there is none."""
        day = self.forecast.head.compared_with
        if day is None:
            return None
        line = line_to_compare(self.recorded.line, self.ledger)
        known = line is not None and line.as_of == day and line.number is not None
        return f"{long_date(day)} (ledger line {line.number})" if line and known else long_date(day)


Array = NDArray[np.float64]
UNPLACED = 900  # the place in report.json of an entry without one; behind it are the many what-ifs
Group = Literal["In short", "Explore", "What it rests on", "Method"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a report is about, and what has been worked out of it so far.

    `by_date` holds P(event by a date); `fit` is the posterior of stage 1 without any evidence in the sampler,
    {variable: (chain, draw, ...)}.
    """

    material: Material
    by_date: Curves
    fit: Mapping[str, Array]
    parts: dict[object, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def outcome(self) -> Outcome:
        """The forecast."""
        return self.material.outcome

    def figure(self, name: str) -> Markup:
        """Return a figure of the draws as an element whose texts matplotlib has escaped; empty if nothing varies."""
        from markupsafe import Markup

        return Markup(self.material.answers.figures[name])


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a section may ask about a forecast and draw of its draws.

    `prior` is what the statements alone give at the opening; `fit` the kept fit of the draws in use, {variable: (chain,
    draw, ...)}; `logs` the log density of each part of the posterior, (draws) each.
    """

    outcome: Outcome
    prior: Outcome
    fit: Mapping[str, Array]
    logs: Mapping[str, Array]

    @property
    def names(self) -> dict[str, str]:
        """Return the names of the scenarios by id, as a figure may show them."""
        return {name: readable(called) for name, called in scenario_names(self.outcome).items()}

    @property
    def varying(self) -> dict[str, Array]:
        """Return P(s | E, theta) of every scenario that varies over the draws, by id: (draws,) each."""
        shares = dict(zip(self.outcome.scenario_ids, self.outcome.posterior.evaluation.scenarios, strict=True))
        return {name: values for name, values in shares.items() if values.std() > 0.0}


def part[Made](make: Callable[[Subject], Made]) -> Callable[[Subject], Made]:
    """Work out a part of the report once for each subject, its texts made readable."""

    @wraps(make)
    def once(subject: Subject) -> Made:
        if make not in subject.parts:
            subject.parts[make] = all_readable(make(subject))
        return cast("Made", subject.parts[make])

    return once


class Section(ABC):
    """A section of the report.

    `id` is also that of its template; `group` is the part of the contents that it stands in; sections come by `place`.
    `entries` are the places of its `numbers` in report.json; one without a place stands behind those that have one.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    group: ClassVar[Group]
    place: ClassVar[int]
    entries: ClassVar[Mapping[str, int]] = {}

    @classmethod
    def applies(cls, subject: Subject) -> bool:  # noqa: ARG003  # for sections that not every forecast has
        """Say whether the report has the section."""
        return True

    @classmethod
    @abstractmethod
    def shown(cls, subject: Subject) -> DataclassInstance:
        """Return what the template reads: each field is a variable of that name."""

    @classmethod
    def numbers(cls, subject: Subject) -> Mapping[str, object]:  # noqa: ARG003  # for sections that have numbers
        """Return the section's entries of report.json: records, or plain data."""
        return {}

    @classmethod
    def gist(cls, subject: Subject) -> str:  # noqa: ARG003  # for sections whose finding a reader looks for
        """Return what is found, in a few words, for the page on which the section is folded; empty: nothing."""
        return ""

    @classmethod
    def brief(cls, subject: Subject) -> list[str]:  # noqa: ARG003  # for sections that the brief tells of
        """Return the section's paragraphs of report.md."""
        return []

    @classmethod
    def asks(cls, inputs: Inputs) -> object:  # noqa: ARG003  # for sections that ask something
        """Work out what takes long, as plain data that JSON can hold; it is kept under the forecast's digest."""
        return None

    @classmethod
    def figures(cls, inputs: Inputs) -> Mapping[str, str]:  # noqa: ARG003  # for sections that have such figures
        """Draw the figures that depend on the draws alone, name -> `<svg>` element; they are kept with what it asks."""
        return {}


@cache
def sections() -> tuple[type[Section], ...]:
    """Return all sections in their order: the main judgement first, the method last.

    Raises ValueError where two have one id or one place.
    """
    modules = [
        importlib.import_module(f"{folder.__name__}.{module.name}") for module in pkgutil.iter_modules(folder.__path__)
    ]
    listed = [
        cls
        for module in modules
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Section) and cls.__module__ == module.__name__
    ]
    for name in ("id", "place"):
        values = [getattr(section, name) for section in listed]
        if twice := {value for value in values if values.count(value) > 1}:
            msg = f"sections with one {name}: {sorted(twice)}"
            raise ValueError(msg)
    return tuple(sorted(listed, key=lambda section: section.place))


def contents(listed: tuple[type[Section], ...]) -> dict[str, list[type[Section]]]:
    """Group sections by the part of the contents that they stand in."""
    groups: dict[str, list[type[Section]]] = {}
    for section in listed:
        groups.setdefault(section.group, []).append(section)
    return groups


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line: every sign with a meaning there is escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))


def joined(paragraphs: Iterable[str]) -> str:
    """Put paragraphs together, an empty line between them but for those of a list: there it would pull it apart."""
    blocks: list[str] = []
    for text in paragraphs:
        if blocks and text.startswith("- ") and blocks[-1].rsplit("\n", 1)[-1].startswith("- "):
            blocks[-1] += f"\n{text}"
        else:
            blocks.append(text)
    return "\n\n".join(blocks) + "\n"
