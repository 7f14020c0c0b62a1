"""Scores of separated stems, one a recording.

Conventions
-----------
`audio.scores` says what each score means and how it is clamped. Channels are put behind one another, as museval sums
over them.

* An improvement is the score of the estimate minus that of the unprocessed mixture: 0 for a model that passes the
  mixture through.
* A score is NaN where it is **not defined**, and no mean holds it (`trainers.gate_figures`). In a **recording without a
  voice** there is nothing for the vocals to be like, and nothing to improve on in the accompaniment, which is the whole
  mixture; what was lost of that stands in ``accompaniment.sdr``.
* ``leakage_db`` is what of the mixture sounds in a stem while the stem is silent, by passages of a second: in the
  **pauses of a voice**, and in all of a recording without one. Without such a passage it is not defined.
* A stem that is not finite is infinitely bad by every score that is defined.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from audio.scores import RANGE_DB, is_silent, leakage_db, sdr, si_sdr
from trainers.score_name import score_name
from trainers.undefined import scored

_SCORES: dict[str, Callable[..., tf.Tensor]] = {"si_sdr": si_sdr, "sdr": sdr}
METRICS = ("si_sdr_improvement", "sdr_improvement", "si_sdr", "sdr", "leakage_db")


def stem_scores(
    references: Mapping[str, tf.Tensor], estimates: Mapping[str, tf.Tensor], *, passage: int
) -> dict[str, tf.Tensor]:
    """All metrics of all stems.

    Parameters
    ----------
    references, estimates : stem -> float32 [..., channels, samples]; the references sum to the mixture
    passage : samples of a second

    Returns
    -------
    ``<stem>.<metric>`` -> float32 [...], dB; NaN where it is not defined
    """
    true = {stem: _joined(y) for stem, y in references.items()}
    mixture, whole = tf.add_n(list(true.values())), tf.add_n(list(references.values()))
    answers = {}
    for stem, reference in true.items():
        estimate = _joined(estimates[stem])
        sounds, others_sound = ~is_silent(reference), ~is_silent(mixture - reference)
        finite = tf.reduce_all(tf.math.is_finite(estimate), axis=-1)
        for name, score in _SCORES.items():
            reached, before = score(reference, estimate), score(reference, mixture)
            improvement = tf.clip_by_value(reached - before, -RANGE_DB, RANGE_DB)
            answers[score_name(stem, name)] = scored(reached, defined=sounds, finite=finite)
            answers[score_name(stem, f"{name}_improvement")] = scored(
                improvement, defined=sounds & others_sound, finite=finite
            )
        leaked = leakage_db(references[stem], estimates[stem], whole, passage=passage)
        answers[score_name(stem, "leakage_db")] = scored(
            leaked, defined=~tf.math.is_nan(leaked), finite=finite, less_is_better=True
        )
    return answers


def _joined(y: tf.Tensor) -> tf.Tensor:
    """Channels behind one another: [..., channels, samples] to [..., channels * samples]."""
    shape = tf.shape(y)
    return tf.reshape(y, tf.concat([shape[:-2], [shape[-2] * shape[-1]]], axis=0))
