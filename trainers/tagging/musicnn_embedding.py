"""What musicnn hears in a segment: its networks on patches of 3 s, averaged over the patches that hold audio."""

import keras
import numpy as np
from keras import ops

from trainers.tagging.features import Constants, denormalise
from trainers.tagging.musicnn import CHECKPOINTS, PATCH_FRAMES, musicnn_trunk, musicnn_weights

EMBEDDING = len(CHECKPOINTS) * (1506 + 200)


class MusicnnEmbedding(keras.layers.Layer):
    """Both published networks, each giving its normalised pools (1506) and its last hidden layer (200).

    Parameters
    ----------
    constants : that the spectra were normalised with; musicnn takes them as they were before
    """

    def __init__(self, constants: Constants, name: str = "musicnn") -> None:
        super().__init__(name=name)
        self._mean, self._std = (np.asarray(values).tolist() for values in constants)
        self.trunks = [musicnn_trunk(checkpoint) for checkpoint in CHECKPOINTS]
        self.built = True

    def load(self) -> None:
        """Takes the published weights.

        Raises
        ------
        DaCapoError
            musicnn is not installed.
        """
        for trunk in self.trunks:
            weights = musicnn_weights(trunk.name)
            for variable in trunk.variables:
                variable.assign(weights[variable.path])

    def call(self, spectrum: keras.KerasTensor, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Normalised log-mel [b, time, 96] and the frames that hold audio [b, 1] to [b, EMBEDDING]."""
        spectrum = ops.cast(spectrum, "float32")
        raw = denormalise(spectrum, Constants(ops.convert_to_tensor(self._mean), ops.convert_to_tensor(self._std)))
        length = spectrum.shape[1]
        count = max(1, length // PATCH_FRAMES)
        raw = ops.pad(raw, [[0, 0], [0, max(0, PATCH_FRAMES - length)], [0, 0]])[:, : count * PATCH_FRAMES]
        patches = ops.reshape(raw, (-1, PATCH_FRAMES, raw.shape[2]))
        starts = ops.arange(count, dtype="float32") * PATCH_FRAMES
        weights = ops.clip(ops.cast(frames, "float32") - starts[None, :], 0.0, PATCH_FRAMES)
        weights = weights / ops.sum(weights, axis=1, keepdims=True)
        heard = []
        for trunk in self.trunks:
            found = trunk(patches)
            each = ops.concatenate([found["pool"], found["penultimate"]], axis=-1)
            each = ops.reshape(each, (-1, count, EMBEDDING // len(CHECKPOINTS)))
            heard.append(ops.sum(each * ops.cast(weights[:, :, None], each.dtype), axis=1))
        return ops.concatenate(heard, axis=-1)

    def compute_output_shape(
        self, spectrum_shape: tuple[int | None, ...], frames_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """One embedding a segment."""
        return (spectrum_shape[0], EMBEDDING)
