"""What a statement is read as, in one line: the numbers that enter the model."""

from __future__ import annotations

from math import exp

from forecast.prior.readings import Counted, Numbers, Ordered, Stated, StatedDistribution
from forecast.workspace.log_odds import expit, t4_quantile

SHOWN_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def quantile(said: Stated, level: float) -> float:
    """Return a quantile of what was stated, before anybody's own noise: a probability, or a ratio."""
    place = said.location + said.scale * t4_quantile(level)
    return exp(place) if said.against is not None else expit(place)


def as_read(said: Numbers) -> str:
    """Write numbers on the log-odds scale for a reader, with the 90 % interval that they leave."""
    match said:
        case Stated(location, scale, of_odds, against):
            low, middle, high = (quantile(said, level) for level in (0.05, 0.5, 0.95))
            if against is None:
                return f"log-odds {location:.2f}, sd {scale:.2f}: {_percent(middle)}, 90 % in {_range(low, high)}"
            what = "odds" if of_odds else "probability"
            ratio = f"{middle:.3g} times the {what}, 90 % in {low:.2g} to {high:.2g}"
            return f"log of the ratio {location:.2f}, sd {scale:.2f}: {ratio}"
        case StatedDistribution(probabilities, scale):
            return f"{' / '.join(map(_percent, probabilities))}, sd {scale:.2f} of each log-ratio"
        case Counted(happened, of, exponent, stays):
            power = f"P^{exponent:.3g}" if stays else f"1 - (1 - P)^{exponent:.3g}"
            case = "P" if exponent == 1.0 else power
            return f"{happened} of {of} cases, each with probability {case}"
        case Ordered(_, scale):
            return f"a difference of log-odds above 0, with a slip of logistic scale {scale:.2f}"


def _percent(probability: float) -> str:
    return f"{100.0 * probability:.3g} %"


def _range(low: float, high: float) -> str:
    return f"{100.0 * low:.2g} to {100.0 * high:.2g} %"
