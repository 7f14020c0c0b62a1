"""One song: plan, score and sound."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catalog.builtin import voice
from catalog.builtin.ambience import AMBIENCES
from catalog.builtin.artists import Voice
from catalog.builtin.composition import compose
from catalog.builtin.drums import play_drums, pump
from catalog.builtin.instruments import play
from catalog.builtin.mixing import draw_master, master
from catalog.builtin.oscillators import SAMPLE_RATE, Sound, samples
from catalog.builtin.plan import SongPlan
from catalog.builtin.score import Score

# How hard is played and sung.
_FORCE = {"calm": -1.0, None: 0.0, "energetic": 1.0}


@dataclass(frozen=True)
class Song:
    """A song as it is written to disk.

    Attributes
    ----------
    vocals, accompaniment : np.ndarray [shape=(2, n)], PCM16 at 44.1 kHz.
    """

    plan: SongPlan
    score: Score
    vocals: NDArray[np.int16]
    accompaniment: NDArray[np.int16]

    @property
    def mix(self) -> NDArray[np.int16]:
        """The sum of the stems, exactly."""
        return self.vocals + self.accompaniment


def make_song(plan: SongPlan) -> Song:
    """Compose and play a song; the same plan makes the same song."""
    score = compose(plan)
    rng = np.random.default_rng((*plan.seed, 2))
    artist = plan.artist
    count = samples(score.duration_s)
    band = _band(plan, score, count, rng)
    sung = voice.sing(score.voice, _pressed(artist.voice, _FORCE[plan.arousal]), score.duration_s, rng)
    level = 10 ** ((artist.studio.voice_db + rng.uniform(-1, 1)) / 20) * np.sqrt(np.mean(np.square(band))) / 0.1
    vocals, accompaniment = master(
        band, sung * np.float32(level), voice.VOICE_RATE, artist.studio, draw_master(rng), rng
    )
    return Song(plan, score, vocals, accompaniment)


def _pressed(singer: Voice, force: float) -> Voice:
    """Softly sung, a voice is dark and breathy; pressed, it is bright."""
    return replace(singer, tilt=singer.tilt - 0.25 * force, breath=singer.breath * 2**-force)


def _band(plan: SongPlan, score: Score, count: int, rng: np.random.Generator) -> Sound:
    """Everything but the voice, [2, count]."""
    artist = plan.artist
    force = _FORCE[plan.arousal]
    y = np.zeros((2, count), np.float32)
    for part in score.parts:
        sound = play(part, artist.timbre, force, count, rng)
        pan = part.pan * artist.studio.width
        y[0] += sound * np.float32(np.sqrt(1 - pan))
        y[1] += sound * np.float32(np.sqrt(1 + pan))
    if plan.style == "electronic":
        y *= pump(score.hits, count, 0.75)
    y += play_drums(score.hits, artist.kit, count, rng) * np.float32(10 ** ((artist.studio.drums_db + 2 * force) / 20))
    loudness = np.sqrt(np.mean(np.square(y)))
    for theme in plan.heard:
        y += AMBIENCES[theme](count, rng) * np.float32(loudness * 10 ** (rng.uniform(-13, -8) / 20))
    return y


__all__ = ["SAMPLE_RATE", "Song", "make_song"]
