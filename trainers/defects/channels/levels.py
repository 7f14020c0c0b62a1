"""How loud and how steep the sound is: log-mel, rms, peak and second difference."""

import tensorflow as tf

from audio.mel import mel_matrix
from trainers.defects.channels.floors import LEVEL_FLOOR, POWER_FLOOR, log10
from trainers.defects.frames import N_FFT, RATE, fine_frames

N_MELS = 40


def log_mel(spectrum: tf.Tensor) -> tf.Tensor:
    """Logarithm of the mel powers of fine frames: complex64 [b, fine frames, bins] to [b, fine frames, N_MELS]."""
    power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
    return log10(tf.matmul(power, tf.constant(mel_matrix(RATE, N_FFT, N_MELS))) + POWER_FLOOR)


def levels(y: tf.Tensor, bend: tf.Tensor) -> tf.Tensor:
    """Logarithms of rms and peak, and of the largest and the mean second difference: [b, fine frames, 4]."""
    blocks, bends = fine_frames(y), fine_frames(bend)
    measured = [
        tf.sqrt(tf.reduce_mean(tf.square(blocks), axis=-1)),
        tf.reduce_max(tf.abs(blocks), axis=-1),
        tf.reduce_max(bends, axis=-1),
        tf.reduce_mean(bends, axis=-1),
    ]
    return log10(tf.stack(measured, axis=-1) + LEVEL_FLOOR)
