"""Denoisers trained outside the graph: rows of a noisy catalog as the Trainer reads them, and their trainings."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from audio.files import read
from audio.pcm import pcm16_bytes
from audio.spec import AudioSpec
from benchmarks.kept_training import kept_training
from benchmarks.report import BenchmarkError
from benchmarks.stamps import stamps
from catalog.format import open_catalog
from catalog.noise.plan import CLEAN
from catalog.recording import Recording
from catalog.writing import staged
from pipeline.code_hash import code_hash
from trainers.checkpoints import Checkpoints
from trainers.learner import Arrays, Tensors
from trainers.loop import predict_rows
from trainers.request import Recipe, parse_request
from trainers.restoration.features import QUIETEST
from trainers.restoration.frames import fft_size, spectrum
from trainers.restoration.model import RestorationLearner, make_learner
from trainers.restoration.task import COLUMNS, TASK, RestorationHyperparameters
from trainers.rows import Rows, open_rows
from trainers.strategy import make_strategy
from trainers.trainee import make_trainee, set_variables

SPEC = TASK.audio["quick"]
TAGS = ("chain", CLEAN)
CODE = ("components.audio_example_gen.examples", "trainers.loop", "trainers.restoration.model")
_FOR_CONSTANTS = 200


def rows_of(catalog: Path, folder: Path) -> tuple[dict[str, Rows], Path]:
    """Rows of train and validation, cut like AudioExampleGen cuts them, and a folder for what is made of them; other
    audio has another one.

    Raises
    ------
    BenchmarkError
        There is no noisy catalog.
    """
    if not catalog.is_file():
        raise BenchmarkError(f"{catalog}: is missing; run './dacapo catalog noise {catalog.parent.name}'")
    recordings = [row for row in open_catalog(catalog).rows() if isinstance(row, Recording)]
    files = [[row.id, stamps(catalog.parent, row)] for row in recordings]
    key = hashlib.sha256(catalog.read_bytes() + json.dumps(files).encode()).hexdigest()[:16]
    rows = {}
    for split in ("train", "validation"):
        shard = folder / key / f"{split}.tfrecord"
        if not shard.is_file():
            shard.parent.mkdir(parents=True, exist_ok=True)
            with staged(shard) as part, tf.io.TFRecordWriter(str(part)) as writer:
                for example in _examples(catalog.parent, [row for row in recordings if row.split == split], SPEC):
                    writer.write(example)
        rows[split] = open_rows(str(folder / key / split), [str(shard)], _reader().read)
    return rows, folder / key


def train_denoiser(
    rows: Mapping[str, Rows], hyperparameters: Mapping[str, Any], folder: Path, seed: int
) -> tuple[RestorationLearner, Arrays]:
    """A training, gone on with if it was broken off, and the scores of its best weights on validation."""
    settings = RestorationHyperparameters.model_validate(hyperparameters)
    recipe = _recipe(settings, _constants(rows["train"]))
    facts = [sorted(settings.model_dump(mode="json").items()), seed, code_hash(*CODE)]
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    learner, finished = kept_training(
        lambda: make_learner(recipe),
        rows["train"],
        rows["validation"],
        Checkpoints(str(folder / name)),
        hyperparameters=settings,
        seed=seed,
    )
    strategy = make_strategy("one_device")
    trainee = make_trainee(learner, settings, strategy)
    set_variables(trainee.model.variables, finished.weights)
    scores = predict_rows(learner, trainee, rows["validation"], settings, strategy)
    return learner, scores | {"noisy": _noisy(rows["validation"])}


def judged(learner: RestorationLearner, rows: Rows, mask: Callable[[Tensors], tf.Tensor]) -> Arrays:
    """Scores on all rows of the mask that `mask` makes of a batch."""
    judge = tf.function(lambda batch: learner.scores(batch, mask(batch)))
    blocks = []
    for start in range(0, len(rows), 8):
        taken = {k: tf.constant(v) for k, v in rows.take(np.arange(start, min(start + 8, len(rows)))).items()}
        blocks.append({name: value.numpy() for name, value in judge(learner.prepare([taken], None)).items()})
    scores = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return scores | {"noisy": _noisy(rows)}


def _noisy(rows: Rows) -> np.ndarray:
    return np.array([rows.take(np.array([n]), ["noise"])["noise"].any() for n in range(len(rows))]).astype(np.int64)


def _constants(rows: Rows) -> Arrays:
    """Statistics of mixtures of train, as Transform's analyzers find them."""
    chosen = np.linspace(0, len(rows) - 1, min(_FOR_CONSTANTS, len(rows))).astype(int)
    taken = rows.take(chosen, COLUMNS)
    mixtures = tf.constant(sum(taken[name].astype(np.float32) for name in COLUMNS) / 32768)
    logarithm = np.log(np.abs(spectrum(mixtures, fft_size(SPEC.sample_rate))) + QUIETEST)
    return {"log_mean": logarithm.mean(axis=(0, 1)), "log_std": np.maximum(logarithm.std(axis=(0, 1)), 0.1)}


def _reader() -> RestorationLearner:
    ones = np.ones(fft_size(SPEC.sample_rate) // 2 + 1, np.float32)
    settings = TASK.hyperparameters["quick"]
    assert isinstance(settings, RestorationHyperparameters)
    return make_learner(_recipe(settings, {"log_mean": ones, "log_std": ones}))


def _recipe(settings: RestorationHyperparameters, constants: Arrays) -> Recipe:
    config = {
        "task": "restoration",
        "profile": "quick",
        "library": "benchmark",
        "spec": SPEC.model_dump(mode="json"),
        "vocabulary": {"tags": list(TAGS)},
        "hyperparameters": settings.model_dump(mode="json"),
        "checkpoint_root": "",
    }
    return Recipe(parse_request(config), settings, constants)


def _examples(root: Path, recordings: list[Recording], spec: AudioSpec) -> Iterator[bytes]:
    length = spec.segment_samples
    for row in recordings:
        columns = {name: read(root / row.stems[name], sample_rate=spec.sample_rate, channels=1)[0] for name in COLUMNS}
        for segment in range(columns["clean"].shape[1] // length):
            feature = {
                "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row.id.encode()])),
                "segment": tf.train.Feature(int64_list=tf.train.Int64List(value=[segment])),
                "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=[tag in row.tags for tag in TAGS])),
            }
            for name, y in columns.items():
                pcm = pcm16_bytes(y[:, segment * length : (segment + 1) * length])
                feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[pcm]))
            yield tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
