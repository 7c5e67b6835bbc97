"""Networks written in one format and read in another: the same tables to the last digit, and what is lost is told."""

from __future__ import annotations

import gzip
from dataclasses import replace
from io import StringIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from forecast.networks.answer import answer
from forecast.networks.bif import read_bif
from forecast.networks.details import NetworkDetails, NoisyMaxParameters, VariableDetails
from forecast.networks.formats import WritableFormat, format_of, formats, read_network
from forecast.networks.network import DiscreteNetwork
from forecast.workspace.problems import one_form
from tests.networks.oracle import enumerate_answer, networks

DATA = Path(__file__).parent / "data"
WRITABLE = [one for one in formats() if isinstance(one, WritableFormat)]
NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "Cc"]), min_size=1).map(one_form)
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20).map(one_form)
KEYS = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,20}\Z").filter(
    lambda key: key not in ("states", "label", "name", "subtype", "position", "color")
)


def written(form: WritableFormat, network: DiscreteNetwork) -> tuple[DiscreteNetwork, list[str]]:
    """Write a network and read it again; also what the format could not carry."""
    stream = StringIO()
    lost = form.write(network, stream)
    content = stream.getvalue().encode("utf-8")
    assert form.title == format_of(content, "no ending").title
    return form.read(content, "x"), lost


def places(network: DiscreteNetwork, again: DiscreteNetwork, lost: list[str]) -> dict[str, str]:
    """Return the name that each variable has in the other network, which may be told to be another."""
    if set(network.names) == set(again.names):
        return {name: name for name in network.names}
    assert any(line.startswith("names of variables") for line in lost), lost
    if "the order of the variables: parents stand before their children" in lost:
        order: list[str] = []
        while len(order) < len(network.names):
            order.append(next(n for n in network.names if n not in order and set(network.parents[n]) <= {*order}))
        by_tables = {again.tables[name].tobytes(): name for name in again.names}
        return {name: by_tables[network.tables[name].tobytes()] for name in network.names}
    return dict(zip(network.names, again.names, strict=True))


def same(network: DiscreteNetwork, again: DiscreteNetwork, lost: list[str]) -> None:
    """Assert that structure and numbers are the same, to the last digit."""
    named = places(network, again, lost)
    for name, other in named.items():
        assert tuple(named[parent] for parent in network.parents[name]) == again.parents[other]
        assert network.tables[name].tolist() == again.tables[other].tolist()
        is_told = any(line.startswith("names of states") for line in lost)
        assert network.states[name] == again.states[other] or is_told


@pytest.mark.parametrize(("first", "second"), [*product(WRITABLE, WRITABLE)], ids=lambda form: form.title)
@given(network=networks(with_zeros=True))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
@example(network=read_bif(DATA / "asia.bif"))
@example(network=read_bif(DATA / "dog.bif"))
def test_any_two_formats_one_after_the_other(
    first: WritableFormat, second: WritableFormat, network: DiscreteNetwork
) -> None:
    """A network that goes through two formats has the same numbers, and every posterior that it had."""
    once, lost = written(first, network)
    twice, lost_then = written(second, once)
    lost += lost_then
    same(network, twice, lost)
    expected, actual = answer(network, ()).marginals, answer(twice, ()).marginals
    for name, other in places(network, twice, lost).items():
        np.testing.assert_allclose(expected[name], actual[other], rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", WRITABLE, ids=lambda form: form.title)
@given(network=networks(3), names=st.lists(NAMES, min_size=3, max_size=3, unique=True))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
@example(network=read_bif(DATA / "cancer.bif"), names=["a b", "a_b", "<&\"'>\r"])
def test_any_name_is_carried_or_told(form: WritableFormat, network: DiscreteNetwork, names: list[str]) -> None:
    """Variables and states may be called anything: a format that cannot hold a name takes another and says so."""
    own = {name: names[int(name[1:])] if name[1:].isdigit() else name for name in network.names}
    renamed = DiscreteNetwork(
        tuple(own[name] for name in network.names),
        {own[name]: tuple(names[int(s[1:])] if s[1:].isdigit() else s for s in network.states[name]) for name in own},
        {own[name]: tuple(own[parent] for parent in network.parents[name]) for name in own},
        {own[name]: network.tables[name] for name in own},
        (),
    )
    again, lost = written(form, renamed)
    same(renamed, again, lost)
    assert len(again.names) == len({*again.names})


@pytest.mark.parametrize("form", WRITABLE, ids=lambda form: form.title)
@given(
    network=networks(3),
    title=TEXTS,
    properties=st.dictionaries(KEYS, TEXTS, max_size=3).map(lambda found: tuple(found.items())),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
def test_titles_and_properties_are_carried_or_told(
    form: WritableFormat, network: DiscreteNetwork, title: str, properties: tuple[tuple[str, str], ...]
) -> None:
    """What a file says besides comes back, or is named among what is lost."""
    first = network.names[0]
    about = VariableDetails(title, properties)
    again, lost = written(form, replace(network, details=NetworkDetails(variables={first: about})))
    found = again.details.of(again.names[0])
    names_titles = any(line.startswith("titles of") for line in lost)
    names_properties = any("propert" in line for line in lost)
    assert found.title == ("" if names_titles or title == first else title)
    assert names_properties or not properties or found.properties == properties


@given(network=networks(4, least_states=2), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_noisy_max_is_what_independent_causes_bring_about(network: DiscreteNetwork, data: st.DataObject) -> None:
    """The table of a noisy-MAX is the distribution of the highest of all that parents and leak bring about."""
    name = data.draw(st.sampled_from(network.names))
    n, cards = len(network.states[name]), [len(network.states[parent]) for parent in network.parents[name]]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    effects, orders = [], []
    for card in cards:
        order = tuple(int(i) for i in rng.permutation(card))
        effect = rng.dirichlet(np.ones(n), card)
        effect[order[-1]] = np.eye(n)[-1]
        effects.append(effect)
        orders.append(order)
    noisy = NoisyMaxParameters(tuple(effects), rng.dirichlet(np.ones(n)), tuple(orders))
    expected = np.zeros((*cards, n))
    for at in np.ndindex(*cards):
        causes = [noisy.leak, *(effect[i] for effect, i in zip(effects, at, strict=True))]
        for states in product(range(n), repeat=len(causes)):  # the first state is the highest
            expected[(*at, min(states))] += np.prod([cause[s] for cause, s in zip(causes, states, strict=True)])
    np.testing.assert_allclose(expected, noisy.table(), rtol=1e-12, atol=1e-300)

    details = NetworkDetails(variables={name: VariableDetails(noisy_max=noisy)})
    whole = replace(network, tables={**network.tables, name: noisy.table()}, details=details)
    xdsl = next(form for form in WRITABLE if form.title == "XDSL")
    again, lost = written(xdsl, whole)
    same(whole, again, lost)
    found = again.details.of(name).noisy_max
    assert found is not None
    assert found.orders == noisy.orders
    assert [one.tolist() for one in (*found.effects, found.leak)] == [one.tolist() for one in (*effects, noisy.leak)]
    for other in WRITABLE:
        if other is not xdsl:
            again, lost = written(other, whole)
            same(whole, again, lost)
            assert [f"noisy-max parameters of '{name}': the tables are written"] == [
                line for line in lost if line.startswith("noisy-max")
            ]


def test_a_small_probability_of_a_noisy_max_keeps_its_digits() -> None:
    """Causes that are all rare add up: nothing is lost in a difference from one."""
    rare = np.array([[1e-20, 1.0], [0.0, 1.0]])
    noisy = NoisyMaxParameters((rare, rare), np.array([3e-20, 1.0]), ((0, 1), (0, 1)))
    assert pytest.approx(5e-20, rel=1e-15) == noisy.table()[0, 0, 0]


GOLDEN = sorted(path.name for path in DATA.iterdir() if path.suffix not in (".md", ".evid"))


@pytest.mark.parametrize("name", GOLDEN)
def test_a_file_written_in_its_own_format_says_the_same(name: str) -> None:
    """What a file says besides its tables is kept in its own format: properties, drawing, kinds of nodes, titles."""
    form = format_of((DATA / name).read_bytes(), name)
    network = read_network(DATA / name)
    if not isinstance(form, WritableFormat):
        pytest.skip(f"{form.title} is not written")
    again, lost = written(form, network)
    same(network, again, lost)
    assert network.names == again.names
    assert network.details.kept == again.details.kept
    assert network.details.name == again.details.name
    for variable in network.names:
        before, after = network.details.of(variable), again.details.of(variable)
        kept = (before.title, before.properties, before.kept, before.is_deterministic)
        assert kept == (after.title, after.properties, after.kept, after.is_deterministic)
        assert (before.noisy_max is None) == (after.noisy_max is None)


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.startswith("dog")])
def test_one_network_in_every_format(name: str) -> None:
    """The same network, in the shape of each format's own documents, is the same network."""
    expected, actual = read_network(DATA / "dog.bif"), read_network(DATA / name)
    order = ["family-out", "bowel-problem", "light-on", "dog-out"]
    for one, other in zip(order, actual.names, strict=True):
        assert expected.tables[one].tolist() == actual.tables[other].tolist()
        assert [order.index(parent) for parent in expected.parents[one]] == [
            actual.names.index(parent) for parent in actual.parents[other]
        ]


def test_every_kind_of_node_of_xdsl() -> None:
    """Strengths order the parameters of a noisy-MAX, results list the last parent fastest, and what is said is kept."""
    network = read_network(DATA / "noise.xdsl")
    noise = network.details.of("Noise").noisy_max
    assert noise is not None
    assert ((0, 1, 2), (1, 0)) == noise.orders
    storm, calm = network.states["Wind"].index("Storm"), network.states["Wind"].index("Calm")
    assert [0.2, 0.2, 0.6] == noise.effects[1][storm].tolist()
    # No road and no wind leave the leak; a motorway in a storm is the higher of three independent states.
    assert [0.05, 0.05, 0.9] == network.tables["Noise"][2, calm].tolist()
    low = 0.2 * 0.6 * 0.9
    not_high = 0.5 * 0.8 * 0.95
    expected = [1 - not_high, not_high - low, low]
    np.testing.assert_allclose(expected, network.tables["Noise"][0, storm], rtol=1e-14)
    assert [1.0, 0.0] == network.tables["Sleep"][2, calm].tolist()
    assert [0.0, 1.0] == network.tables["Sleep"][2, storm].tolist()
    assert [0.8, 0.2] == network.tables["Mood"][0, 1].tolist()
    assert ("Straße", (("source", "a map < 2020"),)) == (
        network.details.of("Road").title,
        network.details.of("Road").properties,
    )
    assert "Does anybody sleep?" == network.details.of("Sleep").title
    assert ("element", "<intervals>0 5.5 40</intervals>") in network.details.of("Wind").kept
    expected_marginals = enumerate_answer(network, ())
    assert expected_marginals is not None
    for name, marginal in answer(network, ()).marginals.items():
        np.testing.assert_allclose(expected_marginals.marginals[name], marginal, atol=1e-12)


@pytest.mark.parametrize("form", WRITABLE, ids=lambda form: form.title)
def test_what_only_one_format_says_is_told_to_the_others(form: WritableFormat) -> None:
    """The drawing, intervals and marks of GeNIe go to no other format, and that is said once."""
    _, lost = written(form, read_network(DATA / "noise.xdsl"))
    said = [line for line in lost if "only XDSL says" in line]
    assert ([] if form.title == "XDSL" else ["variables", "network"]) == [
        "network" if "of the network" in line else "variables" for line in said
    ]


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.startswith("dog")])
def test_content_counts_for_more_than_the_ending(tmp_path: Path, name: str) -> None:
    """A file is read by what it begins like, whatever it is called and whether it is packed."""
    content = (DATA / name).read_bytes()
    expected = read_network(DATA / name)
    for other, packed in (("x", content), ("x.bif", content), ("x.txt.gz", gzip.compress(content))):
        (tmp_path / other).write_bytes(packed)
        actual = read_network(tmp_path / other)
        assert expected.names == actual.names
        assert all((expected.tables[one] == actual.tables[one]).all() for one in expected.names)
