"""TFX's DistributionValidator for a pipeline whose first run has nothing to compare with.

The comparators come from the schema (``drift_comparator``), where ExampleValidator silently ignores them.
"""

from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.distribution_validator import executor as tfx_executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import distribution_validator_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils

PAIRS = [("train", "train")]


def drift_config(schema: schema_pb2.Schema) -> distribution_validator_pb2.DistributionValidatorConfig:
    """The comparators of every feature of `schema` that has a ``drift_comparator``."""
    config = distribution_validator_pb2.DistributionValidatorConfig()
    for feature in schema.feature:
        if feature.HasField("drift_comparator"):
            comparator = config.default_slice_config.feature.add(distribution_comparator=feature.drift_comparator)
            comparator.path.step.append(feature.name)
    return config


class DriftValidatorSpec(component_spec.ComponentSpec):
    """TFX's specification, with baseline statistics that may be missing, and the hash of the code that compares."""

    PARAMETERS = {  # noqa: RUF012
        **standard_component_specs.DistributionValidatorSpec.PARAMETERS,
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "baseline_statistics": component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
    }
    OUTPUTS = standard_component_specs.DistributionValidatorSpec.OUTPUTS


class Executor(tfx_executor.Executor):
    """TFX's executor, which looks the baseline up without asking whether it is there."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> Any:
        """Compares the statistics with the baseline's; approves where there is none."""
        return super().Do({"baseline_statistics": [], **input_dict}, output_dict, exec_properties)


class DistributionValidator(base_component.BaseComponent):
    """Compares the train split with the data that the model in service was trained on.

    Parameters
    ----------
    statistics : of this run's Examples.
    baseline_statistics : of the data of the model in service; may be empty.
    config : features and comparators, see :func:`drift_config`.
    code : hash of the sources of this component; part of the cache key.
    """

    SPEC_CLASS = DriftValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        statistics: types.BaseChannel,
        baseline_statistics: types.BaseChannel,
        config: distribution_validator_pb2.DistributionValidatorConfig,
        code: str,
    ) -> None:
        super().__init__(
            spec=DriftValidatorSpec(
                statistics=statistics,
                baseline_statistics=baseline_statistics,
                distribution_validator_config=config,
                include_split_pairs=json_utils.dumps(PAIRS),
                code=code,
                anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )
