"""What defects look like, measured in `tf.signal`: one row of numbers for every 64 ms of sound.

A row holds eight fine frames of 8 ms, since a click lasts less than one and a splice has no length at all, and what is
slow: hum. Each kind of defect has channels of its own (`trainers.defects.channels`) beside the common log-mel.

Nothing looks further than `REACH` frames: what a click does to the numbers of a whole window can be heard in the whole
window, and labels that say *which* and not *where* do not contradict.
"""

import numpy as np
import tensorflow as tf

from trainers.defects.channels.amplitudes import CEILING_MEMORY, pile, shapes
from trainers.defects.channels.clicks import second_difference, solitude, whitened
from trainers.defects.channels.hum import HUM_DECIMATION, HUM_HARMONICS, HUM_MEMORY, HUM_N_FFT, MAINS_HZ, hum
from trainers.defects.channels.leaps import leaps
from trainers.defects.channels.levels import N_MELS, levels, log_mel
from trainers.defects.channels.phase import PHASE_BANDS, broken_phase, phase
from trainers.defects.channels.prediction import unpredicted
from trainers.defects.frames import (
    FRAME_LENGTH,
    HOP_LENGTH,
    LONG_HOP,
    LONG_N_FFT,
    N_FFT,
    PER_FRAME,
    frames_of,
    short_spectra,
)

REACH = max(2 * (HUM_MEMORY // 2) + HUM_N_FFT * HUM_DECIMATION // (2 * FRAME_LENGTH) + 1, 2 * (CEILING_MEMORY // 2) + 1)
"""Frames before a frame, and behind it, that its channels depend on at most: 1.9 s."""

_LEVELS = 4  # rms, peak, largest and mean second difference
_SHAPES = 9  # crest, kurtosis; solitude; peak beside the ceiling, three shares of samples; solitude and crest of AR
_LEAPS = 4  # leap; likeness of now and before, now and behind, before and behind
FINE = N_MELS + _LEVELS + _SHAPES + 2 * PHASE_BANDS + _LEAPS
SLOW = len(MAINS_HZ) * HUM_HARMONICS + 2
CHANNELS = FINE + SLOW
WIDTH = PER_FRAME * FINE + SLOW
LEVEL_SLOPE = np.concatenate(
    [np.full(N_MELS, 0.1), np.full(_LEVELS, 0.05), np.zeros(_SHAPES + 2 * PHASE_BANDS + _LEAPS + SLOW)]
).astype(np.float32)
"""What a channel gains from 1 dB more of level, float32 [CHANNELS]; of fine channels first, then of slow ones."""


def measure(waveform: tf.Tensor) -> tf.Tensor:
    """Channels of every frame, not normalised.

    Parameters
    ----------
    waveform : float32 [..., samples] at `RATE`; filled up with zeros to whole frames

    Returns
    -------
    float32 [..., frames, WIDTH]: `PER_FRAME` times `FINE` channels in time order, then `SLOW` ones
    """
    shape = tf.shape(waveform)
    y = tf.reshape(waveform, [-1, shape[-1]])
    frames = frames_of(shape[-1])
    y = tf.pad(y, [[0, 0], [0, frames * FRAME_LENGTH - shape[-1]]])
    spectrum, long = short_spectra(y, N_FFT, HOP_LENGTH), short_spectra(y, LONG_N_FFT, LONG_HOP)
    bend = second_difference(y)
    parts = [
        log_mel(spectrum),
        levels(y, bend),
        whitened(spectrum),
        solitude(bend),
        shapes(y),
        unpredicted(y),
        phase(spectrum),
        tf.repeat(tf.concat([broken_phase(long), leaps(y)], axis=-1), LONG_HOP // HOP_LENGTH, axis=1),
    ]
    fine = tf.concat(parts, axis=-1)
    fine = tf.reshape(fine, [-1, frames, PER_FRAME * FINE])
    rows = tf.concat([fine, hum(y), pile(y)], axis=-1)
    return tf.reshape(rows, tf.concat([shape[:-1], [frames, WIDTH]], axis=0))
