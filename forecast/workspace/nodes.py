"""A light tree of what a file says, in which every value knows its line; and the cursor that readers walk along."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from forecast.workspace.numbers import number_in, why_no_number
from forecast.workspace.problems import NO_NAME, Problem, Severity, Source, is_slip, near, nearest, quoted, shown

Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value; `text` is how it is written."""

    value: Plain
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """A map of keys to values, in file order; keys are always text."""

    entries: Mapping[str, Node]
    key_lines: Mapping[str, int]
    line: int


Node = Scalar | ListNode | MapNode
Step = str | int


def text(value: str) -> Scalar:
    """Return a text as a node."""
    return Scalar(value, value, 1)


def mapping(entries: Mapping[str, Node], line: int = 1) -> MapNode:
    """Return a map that stands on one line as a node."""
    return MapNode(dict(entries), dict.fromkeys(entries, line), line)


def plain(node: Node) -> Any:
    """Return the tree as dicts, lists and scalars."""
    match node:
        case Scalar(value=value):
            return value
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            return {key: plain(value) for key, value in entries.items()}


def child(node: Node | None, step: Step) -> Node | None:
    """Return the value behind a key or an index, or None where there is none."""
    if isinstance(node, MapNode) and isinstance(step, str):
        return node.entries.get(step)
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def descend(node: Node, steps: Sequence[Step]) -> tuple[Node, tuple[Step, ...]]:
    """Walk down as far as the tree goes; steps that name nothing are skipped. Return the node and the steps taken."""
    taken: list[Step] = []
    for step in steps:
        below = child(node, step)
        if below is not None:
            node = below
            taken.append(step)
    return node, tuple(taken)


def line_at(node: Node, *steps: Step) -> int:
    """Return the line of the value at `steps`, or of the deepest value above it that exists."""
    return descend(node, steps)[0].line


def text_at(node: Node | None, *steps: Step) -> str | None:
    """Return the text at `steps`, or None where there is no text."""
    for step in steps:
        node = child(node, step)
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def replaced(node: Node, steps: tuple[Step, ...], value: Node | None) -> Node:
    """Return the tree with `value` at `steps`, or with nothing there (None); the value above must exist."""
    first, rest = steps[0], steps[1:]
    below = child(node, first)
    if rest:
        if below is None:
            raise ValueError(f"{steps} names nothing in the tree")
        value = replaced(below, rest, value)
    if isinstance(node, MapNode) and isinstance(first, str):
        others = {key: entry for key, entry in node.entries.items() if key != first or value is not None}
        return replace(node, entries=others if value is None else {**others, first: value})
    if isinstance(node, ListNode) and isinstance(first, int) and below is not None:
        items = list(node.items)
        items[first : first + 1] = [] if value is None else [value]
        return replace(node, items=tuple(items))
    raise ValueError(f"{steps} names nothing in the tree")


def with_key(node: Node, steps: tuple[Step, ...], key: str) -> Node:
    """Return the tree with another name for the key at `steps`, in its place."""
    parent, _ = descend(node, steps[:-1])
    if not isinstance(parent, MapNode):
        raise ValueError(f"{steps} names no key of a map")  # noqa: TRY004 - of a tree that holds no such place
    names = {name: key if name == steps[-1] else name for name in parent.entries}
    entries = {names[name]: value for name, value in parent.entries.items()}
    lines = {names.get(name, name): line for name, line in parent.key_lines.items()}
    new = MapNode(entries, lines, parent.line)
    return replaced(node, steps[:-1], new) if steps[:-1] else new


FORMAT = "format"  # a reserved key of every map of names


class Cursor(NamedTuple):  # of tuples many can be made: one for each value that is looked at
    """A value: its tree, the file and line where it stands, and the subject with which a message about it begins."""

    node: Node
    path: str
    subject: str
    line: int

    @classmethod
    def over(cls, node: Node, path: str, subject: str = "") -> Cursor:
        """Return the cursor at a tree of a file."""
        return cls(node, path, subject, node.line)

    @property
    def source(self) -> Source:
        """The place in the file."""
        return Source(self.path, self.line)

    def problem(self, what: str, got: str = "", allowed: str = "", severity: Severity = "error") -> Problem:
        """Return a problem here; `what` reads on from the subject, behind a colon."""
        return Problem(self.source, f"{self.subject}: {what}", got, allowed, severity)

    def at(self, *steps: Step) -> Cursor:
        """Return the value at some steps, or the deepest value above it that exists; the subject stays."""
        node, taken = descend(self.node, steps)
        return Cursor(node, self.path, self.subject, node.line) if taken else self

    def key(self, name: str) -> Cursor:
        """Return a value of a map with the line of its key; the map itself where there is no such key."""
        if not isinstance(self.node, MapNode) or name not in self.node.entries:
            return self
        return Cursor(self.node.entries[name], self.path, self.subject, self.node.key_lines[name])

    def called(self, subject: str) -> Cursor:
        """Return the same place with another subject."""
        return Cursor(self.node, self.path, subject, self.line)

    def under(self, part: str) -> Cursor:
        """Return the same place with a subject that names a part."""
        return Cursor(self.node, self.path, f"{self.subject}: {part}", self.line)

    def child(self, *steps: Step) -> Node | None:
        """Return the tree at some steps, None where there is none."""
        node: Node | None = self.node
        for step in steps:
            node = child(node, step)
        return node

    def text(self, *steps: Step) -> str | None:
        """Return the text at some steps, None where there is no text."""
        return text_at(self.node, *steps)

    def has(self, key: str) -> bool:
        """Say whether this is a map with a key."""
        return isinstance(self.node, MapNode) and key in self.node.entries

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a map, none of anything else."""
        return tuple(self.node.entries) if isinstance(self.node, MapNode) else ()

    def named(self) -> dict[str, Cursor]:
        """Return the entries of a map of names, without its format."""
        return {name: self.at(name) for name in self.keys if name != FORMAT}

    def items(self) -> tuple[Cursor, ...]:
        """Return the items of a list, or a single map as the only one."""
        nodes = self.node.items if isinstance(self.node, ListNode) else ()
        nodes = (self.node,) if isinstance(self.node, MapNode) else nodes
        return tuple(Cursor(node, self.path, self.subject, node.line) for node in nodes)

    def items_at(self, *steps: Step) -> tuple[Cursor, ...]:
        """Return the items at some steps; none where nothing stands there."""
        node = self.child(*steps)
        return () if node is None else Cursor.over(node, self.path, self.subject).items()

    def scalars(self) -> Iterator[Cursor]:
        """Yield the single values of a list, or a value that stands alone."""
        for node in self.node.items if isinstance(self.node, ListNode) else (self.node,):
            if isinstance(node, Scalar):
                yield Cursor(node, self.path, self.subject, node.line)

    def texts(self) -> Iterator[tuple[str, Cursor]]:
        """Yield the texts of a list, or a text that stands alone, each with its place."""
        for scalar in self.scalars():
            if isinstance(scalar.node, Scalar) and isinstance(scalar.node.value, str):
                yield scalar.node.value, scalar


# What a map in a file may hold, and a tree held against it: every deviation is a problem at its line.

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Shape(BaseModel):
    """A map with known keys, read strictly: nothing is converted, nothing unknown is passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    # Keys of which exactly one must be there; the reader checks it, the schema says it.
    one_of: ClassVar[tuple[str, ...]] = ()
    # Keys that some of these need beside them; the others of `one_of` stand without.
    beside: ClassVar[Mapping[str, str]] = {}


class AtLeast(Shape):
    """The state named and all later ones."""

    at_least: Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


class Choice(NamedTuple):
    """States as the user wrote them: some names, or one name and all states after it."""

    states: tuple[str, ...]
    and_later: bool


def refuse(what: str, allowed: str = "") -> PydanticCustomError:
    """Return the error that a validator raises; `what` reads on from the name of the value."""
    return PydanticCustomError("plain_words", "{what}", {"what": what, "allowed": allowed})


def _read_day(value: Any) -> date:
    if not isinstance(value, str) or not ISO_DAY.fullmatch(value):
        raise refuse("is not a date", "dates are written YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise refuse("is a day that does not exist", "dates are written YYYY-MM-DD") from None


def _read_past_day(value: Any, info: ValidationInfo) -> date:
    day, today = _read_day(value), (info.context or {})["today"]
    if day > today:
        raise refuse("lies in the future", f"today is {today}")
    return day


def read_probability(value: Any) -> Any:
    """Return a number that is strictly between 0 and 1, and anything that is no number as it is; refuse the rest."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value in (0, 1):
            raise refuse("may not be 0 or 1", "no evidence could ever move a certainty; write 0.01 or 0.99, or less")
        if 1 < value <= 100:
            raise refuse("is not a probability", f"between 0 and 1; {value:g} % is written {value / 100:g}")
        if not 0 < value < 1:
            raise refuse("is not a probability", "a number between 0 and 1")
    return value


def _read_stated(value: Any) -> Any:
    """Read a probability that somebody states of an event."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value in (0, 1):
        allowed = "write 0.01 or 0.99, or less; what cannot be without another event is a `requires` of the network"
        raise refuse("may not be 0 or 1", f"no evidence could ever move a certainty; {allowed}")
    return read_probability(value)


def _read_choice(value: Any) -> Choice:
    allowed = "a state, a list of states, or {at_least: state}"
    if isinstance(value, str):
        return Choice((value,), False)
    if isinstance(value, list):
        if not value:
            raise refuse("is an empty list: it can never hold", allowed)
        for state in value:
            if not isinstance(state, str):
                raise refuse(f"holds {shown(state)}, which is not a state", "put a state's name in quotes")
        return Choice(tuple(dict.fromkeys(value)), False)
    if isinstance(value, dict) and set(value) == {"at_least"} and isinstance(value["at_least"], str):
        return Choice((value["at_least"],), True)
    if isinstance(value, dict):
        raise refuse("names no states", allowed + "".join(nearest(key, ["at_least"]) for key in [*value][:1]))
    if value is None:
        raise refuse("names no states", allowed)
    raise refuse("is not a state", f"{allowed}; put a state's name in quotes")


def one_of(words: Iterable[str]) -> Any:
    """Return the annotation of a text that is one of some words."""
    return Literal.__getitem__(tuple(words))


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=100)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Day = Annotated[date, BeforeValidator(_read_day, json_schema_input_type=date)]
PastDay = Annotated[date, BeforeValidator(_read_past_day, json_schema_input_type=date)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MOST_SD = 100.0  # in log-odds: a double holds the ratio at either end of such a width, and it says nothing
Width = Annotated[float, Field(gt=0, le=MOST_SD, allow_inf_nan=False)]
UnitProbability = Annotated[float, Field(gt=0, lt=1), BeforeValidator(read_probability)]
StatedProbability = Annotated[float, Field(gt=0, lt=1), BeforeValidator(_read_stated)]
States = Annotated[Choice, PlainValidator(_read_choice, json_schema_input_type=Name | list[Name] | AtLeast)]


class DatedShape(Shape):
    """States in which an event is on a day of its own, or into one of which it comes at once."""

    states: States = Field(alias="is")
    held_by: Day | None = None
    when: Literal["at_once", "at_horizon"] | None = None


class HeldShape(Shape):
    """States in which an event is on a day of its own."""

    states: States = Field(alias="is")
    held_by: Day


def _form_of_condition(value: Any) -> str:
    return "dated" if isinstance(value, dict) and {"is", "held_by", "when"} & set(value) else "states"


Dated = Annotated[
    Annotated[DatedShape, Tag("dated")] | Annotated[States, Tag("states")], Discriminator(_form_of_condition)
]
Held = Annotated[
    Annotated[HeldShape, Tag("dated")] | Annotated[States, Tag("states")], Discriminator(_form_of_condition)
]


EXPECTED = {
    "string_type": "must be text",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be a map of keys to values",
    "model_type": "must be a map of keys to values",
    "model_attributes_type": "must be a map of keys to values",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
}

WHOLE = ("int_type", "int_from_float")
NUMBERS = ("float_type", *WHOLE)
PUT_IN = "missing"  # the text in the place of one that is missing
MAP_EXPECTED = ("model_type", "model_attributes_type")  # of a shape, whose keys can be named


@dataclass(frozen=True)
class Checked[S: Shape]:
    """What a value of a file says: the shape, and the value that it came from.

    `meant` is the value with misspelt keys under the names that they were meant to be: further checks begin there, or
    one slip would be told again as a key that is missing. Where there are problems, wrong parts are also taken out of
    `at` and missing texts put in, so that what is right can still be checked further; `shape` is None where that was
    not enough. `wrong` are the keys at the top in or below which that was done: what they say together cannot be
    checked any more."""

    shape: S | None
    at: Cursor
    meant: Cursor
    problems: tuple[Problem, ...]
    wrong: frozenset[Step] = frozenset()


def hold[S: Shape](shape: type[S], at: Cursor, today: date) -> Checked[S]:
    """Read a value as `shape`."""
    said, errors = _validated(shape, at, today)
    respelt: list[Problem] = []
    while spellings := _spellings(shape, at, errors):
        for error, key in spellings:
            respelt.append(_problem(shape, at, error))
            at = Cursor(with_key(at.node, _steps(error), key), at.path, at.subject, at.line)
        said, errors = _validated(shape, at, today)
    problems = (*respelt, *(_problem(shape, at, error) for error in errors))
    wrong = frozenset(_steps(error)[0] for error in errors if _steps(error))
    meant = at
    for mended in (_without_wrong, _with_missing_texts):
        if said is None:
            at = Cursor(mended(at.node, errors), at.path, at.subject, at.line)
            said, errors = _validated(shape, at, today)
    return Checked(said, at, meant, problems, wrong)


def _validated[S: Shape](shape: type[S], at: Cursor, today: date) -> tuple[S | None, list[ErrorDetails]]:
    try:
        return shape.model_validate(plain(at.node), context={"today": today}), []
    except ValidationError as invalid:
        return None, invalid.errors(include_url=False)


def _spellings(shape: type[Shape], at: Cursor, errors: Sequence[ErrorDetails]) -> list[tuple[ErrorDetails, str]]:
    """Return the unknown keys that are a known one misspelt which is not there, each with that one."""
    found: dict[tuple[Step, ...], tuple[ErrorDetails, str]] = {}
    for error in errors:
        steps = _steps(error)
        parent, above = descend(at.node, steps[:-1])
        inner = _shape_at(shape, above)
        if error["type"] != "extra_forbidden" or inner is None or not isinstance(parent, MapNode):
            continue
        written = str(steps[-1])
        key = near(written, _known_keys(shape, above))
        if key is None or key in parent.entries or (key in inner.one_of and {*inner.one_of} & {*parent.entries}):
            continue
        if key in (*_needed_keys(inner), *inner.one_of) or is_slip(written, key):
            found.setdefault((*above, key), (error, key))
    return list(found.values())


def exactly_one(shape: type[Shape], at: Cursor) -> Iterator[Problem]:
    """Report a map that holds none, or more than one, of the keys that stand for each other."""
    if not isinstance(at.node, MapNode):
        return
    given = [key for key in shape.one_of if at.has(key)]
    if not given:
        yield at.problem("says nothing", "", f"needs exactly one of {quoted(shape.one_of)}")
    for key in given[1:]:
        yield at.key(key).problem(f"'{key}' beside '{given[0]}'", "", f"exactly one of {quoted(shape.one_of)}")


def _without_wrong(node: Node, errors: Sequence[ErrorDetails]) -> Node:
    # The longest paths first, and later items before earlier ones: taking one out does not move the others.
    taken = {descend(node, _steps(error))[1] for error in errors if error["type"] != "missing"}
    for steps in sorted(taken, key=lambda steps: (len(steps), [str(s).zfill(9) for s in steps]), reverse=True):
        if steps and descend(node, steps)[1] == steps:
            node = replaced(node, steps, None)
    return node


def _with_missing_texts(node: Node, errors: Sequence[ErrorDetails]) -> Node:
    """Put any text where a key is missing: it may be that only a text was needed to check the rest."""
    for error in errors:
        parent, above = descend(node, _steps(error)[:-1])
        if error["type"] == "missing" and isinstance(parent, MapNode):
            node = replaced(node, (*above, _steps(error)[-1]), Scalar(PUT_IN, PUT_IN, parent.line))
    return node


def _steps(error: ErrorDetails) -> tuple[Step, ...]:
    return tuple(step for step in error["loc"] if step != "[key]")


def _problem(shape: type[Shape], at: Cursor, error: ErrorDetails) -> Problem:
    steps = _steps(error)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        parent, taken = descend(at.node, steps[:-1])
        where = Source(at.path, parent.line)
        return Problem(where, f"{_at(at.subject, taken)}: missing key '{steps[-1]}'", "", _keys(shape, taken))
    found, taken = descend(at.node, steps)
    if kind == "extra_forbidden":
        parent, above = descend(at.node, taken[:-1])
        line = parent.key_lines[str(taken[-1])] if isinstance(parent, MapNode) else found.line
        keys = _known_keys(shape, above)
        what = f"{_at(at.subject, above)}: unknown key {shown(taken[-1])}"
        return Problem(Source(at.path, line), what, "", f"keys are {quoted(keys)}{nearest(str(taken[-1]), keys)}")
    what, allowed = _words(kind, context, error)
    if kind in MAP_EXPECTED and (keys := _known_keys(shape, taken)):
        allowed = f"keys are {quoted(keys)}"
    is_key = error["loc"][-1:] == ("[key]",)
    got = shown(taken[-1] if is_key and taken else plain(found))
    return Problem(Source(at.path, found.line), f"{_at(at.subject, taken)} {what}", got, allowed)


def _at(subject: str, steps: Sequence[Step]) -> str:
    where = ".".join(f"[{step + 1}]" if isinstance(step, int) else _short(step) for step in steps).replace(".[", "[")
    return f"{subject}: {where}" if where else subject


def _short(key: str) -> str:
    return shown(key)[1:-1]


def _words(kind: str, context: dict[str, object], error: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong (reading on from the value's name) and what is allowed."""
    if kind == "plain_words":
        return str(context["what"]), str(context["allowed"])
    if kind in EXPECTED:
        return EXPECTED[kind], _as_expected(kind, error["input"])
    match kind:
        case "literal_error":
            names = re.findall(r"'([^']*)'", str(context["expected"]))
            value = error["input"]
            near = nearest(value, names) if isinstance(value, str) else ""
            return (
                "is not a known value",
                f"allowed are {quoted(names) if names else str(context['expected']).lower()}{near}",
            )
        case "string_pattern_mismatch":
            return NO_NAME, "letters, digits, '_', '.' and '-', beginning with a letter or digit"
        case "string_too_long":
            return "is too long", f"at most {context['max_length']} characters"
        case "too_short":
            return "holds too little", f"at least {context['min_length']}"
        case "too_long":
            return "holds too much", f"at most {context['max_length']}"
        case "greater_than":
            return "is out of range", f"greater than {context['gt']:g}"
        case "greater_than_equal":
            return "is out of range", f"at least {context['ge']:g}"
        case "less_than":
            return "is out of range", f"less than {context['lt']:g}"
        case "less_than_equal":
            return "is out of range", f"at most {context['le']:g}"
    return f"is wrong: {error['msg']}", ""


def _as_expected(kind: str, value: object) -> str:
    """Return how a value of another kind would be written as one of this kind, nothing where that cannot be told."""
    match value:
        case str() if kind in NUMBERS:
            is_quoted = number_in(value.strip()) is not None
            return f"without quotes: {value.strip()}" if is_quoted else why_no_number(value)
        case float() if kind in WHOLE and value.is_integer():
            return f"without decimals: {value:.0f}"
        case bool() | int() | float() if kind == "string_type":
            return "put it in quotes"
    return ""


def _keys(shape: type[Shape], steps: Sequence[Step]) -> str:
    inner = _shape_at(shape, steps)
    if inner is None:
        return ""
    return f"needed are {quoted(_needed_keys(inner))}"


def _needed_keys(shape: type[Shape]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in shape.model_fields.items() if field.is_required())


def _known_keys(shape: type[Shape], steps: Sequence[Step]) -> tuple[str, ...]:
    inner = _shape_at(shape, steps)
    return tuple(field.alias or name for name, field in inner.model_fields.items()) if inner else ()


def _shape_at(shape: type[Shape], steps: Sequence[Step]) -> type[Shape] | None:
    """Return the shape that stands behind `steps`, by the annotations of the shapes on the way."""
    annotation: Any = shape
    for step in steps:
        annotation = _bare(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Shape):
            fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
            if str(step) not in fields:
                return None
            annotation = fields[str(step)].annotation
        elif get_origin(annotation) in (list, dict):
            annotation = get_args(annotation)[-1]
        else:
            return None
    annotation = _bare(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, Shape) else None


def _bare(annotation: Any) -> Any:
    """Return the annotation without `Annotated` and `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation
