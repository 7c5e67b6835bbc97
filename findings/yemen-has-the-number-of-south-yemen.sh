#!/usr/bin/env bash
# Gleditsch and Ward's numbers: Yemen, Vietnam and Czechia have those of South Yemen, South Vietnam and Czechoslovakia.
set -euo pipefail

python=$(sh "$(dirname "$0")/../tools/find-python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: \
    country-converter==1.3.2 pandas==2.3.3 numpy==2.5.5

cd "$scratch"
venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

from country_converter import CountryConverter

# The number of the state of today, and the number and the last day of another, in the list of Gleditsch and Ward.
STATES = {
    "Yemen": (678, 680, "1990-05-21"),
    "Vietnam": (816, 817, "1975-04-30"),
    "Czechia": (316, 315, "1992-12-31"),
}

logging.disable()  # a number that it does not know is told as it returns
print(f"package:  country-converter {version('country-converter')}, classification GWcode")
print("expected: the numbers of Gleditsch and Ward's list of independent states, which UCDP's files have as country_id")
convert = CountryConverter().convert
seen = {name: int(convert(name, to="GWcode")) for name in STATES}
for name, (today, other, last) in STATES.items():
    print(f"seen:     {name} is {seen[name]}, a state that ended on {last}; its own number is {today}")
back = {name: convert(today, src="GWcode", to="name_short", not_found=None) for name, (today, _, _) in STATES.items()}
print(f"seen:     the names of {', '.join(str(today) for today, _, _ in STATES.values())}: {list(back.values())}")
others = {name: int(convert(name, to="GWcode")) for name in ("Germany", "Serbia", "Slovakia", "Ukraine")}
print(f"seen:     as in the list: {others}")
right = (
    seen == {name: other for name, (_, other, _) in STATES.items()}
    and others == {"Germany": 260, "Serbia": 340, "Slovakia": 317, "Ukraine": 369}
    and not set(back.values()) & set(STATES)
)
sys.exit(0 if right else "no longer as described")
PYTHON
