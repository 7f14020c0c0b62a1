"""What defects look like, measured in `tf.signal`: one row of numbers for every 64 ms of sound.

A row holds eight fine frames of 8 ms, since a click lasts less than one and a splice has no length at all, and what is
slow: hum. Each kind of defect has channels of its own beside the common log-mel:

* **clicks** stand alone in the second difference: a drum's attack is as steep, but is followed by more of it. In music
  as loud and broad as metal they stand out of the *whitened* frame: divided by its own smoothed magnitude spectrum,
  music is noise and a click is a spike (the AR residual of Godsill & Rayner 1998, chapter 5, with the spectrum's
  envelope in place of the AR model); the residual of a real AR model besides, which bass does not hide a splice from;
* **dropouts** are digital silence: the share of samples that are next to zero;
* **clipping** keeps samples next to a ceiling that many peaks share: the share of samples there, and next to the peak
  of the frame itself. Music that was not cut has the fewer samples the higher one looks: where the histogram of a
  second and a half rises again, peaks were cut, also where resampling spread them around the level of the cut;
* **skips** break the phase of every partial at once without anything growing louder: the deviation of a bin from where
  its two predecessors point (complex-domain onset detection, Bello, Duxbury, Davies, Sandler 2004), in a short
  spectrum; and in a long one, which tells partials apart, the phase alone of those that sounded before and after and
  were steady until now: the onset of a note adds partials and leaves the old ones as they were, a splice does not. And
  what was left out moves all partials by one time: two spectra across a splice are as those before it and those behind
  it are to each other, but for that time (the generalised cross-correlation of cross-spectra; Knapp & Carter 1976);
* **hum** is the only thing below 600 Hz that never stops: the morphological opening over time of a spectrum that is
  two seconds long, how far the multiples of 50 and 60 Hz stand above their surroundings in it, and how far everything
  else does: a held chord has lines as well.

Nothing looks further than `REACH` frames: what a click does to the numbers of a whole window can be heard in the whole
window, and labels that say *which* and not *where* do not contradict.
"""

import numpy as np
import tensorflow as tf

from audio.mel import hann, mel_matrix

RATE = 32_000
HOP_LENGTH = 256
N_FFT = 512
PER_FRAME = 8
FRAME_LENGTH = PER_FRAME * HOP_LENGTH
FRAME_S = FRAME_LENGTH / RATE
N_MELS = 40
PHASE_BANDS = 8
LONG_N_FFT = 2048
LONG_HOP = 512
HUM_DECIMATION = 16
HUM_N_FFT = 4096  # two seconds of the decimated signal: half a hertz tells 100 Hz from a G of 98
HUM_HARMONICS = 10
MAINS_HZ = (50.0, 60.0)
MAINS_DRIFT = 0.002
HUM_MEMORY = 13  # frames of the opening, 0.8 s
CEILING_MEMORY = 25  # frames whose peaks tell the ceiling
AR_ORDER = 24
AR_N_FFT = 1024
LEAP_LENGTH = 2048
LEAP_HOPS = 6  # of LONG_HOP between two spectra: 32 ms from the end of one to the beginning of the next
REACH = max(2 * (HUM_MEMORY // 2) + HUM_N_FFT * HUM_DECIMATION // (2 * FRAME_LENGTH) + 1, 2 * (CEILING_MEMORY // 2) + 1)
"""Frames before a frame, and behind it, that its channels depend on at most: 1.9 s."""

_LEVELS = 4  # rms, peak, largest and mean second difference
_SHAPES = 9  # crest, kurtosis; solitude; peak beside the ceiling, three shares of samples; solitude and crest of AR
_LEAPS = 4  # leap; likeness of now and before, now and behind, before and behind
FINE = N_MELS + _LEVELS + _SHAPES + 2 * PHASE_BANDS + _LEAPS
SLOW = len(MAINS_HZ) * HUM_HARMONICS + 2
CHANNELS = FINE + SLOW
WIDTH = PER_FRAME * FINE + SLOW

_SMOOTHED_BINS = 17
_GRAIN = 32  # samples, 1 ms
_ALONE = (3, 12)  # grains around that are looked at; a click may fill two
_NEAR_CEILING, _NEAR_OWN_PEAK, _NEAR_ZERO = 0.03, 0.98, 1e-4
_STEPS = np.arange(0.6, 1.15, 0.03)  # of the histogram, beside the ceiling
_SHARE_FLOOR = 3e-4
_HUM_TAPS = 257
_AROUND_LINE = (2, 10)  # bins on either side that are the line's, and those that it is compared with
_AR_FLOOR = 1e-5
_LEAP_LOWEST, _LEAP_BINS = 8, 769  # 63 Hz to 6 kHz
_LEAP_WEIGHT = 0.25  # power of the magnitude: bass is not all
_LEAST_LEAP = 48  # samples at 12 kHz, 4 ms
_CEILING_RANK = 4
_POWER_FLOOR, _LEVEL_FLOOR, _TINY = 1e-9, 1e-5, 1e-12
_LN_10 = float(np.log(10.0))

LEVEL_SLOPE = np.concatenate(
    [np.full(N_MELS, 0.1), np.full(_LEVELS, 0.05), np.zeros(_SHAPES + 2 * PHASE_BANDS + _LEAPS + SLOW)]
).astype(np.float32)
"""What a channel gains from 1 dB more of level, float32 [CHANNELS]; of fine channels first, then of slow ones."""


def frames_of(num_samples: tf.Tensor) -> tf.Tensor:
    """Frames that hold the first `num_samples` samples; at least 1."""
    return tf.maximum((num_samples + FRAME_LENGTH - 1) // FRAME_LENGTH, 1)


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
    spectrum, long = _spectrum(y, N_FFT, HOP_LENGTH), _spectrum(y, LONG_N_FFT, LONG_HOP)
    bend = _bend(y)
    parts = [
        _log_mel(spectrum),
        _levels(y, bend),
        _whitened(spectrum),
        _solitude(bend),
        _shapes(y),
        _unpredicted(y),
        _phase(spectrum),
        tf.repeat(tf.concat([_broken_phase(long), _leaps(y)], axis=-1), LONG_HOP // HOP_LENGTH, axis=1),
    ]
    fine = tf.concat(parts, axis=-1)
    fine = tf.reshape(fine, [-1, frames, PER_FRAME * FINE])
    rows = tf.concat([fine, _hum(y), _pile(y)], axis=-1)
    return tf.reshape(rows, tf.concat([shape[:-1], [frames, WIDTH]], axis=0))


def _log10(x: tf.Tensor) -> tf.Tensor:
    return tf.math.log(x) / _LN_10


def _spectrum(y: tf.Tensor, n_fft: int, hop_length: int) -> tf.Tensor:
    """Short-time spectra centred on stretches of a hop: complex64 [b, hops, n_fft // 2 + 1]."""
    edge = (n_fft - hop_length) // 2
    frames = tf.signal.frame(tf.pad(y, [[0, 0], [edge, edge]]), n_fft, hop_length)
    return tf.signal.rfft(frames * tf.constant(hann(n_fft)))


def _log_mel(spectrum: tf.Tensor) -> tf.Tensor:
    power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
    return _log10(tf.matmul(power, tf.constant(mel_matrix(RATE, N_FFT, N_MELS))) + _POWER_FLOOR)


def _blocks(y: tf.Tensor) -> tf.Tensor:
    return tf.reshape(y, [tf.shape(y)[0], -1, HOP_LENGTH])


def _bend(y: tf.Tensor) -> tf.Tensor:
    """Magnitude of the second difference, [b, samples]."""
    behind = tf.pad(y, [[0, 0], [2, 0]])
    return tf.abs(behind[:, 2:] - 2.0 * behind[:, 1:-1] + behind[:, :-2])


def _levels(y: tf.Tensor, bend: tf.Tensor) -> tf.Tensor:
    """Logarithms of rms and peak, and of the largest and the mean second difference: [b, fine frames, 4]."""
    blocks, bends = _blocks(y), _blocks(bend)
    levels = [
        tf.sqrt(tf.reduce_mean(tf.square(blocks), axis=-1)),
        tf.reduce_max(tf.abs(blocks), axis=-1),
        tf.reduce_max(bends, axis=-1),
        tf.reduce_mean(bends, axis=-1),
    ]
    return _log10(tf.stack(levels, axis=-1) + _LEVEL_FLOOR)


def _solitude(bend: tf.Tensor) -> tf.Tensor:
    """By how much the steepest millisecond of a frame is steeper than all around it, before and behind, as a logarithm:
    [b, fine frames, 1].
    """
    nearest, furthest = _ALONE
    rows = tf.shape(bend)[0]
    grains = _log10(tf.reduce_max(tf.reshape(bend, [rows, -1, _GRAIN]), axis=-1) + _LEVEL_FLOOR)
    count = tf.shape(grains)[1]
    padded = tf.pad(grains, [[0, 0], [furthest, furthest]], constant_values=float(np.log10(_LEVEL_FLOOR)))
    width = furthest - nearest + 1
    steepest = tf.nn.max_pool1d(padded[..., tf.newaxis], width, 1, "VALID")[..., 0]
    around = tf.maximum(steepest[:, :count], steepest[:, furthest + nearest :][:, :count])
    alone = tf.reshape(grains - around, [rows, -1, HOP_LENGTH // _GRAIN])
    return tf.reduce_max(alone, axis=-1, keepdims=True)


def _whitened(spectrum: tf.Tensor) -> tf.Tensor:
    """Logarithms of crest factor and kurtosis of the whitened frame: [b, fine frames, 2]."""
    magnitude = tf.abs(spectrum)
    flat = tf.reshape(magnitude, [-1, N_FFT // 2 + 1, 1])
    envelope = tf.reshape(tf.nn.avg_pool1d(flat, _SMOOTHED_BINS, 1, "SAME"), tf.shape(magnitude))
    envelope += 1e-3 * tf.reduce_mean(magnitude, axis=-1, keepdims=True) + _LEVEL_FLOOR
    residual = tf.square(tf.signal.irfft(spectrum / tf.cast(envelope, tf.complex64), [N_FFT]))
    power = tf.reduce_mean(residual, axis=-1) + _TINY
    crest = tf.reduce_max(residual, axis=-1) / power
    kurtosis = tf.reduce_mean(tf.square(residual), axis=-1) / tf.square(power)
    return _log10(tf.stack([crest, kurtosis], axis=-1) + 0.1)


def _ceiling(own: tf.Tensor) -> tf.Tensor:
    """The level that the peaks of `_CEILING_RANK` frames around reach: peaks, [b, fine frames, 1], to the same shape.

    The highest peak may be a click, which is no ceiling.
    """
    peaks = tf.nn.max_pool1d(own, PER_FRAME, PER_FRAME, "VALID")[..., 0]
    edge = CEILING_MEMORY // 2
    around = tf.signal.frame(tf.pad(peaks, [[0, 0], [edge, edge]]), CEILING_MEMORY, 1)
    ceiling = tf.math.top_k(around, _CEILING_RANK).values[..., -1:]
    return tf.repeat(ceiling, PER_FRAME, axis=1)


def _shapes(y: tf.Tensor) -> tf.Tensor:
    """Peak of the frame beside the ceiling, 0.5 at it, and shares of samples near the ceiling, near the frame's own
    peak, and near zero: [b, fine frames, 4].
    """
    blocks = tf.abs(_blocks(y))
    own = tf.reduce_max(blocks, axis=-1, keepdims=True)
    ceiling = _ceiling(own) + _LEVEL_FLOOR

    def share(mask: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.cast(mask, tf.float32), axis=-1)

    near_ceiling = share(tf.abs(blocks - ceiling) <= _NEAR_CEILING * ceiling)
    near_own = share(blocks >= _NEAR_OWN_PEAK * own)
    peak = (own / (own + ceiling))[..., 0]
    return tf.stack([peak, tf.sqrt(near_ceiling), tf.sqrt(near_own), share(blocks < _NEAR_ZERO)], axis=-1)


def _pile(y: tf.Tensor) -> tf.Tensor:
    """The steepest rise of the histogram of magnitudes in the frames around towards their ceiling, as a logarithm:
    [b, frames, 1]. Two steps are held against two that lie three below.
    """
    magnitude = tf.abs(_blocks(y))
    ceiling = _ceiling(tf.reduce_max(magnitude, axis=-1, keepdims=True))
    shares = [tf.reduce_mean(tf.cast(magnitude >= step * ceiling, tf.float32), axis=-1) for step in _STEPS]
    above = tf.nn.avg_pool1d(tf.stack(shares, axis=-1), PER_FRAME, PER_FRAME, "VALID")
    above = tf.nn.avg_pool1d(above, CEILING_MEMORY, 1, "SAME")
    pairs = _log10(above[..., :-2] - above[..., 2:] + _SHARE_FLOOR)
    return tf.reduce_max(pairs[..., 3:] - pairs[..., :-3], axis=-1, keepdims=True)


def _unpredicted(y: tf.Tensor) -> tf.Tensor:
    """Solitude and crest of what an autoregressive model of the sound around does not predict: [b, fine frames, 2].

    The model of order `AR_ORDER` is that of the autocorrelation method on Hann windows of `AR_N_FFT` samples.
    """
    power = tf.square(tf.abs(_spectrum(y, AR_N_FFT, HOP_LENGTH)))
    correlation = tf.cast(tf.signal.irfft(tf.cast(power, tf.complex64))[..., : AR_ORDER + 1], tf.float64)
    correlation = correlation / (correlation[..., :1] + _TINY)
    lags = np.abs(np.arange(AR_ORDER)[:, np.newaxis] - np.arange(AR_ORDER))
    matrix = tf.gather(correlation, lags, axis=-1) + _AR_FLOOR * tf.eye(AR_ORDER, dtype=tf.float64)
    weights = tf.linalg.solve(matrix, correlation[..., 1:, tf.newaxis])[..., 0]
    filters = tf.concat([tf.ones_like(weights[..., :1]), -weights], axis=-1)
    heard = tf.signal.frame(tf.pad(y, [[0, 0], [AR_ORDER, 0]]), HOP_LENGTH + AR_ORDER, HOP_LENGTH)
    length = [2 * HOP_LENGTH]
    product = tf.signal.rfft(heard, length) * tf.signal.rfft(tf.cast(filters, tf.float32), length)
    residual = tf.abs(tf.signal.irfft(product, length)[..., AR_ORDER : AR_ORDER + HOP_LENGTH])
    rms = tf.sqrt(tf.reduce_mean(tf.square(residual), axis=-1))
    crest = _log10(tf.reduce_max(residual, axis=-1) + _LEVEL_FLOOR) - _log10(rms + _LEVEL_FLOOR)
    return tf.concat([_solitude(tf.reshape(residual, tf.shape(y))), crest[..., tf.newaxis]], axis=-1)


def _phase(spectrum: tf.Tensor) -> tf.Tensor:
    """Deviation from the two frames before, in bands, as a share of their magnitude: [b, frames, PHASE_BANDS]."""
    before = tf.pad(spectrum, [[0, 0], [2, 0], [0, 0]])[:, :-1]
    one, two = before[:, 1:], before[:, :-1]
    scale = tf.cast(tf.abs(one) * tf.abs(two) + _TINY, tf.complex64)
    expected = one * one * tf.math.conj(two) / scale
    bands = tf.constant(mel_matrix(RATE, N_FFT, PHASE_BANDS))
    deviation = tf.matmul(tf.abs(spectrum - expected), bands)
    return deviation / (tf.matmul(tf.abs(spectrum) + tf.abs(expected), bands) + _LEVEL_FLOOR)


def _broken_phase(spectrum: tf.Tensor) -> tf.Tensor:
    """Phase deviation of what goes on and was steady, in bands, 0 to 1: [b, frames, PHASE_BANDS].

    A bin weighs as much as the least of its magnitudes in three frames, and the less the more it had deviated one frame
    ago.
    """
    padded = tf.pad(spectrum, [[0, 0], [3, 0], [0, 0]])
    past = [padded[:, 3 - back :][:, : tf.shape(spectrum)[1]] for back in range(4)]
    magnitudes = [tf.abs(frame) for frame in past]
    units = [frame / tf.cast(size + _TINY, tf.complex64) for frame, size in zip(past, magnitudes, strict=True)]

    def deviation(now: int) -> tf.Tensor:
        return tf.abs(units[now] - tf.square(units[now + 1]) * tf.math.conj(units[now + 2])) / 2.0

    steady = tf.square(1.0 - deviation(1))
    weights = tf.minimum(tf.minimum(magnitudes[0], magnitudes[1]), magnitudes[2]) * steady
    bands = tf.constant(mel_matrix(RATE, LONG_N_FFT, PHASE_BANDS))
    return tf.matmul(weights * deviation(0), bands) / (tf.matmul(weights, bands) + _LEVEL_FLOOR)


def _leaps(y: tf.Tensor) -> tf.Tensor:
    """How much more alike cross-spectra are at another time than at the same, and how alike at the same: [b, hops of
    `LONG_HOP`, 4].

    Of four spectra at equal distances the middle two lie across the moment. A moment at which nothing was left out has
    the first number below 0 and the others near 1 as far as the music is steady; an onset has all of them near 0.
    """
    hops = tf.shape(y)[1] // LONG_HOP
    distance = LEAP_HOPS * LONG_HOP
    before = (3 * distance + LEAP_LENGTH - LONG_HOP) // 2
    behind = 3 * distance + LEAP_LENGTH - LONG_HOP - before
    frames = tf.signal.frame(tf.pad(y, [[0, 0], [before, behind]]), LEAP_LENGTH, LONG_HOP)
    spectrum = tf.signal.rfft(frames * tf.constant(hann(LEAP_LENGTH)), [2 * LEAP_LENGTH])[..., :_LEAP_BINS]
    cross = tf.math.conj(spectrum[:, :-LEAP_HOPS]) * spectrum[:, LEAP_HOPS:]
    band = tf.constant((np.arange(_LEAP_BINS) >= _LEAP_LOWEST).astype(np.float32))
    magnitude = tf.abs(cross)
    unit = cross / tf.cast(magnitude + _TINY, tf.complex64)

    def weighted(one: int, other: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The difference of the phases of two cross-spectra, weighted, and how alike they are at the same time."""
        first, second = ((unit[:, at:][:, :hops], magnitude[:, at:][:, :hops]) for at in (one, other))
        weight = band * tf.pow(tf.minimum(first[1], second[1]) + _TINY, _LEAP_WEIGHT)
        weight /= tf.reduce_sum(weight, axis=-1, keepdims=True)
        product = first[0] * tf.math.conj(second[0]) * tf.cast(weight, tf.complex64)
        return product, tf.reduce_sum(tf.math.real(product), axis=-1)

    def leap(product: tf.Tensor, same: tf.Tensor) -> tf.Tensor:
        likeness = tf.signal.irfft(product) * (_LEAP_BINS - 1)
        return tf.reduce_max(likeness[..., _LEAST_LEAP:-_LEAST_LEAP], axis=-1) - same

    past, future = weighted(LEAP_HOPS, 0), weighted(LEAP_HOPS, 2 * LEAP_HOPS)
    both = tf.minimum(leap(*past), leap(*future))
    return tf.stack([both, past[1], future[1], weighted(0, 2 * LEAP_HOPS)[1]], axis=-1)


def _decimated(y: tf.Tensor) -> tf.Tensor:
    """What lies below 600 Hz, at a rate `HUM_DECIMATION` times lower: [b, samples // HUM_DECIMATION]."""
    offsets = np.arange(_HUM_TAPS) - _HUM_TAPS // 2
    taps = np.sinc(offsets / HUM_DECIMATION) / HUM_DECIMATION * np.hanning(_HUM_TAPS + 2)[1:-1]
    edge = (_HUM_TAPS - HUM_DECIMATION) // 2
    padded = tf.pad(y, [[0, 0], [edge, _HUM_TAPS - HUM_DECIMATION - edge]])
    kernel = tf.constant(taps[:, np.newaxis, np.newaxis].astype(np.float32))
    return tf.nn.conv1d(padded[..., tf.newaxis], kernel, HUM_DECIMATION, "VALID")[..., 0]


def _hum_bins() -> np.ndarray:
    """Bins that each multiple of the mains may lie in, [multiples, bins]; the outer ones are there more than once."""
    multiples = np.outer(MAINS_HZ, np.arange(1, HUM_HARMONICS + 1)).reshape(-1, 1)
    centres = multiples * HUM_N_FFT * HUM_DECIMATION / RATE
    furthest = np.ceil(MAINS_DRIFT * centres + 0.5)
    widest = int(furthest.max())
    return (np.rint(centres) + np.clip(np.arange(-widest, widest + 1), -furthest, furthest)).astype(np.int64)


def _hum(y: tf.Tensor) -> tf.Tensor:
    """How far the multiples of 50 and of 60 Hz stand out of what never stops, and the mean of what stands out at all:
    [b, frames, SLOW].
    """
    at = _hum_bins()
    hop = FRAME_LENGTH // HUM_DECIMATION
    spectrum = _spectrum(_decimated(y), HUM_N_FFT, hop)[..., : int(at.max()) + _AROUND_LINE[1] + 1]
    power = _log10(tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum)) + _POWER_FLOOR)
    eroded = -tf.nn.max_pool1d(-power, HUM_MEMORY, 1, "SAME")
    lasting = tf.nn.max_pool1d(eroded, HUM_MEMORY, 1, "SAME")
    bins = tf.reshape(lasting, [-1, spectrum.shape[-1], 1])
    inner, outer = (2 * width + 1 for width in _AROUND_LINE)
    wide, near = (size * tf.nn.avg_pool1d(bins, size, 1, "SAME") for size in (outer, inner))
    above = lasting - tf.reshape((wide - near) / (outer - inner), tf.shape(lasting))
    lines = tf.reduce_max(tf.gather(above, at, axis=-1), axis=-1)
    return tf.concat([lines, tf.reduce_mean(tf.nn.relu(above), axis=-1, keepdims=True)], axis=-1)
