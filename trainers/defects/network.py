"""The detector's network: convolutions over fine frames, a recurrent layer over frames, a logit a frame and defect."""

import keras
from keras import ops

from trainers.defects.frames import PER_FRAME
from trainers.defects.pooling import Pool
from trainers.defects.spectra import FINE, SLOW, WIDTH
from trainers.defects.task import DefectsHyperparameters
from trainers.layers import GlobalBatchNorm, frame_mask

_MOMENTUM = 0.95


class Mask(keras.layers.Layer):
    """1 where a frame holds audio: features [b, frames, ...] and their count [b, 1] to [b, frames]."""

    def call(self, features: keras.KerasTensor, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Make the mask."""
        return frame_mask(frames, features.shape[1])

    def compute_output_shape(self, features_shape: tuple, frames_shape: tuple) -> tuple:
        """Of the features, without their columns."""
        return tuple(features_shape[:2])


def _convolved(x: keras.KerasTensor, filters: int, size: int, name: str) -> keras.KerasTensor:
    x = keras.layers.Conv1D(filters, size, padding="same", use_bias=False, name=f"conv_{name}")(x)
    return ops.relu(GlobalBatchNorm(_MOMENTUM, f"norm_{name}")(x))


def build_network(hyperparameters: DefectsHyperparameters, classes: int, frames: int) -> keras.Model:
    """The functional model.

    Each of three convolutions is followed by a maximum that halves time, so that what lasts one fine frame reaches its
    frame at full strength. The recurrent layer reads both ways, and its output stands beside what it read.

    Parameters
    ----------
    hyperparameters : sizes and the pool
    classes : defects
    frames : of a training segment

    Returns
    -------
    keras.Model
        From ``features`` [b, frames, WIDTH] and ``frames`` [b, 1] to ``frame_logits`` [b, frames, classes],
        ``probabilities`` [b, classes] and the pool's ``exponents`` [b, classes].
    """
    features = keras.Input((frames, WIDTH), name="features")
    count = keras.Input((1,), name="frames")
    mask = Mask(name="mask")(features, count)
    masked = features * mask[:, :, None]
    fine = ops.reshape(masked[:, :, : PER_FRAME * FINE], (-1, frames * PER_FRAME, FINE))
    for block, filters in enumerate(hyperparameters.filters):
        fine = _convolved(fine, filters, 5 if block == 0 else 3, str(block))
        fine = keras.layers.MaxPooling1D(2, name=f"pool_{block}")(fine)
    slow = keras.layers.Dense(SLOW, activation="relu", name="slow")(masked[:, :, PER_FRAME * FINE :])
    x = keras.layers.SpatialDropout1D(hyperparameters.dropout, seed=21, name="dropout")(
        ops.concatenate([fine, slow], axis=-1) * mask[:, :, None]
    )
    recurrent = keras.layers.Bidirectional(
        keras.layers.GRU(hyperparameters.units, return_sequences=True, name="gru"), name="both_ways"
    )(x)
    x = keras.layers.Dropout(hyperparameters.dropout, seed=22, name="dropout_frames")(
        ops.concatenate([x, recurrent], axis=-1)
    )
    logits = keras.layers.Dense(classes, dtype="float32", name="defects")(x)
    scores = logits
    if hyperparameters.pooling == "attention":
        scores = keras.layers.Dense(classes, dtype="float32", name="attention")(x)
    pooled = Pool(hyperparameters.pooling, frames, "pool")(ops.sigmoid(logits), scores, mask)
    outputs = {"frame_logits": logits, "probabilities": pooled["pooled"], "exponents": pooled["exponents"]}
    return keras.Model({"features": features, "frames": count}, outputs, name="detector")
