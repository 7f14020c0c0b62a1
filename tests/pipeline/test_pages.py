import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2

from pipeline.pages import write_pages
from tests.pipeline.past_run import RUN
from trainers.gate import Gate
from trainers.tagging.evaluation import METRICS, eval_config

HOSTILE = "<script>alert('&')</script>"
TAGS = ("rock", "pop/piano", HOSTILE)
GATE = Gate.model_validate(
    {"floors": {"precision": 0.6}, "drops": {"precision": 0.1}, "outputs": {"pop/piano": {"reported": "few artists"}}}
)
SPLITS = ("train", "validation", "eval", "test")
SHOWN = (*METRICS, "roc_auc", "average_precision")
CANDIDATE = {"rock": 0.875, "pop/piano": 0.25, HOSTILE: float("nan")}
IN_SERVICE = {"rock": 0.8, "pop/piano": 0.9, HOSTILE: 0.7}


class Page(HTMLParser):
    """The text of a page, its elements, and whether they nest."""

    VOID = frozenset({"meta", "rect", "line", "circle", "path"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def row(self, name: str) -> str:
        """The text of the first table row that `name` heads."""
        rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</th>(.*?)</tr>", self.source, re.DOTALL)
        return next(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for head, row in rows if name in head)


def metrics(model: str, values: dict[str, float], language: str | None) -> metrics_for_slice_pb2.MetricsForSlice:
    found = metrics_for_slice_pb2.MetricsForSlice()
    if language is not None:
        found.slice_key.single_slice_keys.add(column="language", bytes_value=language.encode())
    count = found.metric_keys_and_values.add()
    count.key.name, count.key.model_name, count.value.double_value.value = "example_count", model, 40
    for index, tag in enumerate(TAGS):
        for metric in SHOWN:
            pair = found.metric_keys_and_values.add()
            pair.key.name, pair.key.model_name = metric, model
            pair.key.sub_key.class_id.value = index
            pair.value.double_value.value = values[tag]
    return found


def write_records(path: Path, messages: list) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for message in messages:
            writer.write(message.SerializeToString())


def write_evaluation(tmp_path: Path, in_service: dict[str, float]) -> Path:
    """A ModelEvaluation as TFMA writes it."""
    folder, model = tmp_path / "evaluation", tmp_path / "model"
    folder.mkdir()
    (model / "assets.extra").mkdir(parents=True)
    (model / "assets.extra" / "dacapo.json").write_text(json.dumps({"vocabulary": TAGS}))
    run = config_pb2.EvalRun(eval_config=eval_config(GATE, TAGS), version="0.52.0")
    run.model_locations["candidate"] = str(model)
    run.model_locations["baseline"] = str(tmp_path / "gone")
    (folder / "eval_config.json").write_text(json_format.MessageToJson(run))
    names = (("candidate", CANDIDATE), ("baseline", in_service))
    found = []
    for language in (None, "en", HOSTILE):
        found.append(metrics_for_slice_pb2.MetricsForSlice())
        for model_name, values in names:
            found[-1].MergeFrom(metrics(model_name, values, language if model_name == "candidate" else None))
    write_records(folder / "metrics-00000-of-00001.tfrecord", found)
    write_records(folder / "validations.tfrecord", [validation_result_pb2.ValidationResult(validation_ok=False)])
    return folder


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    """One tag passes, one is reported only, one is never given by the model."""
    return write_evaluation(tmp_path, IN_SERVICE)


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("statistics")
    for seed, split in enumerate(SPLITS):
        rng = np.random.default_rng(seed)
        data = pd.DataFrame(
            {
                "loudness_lufs": rng.normal(-18 - seed, 3, 60),
                "channels": 2.0,
                "artist": rng.choice([HOSTILE, "Björk", "x" * 300], 60),
                "id": [f"{split}-{number}" for number in range(60)],
                "lyrics": [None] * 20 + ["</td><b>la"] * 39 + [""],
            }
        )
        path = folder / f"Split-{split}" / "FeatureStats.pb"
        path.parent.mkdir()
        path.write_bytes(tfdv.generate_statistics_from_dataframe(data).SerializeToString())
    return folder


@pytest.fixture
def report(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    folder.mkdir()
    counts = {"recordings": 10, "artists": 3}
    cell = {"row": 3, "recording_id": None, "column": "path", "line": f'catalog.csv: row 3, column path: "{HOSTILE}"'}
    summary = {
        "library": "builtin",
        "catalog": "catalog.csv",
        "rows": 41,
        "set_aside_rows": 1,
        "set_aside": [cell],
        "split_units": {"artist": 40},
        "torn": 3,
        "splits": {split: counts | {"examples": 20, "duration_s": 300.0} for split in SPLITS},
        "tags": {tag: dict.fromkeys(SPLITS, counts) for tag in TAGS},
        "duration_s": 1200.0,
        "decode_x_real_time": 400.0,
    }
    (folder / "report.json").write_text(json.dumps(summary))
    return folder


@pytest.fixture
def approval(tmp_path: Path) -> Path:
    folder = tmp_path / "approval"
    folder.mkdir()
    text = f"drift: split train, feature artist: {HOSTILE} is new"
    (folder / "findings.json").write_text(json.dumps([{"blocks": False, "text": text}]))
    return folder


@pytest.fixture
def pages(tmp_path: Path, evaluation: Path, statistics: Path, report: Path, approval: Path) -> dict[str, Page]:
    run = replace(RUN, evaluation=evaluation, statistics=statistics, report=report, approval=approval)
    return {path.name: Page(path) for path in write_pages(run, tmp_path / "pages")}


def test_a_page_is_one_file_that_runs_nothing_and_fetches_nothing(pages: dict[str, Page]) -> None:
    assert list(pages) == ["evaluation.html", "data.html"]
    for page in pages.values():
        policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
        assert policy is not None
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
        assert {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "base", "use"} == set()
        links = {attributes["href"] for _, attributes in page.elements if "href" in attributes}
        assert {link for link in links if not (link or "").startswith("#")} <= set(pages)
        assert not re.search(r"url\(|@import|https?:|\son\w+=", page.source)


def test_pages_on_the_built_in_library_call_it_synthetic(pages: dict[str, Page]) -> None:
    for page in pages.values():
        title = re.search(r"<title>(.*)</title>", page.source)
        assert title is not None
        assert title[1].endswith(f"tagging-builtin-quick (synthetic) – {RUN.run_id}")
        assert "tagging-builtin-quick (synthetic), run" in page.text
    assert "Library builtin (synthetic): 41 rows" in pages["data.html"].text


def test_text_of_the_library_stays_text(pages: dict[str, Page]) -> None:
    for page in pages.values():
        assert "<script" not in page.source
        assert "b" not in {tag for tag, _ in page.elements}
        assert HOSTILE in page.text
    assert "</td><b>la" in pages["data.html"].text


def test_every_tag_has_its_figures_floor_change_and_verdict(pages: dict[str, Page]) -> None:
    page = pages["evaluation.html"]
    assert page.row("rock").startswith("passes 10 (3) 0.875 0.6 +0.075 (−0.1) 0.875")
    assert page.row("pop/piano").startswith("reported 10 (3) 0.250 −0.650 0.250")
    assert page.row("&lt;script").startswith("fails 10 (3) – fails 0.6 – (−0.1)")
    assert f"{HOSTILE}: precision is undefined: the model never gives this output" in page.text
    assert "The gate blocks this model" in page.text


def test_what_the_model_in_service_never_gives_is_called_undefined_there(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path, IN_SERVICE | {"rock": -sys.float_info.max})
    (path,) = write_pages(replace(RUN, evaluation=folder), tmp_path / "pages")
    assert Page(path).row("rock").startswith("passes 0.875 0.6 undefined in service (−0.1) 0.875")


def test_a_mean_says_of_how_many_recordings_it_is(tmp_path: Path) -> None:
    folder, shard = write_evaluation(tmp_path, IN_SERVICE), metrics_for_slice_pb2.MetricsForSlice()
    path = folder / "metrics-00000-of-00001.tfrecord"
    whole, *others = [shard.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
    counted = whole.metric_keys_and_values.add()
    counted.key.name, counted.key.model_name, counted.value.double_value.value = "recall_recordings", "candidate", 38
    counted.key.sub_key.class_id.value = 0
    write_records(path, [whole, *others])
    (path,) = write_pages(replace(RUN, evaluation=folder), tmp_path / "pages")
    page = Page(path)
    assert "0.875 of 38" in page.row("rock")
    assert "of N: the mean of the N recordings in which the score is defined" in page.text
    assert "A mean leaves out the recordings in which its score is not defined" in page.text


def test_slices_stand_beside_the_whole(pages: dict[str, Page]) -> None:
    text = pages["evaluation.html"].text
    assert "By language" in text
    assert "en (40)" in text
    assert f"{HOSTILE} (40)" in text


def test_every_split_of_every_feature_has_its_column(pages: dict[str, Page]) -> None:
    page = pages["data.html"]
    for feature in ("loudness_lufs", "channels", "artist", "id", "lyrics"):
        assert f"<bdi>{feature}</bdi> <small>" in page.source
    tables = re.findall(r'<th scope="col"><span class="sr">figure</span></th>(.*?)</tr>', page.source)
    assert len(tables) == 5
    assert all(re.findall(r">(\w+)</th>", head) == list(SPLITS) for head in tables)
    assert page.row("missing") == "0 0 0 0"
    assert "20 (33.3 %)" in page.text


def test_values_that_tell_nothing_are_left_out(pages: dict[str, Page]) -> None:
    page = pages["data.html"]
    assert [a["aria-label"] for tag, a in page.elements if a.get("role") == "img"] == [
        next(a["aria-label"] for tag, a in page.elements if "loudness_lufs" in (a.get("aria-label") or ""))
    ]  # `channels` is 2 everywhere
    assert "train-0" not in page.text  # every id is another
    assert "x" * 81 not in page.text
    assert "(empty)" in page.text


def test_findings_and_recordings_set_aside_are_told(pages: dict[str, Page]) -> None:
    text = pages["data.html"].text
    assert f"drift: split train, feature artist: {HOSTILE} is new" in text
    assert f'catalog.csv: row 3, column path: "{HOSTILE}"' in text


def test_recordings_apart_from_others_of_their_artist_are_counted(pages: dict[str, Page]) -> None:
    assert "3 of them have another split than an earlier one of the same artist or package." in pages["data.html"].text


def test_a_run_that_failed_early_has_the_pages_that_it_can_have(tmp_path: Path, report: Path) -> None:
    folder = tmp_path / "pages"
    assert write_pages(RUN, folder) == []
    assert write_pages(replace(RUN, evaluation=tmp_path / "gone", statistics=tmp_path / "gone"), folder) == []
    assert write_pages(replace(RUN, report=report), folder) == [folder / "data.html"]
    page = Page(folder / "data.html")
    assert "<nav" not in page.source  # there is no other page to go to
    assert "did not let this run's data pass, or did not run" in page.text


def test_a_run_that_the_data_gate_stopped_tells_the_anomalies(tmp_path: Path, statistics: Path) -> None:
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["artist"].reason.add(description=f"Unexpected value: {HOSTILE}")
    for folder in ("anomalies/Split-eval", "drift/SplitPair-train_train"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    run = replace(RUN, statistics=statistics, anomalies=tmp_path / "anomalies", drift=tmp_path / "drift")
    (path,) = write_pages(run, tmp_path / "pages")
    assert f"data: split eval, feature artist: Unexpected value: {HOSTILE}" in Page(path).text
    assert f"drift: split train, feature artist: Unexpected value: {HOSTILE}" in Page(path).text


def test_without_the_model_its_columns_go_by_number(tmp_path: Path, evaluation: Path) -> None:
    (tmp_path / "model").rename(tmp_path / "moved")
    (path,) = write_pages(replace(RUN, evaluation=evaluation), tmp_path / "pages")
    assert Page(path).row("column 0").startswith("passes 0.875")


def test_pages_are_the_same_bytes_again(tmp_path: Path, evaluation: Path, statistics: Path) -> None:
    run = replace(RUN, evaluation=evaluation, statistics=statistics)
    first = [path.read_bytes() for path in write_pages(run, tmp_path / "pages")]
    assert [path.read_bytes() for path in write_pages(run, tmp_path / "pages")] == first
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == ["data.html", "evaluation.html"]
