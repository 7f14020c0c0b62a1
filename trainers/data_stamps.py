"""By what a training knows that its data is still the same."""

import os
from collections.abc import Sequence

import tensorflow as tf

from trainers.rows import shards


def data_stamps(patterns: Sequence[str], transform_output: str) -> list[str]:
    """Path, bytes and time of change (ns) of every file that a training reads.

    The path alone says nothing: TFX names folders by execution ids, and a new metadata store counts those from 1 again.

    Parameters
    ----------
    patterns : of TFRecords, of local files or of any file system that TensorFlow knows
    transform_output : folder of the transform graph
    """
    graph = [os.path.join(folder, name) for folder, _, names in tf.io.gfile.walk(transform_output) for name in names]
    stats = [(path, tf.io.gfile.stat(path)) for path in [*shards(patterns), *sorted(graph)]]
    return [f"{path} {stat.length} {stat.mtime_nsec}" for path, stat in stats]
