"""Separation: which part of a mixture is the voice, and which the accompaniment."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from trainers.task import AudioSpec, Hyperparameters, Task

STEMS = ("vocals", "accompaniment")


class SeparationHyperparameters(Hyperparameters):
    """Hyperparameters of the separator.

    Attributes
    ----------
    mask : what the network's output means (`audio.masks`): the ideal ratio mask, the phase-sensitive one, or the
        complex one. It never is audio.
    loss : ``masked_l1`` or ``mask_mse`` (`trainers.separation.loss`).
    filters : of the encoder's blocks, each of which halves frequency; the decoder mirrors them.
    time_halvings : how many of the first blocks halve time as well.
    recurrent_units : of the recurrent bottleneck, in each direction of time.
    dropout : share of the bottleneck's output that is left out in training.
    mix_songs : share of training examples whose voice and accompaniment are of different songs.
    gain_db : largest random change of the level of each stem.
    speed : largest random change of pitch and tempo, as a share.
    repetition : whether the network is also shown what the frames most like each frame have in common
        (`trainers.separation.repetition`).
    """

    mask: Literal["irm", "psm", "cirm"] = "irm"
    loss: Literal["masked_l1", "mask_mse"] = "masked_l1"
    filters: tuple[PositiveInt, ...] = Field((12, 20, 32, 40, 48), min_length=1)
    time_halvings: int = Field(2, ge=0)
    recurrent_units: PositiveInt = 64
    dropout: float = Field(0.2, ge=0, lt=1)
    mix_songs: float = Field(0.5, ge=0, le=1)
    gain_db: NonNegativeFloat = 6.0
    speed: float = Field(0.06, ge=0, lt=0.5)
    repetition: bool = False


TASK = Task(
    name="separation",
    audio={
        "quick": AudioSpec(columns=STEMS, sample_rate=16_000, channels=1, segment_s=4.0, eval_max_s=60.0),
        "full": AudioSpec(columns=STEMS, sample_rate=44_100, channels=2, segment_s=4.0, eval_max_s=60.0),
    },
    hyperparameters={
        "quick": SeparationHyperparameters(
            steps=300,
            batch_size=4,
            learning_rate=4e-3,
            warmup_steps=20,
            validate_every=100,
            checkpoint_every=100,
            dropout=0.1,
            mix_songs=0.3,
            gain_db=3.0,
            speed=0.02,
        ),
        "full": SeparationHyperparameters(
            steps=2400,
            batch_size=4,
            learning_rate=3e-3,
            warmup_steps=100,
            validate_every=200,
            checkpoint_every=200,
            filters=(12, 20, 32, 48, 64, 80),
            recurrent_units=128,
            dropout=0.1,
        ),
    },
    timed_labels=False,
    materialise=False,
)
