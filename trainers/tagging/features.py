"""What the tagger hears: log-mel normalised by the statistics of the training split.

`features` is one function for Transform, whose analyzers compute its constants, for the trainer and for every
signature.
"""

from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from audio.mel import HOP_LENGTH, N_MELS
from audio.spec import AudioSpec
from audio.spectra import log_mel
from trainers.columns import dense, multi_hot, repeat

_FULL_SCALE = 32768.0
_MIN_VARIANCE = 1e-4


class Constants(NamedTuple):
    """Statistics of the training split: mean and standard deviation of each mel band, float32 [96]."""

    mean: tf.Tensor
    std: tf.Tensor


def features(waveform: tf.Tensor, constants: Constants) -> tf.Tensor:
    """Normalised log-mel.

    Parameters
    ----------
    waveform : float32 [..., samples] at 16 kHz, full scale +-1.0
    constants : statistics of the training split

    Returns
    -------
    float32 [..., frames, 96] with ``frames = 1 + samples // 256``; zero is the mean of the training split.
    """
    return normalise(log_mel(waveform), constants)


def normalise(spectrum: tf.Tensor, constants: Constants) -> tf.Tensor:
    """``(log_mel - mean) / std``, [..., frames, 96]."""
    return (spectrum - constants.mean) / constants.std


def denormalise(spectrum: tf.Tensor, constants: Constants) -> tf.Tensor:
    """The inverse of `normalise`."""
    return spectrum * constants.std + constants.mean


def frames_of(num_samples: tf.Tensor) -> tf.Tensor:
    """Frames of `features` that lie within the first `num_samples` samples; at least 1."""
    return 1 + tf.maximum(num_samples - 1, 0) // HOP_LENGTH


def decode_pcm(pcm: tf.Tensor, channels: int) -> tf.Tensor:
    """One recording's interleaved little-endian 16-bit PCM (string []) as a mono waveform, float32 [samples]."""
    samples = tf.cast(tf.io.decode_raw(pcm, tf.int16), tf.float32) / _FULL_SCALE
    return tf.reduce_mean(tf.reshape(samples, [-1, channels]), axis=-1)


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Raw Examples to what the trainer reads (for TFX's Transform).

    Recordings are taken one by one (``tf.map_fn``), so that memory holds one spectrum at a time whatever the batch.

    Parameters
    ----------
    inputs : columns of a batch of raw Examples
    custom_config : ``spec``, and what the task's Trainer gets besides

    Returns
    -------
    ``id``, ``segment``, ``num_samples``, ``labels``, ``lyrics`` with ``has_lyrics`` (0: missing, which is not empty);
    ``log_mel``: `features` as a serialized float16 tensor [frames, 96]; ``mel_mean``, ``mel_std`` and ``tag_shares``
    (share of training segments with each tag): the same in every row.
    """
    spec = AudioSpec.model_validate(custom_config["spec"])
    pcm = dense(inputs[spec.columns[0]], "")
    num_samples = dense(inputs["num_samples"], 0)

    def moments(example: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        valid = log_mel(decode_pcm(example[0], spec.channels))[: frames_of(example[1])]
        valid = tf.cast(valid, tf.float64)
        count = tf.cast(tf.shape(valid)[:1], tf.float64)
        return tf.concat([tf.reduce_sum(valid, 0), tf.reduce_sum(valid * valid, 0), count], axis=0)

    totals = tft.sum(
        tf.map_fn(moments, (pcm, num_samples), fn_output_signature=tf.TensorSpec([2 * N_MELS + 1], tf.float64)),
        reduce_instance_dims=False,
    )
    mean, square = totals[:N_MELS] / totals[-1], totals[N_MELS:-1] / totals[-1]
    std = tf.sqrt(tf.maximum(square - mean * mean, _MIN_VARIANCE))
    constants = Constants(tf.cast(mean, tf.float32), tf.cast(std, tf.float32))

    def materialise(data: tf.Tensor) -> tf.Tensor:
        return tf.io.serialize_tensor(tf.cast(features(decode_pcm(data, spec.channels), constants), tf.float16))

    labels = multi_hot(inputs["labels"], len(custom_config["vocabulary"]["tags"]))
    shares = tft.mean(tf.cast(labels, tf.float32), reduce_instance_dims=False)
    lyrics, has_lyrics = _optional_text(inputs["lyrics"])
    return {
        "id": dense(inputs["id"], ""),
        "segment": dense(inputs["segment"], 0),
        "num_samples": num_samples,
        "labels": labels,
        "lyrics": lyrics,
        "has_lyrics": has_lyrics,
        "log_mel": tf.map_fn(materialise, pcm, fn_output_signature=tf.TensorSpec([], tf.string)),
        "mel_mean": repeat(constants.mean, pcm),
        "mel_std": repeat(constants.std, pcm),
        "tag_shares": repeat(shares, pcm),
    }


def _optional_text(column: tf.SparseTensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Text, empty where it is missing, and whether it is there (int64): each [rows]."""
    present = tf.SparseTensor(column.indices, tf.ones_like(column.indices[:, 0]), column.dense_shape)
    return dense(column, ""), tf.reshape(tft.sparse_tensor_to_dense_with_shape(present, [None, 1], 0), [-1])
