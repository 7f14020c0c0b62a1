"""How Beam runs ExampleGen, StatisticsGen, Transform, Evaluator and scans: here, or on a cluster made for it.

Every runner but the direct one reads and writes the home folder from its own workers, so these must mount it under the
same path and run the image of the steps, which holds the code. What of this was never run is said in docs/not-run.md.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

NO_PACKAGE = "--sdk_container_image=none"
"""Has no meaning for the direct runner, and keeps TFX 1.21 from building a source package of itself for every step (6 s
of processor time and 52 MB in the temporary folder; ``tfx.utils.dependency_utils.make_beam_dependency_flags``).
"""
ADDRESS = r"^[A-Za-z0-9.-]+:[0-9]{1,5}$"


class Portable(BaseModel):
    """A job server in front of Flink or Spark, with Beam's worker pool beside every task manager or executor.

    Attributes
    ----------
    job_endpoint : ``host:port`` of the job server.
    artifact_endpoint : ``host:port`` of its artifact service; by default as the job server says.
    worker_pool : ``host:port`` of the worker pool as a task manager sees it (a container in the same pod).
    parallelism : of the job; by default as Flink or Spark is set up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_endpoint: str = Field(pattern=ADDRESS)
    artifact_endpoint: str | None = Field(None, pattern=ADDRESS)
    worker_pool: str = Field("localhost:50000", pattern=ADDRESS)
    parallelism: PositiveInt | None = None

    def arguments(self) -> list[str]:
        """Beam's arguments."""
        given = [f"--job_endpoint={self.job_endpoint}"]
        if self.artifact_endpoint is not None:
            given.append(f"--artifact_endpoint={self.artifact_endpoint}")
        given += ["--environment_type=EXTERNAL", f"--environment_config={self.worker_pool}"]
        if self.parallelism is not None:
            given.append(f"--parallelism={self.parallelism}")
        return ["--runner=PortableRunner", *given]


class Dataflow(BaseModel):
    """Google Cloud Dataflow.

    Attributes
    ----------
    project, region : where jobs run.
    temp_location : ``gs://`` folder of Dataflow's own files.
    worker_image : image of the steps, which holds the code.
    machine_type, max_workers : of the workers.
    service_account : of the workers; by default the project's.
    subnetwork : of the workers, such as ``regions/europe-west4/subnetworks/jobs``.
    public_ips : whether workers have public addresses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str = Field(min_length=1)
    region: str = Field(min_length=1)
    temp_location: str = Field(pattern=r"^gs://[^/]+")
    worker_image: str = Field(min_length=1)
    machine_type: str = "n2-standard-4"
    max_workers: PositiveInt = 10
    service_account: str | None = None
    subnetwork: str | None = None
    public_ips: bool = False

    def arguments(self) -> list[str]:
        """Beam's arguments."""
        given = {
            "project": self.project,
            "region": self.region,
            "temp_location": self.temp_location,
            "sdk_container_image": self.worker_image,
            "machine_type": self.machine_type,
            "max_num_workers": self.max_workers,
            "service_account_email": self.service_account,
            "subnetwork": self.subnetwork,
        }
        flags = ["--experiments=use_runner_v2", "--use_public_ips" if self.public_ips else "--no_use_public_ips"]
        return [
            "--runner=DataflowRunner",
            *(f"--{name}={value}" for name, value in given.items() if value is not None),
            *flags,
        ]


class Beam(BaseModel):
    """Which runner, and how it is told what it needs.

    Attributes
    ----------
    runner : ``direct`` (this machine), ``flink``, ``spark`` or ``dataflow``.
    workers : processes of the direct runner.
    flink, spark, dataflow : the options of the runner of that name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    runner: Literal["direct", "flink", "spark", "dataflow"] = "direct"
    workers: PositiveInt = 1
    flink: Portable | None = None
    spark: Portable | None = None
    dataflow: Dataflow | None = None

    @model_validator(mode="after")
    def _only_the_chosen_runner_has_options(self) -> Self:
        given = {name for name in ("flink", "spark", "dataflow") if getattr(self, name) is not None}
        wanted = {self.runner} - {"direct"}
        if missing := wanted - given:
            raise ValueError(f"beam.runner={self.runner} needs the options beam.{missing.pop()}")
        if spare := sorted(given - wanted):
            raise ValueError(f"beam.{spare[0]} is given but beam.runner={self.runner}")
        return self

    def arguments(self) -> list[str]:
        """Beam's own command-line arguments."""
        if self.runner == "direct":
            mode = "in_memory" if self.workers == 1 else "multi_processing"
            return [f"--direct_running_mode={mode}", f"--direct_num_workers={self.workers}", NO_PACKAGE]
        chosen: Portable | Dataflow = getattr(self, self.runner)
        return chosen.arguments()
