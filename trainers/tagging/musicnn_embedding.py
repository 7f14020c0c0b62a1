"""What musicnn hears in a segment: published networks on patches of 3 s, averaged over the patches that hold audio."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from trainers.tagging.features import Constants, denormalise
from trainers.tagging.musicnn import PATCH_FRAMES, PENULTIMATE, POOLED, musicnn_trunk, musicnn_weights
from trainers.trainee import set_variables

EMBEDDING = POOLED + PENULTIMATE


def patch_starts(frames: int, patches: int) -> np.ndarray:
    """First frames of at most `patches` patches, evenly spread over the whole patches that `frames` hold: int32
    [patches].
    """
    whole = max(1, frames // PATCH_FRAMES)
    count = min(patches, whole)
    return np.array([number * whole // count * PATCH_FRAMES for number in range(count)], dtype=np.int32)


class MusicnnEmbedding(tf.Module):
    """Published networks with frozen weights: of each, its normalised pools and its last hidden layer.

    They are computed once a row when rows are made, not once a step: that is what makes a training with them quick.

    Parameters
    ----------
    checkpoints : of `trainers.tagging.published.CHECKPOINTS`
    patches : of a segment that are heard at most
    constants : that the spectra were normalised with; musicnn takes them as they were before

    Raises
    ------
    DaCapoError
        musicnn is not installed.
    """

    def __init__(self, checkpoints: Sequence[str], patches: int, constants: Constants) -> None:
        super().__init__(name="musicnn")
        self.size = EMBEDDING * len(checkpoints)
        self._constants = Constants(*(tf.constant(values) for values in constants))
        self._patches = patches
        self.trunks = [_frozen_trunk(checkpoint) for checkpoint in checkpoints]

    def __call__(self, spectra: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        """Embeddings of segments.

        Parameters
        ----------
        spectra : float32 [b, frames, 96], `trainers.tagging.features.features`; the number of frames is static
        frames : int [b], frames that hold audio, at least 1

        Returns
        -------
        float32 [b, size]: means over the patches, each weighted with the audio in it; a segment shorter than a patch
        counts as followed by silence.
        """
        length = spectra.shape[1]
        starts = patch_starts(length, self._patches)
        raw = tf.pad(denormalise(spectra, self._constants), [[0, 0], [0, max(0, PATCH_FRAMES - length)], [0, 0]])
        patches = tf.stack([raw[:, start : start + PATCH_FRAMES] for start in starts], axis=1)
        weights = tf.cast(tf.clip_by_value(frames[:, tf.newaxis] - starts, 0, PATCH_FRAMES), tf.float32)
        weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
        heard = []
        for trunk in self.trunks:
            found = trunk(tf.reshape(patches, [-1, PATCH_FRAMES, raw.shape[2]]), training=False)
            each = tf.reshape(tf.concat([found["pool"], found["penultimate"]], -1), [-1, len(starts), EMBEDDING])
            heard.append(tf.reduce_sum(each * weights[:, :, tf.newaxis], axis=1))
        return tf.concat(heard, axis=-1)


def _frozen_trunk(checkpoint: str) -> keras.Model:
    trunk = musicnn_trunk(checkpoint)
    set_variables(trunk.variables, musicnn_weights(checkpoint))
    trunk.trainable = False
    return trunk
