"""A damaged copy of a library: excerpts of its recordings with defects, and where they are, for the task `defects`.

`plan` deals the defects, `excerpt` makes one damaged recording with `audio.damage`, `library` writes it all down.
"""

from catalog.damage.library import build_damaged

__all__ = ["build_damaged"]
