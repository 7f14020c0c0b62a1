"""Requests that TensorFlow Serving answers to itself before a version takes traffic.

The first call of a shape compiles kernels and picks algorithms, which on a GPU takes seconds. The server reads
``assets.extra/tf_serving_warmup_requests`` when it loads a version: TFRecords of PredictionLog, at most 1,000.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2  # type: ignore[import-untyped]

WARM_UP = ("assets.extra", "tf_serving_warmup_requests")
WAVEFORM = "waveform"
BATCH_SIZES = (1, 4)  # every task's server allows both (kubeflow/serving)
_LEVEL = 1e-3


def write_warm_up(folder: str, task: str, signatures: Mapping[str, Any], *, samples: int) -> None:
    """Write one request for each batch size to each signature that takes a ``waveform``.

    Signatures that take Examples or files are left out: they end in the same layers. Every request is answered once
    before it is written, since one that fails would keep the server from loading the version.

    Parameters
    ----------
    folder : of the exported model
    task : name of the model on the server
    signatures : name -> tf.function with an input signature
    samples : length of the waveforms, that of a training segment
    """
    path = os.path.join(folder, *WARM_UP)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path) as writer:
        for name, function in signatures.items():
            for inputs in _inputs(function.input_signature, samples):
                function(**inputs)
                writer.write(_request(task, name, inputs).SerializeToString())


def _inputs(signature: Sequence[tf.TensorSpec], samples: int) -> Iterator[dict[str, tf.Tensor]]:
    """Inputs of every batch size, by name: quiet noise for the waveform; empty text and false for the rest."""
    if WAVEFORM not in [spec.name for spec in signature]:
        return
    for size in BATCH_SIZES:
        inputs = {}
        for spec in signature:
            # Batch first; the open dimension of a waveform is its samples, that of anything else has one element.
            length = samples if spec.name == WAVEFORM else 1
            shape = [size, *(length if dimension is None else dimension for dimension in spec.shape[1:])]
            if spec.name == WAVEFORM:
                noise = np.random.default_rng(0).uniform(-_LEVEL, _LEVEL, shape)
                inputs[spec.name] = tf.constant(noise, spec.dtype)
            else:
                inputs[spec.name] = tf.fill(shape, "") if spec.dtype == tf.string else tf.zeros(shape, spec.dtype)
        yield inputs


def _request(task: str, signature: str, inputs: Mapping[str, tf.Tensor]) -> Any:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = task
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
    return log
