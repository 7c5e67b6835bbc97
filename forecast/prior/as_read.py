"""What a statement is read as, in one line: the numbers that enter the model."""

from __future__ import annotations

from math import exp

from forecast.digits import DERIVED, exact, exact_at, plain
from forecast.prior.readings import Counted, Numbers, Ordered, Stated, StatedDistribution
from forecast.workspace.fits import expit, t4_quantile

SHOWN_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def quantile(said: Stated, level: float) -> float:
    """Return a quantile of what was stated, before anybody's own noise: a probability, or a ratio."""
    place = _place(said, level)
    return exp(place) if said.against is not None else expit(place)


def levels(said: Stated) -> str:
    """Write the quantiles of a stated probability at SHOWN_LEVELS."""
    return ", ".join(f"{exact(level)} below {exact_at(_place(said, level), DERIVED)}" for level in SHOWN_LEVELS)


def _place(said: Stated, level: float) -> float:
    return said.location + said.scale * t4_quantile(level)


def as_read(said: Numbers) -> str:
    """Write numbers on the log-odds scale for a reader, with the 90 % interval that they leave."""
    match said:
        case Stated(location, scale, of_odds, against):
            if against is None:
                ends = [exact_at(_place(said, level), DERIVED) for level in (0.05, 0.95)]
                spread = f"{ends[0].removesuffix(' %')} to {ends[1]}"
                return f"log-odds {location:.2f}, sd {scale:.2f}: {exact_at(location)}, 90 % in {spread}"
            low, middle, high = (quantile(said, level) for level in (0.05, 0.5, 0.95))
            what = "odds" if of_odds else "probability"
            ratio = f"{plain(middle, 3)} times the {what}, 90 % in {plain(low, 2)} to {plain(high, 2)}"
            return f"log of the ratio {location:.2f}, sd {scale:.2f}: {ratio}"
        case StatedDistribution(probabilities, scale):
            return f"{' / '.join(map(exact, probabilities))}, sd {scale:.2f} of each log-ratio"
        case Counted(happened, of, exponent, stays):
            power = f"P^{exponent:.3g}" if stays else f"1 - (1 - P)^{exponent:.3g}"
            case = "P" if exponent == 1.0 else power
            return f"{happened} of {of} cases, each with probability {case}"
        case Ordered(_, scale):
            return f"a difference of log-odds above 0, with a slip of logistic scale {scale:.2f}"
