from types import SimpleNamespace

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.types import standard_artifacts

from components.baseline import InServiceModelStrategy, InServiceStatisticsStrategy

Event = metadata_store_pb2.Event


class Lineage:
    """A small ML Metadata store: data and schema -> statistics, both -> model -> pushed model; one schema for all."""

    def __init__(self) -> None:
        config = metadata_store_pb2.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = metadata_store.MetadataStore(config)
        kinds = (
            standard_artifacts.Schema,
            standard_artifacts.Examples,
            standard_artifacts.ExampleStatistics,
            standard_artifacts.Model,
            standard_artifacts.PushedModel,
        )
        self.kinds = {kind.TYPE_NAME: kind for kind in kinds}
        self.artifacts: dict[str, list] = {name: [] for name in self.kinds}
        self.type_ids = {
            name: self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name=name)) for name in self.kinds
        }
        self.schema = self.step("Schema", [])

    def step(self, kind: str, inputs: list, pushed: int | None = None, node: str = "tfx.components.StatisticsGen"):
        execution_type = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name=node))
        (execution,) = self.store.put_executions([metadata_store_pb2.Execution(type_id=execution_type)])
        proto = metadata_store_pb2.Artifact(type_id=self.type_ids[kind])
        if pushed is not None:
            proto.custom_properties["pushed"].int_value = pushed
        (number,) = self.store.put_artifacts([proto])
        self.store.put_events(
            [Event(execution_id=execution, artifact_id=i.id, type=Event.INPUT) for i in inputs]
            + [Event(execution_id=execution, artifact_id=number, type=Event.OUTPUT)]
        )
        artifact = self.kinds[kind]()
        artifact.id = number
        if pushed is not None:
            artifact.set_int_custom_property("pushed", pushed)
            artifact.set_string_custom_property("pushed_version", str(1_700_000_000 + number))
        self.artifacts[kind].append(artifact)
        return artifact

    def train(self, data, pushed: int = 1):
        model = self.step("Model", [data, self.schema])
        self.step("PushedModel", [model], pushed=pushed)
        return model

    def data(self):
        examples = self.step("Examples", [])
        return SimpleNamespace(examples=examples, statistics=self.step("ExampleStatistics", [examples, self.schema]))

    def baseline(self, candidate):
        answer = InServiceModelStrategy().resolve_artifacts(
            self.store,
            {"model": self.artifacts["Model"], "pushed_model": self.artifacts["PushedModel"], "candidate": [candidate]},
        )
        return [artifact.id for artifact in answer["model"]]

    def drift_baseline(self, current):
        answer = InServiceStatisticsStrategy().resolve_artifacts(
            self.store,
            {
                "statistics": self.artifacts["ExampleStatistics"],
                "pushed_model": self.artifacts["PushedModel"],
                "current": [current],
            },
        )
        return [artifact.id for artifact in answer["statistics"]]


@pytest.fixture
def lineage() -> Lineage:
    return Lineage()


def test_a_first_model_has_no_baseline(lineage: Lineage) -> None:
    candidate = lineage.step("Model", [lineage.data().examples])
    assert lineage.baseline(candidate) == []


def test_the_candidate_is_never_its_own_baseline(lineage: Lineage) -> None:
    model = lineage.train(lineage.data().examples)
    assert lineage.baseline(model) == []


def test_the_baseline_is_the_last_model_that_was_pushed(lineage: Lineage) -> None:
    data = lineage.data().examples
    lineage.train(data)
    served = lineage.train(data)
    lineage.train(data, pushed=0)
    assert lineage.baseline(lineage.step("Model", [data])) == [served.id]


def test_a_model_in_service_keeps_the_baseline_it_was_judged_by(lineage: Lineage) -> None:
    data = lineage.data().examples
    first = lineage.train(data)
    second = lineage.train(data)
    assert lineage.baseline(second) == [first.id]


def test_an_old_model_that_comes_back_is_judged_by_the_one_in_service(lineage: Lineage) -> None:
    data = lineage.data().examples
    first = lineage.train(data)
    second = lineage.train(data)
    assert lineage.baseline(first) == [second.id]


def test_a_model_that_was_pushed_again_is_in_service(lineage: Lineage) -> None:
    data = lineage.data().examples
    first = lineage.train(data)
    second = lineage.train(data)
    lineage.artifacts["PushedModel"][0].set_string_custom_property("pushed_version", "1800000000")
    assert lineage.baseline(lineage.step("Model", [data])) == [first.id]
    assert lineage.baseline(second) == [first.id]
    assert lineage.baseline(first) == [second.id]


def test_drift_is_measured_against_the_data_of_the_model_in_service(lineage: Lineage) -> None:
    old, new = lineage.data(), lineage.data()
    lineage.train(old.examples)
    assert lineage.drift_baseline(new.statistics) == [old.statistics.id]


def test_a_schema_that_all_data_share_makes_none_of_it_the_data_of_the_model_in_service(lineage: Lineage) -> None:
    served = lineage.data()
    lineage.train(served.examples)
    lineage.data()
    assert lineage.drift_baseline(lineage.data().statistics) == [served.statistics.id]


def test_the_data_of_the_model_in_service_is_not_compared_with_itself(lineage: Lineage) -> None:
    old, new = lineage.data(), lineage.data()
    lineage.train(old.examples)
    lineage.train(new.examples)
    assert lineage.drift_baseline(new.statistics) == [old.statistics.id]
    assert lineage.drift_baseline(old.statistics) == [new.statistics.id]


def test_the_statistics_that_transform_writes_are_no_drift_baseline(lineage: Lineage) -> None:
    old, new = lineage.data(), lineage.data()
    lineage.train(old.examples)
    lineage.step("ExampleStatistics", [old.examples], node="tfx.components.transform.component.Transform")
    assert lineage.drift_baseline(new.statistics) == [old.statistics.id]


def test_data_that_no_model_in_service_saw_is_no_drift_baseline(lineage: Lineage) -> None:
    lineage.train(lineage.data().examples, pushed=0)
    assert lineage.drift_baseline(lineage.data().statistics) == []
