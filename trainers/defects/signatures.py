"""What the exported detector answers: which defects recordings have, frame by frame, and as a list of events.

A recording is cut into windows as long as a training segment, and neighbours share ``2 * MARGIN`` frames: the first
half is taken from the earlier window, the second from the later one. So each frame has at least `MARGIN` frames, half a
second, of its own window on either side, but at the ends of the recording: enough for the network's convolutions and
for what is short. It is not enough for the channels that look far around, up to `trainers.defects.spectra.REACH`
frames: they are measured in the window and take its ends for those of the recording, as they did in training.

The recording has what any window has. The longer it is, the more chances to be wrong: of a recording longer than those
that the thresholds were learnt on, a window decides that is surer, and of one `MANY_TIMES` as long (after excerpts of
one window: a minute) one that is so sure that events are told (`trainers.defects.event_levels`). In
windows that sure, a frame is active where its calibrated probability reaches 0.5. Recordings are taken one by one and
windows a few at a time, so that memory stays flat however long a recording is.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from trainers.calibration import calibrate
from trainers.checkpoints import Finished
from trainers.defects.event_levels import MANY_TIMES
from trainers.defects.events import find_events, pauses_of
from trainers.defects.features import as_pcm, decode_pcm, features
from trainers.defects.frames import FRAME_LENGTH, FRAME_S, RATE, frames_of, whole_frames
from trainers.defects.model import DefectsLearner
from trainers.trainee import set_variables

MARGIN = 8
WINDOWS_AT_ONCE = 4
DECISION = 0.5
_KNOWN = {
    "timed": tf.io.FixedLenFeature([], tf.int64, 0),
    "events": tf.io.RaggedFeature(tf.string),
    "onsets_s": tf.io.RaggedFeature(tf.float32),
    "offsets_s": tf.io.RaggedFeature(tf.float32),
}
Outputs = dict[str, tf.Tensor]


class Detector(tf.Module):
    """The model with everything around it.

    Parameters
    ----------
    learner : of the training
    model : with the best weights
    thresholds : np.ndarray [defects], logits
    event_levels : np.ndarray [defects], logits above the thresholds that a window with events reaches
    usual_windows : np.ndarray [], how many windows long a recording is that the thresholds were learnt on
    """

    def __init__(
        self, learner: DefectsLearner, model: keras.Model, thresholds: Any, event_levels: Any, usual_windows: Any
    ) -> None:
        super().__init__()
        self.model = model
        self._learner = learner
        self._thresholds = tf.constant(thresholds)
        self._event_levels = tf.constant(event_levels)
        self._usual_windows = tf.constant(usual_windows)

    def listen(self, waveform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Calibrated probabilities of one recording.

        Parameters
        ----------
        waveform : float32 [samples]

        Returns
        -------
        recording : float32 [defects], that of its surest window
        frames : float32 [frames, defects]
        active : bool [frames, defects]
        """
        window, classes = self._learner.frames, len(self._learner.defects)
        hop = window - 2 * MARGIN
        total = frames_of(tf.shape(waveform)[0])
        waveform = whole_frames(waveform)
        count = 1 + (tf.maximum(total - window, 0) + hop - 1) // hop
        span = (WINDOWS_AT_ONCE - 1) * hop + window

        def block(first: tf.Tensor) -> tf.Tensor:
            part = waveform[first * hop * FRAME_LENGTH :][: span * FRAME_LENGTH]
            part = tf.pad(part, [[0, span * FRAME_LENGTH - tf.shape(part)[0]]])
            windows = tf.signal.frame(part, window * FRAME_LENGTH, hop * FRAME_LENGTH)
            numbers = first + tf.range(WINDOWS_AT_ONCE)
            valid = tf.clip_by_value(total - numbers * hop, 1, window)
            inputs = {
                "features": tf.ensure_shape(features(windows, self._learner.constants), [None, window, None]),
                "frames": tf.cast(valid, tf.float32)[:, tf.newaxis],
            }
            outputs = self.model(inputs, training=False)
            inside = tf.cast(numbers < count, tf.float32)[:, tf.newaxis]
            pooled = self._calibrated(tf.cast(outputs["probabilities"], tf.float32)) * inside
            frames = self._calibrated(tf.sigmoid(tf.cast(outputs["frame_logits"], tf.float32)))
            return tf.concat([pooled[:, tf.newaxis], frames], axis=1)

        starts = tf.range(0, count, WINDOWS_AT_ONCE)
        spec = tf.TensorSpec([WINDOWS_AT_ONCE, 1 + window, classes], tf.float32)
        heard = tf.map_fn(block, starts, fn_output_signature=spec, parallel_iterations=1)
        heard = tf.reshape(heard, [-1, 1 + window, classes])[:count]
        recording = self._among(total / window, tf.reduce_max(heard[:, 0], axis=0))
        frames = _joined(heard[:, 1:], hop)[:total]
        has = tf.tile(heard[:, :1] >= tf.sigmoid(self._event_levels), [1, window, 1])
        return recording, frames, (frames >= DECISION) & _joined(has, hop)[:total]

    def _among(self, windows: tf.Tensor, surest: tf.Tensor) -> tf.Tensor:
        """What the probability of the surest window says of a recording as long as so many, [defects]."""
        windows = tf.maximum(tf.cast(windows, tf.float32), 1.0)
        more = tf.math.log(windows / self._usual_windows) / math.log(MANY_TIMES)
        raised = self._event_levels * tf.minimum(more, 1.0)
        return tf.where(raised > 0.0, calibrate(surest, raised, self._learner.tree), surest)

    def _calibrated(self, probabilities: tf.Tensor) -> tf.Tensor:
        return calibrate(probabilities, self._thresholds, self._learner.tree)

    def report(self, recordings: Any, waveform_of: Callable[[Any], tf.Tensor]) -> Outputs:
        """Everything about recordings; `make_signatures` describes the outputs."""

        def one(element: Any) -> tuple[tf.Tensor, ...]:
            waveform = waveform_of(element)
            recording, frames, active = self.listen(waveform)
            duration_s = tf.cast(tf.shape(waveform)[0], tf.float32) / RATE
            return recording, frames, *find_events(frames, active, duration_s, pauses=pauses)

        pauses = pauses_of(self._learner.defects)
        classes = len(self._learner.defects)
        number = tf.RaggedTensorSpec([None], tf.float32)
        spec = (
            tf.TensorSpec([classes], tf.float32),
            tf.RaggedTensorSpec([None, classes], tf.float32, ragged_rank=0),
            *(tf.RaggedTensorSpec([None], tf.int32), number, number, number),
        )
        done = tf.map_fn(one, recordings, fn_output_signature=spec, parallel_iterations=1)
        recording, frames, defect, onset_s, offset_s, probability = done
        names = tf.constant(self._learner.defects)
        return {
            "probabilities": recording,
            "defects": tf.tile(names[tf.newaxis], [tf.shape(recording)[0], 1]),
            "frame_probabilities": frames.to_tensor(),
            "frame_count": tf.cast(frames.row_lengths(), tf.int32),
            "event_count": tf.cast(defect.row_lengths(), tf.int32),
            "event_defect": defect.to_tensor(-1),
            "event_onset_s": onset_s.to_tensor(),
            "event_offset_s": offset_s.to_tensor(),
            "event_probability": probability.to_tensor(),
        }


def _joined(windows: tf.Tensor, hop: int) -> tf.Tensor:
    """Frames of overlapping windows in one row: [windows, window, ...] to [(windows - 1) * hop + window, ...]."""
    middle = tf.reshape(windows[:, MARGIN : MARGIN + hop], [-1, windows.shape[-1]])
    return tf.concat([windows[0, :MARGIN], middle, windows[-1, MARGIN + hop :]], axis=0)


def _known(examples: tf.Tensor, defects: Sequence[str]) -> Outputs:
    """Where raw Examples say that defects are, in the order of the Example; padding -1 and 0."""
    example = tf.io.parse_example(examples, _KNOWN)
    named = example["events"]
    same = named.values[:, tf.newaxis] == tf.constant(defects)[tf.newaxis]
    column = tf.where(tf.reduce_any(same, axis=1), tf.argmax(tf.cast(same, tf.int32), axis=1, output_type=tf.int32), -1)
    return {
        "timed": example["timed"] > 0,
        "reference_defect": named.with_values(column).to_tensor(-1),
        "reference_onset_s": example["onsets_s"].to_tensor(),
        "reference_offset_s": example["offsets_s"].to_tensor(),
    }


def make_signatures(learner: DefectsLearner, finished: Finished) -> tuple[tf.Module, dict[str, Any], dict[str, Any]]:
    """The module to save, its signatures, and what ``dacapo.json`` says of this task.

    Signatures
    ----------
    ``evaluate`` : ``examples`` string [b], raw Examples -> the report below, and what the Examples know of it:

        ``timed`` bool [b], whether they know where; ``reference_defect`` int32 [b, events] (padding -1),
        ``reference_onset_s`` and ``reference_offset_s`` float32 [b, events]
    ``serving_default`` : the same Examples -> the whole report:

        ``probabilities`` float32 [b, defects] and ``defects`` string [b, defects], their names;
        ``frame_probabilities`` float32 [b, frames, defects] and ``frame_count`` int32 [b]: frames last 64 ms, what lies
        behind a recording's count is padding;
        ``event_count`` int32 [b] and the events of each recording in order of onset, padded behind that count:
        ``event_defect`` int32 [b, events] (column of ``defects``; padding -1), ``event_onset_s``, ``event_offset_s``
        and ``event_probability`` float32 [b, events] (padding 0)
    ``waveform`` : ``waveform`` float32 [b, samples] at 32 kHz -> the same report of the PCM that an Example would hold
    """
    model = learner.build()
    set_variables(model.variables, finished.weights)
    extras = finished.extras
    thresholds = extras["thresholds"]
    detector = Detector(learner, model, thresholds, extras["event_levels"], extras["usual_windows"])
    (column,), channels = learner.spec.columns, learner.spec.channels
    example_spec = {
        column: tf.io.FixedLenFeature([], tf.string),
        "num_samples": tf.io.FixedLenFeature([], tf.int64),
    }

    def parsed(examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = tf.io.parse_example(examples, example_spec)
        return example[column], example["num_samples"]

    def waveform_of(element: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        return decode_pcm(element[0], channels)[: element[1]]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(examples: tf.Tensor) -> Outputs:
        return detector.report(parsed(examples), waveform_of) | _known(examples, learner.defects)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serving_default(examples: tf.Tensor) -> Outputs:
        return detector.report(parsed(examples), waveform_of)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "waveform")])
    def waveform(waveform: tf.Tensor) -> Outputs:
        return detector.report(waveform, as_pcm)

    functions = (serving_default, evaluate, waveform)
    signatures = {function.python_function.__name__: function for function in functions}
    levels = 1 / (1 + tf.exp(-tf.constant(thresholds)).numpy())
    facts = {
        "thresholds": {name: round(float(level), 6) for name, level in zip(learner.defects, levels, strict=True)},
        "event_levels": {
            name: round(float(level), 6) for name, level in zip(learner.defects, extras["event_levels"], strict=True)
        },
        "usual_windows": float(extras["usual_windows"]),
        "frame_s": FRAME_S,
    }
    return detector, signatures, facts
