import numpy as np
import pytest

from audio import tonality

RATE = tonality.SAMPLE_RATE
STEPS = {"major": [0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0], "minor": [0, 2, 3, 5, 7, 8, 11, 12, 7, 3, 0]}


def scale(tonic: int, mode: str) -> np.ndarray:
    """A scale and its triad, half a second a note, from the C below middle C up: np.ndarray [samples]."""
    t = np.arange(RATE // 2) / RATE
    notes = [130.81 * 2 ** ((tonic + step) / 12) for step in STEPS[mode]]
    tones = [sum(np.sin(2 * np.pi * f * h * t) / h**2 for h in range(1, 4)) for f in notes]
    return (0.2 * np.concatenate(tones)).astype(np.float32)


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_scale_is_found(tonic: int, mode: str) -> None:
    assert tonality.key(scale(tonic, mode)) == f"{tonality.NAMES[tonic]} {mode}"


@pytest.mark.parametrize("key", range(24))
def test_a_profile_is_its_own_key_at_any_level(key: int) -> None:
    profile = np.roll(tonality.MAJOR if key < 12 else tonality.MINOR, key % 12)
    assert tonality.key_of(profile) == tonality.key_of(7 * profile + 3) == tonality.KEYS[key]


@pytest.mark.parametrize("y", [np.zeros(5 * RATE, np.float32), np.ones(100, np.float32), np.zeros(0, np.float32)])
def test_silence_and_moments_have_no_key(y: np.ndarray) -> None:
    assert tonality.key(y) is None


def test_equal_classes_have_no_key() -> None:
    assert tonality.key_of(np.ones(12)) is None
