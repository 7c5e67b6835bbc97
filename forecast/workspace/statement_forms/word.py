"""A verbal term, on its author's scale or as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import override

from forecast.workspace.fits import SCALES, interval_sd, logit, read_word, terms
from forecast.workspace.nodes import PUT_IN, Shape, Text
from forecast.workspace.problems import choice, shown
from forecast.workspace.records import Expert, Reading, Word
from forecast.workspace.statement_forms.form import Built, Numbers, Said, StatedNumber, StatementForm, point
from forecast.workspace.wording import exact


class WordShape(Shape):
    """A verbal term; `scale` is the author's own."""

    term: Text
    scale: Text | None = None


class WordForm(StatementForm[Word]):
    """`word: {term: likely, scale: icd203}`."""

    key = "word"
    shape = WordShape
    record = Word
    may_be_exact = False
    example = "{term: likely, scale: icd203}"

    @override
    def build(self, said: Said) -> Built:
        """Return the reading, and a term or scale that is not known."""
        shape: WordShape = said.value
        if shape.scale is not None and shape.scale not in SCALES:
            allowed = choice("scales", shape.scale, SCALES)
            return None, (said.at.at("scale").problem(f"unknown scale {shown(shape.scale)}", "", allowed),)
        known, term = terms(shape.scale), " ".join(shape.term.lower().split())
        if term == PUT_IN:
            return None, ()
        if term not in known:
            of = f" of scale '{shape.scale}'" if shape.scale else " (no scale given: the surveyed words)"
            what = f"unknown term {shown(shape.term)}{of}"
            return None, (said.at.at("term").problem(what, "", choice("terms", term, known)),)
        return Word(term, shape.scale), ()

    @override
    def sd(self, reading: Word, expert: Expert) -> float | None:
        """Return the sd of the interval that the word is read as."""
        word = read_word(reading.term, reading.scale)
        return interval_sd(logit(word.low), logit(word.high), word.level)

    @override
    def numbers(self, reading: Word, scale: float, window_days: int) -> Numbers:
        """Return the best value of the word."""
        return StatedNumber(logit(read_word(reading.term, reading.scale).best), scale, of_odds=True)

    @override
    def words(self, reading: Word, scenarios: Mapping[str, str], events: Mapping[str, str]) -> str:
        """Write the term, its scale, and what it is read as."""
        read = read_word(reading.term, reading.scale)
        as_read = f"read as {exact(read.best)} ({exact(read.low)}–{exact(read.high)}, at {exact(read.level)})"
        return f"“{reading.term}”{f' ({reading.scale})' if reading.scale else ''}, {as_read}"

    @override
    def alike(self, reading: Word, sd: float) -> Reading:
        """Return the best value of the word."""
        return point(read_word(reading.term, reading.scale).best, sd)
