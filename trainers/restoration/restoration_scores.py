"""Scores of restored music, in dB: what the exported model answers, the Evaluator averages and the gate judges.

Conventions
-----------
* ``sdr`` and ``level_error_db`` hear the level; SI-SDR does not and never gates alone.
* Improvements are over the noisy input, and both sides are cut at `CLEAN_DB` first: beyond it there is nothing to win.
  So music that came clean scores 0 if it leaves with at least 30 dB, and less if it was harmed.
* ``level_error_db`` is a distance: too loud and too quiet do not cancel in a mean.
* Of silence there is nothing to restore: all but ``level_error_db`` are NaN, not defined, and no mean holds them
  (`trainers.gate_figures`).
* Restored music that is not finite is infinitely bad by every score that is defined.
"""

import tensorflow as tf

from audio.scores import is_silent, level_error_db, sdr, si_sdr
from trainers.undefined import scored

CLEAN_DB = 30.0
ALL = "all"
"""The output that the scores are of."""
REAL_TIME_FACTOR = "real_time_factor"
AUDIO_METRICS = ("si_sdr_improvement", "sdr", "sdr_improvement", "level_error_db")
METRICS = (*AUDIO_METRICS, REAL_TIME_FACTOR)


def restoration_scores(clean: tf.Tensor, noisy: tf.Tensor, restored: tf.Tensor) -> dict[str, tf.Tensor]:
    """The scores of restored music.

    Parameters
    ----------
    clean, noisy, restored : float32 [..., samples]

    Returns
    -------
    metric -> float32 [...], for each of `AUDIO_METRICS`; NaN where it is not defined
    """
    enough = tf.constant(CLEAN_DB)
    sounds, finite = ~is_silent(clean), tf.reduce_all(tf.math.is_finite(restored), axis=-1)

    def improvement(after: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        return tf.minimum(after, enough) - tf.minimum(before, enough)

    fidelity = sdr(clean, restored)
    of_music = {
        "si_sdr_improvement": improvement(si_sdr(clean, restored), si_sdr(clean, noisy)),
        "sdr": fidelity,
        "sdr_improvement": improvement(fidelity, sdr(clean, noisy)),
    }
    distance = tf.abs(level_error_db(clean, restored))
    return {name: scored(value, defined=sounds, finite=finite) for name, value in of_music.items()} | {
        "level_error_db": scored(distance, defined=tf.ones_like(sounds), finite=finite, less_is_better=True)
    }
