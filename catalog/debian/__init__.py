"""Real recordings: the music in Debian's free game packages, brought without root and labelled by a mapping file."""

from catalog.debian.build import build_debian

__all__ = ["build_debian"]
