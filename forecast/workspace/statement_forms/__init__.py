"""The forms of statement: each way in which a statement is coded as a number is one class in one file."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, create_model

from forecast.workspace.nodes import Name, PastDay, Shape, Text
from forecast.workspace.read_targets import TargetShape
from forecast.workspace.records import EDITORS, Expert, Reading, Statement, Target
from forecast.workspace.statement_forms.count import CountForm
from forecast.workspace.statement_forms.distribution import DistributionForm
from forecast.workspace.statement_forms.form import Fitted, StatementForm
from forecast.workspace.statement_forms.more_likely import MoreLikelyForm
from forecast.workspace.statement_forms.odds import OddsForm
from forecast.workspace.statement_forms.probability import ProbabilityForm
from forecast.workspace.statement_forms.quantiles import QuantilesForm
from forecast.workspace.statement_forms.times import OddsTimesForm, TimesForm
from forecast.workspace.statement_forms.word import WordForm

# The forms of statement that there are; a new one is a file beside this one, and an entry of `FORMS`.

FORMS: tuple[StatementForm[Any], ...] = (
    ProbabilityForm(),
    QuantilesForm(),
    OddsForm(),
    WordForm(),
    TimesForm(),
    OddsTimesForm(),
    CountForm(),
    MoreLikelyForm(),
    DistributionForm(),
)
READINGS = tuple(form.key for form in FORMS)
CODED = tuple(form.key for form in FORMS if form.may_be_coded_again)

LEAST_CODED_SD = 1.0  # log-odds; nobody puts a sharper number on somebody else's words


def statement_form(reading: Reading) -> StatementForm[Any]:
    """Return the form of a reading; of several with one record the first, as they differ in their text alone."""
    return next(form for form in FORMS if isinstance(reading, form.record))


def is_read_at_opening(statement: Statement, opens: date) -> bool:
    """Say whether a statement is read as of the opening, before any evidence, whenever it was made."""
    form = statement_form(statement.reading)
    return form.is_at_opening or statement.expert == EDITORS or statement.date < opens


def stated_sd(reading: Reading, expert: Expert) -> float | None:
    """Return the sd that a reading implies, or its expert's own where it implies none; None for counts and orders.

    In log-odds; of a ratio of probabilities, in the logarithm of the ratio."""
    return statement_form(reading).sd(reading, expert)


def fit_of(reading: Reading) -> Fitted | None:
    """Return what was stated, what is fitted, its name, and what else could be done; None where nothing is fitted."""
    return statement_form(reading).fitted(reading)


def targets_of(statement: Statement) -> tuple[Target, ...]:
    """Return what a statement is about, and what it compares that with."""
    second = statement_form(statement.reading).second_target(statement.reading)
    return (statement.about,) if second is None else (statement.about, second)


class PublicationShape(Shape):
    """Where it was published."""

    publisher: Text
    title: Text | None = None
    url: Text | None = None


class ResolvedShape(Shape):
    """How what was stated turned out."""

    state: Name | None = None
    void: Literal[True] | None = None
    on: PastDay
    url: Text | None = None


class _CodingHead(Shape):
    one_of: ClassVar[tuple[str, ...]] = CODED

    coder: Text
    why: Text | None = None


if TYPE_CHECKING:

    class CodingShape(_CodingHead):
        """What mypy knows of the shape that is made of the forms."""

else:
    CodingShape = create_model(
        "CodingShape",
        __base__=_CodingHead,
        __doc__="A coder; of every one but the first, what he or she put on the words (in exactly one way), and why.",
        __module__=__name__,
        **{form.key: ((form.shape_again or form.shape) | None, None) for form in FORMS if form.key in CODED},
    )


def _as_coders(value: Any) -> Any:
    """Return coders as a list of maps; one, and the first, may be a name alone."""
    if value is None:
        return None
    return [one if isinstance(one, dict) else {"coder": one} for one in (value if isinstance(value, list) else [value])]


class _Head(Shape):
    one_of: ClassVar[tuple[str, ...]] = READINGS

    format: Literal[1] | None = None
    id: Name
    date: PastDay
    expert: Name
    source: PublicationShape
    says: Text
    about: TargetShape
    why: Text
    coded_by: (
        Annotated[
            list[CodingShape],
            Field(min_length=1),
            BeforeValidator(_as_coders, json_schema_input_type=Text | list[Text | CodingShape]),
        ]
        | None
    ) = None


if TYPE_CHECKING:

    class StatementShape(_Head):
        """What mypy knows of the shape that is made of the forms."""

        resolved: ResolvedShape | None = None

else:
    StatementShape = create_model(
        "StatementShape",
        __base__=_Head,
        __doc__="What an expert said, and what it was read as (in exactly one way).",
        __module__=__name__,
        **{form.key: (form.shape | None, None) for form in FORMS},
        resolved=(ResolvedShape | None, None),
    )
