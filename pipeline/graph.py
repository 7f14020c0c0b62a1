"""The component graph, the same for every task and every library.

Nothing here asks which task it builds: what differs stands in the :class:`~trainers.task.Task`, in
``schemas/<task>/<library>`` and in the settings.
"""

from importlib import import_module
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import v1 as tfx
from tfx.proto import transform_pb2

from catalog.vocabulary import Vocabulary, load_vocabulary
from components.audio_example_gen import AudioExampleGen
from components.baseline import in_service_model, in_service_statistics
from components.data_gate import DataGate
from components.drift import DistributionValidator, drift_config
from components.evaluator import Evaluator
from components.pusher import Pusher
from pipeline.code_hash import code_hash
from pipeline.metadata import connection_config
from pipeline.schema import check_folder, load_schema, write_schema
from pipeline.settings import Settings
from trainers.gate import Gate, load_gate
from trainers.task import Task

ANALYZED_SPLITS = ("train",)
TRANSFORMED_SPLITS = ("train", "validation")


def create_pipeline(settings: Settings, warm_start: str = "none") -> tfx.dsl.Pipeline:
    """The graph for one task on one library.

    Parameters
    ----------
    settings : validated settings.
    warm_start : ``none``, ``musicnn`` or the path of a version, already resolved: a repeated run must stay cached.

    Returns
    -------
    tfx.dsl.Pipeline
        Named after task, library and profile, with the metadata store that the settings name.

    Raises
    ------
    DaCapoError
        If the vocabulary, the gate or the schema cannot be used.
    """
    task = settings.load_task()
    evaluation = import_module(task.evaluation)
    spec = task.audio[settings.profile]
    check_folder(settings.schemas_path, settings.task)
    vocabulary = load_vocabulary(settings.schemas_path / "tags.yaml")
    outputs = evaluation.outputs(vocabulary)
    gate = load_gate(settings.schemas_path / "gate.yaml", outputs, evaluation.METRICS)
    schema = load_schema(settings.schemas_path / "schema.pbtxt", spec.columns, vocabulary)
    schema_file = write_schema(schema, settings.pipeline_root / "schemas")

    example_gen = AudioExampleGen(
        catalog_path=str(settings.catalog_path),
        vocabulary=vocabulary,
        audio=spec,
        descriptors=settings.ingest.descriptors,
        timed_labels=task.timed_labels,
        split_seed=settings.seed,
        shares=settings.ingest.shares.by_split(),
        max_set_aside_share=settings.ingest.max_set_aside_share,
        index_path=str(settings.home / "index.sqlite"),
        code=code_hash("components.audio_example_gen"),
    )
    examples = example_gen.outputs["examples"]
    schema_gen = tfx.components.ImportSchemaGen(schema_file=str(schema_file))
    statistics_gen = tfx.components.StatisticsGen(examples=examples, schema=schema_gen.outputs["schema"])
    statistics = statistics_gen.outputs["statistics"]
    example_validator = tfx.components.ExampleValidator(statistics=statistics, schema=schema_gen.outputs["schema"])
    served_statistics = in_service_statistics(statistics)
    distribution_validator = DistributionValidator(
        statistics=statistics,
        baseline_statistics=served_statistics.outputs["statistics"],
        config=drift_config(schema),
        code=code_hash("components.drift"),
    )
    data_gate = DataGate(
        anomalies=example_validator.outputs["anomalies"],
        drift=distribution_validator.outputs["anomalies"],
        report=example_gen.outputs["report"],
        gate=gate,
        outputs=outputs,
        tags=vocabulary.tags,
        code=code_hash("components.data_gate"),
    )
    handed_over = _handed_over(settings, task, vocabulary)
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema_gen.outputs["schema"],
        preprocessing_fn=task.preprocessing_fn,
        materialize=True,
        splits_config=transform_pb2.SplitsConfig(analyze=ANALYZED_SPLITS, transform=TRANSFORMED_SPLITS),
        custom_config=handed_over | {"code": code_hash(f"{task.package}.features")},
    )
    transform.add_upstream_node(data_gate)
    trainer = tfx.components.Trainer(
        run_fn="trainers.run.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_gen.outputs["schema"],
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["validation"]),
        custom_config=handed_over | _trainer_config(settings, task, warm_start),
    )
    model = trainer.outputs["model"]
    baseline = in_service_model(model)
    evaluator = Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline.outputs["model"],
        schema=schema_gen.outputs["schema"],
        eval_config=_eval_config(evaluation, gate, outputs),
        code=code_hash("components.evaluator"),
    )
    pusher = Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(settings.served))
        ),
        custom_config={"code": code_hash("components.pusher")},
    )
    nodes = [
        example_gen,
        schema_gen,
        statistics_gen,
        example_validator,
        served_statistics,
        distribution_validator,
        data_gate,
        transform,
        trainer,
        baseline,
        evaluator,
        pusher,
    ]
    return tfx.dsl.Pipeline(
        pipeline_name=settings.name,
        pipeline_root=str(settings.pipeline_root),
        components=nodes,
        enable_cache=True,
        metadata_connection_config=connection_config(settings),
        beam_pipeline_args=settings.beam.arguments(),
    )


def _handed_over(settings: Settings, task: Task, vocabulary: Vocabulary) -> dict[str, Any]:
    """What Transform and Trainer both are told; JSON all through."""
    return {
        "task": task.name,
        "spec": task.audio[settings.profile].model_dump(mode="json"),
        "vocabulary": {"tags": list(vocabulary.tags), "parents": dict(vocabulary.parents)},
    }


def _trainer_config(settings: Settings, task: Task, warm_start: str) -> dict[str, Any]:
    entries = ("trainers.run", f"{task.package}.features", f"{task.package}.model", f"{task.package}.signatures")
    return {
        "profile": settings.profile,
        "library": settings.library,
        "seed": settings.seed,
        "hyperparameters": settings.hyperparameters().model_dump(mode="json"),
        "checkpoint_root": str(settings.home / "checkpoints" / settings.name),
        "strategy": settings.strategy,
        "warm_start": warm_start,
        "code": code_hash(*entries),
    }


def _eval_config(evaluation: Any, gate: Gate, outputs: tuple[str, ...]) -> config_pb2.EvalConfig:
    config: config_pb2.EvalConfig = evaluation.eval_config(gate, outputs)
    return config
