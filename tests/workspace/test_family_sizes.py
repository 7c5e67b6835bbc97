"""What a CPT with many rows costs is told before anything is built of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.cpt import KINDS
from forecast.model.layout import lay_out
from forecast.sampling.spec import rows_prior
from forecast.workspace.family_sizes import family_size
from forecast.workspace.records import Cpt, Kind
from tests.workspace.writing import example, messages
from tests.worlds import event, network

NETWORK = "priors/network.yaml"
WAY_OUT = "use cpt noisy_or or noisy_max if each cause acts by itself, merge parents into one, or drop a parent"


def with_parents(folder: Path, n: int, cpt: str = "shared") -> Path:
    """The example with an event that has n parents of two states more."""
    example(folder)
    common = '    kind: reached\n    states: ["no", "yes"]\n    resolves: it is announced\n'
    more = "".join(f"  cause{i}:\n    question: Cause {i}?\n{common}" for i in range(n))
    parents = ", ".join(f"cause{i}" for i in range(n))
    more += f"  effect:\n    question: Effect?\n{common}    parents: [{parents}]\n    cpt: {cpt}\n"
    path = folder / NETWORK
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + "\n" + more, encoding="utf-8")
    return folder


def about_effect(folder: Path, severity: str) -> list[str]:
    """The messages about the size of the event."""
    return [one.split(": ", 1)[1] for one in messages(folder, severity) if " rows; got " in one]


def test_many_rows_are_warned_about(tmp_path: Path) -> None:
    """An event of twelve parents is warned about with its rows, parameters, memory and minutes, and the way out."""
    with_parents(tmp_path, 12)
    assert about_effect(tmp_path, "warning") == [
        (
            "warning: event 'effect': 12 parents make many rows; got 4,096 rows, 4,109 parameters, 3.2 GB, 13 minutes "
            f"for each fit; {WAY_OUT}"
        )
    ]
    assert about_effect(tmp_path, "error") == []


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    """An event of twenty parents is an error at once: nothing of its million rows is built."""
    with_parents(tmp_path, 20)
    assert about_effect(tmp_path, "error") == [
        (
            "event 'effect': 20 parents make too many rows; got 1,048,576 rows, 1,048,597 parameters, 822.1 GB, 3,530 "
            f"minutes for each fit; at most 60 minutes and 8 GB; {WAY_OUT}"
        )
    ]


def test_few_rows_are_not_spoken_of(tmp_path: Path) -> None:
    """Six parents cost nothing worth a word."""
    with_parents(tmp_path, 6)
    assert about_effect(tmp_path, "error") + about_effect(tmp_path, "warning") == []


def test_independent_causes_need_no_rows(tmp_path: Path) -> None:
    """Twenty causes that act each by itself are nothing worth a word, but for an event of several steps."""
    with_parents(tmp_path, 20, "{kind: noisy_or, leak: net}")
    assert about_effect(tmp_path, "error") + about_effect(tmp_path, "warning") == []
    path = tmp_path / NETWORK
    before, after = path.read_text(encoding="utf-8").split("    question: Effect?\n")
    path.write_text(before + "    question: Effect?\n" + after.replace('["no", "yes"]', "[none, one, two]"), "utf-8")
    (told,) = about_effect(tmp_path, "error")
    assert told.startswith("event 'effect': 20 parents make too many rows; got 1,048,576 rows, 42 parameters")
    assert told.endswith("make each step an event of its own, merge parents into one, or drop a parent")


@pytest.mark.parametrize(
    ("kind", "is_settled", "rows"), [("reached", False, 11), ("reached", True, 1024), ("status", False, 1024)]
)
def test_history_under_many_constants(kind: Kind, is_settled: bool, rows: int) -> None:
    """A step that was taken, and the course of a status, speak of all unobserved causes at once; quiet does not."""
    names = [f"c{n}" for n in range(10)]
    child = event("child", kind, parents=names, cpt=Cpt("noisy_or", "net"))
    events = {name: event(name, "constant") for name in names} | {"child": child}
    assert rows == family_size(child, events, 1, is_settled=is_settled).rows


def test_causes_that_require_something_need_rows(tmp_path: Path) -> None:
    """What an event requires stops all of its causes at once: twenty are refused, and the way out is told."""
    with_parents(tmp_path, 20, "{kind: noisy_or, leak: net}\n    requires: {cause0: 'yes'}")
    (told,) = about_effect(tmp_path, "error")
    assert told.startswith("event 'effect': 20 parents make too many rows; got 1,048,576 rows, 21 parameters")
    assert told.endswith(
        "make its causes an event of their own with this cpt, and let this one require it too; or drop a parent"
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_parameters_are_those_of_the_prior(kind: str) -> None:
    """The parameters that are predicted of an event are the coordinates that its prior then has."""
    cpt = Cpt(kind, "net" if KINDS[kind].leaks else None)
    states = ("a", "b") if kind == "noisy_or" else ("a", "b", "c")
    net = network(
        event("one", "constant"),
        event("two", "constant", ("x", "y", "z")),
        event("child", "constant", states, parents=["one", "two"], cpt=cpt),
    )
    roots = network(*(one for name, one in net.events.items() if name != "child"))
    more = rows_prior(lay_out(net)).n_coordinates - rows_prior(lay_out(roots)).n_coordinates
    assert family_size(net.events["child"], net.events, 1).coordinates == more
