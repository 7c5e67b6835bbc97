"""Which part of some findings cannot be: a minimal contradicting set in a logarithmic number of checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def minimal_contradiction[Item](items: Sequence[Item], is_possible: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Find a part of impossible items that is impossible, while leaving out any one of it makes the rest possible.

    Args:
        items: what is impossible together.
        is_possible: says of some of the items, in their order, whether they are possible together. Leaving out an
            item never makes impossible what was possible.

    Returns the part in the order of the items; nothing, if not even no item at all is possible. For a part of k among n
    items it needs about 2 k log2(n / k) + 2 k checks.

    Source: Junker (2004), "QuickXplain: preferred explanations and relaxations for over-constrained problems".
    """
    if not is_possible(()):
        return []
    index = _conflict(
        range(0), False, range(len(items)), lambda places: is_possible([items[i] for i in sorted(places)])
    )
    return [items[i] for i in sorted(index)]


def _conflict(
    background: Sequence[int], has_grown: bool, places: Sequence[int], is_possible: Callable[[Sequence[int]], bool]
) -> list[int]:
    """Find a smallest part of `places` that is impossible together with the background.

    `has_grown`: the background is larger than when it was last known to be possible.
    """
    if has_grown and not is_possible(background):
        return []
    if len(places) <= 1:
        return list(places)
    half = len(places) // 2
    first, second = places[:half], places[half:]
    in_second = _conflict([*background, *first], bool(first), second, is_possible)
    in_first = _conflict([*background, *in_second], bool(in_second), first, is_possible)
    return [*in_first, *in_second]
