"""Integrated loudness from the power of segments.

Reference: ITU-R BS.1770-4, Annex 1, equations 2 to 7.
"""

import numpy as np

SILENCE_LUFS = -70.0  # the absolute gate, and what silence is given
BLOCK_SEGMENTS = 4  # 400 ms gating blocks out of 100 ms segments: 75 % overlap
OFFSET_LU = -0.691
RELATIVE_GATE_LU = -10.0


def integrated(k_power: np.ndarray) -> float:
    """Gated loudness in LUFS.

    Parameters
    ----------
    k_power : np.ndarray [segments], K-weighted power of 100 ms segments (`audio.segments.Powers.k_power`)

    Returns
    -------
    float, -70.0 where no block is louder. Recordings below 400 ms are one block.
    """
    if len(k_power) < BLOCK_SEGMENTS:
        blocks = np.array([k_power.mean()])
    else:
        blocks = np.lib.stride_tricks.sliding_window_view(k_power, BLOCK_SEGMENTS).mean(axis=1)
    heard = blocks[_lufs(blocks) >= SILENCE_LUFS]
    if not len(heard):
        return SILENCE_LUFS
    gate = _lufs(heard.mean()) + RELATIVE_GATE_LU
    return max(float(_lufs(heard[_lufs(heard) > gate].mean())), SILENCE_LUFS)


def _lufs(power: np.ndarray) -> np.ndarray:
    return OFFSET_LU + 10 * np.log10(np.maximum(power, 1e-30))
