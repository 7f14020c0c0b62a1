"""Constants that Transform's analyzers found, read by running its graph once on an empty Example."""

import tensorflow as tf
import tensorflow_transform as tft

from trainers.learner import Arrays


def _empty_example(feature_spec: dict[str, object]) -> bytes:
    example = tf.train.Example()
    for name, feature in feature_spec.items():
        if not isinstance(feature, tf.io.FixedLenFeature):
            continue
        count = int(tf.TensorShape(feature.shape).num_elements() or 1)
        if feature.dtype == tf.string:
            example.features.feature[name].bytes_list.value.extend([b""] * count)
        elif feature.dtype == tf.int64:
            example.features.feature[name].int64_list.value.extend([0] * count)
        else:
            example.features.feature[name].float_list.value.extend([0.0] * count)
    return bytes(example.SerializeToString())


def transform_constants(transform_output: str) -> Arrays:
    """Every numeric column that Transform's graph gives for an empty Example, [...] without the batch axis.

    Columns that `preprocessing_fn` makes of analyzers alone (corpus statistics) are constants; the others are of no use
    here.

    Parameters
    ----------
    transform_output : folder of the transform graph
    """
    output = tft.TFTransformOutput(transform_output)
    feature_spec = output.raw_feature_spec()
    layer = output.transform_features_layer()

    @tf.function
    def run(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        columns = layer(tf.io.parse_example(serialized, feature_spec))
        return {name: column for name, column in columns.items() if isinstance(column, tf.Tensor)}

    columns = run(tf.constant([_empty_example(feature_spec)]))
    return {name: column.numpy()[0] for name, column in columns.items() if column.dtype != tf.string}
