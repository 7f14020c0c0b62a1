"""The tagger's network: a trunk that listens, a branch that reads lyrics, one logit a tag from each of its heads."""

import keras
from keras import ops

from audio.mel import N_MELS
from trainers.layers import GlobalBatchNorm
from trainers.tag_tree import TagTree
from trainers.tagging.layers import FrameMask, LearntWhenMissing, MaskedPool
from trainers.tagging.lyrics import BAG
from trainers.tagging.task import TaggingHyperparameters

_MOMENTUM = 0.95


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


def musicnn_branch(embedding: keras.KerasTensor, heads: int, units: int, dropout: float) -> keras.KerasTensor:
    """What of musicnn's embedding tells the tags, to each head its own: [b, heads, units]."""
    x = _for_each(GlobalBatchNorm(_MOMENTUM, "musicnn_norm")(embedding), heads)
    x = keras.layers.Dropout(dropout, seed=14, name="musicnn_dropout")(x)
    return _dense(x, units, "musicnn_units", activation="relu")


def _for_each(x: keras.KerasTensor, heads: int) -> keras.KerasTensor:
    """The same to each head: [b, channels] to [b, heads, channels]."""
    return ops.repeat(ops.expand_dims(x, 1), heads, axis=1)


def _dense(x: keras.KerasTensor, units: int, name: str, **settings: str) -> keras.KerasTensor:
    """A dense layer of each head's own: [b, heads, channels] to [b, heads, units]."""
    heads, channels = x.shape[1:]
    # Glorot & Bengio 2010 for one head's channels and units; Keras would count the other heads in.
    start = keras.initializers.RandomUniform(-((6 / (channels + units)) ** 0.5), (6 / (channels + units)) ** 0.5)
    return keras.layers.EinsumDense(
        "bhi,hio->bho",
        (heads, units),
        bias_axes="ho",
        kernel_initializer=start,
        name=name,
        **settings,
    )(x)


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
    heads, parts = hyperparameters.heads, []
    if hyperparameters.beside_musicnn or not embedding:
        inputs |= {
            "log_mel": keras.Input((frames, N_MELS), name="log_mel"),
            "frames": keras.Input((1,), name="frames"),
        }
        trunk = cnn_trunk(inputs["log_mel"], inputs["frames"], hyperparameters.filters)
        parts.append(_for_each(trunk, heads))
    if embedding:
        inputs["musicnn"] = keras.Input((embedding,), name="musicnn")
        units, dropout = hyperparameters.musicnn_units, hyperparameters.musicnn_dropout
        parts.append(musicnn_branch(inputs["musicnn"], heads, units, dropout))
    if hyperparameters.lyrics:
        inputs |= {"lyrics": keras.Input((BAG,), name="lyrics"), "has_lyrics": keras.Input((1,), name="has_lyrics")}
        words = lyrics_branch(
            inputs["lyrics"], inputs["has_lyrics"], hyperparameters.lyrics_units, hyperparameters.dropout
        )
        parts.append(_for_each(words, heads))
    x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
    x = keras.layers.Dropout(hyperparameters.dropout, seed=12, name="dropout")(x)
    logits = _dense(x, len(tree.tags), "tags", dtype="float32")
    return keras.Model(inputs, {"logits": logits}, name="tagger")
