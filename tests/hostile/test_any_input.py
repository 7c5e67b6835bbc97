"""Whatever stands in a file, reading it ends soon, with a value or with located problems."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from forecast.workspace.read import read_workspace
from forecast.workspace.yaml_text import parse_yaml
from tests.hostile.mutations import mutate
from tests.hostile.readers import TODAY, Reader, readers
from tests.hostile.whole import whole

CORPUS = Path(__file__).parent / "corpus"
TIMES = 40.0  # what reading the yardstick takes, for 64 kB of anything; the worst that is known takes half of it
YARDSTICK = (
    640 * b"- {id: a, reported: 2026-07-01, headline: A report., bears_on: [{event: launch, claims: limited}]}\n"
)
MEGABYTES = 350.0  # a network of the largest size that is allowed, once over
READERS = readers()
SHORT = 3  # times the share of a reader, which is small where reading takes long
CASES = 1_000_000


def work(read: Callable[[], object]) -> float:
    """Return the seconds of the processor that a call takes, so that other work on the machine counts nothing."""
    begun = time.process_time()
    read()
    return time.process_time() - begun


@cache
def yardstick() -> float:
    """Return what it takes this process, on this machine, to read 64 kB of YAML in which nothing is wrong."""
    return min(work(lambda: parse_yaml(YARDSTICK, "f.yaml")) for _ in range(3))


def failure(reader: Reader, content: bytes) -> str | None:
    """Return what is wrong with how a reader took a file; None where nothing is."""
    wrong: list[str] = []
    try:
        taken = work(lambda: wrong.extend(reader.check(content)))
    except Exception as error:  # whatever it is, it is a failure, which all callers hold against None
        return f"{type(error).__name__}: {str(error)[:200]}"
    if wrong:
        return wrong[0]
    if taken > TIMES * yardstick():  # unless a first import, or a machine that slowed down, is what took so long
        yardstick.cache_clear()
        taken = min(work(lambda: reader.check(content)) for _ in range(2))
    return f"took {taken / yardstick():.0f} times the yardstick" if taken > TIMES * yardstick() else None


def failures(name: str, rng: random.Random, cases: int) -> dict[str, bytes]:
    """Try so many changed files; return the shortest for each failure."""
    reader = READERS[name]
    found: dict[str, bytes] = {}
    for _ in range(cases):
        content = mutate(rng.choice(reader.seeds), reader.seeds, rng)
        said = failure(reader, content)
        if said is not None and len(content) < len(found.get(said, content + b"x")):
            found[said] = content
    return found


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_right_is_read(name: str) -> None:
    """What the changed files begin with is read without a word about its form."""
    assert [None] * len(READERS[name].seeds) == [failure(READERS[name], seed) for seed in READERS[name].seeds]


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused(name: str) -> None:
    """A file that was changed anyhow is read or refused, in time; each run of the tests tries the same ones."""
    assert {} == failures(name, random.Random(f"short {name}"), SHORT * READERS[name].share)


@settings(max_examples=25, deadline=None, phases=(Phase.generate, Phase.shrink), suppress_health_check=[*HealthCheck])
@given(name=st.sampled_from(sorted(READERS)), text=st.text(max_size=300), filling=st.binary(max_size=60))
def test_text_of_any_kind_is_read_or_refused(name: str, text: str, filling: bytes) -> None:
    """So is any text, with any bytes in the middle of it or of a file that is right."""
    seed = READERS[name].seeds[0]
    contents = (text.encode("utf-8", "replace"), text[:150].encode("utf-8", "replace") + filling, filling)
    middles = [seed[: len(seed) // 2] + piece + seed[len(seed) // 2 :] for piece in contents]
    assert [None] * 6 == [failure(READERS[name], content) for content in (*contents, *middles)]


def messages(contents: Mapping[str, bytes]) -> list[str]:
    """What is said of a workspace with these files."""
    return [str(problem) for problem in read_workspace(Path("/nowhere"), today=TODAY, inputs=contents)[1]]


@cache
def of_the_right_one() -> frozenset[str]:
    """What is said of the workspace as it is."""
    return frozenset(messages(whole()))


RENAMED = (
    '{"kind": "question", "old": "before", "new": "on-sale", "on": "2026-09-10", "lines": {}}\n'
    '{"kind": "item", "old": "r0", "new": "r1", "on": "2026-09-10", "lines": {}}\n'
    '{"kind": "statement", "old": "a", "new": "lead-launch-needs-test", "on": "2026-09-10", "lines": {}}\n'
)
AGAIN = (
    "- {id: again, reported: 2026-08-01, source: forum, headline: Again., supersedes: r1, bears_on: "
    "[{event: demand, support: slight, for: high}]}\n"
)


@pytest.mark.parametrize("path", sorted(path for path in whole() if path.startswith(("priors/", "evidence/"))))
def test_a_file_that_cannot_be_read_is_one_message(path: str) -> None:
    """What other files say of names in it is not called unknown, nor what depends on it missing."""
    right = {**whole(), "evidence/again.yaml": AGAIN.encode(), "priors/renames.jsonl": RENAMED.encode()}
    before = messages(right)
    assert [] == [line for line in before if "warning" not in line]
    lines = right[path].splitlines(keepends=True)
    middle = len(lines) // 2
    lines.insert(middle, b"<<<<<<< HEAD\n")
    found = messages({**right, path: b"".join(lines)})
    assert [f"{path}:{middle + 1}: the markers of an unfinished merge"] == [
        line.split(", on ")[0] for line in found if line not in before
    ]


WHOLE_FILE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "line ends of an old Macintosh": (
        lambda text: text.replace(b"\n", b"\r"),
        "1: lines end with a carriage return alone, so that all of the file is one line; got U+000D",
    ),
    "line separators": (
        lambda text: text.replace(b"\n", "\u2028".encode()),
        "1: lines end with a line separator, so that all of the file is one line; got U+2028",
    ),
    "UTF-16": (lambda text: text.decode().encode("utf-16"), "1: UTF-16 text; got byte 0xff; save the file as UTF-8"),
    "the end of a file in DOS": (lambda text: text + b"\x1a", "{last}: {cannot}U+001A"),
    "a byte order mark": (lambda text: text.replace(b"\n", "\n\ufeff".encode(), 1), "2: {cannot}U+FEFF"),
    "a character of control": (lambda text: text[:2] + b"\x00" + text[2:], "1: {cannot}U+0000"),
}


@pytest.mark.parametrize("form", WHOLE_FILE)
@pytest.mark.parametrize("path", sorted(path for path in whole() if path.endswith((".csv", ".jsonl"))))
def test_a_mistake_of_a_whole_table_is_one_message(path: str, form: str) -> None:
    """However many rows it spoils, and whatever would follow from it."""
    right = whole()
    change, message = WHOLE_FILE[form]
    if path.endswith(".jsonl") and "{cannot}" in message:
        message = message.replace("{cannot}", "no JSON")
    last = right[path].count(b"\n") + 1
    expected = f"{path}:{message.format(last=last, cannot='character that cannot stand in a table; got ')}"
    found = [line for line in messages({**right, path: change(right[path])}) if line not in of_the_right_one()]
    if path.endswith(".jsonl") and "no JSON" in expected:
        assert [expected.partition(": ")[0]] == [line.partition(": ")[0] for line in found]
    else:
        assert [expected] == [line[: len(expected)] for line in found]


@pytest.mark.parametrize("path", sorted(path for path in whole() if path.endswith(".csv")))
def test_a_header_in_the_middle_is_one_message(path: str) -> None:
    """Where two tables were put together the second header is told of as that, and repeated rows as such."""
    right = whole()
    found = messages({**right, path: right[path] + right[path]})
    again = f"{path}:{right[path].count(b'\n') + 1}: the header line again; delete this line"
    others = [line for line in found if line not in (again, *of_the_right_one())]
    assert (1, []) == (found.count(again), [line for line in others if "appears twice" not in line])


@pytest.mark.parametrize("path", sorted(path for path in whole() if path.endswith(".yaml")))
def test_a_tab_is_called_a_tab(path: str) -> None:
    """Where a line is indented by a tab the message says so."""
    right = whole()
    at = next((number for number, line in enumerate(right[path].split(b"\n")) if line.startswith(b"  ")), None)
    if at is None:
        return
    lines = right[path].split(b"\n")
    lines[at] = b"\t" + lines[at].lstrip(b" ")
    found = [line for line in messages({**right, path: b"\n".join(lines)}) if line not in of_the_right_one()]
    assert [f"{path}:{at + 1}: a tab is used for indentation; indent with spaces"] == found


@pytest.mark.parametrize(
    "path", sorted(path for path in CORPUS.rglob("*") if path.is_file()), ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_what_failed_once(path: Path) -> None:
    """Files that ended or delayed a reader once are read or refused now; the folder is called like the reader."""
    name = path.parent.relative_to(CORPUS).as_posix().replace("+", "/")
    assert None is failure(READERS[name], path.read_bytes())


def flood(name: str) -> bytes:
    """Return 64 kB of one kind of mistake, the worst that are known for a reader."""
    names = b" ".join(b"v%d" % number for number in range(110))
    every = b"".join(b"variable v%d{type discrete[2]{a,b};}" % number for number in range(110))
    near = [b" ".join(b"v%d" % other for other in range(max(0, number - 20), number)) for number in range(60)]
    return {
        "bif cycles": every + b"".join(b"probability(v%d|%s){table 1;}" % (n, names) for n in range(110)),
        "bif tables": every + b"".join(b"probability(v%d|%s){default 1 0;}" % (n, p) for n, p in enumerate(near)),
        "yaml nested": b"- " * 32_000,
        "yaml keys": b"a:\n" * 20_000,
        "csv quotes": b'"a\n"b\n' * 10_000,
        "csv cells": b"a,b\n" + b"x\n" * 30_000,
        "json-lines nested": b"[" * 64_000,
        "json-lines lines": b"{}\n" * 20_000,
        "manifold points": b"[" + b"{}," * 20_000 + b"{}]",
        "ledger nested": b"[" * 64_000,
    }[name][:64_000]


FLOODS = ("bif cycles", "bif tables", "yaml nested", "yaml keys", "csv quotes", "csv cells")
MORE_FLOODS = ("json-lines nested", "json-lines lines", "manifold points", "ledger nested")


@pytest.mark.parametrize("name", [*FLOODS, *MORE_FLOODS])
def test_a_file_of_mistakes_alone(name: str) -> None:
    """64 kB of the worst that is known take no more than so many times what the yardstick does."""
    assert None is failure(READERS[name.split()[0]], flood(name))


def test_the_memory_of_a_dense_network() -> None:
    """A small file that asks for large tables gets no more than the limit of a network."""
    tracemalloc.start()
    try:
        READERS["bif"].check(flood("bif tables"))
        peak = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert peak <= MEGABYTES


@pytest.mark.trust
def test_a_million_cases() -> None:
    """A million changed files, over all readers, and not one failure."""
    total = sum(reader.share for reader in READERS.values())
    found: dict[str, dict[str, bytes]] = {}
    counts: dict[str, int] = {}
    for name, reader in READERS.items():
        cases = -(-CASES * reader.share // total)
        counts[name], found[name] = cases, failures(name, random.Random(f"long {name}"), cases)
        print(f"{counts[name]:>9,} cases of {name}: {len(found[name])} failures", flush=True)
    print(f"{sum(counts.values()):>9,} cases in all", flush=True)
    assert {} == {name: said for name, said in found.items() if said}
    assert sum(counts.values()) >= CASES
