"""The forms of evidence: each way in which an entry of `bears_on` speaks is one class in one file."""

from __future__ import annotations

from collections.abc import Mapping
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, create_model

from forecast.workspace.evidence_forms.claim import ClaimForm
from forecast.workspace.evidence_forms.form import EvidenceForm
from forecast.workspace.evidence_forms.likelihood import LikelihoodForm
from forecast.workspace.evidence_forms.on_scenarios import OnScenariosForm
from forecast.workspace.evidence_forms.settled import SettledForm
from forecast.workspace.evidence_forms.support import SupportForm
from forecast.workspace.nodes import Day, Name, Shape
from forecast.workspace.records import Bearing

# The forms of evidence that there are; a new one is a file beside this one, and an entry of `FORMS`.

FORMS: tuple[EvidenceForm[Any], ...] = (SettledForm(), LikelihoodForm(), SupportForm(), ClaimForm(), OnScenariosForm())
ON_EVENT = tuple(form for form in FORMS if form.is_on_event)
OTHERS = tuple(form.key for form in FORMS if not form.is_on_event)  # what no cell of a table can say
KEYS_ON_EVENT = tuple(form.key for form in ON_EVENT)
# Keys that a row of a table may have, for what it says about its event.
CELLS = (*KEYS_ON_EVENT, *(key for form in ON_EVENT for key in form.beside), "until")
FORM_OF_CELL = {key: form for form in ON_EVENT for key in (form.key, *form.beside)}


_ENDING = [form.key for form in FORMS if form.may_end]
MAY_END = f"{', '.join(_ENDING[:-1])} and {_ENDING[-1]}"  # whose effect decays, for readers
FORM_OF = {form.record: form for form in FORMS}


def evidence_form(part: Bearing) -> EvidenceForm[Any]:
    """Return the form of a part of an item."""
    return FORM_OF[type(part)]


class _Exclusive(Shape):
    one_of: ClassVar[tuple[str, ...]] = tuple(form.key for form in FORMS)
    beside: ClassVar[Mapping[str, str]] = dict.fromkeys(KEYS_ON_EVENT, "event")


def _fields() -> dict[str, Any]:
    """Return the fields of an entry: `event`, the keys of all forms in their order, and `until`."""
    keys = [(key, shape) for form in FORMS for key, shape in ((form.key, form.shape), *form.beside.items())]
    optional = [("event", Name), *keys, ("until", Day)]
    # A key that is a word of Python has another name as a field.
    return {
        key + "_" * iskeyword(key): (shape | None, Field(None, alias=key) if iskeyword(key) else None)
        for key, shape in optional
    }


if TYPE_CHECKING:

    class BearingShape(_Exclusive):
        """What mypy knows of the shape that is made of the forms."""

        event: Name | None = None
        until: Day | None = None

else:
    BearingShape = create_model(
        "BearingShape",
        __base__=_Exclusive,
        __doc__="What an item says about one event, in exactly one of four ways, or about the scenarios.",
        __module__=__name__,
        **_fields(),
    )
