"""``python -m pipeline.run_node``: one node of a pipeline, in a process or container of its own.

Every container of a run on Kubeflow Pipelines is this command (`pipeline.kubeflow_runner`). It rebuilds the graph from
the settings and the run id with the code beside it, and lets TFX's launcher do for one node what it does for all of
them on a laptop: driver, resolvers, cache, executor, lineage. A node that was finished under this run id is left alone,
one that was killed starts again.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audio.errors import DaCapoError
from catalog.problem import printable
from components.source_hash import CodeDiffers, source_hash
from components.train_job.request import TrainJobRequest
from pipeline.chatter import hush
from pipeline.console import quiet
from pipeline.settings import Settings, SettingsError, load_settings

FIXED = ("task", "library", "home", "metadata")
"""Settings that a run form cannot change: they name the pipeline, and the volume and database that keep its runs."""


@dataclass(frozen=True)
class Step:
    """What one container is asked to do.

    Attributes
    ----------
    settings : of the run, with what the run form changed.
    run_id, node_id : what to launch.
    submitted_as : Kubeflow's id of the run; another one than `run_id` where an older run is gone on with.
    unblessed_exit : exit code of the Pusher's step where the model was not blessed.
    train_job : machines on which the node's executor runs; None for this one.
    executor_input : what Kubeflow Pipelines says of the step's outputs; None outside of it.
    output_paths : where the outputs of Kubeflow Pipelines are written, by name.
    """

    settings: Settings
    run_id: str
    node_id: str
    submitted_as: str
    unblessed_exit: int
    train_job: TrainJobRequest | None
    executor_input: Mapping[str, Any] | None
    output_paths: Mapping[str, Path]

    @property
    def log(self) -> Path:
        """Where the output of the libraries goes; runs at the same time share no file."""
        return self.settings.home / "logs" / self.settings.name / self.run_id / f"{self.node_id}.log"

    @property
    def refusal(self) -> Path:
        """Where a user's mistake is kept from Kubeflow's retries, and from nobody who submits the run again."""
        return self.settings.home / "logs" / self.settings.name / self.submitted_as / f"{self.node_id}.refused"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one node; answers the exit code (:class:`pipeline.retrain.Exit`)."""
    hush()
    try:
        options = _parser().parse_args(arguments)
        check_code(options.code)
        step = _step(options)
        with quiet(step.log, verbose=options.verbose) as console:
            from pipeline.step import run_step

            return run_step(step, console)
    except DaCapoError as error:
        print(f"dacapo: {error}", file=sys.stderr)  # noqa: T201
        return 2


def check_code(wanted: str | None) -> None:
    """Compares the code beside this module with the submitter's.

    Raises
    ------
    CodeDiffers
        If it is not the same.
    """
    here = source_hash()
    if wanted is not None and wanted != here:
        raise CodeDiffers(
            f"this image holds code {here}, the pipeline was compiled from code {wanted}: compile it again from the "
            "commit of the image, or build the image from the commit of the pipeline"
        )


def settings_of_run(base: str, form: Mapping[str, Any]) -> Settings:
    """The settings of a run.

    Parameters
    ----------
    base : JSON of the settings that the pipeline was compiled with.
    form : values of the run form: ``catalog``, ``profile`` and ``warm_start`` (empty text changes nothing), ``steps``
        (0: the profile's) and ``overrides``, a JSON object of any other settings by dotted name.

    Raises
    ------
    SettingsError
        If a value cannot be used, or a setting that names the pipeline would change.
    """
    given = _object("--settings", base)
    chosen = {name: form.get(name) for name in ("catalog", "profile", "warm_start")}
    chosen["train.steps"] = form.get("steps") or None
    chosen = {name: value for name, value in chosen.items() if value not in ("", None)}
    chosen |= _overrides(form.get("overrides") or "{}")
    return load_settings(given, dotted=chosen)


def _overrides(text: str) -> dict[str, Any]:
    """Settings by dotted name."""
    found = _object("overrides", text, ' such as {"train.learning_rate": 0.001}')
    for name, value in found.items():
        if name.partition(".")[0] in FIXED:
            raise SettingsError(f"overrides: {name} cannot change in a run form, compile another pipeline")
        if isinstance(value, dict):  # it would take the place of the whole group, fields of the form included
            raise SettingsError(f"overrides: {name}={value!r} is a group, write dotted names as in {name}.field")
    return found


def train_job_of(text: str) -> TrainJobRequest:
    """The machines that a step asks for.

    Parameters
    ----------
    text : JSON of a `TrainJobRequest`, as the compiler writes it behind ``--train-job``.

    Raises
    ------
    SettingsError
        If it is none.
    """
    try:
        return TrainJobRequest.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"]) or "JSON"
        raise SettingsError(f"--train-job: {field}: {problem['msg']}") from error


def _object(name: str, text: str, example: str = "") -> dict[str, Any]:
    """The JSON object in `text`, which was given as `name`."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f'{name}: "{printable(text)}" is not JSON: {error}') from error
    if not isinstance(found, dict):
        raise SettingsError(f'{name}: "{printable(text)}" is not an object{example}')
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.run_node", description=__doc__)
    parser.add_argument("--settings", required=True, metavar="JSON", help="settings, as dacapo compile writes them")
    parser.add_argument("--run-id", required=True, help="one for all nodes of a run")
    parser.add_argument("--resume", default="", metavar="RUN", help="run id to go on with in place of --run-id")
    parser.add_argument("--node", required=True, help="id of the node in the TFX pipeline")
    parser.add_argument("--code", metavar="HASH", help="code that the pipeline was compiled from")
    parser.add_argument("--catalog", default="", help="catalog file, in place of the settings' one")
    parser.add_argument("--profile", default="", help="profile, in place of the settings' one")
    parser.add_argument("--steps", default=0, type=_whole, help="train.steps; 0 leaves them")
    parser.add_argument("--warm-start", default="", help="none, latest or a version, in place of the settings' one")
    parser.add_argument("--overrides", default="{}", metavar="JSON", help="any other settings by dotted name")
    parser.add_argument("--unblessed-exit", default=3, type=int, help="Pusher's exit code for a model not blessed")
    parser.add_argument("--train-job", metavar="JSON", help="machines to run the executor on, as a TrainJob")
    parser.add_argument("--executor-input", metavar="JSON", help="what Kubeflow Pipelines says of metrics and page")
    parser.add_argument("--metrics", type=Path, metavar="FILE", help="where it takes the figures")
    parser.add_argument("--page", type=Path, metavar="FILE", help="where it takes the page")
    parser.add_argument("--verbose", action="store_true", help="show what the libraries say")
    return parser


def _whole(text: str) -> int:
    """A whole number, also as ``90.0``: all numbers of Kubeflow Pipelines pass through JSON."""
    try:
        return int(float(text))
    except OverflowError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from error


def _step(options: argparse.Namespace) -> Step:
    return Step(
        settings=settings_of_run(options.settings, vars(options)),
        run_id=options.resume or options.run_id,
        node_id=options.node,
        submitted_as=options.run_id,
        unblessed_exit=options.unblessed_exit,
        train_job=train_job_of(options.train_job) if options.train_job else None,
        executor_input=_object("--executor-input", options.executor_input) if options.executor_input else None,
        output_paths={"metrics": options.metrics, "page": options.page},
    )


if __name__ == "__main__":
    sys.exit(main())
