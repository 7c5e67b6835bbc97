"""Markdown of the brief: text as it is, and paragraphs put together."""

from __future__ import annotations

import re
from collections.abc import Iterable


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line: every sign with a meaning there is escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))


def joined(paragraphs: Iterable[str]) -> str:
    """Put paragraphs together, an empty line between them but for those of a list: there it would pull it apart."""
    blocks: list[str] = []
    for text in paragraphs:
        if blocks and text.startswith("- ") and blocks[-1].rsplit("\n", 1)[-1].startswith("- "):
            blocks[-1] += f"\n{text}"
        else:
            blocks.append(text)
    return "\n\n".join(blocks) + "\n"
