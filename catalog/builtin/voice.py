"""A singing voice: source and filter.

The source is a glottal pulse on the melody's pitch (portamento, vibrato, drift) plus noise; the filter is the mouth,
which moves from phoneme to phoneme. Consonants start on the beat, the vowel takes the rest of the syllable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.ndimage import gaussian_filter1d

from catalog.builtin.artists import Voice
from catalog.builtin.formants import PHONEMES, Sounding, log_response
from catalog.builtin.oscillators import Sound, play_table, wave_table
from catalog.builtin.score import SungNote
from catalog.builtin.theory import hertz

VOICE_RATE = 22_050
_HOP, _FRAME, _N_FFT = 256, 512, 1024
_CONTROL_HZ = 200
CONSONANTS_SHARE = 0.55
"""Of a syllable, at most this much is consonants."""


@dataclass(frozen=True)
class _Stretch:
    """A sounding from `start_s` to `end_s`."""

    sounding: Sounding
    start_s: float
    end_s: float
    velocity: float


def sing(notes: Sequence[SungNote], voice: Voice, duration_s: float, rng: np.random.Generator) -> Sound:
    """Sing a melody.

    Returns
    -------
    y : np.ndarray [shape=(n,)]
        Mono at `VOICE_RATE`, n = round(duration_s * VOICE_RATE), RMS about 0.1 while singing; silent without notes.
    """
    count = round(duration_s * VOICE_RATE)
    if not notes:
        return np.zeros(count, np.float32)
    stretches = [stretch for note in notes for stretch in _stretches(note)]
    source = _source(stretches, _pitch_hz(notes, voice, duration_s, rng), voice, count, rng)
    y = _mouth(source, stretches, voice)
    sung = np.abs(y) > 1e-4
    return y * np.float32(0.1 / np.sqrt(np.mean(np.square(y[sung])) + 1e-12))


def _stretches(note: SungNote) -> list[_Stretch]:
    """Share a syllable's time among its phonemes."""
    syllable = note.syllable
    soundings = [part for name in (*syllable.onset, syllable.vowel, *syllable.coda) for part in PHONEMES[name]]
    consonants_s = sum(part.duration_s or 0.0 for part in soundings)
    squeeze = min(1.0, CONSONANTS_SHARE * note.duration_s / consonants_s) if consonants_s else 1.0
    at, stretches = note.start_s, []
    for part in soundings:
        length = note.duration_s - consonants_s * squeeze if part.duration_s is None else part.duration_s * squeeze
        stretches.append(_Stretch(part, at, at + length, note.velocity))
        at += length
    return stretches


def _pitch_hz(
    notes: Sequence[SungNote], voice: Voice, duration_s: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Pitch at `_CONTROL_HZ`: steps, smoothed into glides, with vibrato on long notes and a little drift."""
    t = np.arange(int(duration_s * _CONTROL_HZ) + 2) / _CONTROL_HZ
    starts = np.array([note.start_s for note in notes])
    index = np.clip(np.searchsorted(starts, t, side="right") - 1, 0, len(notes) - 1)
    midi = gaussian_filter1d(
        np.array([note.midi for note in notes], float)[index], voice.glide_s * _CONTROL_HZ, mode="nearest"
    )
    held = np.clip((t - starts[index] - 0.12) / 0.25, 0, 1)
    vibrato = held * np.sin(2 * np.pi * voice.vibrato_hz * t + rng.uniform(0, 6)) * voice.vibrato_cents / 100
    drift = gaussian_filter1d(rng.standard_normal(len(t)), 8) * 0.25
    return hertz(0.0) * np.exp2((midi + vibrato + drift) / 12)


def _source(
    stretches: Sequence[_Stretch], pitch_hz: NDArray[np.float64], voice: Voice, count: int, rng: np.random.Generator
) -> Sound:
    """Glottal pulse and noise, each with the level that the phonemes ask for."""
    control = np.arange(len(pitch_hz)) / _CONTROL_HZ
    voiced, noisy = np.zeros(len(control)), np.zeros(len(control))
    for stretch in stretches:
        inside = slice(*np.searchsorted(control, (stretch.start_s, stretch.end_s)))
        voiced[inside] = stretch.sounding.voiced * stretch.velocity
        noisy[inside] = stretch.sounding.noise * stretch.velocity
    voiced, noisy = gaussian_filter1d(voiced, 1.6), gaussian_filter1d(noisy, 1.0)
    t = np.arange(count) / VOICE_RATE
    harmonics = np.arange(1, int(np.clip(9000 / pitch_hz.max(), 4, 60)) + 1)
    pulse = play_table(wave_table(harmonics**-voice.tilt), np.interp(t, control, pitch_hz), VOICE_RATE)
    air = rng.standard_normal(count, dtype=np.float32)
    y = np.interp(t, control, voiced) * pulse + np.interp(t, control, noisy * 0.35 + voiced * 0.15 * voice.breath) * air
    return y.astype(np.float32)


def _mouth(source: Sound, stretches: Sequence[_Stretch], voice: Voice) -> Sound:
    """Filter frame by frame with the formants of the moment (overlap-add of Hann windows, which sum to one)."""
    frames = len(source) // _HOP + 1
    padded = np.zeros((frames + 1) * _HOP, np.float32)
    padded[_HOP : _HOP + len(source)] = source[: frames * _HOP]
    soundings = sorted({stretch.sounding for stretch in stretches}, key=repr)
    frequencies = np.linspace(0.0, VOICE_RATE / 2, _N_FFT // 2 + 1, dtype=np.float64)
    responses = np.stack([log_response(sounding, voice.tract, frequencies) for sounding in soundings])
    weights = np.zeros((frames, len(soundings)), np.float32)
    centre_s = np.arange(frames) * _HOP / VOICE_RATE
    chosen = np.searchsorted([stretch.start_s for stretch in stretches], centre_s, side="right") - 1
    numbers = np.array([soundings.index(stretch.sounding) for stretch in stretches])
    weights[np.arange(frames), numbers[np.clip(chosen, 0, None)]] = 1
    weights = gaussian_filter1d(weights, 0.9, axis=0)
    gain = np.exp(weights @ responses)
    window = np.hanning(_FRAME + 1)[:_FRAME].astype(np.float32)
    blocks = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP][:frames]
    # Half the transform is room on both sides for the filter's symmetric response.
    spaced = np.zeros((frames, _N_FFT), np.float32)
    spaced[:, _FRAME // 2 : _FRAME // 2 + _FRAME] = blocks * window
    filtered = irfft(rfft(spaced) * gain, n=_N_FFT)
    y = np.zeros((frames + 4) * _HOP, np.float32)
    for part in range(_N_FFT // _HOP):
        y[part * _HOP : (part + frames) * _HOP] += filtered[:, part * _HOP : (part + 1) * _HOP].reshape(-1)
    start = _FRAME // 2 + _HOP
    return y[start : start + len(source)]
