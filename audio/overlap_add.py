"""Long audio in bounded memory: cut with overlap, process piece by piece, cross-fade what comes back.

Conventions
-----------
Piece ``k`` covers samples ``[k * hop, k * hop + length)`` with ``hop = length - overlap``; the last is filled up with
zeros. Where two pieces overlap, the earlier fades out and the later fades in, and the two weights sum to one: a
process that changes nothing gives back every sample, and one that is sure of itself in the middle of a piece has no
seam. A signal of at most ``length`` samples is one piece, faded nowhere.

`overlap_add` works inside exported signatures, for any number of samples; it holds input, output and one piece.
`stream` takes blocks from a file and gives blocks to a file: it holds two pieces, however long the audio is.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from audio.errors import DaCapoError


def fade_in(overlap: int) -> np.ndarray:
    """Weights of the later of two pieces, ``sin^2`` rising: float32 [overlap]; the earlier has one minus them."""
    return (np.sin(0.5 * np.pi * (np.arange(overlap) + 0.5) / max(overlap, 1)) ** 2).astype(np.float32)


def overlap_add(y: tf.Tensor, process: Callable[[tf.Tensor], tf.Tensor], *, length: int, overlap: int) -> tf.Tensor:
    """Process a signal of any length, piece by piece.

    Parameters
    ----------
    y : float32 [..., samples]
    process : takes a piece [..., length] and returns [*shape, length], of the same static shape for every piece
    length : samples of a piece
    overlap : samples that neighbours share, at most half a piece

    Returns
    -------
    float32 [*shape, samples]
    """
    hop = _hop(length, overlap)
    y = tf.convert_to_tensor(y, tf.float32)
    rank, static_samples = y.shape.rank, y.shape[-1]
    samples = tf.shape(y)[-1]
    pieces = tf.maximum(-(-(samples - overlap) // hop), 1)
    y = tf.pad(y, [(0, 0)] * (rank - 1) + [(0, overlap + pieces * hop - samples)])
    rise = tf.constant(fade_in(overlap))

    def piece(index: tf.Tensor) -> tf.Tensor:
        taken = y[..., index * hop : index * hop + length]
        return process(tf.ensure_shape(taken, [*y.shape[:-1], length]))

    first = piece(tf.constant(0))
    done = tf.TensorArray(tf.float32, size=pieces, element_shape=[*first.shape[:-1], hop])
    done = done.write(0, first[..., :hop])

    def step(index: tf.Tensor, tail: tf.Tensor, done: tf.TensorArray) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
        current = piece(index)
        joined = tail * (1.0 - rise) + current[..., :overlap] * rise
        done = done.write(index, tf.concat([joined, current[..., overlap:hop]], axis=-1))
        return index + 1, current[..., hop:], done

    _, tail, done = tf.while_loop(
        lambda index, *_: index < pieces, step, [1, first[..., hop:], done], parallel_iterations=1
    )
    body = done.stack()
    body = tf.transpose(body, [*range(1, body.shape.rank - 1), 0, body.shape.rank - 1])
    body = tf.reshape(body, tf.concat([tf.shape(tail)[:-1], [pieces * hop]], axis=0))
    whole = tf.concat([body, tail], axis=-1)[..., :samples]
    return tf.ensure_shape(whole, [*first.shape[:-1], static_samples])


def stream(
    blocks: Iterable[np.ndarray], process: Callable[[np.ndarray], np.ndarray], *, length: int, overlap: int
) -> Iterator[np.ndarray]:
    """Process audio that arrives in blocks, giving out what is final.

    Parameters
    ----------
    blocks : float32 [..., any number of samples], one after another
    process : takes a piece [..., length] and returns [*shape, length]
    length : samples of a piece
    overlap : samples that neighbours share, at most half a piece

    Yields
    ------
    float32 [*shape, samples]; all together as many samples as came in, the same as `overlap_add` of them
    """
    hop = _hop(length, overlap)
    rise = fade_in(overlap)
    held: np.ndarray | None = None
    tail: np.ndarray | None = None

    def joined(piece: np.ndarray) -> np.ndarray:
        result = np.array(process(piece))
        if tail is not None:
            result[..., :overlap] = tail * (1.0 - rise) + result[..., :overlap] * rise
        return result

    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=-1)
        while held.shape[-1] > length:  # one sample more, and so another piece follows
            result = joined(held[..., :length])
            yield result[..., :hop]
            tail, held = result[..., hop:], held[..., hop:]
    if held is not None and held.shape[-1]:
        missing = length - held.shape[-1]
        result = joined(np.pad(held, [(0, 0)] * (held.ndim - 1) + [(0, missing)]))
        yield result[..., : held.shape[-1]]


def _hop(length: int, overlap: int) -> int:
    if not 0 <= 2 * overlap <= length or length < 1:
        raise DaCapoError(f"overlap={overlap} must be from 0 to half of length={length}, the samples of a piece")
    return length - overlap
