import pytest
from apache_beam.options.pipeline_options import (
    DirectOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    StandardOptions,
    WorkerOptions,
)
from tfx.utils.dependency_utils import make_beam_dependency_flags

from pipeline.settings import Settings, SettingsError, load_settings


def settings(*assignments: str) -> Settings:
    return load_settings({}, assignments)


@pytest.mark.parametrize(("workers", "mode"), [(1, "in_memory"), (4, "multi_processing")])
def test_the_direct_runner_starts_processes_only_for_several_workers(workers: int, mode: str) -> None:
    options = PipelineOptions(settings(f"beam.workers={workers}").beam.arguments()).view_as(DirectOptions)
    assert (options.direct_running_mode, options.direct_num_workers) == (mode, workers)


def test_no_package_of_tfx_is_built_for_the_direct_runner() -> None:
    arguments = settings().beam.arguments()
    assert make_beam_dependency_flags(arguments) == arguments


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_beam_reads_the_arguments_of_a_job_server(runner: str) -> None:
    given = [f"beam.runner={runner}", f"beam.{runner}.job_endpoint=beam:8099", f"beam.{runner}.parallelism=8"]
    options = PipelineOptions(settings(*given).beam.arguments())
    assert options.view_as(StandardOptions).runner == "PortableRunner"
    portable = options.view_as(PortableOptions)
    assert (portable.job_endpoint, portable.environment_type) == ("beam:8099", "EXTERNAL")
    assert portable.environment_config == "localhost:50000"


def test_beam_reads_the_arguments_of_dataflow() -> None:
    given = {"project": "music", "region": "europe-west4", "temp_location": "gs://b/tmp", "worker_image": "dacapo:cpu"}
    chosen = load_settings({"beam": {"runner": "dataflow", "dataflow": given}}).beam
    options = PipelineOptions(chosen.arguments())
    assert options.view_as(StandardOptions).runner == "DataflowRunner"
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    assert (cloud.project, cloud.region, cloud.temp_location) == ("music", "europe-west4", "gs://b/tmp")
    assert (workers.sdk_container_image, workers.max_num_workers, workers.use_public_ips) == ("dacapo:cpu", 10, False)


@pytest.mark.parametrize(
    ("assignments", "words"),
    [
        (["beam.runner=flink"], "beam.runner=flink needs the options beam.flink"),
        (["beam.spark.job_endpoint=a:1"], "beam.spark is given but beam.runner=direct"),
        (["beam.runner=flink", "beam.flink.job_endpoint=beam"], "beam.flink.job_endpoint='beam'"),
        (["beam.runner=dask"], "beam.runner='dask'"),
    ],
)
def test_a_wrong_choice_is_one_line(assignments: list[str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(*assignments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
