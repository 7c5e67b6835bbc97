"""Nothing of the user's own settings reaches a test, nor a process that a test starts; no test is timed."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

# What colours or widens output, or lets git look elsewhere.
UNWANTED = ("COLUMNS", "LINES", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE")
OF_GIT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS")

# How long an example takes, or the drawing of it, tells of what else the machine does.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Settle the environment before any test is imported; the workers of a run have it from the process above them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    for name in (*UNWANTED, *OF_GIT):
        os.environ.pop(name, None)
    nowhere = tempfile.TemporaryDirectory(prefix="no-settings-")
    config.add_cleanup(nowhere.cleanup)
    # Matplotlib, ArviZ and git look for settings there. The caches of fonts and of machine code stay where they are.
    os.environ |= {"XDG_CONFIG_HOME": nowhere.name, "MATPLOTLIBRC": os.devnull, "MPLBACKEND": "agg"}
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
