"""The twins agree with each other and with librosa to float32 rounding: 1e-5 for spectra and signals, 1e-4 for
logarithms.
"""

import librosa
import numpy as np
import pytest
import tensorflow as tf

from audio import spectra, spectra_np
from tests.audio.signals import song

RATE = 16_000
Y = song(1.0, RATE)
SIZES = [(512, 256), (2048, 512)]


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("n_fft", "hop_length"), SIZES)
def test_both_twins_give_the_same(n_fft: int, hop_length: int, center: bool) -> None:
    options = {"n_fft": n_fft, "hop_length": hop_length, "center": center}
    spectrum = spectra_np.stft(Y, **options)
    np.testing.assert_allclose(spectra.stft(Y, **options), spectrum, atol=1e-5 * np.abs(spectrum).max())
    np.testing.assert_allclose(spectra.log_mel(Y, **options), spectra_np.log_mel(Y, **options), atol=1e-4)
    np.testing.assert_allclose(spectra.mfcc(Y, **options), spectra_np.mfcc(Y, **options), atol=2e-3)
    np.testing.assert_allclose(
        spectra.istft(spectrum, length=RATE, **options)[:, 50:-2100],
        spectra_np.istft(spectrum, length=RATE, **options)[:, 50:-2100],
        atol=1e-5,
    )


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("n_fft", "hop_length"), SIZES)
def test_spectra_equal_librosas(n_fft: int, hop_length: int, center: bool) -> None:
    options = {"n_fft": n_fft, "hop_length": hop_length, "center": center}
    mels = {"sr": RATE, "n_mels": 96, **options}
    spectrum = librosa.stft(Y, **options)
    np.testing.assert_allclose(spectra.stft(Y, **options), spectrum.mT, atol=1e-5 * np.abs(spectrum).max())
    power = librosa.feature.melspectrogram(y=Y, **mels)
    np.testing.assert_allclose(spectra.mel_spectrogram(Y, **options), power.mT, atol=1e-5 * power.max())
    np.testing.assert_allclose(spectra.log_mel(Y, **options), np.log10(10_000 * power + 1).mT, atol=1e-4)
    for y in Y:  # librosa's floor is below the peak of the whole batch
        np.testing.assert_allclose(
            spectra.mfcc(y, n_mfcc=13, **options), librosa.feature.mfcc(y=y, n_mfcc=13, **mels).T, atol=2e-3
        )


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("n_fft", "hop_length"), SIZES)
def test_the_inverse_of_a_changed_spectrum_equals_librosas(n_fft: int, hop_length: int, center: bool) -> None:
    options = {"n_fft": n_fft, "hop_length": hop_length, "center": center}
    spectrum = librosa.stft(Y, **options)
    spectrum *= np.random.default_rng(0).random(spectrum.shape, np.float32)  # of no signal: frames disagree
    theirs = librosa.istft(spectrum, length=RATE, **options)[:, 50:-2100]
    for twin in (spectra, spectra_np):
        ours = twin.istft(spectrum.mT, length=RATE, **options)[:, 50:-2100]
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("n_fft", "hop_length", "samples"), [(512, 256, 512), (2048, 512, 1), (2048, 512, 5001)])
def test_the_inverse_gives_back_every_sample(n_fft: int, hop_length: int, samples: int) -> None:
    y = np.random.default_rng(samples).uniform(-1, 1, (2, 3, samples)).astype(np.float32)
    spectrum = spectra.stft(y, n_fft=n_fft, hop_length=hop_length)
    again = spectra.istft(spectrum, n_fft=n_fft, hop_length=hop_length, length=samples)
    np.testing.assert_allclose(again, y, atol=2e-6)


def test_lengths_and_batches_may_be_unknown_in_a_graph() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def features(y: tf.Tensor) -> tf.Tensor:
        assert spectra.istft(spectra.stft(y), length=tf.shape(y)[-1]).shape.rank == 2
        return spectra.log_mel(y)

    for samples in (100, 3000):
        y = Y[:, :samples]
        np.testing.assert_allclose(features(y), spectra_np.log_mel(y), atol=1e-4)


def test_shapes_are_static_where_the_length_is() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, RATE], tf.float32)])
    def features(y: tf.Tensor) -> tf.Tensor:
        mel = spectra.log_mel(y)
        assert mel.shape.as_list() == [None, 63, 96]
        assert spectra.mfcc(y, n_mfcc=13).shape.as_list() == [None, 63, 13]
        assert spectra.istft(spectra.stft(y), length=RATE).shape.as_list() == [None, RATE]
        return mel

    assert features(Y).shape == (2, 63, 96)


def test_gradients_flow_through_the_log_mel() -> None:
    y = tf.Variable(Y[:, :2000])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(spectra.log_mel(y))
    gradient = tape.gradient(loss, y)
    assert np.all(np.isfinite(gradient))
    assert np.abs(gradient).max() > 0


def test_a_saved_model_holds_the_mel_matrix(tmp_path) -> None:
    module = tf.Module()
    module.features = tf.function(spectra.log_mel, input_signature=[tf.TensorSpec([None, None], tf.float32)])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(loaded.features(tf.constant(Y)), spectra_np.log_mel(Y), atol=1e-4)
