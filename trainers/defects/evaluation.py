"""What the Evaluator measures of a detector: whether each recording has each defect, a binary problem of its own, and
where the defects are. A gate may ask for any of it.
"""

from tensorflow_model_analysis.proto import config_pb2

from catalog.vocabulary import Vocabulary
from trainers.decision_gate import METRICS as DECISIONS
from trainers.decision_gate import decision_eval_config
from trainers.defects.event_metrics import FIGURES, figures_of_events
from trainers.gate import Gate

METRICS = (*DECISIONS, *FIGURES)


def outputs(vocabulary: Vocabulary) -> tuple[str, ...]:
    """What the gate is about: the defects of the library."""
    return vocabulary.tags


def eval_config(gate: Gate, outputs: tuple[str, ...]) -> config_pb2.EvalConfig:
    """TFMA's configuration for defects, in the order of the model's columns, gated by `gate`."""
    return decision_eval_config(gate, outputs, more=lambda output: figures_of_events(gate, output))
