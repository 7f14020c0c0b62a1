"""Restoration: music without the noise that it came with, and nothing else changed."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from trainers.task import AudioSpec, Hyperparameters, Task

COLUMNS = ("clean", "noise")
_RATE = 16_000


class RestorationHyperparameters(Hyperparameters):
    """Hyperparameters of the denoiser.

    Attributes
    ----------
    mask : what the network's output means (`audio.masks`): the ideal ratio mask, the phase-sensitive one, or the
        complex one. It never is audio.
    loss : ``error``, ``sdr``, ``magnitude`` or ``mask`` (`trainers.restoration.loss`).
    filters : of the encoder's blocks, each of which halves frequency; the decoder mirrors them.
    recurrent_units : of each of the recurrent layers.
    recurrent_layers : how many.
    clean_share : share of training examples without noise, beside those that draw the noise of a clean recording.
    snr_low_db, snr_high_db : range from which the signal-to-noise ratio of a training example is drawn.
    gain_db : largest random change of the level of a training example.
    speed : largest random change of pitch and tempo, of music and of noise each, as a share.
    colour_db : standard deviation of the gains of a random equaliser, of music and of noise each.
    second_share : share of training examples with a second music, and of those with a second noise.
    """

    mask: Literal["irm", "psm", "cirm"] = "irm"
    loss: Literal["error", "sdr", "magnitude", "mask"] = "error"
    filters: tuple[PositiveInt, ...] = Field((16, 24, 32), min_length=1, max_length=4)
    recurrent_units: PositiveInt = 96
    recurrent_layers: PositiveInt = 1
    clean_share: float = Field(0.2, ge=0, lt=1)
    snr_low_db: float = -3.0
    snr_high_db: float = 20.0
    gain_db: NonNegativeFloat = 10.0
    speed: float = Field(0.35, ge=0, lt=1)
    colour_db: NonNegativeFloat = 6.0
    second_share: float = Field(0.25, ge=0, le=1)

    @model_validator(mode="after")
    def _range(self) -> "RestorationHyperparameters":
        if self.snr_low_db > self.snr_high_db:
            raise ValueError(f"snr_low_db={self.snr_low_db} must not be above snr_high_db={self.snr_high_db}")
        return self


TASK = Task(
    name="restoration",
    audio={
        "quick": AudioSpec(columns=COLUMNS, sample_rate=_RATE, channels=1, segment_s=4.0, eval_max_s=30.0),
        "full": AudioSpec(columns=COLUMNS, sample_rate=_RATE, channels=1, segment_s=8.0, eval_max_s=60.0),
    },
    hyperparameters={
        "quick": RestorationHyperparameters(
            steps=360,
            batch_size=8,
            learning_rate=2e-3,
            warmup_steps=20,
            validate_every=90,
            checkpoint_every=90,
            clean_share=0.3,
            speed=0.0,
            colour_db=0.0,
            second_share=0.0,
        ),
        "full": RestorationHyperparameters(
            steps=9600,
            batch_size=8,
            learning_rate=2e-3,
            warmup_steps=100,
            validate_every=400,
            checkpoint_every=400,
            clean_share=0.1,
        ),
    },
    timed_labels=False,
    materialise=False,
    catalog="noisy",
)
