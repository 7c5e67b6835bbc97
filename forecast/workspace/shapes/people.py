"""The shapes of those who speak: `priors/experts.yaml` and `evidence/sources.yaml`, and of `evidence/watch.yaml`."""

from __future__ import annotations

from typing import Literal

from forecast.workspace.shapes.common import Name, PastDay, Positive, Shape, Text


class ExpertShape(Shape):
    """Somebody whose statements are coded."""

    name: Text
    role: Text | None = None
    group: Name | None = None
    default_sd: Positive = 1.0  # log-odds: about a factor of 5 in odds either way, at 90 %
    weight: Positive = 1.0


class ReportSourceShape(Shape):
    """Who reports, with an Admiralty grade."""

    name: Text
    reliability: Literal["A", "B", "C", "D", "E", "F"]


class WatchShape(Shape):
    """Until when somebody checked the news."""

    format: Literal[1] | None = None
    watched_until: PastDay
