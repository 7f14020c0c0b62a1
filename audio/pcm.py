"""Audio as 16-bit PCM bytes, the form in which Examples and wav requests carry it."""

import numpy as np

FULL_SCALE = 32768.0


def pcm16_bytes(y: np.ndarray) -> bytes:
    """Interleaved little-endian 16-bit samples; what lies beyond full scale is clipped.

    Parameters
    ----------
    y : np.ndarray [channels, samples], float; full scale is +-1.0, one step 1/32768

    Returns
    -------
    bytes, ``2 * channels * samples`` of them. The inverse of `pcm16_array` on what that returns.
    """
    scaled = np.multiply(y.T, np.float32(FULL_SCALE), dtype=np.float32, order="C")
    np.rint(scaled, out=scaled)
    np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
    return scaled.astype("<i2").tobytes()


def pcm16_array(data: bytes, *, channels: int) -> np.ndarray:
    """The samples in interleaved little-endian 16-bit PCM.

    Parameters
    ----------
    data : bytes, a whole number of frames of ``channels`` samples
    channels : channels, 1 or more

    Returns
    -------
    np.ndarray [channels, samples], float32, from -1.0 to 1 - 1/32768

    Raises
    ------
    ValueError
        The bytes are no whole number of frames.
    """
    if channels < 1 or len(data) % (2 * channels):
        raise ValueError(f"{len(data)} bytes are no whole number of 16-bit frames of {channels} channels")
    samples = np.frombuffer(data, dtype="<i2").reshape(-1, channels)
    return (samples.astype(np.float32) / np.float32(FULL_SCALE)).T
