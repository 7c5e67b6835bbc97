"""The ledger line of a forecast: digests of the inputs that counted, and whether an earlier line of them agrees."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

from forecast.digests import PLAIN, plain_text, writer_of_plain
from forecast.ledger.entries import AskedEntry, Entry, LadderEntry, Line, Share, as_read, encode
from forecast.ledger.kept import digest_of_content, manifest_of
from forecast.ledger.ledger import LEDGER, Ledger, line_of, read_ledger
from forecast.ledger.outcome import Outcome, diagnostics
from forecast.plain import as_data
from forecast.posterior.ladder import JointSubQuestion, Ladder
from forecast.sampling.draws import environment, unlike, versions
from forecast.sampling.readings import question_outcome
from forecast.sampling.spec import active_statements, known_resolution
from forecast.store.program import KINDS, installed_versions, source_digest
from forecast.workspace import read_renames
from forecast.workspace.mentions import Named, Told
from forecast.workspace.problems import Problem, Source
from forecast.workspace.read_evidence import former_item
from forecast.workspace.read_statements import former_statement
from forecast.workspace.records import Condition, Item, Network, Proposition, ReportSource, Statement, Workspace
from forecast.workspace.renames import SAME_DAY_RHO, Former, Rename, Renames

SHORT = 16  # hex digits of a record's digest: 64 bits are plenty to notice an edit


def active_inputs(workspace: Workspace, as_of: date) -> dict[str, Any]:
    """Return the digests of all that counts on a date: the network, scenarios, experts, sources, items and statements.

    Nothing dated later enters, resolutions included, so a later file leaves them as they are; neither does the place
    of a record in its file. A retraction enters from its own date, apart from the item: it is no edit. So does the
    outcome of a question that somebody's statement was about; without any the key `resolutions` is left out.
    """
    statements = active_statements(workspace, as_of)
    items = [item for item in workspace.items if item.reported <= as_of]
    experts = {statement.expert for statement in statements}
    sources = {item.report_source for item in items}
    outcomes = {
        statement.id: line
        for statement in statements
        if (line := question_outcome(workspace, statement, as_of)) is not None
    }
    resolved = (
        {"resolutions": {name: record_digest(replace(line, undone=None)) for name, line in outcomes.items()}}
        if outcomes
        else {}
    )
    return {
        "network": network_digest(workspace.network),
        "scenarios": record_digest(workspace.scenarios),
        "experts": {name: record_digest(workspace.experts[name]) for name in sorted(experts)},
        "sources": {name: _source_digest(workspace.sources[name]) for name in sorted(sources)},
        "statements": {statement.id: _statement_digest(known_resolution(statement, as_of)) for statement in statements},
        "items": {item.id: _item_digest(item) for item in items},
        "retracted": [item.id for item in items if item.retracted and item.retracted <= as_of],
        **resolved,
    }


def _statement_digest(statement: Statement) -> str:
    return record_digest([statement, statement.codings] if statement.codings else statement)


def _source_digest(source: ReportSource) -> str:
    is_usual = source.same_day_rho == SAME_DAY_RHO
    return record_digest(source if is_usual else [source, source.same_day_rho])


def _item_digest(item: Item) -> str:
    item = replace(item, retracted=None) if item.retracted else item
    return record_digest([item, item.independent] if item.independent else item)


def rolled_to(network: Network) -> str | None:
    """Return the horizon that is asked about, in ISO form, if it is no longer the file's own."""
    return None if network.horizon == network.window_ends else network.horizon.isoformat()


def network_digest(network: Network) -> str:
    """Return the digest of the file's network; the horizon that it was rolled to is told apart, as `rolled`."""
    first = replace(network, horizon=network.window_ends)
    events = network.events.values()
    timings = {event.id: event.timing for event in events if event.timing is not None}
    directions = {event.id: (event.raises, event.lowers) for event in events if event.raises or event.lowers}
    needs = {event.id: event.requires for event in events if event.requires}
    apart = [timings, directions, needs] if needs else [timings, directions] if directions else [timings]
    return record_digest([first, *apart] if any(apart) else first)


def record_digest(record: Any) -> str:
    """Return the digest of a record and all that it holds, places in files left out."""
    return hashlib.sha256(f"sequence 1:{_text(record)}".encode()).hexdigest()[:SHORT]


def _text(value: Any) -> str:
    """Return all that a record says, without its place in a file, as one text."""
    return _writers[type(value)](value)


class _Writers(dict[type, Callable[[Any], str]]):
    """What writes a value, by its type; found once a type: a table of evidence has a hundred thousand records.

    Raises ValueError for a type whose order or representation is not fixed.
    """

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        self[kind] = _writer(kind)
        return self[kind]


_writers = _Writers()


def _writer(kind: type) -> Callable[[Any], str]:
    if kind is str:
        return lambda said: f"str {said!r};"
    if issubclass(kind, PLAIN):
        return writer_of_plain(kind)
    if issubclass(kind, Source):
        nothing = plain_text(None)
        return lambda _place: nothing
    if issubclass(kind, tuple | list):
        return lambda values: f"sequence {len(values)}:{''.join([_writers[type(part)](part) for part in values])}"
    if issubclass(kind, Mapping):
        return _mapping_text
    if is_dataclass(kind):
        return _record_writer(kind)
    msg = f"no digest is defined for {kind.__name__}"
    raise ValueError(msg)


def _mapping_text(mapping: Mapping[Any, Any]) -> str:
    writers = _writers
    entries = [f"sequence 2:{writers[type(key)](key)}{writers[type(part)](part)}" for key, part in mapping.items()]
    return f"sequence {len(entries)}:{''.join(entries)}"


def _record_writer(record: type) -> Callable[[Any], str]:
    """Return what writes the fields of records of this type that a forecast rests on."""
    names = [field.name for field in fields(record) if field.metadata.get("is_input", True)]
    begin = f"sequence {len(names) + 1}:str {record.__name__!r};"
    writers = _writers
    if len(names) == 1:
        get_one = attrgetter(names[0])
        return lambda value: begin + _text(get_one(value))
    get = attrgetter(*names)
    return lambda value: (
        begin + "".join([f"str {part!r};" if type(part) is str else writers[type(part)](part) for part in get(value)])
    )


PROGRAM = "program"  # beside the versions of packages: a digest of the source that a posterior comes from


def new_line(
    outcome: Outcome,
    *,
    note: str | None = None,
    previous: str | None = None,
    ladder: Ladder | None = None,
) -> Line:
    """Return the line of an outcome, as it will be read.

    `previous` is the digest of the entry it would come after, `ladder` what it says of the sub-questions of its day.
    """
    line = Line(
        as_of=outcome.as_of,
        horizon=outcome.workspace.network.horizon,
        rolled=rolled_to(outcome.workspace.network),
        known_until=outcome.posterior.asked.network.known.until,
        seed=outcome.seed,
        version=installed_versions(["forecast"])["forecast"],
        versions={**versions(), PROGRAM: source_digest(*KINDS["posterior"].code)[:SHORT]},
        environment=environment(),
        inputs=active_inputs(outcome.workspace, outcome.as_of),
        scenarios=tuple(
            Share(id=name, probability=one.probability, quantiles=tuple(one.quantiles), mcse=one.mcse)
            for name, one in outcome.scenarios.items()
        ),
        diagnostics=as_data(diagnostics(outcome)),
        note=note,
        previous=previous,
        kept=digest_of_content(manifest_of(outcome.workspace.digests)),
        ladder=None if ladder is None else _ladder_entries(ladder),
        asked=() if ladder is None else _asked_entries(ladder),
    )
    return as_read(line)  # a page that is drawn before the line is written is the one that is drawn after it


def _ladder_entries(ladder: Ladder) -> tuple[LadderEntry, ...]:
    by: dict[tuple[str, tuple[str, ...]], dict[str, float]] = {}
    for one, probability in zip(ladder.asks, ladder.probabilities.tolist(), strict=True):
        by.setdefault((one.event, one.states), {})[one.by.isoformat()] = probability
    return tuple(LadderEntry(event=event, states=states, by=days) for (event, states), days in by.items())


def _asked_entries(ladder: Ladder) -> tuple[AskedEntry, ...]:
    by: dict[tuple[Proposition, Proposition | None], dict[str, float]] = {}
    for one in ladder.joints:
        if isinstance(one.asks, JointSubQuestion):
            by.setdefault((one.asks.about, one.asks.given), {})[one.asks.by.isoformat()] = one.probability
    return tuple(AskedEntry(about=about, given=given, by=days) for (about, given), days in by.items())


RENAMED = "names that were changed since, whose order decides the draws"
LAST_DIGITS = 1e-9  # of a probability: a thousand times what another processor's last digits can change


def recomputed(line: Line, updates: Sequence[Line], texts: Sequence[str] = ()) -> tuple[Problem, ...]:
    """Warn where the ledger has other numbers for the same inputs, date and seed: both numbers, and what differs.

    `line` is the one just computed. The latest line of the ledger with the same inputs is meant. `texts` are the lines
    of the file, from which an update differs that named something otherwise.
    """
    recorded = line_of(line, updates)
    if recorded is None:
        return ()
    here, before = line.probabilities, recorded.probabilities
    pairs = [(name, p, before.get(name, 0.0)) for name, p in here.items()]
    pairs = [(name, p, old) for name, p, old in pairs if abs(p - old) > LAST_DIGITS]
    if not pairs:
        return ()
    got = ", ".join(f"{name} {p:.6g} here, {old:.6g} in the ledger" for name, p, old in pairs)
    parts = [unlike(recorded.environment or {}, line.environment or {}), unlike(recorded.versions, line.versions)]
    names = [name for part in parts for name in part]
    names += [RENAMED] if texts and recorded.number and encode(recorded) != texts[recorded.number - 1] else []
    why = f"they differ in {'; '.join(names)}" if names else "no version or processor differs: was the line edited?"
    what = f"the ledger's forecast of {recorded.as_of} comes out otherwise from the same inputs"
    source = Source(LEDGER, recorded.number or 0)
    return (
        Problem(
            source,
            what,
            got,
            f"differences of at most {LAST_DIGITS:g}; {why}; `forecast update -m WHY` records them as they are here",
            "warning",
        ),
    )


# Lines of the ledger with what they name called as it is today; the file itself keeps the names of then.

BY_KIND = {"expert": "experts", "source": "sources", "statement": "statements", "item": "items"}  # keys of `inputs`
KIND_OF_KEY = {key: kind for kind, key in BY_KIND.items()} | {"resolutions": "statement"}


def told_in_ledger(root: Path) -> Iterator[Told]:
    """Yield the scenarios, experts, sources, statements and items that the lines of the ledger name."""
    for line in read_ledger(root).updates:
        where, day = _place(line), line.as_of
        for share in line.scenarios:
            yield Told(Named("scenario", share.id), where, day)
        for kind, key in BY_KIND.items():
            for name in line.inputs[key]:
                yield Told(Named(kind, name), where, day)


def called_today(ledger: Ledger, workspace: Workspace) -> Ledger:
    """Return a ledger whose updates name everything as the workspace does; texts and digests of lines are the file's.

    A digest of a record becomes the one that the record has today, if it is the one that the record had under the names
    of then: what was only renamed is not told as edited, and what was edited is.
    """
    if not workspace.renames.made:
        return ledger
    known: dict[tuple[Rename, ...], _Records] = {}

    def today(entry: Entry) -> Entry:
        if not isinstance(entry, Line):
            return entry
        names = workspace.renames.before(_place(entry), entry.as_of)
        if names.since not in known:
            known[names.since] = _records(workspace, names) if names.since else _Records({}, {})
        return _line_today(entry, workspace.renames, known[names.since])

    return Ledger(tuple(map(today, ledger.entries)), ledger.texts)


def table_today(table: Mapping[str, Any], line: Line, renames: Renames) -> dict[str, Any]:
    """Return the scenarios and events of a forecast.json that belongs to a line, called as they are today."""
    where, day = _place(line), line.as_of

    def states(event: Mapping[str, Any]) -> list[dict[str, object]]:
        named = [(row, renames.state_today(event["id"], row["state"], where, day)[1]) for row in event["states"]]
        return [{**row, "state": name} for row, name in named]

    scenarios = [{**row, "id": renames.today("scenario", row["id"], where, day)} for row in table["scenarios"]]
    events = [
        {**event, "id": renames.today("event", event["id"], where, day), "states": states(event)}
        for event in table.get("events", ())
    ]
    return {**table, "scenarios": scenarios, "events": events}


@dataclass(frozen=True)
class _Records:
    """What the records of the files were called and digested to, under other names: then -> today."""

    digests: Mapping[str, str]
    items: Mapping[str, str]


def _place(line: Line) -> Source:
    return Source(LEDGER, line.number or 1)


def _line_today(line: Line, renames: Renames, records: _Records) -> Line:
    where, day = _place(line), line.as_of

    def called(kind: str, name: str) -> str:
        return (records.items.get(name) if kind == "item" else None) or renames.today(kind, name, where, day)

    inputs: dict[str, Any] = {}
    for key, value in line.inputs.items():
        if isinstance(value, str):
            inputs[key] = records.digests.get(value, value)
        elif isinstance(value, Mapping):
            kind = KIND_OF_KEY.get(key, key)
            named = {called(kind, name): records.digests.get(digest, digest) for name, digest in value.items()}
            inputs[key] = dict(sorted(named.items()))
        else:
            inputs[key] = sorted(called("item", name) for name in value)
    shares = tuple(
        replace(scenario, id=renames.today("scenario", scenario.id, where, day)) for scenario in line.scenarios
    )
    ladder = None if line.ladder is None else tuple(_entry_today(entry, renames, where, day) for entry in line.ladder)
    asked = tuple(_asked_today(entry, renames, where, day) for entry in line.asked)
    return replace(line, inputs=inputs, scenarios=shares, ladder=ladder, asked=asked)


def _asked_today(entry: AskedEntry, renames: Renames, where: Source, day: date) -> AskedEntry:
    def condition(one: Condition) -> Condition:
        named = [renames.state_today(one.event, state, where, day) for state in one.states]
        return replace(one, event=named[0][0], states=tuple(state for _, state in named)) if named else one

    def today(about: Proposition) -> Proposition:
        if about.scenario is not None:
            return Proposition(scenario=renames.today("scenario", about.scenario, where, day))
        return Proposition(tuple(map(condition, about.conditions)))

    return replace(entry, about=today(entry.about), given=None if entry.given is None else today(entry.given))


def _entry_today(entry: LadderEntry, renames: Renames, where: Source, day: date) -> LadderEntry:
    named = [renames.state_today(entry.event, state, where, day) for state in entry.states]
    return replace(entry, event=named[0][0], states=tuple(state for _, state in named)) if named else entry


def _records(workspace: Workspace, names: Former) -> _Records:
    own = frozenset(expert.group for expert in workspace.experts.values() if expert.group == expert.id)
    scenarios = tuple(read_renames.former_scenario(scenario, names) for scenario in workspace.scenarios)
    digests = {
        network_digest(read_renames.former_network(workspace.network, names)): network_digest(workspace.network),
        record_digest(scenarios): record_digest(workspace.scenarios),
    }

    def add(records: Any, then: Callable[[Any], Any]) -> None:
        digests.update((record_digest(then(record)), record_digest(record)) for record in records)

    add(workspace.experts.values(), lambda one: read_renames.former_expert(one, names, own))
    add(workspace.sources.values(), lambda one: read_renames.former_source(one, names))
    add(workspace.statements, lambda one: former_statement(one, names))
    # As they count before it is known how they turned out.
    open_ones = [known_resolution(statement, date.min) for statement in workspace.statements]
    add(open_ones, lambda one: former_statement(one, names))
    standing = [replace(item, retracted=None) for item in workspace.items]
    add(standing, lambda one: former_item(one, names))
    questions = {question.id for question in workspace.asked}
    of_questions = [replace(line, undone=None) for line in workspace.resolutions if line.subject in questions]
    add(of_questions, lambda one: read_renames.former_resolution(one, names))
    return _Records(digests, {former_item(item, names).id: item.id for item in workspace.items})
