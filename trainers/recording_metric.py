"""Metrics of ours for TFMA that look at recordings one by one: what they share, so that each says only what it adds up.

TFMA finds a metric by its module and class name, and makes one combiner for every model, output and column that it is
asked about.
"""

from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2


class RecordingCombiner(beam.CombineFn):  # type: ignore[misc,unused-ignore]
    """One figure of one key; subclasses say what is added up.

    Parameters
    ----------
    key : model, output and column, and the name of the metric
    figure : which of the metric's figures is asked for
    eval_config : as TFMA hands it on
    """

    def __init__(self, key: metric_types.MetricKey, figure: str, eval_config: config_pb2.EvalConfig | None) -> None:
        self.key, self.figure, self._eval_config = key, figure, eval_config

    @property
    def candidate(self) -> str:
        """The name of the model that is judged; empty where it is alone, as TFMA calls it then."""
        specs = self._eval_config.model_specs if self._eval_config is not None and self.key.model_name else ()
        return next((str(spec.name) for spec in specs if not spec.is_baseline), "")

    def pairs(
        self, element: metric_types.StandardMetricInputs, model: str | None = None
    ) -> Iterator[tuple[float, float]]:
        """(label, prediction) of the key in a recording; of another model if one is named."""
        found = metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=self.key.model_name if model is None else model,
            output_name=self.key.output_name,
            sub_key=self.key.sub_key,
        )
        return ((float(label.item()), float(prediction.item())) for label, prediction, _ in found)


def computations(
    combiner: type[RecordingCombiner], features: Sequence[str] = ()
) -> Callable[..., metric_types.MetricComputations]:
    """What a `metric_types.Metric` that is given ``figure`` and ``name`` hands to its base class.

    Parameters
    ----------
    combiner : of the metric
    features : of the Examples that it looks at, beside labels and predictions
    """
    looks = [metric_types.FeaturePreprocessor(features)] if features else None

    def of_key(
        figure: str,
        name: str,
        eval_config: config_pb2.EvalConfig | None = None,
        model_name: str = "",
        output_name: str = "",
        sub_key: metric_types.SubKey | None = None,
    ) -> metric_types.MetricComputations:
        key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name, sub_key=sub_key)
        made = combiner(key, figure, eval_config)
        return [metric_types.MetricComputation(keys=[key], preprocessors=looks, combiner=made)]

    found: Callable[..., metric_types.MetricComputations] = metric_util.merge_per_key_computations(of_key)
    return found
