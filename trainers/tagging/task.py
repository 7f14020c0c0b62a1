"""Tagging: which tags of the library's vocabulary a recording has."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from trainers.tagging.published import MUSICNN, published_checkpoints
from trainers.task import AudioSpec, Hyperparameters, Task

_RATE = 16_000


class TaggingHyperparameters(Hyperparameters):
    """Hyperparameters of the tagger.

    Attributes
    ----------
    filters : of the CNN's blocks; each halves time and frequency, the first quarters time. 96 bands are enough for six.
    dropout : share of what the trunk and the lyrics say that is left out in training.
    lyrics : whether the model reads lyrics.
    lyrics_units : units of the lyrics branch.
    lyrics_dropout : share of training examples whose lyrics are treated as missing.
    musicnn : published networks that listen under a warm start from ``musicnn``; their weights stay.
    beside_musicnn : whether the CNN listens beside them, or they alone. What they hear of a row is kept between steps,
        so that alone they make a step many times cheaper.
    musicnn_patches : patches of 3 s that they hear of a segment at most, evenly spread.
    musicnn_units, musicnn_dropout : units between what they hear and the tags; share of it left out in training.
    musicnn_tags_dropout : share of the tags that they were published with left out in training. A head of its own
        learns from those; the probabilities of the two are averaged.
    gain_db, equalizer_db : largest random change of level, and of bands, in training.
    masked_bands, masked_frames : widest random stripe left out in training (SpecAugment, Park et al. 2019); share of
        bands, of frames.
    """

    filters: tuple[PositiveInt, ...] = Field((24, 32, 48, 64), min_length=1, max_length=6)
    dropout: float = Field(0.3, ge=0, lt=1)
    lyrics: bool = True
    lyrics_units: PositiveInt = 32
    lyrics_dropout: float = Field(0.3, ge=0, le=1)
    musicnn: tuple[Literal["MTT_musicnn", "MSD_musicnn"], ...] = Field(("MTT_musicnn", "MSD_musicnn"), min_length=1)
    beside_musicnn: bool = False
    musicnn_patches: PositiveInt = 1
    musicnn_units: PositiveInt = 128
    musicnn_dropout: float = Field(0.7, ge=0, lt=1)
    musicnn_tags_dropout: float = Field(0.2, ge=0, lt=1)
    gain_db: NonNegativeFloat = 2.0
    equalizer_db: NonNegativeFloat = 1.0
    masked_bands: float = Field(0.08, ge=0, le=1)
    masked_frames: float = Field(0.08, ge=0, le=1)


TASK = Task(
    name="tagging",
    audio={
        "quick": AudioSpec(columns=("audio",), sample_rate=_RATE, channels=1, segment_s=6.0, eval_max_s=60.0),
        "full": AudioSpec(columns=("audio",), sample_rate=_RATE, channels=1, segment_s=12.0, eval_max_s=120.0),
    },
    hyperparameters={
        "quick": TaggingHyperparameters(
            steps=700, batch_size=16, learning_rate=2e-3, warmup_steps=20, validate_every=100, checkpoint_every=100
        ),
        "full": TaggingHyperparameters(
            steps=600,
            batch_size=32,
            learning_rate=1e-3,
            warmup_steps=50,
            validate_every=50,
            checkpoint_every=100,
            patience=10,
            select_from_step=300,
            dropout=0.5,
            musicnn_patches=4,
        ),
    },
    timed_labels=False,
    materialise=True,
    published_weights={MUSICNN: published_checkpoints},
)
