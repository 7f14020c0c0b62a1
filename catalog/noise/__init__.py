"""A noisy copy of a library: excerpts with noise of a known kind and level, for the task `restoration`.

`plan` deals kinds and signal-to-noise ratios, `pool` holds real recordings of noise, `excerpt` makes one noisy
recording with `audio.noises`, `library` writes it all down.
"""

from catalog.noise.library import build_noisy

__all__ = ["build_noisy"]
