"""BIF, the interchange format for Bayesian networks: what `forecast.networks.bif` reads and writes."""

from __future__ import annotations

import re
from typing import TextIO, override

from forecast.networks.formats import WritableFormat
from forecast.networks.network import DiscreteNetwork

# Comments and blanks, and then the first word of a block.
BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|//[^\n]*+|/\*.*?\*/)*+(?:network|variable|probability)\b", re.DOTALL)


class BifFormat(WritableFormat):
    """`network NAME { }`, then a block for each variable and one for its probabilities."""

    title = "BIF"
    endings = (".bif",)

    @override
    def recognises(self, content: bytes) -> bool:
        """Say whether the first word is that of a block."""
        return BEGINNING.match(content) is not None

    @override
    def read(self, content: bytes, name: str) -> DiscreteNetwork:
        """Read and check a network."""
        from forecast.networks.bif import bif_text, parse_bif

        return parse_bif(bif_text(content, name), name)

    @override
    def write(self, network: DiscreteNetwork, stream: TextIO) -> list[str]:
        """Write a network."""
        from forecast.networks.bif import write_bif

        return write_bif(network, stream)


FORMATS = (BifFormat(),)
