"""Which horizon is asked about on which day: a roll opens a new window, and what is settled stays settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from forecast.workspace.records import Network, Workspace


def horizon_on(network: Network, day: date) -> date:
    """Return the horizon that forecasts and statements of a day are about."""
    rolled = [roll.horizon for roll in network.rolled if roll.on <= day]
    return rolled[-1] if rolled else network.window_ends


def last_horizon(network: Network) -> date:
    """Return the latest horizon that the file knows, whenever it comes into force."""
    return network.rolled[-1].horizon if network.rolled else network.window_ends


def seen_on(workspace: Workspace, day: date) -> Workspace:
    """Return the workspace with the horizon that is asked about on a day; the same object if that is its own."""
    network = workspace.network
    horizon = horizon_on(network, day)
    if horizon == network.horizon:
        return workspace
    ends = network.window_ends
    seen = replace(network, horizon=horizon, first_horizon=None if horizon == ends else ends)
    return replace(workspace, network=seen)
