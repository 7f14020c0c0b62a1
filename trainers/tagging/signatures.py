"""What the exported tagger answers: tags of Examples, of waveforms, of wav files, all through the same features.

A recording is cut into windows as long as a training segment, the last one padded; the log-odds of the windows are
averaged, each weighted with the share of it that holds audio; then they are calibrated. (A tag that is sure in one
window alone counts less than under a mean of probabilities: docs/results/tagging-folds-debian.md has both.) Recordings
are taken one by one and windows a few at a time, so that memory stays flat however long a recording is.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from audio.mel import N_MELS
from trainers.calibration import calibrate, log_odds
from trainers.checkpoints import Finished
from trainers.tagging.features import decode_pcm, features, frames_of
from trainers.tagging.lyrics import lyrics_bag
from trainers.tagging.model import TaggingLearner
from trainers.tagging.published import MUSICNN
from trainers.trainee import set_variables

WINDOWS_AT_ONCE = 8
RECORDINGS_AT_ONCE = 2
_EXAMPLE = {
    "num_samples": tf.io.FixedLenFeature([], tf.int64),
    "lyrics": tf.io.VarLenFeature(tf.string),
}
Outputs = dict[str, tf.Tensor]


class Tagger(tf.Module):
    """The model with everything around it, [samples] in and [tags] out.

    Parameters
    ----------
    learner : of the training
    model : with the best weights; or what is called like it and has its ``input``
    thresholds : np.ndarray [tags], logits
    """

    def __init__(self, learner: TaggingLearner, model: Any, thresholds: Any) -> None:
        super().__init__()
        self.model = model
        self.musicnn = learner.embed
        self._learner = learner
        self._thresholds = tf.constant(thresholds)

    def _windows(self, waveform: tf.Tensor, lyrics: tf.Tensor, has_lyrics: tf.Tensor) -> tf.Tensor:
        """Weighted sum of the windows' log-odds and of their weights, float32 [tags + 1]."""
        length = self._learner.segment_samples
        samples = tf.shape(waveform)[0]
        count = tf.maximum((samples + length - 1) // length, 1)
        windows = tf.reshape(tf.pad(waveform, [[0, count * length - samples]]), [count, length])
        valid = tf.clip_by_value(samples - tf.range(count) * length, 1, length)

        def block(start: tf.Tensor) -> tf.Tensor:
            part = slice(start, start + WINDOWS_AT_ONCE)
            spectra = features(windows[part], self._learner.constants)
            spectra = tf.ensure_shape(spectra, [None, self._learner.frames, N_MELS])
            rows, frames = tf.shape(spectra)[0], frames_of(valid[part])
            inputs = {
                "log_mel": spectra,
                "frames": tf.cast(frames, tf.float32)[:, tf.newaxis],
                "lyrics": tf.tile(lyrics[tf.newaxis], [rows, 1]),
                "has_lyrics": tf.fill([rows, 1], has_lyrics),
            }
            if self.musicnn is not None:
                inputs["musicnn"] = self.musicnn(spectra, frames)
            outputs = self.model({name: inputs[name] for name in self.model.input}, training=False)
            odds = log_odds(self._learner.tree.probabilities(tf.cast(outputs["logits"], tf.float32)))
            weights = tf.cast(valid[part], tf.float32)[:, tf.newaxis] / length
            return tf.reduce_sum(tf.concat([odds * weights, weights], axis=1), axis=0)

        size = len(self._learner.tree.tags) + 1
        starts = tf.range(0, count, WINDOWS_AT_ONCE)
        return tf.reduce_sum(
            tf.map_fn(block, starts, fn_output_signature=tf.TensorSpec([size], tf.float32), parallel_iterations=1),
            axis=0,
        )

    def tag(
        self, recordings: Any, waveform_of: Callable[[Any], tf.Tensor], lyrics: tf.Tensor, has_lyrics: tf.Tensor
    ) -> tf.Tensor:
        """Calibrated probabilities of recordings.

        Parameters
        ----------
        recordings : tensor or tensors [b, ...]
        waveform_of : one element of `recordings` -> float32 [samples] at 16 kHz
        lyrics : string [b]
        has_lyrics : bool [b]

        Returns
        -------
        float32 [b, tags]; 0.5 is the decision
        """

        def one(element: tuple[Any, tf.Tensor, tf.Tensor]) -> tf.Tensor:
            recording, bag, present = element
            pooled = self._windows(waveform_of(recording), bag, present)
            return tf.sigmoid(pooled[:-1] / pooled[-1])

        tags = len(self._learner.tree.tags)
        pooled = tf.map_fn(
            one,
            (recordings, lyrics_bag(lyrics), tf.cast(has_lyrics, tf.float32)),
            fn_output_signature=tf.TensorSpec([tags], tf.float32),
            parallel_iterations=RECORDINGS_AT_ONCE,
        )
        return calibrate(pooled, self._thresholds, self._learner.tree)

    def tag_examples(self, serialized: tf.Tensor, column: str, channels: int) -> tf.Tensor:
        """The same for serialized raw Examples, string [b]; each may have a length of its own."""
        spec = _EXAMPLE | {column: tf.io.FixedLenFeature([], tf.string)}
        example = tf.io.parse_example(serialized, spec)
        present = tf.SparseTensor(
            example["lyrics"].indices, tf.ones_like(example["lyrics"].values, tf.bool), example["lyrics"].dense_shape
        )
        rows = tf.shape(serialized, tf.int64)
        width = tf.stack([rows[0], 1])
        lyrics = tf.sparse.to_dense(tf.sparse.reset_shape(example["lyrics"], width), "")[:, 0]
        has_lyrics = tf.sparse.to_dense(tf.sparse.reset_shape(present, width), False)[:, 0]

        def waveform_of(element: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            return decode_pcm(element[0], channels)[: element[1]]

        return self.tag((example[column], example["num_samples"]), waveform_of, lyrics, has_lyrics)


def make_signatures(learner: TaggingLearner, finished: Finished) -> tuple[tf.Module, dict[str, Any], dict[str, Any]]:
    """The module to save, its signatures, and what ``dacapo.json`` says of this task.

    Signatures
    ----------
    ``evaluate`` : ``examples`` string [b], raw Examples -> ``probabilities`` float32 [b, tags]
    ``serving_default`` : the same, with ``tags`` string [b, tags], the names
    ``waveform`` : ``waveform`` float32 [b, samples] at 16 kHz, ``lyrics`` string [b], ``has_lyrics`` bool [b] (false:
    missing, which is not
        the same as empty) -> ``probabilities``, ``tags``
    ``wav_bytes`` : ``wav`` string [b], 16-bit PCM wav files at 16 kHz with any number of channels, ``lyrics``,
    ``has_lyrics`` -> the same
    """
    model = learner.build()
    set_variables(model.variables, finished.weights)
    thresholds = finished.extras["thresholds"]
    tagger = Tagger(learner, model, thresholds)
    (column,), channels, rate = learner.spec.columns, learner.spec.channels, learner.spec.sample_rate
    names = tf.constant(learner.tree.tags)

    def named(probabilities: tf.Tensor) -> Outputs:
        return {"probabilities": probabilities, "tags": tf.tile(names[tf.newaxis], [tf.shape(probabilities)[0], 1])}

    def decode_wav(data: tf.Tensor) -> tf.Tensor:
        audio, file_rate = tf.audio.decode_wav(data)
        tf.debugging.assert_equal(file_rate, rate, f"wav: the sample rate must be {rate} Hz")
        return tf.reduce_mean(audio, axis=-1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(examples: tf.Tensor) -> Outputs:
        return {"probabilities": tagger.tag_examples(examples, column, channels)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serving_default(examples: tf.Tensor) -> Outputs:
        return named(tagger.tag_examples(examples, column, channels))

    texts = [tf.TensorSpec([None], tf.string, "lyrics"), tf.TensorSpec([None], tf.bool, "has_lyrics")]

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "waveform"), *texts])
    def waveform(waveform: tf.Tensor, lyrics: tf.Tensor, has_lyrics: tf.Tensor) -> Outputs:
        return named(tagger.tag(waveform, lambda samples: samples, lyrics, has_lyrics))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "wav"), *texts])
    def wav_bytes(wav: tf.Tensor, lyrics: tf.Tensor, has_lyrics: tf.Tensor) -> Outputs:
        return named(tagger.tag(wav, decode_wav, lyrics, has_lyrics))

    functions = (serving_default, evaluate, waveform, wav_bytes)
    signatures = {function.python_function.__name__: function for function in functions}
    levels = 1 / (1 + tf.exp(-tf.constant(thresholds)).numpy())
    facts: dict[str, Any] = {
        "thresholds": {tag: round(float(level), 6) for tag, level in zip(learner.tree.tags, levels, strict=True)}
    }
    if learner.embed is not None:
        facts[MUSICNN] = list(learner.hyperparameters.musicnn)
    return tagger, signatures, facts
