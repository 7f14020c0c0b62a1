"""The Evaluator's configuration of a task that decides: every tag, or defect, is a binary problem of its own.

One ``MetricsSpec`` an output with ``binarize.class_ids=[i]``: TFMA takes column i of ``probabilities`` and of the
multi-hot ``labels``. ``per_slice_thresholds`` with an empty ``SlicingSpec`` gates the whole split; ``threshold`` would
gate every slice too.
"""

import json
from collections.abc import Callable, Iterable, Sequence

from tensorflow_model_analysis.proto import config_pb2

from trainers.bootstrap_noise import noise_of
from trainers.gate import Gate, GateError
from trainers.gate_figures import figure_of
from trainers.thresholds import threshold

METRICS = ("precision", "recall")
LABELS = "labels"
SIGNATURE = "evaluate"


def decision_eval_config(
    gate: Gate,
    outputs: tuple[str, ...],
    *,
    slices: Iterable[str] = (),
    more: Callable[[str], Sequence[config_pb2.MetricConfig]] = lambda output: (),
) -> config_pb2.EvalConfig:
    """TFMA's configuration for decisions gated by `gate`.

    Parameters
    ----------
    gate : limits by output.
    outputs : in the order of the model's columns.
    slices : features of an Example by which figures are reported as well.
    more : what else is asked of an output, by its name; see `gated`.

    Returns
    -------
    EvalConfig
        Precision and recall of every output at the decision threshold, gated, with their noise; ROC-AUC and average
        precision, reported.
    """
    specs = [config_pb2.MetricsSpec(metrics=[config_pb2.MetricConfig(class_name="ExampleCount")])]
    for index, output in enumerate(outputs):
        specs.append(
            config_pb2.MetricsSpec(
                binarize=config_pb2.BinarizationOptions(class_ids={"values": [index]}),
                metrics=[
                    *(gated(figure_of(gate, metric), gate, output) for metric in METRICS),
                    *(noise_of(metric) for metric in METRICS),
                    _reported("AUC", "roc_auc"),
                    _reported("AUCPrecisionRecall", "average_precision"),
                    *more(output),
                ],
            )
        )
    models = [
        config_pb2.ModelSpec(
            name=name, signature_name=SIGNATURE, label_key=LABELS, model_type="tf_generic", is_baseline=baseline
        )
        for name, baseline in (("candidate", False), ("baseline", True))
    ]
    slicing = [config_pb2.SlicingSpec()] + [config_pb2.SlicingSpec(feature_keys=[key]) for key in slices]
    return config_pb2.EvalConfig(model_specs=models, slicing_specs=slicing, metrics_specs=specs)


def gated(metric: config_pb2.MetricConfig, gate: Gate, output: str) -> config_pb2.MetricConfig:
    """A metric of an output with what the gate asks of it, by the name in its configuration.

    Raises
    ------
    GateError
        The gate has a ceiling or a rise for it: more of every figure of a decision is better.
    """
    name = json.loads(metric.config)["name"]
    if gate.less_is_better(name):
        raise GateError(f"gate.yaml: {name} has a ceiling or a rise, but more of it is better: write floors and drops")
    asked = threshold(gate, output, name)
    if asked is not None:
        metric.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()], threshold=asked)
    return metric


def _reported(class_name: str, name: str) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(class_name=class_name, config=json.dumps({"name": name}))
