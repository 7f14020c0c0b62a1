"""What the Evaluator measures of a detector: whether each recording has each defect, a binary problem of its own, which
is gated; and where the defects are, which is reported.
"""

from tensorflow_model_analysis.proto import config_pb2

from catalog.vocabulary import Vocabulary
from trainers.decision_gate import METRICS, decision_eval_config
from trainers.defects.event_metrics import figures_of_events
from trainers.gate import Gate

__all__ = ["METRICS", "eval_config", "outputs"]


def outputs(vocabulary: Vocabulary) -> tuple[str, ...]:
    """What the gate is about: the defects of the library."""
    return vocabulary.tags


def eval_config(gate: Gate, outputs: tuple[str, ...]) -> config_pb2.EvalConfig:
    """TFMA's configuration for defects, in the order of the model's columns, gated by `gate`."""
    return decision_eval_config(gate, outputs, more=figures_of_events())
