"""Stops a run on bad data before anything is trained on it.

ExampleValidator and DistributionValidator only write findings, and nothing in TFX reads them. This component reads
both, and the report of AudioExampleGen, and raises on what must not pass: one line a finding. Drift warns unless the
gate says ``block``.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts

from audio.errors import DaCapoError
from components.artifact_types import CatalogReport, DataApproval
from trainers.gate import LIMITS, Gate, OutputGate

FINDINGS = "findings.json"
ANOMALIES = "SchemaDiff.pb"


@dataclass(frozen=True)
class Finding:
    """Something to say about the data of a run.

    Attributes
    ----------
    blocks : whether the run stops.
    text : one line: where, what, and what would be right.
    """

    blocks: bool
    text: str


class DataFindings(DaCapoError):
    """Findings that block the run; `findings` holds all of them, the warnings too."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        blocking = [finding.text for finding in findings if finding.blocks]
        super().__init__("\n".join(blocking))


def schema_findings(splits: Mapping[str, anomalies_pb2.Anomalies]) -> Iterator[Finding]:
    """One blocking finding for every anomaly that ExampleValidator wrote, by split."""
    for split, anomalies in splits.items():
        for feature, info in sorted(anomalies.anomaly_info.items()):
            for reason in info.reason or [info]:
                yield Finding(True, f"data: split {split}, feature {feature}: {_sentence(reason)}")
        for reason in anomalies.dataset_anomaly_info.reason:
            yield Finding(True, f"data: split {split}: {_sentence(reason)}")


def drift_findings(pairs: Mapping[str, anomalies_pb2.Anomalies], *, block: bool) -> Iterator[Finding]:
    """One finding for every feature that moved away from what the model in service was trained on."""
    for pair, anomalies in pairs.items():
        split = pair.split("_")[0]
        for feature, info in sorted(anomalies.anomaly_info.items()):
            for reason in info.reason:
                yield Finding(block, f"drift: split {split}, feature {feature}: {_sentence(reason)}")


def empty_split_findings(report: Mapping[str, Any]) -> Iterator[Finding]:
    """A blocking finding for every split without a recording that the Trainer or the Evaluator reads."""
    for split in ("train", "validation", "eval"):
        if not report["splits"].get(split, {}).get("recordings"):
            yield Finding(
                True,
                f"data: split {split} has no recordings: add some of more artists, or name the split in the catalog's "
                "column split",
            )


def support_findings(
    report: Mapping[str, Any], gate: Gate, outputs: tuple[str, ...], tags: tuple[str, ...]
) -> Iterator[Finding]:
    """A blocking finding for every gated output with too few recordings or artists in the eval split.

    An output that is a tag counts the recordings that carry it; any other (a stem, the whole) counts all of them.
    """
    nothing = {"recordings": 0, "artists": 0}
    for output in outputs:
        counts = report["tags"].get(output, {}) if output in tags else report["splits"]
        here = counts.get("eval", nothing)
        for unit in ("recordings", "artists"):
            least = getattr(gate.minimum, unit)
            if gate.gated(output) and here[unit] < least:
                yield Finding(
                    True,
                    f"gate: {output} has {here[unit]} eval {unit} and the gate needs {least}: "
                    f"add some, or mark it reported in gate.yaml (outputs.{output}.reported)",
                )


def read_anomalies(artifact: types.Artifact, prefix: str) -> dict[str, anomalies_pb2.Anomalies]:
    """The anomalies of an ExampleAnomalies artifact by the name behind `prefix` (``Split-`` or ``SplitPair-``)."""
    found = {}
    for path in sorted(Path(artifact.uri).glob(f"{prefix}*/{ANOMALIES}")):
        found[path.parent.name.removeprefix(prefix)] = anomalies_pb2.Anomalies.FromString(path.read_bytes())
    return found


def _sentence(reason: Any) -> str:
    return " ".join((reason.description or reason.short_description).split())


class Executor(base_executor.BaseExecutor):
    """Reads the findings, writes them, and raises if one blocks."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes ``findings.json``.

        Raises
        ------
        DataFindings
            If a finding blocks the run.
        """
        gate = Gate.model_validate_json(exec_properties["gate"])
        outputs = tuple(json.loads(exec_properties["outputs"]))
        report = json.loads(
            Path(artifact_utils.get_single_uri(input_dict["report"]), "report.json").read_text(encoding="utf-8")
        )
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        drift = artifact_utils.get_single_instance(input_dict["drift"])
        findings = [
            *schema_findings(read_anomalies(anomalies, "Split-")),
            *drift_findings(read_anomalies(drift, "SplitPair-"), block=gate.drift == "block"),
            *empty_split_findings(report),
            *support_findings(report, gate, outputs, tuple(json.loads(exec_properties["tags"]))),
        ]
        if any(finding.blocks for finding in findings):
            raise DataFindings(findings)
        approval = artifact_utils.get_single_uri(output_dict["approval"])
        Path(approval, FINDINGS).write_text(json.dumps([asdict(finding) for finding in findings], indent=1))


def without_thresholds(gate: Gate) -> Gate:
    """`gate` without its limits: those are the Evaluator's, and an edited one must not run DataGate again."""
    reported = {name: OutputGate(reported=o.reported) for name, o in gate.outputs.items() if o.reported is not None}
    return gate.model_copy(update={**{kind: {} for kind in LIMITS}, "outputs": reported})


class DataGateSpec(component_spec.ComponentSpec):
    """Inputs: both validators' anomalies and the report. Output: an approval."""

    PARAMETERS = {  # noqa: RUF012
        "gate": component_spec.ExecutionParameter(type=str),
        "outputs": component_spec.ExecutionParameter(type=str),
        "tags": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "drift": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "report": component_spec.ChannelParameter(type=CatalogReport),
    }
    OUTPUTS = {"approval": component_spec.ChannelParameter(type=DataApproval)}  # noqa: RUF012


class DataGate(base_component.BaseComponent):
    """Lets only data pass that has no blocking finding.

    Parameters
    ----------
    anomalies : from ExampleValidator.
    drift : from DistributionValidator.
    report : from AudioExampleGen.
    gate : minimum support of gated outputs, and whether drift blocks.
    outputs : the task's outputs on this library.
    tags : the vocabulary; which of the outputs are tags.
    code : hash of the sources of this component; part of the cache key.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        anomalies: types.BaseChannel,
        drift: types.BaseChannel,
        report: types.BaseChannel,
        gate: Gate,
        outputs: tuple[str, ...],
        tags: tuple[str, ...],
        code: str,
    ) -> None:
        super().__init__(
            spec=DataGateSpec(
                anomalies=anomalies,
                drift=drift,
                report=report,
                gate=without_thresholds(gate).model_dump_json(),
                outputs=json.dumps(outputs),
                tags=json.dumps(tags),
                code=code,
                approval=types.Channel(type=DataApproval),
            )
        )
