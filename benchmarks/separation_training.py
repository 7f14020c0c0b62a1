"""A separator trained on songs of catalogs: the Trainer's own rows, loop and export, without the rest of the graph.

Examples are cut and encoded by AudioExampleGen's functions, and the constants are those that Transform's analyzers
find. What is trained is kept in a folder; a killed benchmark goes on at the last checkpoint.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from audio.pcm import FULL_SCALE
from audio.spec import AudioSpec
from benchmarks.kept_training import kept_training
from benchmarks.report import BenchmarkError, say
from benchmarks.stamps import stamps
from catalog.format import open_catalog
from catalog.problem import Problem
from catalog.recording import Recording, Split
from catalog.splits import SplitAssigner, with_splits
from catalog.vocabulary import Vocabulary
from components.audio_example_gen.decode import SetAside, decoded
from components.audio_example_gen.examples import examples
from components.audio_example_gen.settings import Settings
from pipeline.code_hash import code_hash
from trainers.checkpoints import Checkpoints
from trainers.request import Recipe, parse_request
from trainers.rows import Rows, open_rows
from trainers.separation.features import MIN_VARIANCE, fft_size, log_magnitude, spectrum
from trainers.separation.model import make_learner
from trainers.separation.signatures import Separator
from trainers.separation.task import STEMS, SeparationHyperparameters
from trainers.trainee import set_variables

CODE = ("components.audio_example_gen.examples", "trainers.loop", "trainers.separation.model")


@dataclass(frozen=True)
class Song:
    """A row of a catalog with the two stems.

    Attributes
    ----------
    recording : the row.
    root : the folder that its paths start from.
    split : its own, else that of its artist (`catalog.splits`).
    """

    recording: Recording
    root: Path
    split: Split

    @property
    def name(self) -> str:
        """Its id."""
        return self.recording.id


def songs_of(catalog: Path) -> list[Song]:
    """The rows of a catalog that have both stems.

    Raises
    ------
    BenchmarkError
        A row is wrong, or none has the stems.
    """
    songs = []
    for row in with_splits(open_catalog(catalog), SplitAssigner()):
        if isinstance(row, Problem):
            raise BenchmarkError(str(row))
        recording, split = row
        if set(STEMS) <= set(recording.stems):
            songs.append(Song(recording, catalog.parent, split))
    if not songs:
        raise BenchmarkError(f"{catalog}: no row has the stems {' and '.join(STEMS)}")
    return songs


def train_separator(
    training: Sequence[Song],
    validation: Sequence[Song],
    *,
    spec: AudioSpec,
    hyperparameters: SeparationHyperparameters,
    folder: Path,
    seed: int = 0,
) -> Separator:
    """A separator with the weights of its best validation.

    Parameters
    ----------
    training, validation : songs that it learns from, and that choose its weights
    spec : audio that it hears
    folder : for rows and checkpoints, under a key of the songs' files, of all settings and of the code
    """
    by_split: dict[Split, Sequence[Song]] = {"train": training, "validation": validation}
    files = [[[song.name, stamps(song.root, song.recording)] for song in songs] for songs in (training, validation)]
    settings = [spec.model_dump(mode="json"), hyperparameters.model_dump(mode="json"), seed]
    names = json.dumps([files, settings, code_hash(*CODE)])
    place = folder / hashlib.sha256(names.encode()).hexdigest()[:16]
    bare = _recipe(spec, hyperparameters, place, _no_constants(spec))
    read = make_learner(bare).read
    rows = {
        split: open_rows(str(place / f"rows-{split}"), [str(_records(place, split, songs, spec))], read)
        for split, songs in by_split.items()
    }
    recipe = _recipe(spec, hyperparameters, place, _constants(rows["train"], spec))
    learner, finished = kept_training(
        lambda: make_learner(recipe),
        rows["train"],
        rows["validation"],
        Checkpoints(str(place / "checkpoints")),
        hyperparameters=hyperparameters,
        seed=seed,
    )
    (chosen,) = (point for point in finished.history if point.step == finished.best_step)
    say(f"  best validation at step {chosen.step}: {chosen.score:.2f} dB")
    model = learner.build()
    set_variables(model.variables, finished.weights)
    return Separator(learner, model)


def stems_of(song: Song, spec: AudioSpec) -> np.ndarray:
    """The whole stems of a song as the task hears them: np.ndarray [2, channels, samples], float32, of 16 bit.

    Raises
    ------
    BenchmarkError
        A file cannot be read, or the stems are not equally long.
    """
    try:
        with decoded(song.recording, song.root, _settings(spec)) as audio:
            pcm = [np.frombuffer(audio.columns[stem].read(0, audio.num_samples), "<i2") for stem in STEMS]
    except SetAside as error:
        raise BenchmarkError(f"{song.name}: {error.column} {error.value} {error.reason}") from error
    y = np.stack([samples.reshape(-1, spec.channels).T for samples in pcm])
    return y.astype(np.float32) / np.float32(FULL_SCALE)


def _settings(spec: AudioSpec) -> Settings:
    return Settings.read(
        {
            "catalog_path": "",
            "vocabulary": Vocabulary((), {}, ()),
            "audio": spec,
            "descriptors": "none",
            "timed_labels": False,
            "split_seed": 0,
            "shares": {"train": 1.0, "validation": 0.0, "eval": 0.0, "test": 0.0},
            "max_set_aside_share": 0.0,
            "index_path": "",
            "code": "",
        }
    )


def _records(place: Path, split: Split, songs: Sequence[Song], spec: AudioSpec) -> Path:
    """A file of the Examples of `songs`."""
    path = place / f"{split}.gz"
    if not (place / f"rows-{split}").is_dir():
        place.mkdir(parents=True, exist_ok=True)
        settings = _settings(spec)
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for song in songs:
                try:
                    with decoded(song.recording, song.root, settings) as audio:
                        for example in examples(song.recording, split, audio, settings):
                            writer.write(example)
                except SetAside as error:
                    raise BenchmarkError(f"{song.name}: {error.column} {error.value} {error.reason}") from error
    return path


def _recipe(
    spec: AudioSpec, hyperparameters: SeparationHyperparameters, place: Path, constants: dict[str, np.ndarray]
) -> Recipe:
    config = parse_request(
        {
            "task": "separation",
            "profile": "full",
            "library": "benchmark",
            "spec": spec.model_dump(mode="json"),
            "hyperparameters": hyperparameters.model_dump(mode="json"),
            "checkpoint_root": str(place),
        }
    )
    return Recipe(config, hyperparameters, constants)


def _no_constants(spec: AudioSpec) -> dict[str, Any]:
    bins = fft_size(spec.sample_rate) // 2 + 1
    return {"log_mean": np.zeros(bins, np.float32), "log_std": np.ones(bins, np.float32)}


def _constants(rows: Rows, spec: AudioSpec) -> dict[str, np.ndarray]:
    """Mean and standard deviation of each bin over the training segments, as Transform's analyzers find them."""
    n_fft = fft_size(spec.sample_rate)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def sums(mixture: tf.Tensor) -> tf.Tensor:
        logarithm = tf.cast(log_magnitude(spectrum(mixture, n_fft)), tf.float64)
        ones = tf.ones_like(logarithm)
        return tf.stack([tf.reduce_sum(term, [0, 1]) for term in (logarithm, logarithm**2, ones)])

    total = np.zeros((3, n_fft // 2 + 1))
    for number in range(len(rows)):
        row = rows.take(np.array([number]))
        valid = np.sum([row[stem][0, : row["num_samples"][0]] for stem in STEMS], axis=0, dtype=np.float32)
        total += sums(tf.constant(valid.T / np.float32(FULL_SCALE))).numpy()
    mean, square = total[:2] / total[2]
    std = np.sqrt(np.maximum(square - mean**2, MIN_VARIANCE))
    return {"log_mean": mean.astype(np.float32), "log_std": std.astype(np.float32)}
