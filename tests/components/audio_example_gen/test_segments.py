import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audio.spec import AudioSpec
from catalog.recording import Event
from components.audio_example_gen.segments import Cut, Excerpt, clip_events, evaluation_cut, training_cuts

SPEC = AudioSpec(columns=("audio",), sample_rate=100, channels=1, segment_s=2.0, eval_max_s=7.0)
LENGTHS = st.integers(50, 5000)


@given(LENGTHS)
def test_training_segments_follow_each_other_and_lose_less_than_half_a_second(num_samples):
    cuts = training_cuts(num_samples, SPEC)
    pieces = [cut.excerpts[0] for cut in cuts]
    assert [piece.start for piece in pieces] == [200 * number for number in range(len(pieces))]
    assert all(cut.length == 200 and 50 <= cut.num_samples <= 200 for cut in cuts)
    assert all(cut.num_samples == 200 for cut in cuts[:-1])
    assert num_samples - 50 < pieces[-1].stop <= num_samples


def test_a_recording_shorter_than_a_segment_is_one_padded_segment():
    assert training_cuts(130, SPEC) == [Cut((Excerpt(0, 130),), 200)]


@given(LENGTHS, st.text(min_size=1, max_size=5))
def test_an_evaluation_piece_is_whole_up_to_the_limit_and_never_longer(num_samples, recording_id):
    cut = evaluation_cut(num_samples, SPEC, recording_id)
    assert cut.length == cut.num_samples
    if num_samples <= 700:
        assert cut.excerpts == (Excerpt(0, num_samples),)
    else:
        assert [excerpt.stop - excerpt.start for excerpt in cut.excerpts] == [200] * 3


@given(st.integers(701, 5000), st.text(min_size=1, max_size=5))
def test_excerpts_are_in_time_order_inside_the_recording_and_do_not_overlap(num_samples, recording_id):
    edges = [edge for e in evaluation_cut(num_samples, SPEC, recording_id).excerpts for edge in (e.start, e.stop)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= num_samples


def test_excerpts_depend_on_the_recordings_id_alone():
    assert evaluation_cut(5000, SPEC, "a") == evaluation_cut(5000, SPEC, "a")
    assert len({evaluation_cut(5000, SPEC, str(number)) for number in range(50)}) == 50


def test_excerpts_are_spread_over_the_whole_recording():
    starts = np.array([[e.start for e in evaluation_cut(4000, SPEC, str(n)).excerpts] for n in range(200)])
    assert np.allclose(starts.mean(axis=0), [567, 1900, 3233], atol=100)


def test_a_limit_below_a_segment_gives_one_excerpt_of_that_length():
    spec = SPEC.model_copy(update={"eval_max_s": 1.5})
    assert evaluation_cut(5000, spec, "a").num_samples == 150


def test_events_are_clipped_to_the_segment_and_count_from_its_start():
    cut = Cut((Excerpt(200, 400),), 200)
    events = [
        Event("before", 0, 2),
        Event("into", 1.5, 2.5),
        Event("inside", 2.5, 3),
        Event("over", 1, 9),
        Event("after", 4, 5),
    ]
    assert clip_events(events, cut, 100) == [Event("into", 0, 0.5), Event("inside", 0.5, 1), Event("over", 0, 2)]


def test_an_event_over_two_excerpts_appears_in_both():
    cut = Cut((Excerpt(0, 200), Excerpt(500, 700)), 400)
    assert clip_events([Event("long", 1, 6)], cut, 100) == [Event("long", 1, 2), Event("long", 2, 3)]


def test_an_event_without_length_belongs_to_the_segment_in_which_it_begins():
    cuts = [Cut((Excerpt(0, 200),), 200), Cut((Excerpt(200, 400),), 200)]
    assert [clip_events([Event("click", 2, 2)], cut, 100) for cut in cuts] == [[], [Event("click", 0, 0)]]
