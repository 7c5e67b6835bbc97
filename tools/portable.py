"""The fit of the example workspace on several kinds of processor: the same draws, to the last bit? `make portable`

Each setting runs in a process of its own with fresh caches. NUMBA_CPU_NAME is what machine code is compiled for,
OPENBLAS_CORETYPE the kernels of BLAS, NPY_DISABLE_CPU_FEATURES what numpy's loops may not use. Where qemu-x86_64 is
installed, a processor without AVX-512 is emulated too (--emulate; about half an hour).

Draws and their digests must be equal; the forecast, which is weighed by numpy and BLAS, within 1e-12.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

WITHOUT = "X86_V4 AVX512_ICL AVX512_SPR X86_V3"  # numpy 2.5's names for what is newer than SSE 4.2
SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {"NUMBA_CPU_NAME": "generic", "OPENBLAS_CORETYPE": "Haswell"},
    {"NUMBA_CPU_NAME": "haswell", "NPY_DISABLE_CPU_FEATURES": WITHOUT},
    {"OPENBLAS_CORETYPE": "Sandybridge", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"},
)
WITH_AVX512 = ({"NUMBA_CPU_NAME": "skylake-avx512", "OPENBLAS_CORETYPE": "SkylakeX"},)
EMULATED = ("qemu-x86_64", "-cpu", "Haswell")
AS_OF = date(2026, 7, 31)
CLOSE = 1e-12  # of a probability


def computed(folder: Path) -> dict[str, Any]:
    """Forecast the example in a folder without any cache.

    Returns the draws' digest, the digest of their bytes, the scenarios, and the loops that numpy has beside its oldest.
    """
    import numpy as np

    from forecast.pipeline import conclude
    from forecast.session import Session

    update = conclude(Session(folder, AS_OF, AS_OF))
    draws = update.outcome.posterior.draws
    content = hashlib.sha256(np.ascontiguousarray(draws.theta).tobytes())
    for _, values in sorted(draws.fit()[0].items()):
        content.update(np.ascontiguousarray(values).tobytes())
    scenarios = [share.probability for share in update.line.scenarios]
    config: Any = np.show_config(mode="dicts")
    loops = config["SIMD Extensions"].get("found", [])
    return {"digest": draws.digest, "draws": content.hexdigest(), "scenarios": scenarios, "loops": loops}


def run(setting: dict[str, str], *, emulator: Sequence[str] = ()) -> dict[str, Any]:
    """Compute the example under a setting in a process of its own, in fresh caches."""
    with TemporaryDirectory() as scratch:
        caches = {"PYTENSOR_FLAGS": f"base_compiledir={scratch}/pytensor", "NUMBA_CACHE_DIR": f"{scratch}/numba"}
        clean = {name: value for name, value in os.environ.items() if name not in {*WITH_AVX512[0], *SETTINGS[2]}}
        here = {**clean, **caches, **setting, "OPENBLAS_NUM_THREADS": "2"}
        python = [*emulator, sys.executable]
        subprocess.run(
            [sys.executable, "-m", "forecast", "init", f"{scratch}/w"], env=here, check=True, stdout=subprocess.DEVNULL
        )
        finished = subprocess.run(
            [*python, __file__, "--one", f"{scratch}/w"], env=here, check=True, stdout=subprocess.PIPE, text=True
        )
        result: dict[str, Any] = json.loads(finished.stdout)
        return result


def main() -> None:
    """Run every setting and compare; exit 1 where draws differ, or forecasts beyond the last digits."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--emulate", action="store_true", help="also on an emulated processor without AVX-512")
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(computed(chosen.one)))
        return
    from forecast.sampling.draws import environment

    avx512 = WITH_AVX512 if "avx512f" in environment()["processor"].split() else ()
    runs: list[tuple[dict[str, str], Sequence[str]]] = [(setting, ()) for setting in (*SETTINGS, *avx512)]
    if chosen.emulate:
        if shutil.which(EMULATED[0]) is None:
            sys.exit(f"{EMULATED[0]} is not installed")
        runs.append(({}, EMULATED))
    first, failed = None, False
    print(f"{'digest':16} {'draws':16} {'forecast differs by':>20}  setting")
    for setting, emulator in runs:
        found = run(dict(setting), emulator=emulator)
        first = first or found
        off = max(abs(a - b) for a, b in zip(first["scenarios"], found["scenarios"], strict=True))
        if set(found["loops"]) & set(setting.get("NPY_DISABLE_CPU_FEATURES", "").split()):
            sys.exit(f"numpy did not switch off {found['loops']}: its names have changed")
        failed |= found["digest"] != first["digest"] or found["draws"] != first["draws"] or off > CLOSE
        named = " ".join([*emulator, *(f"{name}={value!r}" for name, value in setting.items())]) or "as it is"
        print(f"{found['digest'][:16]} {found['draws'][:16]} {off:20.1e}  {named}", flush=True)
    sys.exit("draws or forecasts differ between these settings" if failed else 0)


if __name__ == "__main__":
    main()
