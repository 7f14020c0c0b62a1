"""A column of a recording as PCM16, wherever there is room for it."""

import tempfile
from typing import Self

import numpy as np

from audio.pcm import pcm16_bytes

SPOOL_BYTES = 32 << 20
"""What a column holds in memory, 17 minutes at 16 kHz mono; beyond that it moves to a temporary file, so memory stays
flat."""


class PcmSpool:
    """Grows by blocks of samples, gives any stretch of them as interleaved little-endian PCM16. A context manager.

    Segments can only be written when their recording is known to the end: its descriptors, its true length, whether it
    decodes at all.

    Parameters
    ----------
    channels : of every block.
    """

    def __init__(self, channels: int) -> None:
        self._frame_bytes = 2 * channels
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        self.num_samples = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def append(self, y: np.ndarray) -> None:
        """Adds samples y [channels, n], full scale +-1.0; what lies beyond is clipped."""
        self._file.seek(0, 2)
        self._file.write(pcm16_bytes(y))
        self.num_samples += y.shape[1]

    def read(self, start: int, stop: int) -> bytes:
        """Samples `start` to `stop` (exclusive)."""
        self._file.seek(start * self._frame_bytes)
        return self._file.read((stop - start) * self._frame_bytes)
