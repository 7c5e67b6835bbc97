"""From an outcome to the line that the ledger would hold of it."""

from __future__ import annotations

from forecast.prior.draws import versions
from forecast.prior.environment import environment
from forecast.record.entries import Line, Share
from forecast.record.inputs import active_inputs, rolled_to
from forecast.record.kept import digest_of_content, manifest_of
from forecast.record.outcome import Outcome
from forecast.record.tables import diagnostics
from forecast.store.program import KINDS, source_digest
from forecast.store.versions import installed_versions

PROGRAM = "program"  # beside the versions of packages: a digest of the source that a posterior comes from
SHORT = 16  # hex digits of it


def new_line(found: Outcome, *, note: str | None = None, previous: str | None = None) -> Line:
    """Return the line of an outcome; `previous` is the digest of the entry that it would come after."""
    return Line(
        as_of=found.as_of,
        horizon=found.workspace.network.horizon,
        rolled=rolled_to(found.workspace.network),
        known_until=found.posterior.asked.network.known.until,
        seed=found.seed,
        version=installed_versions(["forecast"])["forecast"],
        versions={**versions(), PROGRAM: source_digest(*KINDS["posterior"].code)[:SHORT]},
        environment=environment(),
        inputs=active_inputs(found.workspace, found.as_of),
        scenarios=tuple(
            Share(id=name, probability=one.probability, quantiles=tuple(one.quantiles), mcse=one.mcse)
            for name, one in found.scenarios.items()
        ),
        diagnostics=diagnostics(found),
        note=note,
        previous=previous,
        kept=digest_of_content(manifest_of(found.workspace.digests)),
    )
