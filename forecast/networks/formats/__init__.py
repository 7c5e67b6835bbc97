"""The network formats of `forecast query`: one in each module, named in its `FORMATS`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import ClassVar, TextIO

from forecast.networks.network import DiscreteNetwork
from forecast.workspace.files import read_outside
from forecast.workspace.problems import Problem, Source, WorkspaceProblems

# The network formats: every module below `formats` names its own in `FORMATS`, and is found by being there.
#
# A new format is one new file there. `forecast query` takes what it reads, and its message about any other file lists
# it.

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


@cache
def formats() -> tuple[NetworkFormat, ...]:
    """Return every format, sorted by the names of the modules. Raises ValueError where two have one ending."""
    from forecast.networks import formats as folder

    modules = sorted(module.name for module in iter_modules(folder.__path__))
    listed = tuple(one for name in modules for one in import_module(f"{folder.__name__}.{name}").FORMATS)
    endings = [ending for one in listed for ending in one.endings]
    if twice := sorted({ending for ending in endings if endings.count(ending) > 1}):
        msg = f"two network formats with the ending {', '.join(twice)}"
        raise ValueError(msg)
    return listed


def read_network(path: Path) -> DiscreteNetwork:
    """Read a network in the format of its ending, or else in the one that it begins like.

    Raises:
        WorkspaceProblems: the mistakes in the file, or that it is in no format which is known.
    """
    name = str(path)
    content = read_outside(path, name, MAX_BYTES)  # once: it may be a pipe
    return format_of(content, name).read(content, name)


def format_of(content: bytes, name: str) -> NetworkFormat:
    """Return the format of a file. Raises WorkspaceProblems where none is known."""
    ending = Path(name).suffix.lower()
    for one in formats():
        if ending in one.endings:
            return one
    for one in formats():
        if one.recognises(content):
            return one
    listed = ", ".join(f"{one.title} ({', '.join(one.endings)})" for one in formats())
    raise WorkspaceProblems([Problem(Source(name, 1), "no network format that is known", "", f"formats are {listed}")])
