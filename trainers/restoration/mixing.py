"""Training examples: music of one recording under noise of another, no two alike. All numbers come from outside.

A network that knows the training split by heart takes unknown music for noise; so music and noise are played faster and
slower, two are heard at once, and their colour is changed. What a recording chain adds belongs to the music that went
through it: there music and noise are changed alike, and nothing else is heard.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from audio.mixing import varispeed
from trainers.learner import Tensors

KNOTS_HZ = (0, 100, 250, 500, 1000, 2000, 4000, 8000)
"""Where an equaliser's gains are drawn; between them it is linear in Hz."""
_SOURCE = 5
_COLOUR = 1 + len(KNOTS_HZ)
UNIFORMS = 2 * _SOURCE + 2 * _COLOUR + 4
_SOFTEST_DB = -15.0
_DB = math.log(10.0) / 20.0


class Mix(NamedTuple):
    """Clean music and the noise that is added to it: waveforms float32 [b, samples], or their spectra."""

    clean: tf.Tensor
    noise: tf.Tensor


class Draws(NamedTuple):
    """A batch's random numbers, each float32 [b, ...] in [0, 1), by what they decide."""

    music: tf.Tensor
    noise: tf.Tensor
    music_colour: tf.Tensor
    noise_colour: tf.Tensor
    level: tf.Tensor


def split_draws(uniforms: tf.Tensor) -> Draws:
    """`uniforms` [b, UNIFORMS] by what they decide."""
    return Draws(*tf.split(uniforms, [_SOURCE, _SOURCE, _COLOUR, _COLOUR, 4], axis=1))


def sources(drawn: Sequence[Tensors], draws: Draws, *, speed: float, second_share: float) -> Mix:
    """Waveforms of music and noise, each of one recording or of two, at a speed of its own.

    What a chain added is heard with its own music alone: an example that drew it as the noise of another row keeps its
    first row's noise.

    Parameters
    ----------
    drawn : three rows an example: of the first the music, of the second the noise, of the third what is heard besides;
        ``clean``, ``noise`` float32 [b, samples], ``owns_noise`` bool [b]
    draws : of the batch
    speed : largest change of pitch and tempo, as a share
    second_share : of examples in which two musics are heard at once, and of those with two noises
    """
    music, noise, third = drawn
    own = music["owns_noise"]
    lent = ~(own | noise["owns_noise"])
    added = tf.where(lent[:, tf.newaxis], noise["noise"], music["noise"])
    clean = _joined(music["clean"], third["clean"], draws.music, second_share, ~own)
    added = _joined(added, third["noise"], draws.noise, second_share, ~(own | third["owns_noise"]))
    noise_draws = tf.where(own[:, tf.newaxis], draws.music, draws.noise)
    return Mix(_played(clean, draws.music, speed), _played(added, noise_draws, speed))


def coloured(spectra: Mix, own: tf.Tensor, draws: Draws, *, bins_hz: np.ndarray, colour_db: float) -> Mix:
    """Spectra of music and noise through equalisers of their own, half of them flat.

    Parameters
    ----------
    spectra : complex64 [b, frames, bins]
    own : bool [b], whose noise belongs to the music
    draws : of the batch
    bins_hz : frequencies of the bins
    colour_db : standard deviation of an equaliser's gains
    """
    noise = tf.where(own[:, tf.newaxis], draws.music_colour, draws.noise_colour)
    return Mix(
        spectra.clean * _gains(draws.music_colour, bins_hz, colour_db),
        spectra.noise * _gains(noise, bins_hz, colour_db),
    )


def levelled(
    spectra: Mix,
    own: tf.Tensor,
    draws: Draws,
    *,
    clean_share: float,
    snr_low_db: float,
    snr_high_db: float,
    gain_db: float,
) -> Mix:
    """Noise at a drawn level under the music, and the whole at a drawn level. A silent noise stays silent.

    Parameters
    ----------
    spectra : complex64 [b, frames, bins]
    own : bool [b], whose noise belongs to the music and keeps its sign
    draws : of the batch
    clean_share : of examples, without noise
    snr_low_db, snr_high_db : range of signal-to-noise ratios
    gain_db : largest change of the level of the whole
    """
    snr, noisy, sign, gain = tf.unstack(draws.level, axis=1)
    snr_db = snr_low_db + (snr_high_db - snr_low_db) * snr
    ratio = tf.math.divide_no_nan(_energy(spectra.clean), _energy(spectra.noise))
    loudness = tf.sqrt(ratio) * tf.exp(-_DB * snr_db) * tf.cast(noisy >= clean_share, tf.float32)
    sign = tf.where((sign < 0.5) & ~own, -1.0, 1.0)
    whole = tf.exp(_DB * gain_db * (2 * gain - 1))
    return Mix(spectra.clean * _scale(whole), spectra.noise * _scale(whole * loudness * sign))


def _joined(y: tf.Tensor, other: tf.Tensor, draws: tf.Tensor, share: float, may: tf.Tensor) -> tf.Tensor:
    """`y` with `other` at most as loud beside it, in a share of the examples that may have it."""
    joined = (draws[:, 3] < share) & may
    power, other_power = (tf.reduce_mean(x**2, axis=-1) for x in (y, other))
    loudness = tf.sqrt(tf.math.divide_no_nan(power, other_power)) * tf.exp(_DB * _SOFTEST_DB * draws[:, 4])
    return y + other * tf.where(joined, loudness, 0.0)[:, tf.newaxis]


def _played(y: tf.Tensor, draws: tf.Tensor, speed: float) -> tf.Tensor:
    """Half of the examples at another speed, from another place; all as they are where no speed may change."""
    if not speed:
        return y
    changed = tf.where(draws[:, 0] < 0.5, tf.pow(1.0 + speed, 2.0 * draws[:, 1] - 1.0), 1.0)
    return varispeed(y[:, tf.newaxis], changed, tf.where(draws[:, 0] < 0.5, draws[:, 2], 0.0))[:, 0]


def _gains(draws: tf.Tensor, bins_hz: np.ndarray, colour_db: float) -> tf.Tensor:
    """Gains of equalisers, complex64 [b, 1, bins]."""
    between = np.stack([np.interp(bins_hz, KNOTS_HZ, row) for row in np.eye(len(KNOTS_HZ))]).astype(np.float32)
    gains_db = colour_db * math.sqrt(12.0) * (draws[:, 1:] - 0.5)  # of unit variance
    gains_db *= tf.cast(draws[:, :1] < 0.5, tf.float32)
    return tf.cast(tf.exp(_DB * gains_db @ between), tf.complex64)[:, tf.newaxis]


def _energy(y: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.math.real(y) ** 2 + tf.math.imag(y) ** 2, axis=[1, 2])


def _scale(gain: tf.Tensor) -> tf.Tensor:
    return tf.cast(gain, tf.complex64)[:, tf.newaxis, tf.newaxis]
