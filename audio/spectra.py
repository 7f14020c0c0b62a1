"""Short-time spectra in tf.signal: on batches, in ``tf.function``, in Transform's preprocessing and in signatures.

Conventions
-----------
Signals are ``[..., samples]`` of known rank, spectra ``[..., frames, bins]``, float32 or complex64. Frames are
windowed by a periodic Hann window. With ``center`` the signal gets half a frame of zeros at both ends, so that frame
``t`` is centred on sample ``t * hop_length``. `audio.spectra_np` computes the same without TensorFlow; both share
`audio.mel`, since tf.signal's own mel matrix is not librosa's.
"""

import tensorflow as tf

from audio.mel import HOP_LENGTH, LOG_GAIN, N_FFT, N_MELS, SAMPLE_RATE, cosine_matrix, hann, mel_matrix
from audio.spectra_np import LN_10, MFCC_FLOOR, MFCC_RANGE_DB


def stft(y: tf.Tensor, *, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH, center: bool = True) -> tf.Tensor:
    """Short-time Fourier transform.

    Parameters
    ----------
    y : tf.Tensor [..., samples], float32

    Returns
    -------
    tf.Tensor [..., frames, n_fft // 2 + 1], complex64; `audio.mel.frame_count` frames
    """
    y = tf.convert_to_tensor(y, tf.float32)
    if center:
        y = tf.pad(y, [(0, 0)] * (y.shape.rank - 1) + [(n_fft // 2, n_fft // 2)])
    frames = tf.signal.frame(y, n_fft, hop_length)
    return tf.signal.rfft(frames * tf.constant(hann(n_fft)))


def istft(
    spectrum: tf.Tensor,
    *,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    length: int | tf.Tensor,
    center: bool = True,
) -> tf.Tensor:
    """Inverse of `stft`: overlap-add of windowed frames over the sum of squared windows (Griffin and Lim 1984, eq. 6).

    Exact (2e-6) for centred frames if ``length`` is a multiple of ``hop_length``, or that at most ``n_fft // 4``. Else
    the samples at the very end, and without centring those at both ends, lie where the window is nearly zero: rounding
    is amplified there, and where it is zero or no frame reaches the samples are zeros.

    Parameters
    ----------
    spectrum : tf.Tensor [..., frames, n_fft // 2 + 1], complex64
    length : samples of the signal

    Returns
    -------
    tf.Tensor [..., length], float32
    """
    window = tf.constant(hann(n_fft))
    frames = tf.signal.irfft(spectrum, [n_fft]) * window
    y = tf.signal.overlap_and_add(frames, hop_length)
    weight = tf.signal.overlap_and_add(tf.broadcast_to(window**2, tf.shape(frames)[-2:]), hop_length)
    y = y / tf.where(weight > 1e-8, weight, tf.ones_like(weight))
    start = n_fft // 2 if center else 0
    missing = tf.maximum(start + length - tf.shape(y)[-1], 0)
    y = tf.pad(y, [(0, 0)] * (y.shape.rank - 1) + [(0, missing)])
    y = y[..., start : start + length]
    return tf.ensure_shape(y, [*spectrum.shape[:-2], length]) if isinstance(length, int) else y


def mel_spectrogram(
    y: tf.Tensor,
    *,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = N_MELS,
    center: bool = True,
) -> tf.Tensor:
    """Power in mel bands (Slaney's scale, filters of unit area, as librosa): tf.Tensor [..., frames, n_mels]."""
    spectrum = stft(y, n_fft=n_fft, hop_length=hop_length, center=center)
    power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
    return tf.matmul(power, tf.constant(mel_matrix(sample_rate, n_fft, n_mels)))


def log_mel(
    y: tf.Tensor,
    *,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = N_MELS,
    center: bool = True,
) -> tf.Tensor:
    """``log10(1 + 10000 mel)``, by default musicnn's front end (Pons and Serra 2019).

    musicnn's checkpoints were trained on features whose ends were padded by reflection, librosa's default then; here,
    as in today's librosa, they are zeros, which differs in the first and the last frame only.

    Parameters
    ----------
    y : tf.Tensor [..., samples], float32, at ``sample_rate`` Hz

    Returns
    -------
    tf.Tensor [..., frames, n_mels], float32, at least 0
    """
    power = mel_spectrogram(
        y, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, center=center
    )
    return tf.math.log1p(LOG_GAIN * power) / LN_10


def mfcc(
    y: tf.Tensor,
    *,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = N_MELS,
    n_mfcc: int = 20,
    center: bool = True,
) -> tf.Tensor:
    """Mel-frequency cepstral coefficients, as librosa's: orthonormal DCT-II of the mel power in dB.

    Levels are kept to 80 dB below the peak, which is that of each signal, so that a batch gives what its signals give
    alone.

    Returns
    -------
    tf.Tensor [..., frames, n_mfcc], float32
    """
    power = mel_spectrogram(
        y, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, center=center
    )
    level = 10.0 / LN_10 * tf.math.log(tf.maximum(power, MFCC_FLOOR))
    level = tf.maximum(level, tf.reduce_max(level, axis=[-2, -1], keepdims=True) - MFCC_RANGE_DB)
    return tf.matmul(level, tf.constant(cosine_matrix(n_mels, n_mfcc)))
