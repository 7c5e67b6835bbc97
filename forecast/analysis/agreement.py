"""How far coders of the same remarks agree: Krippendorff's alpha of their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from forecast.sampling.readings import coded_numbers
from forecast.workspace.records import Statement, Workspace


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Remarks that were coded more than once, by whom, and how far the codings agree.

    `alpha` is Krippendorff's for interval data, on the log-odds of the probabilities that were coded (`remarks` of
    them; ratios are on another scale and left out): 1 where coders agree, 0 where they differ as numbers of different
    remarks do; None of fewer than two remarks, and where all numbers are one. `apart` is the mean distance of two
    codings of one remark, in log-odds.
    """

    remarks: int
    coders: tuple[str, ...]
    alpha: float | None
    apart: float

    def __str__(self) -> str:
        """Tell it in a sentence, without its stop."""
        n, what = self.remarks, "remark was" if self.remarks == 1 else "remarks were"
        alpha = "too few or too alike for an alpha" if self.alpha is None else f"Krippendorff's alpha {self.alpha:.2f}"
        return f"{n} {what} coded by {', '.join(self.coders)}: {alpha}, {self.apart:.2f} log-odds apart on average"


def agreement(workspace: Workspace, statements: Iterable[Statement]) -> Agreement | None:
    """Compare the coders of some statements; None where no probability was coded twice."""
    units: list[list[float]] = []
    coders: set[str] = set()
    for statement in statements:
        codings = coded_numbers(statement, workspace.experts, workspace.network)
        if len(codings) > 1 and codings[0].against is None:
            units.append([one.location for one in codings])
            coders.update(statement.coders)
    if not units:
        return None
    pairs = [abs(one - other) for unit in units for one, other in combinations(unit, 2)]
    alpha = krippendorff_alpha(units)
    return Agreement(remarks=len(units), coders=tuple(sorted(coders)), alpha=alpha, apart=sum(pairs) / len(pairs))


def krippendorff_alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Compute Krippendorff's alpha for interval data, 1 - D_o / D_e.

    D_o is the mean squared difference of values of one unit, each unit's pairs over its values but one; D_e that of all
    values that can be paired. Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.

    Args:
        units: the values of each unit, by however many coders; units with one value are left out.

    Returns None for fewer than two units with two values, and where all values are equal.
    """
    paired = [unit for unit in units if len(unit) > 1]
    values = [value for unit in paired for value in unit]
    n = len(values)
    expected = (
        sum((one - other) ** 2 for one, other in combinations(values, 2)) * 2.0 / (n * (n - 1.0)) if n > 1 else 0.0
    )
    if len(paired) < 2 or expected == 0.0:
        return None
    observed = sum(
        2.0 * sum((one - other) ** 2 for one, other in combinations(unit, 2)) / (len(unit) - 1.0) for unit in paired
    )
    return 1.0 - observed / n / expected
