"""Short-time spectra in numpy and scipy, the twins of `audio.spectra` for code that must not import TensorFlow.

Conventions
-----------
Signals are ``[..., samples]``, spectra ``[..., frames, bins]``, as in tf.signal (librosa has bins before frames).
Frames are windowed by a periodic Hann window. With ``center`` the signal gets half a frame of zeros at both ends, so
that frame ``t`` is centred on sample ``t * hop_length``. All is float32 or complex64.
"""

import numpy as np
import scipy.fft

from audio.mel import (
    HOP_LENGTH,
    LOG_GAIN,
    N_FFT,
    N_MELS,
    SAMPLE_RATE,
    cosine_matrix,
    frame_count,
    hann,
    mel_matrix,
)

LN_10 = 2.302585092994046
MFCC_RANGE_DB = 80.0
MFCC_FLOOR = 1e-10


def stft(y: np.ndarray, *, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH, center: bool = True) -> np.ndarray:
    """Short-time Fourier transform.

    Parameters
    ----------
    y : np.ndarray [..., samples], float

    Returns
    -------
    np.ndarray [..., frames, n_fft // 2 + 1], complex64; `audio.mel.frame_count` frames
    """
    y = np.asarray(y, np.float32)
    if center:
        y = np.pad(y, [(0, 0)] * (y.ndim - 1) + [(n_fft // 2, n_fft // 2)])
    if y.shape[-1] < n_fft:
        return np.zeros((*y.shape[:-1], 0, n_fft // 2 + 1), np.complex64)
    frames = np.lib.stride_tricks.sliding_window_view(y, n_fft, axis=-1)[..., ::hop_length, :]
    return scipy.fft.rfft(frames * hann(n_fft), axis=-1)


def istft(
    spectrum: np.ndarray, *, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH, length: int, center: bool = True
) -> np.ndarray:
    """Inverse of `stft`: overlap-add of windowed frames over the sum of squared windows (Griffin and Lim 1984, eq. 6).

    Exact (2e-6) for centred frames if ``length`` is a multiple of ``hop_length``, or that at most ``n_fft // 4``. Else
    the samples at the very end, and without centring those at both ends, lie where the window is nearly zero: rounding
    is amplified there, and where it is zero or no frame reaches the samples are zeros.

    Parameters
    ----------
    spectrum : np.ndarray [..., frames, n_fft // 2 + 1], complex
    length : samples of the signal

    Returns
    -------
    np.ndarray [..., length], float32
    """
    window = hann(n_fft)
    frames = scipy.fft.irfft(spectrum.astype(np.complex64), n=n_fft, axis=-1) * window
    count = frames.shape[-2]
    start = n_fft // 2 if center else 0
    total = max((count - 1) * hop_length + n_fft, start + length)
    y = np.zeros((*frames.shape[:-2], total), np.float32)
    weight = np.zeros(total, np.float32)
    for t in range(count):
        span = slice(t * hop_length, t * hop_length + n_fft)
        y[..., span] += frames[..., t, :]
        weight[span] += window**2
    return (y / np.where(weight > 1e-8, weight, 1.0))[..., start : start + length]


def mel_spectrogram(
    y: np.ndarray,
    *,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = N_MELS,
    center: bool = True,
) -> np.ndarray:
    """Power in mel bands (Slaney's scale, filters of unit area, as librosa): np.ndarray [..., frames, n_mels]."""
    spectrum = stft(y, n_fft=n_fft, hop_length=hop_length, center=center)
    return (spectrum.real**2 + spectrum.imag**2) @ mel_matrix(sample_rate, n_fft, n_mels)


def log_mel(
    y: np.ndarray,
    *,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = N_MELS,
    center: bool = True,
) -> np.ndarray:
    """``log10(1 + 10000 mel)``, by default musicnn's front end (Pons and Serra 2019).

    Parameters
    ----------
    y : np.ndarray [..., samples], float, at ``sample_rate`` Hz

    Returns
    -------
    np.ndarray [..., frames, n_mels], float32, at least 0
    """
    power = mel_spectrogram(
        y, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, center=center
    )
    return np.log1p(np.float32(LOG_GAIN) * power) / np.float32(LN_10)


def mfcc(
    y: np.ndarray,
    *,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    n_mels: int = N_MELS,
    n_mfcc: int = 20,
    center: bool = True,
) -> np.ndarray:
    """Mel-frequency cepstral coefficients, as librosa's: orthonormal DCT-II of the mel power in dB.

    Levels are kept to 80 dB below the peak, which is that of each signal, so that a batch gives what its signals give
    alone.

    Returns
    -------
    np.ndarray [..., frames, n_mfcc], float32
    """
    power = mel_spectrogram(
        y, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, center=center
    )
    level = 10 * np.log10(np.maximum(power, np.float32(MFCC_FLOOR)))
    level = np.maximum(level, level.max(axis=(-2, -1), keepdims=True, initial=-np.inf) - MFCC_RANGE_DB)
    return level.astype(np.float32) @ cosine_matrix(n_mels, n_mfcc)


__all__ = ["frame_count", "istft", "log_mel", "mel_matrix", "mel_spectrogram", "mfcc", "stft"]
