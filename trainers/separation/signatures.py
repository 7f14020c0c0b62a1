"""What the exported separator answers: stems of waveforms of any length, and scores of Examples.

A recording is cut into pieces as long as a training segment that overlap by half, and what comes back is cross-faded
(`audio.overlap_add`), so that there is no seam, no limit to the length, and one piece in memory at a time. Away from
the ends two pieces answer for each sample, and the one in whose middle it lies weighs more. The accompaniment is what
the vocals leave: the stems sum to the recording.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from audio.masks import apply_mask
from audio.overlap_add import overlap_add
from audio.spectra import istft
from trainers.checkpoints import Finished
from trainers.score_name import score_name
from trainers.separation.features import decode_pcm, spectrum
from trainers.separation.model import SeparationLearner
from trainers.separation.stem_scores import METRICS, stem_scores
from trainers.separation.task import STEMS
from trainers.trainee import set_variables

Outputs = dict[str, tf.Tensor]


class Separator(tf.Module):
    """The model with everything around it, waveforms in and out.

    Parameters
    ----------
    learner : of the training
    model : with the best weights
    """

    def __init__(self, learner: SeparationLearner, model: keras.Model) -> None:
        super().__init__()
        self.model = model
        self._learner = learner
        self._overlap = learner.segment_samples // 2

    def _piece(self, mixture: tf.Tensor) -> tf.Tensor:
        """Vocals of a piece, float32 [channels, segment samples] in and out."""
        learner = self._learner
        y = spectrum(mixture[tf.newaxis], learner.n_fft)
        y = tf.ensure_shape(y, [1, learner.spec.channels, learner.frames, learner.bins])
        answer = self.model({"log_magnitude": learner.network_input(y)}, training=False)
        mask = learner.mask_of({name: tf.cast(output, tf.float32) for name, output in answer.items()})
        return istft(
            apply_mask(mask, y), n_fft=learner.n_fft, hop_length=learner.hop_length, length=learner.segment_samples
        )[0]

    def separate(self, mixture: tf.Tensor) -> Outputs:
        """Stems of a recording.

        Parameters
        ----------
        mixture : float32 [channels, samples]

        Returns
        -------
        stem -> float32 [channels, samples]; they sum to the mixture
        """
        mixture = tf.ensure_shape(mixture, [self._learner.spec.channels, None])
        vocals = overlap_add(mixture, self._piece, length=self._learner.segment_samples, overlap=self._overlap)
        return dict(zip(STEMS, (vocals, mixture - vocals), strict=True))

    def judge(self, serialized: tf.Tensor, then: Callable[[Outputs, Outputs], Outputs], names: list[str]) -> Outputs:
        """What `then` makes of true and separated stems of serialized raw Examples, string [b], taken one by one since
        each has a length of its own: float32 [b] by the `names` that `then` answers.
        """
        columns = {stem: tf.io.FixedLenFeature([], tf.string) for stem in STEMS}
        columns["num_samples"] = tf.io.FixedLenFeature([], tf.int64)

        def one(example: tf.Tensor) -> Outputs:
            parsed = tf.io.parse_single_example(example, columns)
            truth = {
                stem: decode_pcm(parsed[stem], self._learner.spec.channels)[:, : parsed["num_samples"]]
                for stem in STEMS
            }
            return then(truth, self.separate(tf.add_n(list(truth.values()))))

        return tf.map_fn(
            one,
            serialized,
            fn_output_signature=dict.fromkeys(names, tf.TensorSpec([], tf.float32)),
            parallel_iterations=1,
        )


def make_signatures(learner: SeparationLearner, finished: Finished) -> tuple[tf.Module, dict[str, Any], dict[str, Any]]:
    """The module to save, its signatures, and what ``dacapo.json`` says of this task.

    Signatures
    ----------
    ``evaluate`` : ``examples`` string [b], raw Examples with both stems -> ``<stem>.<metric>`` float32 [b], dB, of the
        stems of their sum
    ``serving_default``, ``waveform`` : ``waveform`` float32 [b, channels, samples] at the task's rate, any number of
        samples -> ``vocals``, ``accompaniment`` of the same shape
    """
    model = learner.build()
    set_variables(model.variables, finished.weights)
    separator = Separator(learner, model)
    channels = learner.spec.channels
    names = [score_name(stem, metric) for stem in STEMS for metric in METRICS]
    waveforms = tf.TensorSpec([None, channels, None], tf.float32, "waveform")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(examples: tf.Tensor) -> Outputs:
        return separator.judge(examples, partial(stem_scores, passage=learner.spec.sample_rate), names)

    @tf.function(input_signature=[waveforms])
    def separate(waveform: tf.Tensor) -> Outputs:
        signature = dict.fromkeys(STEMS, tf.TensorSpec([channels, None], tf.float32))
        stems = tf.map_fn(separator.separate, waveform, fn_output_signature=signature, parallel_iterations=1)
        return {stem: tf.reshape(y, tf.shape(waveform)) for stem, y in stems.items()}

    signatures = {"serving_default": separate, "waveform": separate, "evaluate": evaluate}
    facts = {"vocabulary": list(STEMS), "mask": learner.hyperparameters.mask, "n_fft": learner.n_fft}
    return separator, signatures, facts
