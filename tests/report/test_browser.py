"""The page in a real browser: nothing fails, nothing leaves it, all can read it, what-if tells the engine's numbers.

Needs Chromium (or Chrome) on the machine; without one these tests are skipped and say so.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.analysis.supposition import read_supposition
from forecast.analysis.what_if import ImpossibleError
from forecast.publish import write_index
from forecast.words import percent
from forecast.workspace.records import Condition, Requirement
from tests.plainly import what_if
from tests.report.drawn import Drawn, draw
from tests.worlds import event, network, rule, statement, target

playwright = pytest.importorskip("playwright.sync_api")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser on this machine: none of {', '.join(BROWSERS)}")

WIDTHS = (1280, 390, 320)
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=BROWSER)
        yield running
        running.close()


@pytest.fixture(scope="module")
def folder(recorded: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report and the list of updates, as files on a disk."""
    root = tmp_path_factory.mktemp("pages")
    own = root / "reports" / "2025-09-01"
    own.mkdir(parents=True)
    for name, content in recorded.files.items():
        (own / name).write_bytes(content)
    write_index(root, recorded.found, recorded.about.ledger)
    return root / "reports"


@pytest.fixture(params=["2025-09-01/report.html", "index.html"], ids=["report", "index"])
def address(request: pytest.FixtureRequest, folder: Path) -> str:
    """Each of the two pages."""
    return (folder / str(request.param)).as_uri()


@pytest.fixture
def report(browser: Any, folder: Path) -> Iterator[Any]:
    """The report, open in the browser."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((folder / "2025-09-01" / "report.html").as_uri())
    yield page
    page.close()


def _unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def test_nothing_fails_and_nothing_leaves_the_page(browser: Any, address: str) -> None:
    """No message on the console, no error, no request but for the page itself."""
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    _unfold(page)
    if page.locator("#ask").count():
        page.select_option("#ask [name=event]", index=1)
        page.check("#ask [value=imposed]")
    page.close()
    assert [] == said
    assert [address] == asked


def test_names_without_a_break_keep_within_the_page(browser: Any, folder: Path) -> None:
    """Names longer than a telephone is wide are broken or cut off: the page does not grow with them."""
    text = (folder / "2025-09-01" / "report.html").read_text(encoding="utf-8")
    label = json.loads(text.split('id="worlds">', 1)[1].split("</script>", 1)[0])["events"][0]["label"]
    other = folder / "2025-09-01" / "long.html"
    name = "n" * 90
    longer = text.replace(f">{label}<", f">{name}<").replace(f'"{label}"', f'"{name}"')
    assert longer.count(name) > 3
    other.write_text(longer, encoding="utf-8")
    for width in WIDTHS:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(other.as_uri())
        _unfold(page)
        assert width == page.evaluate("document.documentElement.scrollWidth")
        page.close()


def test_what_is_supposed_is_told_in_the_supposed_state(report: Any) -> None:
    """The event that is put into a state stands in the second table with that state, now at 100 %."""
    for index in range(report.locator("#ask [name=event] option").count()):
        report.select_option("#ask [name=event]", index=index)
        label = report.locator("#ask [name=event] option:checked").inner_text()
        for state in report.locator("#ask [name=state] option").all_inner_texts():
            report.select_option("#ask [name=state]", label=state)
            row = report.locator("#after-events tr").filter(has=report.get_by_role("rowheader", name=label, exact=True))
            if row.count():  # what is all but certain by now does not move
                assert state == row.locator("td").first.inner_text()
                assert "100\u202f%" == row.locator("td").last.inner_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_horizontal_scroll(browser: Any, address: str, width: int) -> None:
    """At a desk and on a telephone the page is as wide as the window, folded and unfolded."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    measure = "document.documentElement.scrollWidth"
    assert width == page.evaluate(measure)
    _unfold(page)
    assert width == page.evaluate(measure)
    page.close()


@pytest.mark.parametrize(("width", "scheme"), list(product(WIDTHS, ("light", "dark"))))
def test_axe_finds_nothing_serious(browser: Any, address: str, width: int, scheme: str) -> None:
    """No serious violation of WCAG that axe can tell, everything unfolded, in both colour schemes."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(address)
    _unfold(page)
    found = axe.Axe().run(page).response["violations"]
    page.close()
    assert [] == [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found if one["impact"] in SERIOUS]


def test_every_figure_has_a_text_alternative(report: Any) -> None:
    """Each drawing is hidden from assistive technology, or is an image with a name."""
    nameless = report.evaluate(
        "[...document.querySelectorAll('svg')].filter((one) => one.getAttribute('aria-hidden') !== 'true'"
        " && !(one.getAttribute('role') === 'img' && one.getAttribute('aria-label'))).length"
    )
    assert 0 == nameless
    assert report.locator("figure").count() > 5


def _shown(page: Any) -> dict[str, float]:
    rows = page.locator("#after-scenarios tr")
    return {
        rows.nth(n).get_attribute("data-scenario"): int(rows.nth(n).locator(".after").get_attribute("data-units"))
        / 10_000
        for n in range(rows.count())
    }


def _choose(page: Any, name: str, state: str, event_label: str, state_label: str) -> None:
    page.select_option(f"#ask [name={name}]", label=event_label)
    page.select_option(f"#ask [name={state}]", label=state_label)


def _engine(recorded: Drawn, learned: list[str], imposed: list[str]) -> dict[str, float]:
    table = what_if(recorded.found, read_supposition(recorded.found, learned, imposed, []), lambda _: None)
    return {row["id"]: row["after"] for row in table["scenarios"]}


@pytest.mark.parametrize("how", ["learned", "imposed"])
def test_what_if_tells_the_engines_numbers(report: Any, recorded: Drawn, how: str) -> None:
    """Every event in every state, learned and imposed, as `forecast what-if` has it; no impossible one is offered."""
    for one in recorded.found.layout.events:
        report.select_option("#ask [name=event]", label=one.id)
        report.check(f"#ask [value={how}]")
        offered = report.locator("#ask [name=state] option").all_text_contents()
        for state in one.states:
            text = [f"{one.id}={state}"]
            try:
                expected = _engine(recorded, *((text, []) if how == "learned" else ([], text)))
            except ImpossibleError:
                assert state not in offered
                continue
            report.select_option("#ask [name=state]", label=state)
            assert expected == pytest.approx(_shown(report), abs=0.51e-4)


def test_what_if_of_two_events(report: Any, recorded: Drawn) -> None:
    """Two events learned, as `forecast what-if` has it; what cannot both be is said to be impossible."""
    report.check("#ask [value=learned]")
    tried = 0
    for (one, x), (other, y) in (
        (("truce", "general"), ("aid", "cut")),
        (("aid", "on"), ("will", "yes")),
        (("alone", "yes"), ("truce", "limited")),
        (("will", "no"), ("alone", "no")),
    ):
        _choose(report, "event", "state", one, x)
        _choose(report, "second", "second-state", other, y)
        expected = _engine(recorded, [f"{one}={x}", f"{other}={y}"], [])
        assert expected == pytest.approx(_shown(report), abs=2e-3), (one, other)
        tried += 1
        data = recorded.page["what_if"]
        v, w = (next(i for i, event in enumerate(data["events"]) if event["label"] == name) for name in (one, other))
        (v, of_v), (w, of_w) = sorted([(v, x), (w, y)])
        steps = data["pair_steps"][f"{v}.{w}"][data["events"][v]["states"].index(of_v)]
        step = steps[data["events"][w]["states"].index(of_w)] // 100
        told = report.locator("#after-scenarios .after").all_text_contents()
        assert [] == [one for one in told if int(one.removesuffix("\u202f%").lstrip("<>")) % step], step
    assert tried == 4
    assert "turned out" in report.locator("#said").text_content()
    chance = recorded.page["what_if"]["now"]["events"][0][0] / recorded.page["what_if"]["unit"]
    given = recorded.page["what_if"]["learned"]["0.0"]["events"][3][0] / recorded.page["what_if"]["unit"]
    assert f"(the probability of both: {percent(chance * given, None)})" in report.locator("#said").text_content()
    rows = report.locator("#after-events tr").all_inner_texts()
    assert len(rows) >= 2
    assert {"will", "alone"} == {row.split("\t")[0] for row in rows if row.endswith("100\u202f%")}


def test_events_that_move_are_told(report: Any, recorded: Drawn) -> None:
    """The second table lists what moves by a point or more, the event itself among it, with the engine's number."""
    _choose(report, "event", "state", "truce", "general")
    names = report.locator("#after-events th").all_text_contents()
    assert "truce" in names
    table = what_if(recorded.found, read_supposition(recorded.found, ["truce=general"], [], []), lambda _: None)
    moved = {row["id"] for row in table["events"] if row["moved"] >= 0.01}
    assert moved <= set(names)


def test_two_events_move_every_event(report: Any, recorded: Drawn) -> None:
    """All events can be supposed together, and those are told of which the engine moves a state by a point or more."""
    names = [event.id for event in recorded.found.layout.events]
    for name in names:
        report.select_option("#ask [name=event]", label=name)
        offered = report.locator("#ask [name=second] option").all_text_contents()
        assert ["nothing else", *(other for other in names if other != name)] == offered
    for one, x, other, y in (("truce", "general", "aid", "cut"), ("aid", "on", "will", "yes")):
        _choose(report, "event", "state", one, x)
        _choose(report, "second", "second-state", other, y)
        asked = read_supposition(recorded.found, [f"{one}={x}", f"{other}={y}"], [], [])
        table = what_if(recorded.found, asked, lambda _: None)
        moves = {
            row["id"]: max(abs(part["after"] - part["before"]) for part in row["states"]) for row in table["events"]
        }
        told = set(report.locator("#after-events th").all_text_contents())
        assert {name for name, size in moves.items() if size > 0.012} <= told
        assert told <= {name for name, size in moves.items() if size > 0.008}


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of events that cannot both be, with long names and names in scripts that run from right to left."""
    needs = Requirement("yes", ((Condition("truce", ("yes",)),),))
    net = network(
        replace(event("truce"), name="هدنة شاملة 2 (A)"),
        replace(event("deal", parents=["truce"]), name="停戦後の包括的な和平合意の締結", requires=(needs,)),
        replace(event("aid", parents=["deal"]), name="Unprecedentedly comprehensive humanitarian assistance"),
    )
    told = [statement("s", target("truce", "yes"), 0.3), statement("t", target("aid", "yes"), 0.6)]
    rules = [replace(rule("peace", deal="yes"), name="سلام 1"), rule("help", aid="yes")]
    drawn = draw(tmp_path_factory.mktemp("fit"), network=net, statements=tuple(told), scenarios=tuple(rules), items=())
    place = tmp_path_factory.mktemp("pages") / "report.html"
    place.write_bytes(drawn.files["report.html"])
    return place


def test_what_cannot_both_be_is_refused_in_words(browser: Any, awkward: Path) -> None:
    """A deal needs a truce: without one it is said that both cannot be, and no table pretends to know what follows."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(awkward.as_uri())
    page.select_option("#ask [name=event]", index=0)
    page.select_option("#ask [name=state]", label="no")
    page.select_option("#ask [name=second]", index=1)
    page.select_option("#ask [name=second-state]", label="yes")
    said = page.locator("#said")
    assert "cannot both be" in said.text_content()
    assert not page.locator("#after").is_visible()
    assert ["هدنة شاملة 2 (A)", "no", "停戦後の包括的な和平合意の締結", "yes"] == said.locator(
        "bdi"
    ).all_text_contents()
    page.select_option("#ask [name=second-state]", label="no")
    assert "the probability of both" in said.text_content()
    assert page.locator("#after").is_visible()
    page.close()


LOOSE = """() => {
  const walker = document.createTreeWalker(document.querySelector("body"), NodeFilter.SHOW_TEXT), found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (/[\u0600-\u06ff\u3040-\u9fff]/.test(node.data) && !node.parentElement.closest("bdi, [dir=auto], svg, script"))
      found.push(node.data);
  return found;
}"""
OUTSIDE = """() => [...document.querySelectorAll(
    "svg, table, .scale span, .levels span, .days span, .names li, .marks span")]
  .filter((one) => {
    const place = one.getBoundingClientRect(), cue = one.closest(".scroll");
    if (!place.width || getComputedStyle(one).visibility === "hidden") return false;
    const cut = place.left < -0.5 || place.right > innerWidth + 0.5;
    return cut && !(cue && getComputedStyle(cue).backgroundImage.includes("gradient")
      && getComputedStyle(cue, "::before").content.includes("Scroll sideways"));
  }).map((one) => `${one.className.baseVal ?? one.className} ${one.textContent.slice(0, 40)}`)"""
SIZES = """() => {
  const drawing = document.querySelector("svg.network"), box = drawing.viewBox.baseVal;
  const scale = drawing.getBoundingClientRect().width / box.width;
  return [...drawing.querySelectorAll("g")].flatMap((node) => [...node.querySelectorAll("text")].map((text) =>
    [scale * parseFloat(getComputedStyle(text).fontSize), text.getComputedTextLength(),
     node.querySelector(".shape").getBBox().width]));
}"""


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_figures_fit_and_nothing_is_cut_without_a_cue(browser: Any, awkward: Path, width: int) -> None:
    """Labels of the network fit and are 11 px or more, what is cut off scrolls with a shade, names are isolated."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(awkward.as_uri())
    _unfold(page)
    sizes = page.evaluate(SIZES)
    assert len(sizes) >= 10
    assert min(size for size, _, _ in sizes) >= 11.0
    assert [] == [one for one in sizes if one[1] > one[2] - 14]
    assert [] == page.evaluate(OUTSIDE)
    assert [] == page.evaluate(LOOSE)
    page.close()


SMALLEST = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), sizes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const range = document.createRange(), holder = node.parentElement, drawing = holder.closest("svg");
    range.selectNodeContents(node);
    if (!node.data.trim() || holder.closest("script, option") || !range.getBoundingClientRect().width) continue;
    const box = drawing?.viewBox.baseVal;
    const scale = box?.width ? drawing.getBoundingClientRect().width / box.width : 1;
    sizes.push([scale * parseFloat(getComputedStyle(holder).fontSize), node.data.trim()]);
  }
  return sizes.sort((one, other) => one[0] - other[0])[0];
}"""
SCROLLING = """() => [...document.querySelectorAll(".scroll")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.getAttribute("aria-label"))"""


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
def test_tables_and_figures_find_room(browser: Any, folder: Path, width: int) -> None:
    """At every width texts have 11 pixels or more, and only the network is wider than its place; it says so."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((folder / "2025-09-01" / "report.html").as_uri())
    _unfold(page)
    size, text = page.evaluate(SMALLEST)
    assert size >= 11.0, text
    assert set(page.evaluate(SCROLLING)) <= {"Drawing of the event network"}
    page.close()


def _moving(data: dict[str, Any]) -> int:
    """Count the states that move a scenario by two points, learned or imposed."""

    def moved(after: dict[str, Any] | None, before: dict[str, Any]) -> bool:
        pairs = zip(after["scenarios"], before["scenarios"], strict=True) if after else ()
        return any(abs(one - other) >= data["unit"] // 50 for one, other in pairs)

    return sum(
        moved(data["learned"].get(f"{v}.{x}"), data["now"])
        or moved(data["imposed"].get(f"{v}.{x}"), data["before"].get(str(v), data["now"]))
        for v, event in enumerate(data["events"])
        for x in range(len(event["states"]))
    )


def test_without_scripts_everything_else_is_there(browser: Any, folder: Path, recorded: Drawn) -> None:
    """With scripts off every section is there, the form is not, and a table holds the single what-ifs."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "2025-09-01" / "report.html").as_uri())
    assert not page.locator("#asking").is_visible()
    assert page.locator("noscript").first.is_visible()
    for n in range(page.locator("h2").count()):
        assert page.locator("h2").nth(n).text_content()
    table = page.locator("[aria-label='Every single what-if'] table")
    told = table.locator("tbody tr").all_text_contents()
    assert len([row for row in told if "(nothing supposed)" not in row]) == _moving(recorded.page["what_if"])
    context.close()


def test_works_by_keyboard(report: Any) -> None:
    """The first stop is the link past the main judgement; it shows itself and leads to the contents."""
    report.keyboard.press("Tab")
    first = report.evaluate("document.activeElement.className")
    assert "skip" == first
    assert report.locator(".skip").bounding_box()["x"] >= 0
    report.keyboard.press("Enter")
    assert report.url.endswith("#contents")


OVERLAPPING = """() => [...document.querySelectorAll(".curve")].filter((one) => {
  const [from, to] = [...one.querySelectorAll(".days span")].map((day) => day.getBoundingClientRect());
  const cell = one.closest("td").getBoundingClientRect();
  return from.right > to.left || [...one.querySelectorAll(".levels span")].some((level) =>
    level.getBoundingClientRect().left < cell.left);
}).length"""
PAPERS = [("A4", 688, 1024), ("letter", 710, 957)]  # pixels within the margins


@pytest.mark.parametrize(("paper", "width", "height"), PAPERS, ids=[name for name, _, _ in PAPERS])
def test_paper_holds_what_comes_first_on_one_page(report: Any, paper: str, width: int, height: int) -> None:
    """On paper all to the end of what to watch stands on the first page; labels of curves keep clear of each other."""
    report.emulate_media(media="print")
    report.set_viewport_size({"width": width, "height": height})
    bottom = report.evaluate("document.querySelector('.next').getBoundingClientRect().bottom")
    assert bottom <= height, paper
    assert report.locator(".curve").count() > 2
    assert 0 == report.evaluate(OVERLAPPING)
    assert width == report.evaluate("document.documentElement.scrollWidth")


def test_a_broad_network_is_printed_last(report: Any) -> None:
    """The page that is turned for a broad drawing ends the print: before it a page would stay half blank."""
    report.emulate_media(media="print")
    report.evaluate("document.querySelector('svg.network').classList.add('broad')")
    bottoms = report.evaluate(
        "[...document.querySelectorAll('main > section')].map((one) => [one.getBoundingClientRect().bottom,"
        " one.querySelector('svg.network') !== null]).sort((one, other) => one[0] - other[0]).map((one) => one[1])"
    )
    assert [True] == [drawing for drawing in bottoms if drawing]
    assert bottoms[-1]


def test_paper_has_one_look(report: Any) -> None:
    """Whoever prints in the dark scheme prints what others print: every colour is the same."""
    names = "[...new Set(document.querySelector('style').textContent.match(/--[\\w-]+(?=: #)/g))]"
    look = f"{names}.map((one) => one + getComputedStyle(document.documentElement).getPropertyValue(one))"
    report.emulate_media(media="print", color_scheme="light")
    light = report.evaluate(look)
    report.emulate_media(media="print", color_scheme="dark")
    assert len(light) > 15
    assert light == report.evaluate(look)


def test_nothing_printed_is_a_sign_of_the_screen(report: Any) -> None:
    """On paper no folded section has a sign for opening it, and no table asks to be scrolled."""
    report.set_viewport_size({"width": 390, "height": 900})
    _unfold(report)
    report.emulate_media(media="print")
    signs = "[...document.querySelectorAll('{}')].map((one) => getComputedStyle(one, '::before').content)"
    assert {"none"} == set(report.evaluate(signs.format(".folded > summary")))
    assert {"none"} == set(report.evaluate(signs.format(".scroll")))


def test_prints(report: Any) -> None:
    """In print the form and the contents are left out, and nothing is wider than the paper."""
    report.emulate_media(media="print")
    assert not report.locator("nav").is_visible()
    assert not report.locator("#asking").is_visible()
    report.set_viewport_size({"width": 794, "height": 1123})
    assert 794 == report.evaluate("document.documentElement.scrollWidth")
    tables = report.evaluate(
        "[...document.querySelectorAll('table.stack')].map((one) => getComputedStyle(one).display)"
    )
    assert {"table"} == set(tables), "paper has the tables of a desk, not those of a telephone"
    assert 0 <= report.evaluate(
        "Math.min(...[...document.querySelectorAll('.axis span')].map((one) => one.firstChild ? (() => {"
        " const range = document.createRange(); range.selectNodeContents(one);"
        " return range.getBoundingClientRect().left; })() : 0))"
    )
    assert np.frombuffer(report.pdf(format="A4")[:4], dtype=np.uint8).tobytes() == b"%PDF"
