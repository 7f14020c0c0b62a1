"""Essentia's audio-problem detectors at work, in an environment of their own: they are AGPL and no part of the product.

Run by `benchmarks.defects` with the Python that has Essentia (`--peer`). It reads a JSON list of ``.npy`` files
(float32 [samples] at 44.1 kHz) on standard input and answers, for each, a list of ``[defect, onset_s, offset_s]``.
Nothing of the project is imported. Parameters are Essentia's defaults.
"""

import json
import sys
from importlib import import_module

import numpy as np

RATE = 44_100
JOINED_S = 0.15
LEAST_S = 0.02
FRAMES = {"click": (512, 256), "dropout": (2048, 1024), "skip": (512, 256), "clipping": (512, 256), "burst": (512, 256)}


def detect(y: np.ndarray) -> list[tuple[str, float, float]]:
    """What Essentia finds in a signal."""
    standard = import_module("essentia.standard")

    spans: dict[str, list[tuple[float, float]]] = {name: [] for name in (*FRAMES, "hum")}
    detectors = {
        "click": standard.ClickDetector(frameSize=512, hopSize=256, sampleRate=RATE),
        "dropout": standard.GapsDetector(frameSize=2048, hopSize=1024, sampleRate=RATE),
        "skip": standard.DiscontinuityDetector(frameSize=512, hopSize=256),
        "clipping": standard.SaturationDetector(frameSize=512, hopSize=256, sampleRate=RATE),
        "burst": standard.NoiseBurstDetector(),
    }
    for name, detector in detectors.items():
        size, hop = FRAMES[name]
        frames = standard.FrameGenerator(y, frameSize=size, hopSize=hop, startFromZero=True)
        for number, frame in enumerate(frames):
            found = detector(frame)
            if name in ("click", "dropout", "clipping"):
                spans[name] += [(float(start), float(end)) for start, end in zip(*found, strict=True)]
            else:
                places = found[0] if isinstance(found, tuple) else found
                spans[name] += [((number * hop + float(place)) / RATE,) * 2 for place in places]
    _, _, _, starts, ends = standard.HumDetector(sampleRate=RATE)(y)
    spans["hum"] = [(float(start), float(end)) for start, end in zip(starts, ends, strict=True)]
    return [(name, *span) for name, found in spans.items() for span in joined(found)]


def joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans closer than `JOINED_S` as one, none shorter than `LEAST_S`, as the labels are."""
    result: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if result and start - result[-1][1] < JOINED_S:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, max(end, start + LEAST_S)))
    return result


def main() -> None:
    """Answer one JSON list a file."""
    answers = [detect(np.load(path).astype(np.float32)) for path in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
