"""BIF, the interchange format for Bayesian networks: what `forecast.networks.bif` reads."""

from __future__ import annotations

import re
from typing import override

from forecast.networks.formats import NetworkFormat
from forecast.networks.network import DiscreteNetwork

# Comments and blanks, and then the first word of a block.
BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|//[^\n]*+|/\*.*?\*/)*+(?:network|variable|probability)\b", re.DOTALL)


class BifFormat(NetworkFormat):
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


FORMATS = (BifFormat(),)
