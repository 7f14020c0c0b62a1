"""The grid that a detector hears on: rows of 64 ms, each of eight fine frames of 8 ms."""

import tensorflow as tf

from audio.mel import hann

RATE = 32_000
HOP_LENGTH = 256
N_FFT = 512
PER_FRAME = 8
FRAME_LENGTH = PER_FRAME * HOP_LENGTH
FRAME_S = FRAME_LENGTH / RATE
LONG_N_FFT = 2048
LONG_HOP = 512


def frames_of(num_samples: tf.Tensor) -> tf.Tensor:
    """Frames that hold the first `num_samples` samples; at least 1."""
    return tf.maximum((num_samples + FRAME_LENGTH - 1) // FRAME_LENGTH, 1)


def whole_frames(waveform: tf.Tensor) -> tf.Tensor:
    """A recording, float32 [samples], filled up to whole frames: by its own end mirrored, then by zeros.

    Zeros alone would sound like a dropout a few milliseconds before the end of most recordings.
    """
    length = frames_of(tf.shape(waveform)[0]) * FRAME_LENGTH
    filled = tf.concat([waveform, tf.reverse(waveform, [0])], axis=0)[:length]
    return tf.pad(filled, [[0, length - tf.shape(filled)[0]]])


def fine_frames(y: tf.Tensor) -> tf.Tensor:
    """A waveform [b, samples] cut into fine frames: [b, fine frames, HOP_LENGTH]."""
    return tf.reshape(y, [tf.shape(y)[0], -1, HOP_LENGTH])


def short_spectra(y: tf.Tensor, n_fft: int, hop_length: int) -> tf.Tensor:
    """Short-time spectra centred on stretches of a hop: complex64 [b, hops, n_fft // 2 + 1]."""
    edge = (n_fft - hop_length) // 2
    frames = tf.signal.frame(tf.pad(y, [[0, 0], [edge, edge]]), n_fft, hop_length)
    return tf.signal.rfft(frames * tf.constant(hann(n_fft)))
