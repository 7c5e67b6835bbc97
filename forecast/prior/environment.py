"""Where numbers were computed: what may turn a last digit, and what a forecast computed elsewhere is compared by.

Draws are the same bytes on every x86-64 processor with FMA, given the same packages and C library. What is computed
from them by numpy's vector loops and by BLAS may differ in the last digits of a double.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Environment = dict[str, str]

FEATURES = ("fma", "avx2", "avx512f", "avx512_vnni", "neon", "asimd", "sve")  # of a processor, as Linux names them
# Settings that give a processor another compiler target, BLAS kernel or vector loop than its own.
OVERRIDES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")


@cache
def environment() -> Environment:
    """Return what this process computes on: `processor`, `c_library`, `blas`, `python`."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return {
        "processor": " ".join([platform.machine(), *_features()]),
        "c_library": " ".join(filter(None, platform.libc_ver())) or platform.system(),
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "python": platform.python_version(),
    }


def overrides() -> Environment:
    """Return the settings of this process's environment under which a processor is not taken as it is."""
    return {name: os.environ[name] for name in OVERRIDES if name in os.environ}


def _features() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []  # no Linux: the kind of machine must do
    known = {word for line in text.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}
    return [name for name in FEATURES if name in known]


def unlike(told: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Name what two environments (or tables of versions) differ in, each with both values."""
    names = [name for name in sorted({*told, *here}) if told.get(name) != here.get(name)]
    return [
        f"{name.replace('_', ' ')} {told.get(name, 'not recorded')}, here {here.get(name, 'none')}" for name in names
    ]
