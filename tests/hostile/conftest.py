"""The fitted example, as the tests of the commands have it."""

from __future__ import annotations

from tests.commands.conftest import template

__all__ = ["template"]
