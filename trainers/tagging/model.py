"""The tagger as the training loop sees it: rows, batches, network, loss, score, calibration."""

import os
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from audio.errors import DaCapoError
from audio.mel import N_MELS
from trainers.average_precision import macro_average_precision
from trainers.calibration import learn_thresholds, log_odds, pool_recordings
from trainers.learner import Arrays, Tensors
from trainers.request import Recipe
from trainers.tag_tree import TagTree
from trainers.tagging.augment import UNIFORMS, augment
from trainers.tagging.embedding_store import EmbeddingStore, identity_of
from trainers.tagging.features import Constants, frames_of
from trainers.tagging.lyrics import lyrics_bag
from trainers.tagging.musicnn import published_tags
from trainers.tagging.musicnn_embedding import MusicnnEmbedding
from trainers.tagging.network import HEADS, build_network, published_layer
from trainers.tagging.published import MUSICNN
from trainers.tagging.task import TaggingHyperparameters
from trainers.warm_start import FRESH, exported_facts

_ROWS = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "segment": tf.io.FixedLenFeature([], tf.int64),
    "num_samples": tf.io.FixedLenFeature([], tf.int64),
    "lyrics": tf.io.FixedLenFeature([], tf.string),
    "has_lyrics": tf.io.FixedLenFeature([], tf.int64),
    "log_mel": tf.io.FixedLenFeature([], tf.string),
}
_SHARE_BOUNDS = (0.01, 0.99)


class TaggingLearner:
    """One vocabulary's tagger (`trainers.learner.Learner`)."""

    draws = 1
    by_recording = True
    uniforms = 1 + UNIFORMS
    output_variables: tuple[str, ...] = tuple(f"{head}/{part}" for head in HEADS for part in ("kernel", "bias"))
    label_columns: tuple[str, ...] = ("labels", "num_samples")

    def __init__(self, recipe: Recipe) -> None:
        assert isinstance(recipe.hyperparameters, TaggingHyperparameters)
        self.hyperparameters = recipe.hyperparameters
        vocabulary, self.spec = recipe.config.vocabulary, recipe.config.spec
        self.tree = TagTree.of(vocabulary.tags, vocabulary.parents)
        self.constants = Constants(recipe.constants["mel_mean"], recipe.constants["mel_std"])
        self.shares = np.asarray(recipe.constants["tag_shares"])
        self.segment_samples = self.spec.segment_samples
        self.frames = int(frames_of(tf.constant(self.segment_samples + 1)))
        self.embed: MusicnnEmbedding | None = None
        if _listens(recipe.config.warm_start, self.hyperparameters.musicnn):
            self.embed, self._store = self._musicnn(recipe.config.checkpoint_root)

    @property
    def _trunk_listens(self) -> bool:
        return self.embed is None or self.hyperparameters.beside_musicnn

    def _musicnn(self, checkpoint_root: str) -> tuple[MusicnnEmbedding, EmbeddingStore]:
        """musicnn, and what it heard of rows, kept where all trainings find it."""
        heard = (self.hyperparameters.musicnn, self.hyperparameters.musicnn_patches, self.constants)
        embed, folder = MusicnnEmbedding(*heard), os.path.join(checkpoint_root, MUSICNN, identity_of(*heard))
        row = [tf.TensorSpec([1, self.frames, N_MELS], tf.float32), tf.TensorSpec([1], tf.int64)]
        return embed, EmbeddingStore(folder, tf.function(embed, input_signature=row), embed.size)

    def read(self, serialized: tf.Tensor) -> Tensors:
        """Transformed Examples to rows: spectrum in float16, lyrics as bags, what musicnn hears."""
        labels = tf.io.FixedLenFeature([len(self.tree.tags)], tf.int64)
        columns = tf.io.parse_example(serialized, _ROWS | {"labels": labels})
        spectrum = tf.map_fn(
            lambda data: tf.ensure_shape(tf.io.parse_tensor(data, tf.float16), [self.frames, N_MELS]),
            columns["log_mel"],
            fn_output_signature=tf.TensorSpec([self.frames, N_MELS], tf.float16),
        )
        bags = lyrics_bag(columns["lyrics"])
        columns |= {"log_mel": spectrum, "lyrics": tf.cast(bags, tf.float16)}
        if self.embed is not None:
            columns["musicnn"] = self._store(spectrum, frames_of(columns["num_samples"]))
        if not self._trunk_listens:
            del columns["log_mel"]
        return columns

    def prepare(self, drawn: Sequence[Tensors], uniforms: tf.Tensor | None) -> Tensors:
        """Rows to the network's inputs and labels; in training, changed spectra, and lyrics dropped at random."""
        (rows,) = drawn
        inputs = {
            "frames": tf.cast(frames_of(rows["num_samples"]), tf.float32)[:, tf.newaxis],
            "lyrics": tf.cast(rows["lyrics"], tf.float32),
            "has_lyrics": self._has_lyrics(rows, uniforms)[:, tf.newaxis],
            "labels": tf.cast(rows["labels"], tf.float32),
        }
        if self.embed is not None:
            inputs["musicnn"] = tf.cast(rows["musicnn"], tf.float32)
        if self._trunk_listens:
            inputs["log_mel"] = self._spectrum(rows, uniforms)
        return inputs

    def _has_lyrics(self, rows: Tensors, uniforms: tf.Tensor | None) -> tf.Tensor:
        present = tf.cast(rows["has_lyrics"], tf.float32)
        if uniforms is None:
            return present
        return present * tf.cast(uniforms[:, 0] >= self.hyperparameters.lyrics_dropout, tf.float32)

    def _spectrum(self, rows: Tensors, uniforms: tf.Tensor | None) -> tf.Tensor:
        spectrum = tf.cast(rows["log_mel"], tf.float32)
        if uniforms is None:
            return spectrum
        settings = self.hyperparameters
        return augment(
            spectrum,
            uniforms[:, 1:],
            self.constants,
            gain_db=settings.gain_db,
            equalizer_db=settings.equalizer_db,
            masked_bands=settings.masked_bands,
            masked_frames=settings.masked_frames,
        )

    def build(self) -> keras.Model:
        """The network, its logits starting at the shares of the tags."""
        embedding = 0 if self.embed is None else self.embed.size
        model = build_network(self.hyperparameters, self.tree, self.frames, embedding=embedding)
        shares = np.clip(self.shares, *_SHARE_BOUNDS)
        among = np.where(self.tree.is_child, np.clip(shares / shares[self.tree.parent], *_SHARE_BOUNDS), shares)
        for head in HEADS[: model.output["logits"].shape[1]]:
            model.get_layer(head).bias.assign(np.log(among / (1 - among)))
        return model

    def initialise(self, model: keras.Model) -> None:
        """The tags that musicnn was published with."""
        if self.embed is not None:
            for number, checkpoint in enumerate(self.hyperparameters.musicnn):
                model.get_layer(published_layer(number)).set_weights(published_tags(checkpoint))

    def loss(self, batch: Tensors, outputs: Tensors) -> tf.Tensor:
        """Mean cross-entropy of the tags and heads, weighted with the share of the segment that holds audio."""
        labels = tf.broadcast_to(batch["labels"][:, tf.newaxis], tf.shape(outputs["logits"]))
        losses = tf.reduce_mean(self.tree.loss(outputs["logits"], labels), axis=[1, 2])
        return losses * tf.minimum(batch["frames"][:, 0] / self.frames, 1.0)

    def recordings(self, rows: Arrays, outputs: Arrays) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and labels of recordings, [recordings, tags], pooled over their segments as the signatures pool
        windows.
        """
        weights = rows["num_samples"] / self.segment_samples
        odds, labels = (
            pool_recordings(rows["id"], weights, values)
            for values in (log_odds(self.tree.probabilities(outputs["logits"])).numpy(), rows["labels"])
        )
        return tf.sigmoid(odds).numpy(), labels > 0.5

    def score(self, rows: Arrays, outputs: Arrays) -> float:
        """Macro average precision over recordings."""
        return macro_average_precision(*self.recordings(rows, outputs))

    def finish(self, rows: Arrays, outputs: Arrays) -> Arrays:
        """Thresholds of the tags."""
        probabilities, labels = self.recordings(rows, outputs)
        return {"thresholds": learn_thresholds(probabilities, labels, self.tree)}


def _listens(warm_start: str, networks: tuple[str, ...]) -> bool:
    """Whether musicnn listens: if the training starts from it or from a model that it listened in.

    Raises
    ------
    DaCapoError
        Other networks listened there. Their weights have the same shapes and would be taken for those of these.
    """
    if warm_start in (MUSICNN, FRESH):
        return warm_start == MUSICNN
    there = tuple(exported_facts(warm_start).get(MUSICNN, ()))
    if there and there != networks:
        raise DaCapoError(
            f"warm_start={warm_start}: {', '.join(there)} listened there and {', '.join(networks)} here (train.musicnn)"
        )
    return bool(there)


def make_learner(recipe: Recipe) -> TaggingLearner:
    """The tagger of a recipe."""
    return TaggingLearner(recipe)
