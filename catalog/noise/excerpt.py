"""One noisy recording: an excerpt of clean music, noise at the planned level, and their sum, exact to the sample."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio.errors import AudioError
from audio.files import probe, read
from audio.noises import MAKERS, chain
from audio.noises.mixing import at_snr, fill
from audio.pcm import FULL_SCALE
from catalog.noise.plan import Take

LEAST_S = 2.0
QUIETEST = 0.003
HIGHEST = 0.98
_FADE_S = 0.25
_TRIES = 4


@dataclass(frozen=True)
class Excerpt:
    """A noisy recording in 16 bits: ``noisy = clean + noise``, sample for sample.

    Attributes
    ----------
    clean, noise, noisy : np.ndarray [samples], float32, multiples of 1/32768 within full scale.
    """

    clean: np.ndarray
    noise: np.ndarray
    noisy: np.ndarray


def make_excerpt(path: Path, take: Take, *, excerpt_s: float, sample_rate: int) -> Excerpt:
    """The excerpt of a take with its noise; where the sum would clip, both are turned down alike.

    Parameters
    ----------
    path : of the source's audio
    take : what is to be done
    excerpt_s : seconds; a shorter recording is taken whole
    sample_rate : Hz, of the result; mono

    Raises
    ------
    AudioError
        A file cannot be read, is too short, or holds no stretch that is not silent.
    """
    rng = np.random.default_rng(take.seed)
    clean = _stretch(path, excerpt_s, sample_rate, (take.number, take.takes), rng)
    noise = np.zeros_like(clean)
    if take.snr_db is not None:
        noise = at_snr(clean, _noise(take, clean, sample_rate, rng), take.snr_db)
    highest = max(float(np.abs(y).max()) for y in (clean, noise, clean + noise))
    gain = min(1.0, HIGHEST / highest)
    clean, noise = (np.rint(FULL_SCALE * gain * y) / FULL_SCALE for y in (clean, noise))
    return Excerpt(clean.astype(np.float32), noise.astype(np.float32), (clean + noise).astype(np.float32))


def _noise(take: Take, clean: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of the take's kind, [samples], as loud as it comes."""
    if take.kind == chain.NAME:
        return chain.make_residual(clean, sample_rate, rng)
    if take.recording is None:
        return MAKERS[take.kind](len(clean), sample_rate, rng)
    path = take.recording.path
    duration_s = len(clean) / sample_rate
    noise = _stretch(path, duration_s, sample_rate, (0, 1), rng, least_s=0.1, quietest=1e-5)
    return fill(noise, len(clean), round(_FADE_S * sample_rate))


def _stretch(
    path: Path,
    duration_s: float,
    sample_rate: int,
    part: tuple[int, int],
    rng: np.random.Generator,
    *,
    least_s: float = LEAST_S,
    quietest: float = QUIETEST,
) -> np.ndarray:
    """Samples from the part `part[0]` of `part[1]` equal parts of a recording, mono, that are not silent."""
    info = probe(path)
    if info.duration_s < least_s:
        raise AudioError(path, f"lasts {info.duration_s:.2f} s; at least {least_s} s are needed")
    room = max(0.0, info.duration_s - duration_s)
    for _ in range(_TRIES):
        begin = room * rng.uniform(part[0], part[0] + 1) / part[1]
        y, _ = read(path, sample_rate=sample_rate, channels=1, offset_s=begin, duration_s=duration_s)
        if np.sqrt(np.mean(np.square(y))) >= quietest:
            return y[0]
    raise AudioError(path, "holds no stretch that is not silent")
