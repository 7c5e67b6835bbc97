"""Probability words: bands of the scales, and survey answers."""

from __future__ import annotations

import pytest

from forecast.workspace.fits import OFFICIAL, SCALES, WordReading, read_word, terms


@pytest.mark.parametrize("scale", [*SCALES, None])
def test_every_term_is_an_interval(scale: str | None) -> None:
    """Every term of every scale is an interval strictly between 0 and 1 that holds its best value."""
    readings = [read_word(term, scale) for term in terms(scale)]
    assert [r for r in readings if not (0 < r.low <= r.best <= r.high < 1 and r.low < r.high and 0 < r.level < 1)] == []


@pytest.mark.parametrize(
    ("term", "scale", "expected"),
    [
        ("likely", "icd203", (0.55, 0.80)),
        ("Almost  Certain", "icd203", (0.95, 0.99)),
        ("realistic possibility", "phia", (0.40, 0.50)),
        ("likely", "nato", (0.60, 0.90)),
        ("probable", "kent", (0.63, 0.87)),
        ("likely", "ipcc", (0.66, 0.995)),
        ("virtually certain", "ipcc", (0.99, 0.999)),
    ],
)
def test_official_bands(term: str, scale: str, expected: tuple[float, float]) -> None:
    """A term of a scale is its published band; an end at 0 or 1 is moved inside."""
    reading = read_word(term, scale)
    assert (reading.low, reading.high) == pytest.approx(expected, abs=1e-12)


PUBLISHED = {
    "icd203": [(1, 5), (5, 20), (20, 45), (45, 55), (55, 80), (80, 95), (95, 99)],
    "phia": [(0, 5), (10, 20), (25, 35), (40, 50), (55, 75), (80, 90), (95, 100)],
    "nato": [(0, 10), (10, 40), (40, 60), (60, 90), (90, 100)],
    "kent": [(7 - 5, 7 + 5), (30 - 10, 30 + 10), (50 - 10, 50 + 10), (75 - 12, 75 + 12), (93 - 6, 93 + 6)],
    "ipcc": [(0, 1), (0, 5), (0, 10), (0, 33), (33, 66), (66, 100), (90, 100), (95, 100), (99, 100)],
}


@pytest.mark.parametrize("scale", SCALES)
def test_bands_are_the_published_ones(scale: str) -> None:
    """Each scale has the bands that its authors published, all of them and no other."""
    assert PUBLISHED[scale] == sorted(set(OFFICIAL[scale].values()))


def test_surveys_are_pooled_by_their_readers() -> None:
    """A word without a scale is the average of the surveys' percentiles, each weighted by its number of readers."""
    n = 46 + 123 + 1859 + 5174
    low = (46 * 60 + 123 * 50.5 + 1859 * 51 + 5174 * 60) / n / 100
    best = (46 * 70 + 123 * 70 + 1859 * 70 + 5174 * 75) / n / 100
    high = (46 * 90 + 123 * 90 + 1859 * 85 + 5174 * 90) / n / 100
    assert read_word("likely", None) == pytest.approx(WordReading(low, best, high, 0.9), abs=1e-12)


def test_terms_keep_their_order() -> None:
    """On no scale does a lower band have a higher best value."""
    for scale, bands in OFFICIAL.items():
        by_band = sorted(bands, key=lambda term: bands[term])
        bests = [read_word(term, scale).best for term in by_band if scale != "ipcc"]
        assert bests == sorted(bests)


def test_unknown_words() -> None:
    """A term that a scale does not have is an error of the caller."""
    with pytest.raises(KeyError):
        read_word("perhaps", "icd203")
