"""Answers on discrete networks against enumeration, an independent engine and published numbers."""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.networks.answer import ContradictionError, Finding, TooDenseError, answer
from forecast.networks.bif import read_bif
from forecast.networks.discrete import DiscreteNetwork
from tests.networks.oracle import enumerate_answer, findings_on, networks

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
    expected, actual = enumerate_answer(network, findings), answer(network, findings)
    assert expected.log_evidence == pytest.approx(actual.log_evidence, abs=1e-10)
    for name in network.names:
        np.testing.assert_allclose(expected.marginals[name], actual.marginals[name], atol=1e-10, rtol=0)


@pytest.mark.parametrize(
    "observed", [{}, {"asia": "yes"}, {"dysp": "yes", "xray": "no"}, {"asia": "yes", "smoke": "no", "either": "yes"}]
)
def test_asia_equals_enumeration(observed: dict[str, str]) -> None:
    """The Asia network answers as the sum over its 256 worlds does."""
    network = read_bif(DATA / "asia.bif")
    findings = [*_observe(network, **observed), Finding("bronc", (0.8, 0.1), "bronc=0.8,0.1")]
    expected, actual = enumerate_answer(network, findings), answer(network, findings)
    assert expected.log_evidence == pytest.approx(actual.log_evidence, abs=1e-12)
    for name in network.names:
        np.testing.assert_allclose(expected.marginals[name], actual.marginals[name], atol=1e-12, rtol=0)


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
    import pyagrum

    network = read_bif(DATA / file)
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
    for observed in network.names:
        inference = pyagrum.LazyPropagation(other)
        inference.addEvidence(observed, network.states[observed][0])
        inference.makeInference()
        actual = answer(network, _observe(network, **{observed: network.states[observed][0]}))
        assert log(inference.evidenceProbability()) == pytest.approx(actual.log_evidence, abs=1e-10)
        for name in network.names:
            expected = [inference.posterior(name)[i] for i in range(len(network.states[name]))]
            np.testing.assert_allclose(expected, actual.marginals[name], atol=1e-10, rtol=0)


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_order_of_findings_is_irrelevant(data: st.DataObject) -> None:
    """The same findings in another order give the same answer."""
    network = data.draw(networks())
    findings = data.draw(findings_on(network))
    expected, actual = answer(network, findings), answer(network, findings[::-1])
    assert expected.log_evidence == pytest.approx(actual.log_evidence, abs=1e-12)


def test_contradiction_names_the_smallest_part() -> None:
    """Impossible evidence is refused, and only the findings that cannot hold together are named."""
    network = read_bif(DATA / "asia.bif")
    findings = _observe(network, smoke="yes", either="no", dysp="yes", lung="yes", asia="no")
    with pytest.raises(ContradictionError) as refused:
        answer(network, findings)
    assert {"either=no", "lung=yes"} == {finding.label for finding in refused.value.findings}


def test_two_states_of_one_variable_contradict() -> None:
    """One variable cannot be seen in two states."""
    network = read_bif(DATA / "asia.bif")
    with pytest.raises(ContradictionError) as refused:
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
    with pytest.raises(TooDenseError, match="needs a table of"):
        answer(network, findings)
