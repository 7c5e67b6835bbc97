"""Files changed as no editor would: bytes, lines and tokens taken out, put in, doubled, nested and exchanged."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Change = Callable[[bytes, random.Random], bytes]

LONGEST = 64_000  # bytes of an input
TOKEN = re.compile(rb"[A-Za-z0-9_.+-]+|\s+|[^\sA-Za-z0-9_]")
DIGITS = b"9" * 5_000  # Python refuses to make an integer of so many
PIECES = (
    *(b"", b"0", b"-1", b"1e999", b"-1e999", b"1e-400", b"NaN", b"nan", b".nan", b"-.inf", b"Infinity", b"-Infinity"),
    *(
        DIGITS,
        DIGITS[:400],
        b"0." + DIGITS,
        b"1e" + DIGITS,
        b"0x1F",
        b"1_000",
        b"12345678901234567890",
        b"0.1.2",
        b"00",
        b"--1",
    ),
    *(b"null", b"~", b"true", b"no", b'""', b"''", b"[]", b"{}", b"[[]]", b"[null]", b"{a: {b: {c: d}}}"),
    *(b"&a", b"*a", b"&a [*a]", b"!!python/object/apply:os.getcwd []", b"!!binary aGk=", b"<<: *a", b"---\n", b"...\n"),
    *(b"%YAML 1.1\n", b"? ", b"- ", b": ", b"# ", b"| \n", b">-\n", b"\t", b"\r", b"\r\n", b"\n\n", b'"', b"'", b'""'),
    *(b",", b";", b"|", b"=", b"{", b"}", b"[", b"]", b"(", b")", b"\\", b"\\u0000", b"\\ud800", b"\\x", b"/*", b"//"),
    *(b"\x00", b"\x1b[31m", b"\x7f", b"\x80", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc2\x85", b"\xc2\xa0"),
    *("\u2028", "\u202e", "\u200b", "\ufffe", "\U0001f600", "e\u0301" * 20, "\u0130", "\ufb01", "\u0661\u0662"),
    *(b"2026-02-30", b"0000-00-00", b"9999-12-31", b"2026-06-15", b"20260615", b"2026-W10-1", b"2026-06-15T25:00Z"),
    *(b"../../../etc/passwd", b"/dev/zero", b"CON", b"x" * 5_000, b"a." * 500, b"<<<<<<< HEAD\n", b"=======\n"),
    *(b"other", b"event", b"state", b"at_least: shown", b"demand", b"launch", b"id", b"default", b"table", b"property"),
)
PARTS = tuple(part.encode("utf-8") if isinstance(part, str) else part for part in PIECES)
NESTS = ((b"[", b"]"), (b"{a: ", b"}"), (b'{"a":', b"}"), (b"- ", b""), (b"(", b")"), (b"? ", b""), (b'"', b'"'))
DEPTHS = (2, 19, 21, 200, 5_000)


def some_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flip a few bits."""
    changed = bytearray(content or b"\n")
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def a_stretch(content: bytes, rng: random.Random) -> bytes:
    """Take a stretch out, or put it somewhere else too."""
    begin = rng.randint(0, len(content))
    end = min(len(content), begin + int(rng.expovariate(1 / 20)))
    to = rng.randint(0, len(content))
    put = content[begin:end]
    return content[:begin] + content[end:] if rng.random() < 0.5 else content[:to] + put + content[to:]


def a_piece(content: bytes, rng: random.Random) -> bytes:
    """Put an odd piece anywhere."""
    at = rng.randint(0, len(content))
    return content[:at] + rng.choice(PARTS) + content[at:]


def a_token(content: bytes, rng: random.Random) -> bytes:
    """Put an odd piece, or another token of the file, in the place of a token."""
    found = list(TOKEN.finditer(content))
    if not found:
        return rng.choice(PARTS)
    one = rng.choice(found)
    new = rng.choice(PARTS) if rng.random() < 0.6 else rng.choice(found)[0]
    return content[: one.start()] + new + content[one.end() :]


def a_line(content: bytes, rng: random.Random) -> bytes:
    """Take out, double, move, indent or cut a line."""
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(rng.randrange(len(lines)), lines[at])
        case 2:
            lines.insert(rng.randrange(len(lines)), lines.pop(at))
        case 3:
            lines[at] = b" " * rng.randint(1, 4) + lines[at]
        case _:
            lines[at] = lines[at][: rng.randint(0, len(lines[at]))]
    return b"\n".join(lines)


def nested(content: bytes, rng: random.Random) -> bytes:
    """Put many brackets around a token, or open them and close none."""
    found = list(TOKEN.finditer(content))
    one = rng.choice(found) if found else None
    begin, end = one.span() if one else (0, 0)
    (left, right), depth = rng.choice(NESTS), rng.choice(DEPTHS)
    closed = right * depth if rng.random() < 0.7 else b""
    return content[:begin] + left * depth + content[begin:end] + closed + content[end:]


def repeated(content: bytes, rng: random.Random) -> bytes:
    """Say a line, a stretch or the whole file many times."""
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    piece = b"\n".join(lines[at : at + rng.randint(1, 8)]) + b"\n"
    times = min(rng.choice((2, 30, 1_000)), max(1, LONGEST // len(piece)))
    return b"\n".join((*lines[:at], piece * times, *lines[at:]))


def cut(content: bytes, rng: random.Random) -> bytes:
    """End the file early, or begin it late."""
    at = rng.randint(0, len(content))
    return content[:at] if rng.random() < 0.8 else content[at:]


CHANGES: tuple[Change, ...] = (some_bytes, a_stretch, a_piece, a_piece, a_token, a_token, a_token, a_line, nested, cut)
RARE: Change = repeated  # long inputs take long


def mutate(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Return a file changed one to five times, perhaps with a half of another; at most LONGEST bytes."""
    if rng.random() < 0.05:
        other = rng.choice(others)
        content = content[: rng.randint(0, len(content))] + other[rng.randint(0, len(other)) :]
    for _ in range(min(5, 1 + int(rng.expovariate(1.0)))):
        content = (RARE if rng.random() < 0.01 else rng.choice(CHANGES))(content, rng)
    return content[:LONGEST]
