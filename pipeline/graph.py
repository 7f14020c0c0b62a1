"""The component graph, the same for every task and every library.

Nothing here asks which task it builds: what differs stands in the :class:`~trainers.task.Task`, in
``schemas/<task>/<library>`` and in the settings.
"""

from importlib import import_module
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import v1 as tfx
from tfx.proto import transform_pb2

from catalog.errors import CatalogError
from catalog.vocabulary import Vocabulary, load_vocabulary
from components.audio_example_gen import AudioExampleGen
from components.baseline import in_service_model, in_service_statistics
from components.data_gate import DataGate
from components.drift import DistributionValidator, drift_config
from components.evaluator import Evaluator
from components.pusher import Pusher
from pipeline.code_hash import PACKAGES, code_hash
from pipeline.metadata import connection_config
from pipeline.schema import check_folder, load_schema, write_schema
from pipeline.settings import Settings
from trainers.gate import load_gate
from trainers.task import Task

ANALYZED_SPLITS = ("train",)
TRAINING_SPLITS = ("train", "validation")
EVALUATOR_LIBRARIES = ("tensorflow-model-analysis", "sed-scores-eval")


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
    tags_file = settings.schemas_path / "tags.yaml"
    vocabulary = load_vocabulary(tags_file)
    outputs = evaluation.outputs(vocabulary)
    if not outputs:
        raise CatalogError(f"{tags_file}: tags=[]: {task.name} learns tags, name at least one")
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
    transform = create_transform(
        task, examples, schema_gen.outputs["schema"], handed_over | {"code": code_hash(f"{task.package}.features")}
    )
    transform.add_upstream_node(data_gate)
    trainer = tfx.components.Trainer(
        run_fn="trainers.run.run_fn",
        examples=transform.outputs["transformed_examples"] if task.materialise else examples,
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_gen.outputs["schema"],
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["validation"]),
        custom_config=handed_over | _trainer_config(settings, task, warm_start),
    )
    model = trainer.outputs["model"]
    baseline = in_service_model(model)
    eval_config: config_pb2.EvalConfig = evaluation.eval_config(gate, outputs)
    evaluator = Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline.outputs["model"],
        schema=schema_gen.outputs["schema"],
        eval_config=eval_config,
        code=code_hash("components.evaluator", *_metric_modules(eval_config), libraries=EVALUATOR_LIBRARIES),
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


def create_transform(
    task: Task, examples: tfx.types.BaseChannel, schema: tfx.types.BaseChannel, custom_config: dict[str, Any]
) -> tfx.components.Transform:
    """The corpus statistics of a task's features, and the features themselves where the task materialises them.

    Transform's own statistics are off: StatisticsGen's are those that are validated, and these take more time than all
    the rest of it. So is its analyzer cache, which is for data that comes in spans.
    """
    return tfx.components.Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=task.preprocessing_fn,
        materialize=task.materialise,
        disable_statistics=True,
        disable_analyzer_cache=True,
        splits_config=transform_pb2.SplitsConfig(
            analyze=ANALYZED_SPLITS, transform=TRAINING_SPLITS if task.materialise else ()
        ),
        custom_config=custom_config,
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


def _metric_modules(config: config_pb2.EvalConfig) -> list[str]:
    """Modules of ours that TFMA loads by their names."""
    named = {metric.module for spec in config.metrics_specs for metric in spec.metrics}
    return sorted(module for module in named if module.split(".")[0] in PACKAGES)
