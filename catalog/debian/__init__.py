"""Real recordings out of Debian's free packages, brought without root and labelled by mapping files.

Music, and beside it voices, noises, songs with two tracks, and mixtures assembled of them.
"""

from catalog.debian.assembled import build_assembled
from catalog.debian.build import build_debian
from catalog.debian.multitracks import build_multitracks
from catalog.debian.sounds import build_noises, build_voices
from catalog.debian.sources import build_debian_sources

__all__ = [
    "build_assembled",
    "build_debian",
    "build_debian_sources",
    "build_multitracks",
    "build_noises",
    "build_voices",
]
