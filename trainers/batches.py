"""Which rows, and which random numbers, every training step gets: a function of the seed and the step alone."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import tensorflow as tf

from audio.errors import DaCapoError
from trainers.learner import Arrays, Learner, Tensors
from trainers.rows import Rows


@lru_cache(maxsize=4)
def _order(epoch: int, units: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(units)


class Walk:
    """The order in which training comes by rows: one permutation of all units after another, one an epoch.

    A unit is a row, or a recording of several: it gives one of its rows an epoch, the next one in the next, beginning
    at a random one.

    Parameters
    ----------
    counts : np.ndarray [units], int64, rows of each unit, which follow one another
    seed : of the run
    """

    def __init__(self, counts: np.ndarray, seed: int) -> None:
        self.rows = int(counts.sum())
        self._counts, self.seed = counts, seed
        self._starts = np.cumsum(counts) - counts
        self._first = np.random.default_rng([seed, 2**32]).integers(0, counts)

    @classmethod
    def of(cls, rows: Rows, *, by_recording: bool, seed: int) -> "Walk":
        """That of a training."""
        counts = np.unique(rows.ids, return_counts=True)[1] if by_recording else np.ones(len(rows), np.int64)
        return cls(counts, seed)

    def step(self, step: int, batch_size: int) -> np.ndarray:
        """Numbers of the rows of a step.

        A batch may begin in one epoch and end in the next, so that all have one size.

        Parameters
        ----------
        step : 0 for the first
        batch_size : a count

        Returns
        -------
        np.ndarray [batch_size], int64, in [0, rows)
        """
        positions = np.arange(step * batch_size, (step + 1) * batch_size)
        epochs, places = np.divmod(positions, len(self._counts))
        orders = [_order(int(epoch), len(self._counts), self.seed) for epoch in epochs]
        units = np.array([order[place] for order, place in zip(orders, places, strict=True)], np.int64)
        return self._starts[units] + (self._first[units] + epochs) % self._counts[units]


def step_draws(walk: Walk, step: int, batch_size: int, draws: int, uniforms: int) -> tuple[np.ndarray, np.ndarray]:
    """Everything random about a step.

    Returns
    -------
    numbers : np.ndarray [batch_size, draws], int64: `Walk.step`, then rows drawn at random
    uniforms : np.ndarray [batch_size, uniforms], float32 in [0, 1)
    """
    generator = np.random.default_rng([walk.seed, step, 1])
    others = generator.integers(0, walk.rows, (batch_size, draws - 1))
    numbers = np.concatenate([walk.step(step, batch_size)[:, np.newaxis], others], axis=1)
    return numbers, generator.random((batch_size, uniforms), dtype=np.float32)


def _fetch(rows: Rows, numbers: tf.Tensor) -> Tensors:
    signature = rows.signature

    def take(index: np.ndarray) -> list[np.ndarray]:
        taken = rows.take(index)
        return [taken[name] for name in signature]

    tensors = tf.numpy_function(
        take, [numbers], [tf.as_dtype(dtype) for dtype, _ in signature.values()], stateful=False
    )
    for tensor, (_, shape) in zip(tensors, signature.values(), strict=True):
        tensor.set_shape([numbers.shape[0], *shape])
    return dict(zip(signature, tensors, strict=True))


def _share(batch_size: int, context: tf.distribute.InputContext) -> int:
    replicas = context.num_replicas_in_sync
    if batch_size % replicas:
        raise DaCapoError(f"train.batch_size={batch_size}: does not divide by the {replicas} replicas of this training")
    return batch_size // replicas


def _positions(first_step: int, steps: int, context: tf.distribute.InputContext) -> tf.data.Dataset:
    """(step, replica) for every batch that this worker consumes, in order."""
    local = context.num_replicas_in_sync // context.num_input_pipelines
    offset = context.input_pipeline_id * local
    places = tf.data.Dataset.range(first_step * local, steps * local)
    return places.map(lambda place: (place // local, place % local + offset))


def _batched(positions: tf.data.Dataset, batch: Callable[[tf.Tensor, tf.Tensor], Tensors]) -> tf.data.Dataset:
    """Batches made two at a time, two ahead. Nothing is left to tf.data to tune, and its tuner would keep a training
    waiting at the end: it sleeps up to a minute before it notices that its iterator is gone.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    batches = positions.map(batch, num_parallel_calls=2, deterministic=True).prefetch(2)
    return batches.with_options(options)


def training_batches(
    learner: Learner, rows: Rows, *, batch_size: int, seed: int, first_step: int, steps: int
) -> Callable[[tf.distribute.InputContext], tf.data.Dataset]:
    """Batches of the steps from `first_step` up to `steps`, for ``strategy.distribute_datasets_from_function``.

    Replica r of R gets examples ``[r * B/R, (r + 1) * B/R)`` of each global batch of B, wherever it runs.

    Raises
    ------
    DaCapoError
        If the batch does not divide by the number of replicas.
    """
    walk = Walk.of(rows, by_recording=learner.by_recording, seed=seed)

    def dataset(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = _share(batch_size, context)

        def draw(step: np.ndarray, replica: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            mine = slice(int(replica) * share, (int(replica) + 1) * share)
            numbers, uniforms = step_draws(walk, int(step), batch_size, learner.draws, learner.uniforms)
            return numbers[mine], uniforms[mine]

        def batch(step: tf.Tensor, replica: tf.Tensor) -> Tensors:
            numbers, uniforms = tf.numpy_function(draw, [step, replica], [tf.int64, tf.float32], stateful=False)
            numbers.set_shape([share, learner.draws])
            uniforms.set_shape([share, learner.uniforms])
            return learner.prepare([_fetch(rows, numbers[:, i]) for i in range(learner.draws)], uniforms)

        return _batched(_positions(first_step, steps, context), batch)

    return dataset


def validation_batches(
    learner: Learner, rows: Rows, *, batch_size: int
) -> Callable[[tf.distribute.InputContext], tf.data.Dataset]:
    """All rows in order, in full batches: the last is filled up with the last row."""

    def dataset(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = _share(batch_size, context)

        def batch(step: tf.Tensor, replica: tf.Tensor) -> Tensors:
            numbers = step * batch_size + replica * share + tf.range(share, dtype=tf.int64)
            return learner.prepare([_fetch(rows, tf.minimum(numbers, len(rows) - 1))], None)

        steps = validation_steps(rows, batch_size)
        return _batched(_positions(0, steps, context), batch)

    return dataset


def validation_steps(rows: Rows, batch_size: int) -> int:
    """Batches in one pass of `validation_batches`."""
    return -(-len(rows) // batch_size)


def join(blocks: list[Arrays], count: int) -> Arrays:
    """Outputs of all validation batches in row order, without what filled up the last one."""
    return {name: np.concatenate([block[name] for block in blocks])[:count] for name in blocks[0]}
