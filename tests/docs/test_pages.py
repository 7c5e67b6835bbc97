"""All pages: links lead somewhere, and the list of commands names every command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forecast.commands.main import COMMANDS
from tests.docs.pages import ROOT

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")))


def _headings(path: Path) -> set[str]:
    """Return the anchors of a page, by the rule of the usual viewers."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def _leads_somewhere(page: str, link: str) -> bool:
    target, _, anchor = link.partition("#")
    path = (ROOT / page).parent / target if target else ROOT / page
    return path.exists() and (not anchor or anchor in _headings(path))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page names a file that exists, and a heading that is in it."""
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [] == [link for link in local if not _leads_somewhere(page, link)]


def test_every_document_is_linked_from_the_readme() -> None:
    """Each page below docs/ is reached from the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [] == [page for page in PAGES if page.startswith("docs/") and f"({page}" not in text]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_names_every_command(name: str) -> None:
    """Each command of the command line stands in the list at the top of docs/commands.md."""
    listed = (ROOT / "docs/commands.md").read_text(encoding="utf-8").split("\n## ")[0]
    assert f"`forecast {name}" in listed


def test_the_readme_is_short() -> None:
    """The README stays under 120 lines and links the list of commands; everything deeper is below docs/."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 120
    assert "(docs/commands.md)" in text
