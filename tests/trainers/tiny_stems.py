"""Tiny songs of two stems: a voice that glides between 150 and 350 Hz, and a band of a bass and hiss, at 1 kHz."""

from typing import Any

import numpy as np

RATE = 1_000
SPEC = {
    "columns": ["vocals", "accompaniment"],
    "sample_rate": RATE,
    "channels": 2,
    "segment_s": 1.0,
    "eval_max_s": 10.0,
}
TINY = {
    "steps": 30,
    "batch_size": 8,
    "learning_rate": 0.01,
    "warmup_steps": 2,
    "validate_every": 15,
    "checkpoint_every": 30,
    "filters": [6, 8],
    "recurrent_units": 8,
    "time_halvings": 1,
}


def make_stems(number: int, samples: int = RATE, *, sung: bool = True) -> np.ndarray:
    """float32 [2 stems, 2 channels, samples]."""
    rng = np.random.default_rng(number)
    t = np.arange(samples) / RATE
    pitch = 250 + 80 * np.sin(2 * np.pi * rng.uniform(1, 3) * t + rng.uniform(0, 6))
    voice = sung * 0.2 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * (np.sin(2 * np.pi * 2 * t) > -0.5)
    band = 0.2 * np.sin(2 * np.pi * rng.uniform(40, 100) * t) + 0.03 * rng.standard_normal((2, samples))
    pan = rng.uniform(0.7, 1.3)
    return np.stack([np.stack([pan * voice, (2 - pan) * voice]), band]).astype(np.float32)


def pcm(y: np.ndarray) -> bytes:
    """[channels, samples] as Examples carry it."""
    from audio.pcm import pcm16_bytes

    return pcm16_bytes(y)


def raw_example(number: int, stems: np.ndarray, *, padded: int = 0, **more: Any) -> bytes:
    """The Example that AudioExampleGen would write, padded with silence to `padded` samples."""
    import tensorflow as tf

    samples = stems.shape[-1]
    stems = np.pad(stems, [(0, 0), (0, 0), (0, max(padded - samples, 0))])
    feature = {
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"song-{number:03d}".encode()])),
        "segment": tf.train.Feature(int64_list=tf.train.Int64List(value=[0])),
        "num_samples": tf.train.Feature(int64_list=tf.train.Int64List(value=[samples])),
    }
    for name, y in zip(SPEC["columns"], stems, strict=True):
        feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[pcm(y)]))
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def recipe(**changes: Any) -> Any:
    """A recipe for tiny songs, with constants of the first twenty."""
    import tensorflow as tf

    from trainers.request import Recipe, parse_request
    from trainers.separation.features import fft_size, log_magnitude, spectrum
    from trainers.separation.task import SeparationHyperparameters

    hyperparameters = SeparationHyperparameters.model_validate(TINY | changes)
    config = parse_request(
        {
            "task": "separation",
            "profile": "quick",
            "library": "tiny",
            "spec": SPEC,
            "hyperparameters": hyperparameters.model_dump(mode="json"),
            "checkpoint_root": "",
        }
    )
    mixtures = tf.constant(np.stack([make_stems(number).sum(axis=0) for number in range(20)]))
    logarithm = log_magnitude(spectrum(mixtures, fft_size(RATE))).numpy()
    constants = {"log_mean": logarithm.mean(axis=(0, 1, 2)), "log_std": logarithm.std(axis=(0, 1, 2))}
    return Recipe(config, hyperparameters, constants)
