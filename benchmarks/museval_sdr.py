"""SDR as the SiSEC campaigns report it: BSS Eval v4 by museval, the median over frames of one second."""

import importlib.util
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np


@lru_cache(maxsize=1)
def _metrics() -> ModuleType:
    """The metrics of museval, by file: its package asks for ffprobe when imported."""
    package = importlib.util.find_spec("museval")
    assert package is not None
    assert package.submodule_search_locations is not None
    spec = importlib.util.spec_from_file_location(
        "museval_metrics", Path(package.submodule_search_locations[0]) / "metrics.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def frame_sdr(references: np.ndarray, estimates: np.ndarray, sample_rate: int) -> np.ndarray:
    """SDR of each second: windows and hops of 1 s, filters of 512 taps over the whole signal.

    Parameters
    ----------
    references, estimates : np.ndarray [sources, channels, samples]

    Returns
    -------
    np.ndarray [sources, frames], dB; NaN where a reference or an estimate is silent
    """
    true, found = (np.moveaxis(y, 1, 2).astype(np.float64) for y in (references, estimates))
    sdr, *_ = _metrics().bss_eval(true, found, window=sample_rate, hop=sample_rate, compute_permutation=False)
    return np.asarray(sdr)


def median_sdr(references: np.ndarray, estimates: np.ndarray, sample_rate: int) -> np.ndarray:
    """Median over the frames of a song: np.ndarray [sources], dB; NaN where no frame has a figure.

    An estimate of zeros has no figure in museval. Dither at -120 dBFS, far below 16 bit, gives it the one that it has
    without filters: 0 dB.
    """
    dither = 1e-6 * np.random.default_rng(0).standard_normal(estimates.shape)
    sdr = frame_sdr(references, estimates + dither, sample_rate)
    return np.array([np.nanmedian(row) if np.isfinite(row).any() else np.nan for row in sdr])
