"""One damaged recording: an excerpt, its damage in the order in which the world does it, and what is heard where."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio.damage import bursts, clicks, clipping, dropouts, hum, transmission
from audio.damage.regions import Damaged, Region, rms, shifted
from audio.damage.streams import Codec
from audio.errors import AudioError
from audio.files import probe, read
from catalog.damage.plan import Take
from catalog.recording import Event

LEAST_S = 3.0
SLACK_S = 1.5  # more than lost packets ever take away, so that length says nothing of them
LEAST_EVENT_S = 0.02
JOINED_S = 0.15
QUIETEST = 0.003
HEALTHY = 0.3
BARE = 0.4
COMPRESSION = (0.1, 0.8)
BEGINNINGS, ENDS = 1 / 8, 1 / 8
_TRIES = 4
_EDGE_S = 0.005

Damage = Callable[[np.ndarray, int, np.random.Generator], Damaged]


@dataclass(frozen=True)
class Excerpt:
    """A damaged recording.

    Attributes
    ----------
    y : np.ndarray [samples], float32.
    sample_rate : Hz.
    events : in order of their onset; those of one defect less than `JOINED_S` apart are one, and none is shorter than
        `LEAST_EVENT_S`, so that a click has a length.
    """

    y: np.ndarray
    sample_rate: int
    events: tuple[Event, ...]


def make_excerpt(path: Path, take: Take, *, excerpt_s: float, codecs: tuple[str, ...]) -> Excerpt:
    """The excerpt of a take with its damage.

    The chain is that of a recording's life: overload, hum, scratches and bad cables, then storage or a network, then a
    player that stalls. `HEALTHY` of those that no transmission damages went through a codec unharmed, so that a codec's
    own sound tells nothing; `BARE` of the lossy ones lost bare samples. `BEGINNINGS` of the takes begin where the
    recording begins, and `ENDS`, unless a transmission damages them, end where it ends: silence before the first note
    and behind the last is no dropout.

    Parameters
    ----------
    path : of the source's audio
    take : what is to be done
    excerpt_s : seconds; of a recording that is not `SLACK_S` longer, what is left without as much
    codecs : names that may be drawn (`audio.damage.streams.codecs`)

    Raises
    ------
    AudioError
        The file cannot be read, is too short, or holds no stretch that is neither silent nor clipped by itself.
    DaCapoError
        A codec fails.
    """
    rng = np.random.default_rng(take.seed)
    y, rate = _stretch(path, take, excerpt_s + SLACK_S, rng)
    length = len(y) - round(SLACK_S * rate)
    wanted = set(take.defects)
    regions: tuple[Region, ...] = ()

    def apply(damage: Damage) -> None:
        nonlocal y, regions
        done = damage(y, rate, rng)
        y = done.y
        regions = (*shifted(regions, done.removals), *done.regions)

    early: tuple[tuple[str, Damage], ...] = (
        (clipping.NAME, clipping.add_clipping),
        (hum.NAME, hum.add_hum),
        (clicks.NAME, clicks.add_clicks),
        (bursts.NAME, bursts.add_bursts),
    )
    for name, damage in early:
        if name in wanted:
            apply(damage)
    codec = Codec(str(rng.choice(codecs)), rate, float(rng.uniform(*COMPRESSION)))
    if transmission.CODEC in wanted:
        apply(lambda y, rate, rng: transmission.garbled(y, codec, rng))
    if transmission.SKIP in wanted:
        if rng.random() < BARE:
            apply(transmission.lossy_pcm)
        else:
            apply(lambda y, rate, rng: transmission.lossy(y, codec, rng))
    elif transmission.CODEC not in wanted and rng.random() < HEALTHY:
        y = transmission.coded(y, codec)
    if dropouts.NAME in wanted:
        apply(dropouts.add_dropouts)
    y = np.clip(y[:length], -1.0, 1.0)
    return Excerpt(y, rate, events_of(regions, len(y), rate))


def _stretch(path: Path, take: Take, excerpt_s: float, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Samples of the recording, mono, that are not silent and not clipped by themselves; the last `SLACK_S` are to
    spare.
    """
    info = probe(path)
    if info.duration_s < LEAST_S:
        raise AudioError(path, f"lasts {info.duration_s:.2f} s; at least {LEAST_S} s are needed")
    length_s = min(excerpt_s, info.duration_s)
    for begin_s in _places(take, info.duration_s, length_s, rng):
        y, rate = read(path, channels=1, offset_s=begin_s, duration_s=length_s)
        if rms(y[0]) >= QUIETEST and not clipping.is_clipped(y[0], rate):
            return np.pad(y[0], (0, max(0, round(length_s * rate) - y.shape[1]))), rate
    raise AudioError(path, "holds no stretch that is neither silent nor clipped by itself")


def _places(take: Take, duration_s: float, length_s: float, rng: np.random.Generator) -> Iterator[float]:
    """Where a stretch may begin, in seconds: at an edge of the recording if that is drawn, then in the take's part."""
    edge = np.random.default_rng([*take.seed, 1]).random()
    if edge < BEGINNINGS:
        yield 0.0
    elif edge < BEGINNINGS + ENDS and not {transmission.CODEC, transmission.SKIP} & set(take.defects):
        yield max(0.0, duration_s - (length_s - SLACK_S))
    room = duration_s - length_s
    for _ in range(_TRIES):
        yield room * rng.uniform(take.number, take.number + 1) / take.takes


def events_of(regions: Iterable[Region], samples: int, rate: int) -> tuple[Event, ...]:
    """Regions as events in seconds, in order of onset, widened and joined as `Excerpt` says."""
    duration_s = samples / rate
    by_name: dict[str, list[tuple[float, float]]] = {}
    heard = (region for region in regions if region.start < samples)
    for region in sorted(heard, key=lambda region: region.start):
        onset_s, offset_s = region.start / rate, min(region.stop / rate, duration_s)
        wider = max(0.0, LEAST_EVENT_S - (offset_s - onset_s)) / 2
        onset_s, offset_s = max(0.0, onset_s - wider), min(duration_s, offset_s + wider)
        if onset_s > duration_s - _EDGE_S:
            continue
        spans = by_name.setdefault(region.name, [])
        if spans and onset_s - spans[-1][1] < JOINED_S:
            spans[-1] = (spans[-1][0], max(spans[-1][1], offset_s))
        else:
            spans.append((onset_s, offset_s))
    events = [
        Event(name, round(onset_s, 4), round(offset_s, 4))
        for name, spans in by_name.items()
        for onset_s, offset_s in spans
    ]
    return tuple(sorted(events, key=lambda event: (event.onset_s, event.event)))
