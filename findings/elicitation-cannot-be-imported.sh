#!/usr/bin/env bash
# A plain install of PreliZ cannot be imported: it opens arviz_base, which nothing that it requires brings along.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    preliz==0.28.0 arviz_stats==1.3.3 pytensor==3.3.8 numpy==2.5.5 scipy==1.18.1

"$scratch/venv/bin/python" - <<'PYTHON'
import sys
import warnings
from importlib.metadata import requires, version

warnings.simplefilter("ignore")
needed = [one for one in requires("preliz") if "extra ==" not in one]
print(f"package:  preliz {version('preliz')}, which requires {', '.join(sorted(needed))}")
print("expected: what is installed with its requirements can be imported")
try:
    import preliz  # noqa: F401
except ModuleNotFoundError as error:
    seen = str(error)
else:
    seen = "it is imported"
print(f"seen:     {seen}; arviz_stats brings arviz_base with its extra 'xarray' alone")
sys.exit(0 if seen == "No module named 'arviz_base'" else "no longer as described")
PYTHON
