"""Text from files is not trusted: what it may do on a page is be read."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

KEPT_CONTROLS = "\n\t"
# Invisible characters that reorder or hide what follows: bidirectional controls are of category Cf.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"  # needed to write Persian, Hindi and others


def readable(text: str) -> str:
    """Return the text with every control and invisible character written out as `[U+202E]`."""
    return "".join(
        f"[U+{ord(c):04X}]" if unicodedata.category(c) in UNSEEN and c not in KEPT_CONTROLS + JOINERS else c
        for c in text
    )


def all_readable(value: Any) -> Any:
    """Apply `readable` to every text (keys included) in nested maps and lists."""
    match value:
        case str():
            return readable(value)
        case Mapping():
            return {readable(str(key)): all_readable(part) for key, part in value.items()}
        case list() | tuple():
            return [all_readable(part) for part in value]
        case _:
            return value


def link(url: str | None) -> dict[str, Any] | None:
    """Return an address with whether it may be followed: only http and https with a host are; others are shown."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        followed = parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable() and " " not in url
        return {"url": url, "followed": followed, "host": (parts.hostname or "") if followed else ""}
    except ValueError:  # a malformed address, such as a bad IPv6 host
        return {"url": url, "followed": False, "host": ""}
