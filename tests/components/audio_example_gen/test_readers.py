"""TFX's own readers on AudioExampleGen's shards: not compressed, a split without recordings among them."""

import json

import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.components.util import tfxio_utils
from tfx.types import standard_artifacts
from tfx_bsl.tfxio.dataset_options import TensorFlowDatasetOptions

from catalog.recording import SPLITS


@pytest.fixture
def examples(library, ingest):
    for number in range(5):
        library.add(str(number), 2.0, split="train", lyrics=None if number else "la", tags=("rock",))
    library.add("eval", 3.0, split="eval")
    artifact = standard_artifacts.Examples()
    artifact.uri = str(ingest(library.write(), descriptors="cheap").uri)
    artifact.split_names = json.dumps(list(SPLITS))
    return artifact


@pytest.mark.e2e
def test_statistics_gen_counts_examples_sees_descriptors_and_missing_lyrics(examples, tmp_path):
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(tmp_path / "statistics")
    StatisticsGen().Do(
        {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": '["validation", "eval"]'}
    )
    counts = {}
    for split in ("train", "test"):
        (dataset,) = tfdv.load_stats_binary(f"{statistics.uri}/Split-{split}/FeatureStats.pb").datasets
        counts[split] = dataset.num_examples
        if split == "train":
            features = {feature.path.step[0]: feature for feature in dataset.features}
    assert counts == {"train": 10, "test": 0}
    assert features["duration_s"].num_stats.mean == 2.0
    assert features["lyrics"].string_stats.common_stats.num_missing == 8
    assert features["labels"].num_stats.common_stats.min_num_values == 3


@pytest.mark.parametrize(("split", "count"), [("train", 10), ("test", 0)])
def test_the_trainers_data_accessor_reads_every_split(examples, split, count):
    schema = schema_pb2.Schema()
    feature = schema.feature.add(name="num_samples", type=schema_pb2.INT, presence={"min_fraction": 1.0})
    feature.shape.dim.add(size=1)
    factory = tfxio_utils.get_tf_dataset_factory_from_artifact([examples], ["test"])
    options = TensorFlowDatasetOptions(batch_size=1, num_epochs=1, shuffle=False)
    assert sum(1 for _ in factory([f"{examples.uri}/Split-{split}/*"], options, schema)) == count
