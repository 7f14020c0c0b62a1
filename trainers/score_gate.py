"""The Evaluator's configuration of a task whose exported model answers scores of its audio.

Conventions
-----------
The ``evaluate`` signature answers float32 [b] outputs called ``<output>.<metric>``, one number a recording, such as
``vocals.si_sdr``, and NaN for a recording in which it is not defined. TFMA averages them over the others
(`trainers.gate_figures`), slices and gates them, and no audio passes through TFMA. Where recordings carry tags (kinds
of noise), the slice of a tag is gated like an output called as the tag.
"""

from collections.abc import Sequence

from tensorflow_model_analysis.proto import config_pb2

from trainers.bootstrap_noise import noise_of
from trainers.gate import Gate
from trainers.gate_figures import figure_of
from trainers.score_name import score_name
from trainers.thresholds import threshold

SIGNATURE = "evaluate"
SLICE = "tags"
_ANY_LABEL = "segment"
"""A mean looks at no label, and TFMA wants one: a column that every Example has."""


def score_eval_config(
    gate: Gate, outputs: Sequence[str], metrics: Sequence[str], *, tags: Sequence[str] = ()
) -> config_pb2.EvalConfig:
    """TFMA's configuration for scores gated by `gate`.

    Parameters
    ----------
    gate : limits by output, and by tag for those in `tags`.
    outputs : of the model; each has every one of `metrics`.
    metrics : the scores of an output.
    tags : whose slices are rows of the verdict, gated where `gate` asks something of them. Figures by any other tag are
        reported.

    Returns
    -------
    EvalConfig
        The mean of every score with its noise, over the whole split and by tag.
    """
    names = [score_name(output, metric) for output in outputs for metric in metrics]
    specs = [config_pb2.MetricsSpec(metrics=[config_pb2.MetricConfig(class_name="ExampleCount")])]
    for output in outputs:
        for metric in metrics:
            mean = figure_of(gate, metric)
            _ask(mean, config_pb2.SlicingSpec(), threshold(gate, output, metric))
            for tag in tags:
                _ask(mean, config_pb2.SlicingSpec(feature_values={SLICE: tag}), threshold(gate, tag, metric))
            specs.append(
                config_pb2.MetricsSpec(output_names=[score_name(output, metric)], metrics=[mean, noise_of(metric)])
            )
    models = [
        config_pb2.ModelSpec(
            name=name,
            signature_name=SIGNATURE,
            label_keys=dict.fromkeys(names, _ANY_LABEL),
            model_type="tf_generic",
            is_baseline=baseline,
        )
        for name, baseline in (("candidate", False), ("baseline", True))
    ]
    slicing = [config_pb2.SlicingSpec(), config_pb2.SlicingSpec(feature_keys=[SLICE])]
    return config_pb2.EvalConfig(model_specs=models, slicing_specs=slicing, metrics_specs=specs)


def _ask(
    metric: config_pb2.MetricConfig, where: config_pb2.SlicingSpec, asked: config_pb2.MetricThreshold | None
) -> None:
    """Adds a threshold; an empty one makes the slice a row of the verdict, and TFMA asks nothing of it."""
    metric.per_slice_thresholds.add(slicing_specs=[where], threshold=asked or config_pb2.MetricThreshold())
