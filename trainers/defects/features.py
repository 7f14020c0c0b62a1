"""What the detector hears: the channels of `trainers.defects.spectra`, normalised by the statistics of the training
split.

`features` is one function for Transform, whose analyzers compute its constants, for the trainer and for every
signature.
"""

from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from audio.spec import AudioSpec
from trainers.columns import dense, multi_hot, repeat
from trainers.defects.frames import PER_FRAME, frames_of
from trainers.defects.spectra import CHANNELS, FINE, LEVEL_SLOPE, SLOW, measure

_FULL_SCALE = 32768.0
_MIN_VARIANCE = 1e-4


class Constants(NamedTuple):
    """Statistics of the training split: mean and standard deviation of each channel, float32 [CHANNELS]."""

    mean: tf.Tensor
    std: tf.Tensor


def features(waveform: tf.Tensor, constants: Constants) -> tf.Tensor:
    """Normalised channels.

    Parameters
    ----------
    waveform : float32 [..., samples] at 32 kHz, full scale +-1.0
    constants : statistics of the training split

    Returns
    -------
    float32 [..., frames, WIDTH], a frame every 64 ms; zero is the mean of the training split.
    """
    return (measure(waveform) - spread(constants.mean)) / spread(constants.std)


def spread(channels: tf.Tensor) -> tf.Tensor:
    """A number for each channel as one for each column of a frame: [CHANNELS] to [WIDTH]."""
    return tf.concat([tf.tile(channels[:FINE], [PER_FRAME]), channels[FINE:]], axis=0)


def louder(spectrum: tf.Tensor, gain_db: tf.Tensor, constants: Constants) -> tf.Tensor:
    """What normalised features become when the sound is louder by `gain_db`, but for what lies at their floors.

    Parameters
    ----------
    spectrum : float32 [b, frames, WIDTH]
    gain_db : float32 [b]
    """
    change = gain_db[:, tf.newaxis] * spread(tf.constant(LEVEL_SLOPE) / constants.std)
    return spectrum + change[:, tf.newaxis]


def decode_pcm(pcm: tf.Tensor, channels: int) -> tf.Tensor:
    """One recording's interleaved little-endian 16-bit PCM (string []) as a mono waveform, float32 [samples]."""
    samples = tf.cast(tf.io.decode_raw(pcm, tf.int16), tf.float32) / _FULL_SCALE
    return tf.reduce_mean(tf.reshape(samples, [-1, channels]), axis=-1)


def as_pcm(waveform: tf.Tensor) -> tf.Tensor:
    """A waveform as the PCM of an Example holds it: rounded to 16 bits and cut at full scale, which resampling exceeds.

    The flat tops that this leaves are in all that a detector learns from; without them clipping is heard where none is,
    and not where it is.
    """
    return tf.clip_by_value(tf.round(waveform * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1) / _FULL_SCALE


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Raw Examples to what the trainer reads (for TFX's Transform).

    Labels are weak: which defects a segment has. Where a recording has events, those that sound in the segment say so;
    where it has none, its tags do, which is all that weakly labelled data knows. Onsets and offsets are not passed on.

    Parameters
    ----------
    inputs : columns of a batch of raw Examples
    custom_config : ``spec``, and what the task's Trainer gets besides

    Returns
    -------
    ``id``, ``segment``, ``num_samples``, ``labels``; ``features``: `features` as a serialized float16 tensor [frames,
    WIDTH]; ``channel_mean``, ``channel_std`` and ``label_shares`` (share of training segments with each defect): the
    same in every row.
    """
    spec = AudioSpec.model_validate(custom_config["spec"])
    names = custom_config["vocabulary"]["tags"]
    pcm = dense(inputs[spec.columns[0]], "")
    num_samples = dense(inputs["num_samples"], 0)

    def moments(example: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        rows = tf.cast(measure(decode_pcm(example[0], spec.channels))[: frames_of(example[1])], tf.float64)
        fine = tf.reshape(rows[:, : PER_FRAME * FINE], [-1, FINE])
        sums = [_sums(fine), _sums(rows[:, PER_FRAME * FINE :])]
        return tf.concat([sums[0][0], sums[1][0], sums[0][1], sums[1][1], tf.cast(tf.shape(rows)[:1], tf.float64)], 0)

    totals = tft.sum(
        tf.map_fn(moments, (pcm, num_samples), fn_output_signature=tf.TensorSpec([2 * CHANNELS + 1], tf.float64)),
        reduce_instance_dims=False,
    )
    count = tf.concat([tf.fill([FINE], totals[-1] * PER_FRAME), tf.fill([SLOW], totals[-1])], axis=0)
    mean, square = totals[:CHANNELS] / count, totals[CHANNELS:-1] / count
    std = tf.sqrt(tf.maximum(square - mean * mean, _MIN_VARIANCE))
    constants = Constants(tf.cast(mean, tf.float32), tf.cast(std, tf.float32))

    def materialise(data: tf.Tensor) -> tf.Tensor:
        return tf.io.serialize_tensor(tf.cast(features(decode_pcm(data, spec.channels), constants), tf.float16))

    labels = weak_labels(inputs, names)
    shares = tft.mean(tf.cast(labels, tf.float32), reduce_instance_dims=False)
    return {
        "id": dense(inputs["id"], ""),
        "segment": dense(inputs["segment"], 0),
        "num_samples": num_samples,
        "labels": labels,
        "features": tf.map_fn(materialise, pcm, fn_output_signature=tf.TensorSpec([], tf.string)),
        "channel_mean": repeat(constants.mean, pcm),
        "channel_std": repeat(constants.std, pcm),
        "label_shares": repeat(shares, pcm),
    }


def weak_labels(inputs: dict[str, Any], names: list[str]) -> tf.Tensor:
    """Which defects each segment has, int64 [rows, defects]: by its events where its recording is ``timed``, else by
    the recording's tags.
    """
    labels = multi_hot(inputs["labels"], len(names))
    events = inputs["events"]
    rows = tf.shape(labels, tf.int64)[0]
    hits = tf.cast(events.values[:, tf.newaxis] == tf.constant(names)[tf.newaxis], tf.int64)
    heard = tf.math.unsorted_segment_max(hits, events.indices[:, 0], rows)
    timed = dense(inputs["timed"], 0)
    return tf.where(timed[:, tf.newaxis] > 0, tf.maximum(heard, 0), labels)


def _sums(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.reduce_sum(rows, axis=0), tf.reduce_sum(rows * rows, axis=0)
