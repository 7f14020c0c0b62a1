"""What the Evaluator measures of a denoiser: its scores over all recordings, by kind of noise and by level."""

from tensorflow_model_analysis.proto import config_pb2

from catalog.vocabulary import Vocabulary
from trainers.gate import Gate
from trainers.restoration.restoration_scores import ALL, METRICS
from trainers.score_gate import score_eval_config

__all__ = ["METRICS", "eval_config", "outputs"]


def outputs(vocabulary: Vocabulary) -> tuple[str, ...]:
    """What the gate is about: all recordings, and those of each kind of noise and level."""
    return (ALL, *vocabulary.tags)


def eval_config(gate: Gate, outputs: tuple[str, ...]) -> config_pb2.EvalConfig:
    """TFMA's configuration for the scores, gated by `gate` over all recordings and by tag."""
    return score_eval_config(gate, (ALL,), METRICS, tags=[name for name in outputs if name != ALL])
