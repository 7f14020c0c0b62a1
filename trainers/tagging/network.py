"""The tagger's network: a trunk that listens, a branch that reads lyrics, one logit a tag."""

import keras
from keras import ops

from audio.mel import N_MELS
from trainers.tagging.layers import FrameMask, LearntWhenMissing, MaskedPool
from trainers.tagging.lyrics import BAG
from trainers.tagging.tag_tree import TagTree
from trainers.tagging.task import TaggingHyperparameters


def cnn_trunk(spectrum: keras.KerasTensor, frames: keras.KerasTensor, filters: tuple[int, ...]) -> keras.KerasTensor:
    """Convolutions over time and frequency, then mean and maximum over the frames that hold audio.

    Normalisation is over the channels of each point, so that padding changes nothing.

    Parameters
    ----------
    spectrum : [b, frames, 96], normalised log-mel
    frames : [b, 1], frames that hold audio
    filters : of the blocks

    Returns
    -------
    [b, 4 * filters[-1]]
    """
    mask = FrameMask(name="mask")
    x = ops.expand_dims(mask(spectrum, frames), -1)
    for block, count in enumerate(filters):
        x = keras.layers.Conv2D(count, 3 if block else 5, padding="same", use_bias=False, name=f"conv_{block}")(x)
        x = keras.layers.LayerNormalization(name=f"norm_{block}")(x)
        x = ops.relu(x)
        x = keras.layers.AveragePooling2D((2, 2), name=f"pool_{block}")(x)
    x = keras.layers.Reshape((-1, x.shape[2] * x.shape[3]))(x)
    x = keras.layers.Dense(2 * filters[-1], activation="relu", name="frame_embedding")(x)
    return MaskedPool(2 ** len(filters), name="over_time")(x, frames)


def lyrics_branch(bag: keras.KerasTensor, present: keras.KerasTensor, units: int, dropout: float) -> keras.KerasTensor:
    """An embedding of the words; a vector of its own where lyrics are missing, which is not what empty lyrics give: [b, units]."""
    x = keras.layers.Dropout(dropout, seed=11, name="lyrics_dropout")(bag)
    x = keras.layers.Dense(units, activation="relu", name="lyrics_embedding")(x)
    return LearntWhenMissing(name="lyrics_missing")(x, present)


def build_network(
    hyperparameters: TaggingHyperparameters, tree: TagTree, frames: int, embedding: int = 0
) -> keras.Model:
    """The functional model.

    Parameters
    ----------
    hyperparameters : sizes
    tree : the vocabulary
    frames : of a training segment
    embedding : size of the embedding that comes ready with each row (a frozen trunk); 0 for none

    Returns
    -------
    keras.Model
        From ``log_mel`` [b, frames, 96], ``frames`` [b, 1], ``lyrics`` [b, BAG], ``has_lyrics`` [b, 1] and ``embedding`` [b, embedding]
        to ``{"logits": [b, tags]}``, which `TagTree` reads.
    """
    inputs = {
        "log_mel": keras.Input((frames, N_MELS), name="log_mel"),
        "frames": keras.Input((1,), name="frames"),
    }
    parts = [cnn_trunk(inputs["log_mel"], inputs["frames"], hyperparameters.filters)]
    if hyperparameters.lyrics:
        inputs |= {"lyrics": keras.Input((BAG,), name="lyrics"), "has_lyrics": keras.Input((1,), name="has_lyrics")}
        parts.append(
            lyrics_branch(inputs["lyrics"], inputs["has_lyrics"], hyperparameters.lyrics_units, hyperparameters.dropout)
        )
    x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
    x = keras.layers.Dropout(hyperparameters.dropout, seed=12, name="dropout")(x)
    x = keras.layers.Dense(hyperparameters.hidden, activation="relu", name="hidden")(x)
    x = keras.layers.Dropout(hyperparameters.dropout, seed=13, name="hidden_dropout")(x)
    logits = keras.layers.Dense(len(tree.tags), dtype="float32", name="tags")(x)
    return keras.Model(inputs, {"logits": logits}, name="tagger")
