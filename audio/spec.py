"""Which audio a task reads from a recording."""

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt


class AudioSpec(BaseModel):
    """The audio that a task reads from a recording.

    Attributes
    ----------
    columns : aligned audio columns of an Example: ``("audio",)`` for the recording itself, stem names otherwise.
    sample_rate : Hz, of every column.
    channels : channels of every column; 1 means that the recording is mixed down.
    segment_s : length of a train or validation segment in seconds.
    eval_max_s : a recording of the eval and test splits is whole up to this many seconds, else excerpts of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...]
    sample_rate: PositiveInt
    channels: PositiveInt
    segment_s: PositiveFloat
    eval_max_s: PositiveFloat

    @property
    def segment_samples(self) -> int:
        """Samples a channel in one segment."""
        return round(self.segment_s * self.sample_rate)
