"""Draw docs/sample-report.html, the report of the latest forecast as a page that stands alone: `make sample`."""

from __future__ import annotations

from pathlib import Path

from forecast.commands.running import Progress
from forecast.publish import material
from forecast.report.page import report_files
from forecast.run_again import recorded
from forecast.session import Session

ROOT = Path(__file__).parents[1]
SAMPLE = Path(__file__).with_name("sample-report.html")


def main() -> None:
    """Draw the page of the last line of the ledger and leave out links to pages that are not beside it."""
    progress = Progress()
    asked = recorded(Session(ROOT, progress=progress))
    page = report_files(material(asked, progress), progress)["report.html"]
    progress.done()
    SAMPLE.write_bytes(page)
    print(f"{SAMPLE.relative_to(ROOT)}: {len(page) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
