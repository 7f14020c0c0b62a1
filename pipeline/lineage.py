"""What ML Metadata knows of past runs: which there were, what their nodes did, what was blessed and pushed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

from pipeline import metadata

Verdict = Literal["pushed", "not blessed", "failed", "unfinished"]
OUTPUT_EVENTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)


@dataclass(frozen=True)
class Run:
    """A run of a pipeline.

    Attributes
    ----------
    pipeline, run_id : names.
    started : when its first node started (UTC).
    duration_s : seconds from the first node's start to the last one's end.
    verdict : ``pushed``, ``not blessed``, ``failed`` or ``unfinished`` (killed, or still going).
    executed : nodes whose executor ran, by type; the others were cached.
    version : the served version that holds this run's model; None unless pushed.
    served : path of that version.
    archive : TFX's own copy of the pushed model.
    evaluation, statistics, anomalies, drift, report, approval : artifact folders; None where the run ended before.
    """

    pipeline: str
    run_id: str
    started: datetime
    duration_s: float
    verdict: Verdict
    executed: tuple[str, ...]
    version: str | None
    served: Path | None
    archive: Path | None
    evaluation: Path | None
    statistics: Path | None
    anomalies: Path | None
    drift: Path | None
    report: Path | None
    approval: Path | None


def open_store(where: Path | metadata_store_pb2.ConnectionConfig) -> metadata_store.MetadataStore:
    """The ML Metadata store in the SQLite file `where`, or behind the connection `where`."""
    if isinstance(where, metadata_store_pb2.ConnectionConfig):
        return metadata.open_store(where)
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(where)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE
    return metadata.open_store(config)


def runs(store: metadata_store.MetadataStore) -> Iterator[Run]:
    """Every run in the store, oldest first."""
    contexts = store.get_contexts_by_type("pipeline_run")
    for context in sorted(contexts, key=lambda c: c.id):
        pipeline = next(iter(store.get_parent_contexts_by_context(context.id)), None)
        executions = store.get_executions_by_context(context.id)
        if executions:
            yield _run(store, pipeline.name if pipeline else "", context.name, executions)


def find_run(store: metadata_store.MetadataStore, run_id: str) -> Run | None:
    """The run called `run_id`, or None."""
    return next((run for run in runs(store) if run.run_id == run_id), None)


def pushed_again(store: metadata_store.MetadataStore, run: Run, served: Path) -> Run:
    """Writes down that the model that `run` pushed stands in `served` now, a version of its own; answers the run."""
    for artifact in store.get_artifacts_by_uri(str(run.archive)):
        artifact.custom_properties["pushed_destination"].string_value = str(served)
        artifact.custom_properties["pushed_version"].string_value = served.name
        store.put_artifacts([artifact])
    return replace(run, served=served, version=served.name)


def _run(
    store: metadata_store.MetadataStore, pipeline: str, run_id: str, executions: list[metadata_store_pb2.Execution]
) -> Run:
    execution_type = metadata_store_pb2.Execution
    started = min(execution.create_time_since_epoch for execution in executions)
    ended = max(execution.last_update_time_since_epoch for execution in executions)
    events = store.get_events_by_execution_ids([execution.id for execution in executions])
    outputs = store.get_artifacts_by_id(sorted({event.artifact_id for event in events if event.type in OUTPUT_EVENTS}))
    types = {kind.id: kind.name.rsplit(".", 1)[-1] for kind in store.get_execution_types()}
    resolvers = {execution.id for execution in executions if types[execution.type_id].endswith("Resolver")}
    produced = {event.artifact_id for event in events if event.execution_id not in resolvers}
    newest = {artifact.type: artifact for artifact in outputs if artifact.id in produced}
    nodes = {execution.id: types[execution.type_id] for execution in executions}
    producer = {event.artifact_id: nodes[event.execution_id] for event in events if event.type in OUTPUT_EVENTS}
    by_node = {producer[artifact.id]: artifact for artifact in outputs}  # both validators write ExampleAnomalies
    pushed = newest.get("PushedModel")
    states = {execution.last_known_state for execution in executions}
    verdict: Verdict = "unfinished"
    if execution_type.FAILED in states:
        verdict = "failed"
    elif pushed is not None and pushed.state == metadata_store_pb2.Artifact.LIVE:
        verdict = "pushed" if pushed.custom_properties["pushed"].int_value == 1 else "not blessed"
    served = (
        Path(pushed.custom_properties["pushed_destination"].string_value) if pushed and verdict == "pushed" else None
    )
    return Run(
        pipeline=pipeline,
        run_id=run_id,
        started=datetime.fromtimestamp(started / 1000, UTC),
        duration_s=(ended - started) / 1000,
        verdict=verdict,
        executed=tuple(
            nodes[e.id] for e in executions if e.last_known_state == execution_type.COMPLETE and e.id not in resolvers
        ),
        version=served.name if served else None,
        served=served,
        archive=_folder(newest, "PushedModel") if served else None,
        evaluation=_folder(newest, "ModelEvaluation"),
        statistics=_folder(by_node, "StatisticsGen"),
        anomalies=_folder(by_node, "ExampleValidator"),
        drift=_folder(by_node, "DistributionValidator"),
        report=_folder(newest, "CatalogReport"),
        approval=_folder(newest, "DataApproval"),
    )


def _folder(artifacts: dict[str, metadata_store_pb2.Artifact], kind: str) -> Path | None:
    artifact = artifacts.get(kind)
    return Path(artifact.uri) if artifact is not None and artifact.state == metadata_store_pb2.Artifact.LIVE else None
