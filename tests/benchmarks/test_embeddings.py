from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import embeddings
from benchmarks.embeddings import LAYERS, OUTPUTS, Split, embed, logistic_regression
from benchmarks.recordings import Recording
from benchmarks.tagging_options import Checkpoint, chosen_checkpoints
from trainers.tagging.published import CHECKPOINTS

_RATE = 16_000


def _recordings(seconds: list[float]) -> Iterator[Recording]:
    draw = np.random.default_rng(0)
    for number, length in enumerate(seconds):
        yield Recording(
            id=str(number),
            artist="",
            package="",
            labels=np.zeros(1, bool),
            waveform=0.1 * draw.standard_normal(int(length * _RATE)).astype(np.float32),
            duration_s=length,
            serialized=(),
        )


def test_networks_lie_side_by_side_and_are_heard_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = embed(_recordings([6.5, 1.0]), tmp_path, CHECKPOINTS, patches=2)
    alone = [embed(_recordings([6.5, 1.0]), tmp_path, [checkpoint], patches=2) for checkpoint in CHECKPOINTS]
    assert set(both) == set(OUTPUTS)
    for name in OUTPUTS:
        np.testing.assert_array_equal(both[name], np.concatenate([part[name] for part in alone], axis=1))
    assert both["tags"].shape == (2, len(CHECKPOINTS) * 2 * 50)
    # One patch is its own mean and maximum.
    mean, maximum = np.split(alone[0]["tags"][1], 2)
    np.testing.assert_array_equal(mean, maximum)

    def never(*_: object) -> None:
        raise AssertionError("heard again")

    monkeypatch.setattr(embeddings, "Embedder", never)
    again = embed(_recordings([6.5, 1.0]), tmp_path, CHECKPOINTS, patches=2)
    np.testing.assert_array_equal(again["tags"], both["tags"])


def test_the_layer_that_validation_prefers_answers() -> None:
    draw = np.random.default_rng(1)

    def split(count: int) -> Split:
        labels = draw.random((count, 2)) < 0.4
        noise = {name: draw.standard_normal((count, 4)) for name in OUTPUTS}
        told = np.tile(2.0 * labels, 2) + 0.3 * draw.standard_normal((count, 4))
        return Split(noise | {"tags": told}, labels)

    train, validation, judged = split(60), split(40), split(50)
    answers, layer = logistic_regression(train, validation, judged, ("rock", "folk"))
    assert "tags" in LAYERS[layer]
    assert np.mean(answers.decisions == judged.labels) > 0.95


def test_networks_are_named_once_in_their_order() -> None:
    assert chosen_checkpoints(None) == CHECKPOINTS
    assert chosen_checkpoints([Checkpoint.MSD, Checkpoint.MTT, Checkpoint.MSD]) == CHECKPOINTS
    assert chosen_checkpoints([Checkpoint.MSD]) == (CHECKPOINTS[1],)
