"""What a finished run of a pipeline left: artifacts, the Trainer's settings, seconds a node (from ML Metadata)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from pydantic import ValidationError

from audio.spec import AudioSpec
from benchmarks.report import BenchmarkError
from pipeline.code_hash import code_hash
from pipeline.lineage import OUTPUT_EVENTS, Run, open_store, runs
from trainers.data_stamps import data_stamps
from trainers.request import parse_request

TRAINED = ("AudioExampleGen.examples", "Transform.transform_graph")
MATERIALISED = "Transform.transformed_examples"


@dataclass(frozen=True)
class PastRun:
    """A run of a pipeline.

    Attributes
    ----------
    run : name, verdict, served model.
    artifacts : folders by ``<component>.<output>``, those of cached nodes included.
    training : the Trainer's ``custom_config``; empty where the run ended before.
    seconds : of each node whose executor ran, by node id.
    """

    run: Run
    artifacts: dict[str, str]
    training: dict[str, Any]
    seconds: dict[str, float]

    @property
    def tags(self) -> tuple[str, ...]:
        """The vocabulary, in the order of the labels."""
        return tuple(self.training["vocabulary"]["tags"])

    @property
    def spec(self) -> AudioSpec:
        """The audio of the run's Examples."""
        return AudioSpec.model_validate(self.training["spec"])

    @property
    def examples(self) -> str:
        """The folder of AudioExampleGen's Examples."""
        return self.artifacts["AudioExampleGen.examples"]

    @property
    def transform_graph(self) -> str:
        """The folder of Transform's graph."""
        return self.artifacts["Transform.transform_graph"]

    def data_stamps(self) -> list[str]:
        """What tells the data that the Trainer read from any other (`trainers.data_stamps`)."""
        return data_stamps(self.learnt_from, self.transform_graph)

    @property
    def learnt_from(self) -> list[str]:
        """File patterns of all that the Trainer read."""
        return [*self.trained_on("train"), *self.trained_on("validation")]

    def trained_on(self, split: str) -> list[str]:
        """File patterns of what the Trainer read: Transform's Examples of a split, or AudioExampleGen's."""
        return [f"{self.artifacts.get(MATERIALISED, self.examples)}/Split-{split}/*"]

    def retraining(self, hyperparameters: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The Trainer's ``custom_config`` with other hyperparameters and settings, and with the hash of today's code.

        Raises
        ------
        BenchmarkError
            One that this code does not have: misspelt, or the run is older than the code.
        """
        code = code_hash("trainers.run", f"trainers.{self.training['task']}.model")
        merged = self.training | {"code": code} | changes
        merged["hyperparameters"] = self.training["hyperparameters"] | hyperparameters
        try:
            parse_request(merged).typed_hyperparameters()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise BenchmarkError(
                f"run {self.run.run_id}: hyperparameter {field}={first['input']!r}: {first['msg'].lower()}; if the run "
                "is older than the code, run the pipeline again"
            ) from error
        return merged

    @property
    def model(self) -> Path | None:
        """The exported model: as it is served, else as the Trainer left it, else None."""
        if self.run.served is not None and self.run.served.is_dir():
            return self.run.served
        trained = Path(self.artifacts.get("Trainer.model", "")) / "Format-Serving"
        return trained if trained.is_dir() else None


def newest_run(home: Path, pipeline: str, *, pushed: bool = False, executed: tuple[str, ...] = ()) -> PastRun:
    """The newest run that was trained and whose artifacts are still there.

    Parameters
    ----------
    home : home folder
    pipeline : name, such as ``tagging-debian-full``
    pushed : only runs whose model was pushed
    executed : components that must have run, not come from the cache

    Raises
    ------
    BenchmarkError
        There is no such run.
    """
    database = home / "metadata.sqlite"
    if database.is_file():
        store = open_store(database)
        for run in reversed(list(runs(store))):
            if (
                run.pipeline != pipeline
                or (pushed and run.verdict != "pushed")
                or not set(executed) <= set(run.executed)
            ):
                continue
            past = _read(store, run)
            needed = [
                *(past.artifacts.get(name, "/nowhere") for name in TRAINED),
                past.artifacts.get(MATERIALISED, "."),
            ]
            if past.training and all(Path(folder).is_dir() for folder in needed):
                return past
    kind = " that was pushed" if pushed else f" in which {', '.join(executed)} ran" if executed else " that was trained"
    task, library, profile = (
        pipeline.split("-", 1)[0],
        pipeline.split("-", 1)[-1].rpartition("-")[0],
        pipeline.rpartition("-")[2],
    )
    raise BenchmarkError(
        f"{database}: holds no run of {pipeline}{kind}; './dacapo run {task} --library {library} --profile {profile}' "
        "makes one"
    )


def _read(store: Any, run: Run) -> PastRun:
    context = store.get_context_by_type_and_name("pipeline_run", run.run_id)
    executions = store.get_executions_by_context(context.id)
    kinds = {kind.id: kind.name.rsplit(".", 1)[-1] for kind in store.get_execution_types()}
    of = {execution.id: kinds[execution.type_id] for execution in executions}
    events = [e for e in store.get_events_by_execution_ids(list(of)) if e.type in OUTPUT_EVENTS]
    uris = {
        artifact.id: artifact.uri for artifact in store.get_artifacts_by_id([event.artifact_id for event in events])
    }
    artifacts = {f"{of[event.execution_id]}.{event.path.steps[0].key}": uris[event.artifact_id] for event in events}
    training: dict[str, Any] = {}
    seconds = {}
    for execution in executions:
        if of[execution.id] == "Trainer" and "custom_config" in execution.custom_properties:
            training = json.loads(execution.custom_properties["custom_config"].string_value)
        if execution.last_known_state == metadata_store_pb2.Execution.COMPLETE:
            names = [
                c.name for c in store.get_contexts_by_execution(execution.id) if c.name.startswith(f"{run.pipeline}.")
            ]
            took = execution.last_update_time_since_epoch - execution.create_time_since_epoch
            seconds[names[0].removeprefix(f"{run.pipeline}.") if names else of[execution.id]] = took / 1000
    return PastRun(run, artifacts, training, seconds)


Scalars = dict[str, dict[int, float]]


def scalars(past: PastRun) -> Scalars:
    """The Trainer's TensorBoard scalars: by name, value by step."""
    found: Scalars = {}
    for event in _events(past):
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    return found


def loop_seconds(past: PastRun) -> float | None:
    """Seconds of the bare training loop, validations included, from the times of the Trainer's TensorBoard scalars.

    The first validation's time and the last one's give the time of the steps between; steps before the first are taken
    to be as long. None where there are fewer than two validations.
    """
    seen: dict[int, float] = {}
    for event in _events(past):
        if event.summary.value:
            seen.setdefault(event.step, event.wall_time)
    if len(seen) < 2:
        return None
    first, last = min(seen), max(seen)
    return (seen[last] - seen[first]) * last / (last - first)


def _events(past: PastRun) -> Iterator[Any]:
    for file in tf.io.gfile.glob(f"{past.artifacts.get('Trainer.model_run', '')}/*tfevents*"):
        yield from tf.compat.v1.train.summary_iterator(file)
