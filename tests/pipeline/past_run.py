"""A run as ML Metadata knows it, blocked by the gate, for tests of what is shown."""

from datetime import UTC, datetime

from pipeline import lineage

RUN = lineage.Run(
    pipeline="tagging-builtin-quick",
    run_id="20261122T140000-1a2b",
    started=datetime(2026, 11, 22, 14, tzinfo=UTC),
    duration_s=310.0,
    verdict="not blessed",
    executed=(),
    version=None,
    served=None,
    archive=None,
    evaluation=None,
    statistics=None,
    anomalies=None,
    drift=None,
    report=None,
    approval=None,
)
