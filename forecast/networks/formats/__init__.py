"""The network formats of `forecast query`: one in each module, named in its `FORMATS`."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import ClassVar, TextIO

from forecast.networks.network import DiscreteNetwork, normalising
from forecast.workspace.files import read_outside
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

# The network formats: every module below `formats` names its own in `FORMATS`, and is found by being there.
#
# A new format is one new file there. `forecast query` takes what it reads, and its message about any other file lists
# it.

GZIP = b"\x1f\x8b"
MAX_BYTES = 50_000_000  # ten times the largest network that is published in BIF


class NetworkFormat(ABC):
    """A file of a discrete network. A module opens what it parses with when it reads, not before.

    `title` is what messages call it; `endings` are those of its files, in small letters and with their dot.
    """

    title: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]

    @abstractmethod
    def recognises(self, content: bytes) -> bool:
        """Say whether a file with some other ending begins as its own files do."""

    @abstractmethod
    def read(self, content: bytes, name: str) -> DiscreteNetwork:
        """Read and check a network; `name` is what messages call the file.

        Raises:
            WorkspaceProblems: the mistakes in the file, each with its line.
        """


class WritableFormat(NetworkFormat):
    """A format that networks are written in, too."""

    @abstractmethod
    def write(self, network: DiscreteNetwork, stream: TextIO) -> list[str]:
        """Write a network, each number with the digits by which it is read back as the same double.

        Returns:
            What the format cannot carry and the file therefore lacks, one line for each kind of thing.
        """


def _each(first: str = "") -> Iterator[NetworkFormat]:
    """Yield every format, each module imported when its turn comes, that called `first` before all."""
    from forecast.networks import formats as folder

    names = [module.name for module in iter_modules(folder.__path__)]
    for name in sorted(names, key=lambda name: (name != first, name)):
        yield from import_module(f"{folder.__name__}.{name}").FORMATS


@cache
def formats() -> tuple[NetworkFormat, ...]:
    """Return every format, sorted by the names of the modules. Raises ValueError where two have one ending."""
    listed = tuple(_each())
    endings = [ending for one in listed for ending in one.endings]
    if twice := sorted({ending for ending in endings if endings.count(ending) > 1}):
        msg = f"two network formats with the ending {', '.join(twice)}"
        raise ValueError(msg)
    return listed


def read_network(path: Path, *, normalise: bool = False) -> DiscreteNetwork:
    """Read a network in the format that its file begins like, or else in that of its ending; gzip is unpacked.

    With `normalise` every row that does not sum to one is divided by its sum, and the warnings tell of it.

    Raises:
        WorkspaceProblems: the mistakes in the file, or that it is in no format which is known.
    """
    name = str(path)
    content = unpacked(read_outside(path, name, MAX_BYTES), name)  # once: it may be a pipe
    with normalising(is_wanted=normalise):
        return format_of(content, name).read(content, name)


def unpacked(content: bytes, name: str) -> bytes:
    """Return what a gzip file holds; any other content as it is.

    Raises WorkspaceProblems: the file is broken off or damaged, or holds more than MAX_BYTES.
    """
    if not content.startswith(GZIP):
        return content
    found, left = b"", content
    try:
        while left:  # one file may be several, one behind the other
            unzip = zlib.decompressobj(wbits=31)  # gzip, with its checksum
            found += unzip.decompress(left, MAX_BYTES + 1 - len(found))
            if len(found) > MAX_BYTES:
                allowed = f"at most {MAX_BYTES} bytes unpacked"
                raise WorkspaceProblems([Problem(Source(name, 1), "file too large", "", allowed)])
            if not unzip.eof:
                raise WorkspaceProblems([Problem(Source(name, 1), "a gzip file that is broken off")])
            left = unzip.unused_data.lstrip(b"\0")
    except zlib.error:
        raise WorkspaceProblems([Problem(Source(name, 1), "a damaged gzip file")]) from None
    return found


def ending_of(name: str) -> str:
    """Return the ending of a file's name, in small letters, without that of gzip."""
    lower = name.lower().removesuffix(".gz")
    return max((one for kind in formats() for one in kind.endings if lower.endswith(one)), key=len, default="")


def format_to_write(name: str) -> WritableFormat:
    """Return the format of a file that is to be written, by its ending.

    Raises WorkspaceProblems where none is known.
    """
    ending = ending_of(name)
    writable = [one for one in formats() if isinstance(one, WritableFormat)]
    for one in writable:
        if ending and ending in one.endings:
            return one
    listed = ", ".join(f"{one.title} ({', '.join(one.endings)})" for one in writable)
    what = "no network format that can be written"
    raise WorkspaceProblems([Problem(Source(name, 1), what, "", f"by their endings these can: {listed}")])


def format_of(content: bytes, name: str) -> NetworkFormat:
    """Return the format that a file begins like, or else that of its ending.

    Raises WorkspaceProblems where none is known.
    """
    for one in _each(Path(name.lower().removesuffix(".gz")).suffix.removeprefix(".")):
        if one.recognises(content):
            return one
    ending = ending_of(name)
    for one in formats():
        if ending and ending in one.endings:
            return one
    listed = ", ".join(f"{one.title} ({', '.join(one.endings)})" for one in formats())
    raise WorkspaceProblems([Problem(Source(name, 1), "no network format that is known", "", f"formats are {listed}")])
