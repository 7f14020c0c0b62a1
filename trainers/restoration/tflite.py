"""The streaming model: one frame's magnitudes and the state in, its mask and the next state out, without a transform.

TFLite has no inverse Fourier transform, so transforms stay on the host (`audio.streaming`) and the file holds the
network alone. `StreamingRestorer` is that host; `serving` and the real-time factor use it as it is.
"""

import tempfile
import time
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from audio.streaming import StreamingFrames
from trainers.restoration.mask import read_mask_np

FLOAT32, DYNAMIC_RANGE = "streaming-float32.tflite", "streaming-dynamic-range.tflite"
_MEASURED_S = 4.0
_REPEATS = 5


def convert(stream: keras.Model) -> Mapping[str, bytes]:
    """The streaming model as TFLite files: weights in float32, and in 8 bits with ranges found at run time.

    Through Keras' own export: `TFLiteConverter.from_concrete_functions`, and a SavedModel of a module that holds the
    model, give files without weights.

    Parameters
    ----------
    stream : `Network.piece_model` of one frame and a batch of one

    Returns
    -------
    name of the file -> its bytes
    """
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        stream.export(folder, verbose=False)
        for name, optimizations in ((FLOAT32, []), (DYNAMIC_RANGE, [tf.lite.Optimize.DEFAULT])):
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            converter.optimizations = optimizations
            files[name] = converter.convert()
    return files


class StreamingRestorer:
    """Restores a stream hop by hop with a TFLite model, on one thread.

    Parameters
    ----------
    model : bytes of a file that `convert` made

    Attributes
    ----------
    hop : samples that go in and come out at a time.
    delay : samples by which the output is later than the input.
    """

    def __init__(self, model: bytes) -> None:
        interpreter = tf.lite.Interpreter(model_content=model, num_threads=1)
        self._run = interpreter.get_signature_runner("serving_default")
        inputs = self._run.get_input_details()
        self._state_shape = inputs["state"]["shape"]
        self._n_fft = 2 * (int(inputs["magnitude"]["shape"][-1]) - 1)
        self.reset()
        self.hop, self.delay = self._frames.hop, self._frames.delay

    def reset(self) -> None:
        """Forget what was heard: the next block is the first of a stream."""
        self._state = np.zeros(self._state_shape, np.float32)
        self._frames = StreamingFrames(self._n_fft)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take the next `hop` samples and give as many restored ones, `delay` later: float32 [hop].

        Samples that are no finite number are silence: the state would keep them for ever.
        """
        spectrum = self._frames.analyse(np.where(np.isfinite(block), block, 0.0))
        magnitude = np.abs(spectrum)[np.newaxis, np.newaxis]
        answer = self._run(magnitude=magnitude, state=self._state)
        self._state = answer["state"]
        return self._frames.synthesise(spectrum * read_mask_np(answer["mask"])[0, 0])

    def restore(self, waveform: np.ndarray) -> np.ndarray:
        """A whole signal from a fresh start, float32 [samples], without the delay."""
        self.reset()
        samples = len(waveform)
        hops = -(-(samples + self.delay) // self.hop)
        padded = np.pad(waveform, (0, hops * self.hop - samples))
        blocks = [self.push(padded[hop * self.hop : (hop + 1) * self.hop]) for hop in range(hops)]
        return np.concatenate(blocks)[self.delay : self.delay + samples]


def real_time_factor(model: bytes, sample_rate: int) -> float:
    """Time that a streaming model takes for a second of audio on one thread, transforms included.

    The processor time of the thread that does all the work, and the shortest of a few measurements: what else the
    machine does makes it longer, never shorter.

    Parameters
    ----------
    model : bytes of a TFLite file
    sample_rate : Hz
    """
    restorer = StreamingRestorer(model)
    hops = round(_MEASURED_S * sample_rate / restorer.hop)
    noise = 0.1 * np.random.default_rng(0).standard_normal((hops, restorer.hop)).astype(np.float32)
    times = []
    for _ in range(_REPEATS):
        start = time.thread_time()
        for block in noise:
            restorer.push(block)
        times.append(time.thread_time() - start)
    return min(times) * sample_rate / (hops * restorer.hop)
