"""What an Admiralty grade says about a source before its reports are compared with anything: a convention."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Letter = Literal["A", "B", "C", "D", "E", "F"]
LETTERS: tuple[Letter, ...] = get_args(Letter)


class Grade(NamedTuple):
    """A Beta prior of a source's reliability: `mean`, and `certainty` as a number of reports already seen (a + b)."""

    mean: float
    certainty: float


# No likelihood ratios have been published for these grades. A workspace may put evidence/grades.yaml in their place.
# F cannot be judged: every reliability is as probable as any other.
DEFAULT_GRADES: dict[Letter, Grade] = {
    "A": Grade(0.95, 20.0),
    "B": Grade(0.85, 20.0),
    "C": Grade(0.7, 20.0),
    "D": Grade(0.5, 20.0),
    "E": Grade(0.3, 20.0),
    "F": Grade(0.5, 2.0),
}
