"""The recordings of a catalog as Examples: `component.AudioExampleGen`."""

from components.audio_example_gen.component import AudioExampleGen

__all__ = ["AudioExampleGen"]
