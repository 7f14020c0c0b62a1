"""The detector's network: convolutions over fine frames, a recurrent layer over frames, a logit a frame and defect."""

import keras
from keras import ops

from trainers.defects.frames import PER_FRAME
from trainers.defects.pooling import Pool
from trainers.defects.spectra import FINE, SLOW, WIDTH
from trainers.defects.task import DefectsHyperparameters
from trainers.layers import GlobalBatchNorm, frame_mask

_MOMENTUM = 0.95
_CLIP = 1e-7
_HEADS = ("defects", "attention")


class Mask(keras.layers.Layer):
    """1 where a frame holds audio: features [b, frames, ...] and their count [b, 1] to [b, frames]."""

    def call(self, features: keras.KerasTensor, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Make the mask."""
        return frame_mask(frames, features.shape[1])

    def compute_output_shape(self, features_shape: tuple, frames_shape: tuple) -> tuple:
        """Of the features, without their columns."""
        return tuple(features_shape[:2])


def output_variables(members: int) -> tuple[str, ...]:
    """Paths of the variables of `build_network` whose last axis is the defects."""
    suffixes = [_suffix(member) for member in range(members)]
    heads = [f"{layer}{suffix}/{part}" for suffix in suffixes for layer in _HEADS for part in ("kernel", "bias")]
    return (*heads, *(f"pool{suffix}/exponent" for suffix in suffixes))


def _suffix(member: int) -> str:
    return f"_member_{member}" if member else ""


def _convolved(x: keras.KerasTensor, filters: int, size: int, name: str) -> keras.KerasTensor:
    x = keras.layers.Conv1D(filters, size, padding="same", use_bias=False, name=f"conv_{name}")(x)
    return ops.relu(GlobalBatchNorm(_MOMENTUM, f"norm_{name}")(x))


def build_network(hyperparameters: DefectsHyperparameters, classes: int, frames: int) -> keras.Model:
    """The functional model.

    Each of three convolutions is followed by a maximum that halves time, so that what lasts one fine frame reaches its
    frame at full strength. The recurrent layer reads both ways, and its output stands beside what it read. There are
    as many such networks as `members` says, which share nothing but what they hear; the answer is the mean of their
    logits.

    Parameters
    ----------
    hyperparameters : sizes, members and the pool
    classes : defects
    frames : of a training segment

    Returns
    -------
    keras.Model
        From ``features`` [b, frames, WIDTH] and ``frames`` [b, 1] to ``frame_logits`` [b, frames, classes],
        ``probabilities`` [b, classes], ``member_probabilities`` [b, members, classes] and the pools' ``exponents``
        [b, members, classes].
    """
    features = keras.Input((frames, WIDTH), name="features")
    count = keras.Input((1,), name="frames")
    mask = Mask(name="mask")(features, count)
    masked = features * mask[:, :, None]
    members = [
        _member(hyperparameters, classes, frames, masked, mask, number) for number in range(hyperparameters.members)
    ]
    logits, pooled, exponents = (list(answers) for answers in zip(*members, strict=True))
    outputs = {
        "frame_logits": ops.mean(ops.stack(logits), axis=0),
        "probabilities": pooled[0] if len(pooled) == 1 else ops.sigmoid(ops.mean(_logit(ops.stack(pooled)), axis=0)),
        "member_probabilities": ops.stack(pooled, axis=1),
        "exponents": ops.stack(exponents, axis=1),
    }
    return keras.Model({"features": features, "frames": count}, outputs, name="detector")


def _member(
    hyperparameters: DefectsHyperparameters,
    classes: int,
    frames: int,
    masked: keras.KerasTensor,
    mask: keras.KerasTensor,
    number: int,
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """Frame logits [b, frames, classes], pooled probabilities and exponents [b, classes] of one network."""
    name = _suffix(number)
    fine = ops.reshape(masked[:, :, : PER_FRAME * FINE], (-1, frames * PER_FRAME, FINE))
    for block, filters in enumerate(hyperparameters.filters):
        fine = _convolved(fine, filters, 5 if block == 0 else 3, f"{block}{name}")
        fine = keras.layers.MaxPooling1D(2, name=f"pool_{block}{name}")(fine)
    slow = keras.layers.Dense(SLOW, activation="relu", name=f"slow{name}")(masked[:, :, PER_FRAME * FINE :])
    x = keras.layers.SpatialDropout1D(hyperparameters.dropout, seed=21 + 2 * number, name=f"dropout{name}")(
        ops.concatenate([fine, slow], axis=-1) * mask[:, :, None]
    )
    recurrent = keras.layers.Bidirectional(
        keras.layers.GRU(hyperparameters.units, return_sequences=True, name=f"gru{name}"), name=f"both_ways{name}"
    )(x)
    x = keras.layers.Dropout(hyperparameters.dropout, seed=22 + 2 * number, name=f"dropout_frames{name}")(
        ops.concatenate([x, recurrent], axis=-1)
    )
    logits = keras.layers.Dense(classes, dtype="float32", name=f"defects{name}")(x)
    scores = logits
    if hyperparameters.pooling == "attention":
        scores = keras.layers.Dense(classes, dtype="float32", name=f"attention{name}")(x)
    pooled = Pool(hyperparameters.pooling, frames, f"pool{name}")(ops.sigmoid(logits), scores, mask)
    return logits, pooled["pooled"], pooled["exponents"]


def _logit(p: keras.KerasTensor) -> keras.KerasTensor:
    p = ops.clip(p, _CLIP, 1.0 - _CLIP)
    return ops.log(p) - ops.log1p(-p)
