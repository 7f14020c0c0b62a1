"""AudioExampleGen under TFX's launcher with metadata in SQLite: what runs again and what does not."""

import os
import shutil

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

from audio.spec import AudioSpec
from catalog.splits import DEFAULT_SHARES
from catalog.vocabulary import Vocabulary
from components.audio_example_gen import AudioExampleGen, ingest
from components.audio_example_gen.progress import Progress, progress
from components.audio_example_gen.report import TooManySetAside, read_report

SPEC = AudioSpec(columns=("audio",), sample_rate=8000, channels=1, segment_s=1.0, eval_max_s=4.0)


class Runs:
    """Runs of a pipeline of one component, in one metadata store."""

    def __init__(self, folder):
        self._folder = folder
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(folder / "mlmd.sqlite")
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self._config = config

    def run(self, catalog, **changes):
        """Runs once; the state of the newest execution."""
        settings = {
            "catalog_path": catalog,
            "vocabulary": Vocabulary(("rock",)),
            "audio": SPEC,
            "descriptors": "none",
            "timed_labels": False,
            "split_seed": 0,
            "shares": DEFAULT_SHARES,
            "index_path": self._folder / "index.sqlite",
            "code": "1",
        }
        component = AudioExampleGen(**settings | changes)
        pipeline = tfx.dsl.Pipeline(
            pipeline_name="one",
            pipeline_root=str(self._folder / "root"),
            components=[component],
            enable_cache=True,
            metadata_connection_config=self._config,
        )
        tfx.orchestration.LocalDagRunner().run(pipeline)
        return metadata_store_pb2.Execution.State.Name(self.newest().last_known_state)

    def newest(self):
        executions = metadata_store.MetadataStore(self._config).get_executions()
        return max(executions, key=lambda execution: execution.id)

    def artifacts(self, kind):
        return metadata_store.MetadataStore(self._config).get_artifacts_by_type(kind)


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


@pytest.fixture
def catalog(library):
    for number in range(6):
        library.add(str(number), tags=("rock",), artist=str(number))
    return library.write()


def test_a_run_with_nothing_touched_executes_nothing(catalog, runs):
    assert runs.run(catalog) == "COMPLETE"
    assert runs.run(catalog) == "CACHED"
    assert len(runs.artifacts("Examples")) == 1


def test_touching_every_file_executes_nothing(catalog, runs):
    runs.run(catalog)
    for path in catalog.parent.iterdir():
        os.utime(path)
    assert runs.run(catalog) == "CACHED"


def test_a_clone_elsewhere_with_an_index_elsewhere_executes_nothing(catalog, runs, tmp_path):
    runs.run(catalog)
    shutil.copytree(catalog.parent, tmp_path / "clone")
    assert runs.run(tmp_path / "clone" / "catalog.csv", index_path=tmp_path / "other.sqlite") == "CACHED"


def test_one_changed_byte_of_one_recording_executes_again(catalog, runs):
    runs.run(catalog)
    path = catalog.parent / "3.wav"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert runs.run(catalog) == "COMPLETE"
    assert runs.run(catalog) == "CACHED"


def test_changed_sources_execute_again(catalog, runs):
    runs.run(catalog)
    assert runs.run(catalog, code="2") == "COMPLETE"


def test_metadata_names_the_catalog_the_fingerprint_and_the_report(catalog, runs):
    runs.run(catalog)
    properties = runs.newest().custom_properties
    assert properties["catalog_path"].string_value == str(catalog)
    (examples,), (report,) = runs.artifacts("Examples"), runs.artifacts("CatalogReport")
    assert examples.properties["split_names"].string_value == '["train", "validation", "eval", "test"]'
    assert examples.custom_properties["payload_format"].string_value == "FORMAT_TF_EXAMPLE"
    assert examples.custom_properties["fingerprint"] == properties["fingerprint"]
    assert read_report(report.uri).rows == 6


def test_a_failed_run_leaves_no_output_and_is_not_taken_from_the_cache(catalog, runs, tmp_path):
    broken = catalog.parent / "3.wav"
    content = broken.read_bytes()
    broken.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(TooManySetAside) as caught:
            runs.run(catalog)
        assert [str(problem) for problem in caught.value.problems] == [
            'catalog.csv: row 4, column path: "3.wav" is empty (0 bytes)'
        ]
    assert not list((tmp_path / "root").rglob("data_tfrecord*"))
    broken.write_bytes(content)
    assert runs.run(catalog) == "COMPLETE"


def test_progress_can_be_read_while_it_runs(catalog, runs, tmp_path, monkeypatch):
    seen = []
    ingest_one = ingest._ingest

    def watched(*arguments):
        seen.append(progress(tmp_path / "root" / "AudioExampleGen"))
        return ingest_one(*arguments)

    monkeypatch.setattr(ingest, "_ingest", watched)
    monkeypatch.setattr(ingest, "PROGRESS_S", -1.0)
    assert progress(tmp_path / "root" / "AudioExampleGen") is None
    runs.run(catalog)
    assert seen == [Progress(done, 6) for done in range(6)]
    assert progress(tmp_path / "root" / "AudioExampleGen") is None
