"""The tf.Example of a segment: its layout, and nothing else."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import tensorflow as tf

from audio.descriptors import Descriptors
from catalog.recording import Recording, Split
from components.audio_example_gen.decode import Decoded
from components.audio_example_gen.segments import Cut, clip_events, evaluation_cut, training_cuts
from components.audio_example_gen.settings import Settings

SEGMENTED: frozenset[Split] = frozenset({"train", "validation"})
"""Splits of fixed-length segments; the others hold one Example a recording."""


def examples(recording: Recording, split: Split, decoded: Decoded, settings: Settings) -> Iterator[bytes]:
    """The recording's Examples, serialised so that equal content has equal bytes.

    Features of an Example: ``id`` bytes, ``segment`` int64 (0, 1, ...), one bytes feature an audio column (interleaved
    little-endian PCM16, padded with zeros to the segment's length), ``num_samples`` int64 (valid samples a channel),
    ``labels`` int64 [tags] multi-hot (with a vocabulary), ``tags`` bytes (with a vocabulary those in it, parents
    included), ``lyrics``, ``language``, ``artist``, ``package``, ``album`` bytes, the descriptors of the whole
    recording as floats and ``key`` as bytes; with timed labels ``timed`` int64 (1 where the recording has any, in this
    Example or not), ``events`` bytes, ``onsets_s`` and ``offsets_s`` floats in seconds of this Example. What is not
    known has no feature, which every parser reads as zero values and TFDV counts as missing; lyrics known to be empty
    are one empty value.
    """
    spec = settings.audio
    if split in SEGMENTED:
        cuts = training_cuts(decoded.num_samples, spec)
    else:
        cuts = [evaluation_cut(decoded.num_samples, spec, recording.id)]
    common = _recording_features(recording, settings)
    if decoded.descriptors is not None:
        common |= _descriptor_features(decoded.descriptors)
    for number, cut in enumerate(cuts):
        features = dict(common, segment=_ints([number]), num_samples=_ints([cut.num_samples]))
        for column, spool in decoded.columns.items():
            pcm = b"".join(spool.read(excerpt.start, excerpt.stop) for excerpt in cut.excerpts)
            features[column] = _bytes([pcm.ljust(2 * spec.channels * cut.length, b"\0")])
        if settings.timed_labels:
            features |= _event_features(recording, cut, spec.sample_rate)
        example = tf.train.Example(features=tf.train.Features(feature=features))
        yield example.SerializeToString(deterministic=True)


def _recording_features(recording: Recording, settings: Settings) -> dict[str, tf.train.Feature]:
    vocabulary = settings.vocabulary
    tags = vocabulary.expand(recording.tags) if vocabulary.tags else recording.tags
    texts = {
        "lyrics": recording.lyrics,
        "language": recording.language,
        "artist": recording.artist,
        "package": recording.package,
        "album": recording.album,
    }
    features = {name: _texts([text]) for name, text in texts.items() if text is not None}
    features["id"] = _texts([recording.id])
    if tags:
        features["tags"] = _texts(tags)
    if vocabulary.tags:
        features["labels"] = _ints(vocabulary.multi_hot(recording.tags))
    return features


def _descriptor_features(descriptors: Descriptors) -> dict[str, tf.train.Feature]:
    features = {}
    for name, value in asdict(descriptors).items():
        if isinstance(value, str):
            features[name] = _texts([value])
        elif value is not None and math.isfinite(value):
            features[name] = _floats([value])
    return features


def _event_features(recording: Recording, cut: Cut, sample_rate: int) -> dict[str, tf.train.Feature]:
    timed = {"timed": _ints([int(bool(recording.labels))])}
    events = clip_events(recording.labels, cut, sample_rate)
    if not events:
        return timed
    return timed | {
        "events": _texts(event.event for event in events),
        "onsets_s": _floats(event.onset_s for event in events),
        "offsets_s": _floats(event.offset_s for event in events),
    }


def _bytes(values: list[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _texts(values: Iterable[str]) -> tf.train.Feature:
    return _bytes([value.encode() for value in values])


def _floats(values: Iterable[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _ints(values: Iterable[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
