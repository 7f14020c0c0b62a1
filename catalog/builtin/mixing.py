"""The studio: equaliser, room, compressor, and a level that says nothing about the music.

Voice and accompaniment take the same path, and the compressor's gain follows their sum: what comes out still adds up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from catalog.builtin.artists import Studio
from catalog.builtin.oscillators import SAMPLE_RATE, Sound

_BLOCK = 64
FULL_SCALE = 32_767


@dataclass(frozen=True)
class Master:
    """How one song is finished, drawn apart from everything that its tags say.

    Attributes
    ----------
    level_dbfs : RMS of the mix.
    crest_db : peaks are held to this much above the RMS, or to -0.5 dBFS.
    high_cut_hz : corner of the low-pass.
    hiss_dbfs : noise of the tape, up to the low-pass.
    """

    level_dbfs: float
    crest_db: float
    high_cut_hz: float
    hiss_dbfs: float


def draw_master(rng: np.random.Generator) -> Master:
    """Draw how a song is finished."""
    return Master(
        level_dbfs=float(rng.uniform(-24, -15)),
        crest_db=float(rng.uniform(9.5, 13.5)),
        high_cut_hz=float(np.exp(rng.uniform(np.log(6500), np.log(18000)))),
        hiss_dbfs=float(rng.uniform(-78, -60)),
    )


def master(
    accompaniment: Sound, voice: Sound, voice_rate: int, studio: Studio, settings: Master, rng: np.random.Generator
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Finish a song.

    Parameters
    ----------
    accompaniment : np.ndarray [shape=(2, n)] at 44.1 kHz
    voice : np.ndarray [shape=(m,)] at `voice_rate`, which divides 44.1 kHz

    Returns
    -------
    vocals, accompaniment : np.ndarray [shape=(2, n)], PCM16. Their sum is the mix and stays within PCM16.
    """
    count = accompaniment.shape[1]
    ratio = SAMPLE_RATE // voice_rate
    length = 2 * ratio * next_fast_len(-(-(count + SAMPLE_RATE // 2) // (2 * ratio)))
    tone, room = _tone(length, studio, settings), _room(length // ratio, voice_rate, studio, rng)
    low = slice(room.shape[1])
    hiss = _rms(accompaniment) * 10 ** ((settings.hiss_dbfs - settings.level_dbfs) / 20)
    tape = rng.standard_normal((count,), dtype=np.float32) * np.float32(hiss)
    band: NDArray[np.complex64] = rfft(accompaniment + np.stack([tape, tape[::-1]]), n=length)
    band *= tone
    band[:, low] += 0.5 * (band[:1, low] + band[1:, low]) * room
    # Zeros above the voice's own band bring it to 44.1 kHz.
    sung: NDArray[np.complex64] = np.zeros((2, length // 2 + 1), np.complex64)
    sung[:, low] = (rfft(voice, n=length // ratio)[low] * (ratio * tone[low])) * (1 + room)
    music, vocals = irfft(band, n=length)[:, :count], irfft(sung, n=length)[:, :count]
    mix = music + vocals
    level, loudness = 10 ** (settings.level_dbfs / 20), _rms(mix)
    gain = np.float32(level / loudness * FULL_SCALE) * _compressor((mix, vocals, music), loudness, settings, level)
    vocals *= gain
    music *= gain
    return np.rint(vocals, out=vocals).astype(np.int16), np.rint(music, out=music).astype(np.int16)


def _tone(length: int, studio: Studio, settings: Master) -> NDArray[np.float32]:
    """Magnitude of the equaliser for a transform of `length`: slope, high-pass, low-pass."""
    f = np.linspace(0, SAMPLE_RATE / 2, 8192)
    slope = 10 ** (studio.slope_db * np.log2(np.clip(f, 40, 16000) / 1000) / 20)
    low = 1 / np.sqrt(1 + (studio.low_cut_hz / np.maximum(f, 1e-3)) ** 4)
    high = 1 / np.sqrt(1 + (f / settings.high_cut_hz) ** 16)
    bins = length // 2 + 1
    return np.interp(np.linspace(0, len(f) - 1, bins), np.arange(len(f)), slope * low * high).astype(np.float32)


def _room(length: int, sample_rate: int, studio: Studio, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Spectrum [2, length // 2] of a room's response: dark noise that dies away, after 15 ms."""
    start, count = round(0.015 * sample_rate), round(min(studio.reverb_s, 1.5) * sample_rate)
    t = np.arange(count, dtype=np.float32) / sample_rate
    tail = rng.standard_normal((2, count), dtype=np.float32) * np.exp(t * np.float32(-6.9 / studio.reverb_s))
    tail = uniform_filter1d(tail, 3, axis=1)
    tail *= np.float32(10 ** (studio.wet_db / 20) / np.sqrt(np.sum(np.square(tail[0]))))
    response = np.zeros((2, length), np.float32)
    response[:, start : start + count] = tail[:, : length - start]
    return np.asarray(rfft(response)[:, :-1], np.complex64)


def _compressor(signals: Sequence[Sound], rms: float, settings: Master, level: float) -> Sound:
    """Gain [samples] that holds the peaks of all `signals` [2, samples]; `rms` is that of the first, the mix."""
    ceiling = rms * min(10 ** (settings.crest_db / 20), 0.94 / level)
    count = signals[0].shape[1]
    blocks = -(-count // _BLOCK)
    envelope = np.zeros(blocks * _BLOCK, np.float32)
    for channel in (channel for signal in signals for channel in signal):
        np.maximum(envelope[:count], np.abs(channel), out=envelope[:count])
    peaks = maximum_filter1d(envelope.reshape(blocks, _BLOCK).max(axis=1), 15)
    gain = uniform_filter1d(np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)), 11)
    step = np.diff(gain, append=gain[-1:])
    ramp = np.arange(_BLOCK, dtype=np.float32) / np.float32(_BLOCK)
    y_gain: Sound = (gain[:, None] + step[:, None] * ramp).reshape(-1)[:count]
    return y_gain


def _rms(y: Sound) -> float:
    return float(np.sqrt(np.dot(y.ravel(), y.ravel()) / y.size)) + 1e-9
