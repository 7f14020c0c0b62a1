"""Which model a candidate is compared with: the one in service, never the candidate itself.

TFX's ``LatestBlessedModelStrategy`` answers the candidate of the last run, so a second run with nothing touched would
compare a model with itself and push it again. These strategies read from ML Metadata what was pushed, in order.
"""

from collections.abc import Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx import v1 as tfx
from tfx.types import standard_artifacts

OUTPUT_EVENTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)
INPUT_EVENTS = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
STATISTICS_GEN = "StatisticsGen"
"""The type of the node whose statistics count: Transform writes some of its own."""
Artifacts = dict[str, list[types.Artifact]]


class InServiceModelStrategy(tfx.dsl.experimental.ResolverStrategy):
    """The model in service; if that is the candidate, the one that it replaced.

    Inputs are ``model`` (every Model of the pipeline), ``pushed_model`` (every PushedModel) and ``candidate`` (this
    run's Model). The answer holds at most one ``model``; the other keys are empty.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks the baseline; no ``model`` where nothing else was ever in service."""
        served = _served_model_ids(store, input_dict["pushed_model"])
        candidates = {artifact.id for artifact in input_dict["candidate"]}
        chosen = _last_other(served, candidates)
        return _only(input_dict, "model", [artifact for artifact in input_dict["model"] if artifact.id == chosen])


class InServiceStatisticsStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Statistics of the data that the model in service was trained on; if those are this run's, of the model before it.

    Inputs are ``statistics`` (every ExampleStatistics of the pipeline), ``pushed_model`` and ``current`` (this run's
    statistics). The answer holds at most one ``statistics``; the other keys are empty. StatisticsGen reads the schema
    too, which all runs share: Examples alone tell data from other data.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts:
        """Picks the baseline statistics; none where no other data was ever trained on."""
        examples_of = {
            artifact.id: _producer_inputs(store, artifact.id, standard_artifacts.Examples)
            for artifact in input_dict["statistics"]
            if _producer_type(store, artifact.id) == STATISTICS_GEN
        }
        served = []
        for model in _served_model_ids(store, input_dict["pushed_model"]):
            ancestors = _ancestors(store, model)
            served += [statistics for statistics, examples in examples_of.items() if examples & ancestors][-1:]
        chosen = _last_other(served, {artifact.id for artifact in input_dict["current"]})
        return _only(input_dict, "statistics", [a for a in input_dict["statistics"] if a.id == chosen])


def in_service_model(candidate: types.BaseChannel) -> tfx.dsl.Resolver:
    """Resolver node whose ``model`` output is the baseline of `candidate`."""
    return tfx.dsl.Resolver(
        strategy_class=InServiceModelStrategy,
        model=tfx.dsl.Channel(type=standard_artifacts.Model),
        pushed_model=tfx.dsl.Channel(type=standard_artifacts.PushedModel),
        candidate=candidate,
    ).with_id("in_service_model")


def in_service_statistics(current: types.BaseChannel) -> tfx.dsl.Resolver:
    """Resolver node whose ``statistics`` output is what drift is measured against."""
    return tfx.dsl.Resolver(
        strategy_class=InServiceStatisticsStrategy,
        statistics=tfx.dsl.Channel(type=standard_artifacts.ExampleStatistics),
        pushed_model=tfx.dsl.Channel(type=standard_artifacts.PushedModel),
        current=current,
    ).with_id("in_service_statistics")


def _only(input_dict: Artifacts, key: str, artifacts: list[types.Artifact]) -> Artifacts:
    return {name: artifacts if name == key else [] for name in input_dict}


def _last_other(served: Sequence[int], own: set[int]) -> int | None:
    return next((artifact_id for artifact_id in reversed(served) if artifact_id not in own), None)


def _served_model_ids(store: mlmd.MetadataStore, pushed: list[types.Artifact]) -> list[int]:
    """Ids of the models that were pushed, oldest push first: a model that is pushed again keeps its artifact and has
    another version.
    """
    models = []
    for artifact in sorted(pushed, key=lambda a: (int(a.get_string_custom_property("pushed_version") or 0), a.id)):
        if artifact.get_int_custom_property("pushed") != 1:
            continue
        models += sorted(_producer_inputs(store, artifact.id, standard_artifacts.Model))
    return models


def _producer_inputs(store: mlmd.MetadataStore, artifact_id: int, kind: type[types.Artifact] | None = None) -> set[int]:
    """Ids of the inputs of the executions that wrote an artifact (a Resolver's answer is no output of that kind), all
    or those of a kind.
    """
    producers = _producers(store, artifact_id)
    if not producers:
        return set()
    inputs = {e.artifact_id for e in store.get_events_by_execution_ids(producers) if e.type in INPUT_EVENTS}
    if kind is None:
        return inputs
    return {artifact.id for artifact in store.get_artifacts_by_id(sorted(inputs)) if artifact.type == kind.TYPE_NAME}


def _producers(store: mlmd.MetadataStore, artifact_id: int) -> list[int]:
    events = store.get_events_by_artifact_ids([artifact_id])
    return [event.execution_id for event in events if event.type in OUTPUT_EVENTS]


def _producer_type(store: mlmd.MetadataStore, artifact_id: int) -> str:
    """Name of the type of node that wrote an artifact, without its module path; empty where nothing did."""
    executions = store.get_executions_by_id(_producers(store, artifact_id)[:1])
    return next((execution.type.rsplit(".", 1)[-1] for execution in executions), "")


def _ancestors(store: mlmd.MetadataStore, artifact_id: int) -> set[int]:
    """Ids of everything that an artifact was made from."""
    seen: set[int] = set()
    frontier = {artifact_id}
    while frontier:
        inputs = set().union(*(_producer_inputs(store, artifact) for artifact in frontier))
        frontier = inputs - seen
        seen |= inputs
    return seen
