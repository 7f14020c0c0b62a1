"""The peer: musicnn embeddings of recordings and a logistic regression a tag.

musicnn (Pons & Serra 2019, ISC) listens to 3 s patches; its Keras port is `trainers.tagging.musicnn`, whose outputs are
tested against the published graph. A recording is the mean and the maximum of its patches' embeddings, standardised on
the training recordings; those of several networks are joined. The regularisation of each tag and, for all tags at
once, the layer are chosen by average precision on the validation recordings.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,unused-ignore]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped,unused-ignore]

from audio.mel import HOP_LENGTH
from audio.spectra import log_mel
from benchmarks.recordings import Recording
from benchmarks.report import say
from benchmarks.scores import System
from pipeline.code_hash import code_hash
from trainers.average_precision import average_precision, macro_average_precision
from trainers.calibration import learn_thresholds, logit
from trainers.checkpoints import read_arrays, write_arrays
from trainers.learner import Arrays
from trainers.tag_tree import TagTree
from trainers.tagging.musicnn import PATCH_FRAMES, musicnn_trunk, musicnn_weights, published_tags
from trainers.trainee import set_variables

LAYERS = {
    "penultimate": ("penultimate",),
    "penultimate and published tags": ("penultimate", "tags"),
    "pooled front end": ("mean_pool", "max_pool"),
}
OUTPUTS = tuple(sorted({output for outputs in LAYERS.values() for output in outputs}))
STRENGTHS = tuple(float(c) for c in 10.0 ** np.arange(-5, 2))
_PATCH_SAMPLES = PATCH_FRAMES * HOP_LENGTH
_PATCHES_AT_ONCE = 8


class Embedder:
    """musicnn on whole recordings.

    Parameters
    ----------
    checkpoint : of `trainers.tagging.musicnn.CHECKPOINTS`
    patches : at most this many 3 s patches of a recording, evenly spaced
    """

    def __init__(self, checkpoint: str, patches: int) -> None:
        self._trunk = musicnn_trunk(checkpoint)
        self._patches = patches
        set_variables(self._trunk.variables, musicnn_weights(checkpoint))
        self._tags = published_tags(checkpoint)
        self._run = tf.function(lambda x: self._trunk(x, training=False), reduce_retracing=True)

    def __call__(self, waveform: np.ndarray) -> Arrays:
        """Mean and maximum of the patches' outputs, by name of `OUTPUTS`, each [2 * size]; ``tags`` are the logits of
        the tags that the network was published with.

        Parameters
        ----------
        waveform : np.ndarray [samples], mono at 16 kHz; padded to one patch
        """
        padded = np.pad(waveform, (0, max(0, _PATCH_SAMPLES - len(waveform))))
        count = len(padded) // _PATCH_SAMPLES
        chosen = np.unique(np.linspace(0, count - 1, min(count, self._patches)).round().astype(int))
        waves = np.stack([padded[n * _PATCH_SAMPLES : (n + 1) * _PATCH_SAMPLES] for n in chosen])
        blocks = []
        for start in range(0, len(waves), _PATCHES_AT_ONCE):
            spectra = log_mel(tf.constant(waves[start : start + _PATCHES_AT_ONCE]))[:, :PATCH_FRAMES]
            blocks.append({name: value.numpy() for name, value in self._run(spectra).items()})
        outputs = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
        kernel, bias = self._tags
        outputs["tags"] = outputs["penultimate"] @ kernel + bias
        return {name: np.concatenate([outputs[name].mean(axis=0), outputs[name].max(axis=0)]) for name in OUTPUTS}


def embed(recordings: Iterable[Recording], folder: Path, checkpoints: Sequence[str], patches: int) -> Arrays:
    """Embeddings of recordings by name of `OUTPUTS`, each [recordings, size], those of the networks side by
    side; what was heard before, by the same code, lies in `folder` and is not computed again.

    Parameters
    ----------
    folder : holds a folder for each network
    checkpoints : of `trainers.tagging.published.CHECKPOINTS`
    patches : as `Embedder` takes it
    """
    code = code_hash("audio.spectra", "trainers.tagging.musicnn")
    shaping = " ".join([code, *OUTPUTS]).encode()
    embedders: dict[str, Embedder] = {}
    rows: list[Arrays] = []
    for number, recording in enumerate(recordings, start=1):
        heard = hashlib.sha256(shaping + recording.waveform.tobytes()).hexdigest()[:24]
        parts = []
        for checkpoint in checkpoints:
            path = folder / f"{checkpoint}-{patches}" / f"{heard}.npz"
            if not path.is_file():
                if checkpoint not in embedders:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    embedders[checkpoint] = Embedder(checkpoint, patches)
                write_arrays(str(path), embedders[checkpoint](recording.waveform), {})
                if number % 10 == 0:
                    say(f"  {checkpoint}: {number} recordings")
            parts.append(read_arrays(str(path))[0])
        rows.append(joined(parts))
    keras.backend.clear_session()
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def joined(parts: Sequence[Arrays]) -> Arrays:
    """Embeddings of several networks, or of several parts of the recordings, joined along the first axis."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass(frozen=True)
class Split:
    """Embeddings by name of `OUTPUTS` [recordings, size] and labels [recordings, tags], bool."""

    embeddings: Arrays
    labels: np.ndarray

    def layer(self, names: tuple[str, ...]) -> np.ndarray:
        """The joined layers, [recordings, size]."""
        return np.concatenate([self.embeddings[name] for name in names], axis=1)

    def take(self, recordings: np.ndarray) -> "Split":
        """Some of them, by number."""
        return Split({name: values[recordings] for name, values in self.embeddings.items()}, self.labels[recordings])


def _tag_scores(x: np.ndarray, y: np.ndarray, strength: float, others: list[np.ndarray]) -> list[np.ndarray]:
    """Probabilities of one tag for each array of `others`; the tag's share where training knows only one answer."""
    if y.all() or not y.any():
        return [np.full(len(other), y.mean()) for other in others]
    model = LogisticRegression(C=strength, max_iter=5000).fit(x, y)
    return [model.predict_proba(other)[:, 1] for other in others]


def _fit_layer(names: tuple[str, ...], train: Split, validation: Split, judged: Split) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of validation and of judged recordings, [recordings, tags], each tag with its best strength."""
    scaler = StandardScaler().fit(train.layer(names))
    scaled = [scaler.transform(split.layer(names)) for split in (train, validation, judged)]
    # The weights lie in the span of the training recordings: turned into it, recordings have as many columns as there
    # are of those, and the same optimum is found many times faster.
    _, _, span = np.linalg.svd(scaled[0], full_matrices=False)
    x, *others = (columns @ span.T for columns in scaled)
    columns: list[list[np.ndarray]] = []
    for tag in range(train.labels.shape[1]):
        labels = validation.labels[:, tag]
        tried = [_tag_scores(x, train.labels[:, tag], strength, others) for strength in STRENGTHS]
        worth = [average_precision(scores[0], labels) if labels.any() else 0.0 for scores in tried]
        columns.append(tried[int(np.argmax(worth))])
    return np.stack([column[0] for column in columns], axis=1), np.stack([column[1] for column in columns], axis=1)


def logistic_regression(train: Split, validation: Split, judged: Split, tags: tuple[str, ...]) -> tuple[System, str]:
    """The peer's answers for the judged recordings, and the layer that validation chose.

    Thresholds are learnt on validation as our own model's are (`trainers.calibration`).
    """
    fitted = {name: _fit_layer(layers, train, validation, judged) for name, layers in LAYERS.items()}
    best = max(fitted, key=lambda name: macro_average_precision(fitted[name][0], validation.labels))
    on_validation, on_judged = fitted[best]
    thresholds = learn_thresholds(on_validation, validation.labels.astype(np.int64), TagTree.of(tags, {}))
    return System("musicnn + logistic regression", on_judged, logit(on_judged) >= thresholds), best
