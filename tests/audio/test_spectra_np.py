"""Against librosa: 1e-5 of the largest value for complex spectra, 1e-4 for logarithms (float32 rounding)."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio import spectra_np as spectra
from audio.mel import frame_count, mel_matrix
from tests.audio.signals import sine, song

RATE = 16_000
SIGNALS = {"song": song(1.0, RATE)[0], "sine": sine(440, 0.5, RATE)[0], "silence": np.zeros(5000, np.float32)}
SIZES = [(512, 256), (512, 128), (2048, 512), (1024, 1024)]


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("n_fft", "hop_length"), SIZES)
@pytest.mark.parametrize("name", SIGNALS)
def test_stft_equals_librosa(name: str, n_fft: int, hop_length: int, center: bool) -> None:
    y = SIGNALS[name]
    ours = spectra.stft(y, n_fft=n_fft, hop_length=hop_length, center=center)
    theirs = librosa.stft(y, n_fft=n_fft, hop_length=hop_length, center=center).T
    assert ours.dtype == np.complex64
    assert ours.shape == theirs.shape == (frame_count(len(y), n_fft, hop_length, center), n_fft // 2 + 1)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * max(np.abs(theirs).max(), 1))


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("name", SIGNALS)
def test_log_mel_equals_musicnns_front_end(name: str, center: bool) -> None:
    mel = librosa.feature.melspectrogram(y=SIGNALS[name], sr=RATE, n_fft=512, hop_length=256, n_mels=96, center=center)
    ours = spectra.log_mel(SIGNALS[name], center=center)
    np.testing.assert_allclose(ours, np.log10(10_000 * mel + 1).T, atol=1e-4)


@pytest.mark.parametrize("name", SIGNALS)
def test_mfcc_equals_librosa(name: str) -> None:
    theirs = librosa.feature.mfcc(y=SIGNALS[name], sr=RATE, n_fft=512, hop_length=256, n_mels=96, n_mfcc=13)
    np.testing.assert_allclose(spectra.mfcc(SIGNALS[name], n_mfcc=13), theirs.T, atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(
    samples=st.integers(1, 4000),
    n_fft=st.sampled_from([64, 256, 512]),
    overlap=st.sampled_from([4, 8]),
    batch=st.sampled_from([(), (2,), (2, 3)]),
)
def test_the_inverse_gives_back_every_sample(samples: int, n_fft: int, overlap: int, batch: tuple[int, ...]) -> None:
    y = np.random.default_rng(samples).uniform(-1, 1, (*batch, samples)).astype(np.float32)
    spectrum = spectra.stft(y, n_fft=n_fft, hop_length=n_fft // overlap)
    again = spectra.istft(spectrum, n_fft=n_fft, hop_length=n_fft // overlap, length=samples)
    np.testing.assert_allclose(again, y, atol=2e-6)


def test_at_half_a_frame_whole_hops_are_given_back() -> None:
    y = np.random.default_rng(0).uniform(-1, 1, (3, 1024)).astype(np.float32)
    np.testing.assert_allclose(spectra.istft(spectra.stft(y), length=1024), y, atol=2e-6)


def test_without_centring_the_inverse_is_exact_but_at_the_ends() -> None:
    y = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    again = spectra.istft(spectra.stft(y, center=False), length=1000, center=False)
    np.testing.assert_allclose(again[50:700], y[50:700], atol=1e-5)
    assert np.all(again[768:] == 0)


@settings(max_examples=20, deadline=None)
@given(a=st.floats(-2, 2), b=st.floats(-2, 2))
def test_stft_is_linear(a: float, b: float) -> None:
    x, y = SIGNALS["song"][:8000], SIGNALS["sine"]
    mixed = spectra.stft((a * x + b * y).astype(np.float32))
    np.testing.assert_allclose(mixed, a * spectra.stft(x) + b * spectra.stft(y), atol=1e-4)


def test_power_of_the_frames_is_the_energy_of_the_signal() -> None:
    """Parseval: with a Hann window and 50 % overlap of sqrt windows the sum of squares is known."""
    y = SIGNALS["song"]
    spectrum = spectra.stft(y, n_fft=512, hop_length=128)
    power = np.abs(spectrum) ** 2
    energy = (power[:, 0] + 2 * power[:, 1:-1].sum(axis=1) + power[:, -1]).sum() / 512
    assert energy == pytest.approx(1.5 * np.sum(y**2), rel=1e-3)  # sum of squared Hann windows at a quarter hop is 3/2


def test_a_batch_gives_what_its_signals_give_alone() -> None:
    quiet, loud = 0.001 * SIGNALS["song"], SIGNALS["song"]
    for function in (spectra.stft, spectra.log_mel, spectra.mfcc):
        both = function(np.stack([quiet, loud]))
        np.testing.assert_allclose(both[0], function(quiet), atol=1e-4)
        np.testing.assert_allclose(both[1], function(loud), atol=1e-4)


def test_log_mel_grows_with_the_level_and_is_zero_for_silence() -> None:
    assert np.all(spectra.log_mel(SIGNALS["silence"]) == 0)
    assert np.all(spectra.log_mel(2 * SIGNALS["song"]) >= spectra.log_mel(SIGNALS["song"]))


def test_a_signal_below_one_frame_has_no_frames() -> None:
    assert spectra.log_mel(np.zeros((2, 100), np.float32), center=False).shape == (2, 0, 96)
    assert spectra.log_mel(np.zeros((2, 100), np.float32)).shape == (2, 1, 96)


def test_the_mel_matrix_is_shared_and_cannot_be_changed() -> None:
    assert mel_matrix() is mel_matrix()
    with pytest.raises(ValueError, match="read-only"):
        mel_matrix()[0, 0] = 1
