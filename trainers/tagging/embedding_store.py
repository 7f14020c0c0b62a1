"""What musicnn heard in rows, kept on disk: neither a training with other hyperparameters nor one that was killed while
rows were made hears a segment twice.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from trainers.checkpoints import read_arrays, write_arrays
from trainers.tagging.features import Constants
from trainers.tagging.published import package_version

LOGGER = logging.getLogger("dacapo.trainers")
_TELL_EVERY = 500


class EmbeddingStore:
    """Embeddings of rows by the row's content, one small file each.

    A row is always heard alone: batches of another size give other last digits, and the order in which rows arrive
    changes from run to run.

    Parameters
    ----------
    folder : for the files; its name holds what `embed` depends on besides the row (`identity_of`)
    embed : spectra float32 [1, frames, 96] and frames int64 [1] to float32 [1, size]
    size : of an embedding
    """

    def __init__(self, folder: str, embed: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], size: int) -> None:
        self._folder, self._embed, self._size = folder, embed, size
        self._heard = 0

    def __call__(self, spectra: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
        """Embeddings of rows.

        Parameters
        ----------
        spectra : float16 [b, frames, 96], normalised
        frames : int64 [b], frames that hold audio

        Returns
        -------
        float16 [b, size]
        """
        shape = spectra.shape[1:]

        def look_up(rows: np.ndarray, valid: np.ndarray) -> np.ndarray:
            tf.io.gfile.makedirs(self._folder)
            return np.stack([self._one(row, count, shape) for row, count in zip(rows, valid, strict=True)])

        found = tf.numpy_function(look_up, [spectra, frames], tf.float16)
        return tf.ensure_shape(found, [None, self._size])

    def _one(self, spectrum: np.ndarray, frames: np.int64, shape: Sequence[int]) -> np.ndarray:
        key = hashlib.sha256(spectrum.tobytes() + frames.tobytes()).hexdigest()[:32]
        path = os.path.join(self._folder, f"{key}.npz")
        if tf.io.gfile.exists(path):
            return read_arrays(path)[0]["heard"]
        row = tf.ensure_shape(tf.constant(spectrum[np.newaxis], tf.float32), [1, *shape])
        heard: np.ndarray = self._embed(row, tf.constant([frames], tf.int64))[0].numpy().astype(np.float16)
        write_arrays(path, {"heard": heard}, {})
        self._heard += 1
        if self._heard % _TELL_EVERY == 0:
            LOGGER.info("musicnn: %d segments heard", self._heard)
        return heard


def identity_of(checkpoints: Sequence[str], patches: int, constants: Constants) -> str:
    """Sixteen hexadecimal digits for the networks, how much they hear, and how spectra were normalised."""
    facts = [package_version(), list(checkpoints), patches, *(np.asarray(values).tolist() for values in constants)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
