"""What storage and networks do to encoded music: garbled frames, lost packets, or nothing at all.

The stream is a real one, the decoder is the real one, and what is heard is found by comparison with the undamaged
decode (`audio.damage.comparison`): where the timeline shrank it is a *skip*, where the decoder fell silent it is a
*dropout*, any other difference is *codec* damage.
"""

import numpy as np

from audio.damage.comparison import Difference, differences
from audio.damage.dropouts import AUDIBLE
from audio.damage.dropouts import NAME as DROPOUT
from audio.damage.regions import Damaged, Region, Removal, rms
from audio.damage.streams import Codec

CODEC = "codec"
SKIP = "skip"
GARBLED = (1, 3)
GARBLED_S = (0.05, 0.4)
LOST = (3, 12)
LOST_S = (0.02, 0.1)
LEAST_SKIP_S = 0.004
LEAST_HEARD_S = 0.02
EDGE_S = 0.25
_MUTED = 0.03


def coded(y: np.ndarray, codec: Codec) -> np.ndarray:
    """What a codec makes of a signal when nothing goes wrong: np.ndarray [samples], its start-up and end as decoded."""
    return _fitted(codec.from_coded(codec.decode(codec.encode(codec.to_coded(y)))), len(y))


def garbled(y: np.ndarray, codec: Codec, rng: np.random.Generator) -> Damaged:
    """Encode, put random bytes into some (`GARBLED`) runs of frames of `GARBLED_S`, decode.

    Parameters
    ----------
    y : np.ndarray [samples], float32
    codec : its rate is that of `y`
    rng : draws number, places, lengths and bytes
    """
    data = codec.encode(codec.to_coded(y))
    stream = codec.stream(data)
    units = _runs(stream.units, len(y) / codec.rate, GARBLED, GARBLED_S, rng)
    return _compared(y, codec, data, stream.garbled(units, rng))


def lossy(y: np.ndarray, codec: Codec, rng: np.random.Generator) -> Damaged:
    """Encode, drop some (`LOST`) runs of packets of `LOST_S`: a bad link
    is bad more than once, decode what arrives.
    """
    data = codec.encode(codec.to_coded(y))
    stream = codec.stream(data)
    units = _runs(stream.units, len(y) / codec.rate, LOST, LOST_S, rng)
    return _compared(y, codec, data, stream.without(units))


def lossy_pcm(y: np.ndarray, rate: int, rng: np.random.Generator) -> Damaged:
    """The same for a stream of bare samples in packets of 10 ms, which no decoder smooths over (RFC 3551, L16)."""
    packet = rate // 100
    whole = len(y) // packet
    gone = set(_runs(whole, len(y) / rate, LOST, LOST_S, rng))
    arrived = [y[unit * packet : (unit + 1) * packet] for unit in range(whole) if unit not in gone]
    return _heard(y, np.concatenate([*arrived, y[whole * packet :]]).astype(np.float32), rate)


def _runs(
    units: int,
    duration_s: float,
    runs: tuple[int, int],
    lengths_s: tuple[float, float],
    rng: np.random.Generator,
) -> list[int]:
    """Numbers of the units in so many `runs` (least and most), none of them within `EDGE_S` of the ends."""
    per_second = units / duration_s
    edge = round(EDGE_S * per_second)
    chosen: set[int] = set()
    for _ in range(int(rng.integers(runs[0], runs[1] + 1))):
        length = max(1, round(rng.uniform(*lengths_s) * per_second))
        start = int(rng.integers(edge, max(edge + 1, units - edge - length)))
        chosen.update(unit for unit in range(start, start + length) if unit < units - edge)
    return sorted(chosen)


def _compared(y: np.ndarray, codec: Codec, data: bytes, damaged: bytes) -> Damaged:
    heard = _heard(codec.decode(data), codec.decode(damaged), codec.coded_rate)
    scale = codec.rate / codec.coded_rate
    regions = tuple(
        Region(region.name, round(region.start * scale), round(region.stop * scale)) for region in heard.regions
    )
    removals = tuple(Removal(round(gone.at * scale), round(gone.count * scale)) for gone in heard.removals)
    left = len(y) - sum(removal.count for removal in removals)
    return Damaged(_fitted(codec.from_coded(heard.y), left), regions, removals)


def _heard(reference: np.ndarray, damaged: np.ndarray, rate: int) -> Damaged:
    """What a damaged decode is, beside the undamaged one."""
    regions, removals = [], []
    for difference in differences(reference, damaged, rate):
        if not difference.removed and difference.stop - difference.start < LEAST_HEARD_S * rate:
            continue
        name = _name(difference, reference, damaged, rate)
        regions.append(Region(name, difference.start, difference.stop))
        if name == SKIP:
            removals.append(Removal(difference.start, difference.removed))
    return Damaged(np.clip(damaged, -1.0, 1.0), tuple(regions), tuple(removals))


def _name(difference: Difference, reference: np.ndarray, damaged: np.ndarray, rate: int) -> str:
    if difference.removed >= LEAST_SKIP_S * rate:
        return SKIP
    length = difference.stop - difference.start
    was = rms(reference[difference.reference_start : difference.reference_start + length])
    now = rms(damaged[difference.start : difference.stop])
    return DROPOUT if was >= AUDIBLE and now < _MUTED * was else CODEC


def _fitted(y: np.ndarray, length: int) -> np.ndarray:
    """A decode cut, or filled with silence, to a length: encoders pad."""
    return np.pad(y[:length], (0, max(0, length - len(y)))).astype(np.float32)
