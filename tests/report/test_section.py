"""The registry of sections: nothing names one but its own module, and no template reads what its record lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass, fields
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment, Template, UndefinedError

from forecast.posterior.by_date import curve_days, curves
from forecast.publish import material
from forecast.report import page
from forecast.report import sections as folder
from forecast.report.page import page_environment, rendered, report_files
from forecast.report.section import Section, Subject, sections
from tests.report.drawn import Drawn

TEMPLATES = Path(page.__file__).parent / "templates" / "sections"

TOY = """
from dataclasses import dataclass

from forecast.report.section import Section


@dataclass(frozen=True, kw_only=True)
class ToyShown:
    draws: int


class ToySection(Section):
    id, title, group, place = "{id}", "A toy", "Explore", {place}

    @classmethod
    def shown(cls, subject):
        return ToyShown(draws=3)

    @classmethod
    def numbers(cls, subject):
        return {{"toy": ToyShown(draws=3)}}

    @classmethod
    def brief(cls, subject):
        return ["## A toy", "Three draws."]
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """A module with one more section, and its template, beside those of the package."""
    name, place = request.param
    module = f"toy_{name}_{place}".replace("-", "_")
    (tmp_path / f"{module}.py").write_text(TOY.format(id=name, place=place), encoding="utf-8")
    template = "<p>{{ draws|counted('draw') }}</p>"
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    ordinary = page_environment

    def with_template() -> object:
        environment = ordinary()
        known = environment.loader

        def load(path: str) -> str | None:
            if path == f"sections/{name}.html":
                return template
            return None if known is None else known.get_source(environment, path)[0]

        from jinja2 import FunctionLoader

        environment.loader = FunctionLoader(load)
        return environment

    monkeypatch.setattr(page, "page_environment", with_template)
    sections.cache_clear()
    yield
    sections.cache_clear()


@pytest.fixture(scope="module")
def subject(drawn: Drawn) -> Subject:
    """What the drawn report is about."""
    outcome = drawn.found
    days = curve_days(outcome.posterior.asked.network.known.until, outcome.layout.horizon)
    weights = outcome.posterior.weights.weights
    theta = outcome.posterior.draws.theta
    by_date = curves(outcome.layout, outcome.workspace, outcome.as_of, theta, weights, days, every=2)
    return Subject(material=material(drawn.about, lambda _: None), by_date=by_date, fit=outcome.posterior.base.fit()[0])


@pytest.mark.parametrize("toy", [("toy", 85)], indirect=True)
@pytest.mark.usefixtures("toy")
def test_a_section_is_its_module_and_its_template(drawn: Drawn) -> None:
    """A new module is on the page in its place, in the contents, in report.json and in the brief; none names it."""
    files = report_files(material(drawn.about, lambda _: None), lambda _: None)
    html = files["report.html"].decode()
    places = [html.index(f'<h2 id="{name}"') for name in ("what-if", "toy", "events")]
    assert sorted(places) == places
    assert '<a href="#toy">A toy</a>' in html
    assert "<p>3 draws</p></section>" in html
    assert b'"toy": {\n  "draws": 3\n }' in files["report.json"]
    assert b"## A toy\n\nThree draws." in files["report.md"]


@pytest.mark.parametrize("toy", [("watch", 85), ("toy", 80)], indirect=True)
@pytest.mark.usefixtures("toy")
def test_no_two_sections_are_one() -> None:
    """Two sections with one id, or in one place, are a mistake of whoever adds the second."""
    with pytest.raises(ValueError, match=r"sections with one (id|place): "):
        sections()


def test_every_template_is_that_of_a_section() -> None:
    """Sections and templates are the same."""
    assert {path.stem for path in TEMPLATES.glob("*.html")} == {section.id for section in sections()}


def test_an_entry_has_one_section(subject: Subject) -> None:
    """No two sections write the same entry of report.json."""
    entries = Counter(name for section in sections() for name in section.numbers(subject))
    assert [] == [name for name, times in entries.items() if times > 1]
    places = Counter(
        place for listed in (page.ENTRIES, *(one.entries for one in sections())) for place in listed.values()
    )
    assert [] == [place for place, times in places.items() if times > 1]
    for section in sections():
        assert set(section.entries) == set(section.numbers(subject))


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.id)
def test_a_template_reads_fields_of_its_record(section: type[Section], subject: Subject) -> None:
    """What a section shows is a frozen record of keywords, and its template fails without any one field of it."""
    shown = section.shown(subject)
    for one in fields(shown):
        assert one.kw_only
        with pytest.raises(FrozenInstanceError):
            setattr(shown, one.name, None)
    environment = _environment()
    template = environment.get_template(f"sections/{section.id}.html")
    whole = {one.name: getattr(shown, one.name) for one in fields(shown)}
    assert template.render(whole) == rendered(environment, f"sections/{section.id}.html", shown)
    needed = [name for name in whole if _fails(template, {key: whole[key] for key in whole if key != name})]
    assert [] == [name for name in whole if name not in needed and name not in UNREAD.get(section.id, ())]


# What a template reads of this forecast only sometimes: where nothing of the kind is there it asks for nothing.
UNREAD = {
    "history": ("sparks",),
    "why": ("compared_with",),
    "checks": ("pit",),
    "statements": ("remedies",),
    "alternatives": ("panels", "scenarios", "unchanged"),
}


@cache
def _environment() -> Environment:
    """Return the page's templates, compiled once for all sections."""
    return page_environment()


def _fails(template: Template, variables: dict[str, object]) -> bool:
    try:
        template.render(variables)
    except UndefinedError:
        return True
    return False


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """A record that lacks what the template reads of it."""

    pareto_k_shown: str = "0.1"


def test_a_missing_field_is_a_mistake() -> None:
    """A template that reads a field which a record does not have fails, and does not print nothing."""
    template = page_environment().get_template("sections/reweighting.html")
    with pytest.raises(UndefinedError, match="max_pareto_k"):
        template.render(reweighting=Lacking())
