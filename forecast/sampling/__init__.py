"""Stage 1: statements as numbers, the PyMC model, NUTS, draws.

Importing this decides, before PyTensor is imported, where it keeps machine code: in the environment's own folder, which
set-up has filled (`tools/precompile.py`), unless the user has said otherwise or may not write there. What lies in
that folder is loaded as code, so it must be nobody's who could not change the environment itself.
"""

import os
import sys

COMPILED = os.path.join(sys.prefix, "var", "cache", "pytensor")  # noqa: PTH118  # pathlib is slow to start


def compiled_code_flag() -> str:
    """Return the setting that keeps PyTensor's machine code in this virtual environment; empty to leave it as it is.

    It stays as it is where PYTENSOR_FLAGS or a configuration file may name a folder, outside of a virtual environment,
    and where this user may not write to it (then PyTensor's own folder below the user's home is used).
    """
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    is_set = "compiledir" in flags or os.path.exists(os.path.expanduser(os.environ.get("PYTENSORRC", "~/.pytensorrc")))  # noqa: PTH110, PTH111
    if is_set or sys.prefix == sys.base_prefix or "," in COMPILED:
        return ""
    deepest = next(path for path in (os.path.join(COMPILED, "numba"), COMPILED, sys.prefix) if os.path.exists(path))  # noqa: PTH110, PTH118
    return f"base_compiledir={COMPILED}" if os.access(deepest, os.W_OK) else ""


if flag := compiled_code_flag():
    os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, (os.environ.get("PYTENSOR_FLAGS"), flag)))
