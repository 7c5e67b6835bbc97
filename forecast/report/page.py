"""The report: report.html, report.json, report.md and forecast.nc from a forecast and what was asked about it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.analysis.pairs import SIGNS, STEP, written
from forecast.ledger.outcome import Outcome
from forecast.plain import all_readable, as_data, readable
from forecast.posterior.by_date import curve_days, curves
from forecast.posterior.posterior import mean_joint
from forecast.report.section import UNPLACED, Material, Recorded, Section, Subject, contents, joined, plain, sections
from forecast.report.sections.events import CURVE_EVERY
from forecast.report.sections.grounds import evidence, evidence_rows, statements
from forecast.report.sections.judgement import headline, scenario_rows
from forecast.report.sections.network import AskedWorlds, asked_worlds
from forecast.report.sections.question import asked_question, question, reproduce, reproduction
from forecast.words import THIN_SPACE, counted, event_names, label, long_date, percent, scenario_names

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from xarray import DataTree

    from forecast.report.tree import Tables, TreeContent

Array = NDArray[np.float64]
Progress = Callable[[str], None]
Elsewhere = Sequence[tuple[str, str]]  # of pages: what the link says, and its address
Fit = tuple[Mapping[str, Array], Mapping[str, Array]]  # posterior, sampler's statistics

FORMAT = 2
ENTRIES = {"format": 10, "compared_with": 40, "compared": 50}  # the page's own in report.json, and their places


@dataclass(frozen=True)
class _Fits:
    """Stage 1's kept fits of an outcome: of the draws in use, and of the base."""

    of: Outcome

    @cached_property
    def used(self) -> Fit:
        return self.of.posterior.draws.fit()

    @cached_property
    def base(self) -> Fit:
        posterior = self.of.posterior
        return self.used if posterior.draws.digest == posterior.base.digest else posterior.base.fit()


def report_files(material: Material, progress: Progress, elsewhere: Elsewhere = ()) -> dict[str, bytes]:
    """Draw the report: forecast.nc, report.html, report.json and report.md by name.

    Args:
        material: what it is drawn from.
        progress: told what is being done.
        elsewhere: pages beside it to which it links: (text, address) each.
    """
    from forecast.report.tree import Tables, as_file

    fits = _Fits(material.outcome)
    subject = _subject(material, fits, progress)
    listed = tuple(section for section in sections() if section.applies(subject))
    numbers = _numbers(subject, listed)
    progress("report: figures")
    html = _html(subject, listed, elsewhere)
    progress("report: DataTree")
    tables = Tables(
        question=question(subject),
        statements=statements(subject),
        evidence=evidence(subject),
        reproduce=reproduce(subject),
    )
    return {
        "forecast.nc": as_file(_content(material.outcome, material.prior, tables, fits)),
        "report.html": html.encode(),
        "report.json": _as_json(numbers),
        "report.md": _brief(subject, listed).encode(),
    }


def report_brief(material: Material, progress: Progress) -> str:
    """Write the one page of Markdown alone; no figure is drawn."""
    subject = _subject(material, _Fits(material.outcome), progress)
    return _brief(subject, tuple(section for section in sections() if section.applies(subject)))


def report_tree(outcome: Outcome, prior: Outcome, recorded: Recorded) -> DataTree:
    """Build the DataTree of forecast.nc alone."""
    from forecast.analysis.statements import statement_rows
    from forecast.report.tree import Tables, data_tree

    fits = _Fits(outcome)
    tables = Tables(
        question=asked_question(outcome),
        statements=statement_rows(outcome, fits.base[0]),
        evidence=evidence_rows(outcome),
        reproduce=reproduction(outcome, recorded),
    )
    return data_tree(_content(outcome, prior, all_readable(tables), fits))


def _content(outcome: Outcome, prior: Outcome, tables: Tables, fits: _Fits) -> TreeContent:
    from forecast.report.tree import gathered

    now = outcome.posterior
    joint = mean_joint(now.asked, now.draws.theta, now.weights.weights, now.reliabilities)
    return gathered(outcome, prior, joint, fits.used, tables)


def _subject(material: Material, fits: _Fits, progress: Progress) -> Subject:
    progress("report: curves by date")
    outcome = material.outcome
    now, layout = outcome.posterior, outcome.layout
    by_date = curves(
        layout,
        outcome.workspace,
        outcome.as_of,
        now.draws.theta,
        now.weights.weights,
        curve_days(now.asked.network.known.until, layout.horizon),
        every=CURVE_EVERY,
        drawn=now.reliabilities,
    )
    progress("report: numbers")
    return Subject(material=material, by_date=by_date, fit=fits.base[0])


def _compared(subject: Subject) -> str:
    return subject.material.recorded.compared(subject.material.since)


def _headline(subject: Subject) -> str:
    return headline(scenario_rows(subject), long_date(subject.outcome.layout.horizon))


def _numbers(subject: Subject, listed: Sequence[type[Section]]) -> dict[str, object]:
    """Return the content of report.json."""
    entries: dict[str, object] = {
        "format": FORMAT,
        "compared_with": subject.material.compared_with,
        "compared": _compared(subject),
    }
    places = dict(ENTRIES)
    for section in listed:
        entries |= section.numbers(subject)
        places |= section.entries
    order = sorted(entries, key=lambda name: places.get(name, UNPLACED))
    return {name: as_data(entries[name]) for name in order}


def _as_json(numbers: Mapping[str, object]) -> bytes:
    """Encode the page's numbers, indented but for the many of the what-ifs, which stand on one line."""
    rest = {key: numbers[key] for key in numbers if key != "what_if"}
    head = json.dumps(rest, ensure_ascii=False, indent=1, allow_nan=False)
    worlds = json.dumps(numbers["what_if"], ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'{head.removesuffix("}").rstrip()},\n "what_if": {worlds}\n}}\n'.encode()


def _brief(subject: Subject, listed: Sequence[type[Section]]) -> str:
    """Write the report on one page of Markdown, for a mail or a pull request: the same numbers, fewer of them."""
    asked = question(subject)
    known = f"As of {long_date(asked.as_of)}; events known until {long_date(asked.known_until)}."
    return joined(
        [
            f"# {plain(asked.title)}: forecast for {long_date(asked.horizon)}",
            f"**{plain(_headline(subject))}**",
            f"{known} {_compared(subject)}.",
            *(text for section in listed for text in section.brief(subject)),
        ]
    )


@dataclass(frozen=True, kw_only=True)
class RenderedSection:
    """A section as it stands on the page; a `folded` one shows its `gist`, opens when it is asked for, and in print."""

    id: str
    title: str
    body: Markup
    folded: bool
    gist: str


@dataclass(frozen=True, kw_only=True)
class PageShown:
    """What the frame of the page shows; `worlds` is what the script computes with."""

    title: str
    as_of: str
    horizon: str
    known_until: str
    headline: Markup
    compared: str
    sections: Sequence[RenderedSection]
    contents: Mapping[str, Sequence[type[Section]]]
    elsewhere: Elsewhere
    style: Markup
    script: Markup
    script_hash: str
    worlds: Markup


def _html(subject: Subject, listed: tuple[type[Section], ...], elsewhere: Elsewhere) -> str:
    """Render report.html: each section from what it shows, and the frame around them."""
    from markupsafe import Markup, escape

    environment = page_environment()
    script, asked = source(environment, "script.js"), question(subject)
    names = _names(subject.outcome)
    shown = PageShown(
        title=asked.title,
        as_of=asked.as_of,
        horizon=asked.horizon,
        known_until=asked.known_until,
        headline=Markup(isolated(str(escape(_headline(subject))), names)),
        compared=_compared(subject),
        sections=[
            RenderedSection(
                id=section.id,
                title=section.title,
                body=Markup(
                    isolated(rendered(environment, f"sections/{section.id}.html", section.shown(subject)), names)
                ),
                folded=section.group == "Method",
                gist=section.gist(subject),
            )
            for section in listed
        ],
        contents=contents(listed),
        elsewhere=elsewhere,
        style=Markup(source(environment, "style.css")),
        script=Markup(script),
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        worlds=Markup(_data_block(_for_script(asked_worlds(subject)))),
    )
    return rendered(environment, "report.html", shown)


# Letters that run from right to left (Hebrew, Arabic and their like), and those of Chinese, Japanese and Korean.
FOREIGN = (
    "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
    "\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff01-\uffdc\U00020000-\U0003ffff"
)
HAS_FOREIGN = re.compile(f"[{FOREIGN}]")
RUN = rf"[{FOREIGN}](?:[^<>&]*[{FOREIGN}])?"
TAG = re.compile(r"(<[^>]*>)")
ALONE = {"svg", "title", "option", "bdi"}  # elements whose texts are isolated already, or hold no elements


def isolated(html: str, names: Iterable[str]) -> str:
    """Put names in such letters into `<bdi>`, so that they do not reorder the numbers and words of a sentence.

    Args:
        html: of a section; what was printed into it is escaped, so that no text and no attribute holds a bracket.
        names: as they stand in texts, not escaped. Other runs of such letters are isolated from the first to the last.

    Source: Unicode Standard Annex 9, on isolates; HTML, the `bdi` element.
    """
    from markupsafe import escape

    if not HAS_FOREIGN.search(html):
        return html
    known = sorted(
        {str(escape(name)) for name in names if HAS_FOREIGN.search(name)}, key=lambda name: (-len(name), name)
    )
    pattern = re.compile("|".join([*map(re.escape, known), RUN]))
    parts, within = [], list[str]()
    for part in TAG.split(html):
        if part.startswith("<"):
            tag = part.strip("</>").split(maxsplit=1)[0].lower() if part.strip("</>") else ""
            if part.startswith("</"):
                within = within[:-1] if within and within[-1] == tag else within
            elif tag in ALONE and not part.endswith("/>"):
                within.append(tag)
            parts.append(part)
        else:
            parts.append(part if within else pattern.sub(r"<bdi>\g<0></bdi>", part))
    return "".join(parts)


def _names(outcome: Outcome) -> list[str]:
    """Return every name that sentences are made with, as they are shown."""
    workspace = outcome.workspace
    names = [*event_names(outcome).values(), *scenario_names(outcome).values(), workspace.network.title]
    names += [label(state) for event in outcome.layout.events for state in event.states]
    names += [expert.name for expert in workspace.experts.values()]
    names += [reports.name for reports in workspace.sources.values()]
    return [readable(name) for name in names]


def rendered(environment: Environment, name: str, shown: Any) -> str:
    """Render a template: each field of a record is a variable of its name."""
    return environment.get_template(name).render({one.name: getattr(shown, one.name) for one in fields(shown)})


@cache
def page_environment() -> Environment:
    """Return the templates' environment: everything that they print is escaped, and nothing that is missing passes.

    It is made once for all pages: compiling the templates takes longer than filling them in.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("forecast.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"long_date": long_date, "label": label, "counted": counted, "bare": bare}
    environment.globals |= {"percent": percent}
    environment.globals["draw"] = environment.get_template("drawings.html").module
    return environment


def bare(shown: str) -> str:
    """Return a printed number of percent without its sign, for a table that says so."""
    return shown.replace(f"{THIN_SPACE}%", "")


def source(environment: Environment, name: str) -> str:
    """Return the text of a template's file as it is."""
    if environment.loader is None:
        msg = "the environment has no loader"
        raise ValueError(msg)
    return environment.loader.get_source(environment, name)[0]


def _for_script(asked: AskedWorlds) -> dict[str, object]:
    """Return what the script computes with: every event given two others as texts, and how they are read."""
    data: dict[str, object] = as_data(asked)
    return data | {"pair_events": written(asked.pair_events), "pair_signs": SIGNS, "pair_step": STEP}


def _data_block(values: Mapping[str, object]) -> str:
    """Encode values as JSON that cannot end the element it stands in, nor begin another one."""
    text = json.dumps({key: values[key] for key in values if key != "rows"}, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# The page that lists all updates: reports/index.html, with the course of every scenario.

WIDTH, HEIGHT, ROOM = 220.0, 44.0, 4.0  # of a sparkline, and the room around it


@dataclass(frozen=True, kw_only=True)
class ListedForecast:
    """A forecast that is listed: its date, its note, and (probability, Monte Carlo error if known) by scenario."""

    as_of: str
    note: str | None
    shares: Mapping[str, tuple[float, float | None]]


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """A course: its points as a line, and as places."""

    line: str
    dots: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class IndexScenario:
    """A scenario: its latest probability, and its course of `n` updates."""

    name: str
    shown: str
    n: int
    line: str
    dots: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class IndexUpdate:
    """An update: its date, its note, every scenario as it is shown, and whether there is a report of it."""

    as_of: str
    note: str | None
    shown: Sequence[str]
    has_report: bool


@dataclass(frozen=True, kw_only=True)
class IndexContent:
    """What the list shows."""

    title: str
    scenarios: Sequence[IndexScenario]
    updates: Sequence[IndexUpdate]


@dataclass(frozen=True, kw_only=True)
class IndexShown:
    """What the template of the list reads."""

    index: IndexContent
    style: Markup


def index_page(title: str, names: Mapping[str, str], listed: Sequence[ListedForecast], drawn: Sequence[str]) -> str:
    """Render the list of updates.

    Args:
        title: of the question.
        names: of the scenarios that there are now, by id; others are called by their id.
        listed: the ledger's updates in the order of the file, and forecasts that have a page but no line.
        drawn: as-of dates that have a report.
    """
    from markupsafe import Markup

    latest = {forecast.as_of: forecast for forecast in listed}  # of several updates of one date the last one counts
    ids = list(dict.fromkeys([*names, *(name for forecast in listed for name in forecast.shares)]))
    ids = [name for name in ids if any(name in forecast.shares for forecast in latest.values())]
    content = IndexContent(
        title=title,
        scenarios=[_scenario(name, names.get(name, name), latest) for name in ids],
        updates=[_update(latest[day], ids, has_report=day in drawn) for day in sorted(latest, reverse=True)],
    )
    environment = page_environment()
    shown = IndexShown(index=all_readable(content), style=Markup(source(environment, "style.css")))
    return rendered(environment, "index.html", shown)


def _scenario(name: str, called: str, latest: Mapping[str, ListedForecast]) -> IndexScenario:
    shares = [(day, latest[day].shares[name]) for day in sorted(latest) if name in latest[day].shares]
    course = spark([(day, probability) for day, (probability, _) in shares])
    return IndexScenario(name=called, shown=percent(*shares[-1][1]), n=len(shares), line=course.line, dots=course.dots)


def spark(points: Sequence[tuple[str, float]]) -> Sparkline:
    """Place a course between its first and its last day, at the right end, on an axis from 0 to 1."""
    last = date.fromisoformat(points[-1][0])
    days = max((last - date.fromisoformat(points[0][0])).days, 1)
    places = [
        (
            WIDTH - ROOM - (WIDTH - 2 * ROOM) * (last - date.fromisoformat(day)).days / days,
            ROOM + (HEIGHT - 2 * ROOM) * (1.0 - p),
        )
        for day, p in points
    ]
    return Sparkline(line=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), dots=places)


def _update(listed: ListedForecast, ids: Sequence[str], *, has_report: bool) -> IndexUpdate:
    return IndexUpdate(
        as_of=listed.as_of,
        note=listed.note,
        shown=[percent(*listed.shares[name]) if name in listed.shares else "—" for name in ids],
        has_report=has_report,
    )
