"""Defects: what is wrong with a recording, and where; learnt from labels that say what it has, not where."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from trainers.task import AudioSpec, Hyperparameters, Task

_RATE = 32_000

Pooling = Literal[
    "autopool", "constrained_autopool", "regularised_autopool", "max", "mean", "linear_softmax", "attention"
]


class DefectsHyperparameters(Hyperparameters):
    """Hyperparameters of the detector.

    Attributes
    ----------
    filters : of the convolutions over time; together they make one frame of eight fine ones.
    units : of the recurrent layer, in each direction.
    dropout : share of what a frame says that is left out in training.
    pooling : how frame probabilities become one of the recording (`trainers.defects.pooling`). With an autopool one
        training of two on the built-in library heard a click in the whole window; on real music, where
        docs/results/pooling-debian.md has them all, attention is first.
    pooling_penalty : of ``regularised_autopool``, on the squares of its exponents.
    members : networks that start from weights of their own, learn from the same batches and answer together. On real
        music three are right where one alone is not: macro F1 of single ones 0.887, 0.889 and 0.903, of the three
        0.912, of skips 0.67, 0.71 and 0.72, of the three 0.74.
    gain_db : largest random change of level in training.
    false_events_per_minute : that clean recordings may have, of all defects together; the fewer, the more events of
        recordings with a defect are missed (`trainers.defects.event_levels`). Half of the goal, which is one in ten
        minutes: recordings of artists that validation does not have tell more, 1.3 and 1.5 times what was allowed.
        Decisions do not depend on it where recordings are as long as those with a defect in validation.
    """

    filters: tuple[PositiveInt, ...] = Field((48, 64, 64), min_length=3, max_length=3)
    units: PositiveInt = 32
    dropout: float = Field(0.25, ge=0, lt=1)
    pooling: Pooling = "linear_softmax"
    pooling_penalty: PositiveFloat = 1e-3
    members: PositiveInt = 1
    gain_db: NonNegativeFloat = 6.0
    false_events_per_minute: NonNegativeFloat = 0.05


_AUDIO = AudioSpec(columns=("audio",), sample_rate=_RATE, channels=1, segment_s=6.0, eval_max_s=600.0)

TASK = Task(
    name="defects",
    audio={"quick": _AUDIO, "full": _AUDIO},
    hyperparameters={
        "quick": DefectsHyperparameters(
            steps=1000, batch_size=16, learning_rate=3e-3, warmup_steps=20, validate_every=100, checkpoint_every=200
        ),
        "full": DefectsHyperparameters(
            filters=(64, 96, 128),
            units=64,
            pooling="attention",
            members=3,
            steps=3200,
            batch_size=32,
            learning_rate=2e-3,
            warmup_steps=200,
            validate_every=100,
            checkpoint_every=200,
            patience=12,
        ),
    },
    timed_labels=True,
    materialise=True,
    catalog="damaged",
)
