"""The constants that both twins of the spectra share: window, mel matrix, cosine transform, number of frames."""

from functools import cache

import librosa
import numpy as np
import scipy.fft
import scipy.signal

# The front end of musicnn (Pons and Serra 2019), the default everywhere.
SAMPLE_RATE = 16_000
N_FFT = 512
HOP_LENGTH = 256
N_MELS = 96
LOG_GAIN = 10_000.0


@cache
def hann(n_fft: int) -> np.ndarray:
    """Periodic Hann window: np.ndarray [n_fft], float32."""
    window = scipy.signal.get_window("hann", n_fft, fftbins=True).astype(np.float32)
    window.setflags(write=False)
    return window


@cache
def mel_matrix(
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    n_mels: int = N_MELS,
    f_min: float = 0.0,
    f_max: float | None = None,
) -> np.ndarray:
    """Slaney's mel filters, each of unit area: ``power @ mel_matrix()`` is librosa's mel spectrogram.

    Parameters
    ----------
    sample_rate, f_min, f_max : Hz; ``f_max`` is half the sample rate where None

    Returns
    -------
    np.ndarray [n_fft // 2 + 1, n_mels], float32
    """
    matrix = np.ascontiguousarray(
        librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max, dtype=np.float32).T
    )
    matrix.setflags(write=False)
    return matrix


@cache
def cosine_matrix(n_mels: int, n_mfcc: int) -> np.ndarray:
    """The first ``n_mfcc`` rows of the orthonormal DCT-II: np.ndarray [n_mels, n_mfcc], float32."""
    transform = scipy.fft.dct(np.eye(n_mels), type=2, norm="ortho", axis=1)
    matrix = np.ascontiguousarray(transform[:, :n_mfcc], dtype=np.float32)
    matrix.setflags(write=False)
    return matrix


def frame_count(samples: int, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH, center: bool = True) -> int:
    """How many frames a signal has: the last one is whole, and centred frames begin half a frame before the signal."""
    padded = samples + (n_fft // 2 * 2 if center else 0)
    return max((padded - n_fft) // hop_length + 1, 0)
