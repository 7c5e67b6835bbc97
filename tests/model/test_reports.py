"""How unsettled evidence is weighed: sources, copies, wear."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.inference.batch import solve
from forecast.inference.elimination import plan
from forecast.model.asof import compile_workspace, factors
from forecast.model.layout import lay_out
from forecast.model.reports import Report, informative_probability
from forecast.workspace.records import Bearing, Claim, Item, Likelihood, Network, Settled, Support
from forecast.workspace.renames import DEFAULT_GRADES
from tests.worlds import HERE, HORIZON, OPENS, event, item, network, workspace

Array = NDArray[np.float64]
DAY = date(2025, 7, 2)
HALF = network(event("fact", "constant"))


def says(name: str, yes: float, no: float = 1.0, until: date | None = None) -> Likelihood:
    """A likelihood of a yes-or-no event."""
    return Likelihood(name, {"no": no, "yes": yes}, until, HERE)


def reports(net: Network, *items: Item, as_of: date = HORIZON, watched: date | None = None) -> dict[str, Report]:
    """The weighed reports by item."""
    compiled = compile_workspace(lay_out(net), workspace(net, items=items, watched_until=watched), as_of)
    return {report.item: report for report in compiled.reports}


def marginals(net: Network, theta: Array, *items: Item) -> list[Array]:
    """P(state) of each event, one draw, at the horizon."""
    compiled = compile_workspace(lay_out(net), workspace(net, items=items), HORIZON)
    tables, _ = factors(compiled, theta)
    return [m[:, 0, 0] for m in solve(plan(compiled.cards, compiled.scopes), tables).marginals]


@pytest.mark.parametrize("mean", [0.95, 0.85, 0.7, 0.5, 0.3])
@pytest.mark.parametrize(("credibility", "shift"), [(1, 1.0), (2, 0.5), (3, 0.0), (4, -0.5), (5, -1.0)])
def test_informative_probability(mean: float, credibility: int, shift: float) -> None:
    """The log-odds of q are those of r plus kappa."""
    q = informative_probability(mean, credibility)
    assert log(mean / (1 - mean)) + shift == pytest.approx(log(q / (1 - q)))


@pytest.mark.parametrize("mean", [0.95, 0.85, 0.7, 0.5, 0.3])
def test_credibility_that_cannot_be_judged(mean: float) -> None:
    """The shift of credibility 6 is standard normal: q is the mean over it."""
    z = np.random.default_rng(3).normal(size=2_000_000)
    drawn = 1.0 / (1.0 + np.exp(-log(mean / (1 - mean)) - z))
    assert drawn.mean() == pytest.approx(informative_probability(mean, 6), abs=5e-4)


def test_grade_that_cannot_be_judged() -> None:
    """Grade F is flat: even odds on average, whatever is known of the item."""
    assert (0.5, 2.0) == DEFAULT_GRADES["F"]
    assert informative_probability(0.5, 3) == pytest.approx(0.5)
    assert informative_probability(0.5, 6) == pytest.approx(0.5)


def test_mixture_of_one_report() -> None:
    """P(i|x) = q lambda(x) + (1 - q) mean lambda, lambda scaled to a maximum of 1."""
    table = reports(HALF, item("one", DAY, says("fact", 8.0, 2.0)))["one"].table
    assert [0.85 * 0.25 + 0.15 * 0.625, 0.85 * 1.0 + 0.15 * 0.625] == pytest.approx(table.tolist())


def ratio(found: dict[str, Report]) -> float:
    """P(all reports | yes) / P(all reports | no)."""
    return float(np.prod([report.table[1] / report.table[0] for report in found.values()]))


def test_ten_copies() -> None:
    """Ten copies of a report of ratio 9 count 10.75, not 9^10."""
    # The likelihood whose mixture with q = .85 has ratio 9: (.85 + .15 m) / (.85 x + .15 m) = 9 with m = (1 + x) / 2.
    x = (0.85 + 0.075 - 9 * 0.075) / (9 * (0.85 + 0.075) - 0.075)
    copies = [item(f"copy-{n}", DAY, says("fact", 1.0, x), group="wire") for n in range(10)]
    assert ratio(reports(HALF, copies[0])) == pytest.approx(9.0)
    assert ratio(reports(HALF, *copies)) == pytest.approx(10.75, abs=0.01)


def test_rank_is_by_strength_then_by_id() -> None:
    """The strongest of a group counts in full, the k-th keeps q (1 - rho)^(k-1); equals go by id."""
    found = reports(
        HALF,
        item("a", DAY, says("fact", 2.0), group="g", rho=0.5),
        item("d", DAY, says("fact", 9.0), group="g", rho=0.8),
        item("c", DAY, says("fact", 9.0), group="g", rho=0.8),
        item("alone", DAY, says("fact", 2.0)),
    )
    assert {"c": 0, "d": 1, "a": 2, "alone": 0} == {name: report.copy for name, report in found.items()}
    q = {"c": 0.85, "d": 0.85 * 0.2, "a": 0.85 * 0.25, "alone": 0.85}
    assert q == pytest.approx({name: report.informative for name, report in found.items()})


def test_strength_counts_the_source() -> None:
    """A strong likelihood from a weak source ranks below a plainer one from a good source."""
    found = reports(
        HALF,
        item("weak", DAY, says("fact", 20.0), group="g", source="blog", credibility=5),
        item("good", DAY, says("fact", 6.0), group="g", source="agency", credibility=1),
    )
    assert {"good": 0, "weak": 1} == {name: report.copy for name, report in found.items()}


def test_contradiction_starts_its_own_group() -> None:
    """Reports with another best state are no copies of each other: both count in full."""
    found = reports(
        HALF,
        item("yes-1", DAY, says("fact", 9.0), group="g"),
        item("no", DAY, says("fact", 0.2), group="g"),
        item("yes-2", DAY, says("fact", 3.0), group="g"),
    )
    assert {"yes-1": 0, "no": 0, "yes-2": 1} == {name: report.copy for name, report in found.items()}


ON_TWO = network(event("one", "constant", ("a", "b", "c")), event("two", "constant", ("a", "b", "c")))
RATIOS = st.fixed_dictionaries({state: st.sampled_from([0.2, 0.5, 1.0]) for state in "abc"})


@given(said=st.lists(st.dictionaries(st.sampled_from(["one", "two"]), RATIOS, min_size=1), min_size=2, max_size=9))
@settings(deadline=None)
def test_rank_in_a_group_member_by_member(said: list[dict[str, dict[str, float]]]) -> None:
    """Each member in the order of strength joins the first voice that it contradicts nowhere, and narrows it."""
    members = {
        f"i{place}": [Likelihood(name, ratios, None, HERE) for name, ratios in parts.items()]
        for place, parts in enumerate(said)
    }
    alone = {name: reports(ON_TWO, item(name, DAY, *parts))[name].decibans for name, parts in members.items()}
    voices: list[tuple[dict[str, set[str]], list[str]]] = []
    ranks = {}
    for name in sorted(members, key=lambda one: (-alone[one], one)):
        best = {
            part.event: {state for state, ratio in part.ratios.items() if ratio == max(part.ratios.values())}
            for part in members[name]
        }
        near = [
            voice
            for voice in voices
            if (shared := best.keys() & voice[0].keys()) and all(best[one] & voice[0][one] for one in shared)
        ]
        if not near:
            voices.append(({}, []))
        agreed, heard = near[0] if near else voices[-1]
        agreed |= {one: states & agreed.get(one, states) for one, states in best.items()}
        ranks[name] = len(heard)
        heard += [name] * (alone[name] > 0.0)
    found = reports(ON_TWO, *(item(name, DAY, *parts, group="g") for name, parts in members.items()))
    assert ranks == {name: report.copy for name, report in found.items()}


@pytest.mark.parametrize("states", [("low", "middle", "high"), ("high", "middle", "low"), ("middle", "low", "high")])
def test_a_tie_is_no_contradiction(states: tuple[str, ...]) -> None:
    """A report that favours two states agrees with one that favours either, in whatever order the states stand."""
    net = network(event("fact", "constant", states))
    ratios = {"low": 0.1, "middle": 0.3, "high": 1.0}
    found = reports(
        net,
        item("at-least", DAY, Support("fact", "strong", ("middle", "high"), None, HERE), group="g"),
        item("high", DAY, Likelihood("fact", {s: ratios[s] for s in states}, None, HERE), group="g"),
    )
    assert {"at-least": 1, "high": 0} == {name: report.copy for name, report in found.items()}


def test_uninformative_copy_weakens_nothing() -> None:
    """A copy that says nothing leaves the others as they are."""
    strong = [item(f"s{n}", DAY, says("fact", 9.0 - n), group="g") for n in range(3)]
    without = reports(HALF, *strong)
    found = reports(HALF, *strong, item("a-nothing", DAY, says("fact", 1.0), group="g"))
    assert [1.0, 1.0] == pytest.approx(found.pop("a-nothing").table.tolist())
    assert {n: r.table.tolist() for n, r in without.items()} == {n: r.table.tolist() for n, r in found.items()}


def test_refuting_one_part_discredits_the_other() -> None:
    """An item on two events is informative about both or about neither."""
    net = network(event("one", "constant"), event("two", "constant"))
    theta = np.full((lay_out(net).n_theta, 1), 0.5)
    both = item("both", DAY, says("one", 9.0), says("two", 9.0))
    refuted = item("refuted", DAY, Settled("one", "no", HERE))
    before, after = marginals(net, theta, both)[1][1], marginals(net, theta, both, refuted)[1][1]
    q, m = 0.85, 5.0 / 9.0
    joint = {(a, b): q * a * b + (1 - q) * m * m for a in (1 / 9, 1.0) for b in (1 / 9, 1.0)}
    assert sum(joint[a, 1.0] for a in (1 / 9, 1.0)) / sum(joint.values()) == pytest.approx(before)
    assert joint[1 / 9, 1.0] / (joint[1 / 9, 1.0] + joint[1 / 9, 1 / 9]) == pytest.approx(after)
    assert 0.5 < after < before


# Wear. A dated event, seen on 2 July 2025 (547 days of the window are left)

AHEAD = (HORIZON - DAY).days


def vector(kind: str, bearing: Bearing, reported: date, as_of: date, watched: date | None = None) -> list[float]:
    """P(report | x) of one bearing from a source with q = .85."""
    net = network(event("thing", kind, persistence_days=200.0))  # type: ignore[arg-type]  # a kind
    found = reports(net, item("one", reported, bearing), as_of=as_of, watched=watched)
    values: list[float] = found["one"].table.tolist()
    return values


def mixed(lambda_no: float, lambda_yes: float, mean: float) -> list[float]:
    """The mixture with q = .85."""
    return [0.85 * lambda_no + 0.15 * mean, 0.85 * lambda_yes + 0.15 * mean]


@pytest.mark.parametrize("kind", ["reached", "status"])
@pytest.mark.parametrize(
    ("until", "days"), [(None, 180), (DAY + timedelta(days=60), 60), (DAY, 0), (DAY + timedelta(days=9999), AHEAD)]
)
def test_a_report_about_the_future_wears_off(kind: str, until: date | None, days: int) -> None:
    """The share left is min(1, (until - a) / (H - a)); until is 180 days after the report unless given."""
    share = days / AHEAD
    now = 0.2  # the event is in its first state
    expected = mixed(now, now + share * (1.0 - now), 0.6)
    assert expected == pytest.approx(vector(kind, says("thing", 1.0, 0.2, until), DAY, DAY))


def test_wear_goes_on_while_time_passes() -> None:
    """The as-of date, and no later than the news was watched, decides how much of a report is left."""
    later = DAY + timedelta(days=100)
    share = 80 / (AHEAD - 100)
    worn = mixed(0.2, 0.2 + share * 0.8, 0.6)
    assert worn == pytest.approx(vector("reached", says("thing", 1.0, 0.2), DAY, later))
    assert worn == pytest.approx(vector("reached", says("thing", 1.0, 0.2), DAY, later + timedelta(days=50), later))
    gone = vector("reached", says("thing", 1.0, 0.2), DAY, DAY + timedelta(days=180))
    assert mixed(0.2, 0.2, 0.6) == pytest.approx(gone)


def test_a_constant_never_wears() -> None:
    """What is said of a constant counts in full for ever."""
    assert mixed(0.2, 1.0, 0.6) == pytest.approx(vector("constant", says("thing", 1.0, 0.2, DAY), DAY, HORIZON))


CLAIM = Claim("thing", "yes", HERE)


def test_claims_that_are_open() -> None:
    """An open claim of a step fades evenly over 90 days of watched news; of a status with the days to the horizon."""
    for watched, share in [(0, 1.0), (30, 2 / 3), (90, 0.0), (300, 0.0)]:
        found = vector("reached", CLAIM, DAY, HORIZON, DAY + timedelta(days=watched))
        assert mixed(0.0, share, 0.5) == pytest.approx(found)
    later = DAY + timedelta(days=300)
    assert mixed(0.0, 1.0, 0.5) == pytest.approx(vector("reached", CLAIM, DAY, later, OPENS))
    assert mixed(0.0, exp(-AHEAD / 200.0), 0.5) == pytest.approx(vector("status", CLAIM, DAY, later))
    assert mixed(0.0, 1.0, 0.5) == pytest.approx(vector("constant", CLAIM, DAY, later))


def judged(kind: str, claimed: date, *settled: tuple[date, str], happened: date | None = None) -> list[float]:
    """P(claim of `yes` | x) once it is settled when the event was in which state."""
    net = network(event("thing", kind, persistence_days=200.0))  # type: ignore[arg-type]  # a kind
    items = [item(f"z{day}", day, Settled("thing", state, HERE)) for day, state in settled]
    found = reports(net, item("one", claimed, CLAIM, happened=happened), *items)
    values: list[float] = found["one"].table.tolist()
    return values


TRUE, FALSE = mixed(1.0, 1.0, 0.5), mixed(0.0, 0.0, 0.5)


@pytest.mark.parametrize(("late", "table"), [(-1, TRUE), (0, TRUE), (1, FALSE), (200, FALSE)])
def test_a_claim_is_compared_with_the_day_of_the_step(late: int, table: list[float]) -> None:
    """Sooner or later true is not true: before the day of the step a claim was false, whatever happened since."""
    step = DAY + timedelta(days=late)
    assert table == pytest.approx(judged("reached", DAY, (step, "yes")))
    assert table == pytest.approx(judged("reached", DAY + timedelta(days=40), (step, "yes"), happened=DAY))


@pytest.mark.parametrize(
    ("spells", "table"),
    [
        ([(-9, "yes")], TRUE),
        ([(-9, "yes"), (9, "no")], TRUE),
        ([(-9, "yes"), (-2, "no"), (9, "yes")], FALSE),
        ([(1, "yes")], FALSE),
        ([(-9, "yes"), (-2, "no")], None),
        ([(-9, "yes"), (0, "no")], None),
    ],
)
def test_a_claim_of_a_status_is_compared_with_the_spell_of_its_day(
    spells: list[tuple[int, str]], table: list[float] | None
) -> None:
    """The spell on the day of the claim says whether it was true; the present spell is silence and refutes nothing."""
    found = judged("status", DAY, *((DAY + timedelta(days=n), state) for n, state in spells))
    assert (mixed(0.0, exp(-AHEAD / 200.0), 0.5) if table is None else table) == pytest.approx(found)


def test_a_status_before_the_opening() -> None:
    """Of a status before the opening nothing is known, so that a claim of that day is neither true nor false."""
    for state in ("no", "yes"):
        assert FALSE != pytest.approx(judged("status", OPENS - timedelta(days=9), (DAY, state)))
        assert TRUE != pytest.approx(judged("status", OPENS - timedelta(days=9), (DAY, state)))


def test_copies_of_a_false_alarm_are_copies() -> None:
    """A false claim that others repeat costs once in full, copies by rho; one that came true is no copy of it."""
    step = DAY + timedelta(days=9)
    claims = [item(f"c{n}", DAY + timedelta(days=n), CLAIM, group="g") for n in (0, 1, 9)]
    found = reports(network(event("thing")), *claims, item("z", step, Settled("thing", "yes", HERE)))
    assert {"c0": 0, "c1": 1, "c9": 0} == {name: report.copy for name, report in found.items()}
    assert FALSE == pytest.approx(found["c0"].table.tolist())
    assert [(1.0 - 0.85 * 0.1) * 0.5] * 2 == pytest.approx(found["c1"].table.tolist())


def test_a_claim_includes_the_states_past_it() -> None:
    """A claim that a step was reached holds in every later state too."""
    net = network(event("thing", states=["none", "some", "all"]))
    found = reports(net, item("one", DAY, Claim("thing", "some", HERE)), watched=DAY)
    assert [0.1, 0.95, 0.95] == pytest.approx(found["one"].table.tolist())


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6), st.floats(0.1, 100.0))
def test_a_common_factor_of_a_likelihood_means_nothing(values: list[float], factor: float) -> None:
    """Likelihoods are read up to one common factor."""
    plain = [item(f"i{n}", DAY, says("fact", x)) for n, x in enumerate(values)]
    scaled = [item(f"i{n}", DAY, says("fact", x * factor, factor)) for n, x in enumerate(values)]
    assert ratio(reports(HALF, *plain)) == pytest.approx(ratio(reports(HALF, *scaled)))


def test_opening() -> None:
    """The dates of this file lie in the window."""
    assert OPENS < DAY < HORIZON


@pytest.mark.parametrize("credibility", [1, 3, 5, 6])
@pytest.mark.parametrize("reliability", [1e-320, 1e-300, 1e-9, 1.0 - 1e-15])
def test_any_reliability_has_a_probability_of_being_informative(reliability: float, credibility: int) -> None:
    """Neither end overflows, and the probability lies between 0 and 1 on the side of the reliability."""
    q = informative_probability(reliability, credibility)
    assert 0.0 <= q <= 1.0
    assert (q < 0.5) == (reliability < 0.5)
