"""musicnn (Pons & Serra 2019, ISC) as Keras layers, with the weights that its PyPI wheel carries.

The published model takes 3 s patches of ``log10(1 + 10000 mel)`` (187 frames of 96 bands, 16 kHz, hop 256). Its batch
normalisations are kept as what they are at inference, a scale and a shift a channel, which can still be tuned.
"""

import os

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from audio.mel import N_MELS
from trainers.learner import Arrays
from trainers.tagging.layers import Affine
from trainers.tagging.published import published_checkpoints

PATCH_FRAMES = 187
POOLED = 2 * 753
PENULTIMATE = 200
PUBLISHED_TAGS = 50
_EPSILON = 1e-3
# (our layer, variable scope of the published convolution or dense layer, of the batch normalisation behind it, shape of
# our kernel)
_LAYERS = (
    ("timbral_74", "conv2d", "batch_normalization_1", (7, 38, 1, 204)),
    ("timbral_77", "conv2d_1", "batch_normalization_2", (7, 67, 1, 204)),
    ("temporal_128", "conv2d_2", "batch_normalization_3", (128, 1, 1, 51)),
    ("temporal_64", "conv2d_3", "batch_normalization_4", (64, 1, 1, 51)),
    ("temporal_32", "conv2d_4", "batch_normalization_5", (32, 1, 1, 51)),
    ("mid_1", "conv2d_5", "batch_normalization_6", (7, 561, 64)),
    ("mid_2", "conv2d_6", "batch_normalization_7", (7, 64, 64)),
    ("mid_3", "conv2d_7", "batch_normalization_8", (7, 64, 64)),
    ("penultimate", "dense", "batch_normalization_10", (1506, 200)),
)


def musicnn_trunk(name: str) -> keras.Model:
    """The network up to its penultimate layer.

    Parameters
    ----------
    name : prefix of the layers' names, so that a model can hold two trunks

    Returns
    -------
    keras.Model
        From log-mel patches [n, frames, 96] to the published ``{"penultimate": [n, 200], "mean_pool": [n, 753],
        "max_pool": [n, 753]}`` and ``"pool"`` [n, 1506], both pools interleaved and normalised, as the last hidden
        layer sees them.
    """

    def normalise(x: keras.KerasTensor, layer: str) -> keras.KerasTensor:
        return Affine(name=f"{name}_{layer}_norm")(x)

    def convolve(x: keras.KerasTensor, layer: str, kernel: tuple[int, ...], padding: str) -> keras.KerasTensor:
        x = keras.layers.Conv2D(kernel[-1], kernel[:2], padding=padding, activation="relu", name=f"{name}_{layer}")(x)
        return ops.max(normalise(x, layer), axis=2)

    kernels = {layer: shape for layer, _, _, shape in _LAYERS}
    patches = keras.Input((None, N_MELS), name="patches")
    spectrum = normalise(ops.expand_dims(patches, -1), "input")
    padded = ops.pad(spectrum, [[0, 0], [3, 3], [0, 0], [0, 0]])
    front = [convolve(padded, layer, kernels[layer], "valid") for layer in ("timbral_74", "timbral_77")]
    front += [convolve(spectrum, f"temporal_{width}", kernels[f"temporal_{width}"], "same") for width in (128, 64, 32)]
    features = [ops.concatenate(front, axis=-1)]
    for layer in ("mid_1", "mid_2", "mid_3"):
        x = keras.layers.Conv1D(64, 7, padding="same", activation="relu", name=f"{name}_{layer}")(features[-1])
        x = normalise(x, layer)
        features.append(x if layer == "mid_1" else x + features[-1])
    joined = ops.concatenate(features, axis=-1)
    maximum, mean = ops.max(joined, axis=1), ops.mean(joined, axis=1)
    pooled = normalise(ops.reshape(ops.stack([maximum, mean], axis=-1), (-1, POOLED)), "pool")
    hidden = keras.layers.Dense(PENULTIMATE, activation="relu", name=f"{name}_penultimate")(pooled)
    outputs = {
        "penultimate": normalise(hidden, "penultimate"),
        "mean_pool": mean,
        "max_pool": maximum,
        "pool": pooled,
    }
    return keras.Model(patches, outputs, name=name)


def musicnn_weights(checkpoint: str) -> Arrays:
    """Published weights, by the paths of `musicnn_trunk`'s variables with the name `checkpoint`.

    Parameters
    ----------
    checkpoint : one of `trainers.tagging.published.CHECKPOINTS`

    Raises
    ------
    DaCapoError
        musicnn is not installed.
    """
    reader = tf.compat.v1.train.NewCheckpointReader(os.path.join(published_checkpoints(), checkpoint, ""))

    def norm(layer: str, scope: str) -> Arrays:
        gamma, beta, mean, variance = (
            reader.get_tensor(f"{scope}/{part}") for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        return {f"{checkpoint}_{layer}_norm/gamma": scale, f"{checkpoint}_{layer}_norm/beta": beta - mean * scale}

    weights = norm("input", "batch_normalization") | norm("pool", "batch_normalization_9")
    for layer, scope, norm_scope, shape in _LAYERS:
        weights[f"{checkpoint}_{layer}/kernel"] = reader.get_tensor(f"{scope}/kernel").reshape(shape)
        weights[f"{checkpoint}_{layer}/bias"] = reader.get_tensor(f"{scope}/bias")
        weights |= norm(layer, norm_scope)
    return weights


def published_tags(checkpoint: str) -> tuple[np.ndarray, np.ndarray]:
    """The layer from `PENULTIMATE` to the logits of the tags that the network was published with: kernel [200, 50],
    bias [50].

    Raises
    ------
    DaCapoError
        musicnn is not installed.
    """
    reader = tf.compat.v1.train.NewCheckpointReader(os.path.join(published_checkpoints(), checkpoint, ""))
    return reader.get_tensor("dense_1/kernel"), reader.get_tensor("dense_1/bias")
