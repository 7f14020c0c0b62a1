import librosa
import numpy as np
import pytest

from audio import rhythm

RATE = rhythm.SAMPLE_RATE


def beats(bpm: float, duration_s: float = 20.0) -> np.ndarray:
    """Noise that is struck on every beat: np.ndarray [samples]."""
    t = np.arange(round(duration_s * RATE)) / RATE
    noise = np.random.default_rng(0).standard_normal(len(t))
    return (0.2 * noise * np.exp(-12 * (t % (60 / bpm)))).astype(np.float32)


@pytest.mark.parametrize("bpm", [80, 100, 120, 140])
def test_the_tempo_of_plain_beats_is_found(bpm: float) -> None:
    assert rhythm.tempo(beats(bpm)) == pytest.approx(bpm, rel=0.04)


@pytest.mark.parametrize("bpm", [90, 133])
def test_the_tempo_is_librosas(bpm: float) -> None:
    y = beats(bpm)
    theirs = librosa.feature.tempo(y=y, sr=RATE, hop_length=rhythm.HOP_LENGTH)[0]
    assert rhythm.tempo(y) == pytest.approx(theirs, rel=0.05)


@pytest.mark.parametrize("y", [np.zeros(5 * RATE, np.float32), np.ones(100, np.float32), np.zeros(0, np.float32)])
def test_silence_and_moments_have_no_tempo(y: np.ndarray) -> None:
    assert rhythm.tempo(y) == 0.0
