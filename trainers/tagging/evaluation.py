"""What the Evaluator measures of a tagging model: every tag is a binary problem of its own.

One ``MetricsSpec`` a tag with ``binarize.class_ids=[i]``: TFMA takes column i of ``probabilities`` and of the multi-hot
``labels``. ``per_slice_thresholds`` with an empty ``SlicingSpec`` gates the whole split; ``threshold`` would gate every
slice too.
"""

import json

from tensorflow_model_analysis.proto import config_pb2

from catalog.vocabulary import Vocabulary
from trainers.gate import Gate

METRICS = ("precision", "recall")
LABELS = "labels"
SIGNATURE = "evaluate"
SLICES: tuple[str, ...] = ("language",)
DECISION = 0.5


def outputs(vocabulary: Vocabulary) -> tuple[str, ...]:
    """What the gate is about: the tags of the library."""
    return vocabulary.tags


def eval_config(gate: Gate, outputs: tuple[str, ...]) -> config_pb2.EvalConfig:
    """TFMA's configuration for tags gated by `gate`.

    Parameters
    ----------
    gate : floors and drops by tag.
    outputs : the tags, in the order of the model's columns.

    Returns
    -------
    EvalConfig
        Precision and recall of every tag at the decision threshold, gated; ROC-AUC and average precision, reported.
    """
    specs = [config_pb2.MetricsSpec(metrics=[config_pb2.MetricConfig(class_name="ExampleCount")])]
    for index, tag in enumerate(outputs):
        specs.append(
            config_pb2.MetricsSpec(
                binarize=config_pb2.BinarizationOptions(class_ids={"values": [index]}),
                metrics=[
                    _metric("Precision", "precision", gate, tag, {"thresholds": [DECISION]}),
                    _metric("Recall", "recall", gate, tag, {"thresholds": [DECISION]}),
                    _metric("AUC", "roc_auc", gate, tag, {}),
                    _metric("AUCPrecisionRecall", "average_precision", gate, tag, {}),
                ],
            )
        )
    models = [
        config_pb2.ModelSpec(
            name=name, signature_name=SIGNATURE, label_key=LABELS, model_type="tf_generic", is_baseline=baseline
        )
        for name, baseline in (("candidate", False), ("baseline", True))
    ]
    slices = [config_pb2.SlicingSpec()] + [config_pb2.SlicingSpec(feature_keys=[key]) for key in SLICES]
    return config_pb2.EvalConfig(model_specs=models, slicing_specs=slices, metrics_specs=specs)


def _metric(class_name: str, name: str, gate: Gate, tag: str, options: dict[str, object]) -> config_pb2.MetricConfig:
    metric = config_pb2.MetricConfig(class_name=class_name, config=json.dumps(options | {"name": name}))
    floor, drop = gate.floor(tag, name), gate.drop(tag, name)
    threshold = config_pb2.MetricThreshold()
    if floor is not None:
        threshold.value_threshold.lower_bound.value = floor
    if drop is not None:
        threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -drop
    if floor is not None or drop is not None:
        metric.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold)
    return metric
