"""What the Evaluator measures of a separator: the scores of its two stems, by genre too."""

from tensorflow_model_analysis.proto import config_pb2

from catalog.vocabulary import Vocabulary
from trainers.gate import Gate
from trainers.score_gate import score_eval_config
from trainers.separation.stem_scores import METRICS
from trainers.separation.task import STEMS

__all__ = ["METRICS", "eval_config", "outputs"]


def outputs(vocabulary: Vocabulary) -> tuple[str, ...]:
    """What the gate is about: the stems. The vocabulary holds genres, by which figures are reported."""
    return STEMS


def eval_config(gate: Gate, outputs: tuple[str, ...]) -> config_pb2.EvalConfig:
    """TFMA's configuration for the scores of `outputs`, gated by `gate`."""
    return score_eval_config(gate, outputs, METRICS)
