"""Answers on discrete networks against enumeration, an independent engine and published numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from forecast.inference import engine
from forecast.inference.engine import TooDenseNetworkError
from forecast.networks.answer import Answer, ContradictingFindingsError, Finding, answer
from forecast.networks.bif import read_bif
from forecast.networks.network import DiscreteNetwork
from tests.networks.oracle import enumerate_answer, extreme_findings_on, findings_on, networks

DATA = Path(__file__).parent / "data"


def _observe(network: DiscreteNetwork, **observed: str) -> list[Finding]:
    return [
        Finding(name, tuple(float(known == state) for known in network.states[name]), f"{name}={state}")
        for name, state in observed.items()
    ]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_answer_equals_enumeration(data: st.DataObject) -> None:
    """Evidence and marginals equal the sum over all worlds to 1e-10, on any network and any findings."""
    network = data.draw(networks())
    findings = data.draw(findings_on(network))
    _assert_same(enumerate_answer(network, findings), answer(network, findings))


def _assert_same(expected: Answer | None, actual: Answer) -> None:
    assert expected is not None
    assert expected.log_evidence == pytest.approx(actual.log_evidence, abs=1e-10, rel=1e-13)
    for name in expected.marginals:
        np.testing.assert_allclose(expected.marginals[name], actual.marginals[name], atol=1e-10, rtol=0)
        assert 1.0 == pytest.approx(actual.marginals[name].sum(), abs=1e-12)


@pytest.mark.parametrize("cheap", [1, 1_000_000])
@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_evidence_on_any_network(monkeypatch: pytest.MonkeyPatch, cheap: int, data: st.DataObject) -> None:
    """Rows with zeros and likelihoods of any size answer as log-space enumeration does, in one piece and in many.

    Where no world is possible, a part of the findings is named that is impossible, and possible without any of its own.
    """
    monkeypatch.setattr("forecast.networks.answer.CHEAP_TABLE_ENTRIES", cheap)
    network = data.draw(networks(with_zeros=True))
    findings = data.draw(extreme_findings_on(network))
    expected = enumerate_answer(network, findings)
    if expected is not None:
        _assert_same(expected, answer(network, findings))
        return
    with pytest.raises(ContradictingFindingsError) as refused:
        answer(network, findings)
    named = refused.value.findings
    assert enumerate_answer(network, named) is None
    for left_out in range(len(named)):
        assert enumerate_answer(network, [*named[:left_out], *named[left_out + 1 :]]) is not None


@pytest.mark.parametrize(
    "observed", [{}, {"asia": "yes"}, {"dysp": "yes", "xray": "no"}, {"asia": "yes", "smoke": "no", "either": "yes"}]
)
def test_asia_equals_enumeration(observed: dict[str, str]) -> None:
    """The Asia network answers as the sum over its 256 worlds does."""
    network = read_bif(DATA / "asia.bif")
    findings = [*_observe(network, **observed), Finding("bronc", (0.8, 0.1), "bronc=0.8,0.1")]
    _assert_same(enumerate_answer(network, findings), answer(network, findings))


def test_asia_has_its_published_marginals() -> None:
    """Without evidence the Asia network has the marginals that follow from its authors' tables by hand."""
    marginals = answer(read_bif(DATA / "asia.bif"), []).marginals
    p_tub = 0.01 * 0.05 + 0.99 * 0.01
    p_either = 1 - (1 - p_tub) * (1 - 0.055)
    assert [p_tub, 0.055, 0.45, p_either] == pytest.approx(
        [marginals[v][0] for v in ("tub", "lung", "bronc", "either")]
    )


@pytest.mark.parametrize("file", ["asia.bif", "cancer.bif", "dog.bif"])
def test_answer_equals_an_independent_engine(file: str) -> None:
    """Every marginal equals that of another program given the same tables, after each single observation."""
    network = read_bif(DATA / file)
    for observed in network.names:
        _assert_as_pyagrum(network, _observe(network, **{observed: network.states[observed][0]}))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_random_networks_answer_as_an_independent_engine(data: st.DataObject) -> None:
    """Networks of up to 14 variables with zeros in their rows, and any possible findings, answer as another program."""
    network = data.draw(networks(14, with_zeros=True, least_states=2))
    try:
        _assert_as_pyagrum(network, data.draw(findings_on(network)))
    except ContradictingFindingsError:
        reject()


def _assert_as_pyagrum(network: DiscreteNetwork, findings: Sequence[Finding]) -> None:
    import pyagrum

    other = pyagrum.BayesNet()
    for name in network.names:
        other.add(pyagrum.LabelizedVariable(name, "", list(network.states[name])))
    for name in network.names:
        for parent in network.parents[name]:
            other.addArc(parent, name)
    for name in network.names:
        for at in np.ndindex(network.tables[name].shape[:-1]):
            row = network.tables[name][at].tolist()
            if network.parents[name]:
                other.cpt(name)[dict(zip(network.parents[name], map(int, at), strict=True))] = row
            else:
                other.cpt(name).fillWith(row)
    actual = answer(network, findings)
    inference = pyagrum.LazyPropagation(other)
    log_scale = 0.0
    for name in {finding.variable: None for finding in findings}:
        likelihood = np.prod([finding.likelihood for finding in findings if finding.variable == name], axis=0)
        inference.addEvidence(name, (likelihood / likelihood.max()).tolist())  # it takes no other scale of one state
        log_scale += log(likelihood.max())
    inference.makeInference()
    assert log(inference.evidenceProbability()) + log_scale == pytest.approx(actual.log_evidence, abs=1e-10)
    for name in network.names:
        expected = [inference.posterior(name)[i] for i in range(len(network.states[name]))]
        np.testing.assert_allclose(expected, actual.marginals[name], atol=1e-10, rtol=0)


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_order_of_findings_is_irrelevant(data: st.DataObject) -> None:
    """The same findings in another order give the same answer."""
    network = data.draw(networks())
    findings = data.draw(findings_on(network))
    _assert_same(answer(network, findings), answer(network, findings[::-1]))


def test_contradiction_names_the_smallest_part() -> None:
    """Impossible evidence is refused, and only the findings that cannot hold together are named."""
    network = read_bif(DATA / "asia.bif")
    findings = _observe(network, smoke="yes", either="no", dysp="yes", lung="yes", asia="no")
    with pytest.raises(ContradictingFindingsError) as refused:
        answer(network, findings)
    assert {"either=no", "lung=yes"} == {finding.label for finding in refused.value.findings}


def test_two_states_of_one_variable_contradict() -> None:
    """One variable cannot be seen in two states."""
    network = read_bif(DATA / "asia.bif")
    with pytest.raises(ContradictingFindingsError) as refused:
        answer(network, [*_observe(network, tub="yes"), *_observe(network, tub="no")])
    assert ["tub=yes", "tub=no"] == [finding.label for finding in refused.value.findings]


def test_dense_network_is_refused_by_its_size() -> None:
    """A network whose elimination would need an enormous table is refused before any memory is taken."""
    causes = [f"c{i}" for i in range(26)]
    pairs = {f"d{i}_{j}": (causes[i], causes[j]) for i in range(26) for j in range(i)}
    network = DiscreteNetwork(
        names=(*causes, *pairs),
        states=dict.fromkeys((*causes, *pairs), ("a", "b", "c")),
        parents={**dict.fromkeys(causes, ()), **pairs},
        tables=dict.fromkeys(causes, np.full(3, 1 / 3)) | dict.fromkeys(pairs, np.full((3, 3, 3), 1 / 3)),
        warnings=(),
    )
    findings = [Finding(name, (1.0, 0.0, 0.0), name) for name in pairs]
    with pytest.raises(TooDenseNetworkError, match=r"table of 2,541,865,828,329 numbers, where 1 GB are allowed"):
        answer(network, findings, memory=10**9)


def test_what_takes_long_is_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The predicted time and the largest table are told before a long answer, and only before a long one."""
    network, told = _two_parents_each(8), list[str]()
    monkeypatch.setattr(engine, "ENUMERATED_UP_TO", 1)
    answer(network, (), tell=told.append)
    assert [] == told
    monkeypatch.setattr(engine, "SECONDS_AN_ENTRY", 1.0)
    answer(network, (), tell=told.append)
    (line,) = told
    assert re.fullmatch(r"exact inference with a table of \d+ numbers: about \d+ (s|minutes) of one processor", line)


def _two_parents_each(n: int) -> DiscreteNetwork:
    """Roots with .3 for their first state, and one child for each two of them, as likely as not to follow either."""
    roots = [f"r{i}" for i in range(n)]
    pairs = {f"c{i}_{j}": (roots[i], roots[j]) for i, j in combinations(range(n), 2)}
    row = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.1, 0.9]]])
    return DiscreteNetwork(
        names=(*roots, *pairs),
        states=dict.fromkeys((*roots, *pairs), ("y", "n")),
        parents={**dict.fromkeys(roots, ()), **pairs},
        tables=dict.fromkeys(roots, np.array([0.3, 0.7])) | dict.fromkeys(pairs, row),
        warnings=(),
    )


# P(child = y) without evidence.
CHILD = 0.09 * 0.9 + 0.21 * 0.6 + 0.21 * 0.5 + 0.49 * 0.1


def test_observed_roots_cut_every_table() -> None:
    """28 roots with a child for each two of them: all roots observed, every child is its row."""
    network = _two_parents_each(28)
    found = answer(network, _observe(network, **{f"r{i}": "y" for i in range(28)}))
    assert 28 * log(0.3) == pytest.approx(found.log_evidence, abs=1e-12)
    assert {0.9} == {found.marginals[name][0] for name in network.names if name.startswith("c")}


def test_children_without_evidence_are_left_out() -> None:
    """Without evidence each child hangs on its own two parents alone, however dense the network."""
    found = answer(_two_parents_each(28), [])
    assert 0.0 == found.log_evidence
    for name, marginal in found.marginals.items():
        assert (0.3 if name.startswith("r") else CHILD) == pytest.approx(marginal[0], abs=1e-12)


def test_half_of_the_roots_observed() -> None:
    """Children of observed roots are their rows, others mix over the roots that are left."""
    network = _two_parents_each(28)
    found = answer(network, _observe(network, **{f"r{i}": "y" for i in range(14)}))
    assert 14 * log(0.3) == pytest.approx(found.log_evidence, abs=1e-12)
    assert [0.9, 0.3 * 0.9 + 0.7 * 0.6, CHILD] == pytest.approx(
        [found.marginals[name][0] for name in ("c3_5", "c3_20", "c20_21")], abs=1e-12
    )


def test_evidence_on_some_children_connects_their_parents_alone() -> None:
    """A likelihood on a child and an observed one bring their roots into the answer; the other roots are as before."""
    network = _two_parents_each(28)
    findings = [Finding("c0_1", (1e-300, 2e-300), "c0_1"), *_observe(network, c1_2="y")]
    found = answer(network, findings)
    few = ["r0", "r1", "r2", "c0_1", "c1_2", "c0_2"]
    kept = _two_parents_each(3)
    assert sorted(few) == sorted(kept.names)
    expected = enumerate_answer(kept, findings)
    assert expected is not None
    assert expected.log_evidence == pytest.approx(found.log_evidence, abs=1e-12)
    for name in few:
        np.testing.assert_allclose(expected.marginals[name], found.marginals[name], atol=1e-12)
    assert [0.3, CHILD] == pytest.approx([found.marginals[name][0] for name in ("r20", "c20_21")], abs=1e-12)


def test_what_the_evidence_makes_too_dense_is_refused() -> None:
    """All children observed connect all roots with each other, which no exact method can do."""
    network = _two_parents_each(40)
    children = {name: "y" for name in network.names if name.startswith("c")}
    with pytest.raises(TooDenseNetworkError, match="1,099,511,627,776"):
        answer(network, _observe(network, **children))


def _one_cause(n: int) -> DiscreteNetwork:
    """A cause and n signs of it."""
    signs = [f"s{i}" for i in range(n)]
    return DiscreteNetwork(
        names=("cause", *signs),
        states=dict.fromkeys(("cause", *signs), ("y", "n")),
        parents={"cause": (), **dict.fromkeys(signs, ("cause",))},
        tables={"cause": np.array([0.01, 0.99]), **dict.fromkeys(signs, np.array([[0.02, 0.98], [0.01, 0.99]]))},
        warnings=(),
    )


@pytest.mark.parametrize("n", [1, 400, 5000])
@pytest.mark.parametrize("likelihood", [(0.02, 0.01), (0.01, 0.02), (1e-300, 1e-301), (1e-322, 1e-320), (1e300, 1e299)])
def test_many_reports_on_one_variable(n: int, likelihood: tuple[float, float]) -> None:
    """However many reports there are, and of whatever size, each counts once: log space to 1e-9."""
    yes, no = likelihood
    network = _one_cause(0)
    found = answer(network, [Finding("cause", likelihood, "report")] * n)
    log_yes, log_no = log(0.01) + n * log(yes), log(0.99) + n * log(no)
    assert np.logaddexp(log_yes, log_no) == pytest.approx(found.log_evidence, rel=1e-14)
    p_yes, p_no = found.marginals["cause"]
    assert p_yes > 0.0
    assert p_no > 0.0
    if abs(log_yes - log_no) < 700.0:
        assert log_yes - log_no == pytest.approx(log(p_yes) - log(p_no), abs=1e-9)
    else:
        assert (log_yes > log_no) == (p_yes == 1.0)


def test_opposed_reports_cancel() -> None:
    """A thousand reports of 1 : 1e-300 and as many of 1e-300 : 1 leave the prior."""
    findings = [Finding("cause", likelihood, "report") for likelihood in [(1.0, 1e-300), (1e-300, 1.0)] * 1000]
    found = answer(_one_cause(0), findings)
    assert 1000 * log(1e-300) == pytest.approx(found.log_evidence, rel=1e-14)
    np.testing.assert_allclose([0.01, 0.99], found.marginals["cause"], rtol=1e-12)


@pytest.mark.parametrize("n", [1, 220, 2000])
@pytest.mark.parametrize("seen", ["y", "n"])
def test_many_signs(n: int, seen: str) -> None:
    """Naive Bayes with any number of signs observed is its closed form; half of them doubtful, another one."""
    network = _one_cause(n)
    column = 0 if seen == "y" else 1
    rows = np.log([[0.02, 0.98], [0.01, 0.99]])[:, column]
    found = answer(network, _observe(network, **{f"s{i}": seen for i in range(n)}))
    log_masses = np.log([0.01, 0.99]) + n * rows
    assert np.logaddexp(*log_masses) == pytest.approx(found.log_evidence, rel=1e-13)
    p_yes, p_no = found.marginals["cause"]
    if abs(log_masses[0] - log_masses[1]) < 700.0:
        assert log_masses[0] - log_masses[1] == pytest.approx(log(p_yes) - log(p_no), abs=1e-9)
    doubtful = [Finding(f"s{i}", (1e-200, 3e-200), "sign") for i in range(n)]
    log_rows = np.log([0.02 + 0.98 * 3, 0.01 + 0.99 * 3]) + log(1e-200)
    log_masses = np.log([0.01, 0.99]) + n * log_rows
    found = answer(network, doubtful)
    assert np.logaddexp(*log_masses) == pytest.approx(found.log_evidence, rel=1e-13)
    p_yes, p_no = found.marginals["cause"]
    assert log_masses[0] - log_masses[1] == pytest.approx(log(p_yes) - log(p_no), abs=1e-9)
    sign = 0.02 / (0.02 + 0.98 * 3) * p_yes + 0.01 / (0.01 + 0.99 * 3) * p_no
    assert sign == pytest.approx(found.marginals["s0"][0], rel=1e-9)


def test_a_contradiction_among_thousands_of_findings() -> None:
    """900 findings on as many variables, two of which contradict each other: found in few checks, and told so."""
    n = 900
    names = [f"v{i}" for i in range(n)]
    network = DiscreteNetwork(
        names=tuple(names),
        states=dict.fromkeys(names, ("a", "b", "c")),
        parents={"v0": (), **{name: (names[i],) for i, name in enumerate(names[1:])}},
        tables={"v0": np.full(3, 1 / 3), **dict.fromkeys(names[1:], np.eye(3))},
        warnings=(),
    )
    findings = [Finding(name, (1.0, 1.0, 0.5), name) for name in names]
    findings[30] = Finding("v30", (1.0, 0.0, 0.0), "early")
    findings[870] = Finding("v870", (0.0, 1.0, 1.0), "late")
    told: list[str] = []
    with pytest.raises(ContradictingFindingsError) as refused:
        answer(network, findings, told.append)
    assert ["early", "late"] == [finding.label for finding in refused.value.findings]
    assert 2 <= len(told) < 60
    assert "contradict each other: check 2" in told[1]


@pytest.mark.parametrize("wrong", [(float("nan"), 1.0), (float("inf"), 1.0), (-1.0, 1.0), (1.0,), (1.0, 1.0, 1.0)])
def test_what_is_no_likelihood_is_an_error_that_names_the_variable(wrong: tuple[float, ...]) -> None:
    """A caller's likelihood that is not a number for each state, none negative, is refused by name."""
    with pytest.raises(ValueError, match="'report' is no likelihood of 'cause'"):
        answer(_one_cause(3), [Finding("cause", wrong, "report")])
