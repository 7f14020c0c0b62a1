"""Scores of an estimate against its reference, in dB, in TensorFlow: on batches and inside exported signatures.

Conventions
-----------
Signals are float32 ``[..., samples]``, full scale +-1.0; scores are float32 ``[...]``. A stereo signal has one score if
its channels are put behind one another first, as museval sums over channels, and one a channel if not.

* A score lies in [-60, 60] dB: beyond that it says nothing that a listener or a gate could use, and one perfect silence
  would outweigh a whole split in a mean. It is finite, but for `leakage_db`, which is NaN where nothing could leak.
* A signal is *silent* below -60 dBFS (root mean square), digital silence included.
* Against a silent reference there is no ratio to speak of: `si_sdr` and `sdr` then score the **output level**,
  ``-level_dbfs(estimate)``: 60 for an estimate as silent as the reference, 20 for one at -20 dBFS, 0 at full scale.
  The improvement over the mixture is then by how many dB the passage was turned down: another scale, so that no mean
  should hold both.
* A silent estimate of a sound that is there has lost it: -60 dB in `si_sdr`, 0 dB in `sdr` (the error is the sound).
* `si_sdr` does not hear the level: it is the same for an estimate and for a thousandth of it. Never gate on it alone;
  `sdr` and `level_error_db` hear it.
* ``num_samples`` (int [...]) is the length of each signal where a batch is padded with zeros; only levels depend on it.
"""

import math

import tensorflow as tf

RANGE_DB = 60.0
"""Bound of every score, and the level below full scale under which a signal is silent."""
_SMALLEST = 1e-30
"""Added to both sides of no ratio, only the smallest argument of a logarithm: far beyond the bound."""


def si_sdr(reference: tf.Tensor, estimate: tf.Tensor, *, num_samples: tf.Tensor | None = None) -> tf.Tensor:
    """Scale-invariant signal-to-distortion ratio, ``|a s|^2 / |a s - e|^2`` with ``a = <e, s> / |s|^2`` (Le Roux et
    al. 2019, eq. 4), in dB.

    Equal to BSS Eval's SDR with distortion filters of one sample. The mean is not removed.

    Parameters
    ----------
    reference, estimate : float32 [..., samples]
    num_samples : int [...], where signals are padded

    Returns
    -------
    float32 [...], dB in [-60, 60]
    """
    scale = tf.math.divide_no_nan(_energy(estimate, reference), _energy(reference, reference))
    target = scale[..., tf.newaxis] * reference
    error = target - estimate
    ratio = _ratio_db(_energy(target, target), _energy(error, error))
    return _or_output_level(ratio, reference, estimate, num_samples)


def sdr(reference: tf.Tensor, estimate: tf.Tensor, *, num_samples: tf.Tensor | None = None) -> tf.Tensor:
    """Signal-to-distortion ratio without any scaling, ``|s|^2 / |s - e|^2``, in dB: hears the level.

    Equal to museval's SDR (BSS Eval v4, images) over the whole signal.

    Parameters
    ----------
    reference, estimate : float32 [..., samples]
    num_samples : int [...], where signals are padded

    Returns
    -------
    float32 [...], dB in [-60, 60]
    """
    error = reference - estimate
    ratio = _ratio_db(_energy(reference, reference), _energy(error, error))
    return _or_output_level(ratio, reference, estimate, num_samples)


def level_dbfs(y: tf.Tensor, *, num_samples: tf.Tensor | None = None) -> tf.Tensor:
    """Root mean square relative to full scale, in dB: float32 [...], at least -60; a full-scale square wave is at 0.

    Parameters
    ----------
    y : float32 [..., samples]
    num_samples : int [...], where signals are padded
    """
    samples = tf.shape(y)[-1] if num_samples is None else num_samples
    power = tf.math.divide_no_nan(_energy(y, y), tf.cast(samples, tf.float32))
    return _ratio_db(power, tf.ones_like(power))


def level_error_db(reference: tf.Tensor, estimate: tf.Tensor, *, num_samples: tf.Tensor | None = None) -> tf.Tensor:
    """Level of the estimate over that of the reference, in dB; 0 where both are silent, above 0 where it is too loud.

    Parameters
    ----------
    reference, estimate : float32 [..., samples]
    num_samples : int [...], where signals are padded

    Returns
    -------
    float32 [...], dB in [-60, 60]
    """
    difference = level_dbfs(estimate, num_samples=num_samples) - level_dbfs(reference, num_samples=num_samples)
    return tf.clip_by_value(difference, -RANGE_DB, RANGE_DB)


def leakage_db(reference: tf.Tensor, estimate: tf.Tensor, mixture: tf.Tensor, *, passage: int) -> tf.Tensor:
    """How much of a mixture sounds in an estimate while its reference is silent: the energy of the estimate in passages
    in which the mixture sounds and the reference does not, over the energy of the whole mixture, in dB.

    Lower is better; -60 where nothing leaked. NaN where nothing could: there is no such passage.

    Parameters
    ----------
    reference, estimate, mixture : float32 [..., channels, samples]
    passage : samples of a passage; the last one may be shorter

    Returns
    -------
    float32 [...], dB in [-60, 60] or NaN
    """
    frames = [tf.signal.frame(y, passage, passage, pad_end=True, axis=-1) for y in (reference, estimate, mixture)]
    true, heard, whole = (tf.reduce_sum(y**2, axis=[-3, -1]) for y in frames)
    channels, samples = tf.shape(reference)[-2], tf.shape(reference)[-1]
    lengths = tf.minimum(passage, samples - tf.range(0, samples, passage))
    silence = 10 ** (-RANGE_DB / 10) * tf.cast(channels * lengths, tf.float32)
    alone = (true <= silence) & (whole > silence)
    leaked = tf.reduce_sum(tf.where(alone, heard, 0.0), axis=-1)
    return tf.where(tf.reduce_any(alone, axis=-1), _ratio_db(leaked, tf.reduce_sum(whole, axis=-1)), math.nan)


def is_silent(y: tf.Tensor, *, num_samples: tf.Tensor | None = None) -> tf.Tensor:
    """Whether the level is at most -60 dBFS: bool [...]."""
    return level_dbfs(y, num_samples=num_samples) <= -RANGE_DB


def _energy(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b, axis=-1)


def _ratio_db(numerator: tf.Tensor, denominator: tf.Tensor) -> tf.Tensor:
    """``10 log10(n / d)`` within the bound; 0 / 0 is the lower bound: nothing was found."""
    logarithm = tf.math.log(tf.maximum(numerator, _SMALLEST)) - tf.math.log(tf.maximum(denominator, _SMALLEST))
    ratio = tf.where(numerator > 0.0, 10.0 / tf.math.log(10.0) * logarithm, -RANGE_DB)
    return tf.clip_by_value(ratio, -RANGE_DB, RANGE_DB)


def _or_output_level(
    ratio: tf.Tensor, reference: tf.Tensor, estimate: tf.Tensor, num_samples: tf.Tensor | None
) -> tf.Tensor:
    level = level_dbfs(estimate, num_samples=num_samples)
    return tf.where(is_silent(reference, num_samples=num_samples), -level, ratio)
