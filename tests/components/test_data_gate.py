import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from audio.descriptors import DescriptorSet
from components import data_gate, drift
from components.artifact_types import CatalogReport, DataApproval
from tests.audio.signals import song
from trainers.gate import Gate

SHIPPED = Path(__file__).resolve().parents[2] / "schemas" / "tagging" / "builtin" / "schema.pbtxt"
SCHEMA = text_format.Parse(
    """
    feature { name: "loudness_lufs" type: FLOAT presence { min_fraction: 1.0 } float_domain { min: -70 max: 10 }
              drift_comparator { jensen_shannon_divergence { threshold: 0.15 } } }
    feature { name: "language" type: BYTES drift_comparator { infinity_norm { threshold: 0.2 } } }
    """,
    schema_pb2.Schema(),
)
GATE = Gate.model_validate({"floors": {}, "drops": {}, "minimum": {"recordings": 3, "artists": 2}})
ENOUGH = {"eval": {"recordings": 9, "artists": 3}}
REPORT = {"tags": {"rock": ENOUGH}, "splits": dict.fromkeys(("train", "validation", "eval"), ENOUGH["eval"])}


def library(seed: int, *, gain_db: float = 0.0, **more: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    loudness = rng.normal(-18.0, 3.0, 400) + gain_db
    return pd.DataFrame({"loudness_lufs": loudness, "language": rng.choice(["en", "de"], 400), **more})


def described(*, gain_db: float = 0.0) -> pd.DataFrame:
    """Three dozen recordings of about a second, at levels of their own, as AudioExampleGen describes them."""
    rng = np.random.default_rng(0)
    rows = []
    for number, (duration_s, level_db) in enumerate(rng.uniform((1.0, -6.0), (1.5, 0.0), (36, 2))):
        y = song(duration_s, 8_000, 1, seed=number) * np.float32(10 ** ((level_db + gain_db) / 20))
        measured = DescriptorSet(8_000, 1, tempo_and_key=False)
        measured.update(y)
        found = {name: float(value) for name, value in asdict(measured.result()).items() if value is not None}
        words = {"id": f"song-{number}", "tags": "rock", "language": "en"}
        rows.append({**words, "segment": 0, "num_samples": y.shape[1], **found})
    return pd.DataFrame(rows)


class Run:
    """Statistics, both validators and the gate over data frames, through the executors' own files."""

    def __init__(self, folder: Path, schema: schema_pb2.Schema = SCHEMA) -> None:
        self.folder, self.schema = folder, schema

    def artifact(self, kind: type, name: str):
        artifact = kind()
        artifact.uri = str(self.folder / name)
        Path(artifact.uri).mkdir(parents=True)
        return artifact

    def statistics(self, name: str, data: pd.DataFrame):
        artifact = self.artifact(standard_artifacts.ExampleStatistics, name)
        artifact.split_names = json.dumps(["train"])
        path = Path(artifact.uri, "Split-train", "FeatureStats.pb")
        path.parent.mkdir()
        path.write_bytes(tfdv.generate_statistics_from_dataframe(data).SerializeToString())
        return artifact

    def gate(
        self, data: pd.DataFrame, served: pd.DataFrame | None = None, gate: Gate = GATE, report: object = REPORT
    ) -> list[dict]:
        current = self.statistics("current", data)
        anomalies = self.artifact(standard_artifacts.ExampleAnomalies, "anomalies")
        found = tfdv.validate_statistics(
            tfdv.load_stats_binary(str(Path(current.uri, "Split-train", "FeatureStats.pb"))), self.schema
        )
        io_utils.write_bytes_file(str(Path(anomalies.uri, "Split-train", "SchemaDiff.pb")), found.SerializeToString())
        drifted = self.artifact(standard_artifacts.ExampleAnomalies, "drift")
        drift.Executor().Do(
            {"statistics": [current]}
            | ({} if served is None else {"baseline_statistics": [self.statistics("served", served)]}),
            {"anomalies": [drifted]},
            {
                "distribution_validator_config": drift.drift_config(self.schema),
                "include_split_pairs": json.dumps(drift.PAIRS),
            },
        )
        written = self.artifact(CatalogReport, "report")
        Path(written.uri, "report.json").write_text(json.dumps(report))
        approval = self.artifact(DataApproval, "approval")
        data_gate.Executor().Do(
            {"anomalies": [anomalies], "drift": [drifted], "report": [written]},
            {"approval": [approval]},
            {
                "gate": gate.model_dump_json(),
                "outputs": json.dumps(["rock", "vocals"]),
                "tags": json.dumps(["rock"]),
                "code": "",
            },
        )
        findings: list[dict] = json.loads(Path(approval.uri, data_gate.FINDINGS).read_text())
        return findings


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_good_data_passes_a_first_run_without_a_baseline(run: Run) -> None:
    assert run.gate(library(0)) == []


def test_good_data_passes_beside_the_data_of_the_model_in_service(run: Run) -> None:
    assert run.gate(library(0), served=library(1)) == []


def test_an_added_feature_blocks_and_is_named(run: Run) -> None:
    with pytest.raises(data_gate.DataFindings, match=r"split train, feature mystery: New column") as caught:
        run.gate(library(0, mystery=1.0))
    assert len(str(caught.value).splitlines()) == 1


def test_a_value_outside_its_domain_blocks(run: Run) -> None:
    with pytest.raises(data_gate.DataFindings, match="loudness_lufs"):
        run.gate(library(0, gain_db=40.0))


def test_a_level_shift_of_12_db_warns(run: Run) -> None:
    (finding,) = run.gate(library(0, gain_db=12.0), served=library(1))
    assert not finding["blocks"]
    assert finding["text"].startswith("drift: split train, feature loudness_lufs: ")


def test_a_level_shift_of_12_db_blocks_where_the_gate_says_so(run: Run) -> None:
    with pytest.raises(data_gate.DataFindings, match="drift: split train, feature loudness_lufs"):
        run.gate(library(0, gain_db=12.0), served=library(1), gate=GATE.model_copy(update={"drift": "block"}))


@pytest.mark.parametrize(("gain_db", "moved"), [(0.0, []), (12.0, ["loudness_lufs"])])
def test_the_shipped_schema_hears_12_db_in_what_recordings_measure_and_nothing_in_the_same_audio(
    tmp_path: Path, gain_db: float, moved: list[str]
) -> None:
    shipped = text_format.Parse(SHIPPED.read_text(encoding="utf-8"), schema_pb2.Schema())
    found = Run(tmp_path, shipped).gate(described(gain_db=gain_db), served=described())
    assert [finding["text"].split(":")[1] for finding in found] == [f" split train, feature {name}" for name in moved]


def test_a_gated_tag_with_too_few_eval_recordings_blocks(run: Run) -> None:
    report = REPORT | {"tags": {"rock": {"eval": {"recordings": 2, "artists": 2}}}}
    with pytest.raises(data_gate.DataFindings, match="rock has 2 eval recordings and the gate needs 3"):
        run.gate(library(0), report=report)


def test_a_reported_tag_needs_no_recordings(run: Run) -> None:
    gate = Gate.model_validate(GATE.model_dump() | {"outputs": {"rock": {"reported": "not yet"}}})
    assert run.gate(library(0), gate=gate, report=REPORT | {"tags": {}}) == []


@pytest.mark.parametrize("split", ["train", "validation", "eval"])
@pytest.mark.parametrize("counts", [None, {"recordings": 0, "artists": 0}])
def test_a_split_without_recordings_blocks_before_anything_is_trained(
    run: Run, split: str, counts: dict | None
) -> None:
    splits = {name: held for name, held in REPORT["splits"].items() if name != split}
    report = REPORT | {"splits": splits if counts is None else splits | {split: counts}}
    with pytest.raises(data_gate.DataFindings, match=f"data: split {split} has no recordings: add some"):
        run.gate(library(0), report=report)


def test_an_output_that_is_no_tag_counts_every_recording(run: Run) -> None:
    report = REPORT | {"splits": REPORT["splits"] | {"eval": {"recordings": 9, "artists": 1}}}
    with pytest.raises(data_gate.DataFindings, match="vocals has 1 eval artists and the gate needs 2"):
        run.gate(library(0), report=report)


def test_an_edited_floor_leaves_the_component_as_it_was() -> None:
    strict = Gate.model_validate(
        {"floors": {"recall": 0.9}, "drops": {}, "outputs": {"rock": {"floors": {"recall": 0.8}}}}
    )
    loose = Gate.model_validate({"floors": {"recall": 0.1}, "drops": {}})
    assert data_gate.without_thresholds(strict) == data_gate.without_thresholds(loose)
