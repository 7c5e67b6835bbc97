"""The drawn report, as the tests of the page have it."""

from __future__ import annotations

from tests.report.conftest import drawn

__all__ = ["drawn"]
