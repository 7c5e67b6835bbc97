"""Fuzz one reader guided by the branches that it takes, with atheris where that is installed (it is no dependency).

    pip install atheris
    python -m tests.hostile.guided bif -max_total_time=600

Options after the reader's name are libFuzzer's. What fails is written to the current folder as `crash-...`; the
smallest such file belongs into `corpus/READER/`. atheris 3.1.0 has a wheel for Linux on x86-64 and Python 3.13; see
whether there is one elsewhere.
"""

from __future__ import annotations

import random
import sys
import tempfile
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Fuzz the reader that the command line names."""
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["forecast"]):
        readers = import_module("tests.hostile.readers").readers()
    mutations = import_module("tests.hostile.mutations")
    name, *options = sys.argv[1:]
    reader = readers[name]

    def once(content: bytes) -> None:
        if wrong := reader.check(content):
            raise AssertionError(wrong[0])

    def mutated(content: bytes, largest: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            return bytes(atheris.Mutate(content, largest))
        return bytes(mutations.mutate(content, reader.seeds, rng)[:largest])

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(reader.seeds):
            Path(folder, str(number)).write_bytes(seed)
        atheris.Setup(
            [sys.argv[0], f"-max_len={mutations.LONGEST}", "-timeout=2", *options, folder], once, custom_mutator=mutated
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
