"""What a separator is put beside: nothing at all, REPET-SIM, and the best that its mask could do.

All take and give np.ndarray [..., channels, samples], float32; a separation is [2, channels, samples], vocals first.
"""

import librosa
import numpy as np
import tensorflow as tf

from audio.masks import apply_mask, ideal_ratio_mask
from audio.spectra import istft
from benchmarks.report import BenchmarkError
from trainers.separation.features import fft_size, hop_length, spectrum

SIMILAR_S = 2.0
"""REPET-SIM looks for similar frames at least this far away, so that a held note is not its own repetition."""
HIGH_PASS_HZ = 100.0
"""REPET's authors give what lies below to the background: voices do not reach it."""


def mixture(stems: np.ndarray) -> np.ndarray:
    """Both stems are the unprocessed mixture."""
    return np.stack([stems.sum(axis=0)] * len(stems))


def repet_sim(stems: np.ndarray, sample_rate: int) -> np.ndarray:
    """REPET-SIM (Rafii & Pardo 2012) by librosa's ``nn_filter``: what comes again elsewhere in the song is background,
    the rest is the voice.

    The repeating spectrum is the median of the most similar frames (cosine), at most the mixture; the mask is its share
    of the mixture.

    Raises
    ------
    BenchmarkError
        The song is shorter than five frames.
    """
    mix = stems.sum(axis=0)
    n_fft = fft_size(sample_rate)
    hop = hop_length(n_fft)
    if mix.shape[-1] < 4 * hop:
        raise BenchmarkError(f"a song of {mix.shape[-1] / sample_rate:.2f} s is too short for REPET-SIM")
    background = []
    for channel in mix:
        y = librosa.stft(channel, n_fft=n_fft, hop_length=hop)
        magnitude = np.abs(y)
        apart = min(round(SIMILAR_S * sample_rate / hop), (y.shape[1] - 1) // 2 - 1)  # the most that librosa takes
        repeating = librosa.decompose.nn_filter(magnitude, aggregate=np.median, metric="cosine", width=apart)
        share = np.minimum(repeating, magnitude) / np.maximum(magnitude, 1e-10)
        share[librosa.fft_frequencies(sr=sample_rate, n_fft=n_fft) < HIGH_PASS_HZ] = 1.0
        background.append(librosa.istft(share * y, hop_length=hop, n_fft=n_fft, length=mix.shape[-1]))
    return np.stack([mix - np.stack(background), np.stack(background)]).astype(np.float32)


def oracle(stems: np.ndarray, sample_rate: int) -> np.ndarray:
    """The ideal ratio mask of the true stems with the mixture's phase: what a perfect network of ours would answer."""
    n_fft = fft_size(sample_rate)
    vocals, rest = (spectrum(tf.constant(y), n_fft) for y in stems)
    y = apply_mask(ideal_ratio_mask(vocals, rest), vocals + rest)
    found = istft(y, n_fft=n_fft, hop_length=hop_length(n_fft), length=stems.shape[-1]).numpy()
    return np.stack([found, stems.sum(axis=0) - found])
