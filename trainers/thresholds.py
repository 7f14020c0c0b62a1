"""What ``gate.yaml`` asks of a metric, in TFMA's words."""

from tensorflow_model_analysis.proto import config_pb2

from trainers.gate import Gate


def threshold(gate: Gate, output: str, metric: str) -> config_pb2.MetricThreshold | None:
    """The threshold of a metric of an output, or None where the gate asks nothing of it."""
    floor, ceiling = gate.limit("floors", output, metric), gate.limit("ceilings", output, metric)
    drop, rise = gate.limit("drops", output, metric), gate.limit("rises", output, metric)
    asked = config_pb2.MetricThreshold()
    if floor is not None:
        asked.value_threshold.lower_bound.value = floor
    if ceiling is not None:
        asked.value_threshold.upper_bound.value = ceiling
    if drop is not None:
        asked.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        asked.change_threshold.absolute.value = -drop
    if rise is not None:
        asked.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        asked.change_threshold.absolute.value = rise
    return asked if asked.ByteSize() else None
