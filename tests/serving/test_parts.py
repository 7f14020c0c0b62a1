import numpy as np
import pytest

from audio.spec import AudioSpec
from serving.parts import GRID_S, cut, parts

SPEC = AudioSpec(columns=("audio",), sample_rate=100, channels=1, segment_s=1.0, eval_max_s=30.0)


def in_blocks(y: np.ndarray, size: int) -> list[np.ndarray]:
    return [y[:, start : start + size] for start in range(0, y.shape[1], size)]


@pytest.mark.parametrize("samples", [1, 399, 3000, 3001, 5600, 5601, 100_003])
@pytest.mark.parametrize("size", [7, 1000])
def test_the_parts_together_are_the_recording(samples: int, size: int) -> None:
    y = np.arange(samples, dtype=np.float32)[np.newaxis]
    how = cut(samples, SPEC)
    found = list(parts(in_blocks(y, size), how))
    said = [part.y[:, part.begin - part.start : part.end - part.start] for part in found]
    np.testing.assert_array_equal(np.concatenate(said, axis=1), y)
    assert all(part.y.shape[1] <= 3000 for part in found)
    assert {part.y.shape[1] for part in found[:-1]} <= {how.length}
    assert how.overlap < found[-1].y.shape[1] <= how.length or len(found) == 1
    assert how.length - found[-1].y.shape[1] < GRID_S * SPEC.sample_rate * len(found)


def test_what_the_gate_judged_in_one_piece_is_one_part() -> None:
    assert cut(3000, SPEC).length == 3000
    assert cut(3001, SPEC).length < 3000


def test_both_sides_of_a_border_are_heard_by_both_parts() -> None:
    y = np.zeros((1, 10_000), np.float32)
    first, second, *_ = parts([y], cut(10_000, SPEC))
    assert first.end == second.begin
    assert first.start + first.y.shape[1] - first.end == second.begin - second.start == 192


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("frame_ms", [10, 32, 64])
def test_parts_and_borders_lie_on_frames(rate: int, frame_ms: int) -> None:
    spec = SPEC.model_copy(update={"sample_rate": rate})
    found = list(parts([np.zeros((1, 100 * rate + 1), np.float32)], cut(100 * rate + 1, spec)))
    assert len(found) > 2
    for part in found[1:]:
        assert part.start * 1000 % (frame_ms * rate) == part.begin * 1000 % (frame_ms * rate) == 0


def test_a_recording_that_is_longer_than_its_header_promised_is_heard_to_its_end() -> None:
    y = np.arange(1000, dtype=np.float32)[np.newaxis]
    assert [part.end for part in parts(in_blocks(y, 64), cut(300, SPEC))][-1] == 1000
