"""What exact experts state: normal tails of the width that is stated, and nothing to explain it away with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from forecast.commands.main import main
from forecast.model.layout import lay_out
from forecast.sampling.likelihood import log_likelihood_given_noise
from forecast.sampling.model import build_model
from forecast.sampling.program import record_program
from forecast.sampling.readings import numbers
from forecast.sampling.spec import prior_spec
from forecast.sampling.statements import as_read
from forecast.workspace.fits import logit
from forecast.workspace.records import Distribution, Probability, Times, Workspace
from forecast.workspace.statement_forms.form import StatedNumber
from tests.sampling.interpreter import interpret
from tests.workspace.writing import example, messages, read
from tests.worlds import HORIZON, event, network, statement, target, workspace

NET = network(event("a", "constant"), event("b", "constant", ("low", "mid", "high"), parents=["a"]))
SHARES = Distribution({"low": 0.2, "mid": 0.3, "high": 0.5}, 0.3)
RULE = """
- id: {name}
  date: 2026-01-05
  expert: rules
  source: {{publisher: x}}
  says: x
  about: {{event: success, state: yes, given: {{launch: none}}}}
  {reading}
  why: x
"""


def world() -> Workspace:
    """Two rules (a number and a distribution), and a number and a distribution of somebody."""
    made = workspace(
        NET,
        statements=[
            statement("a-rule", target("a", "yes"), 0.02, sd=0.1, expert="ann"),
            statement("b-rule", target("b", "low", "mid", "high", given={"a": "yes"}), SHARES, expert="ann"),
            statement("c-said", target("a", "yes"), 0.4, expert="bob"),
            statement("d-said", target("b", "low", "mid", "high"), SHARES, expert="bob"),
        ],
    )
    return replace(made, experts={**made.experts, "ann": replace(made.experts["ann"], exact=True)})


def test_density() -> None:
    """Rules have a normal density around what is implied, people that of a t with deviations and noise of their own."""
    spec = prior_spec(lay_out(NET), world(), HORIZON)
    program = record_program(spec)
    model = build_model(spec, program)
    rng = np.random.default_rng(2)
    point = {name: rng.normal(size=value.shape) for name, value in model.initial_point(0).items()}
    x = np.concatenate([point[name] for name in ("alpha", "beta", "epsilon")])
    implied = np.array(interpret(program, x.tolist()))
    heard = implied + (spec.deviations @ point["deviation"][:, np.newaxis])[:, 0]
    omega = stats.halfnorm.isf(stats.norm.sf(point["omega_score__"]), scale=0.25)[1]
    spread = np.exp(point["spread_log__"])[1]
    expected = {
        "stated_exactly": stats.norm.logpdf(spec.stated.location[0], implied[0], 0.1),
        "stated": stats.t.logpdf(spec.stated.location[1], 4, heard[1], np.hypot(0.5, omega)),
        "stated_distribution": (
            np.sum(stats.norm.logpdf(spec.distributions.location[:2], implied[2:4], 0.3))
            + np.sum(
                stats.norm.logpdf(spec.distributions.location[2:], heard[4:], np.hypot(0.3, omega) / np.sqrt(spread))
            )
        ),
    }
    found = {
        name: float(model.compile_logp(vars=[model[name]], jacobian=False, mode="FAST_COMPILE")(point))
        for name in expected
    }
    assert expected == pytest.approx(found, rel=1e-9)


def test_density_given_noise() -> None:
    """Of draws, too: a rule's number and distribution have a normal density around what is implied, people's a t's."""
    made, rng, n = world(), np.random.default_rng(4), 50
    spec = prior_spec(lay_out(NET), made, HORIZON)
    implied = rng.normal(size=(n, spec.quantities.n_rows))
    deviation = rng.normal(size=(n, len(spec.deviation_labels)))
    omega = np.abs(rng.normal(size=(n, len(spec.experts))))
    fit = {"quantity": implied[np.newaxis], "deviation": deviation[np.newaxis], "omega": omega[np.newaxis]}
    heard = implied + (spec.deviations @ deviation.T).T
    own = omega[:, spec.experts.index("bob")]
    expected = {
        "a-rule": stats.norm.logpdf(spec.stated.location[0], implied[:, 0], 0.1),
        "b-rule": np.sum(stats.norm.logpdf(spec.distributions.location[:2], implied[:, 2:4], 0.3), axis=1),
        "c-said": stats.t.logpdf(spec.stated.location[1], 4, heard[:, 1], np.hypot(0.5, own)),
    }
    found = log_likelihood_given_noise(spec, fit, tuple(expected))
    for name, density in expected.items():
        assert np.diff(density) == pytest.approx(np.diff(found[name]), rel=1e-9), name


def test_intervals() -> None:
    """A 90 % interval of a rule is 1.645 sds of a normal distribution on either side; of people 2.132 of a t."""
    made = world()
    said = statement("said", target("a", "yes"), Probability(0.3, 0.2, 0.4, 0.9, None), expert="ann")
    width = logit(0.4) - logit(0.2)
    for expert, reach in (("ann", stats.norm.ppf(0.95)), ("bob", stats.t.ppf(0.95, 4))):
        found = numbers(replace(said, expert=expert), made.experts, NET)
        assert isinstance(found, StatedNumber)
        assert width / (2.0 * reach) == pytest.approx(found.scale, rel=1e-9)
    ratio = Times(target("a", "no"), 2.0, 1.0, 4.0, 0.9, of_odds=True)
    found = numbers(statement("said", target("a", "yes"), ratio, expert="ann"), made.experts, NET)
    assert np.log(4.0) / (2.0 * stats.norm.ppf(0.95)) == pytest.approx(getattr(found, "scale", 0.0), rel=1e-9)
    tenth = numbers(statement("said", target("a", "yes"), 0.5, expert="ann", sd=0.1), made.experts, NET)
    assert as_read(tenth) == "log-odds 0.00, sd 0.10: 50 %, 90 % in 46 to 54 %"


def with_rules(folder: Path, *readings: str) -> Path:
    """The example with rules about one thing."""
    root = example(folder)
    with (root / "priors/experts.yaml").open("a", encoding="utf-8") as experts:
        experts.write("rules: {name: Rules, exact: true}\n")
    told = [RULE.format(name=f"rule-{number}", reading=reading) for number, reading in enumerate(readings)]
    (root / "priors/statements/rules.yaml").write_text("".join(told).strip() + "\n", encoding="utf-8")
    return root


def test_default_width(tmp_path: Path) -> None:
    """Without an sd a rule is a tenth of the odds wide, where somebody's word is ten times that."""
    experts = read(with_rules(tmp_path, "probability: 0.02")).experts
    assert [0.1, 1.3] == [experts[name].default_sd for name in ("rules", "editors")]


@pytest.mark.parametrize("reading", ["word: {term: likely}", "quantiles: {0.1: 0.2, 0.9: 0.4}"])
def test_rules_are_numbers(tmp_path: Path, reading: str) -> None:
    """A rule is no word with its many readings, and no fit to quantiles."""
    form = reading.partition(":")[0]
    what = f"statement 'rule-0': {form} of an expert whose statements are exact"
    allowed = "a probability, odds, times, an order or a distribution"
    assert [f"priors/statements/rules.yaml:1: {what}; {allowed}"] == messages(with_rules(tmp_path, reading))


def test_two_rules_that_cannot_both_hold(tmp_path: Path) -> None:
    """Different numbers for one thing are an error at both, each naming the other; within their widths they agree."""
    root = with_rules(tmp_path / "a", "probability: 0.02", "probability: 0.2")
    told = CliRunner().invoke(main, ["check", "-C", str(root)])
    places = {"rule-0": "priors/statements/rules.yaml:1", "rule-1": "priors/statements/rules.yaml:10"}
    assert 1 == told.exit_code
    for name, other in (("rule-0", "rule-1"), ("rule-1", "rule-0")):
        what = f"statement '{name}': it is exact, and cannot hold together with '{other}'"
        assert f"{places[name]}: {what}; got {other} at {places[other]}" in told.stdout
    near = with_rules(tmp_path / "b", "probability: 0.2", "probability: 0.21")
    assert 0 == CliRunner().invoke(main, ["check", "-C", str(near)]).exit_code
