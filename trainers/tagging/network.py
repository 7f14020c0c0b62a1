"""The tagger's network: a trunk that listens, a branch that reads lyrics, one logit a tag from each head."""

import keras
from keras import ops

from audio.mel import N_MELS
from trainers.layers import GlobalBatchNorm
from trainers.tag_tree import TagTree
from trainers.tagging.layers import FrameMask, LearntWhenMissing, MaskedPool
from trainers.tagging.lyrics import BAG
from trainers.tagging.musicnn import POOLED, PUBLISHED_TAGS
from trainers.tagging.musicnn_embedding import EMBEDDING
from trainers.tagging.task import TaggingHyperparameters

_MOMENTUM = 0.95
HEADS = ("tags", "tags_of_musicnn_tags")
"""Layers that give logits: the second where musicnn listens."""


def cnn_trunk(spectrum: keras.KerasTensor, frames: keras.KerasTensor, filters: tuple[int, ...]) -> keras.KerasTensor:
    """Convolutions over time and frequency, then mean and maximum over the frames that hold audio.

    The first convolution keeps every fourth frame (64 ms) and every other band, each further block ends in a maximum
    that halves both; the last layer sees all bands at once. Batch statistics are taken over the global batch, so that a
    step is the same on any number of replicas.

    Parameters
    ----------
    spectrum : [b, frames, 96], normalised log-mel
    frames : [b, 1], frames that hold audio
    filters : of the blocks

    Returns
    -------
    [b, 4 * filters[-1]]
    """
    x = ops.expand_dims(FrameMask(name="mask")(spectrum, frames), -1)
    for block, count in enumerate(filters):
        size, strides = (3, 1) if block else (5, (4, 2))
        x = keras.layers.Conv2D(count, size, strides, padding="same", use_bias=False, name=f"conv_{block}")(x)
        x = _normalised(x, f"norm_{block}")
        if block:
            x = keras.layers.MaxPooling2D(2, name=f"pool_{block}")(x)
    x = keras.layers.Conv2D(2 * filters[-1], (1, x.shape[2]), use_bias=False, name="all_bands")(x)
    x = keras.layers.Reshape((x.shape[1], x.shape[3]))(_normalised(x, "norm_bands"))
    return MaskedPool(2 ** (1 + len(filters)), name="over_time")(x, frames)


def _normalised(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return ops.relu(GlobalBatchNorm(_MOMENTUM, name)(x))


def lyrics_branch(bag: keras.KerasTensor, present: keras.KerasTensor, units: int, dropout: float) -> keras.KerasTensor:
    """An embedding of the words; a vector of its own where lyrics are missing, which is not what empty lyrics give: [b,
    units].
    """
    x = keras.layers.Dropout(dropout, seed=11, name="lyrics_dropout")(bag)
    x = keras.layers.Dense(units, activation="relu", name="lyrics_embedding")(x)
    return LearntWhenMissing(name="lyrics_missing")(x, present)


def musicnn_branch(embedding: keras.KerasTensor, units: int, dropout: float) -> keras.KerasTensor:
    """What of musicnn's embedding tells the tags: [b, units]."""
    x = GlobalBatchNorm(_MOMENTUM, "musicnn_norm")(embedding)
    x = keras.layers.Dropout(dropout, seed=14, name="musicnn_dropout")(x)
    return keras.layers.Dense(units, activation="relu", name="musicnn_units")(x)


def musicnn_tags_branch(embedding: keras.KerasTensor, units: int, dropout: float) -> keras.KerasTensor:
    """What of the tags that musicnn was published with tells ours: [b, units].

    They are a fixed linear layer of its last hidden one, whose weights `TaggingLearner.initialise` sets: few numbers
    that mean something, of which a small library teaches more that holds for other artists than of thousands.
    """
    said = []
    for number in range(embedding.shape[1] // EMBEDDING):
        hidden = embedding[:, number * EMBEDDING + POOLED : (number + 1) * EMBEDDING]
        said.append(keras.layers.Dense(PUBLISHED_TAGS, trainable=False, name=published_layer(number))(hidden))
    x = ops.concatenate(said, axis=-1) if len(said) > 1 else said[0]
    x = GlobalBatchNorm(_MOMENTUM, "musicnn_tags_norm")(x)
    x = keras.layers.Dropout(dropout, seed=15, name="musicnn_tags_dropout")(x)
    return keras.layers.Dense(units, activation="relu", name="musicnn_tags_units")(x)


def published_layer(number: int) -> str:
    """Name of the layer of the tags that the published network of this number in ``musicnn`` says."""
    return f"musicnn_tags_{number}"


def build_network(
    hyperparameters: TaggingHyperparameters, tree: TagTree, frames: int, *, embedding: int = 0
) -> keras.Model:
    """The functional model.

    Parameters
    ----------
    hyperparameters : sizes
    tree : the vocabulary
    frames : of a training segment
    embedding : size of what musicnn hears in place of the trunk, or beside it; 0 where it does not listen

    Returns
    -------
    keras.Model
        From ``log_mel`` [b, frames, 96], ``frames`` [b, 1], ``lyrics`` [b, BAG], ``has_lyrics`` [b, 1] and ``musicnn``
        [b, embedding], those that it uses, to ``{"logits": [b, heads, tags]}``, which `TagTree` reads.
    """
    inputs: dict[str, keras.KerasTensor] = {}
    common, heard = [], []
    if hyperparameters.beside_musicnn or not embedding:
        inputs |= {
            "log_mel": keras.Input((frames, N_MELS), name="log_mel"),
            "frames": keras.Input((1,), name="frames"),
        }
        common.append(cnn_trunk(inputs["log_mel"], inputs["frames"], hyperparameters.filters))
    if embedding:
        inputs["musicnn"] = keras.Input((embedding,), name="musicnn")
        units = hyperparameters.musicnn_units
        heard = [
            musicnn_branch(inputs["musicnn"], units, hyperparameters.musicnn_dropout),
            musicnn_tags_branch(inputs["musicnn"], units, hyperparameters.musicnn_tags_dropout),
        ]
    if hyperparameters.lyrics:
        inputs |= {"lyrics": keras.Input((BAG,), name="lyrics"), "has_lyrics": keras.Input((1,), name="has_lyrics")}
        common.append(
            lyrics_branch(inputs["lyrics"], inputs["has_lyrics"], hyperparameters.lyrics_units, hyperparameters.dropout)
        )
    logits = []
    for number, name in enumerate(HEADS[: len(heard) or 1]):
        parts = [*common, *heard[number : number + 1]]
        x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        x = keras.layers.Dropout(hyperparameters.dropout, seed=12 + 10 * number, name=f"{name}_dropout")(x)
        logits.append(keras.layers.Dense(len(tree.tags), dtype="float32", name=name)(x))
    return keras.Model(inputs, {"logits": ops.stack(logits, axis=1)}, name="tagger")
