"""Tiny noisy songs: chords of two sines under hiss, at 1 kHz."""

from collections.abc import Iterable
from typing import Any

import numpy as np

RATE = 1_000
SPEC = {"columns": ["clean", "noise"], "sample_rate": RATE, "channels": 1, "segment_s": 1.0, "eval_max_s": 10.0}
TAGS = ("hiss", "chain", "clean")
TINY = {
    "steps": 60,
    "batch_size": 8,
    "learning_rate": 0.01,
    "warmup_steps": 2,
    "validate_every": 20,
    "checkpoint_every": 30,
    "filters": [6, 8],
    "recurrent_units": 8,
}


def make_pair(number: int, samples: int = RATE) -> np.ndarray:
    """Clean music and noise 5 dB below it; every fourth has none: float32 [2, samples]."""
    rng = np.random.default_rng(number)
    t = np.arange(samples) / RATE
    clean = sum(0.2 * np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in rng.uniform(30, 450, 2))
    noise = (number % 4 != 0) * 0.11 * rng.standard_normal(samples)
    return np.stack([clean, noise]).astype(np.float32)


def rows_of(numbers: Iterable[int]) -> dict[str, Any]:
    """Rows as `RestorationLearner.read` gives them."""
    import tensorflow as tf

    samples = np.rint(32768 * np.stack([make_pair(number) for number in numbers], axis=1)).astype(np.int16)
    clean, noise = (tf.constant(y) for y in samples)
    return {"clean": clean, "noise": noise, "owns_noise": tf.zeros_like(clean[:, 0], tf.bool)}


def tags_of(number: int) -> tuple[int, ...]:
    """Labels of the pair, in the order of `TAGS`."""
    return (0, 0, 1) if number % 4 == 0 else (1, 0, 0)


def raw_example(number: int, pair: np.ndarray, *, padded: int = 0) -> bytes:
    """The Example that AudioExampleGen would write, padded with silence to `padded` samples."""
    import tensorflow as tf

    from audio.pcm import pcm16_bytes

    samples = pair.shape[-1]
    pair = np.pad(pair, [(0, 0), (0, max(padded - samples, 0))])
    feature = {
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"song-{number:03d}".encode()])),
        "segment": tf.train.Feature(int64_list=tf.train.Int64List(value=[0])),
        "num_samples": tf.train.Feature(int64_list=tf.train.Int64List(value=[samples])),
        "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=tags_of(number))),
    }
    for name, y in zip(SPEC["columns"], pair, strict=True):
        feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[pcm16_bytes(y[np.newaxis])]))
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def recipe(**changes: Any) -> Any:
    """A recipe for tiny songs, with constants of the first twenty."""
    import tensorflow as tf

    from trainers.request import Recipe, parse_request
    from trainers.restoration.features import QUIETEST
    from trainers.restoration.frames import fft_size, spectrum
    from trainers.restoration.task import RestorationHyperparameters

    hyperparameters = RestorationHyperparameters.model_validate(TINY | changes)
    config = parse_request(
        {
            "task": "restoration",
            "profile": "quick",
            "library": "tiny",
            "spec": SPEC,
            "vocabulary": {"tags": list(TAGS)},
            "hyperparameters": hyperparameters.model_dump(mode="json"),
            "checkpoint_root": "",
        }
    )
    mixtures = tf.constant(np.stack([make_pair(number).sum(axis=0) for number in range(20)]))
    logarithm = np.log(np.abs(spectrum(mixtures, fft_size(RATE))) + QUIETEST)
    return Recipe(
        config, hyperparameters, {"log_mean": logarithm.mean(axis=(0, 1)), "log_std": logarithm.std(axis=(0, 1))}
    )
