"""Scores of separated stems, one a recording.

Conventions
-----------
`audio.scores` says what each score means and how it is clamped. Channels are put behind one another, as museval sums
over them.

* An improvement is the score of the estimate minus that of the unprocessed mixture: 0 for a model that passes the
  mixture through.
* A recording **without a voice** has a silent reference: ``vocals.*`` is then scored on output level (60 dB for
  silence), and the improvement is by how many dB the recording was turned down in the vocals output.
* The accompaniment of such a recording is the whole mixture, which nothing can improve on: its improvement is 0 by
  definition. What was lost of it stands in ``accompaniment.sdr``.
* **Passages without a voice** in a song that has one are scored on output level too: ``leakage_db`` is what of the
  mixture sounds in a stem while the stem is silent, by passages of a second.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from audio.scores import RANGE_DB, is_silent, leakage_db, sdr, si_sdr
from trainers.score_name import score_name

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
    ``<stem>.<metric>`` -> float32 [...], dB
    """
    true = {stem: _joined(y) for stem, y in references.items()}
    mixture, whole = tf.add_n(list(true.values())), tf.add_n(list(references.values()))
    answers = {}
    for stem, reference in true.items():
        estimate = _joined(estimates[stem])
        rest_is_silent = is_silent(mixture - reference)
        for name, score in _SCORES.items():
            reached, before = score(reference, estimate), score(reference, mixture)
            improvement = tf.clip_by_value(reached - before, -RANGE_DB, RANGE_DB)
            nothing_to_do = rest_is_silent & ~is_silent(reference)
            answers[score_name(stem, name)] = reached
            answers[score_name(stem, f"{name}_improvement")] = tf.where(nothing_to_do, 0.0, improvement)
        leaked = leakage_db(references[stem], estimates[stem], whole, passage=passage)
        answers[score_name(stem, "leakage_db")] = leaked
    return answers


def _joined(y: tf.Tensor) -> tf.Tensor:
    """Channels behind one another: [..., channels, samples] to [..., channels * samples]."""
    shape = tf.shape(y)
    return tf.reshape(y, tf.concat([shape[:-2], [shape[-2] * shape[-1]]], axis=0))
