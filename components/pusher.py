"""A Pusher that a server can never catch half-way.

TFX's own copies into the numbered directory, so a kill leaves a half-copied version for ever. Here the model is copied
into a staging directory whose name is no number (TensorFlow Serving ignores it), every file and directory is synced to
the disk, and one rename makes it a version, strictly higher than any there.

A server loads the newest version, so a model that was in service once and comes back is pushed again: the cache key
holds the version that the model replaces. And a verdict that is given again is no reason to push: the cache key holds
the first of the equal ones.
"""

import fcntl
import filecmp
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from tfx import types
from tfx import v1 as tfx
from tfx.components.evaluator import constants
from tfx.components.pusher import executor as tfx_executor
from tfx.dsl.components.base import base_driver as component_driver
from tfx.dsl.components.base import executor_spec
from tfx.orchestration import metadata
from tfx.orchestration.portable import base_driver, data_types
from tfx.proto import pusher_pb2
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils, proto_utils

from catalog.served import newest_version, versions
from components.baseline import INPUT_EVENTS, OUTPUT_EVENTS

REPLACES = "replaces"
STAGING = ".staging-"
LOCK = ".push.lock"


def push(model: Path, base: Path) -> Path:
    """Makes `model` the newest version in the served folder `base`.

    Parameters
    ----------
    model : directory of a SavedModel.
    base : the served folder; made if it is not there.

    Returns
    -------
    Path
        ``base/<version>``; the version is the time in whole seconds, or one above the highest there if that is more.
        The newest version itself if it holds this very model: a verdict that is given again changes nothing.

    Raises
    ------
    FileNotFoundError
        If `model` holds no ``saved_model.pb``.
    """
    if not (model / "saved_model.pb").is_file():
        raise FileNotFoundError(f"{model}: holds no saved_model.pb, so it cannot be served")
    base.mkdir(parents=True, exist_ok=True)
    with _locked(base):
        for stale in base.glob(f"{STAGING}*"):  # a killed push left it; the lock says that nobody is writing it now
            shutil.rmtree(stale)
        newest = newest_version(base)
        if newest is not None and _equal(model, newest):
            return newest
        version = max(int(time.time()), 0 if newest is None else int(newest.name) + 1)
        staging = base / f"{STAGING}{version}"
        shutil.copytree(model, staging)
        _sync_tree(staging)
        served = base / str(version)
        staging.rename(served)
        _sync(base)
    return served


def replaced(model: Path, base: Path) -> Path | None:
    """The newest version in the served folder `base` that does not hold `model`; None where there is none.

    The same before `model` is pushed and after, and another one as soon as something else was pushed over it.
    """
    return next((version for version in reversed(versions(base)) if not _equal(model, version)), None)


def _equal(left: Path, right: Path) -> bool:
    """Whether two directories hold the same files with the same bytes."""
    files = [sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file()) for root in (left, right)]
    return files[0] == files[1] and all(filecmp.cmp(left / name, right / name, shallow=False) for name in files[0])


@contextmanager
def _locked(base: Path) -> Iterator[None]:
    with (base / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(root: Path) -> None:
    for folder, _, files in os.walk(root, topdown=False):
        for name in files:
            _sync(Path(folder, name))
        _sync(Path(folder))


class Executor(tfx_executor.Executor):
    """TFX's Pusher executor with :func:`push` in place of its copy."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if it is blessed; marks the PushedModel artifact either way."""
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        model = Path(self.GetModelPath(input_dict))
        shutil.copytree(model, pushed.uri, dirs_exist_ok=True)
        served = push(model, _served_folder(exec_properties))
        self._MarkPushed(pushed, pushed_destination=str(served), pushed_version=served.name)


def first_of_equal_verdicts(
    store: mlmd.MetadataStore, model: types.Artifact, blessing: types.Artifact
) -> types.Artifact:
    """The oldest ModelBlessing that says of `model` what `blessing` says: itself, where it is the first."""

    def verdict(properties: Any) -> tuple[int, int]:
        names = (constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, constants.ARTIFACT_PROPERTY_BLESSED_KEY)
        own, blessed = (properties[name].int_value if name in properties else -1 for name in names)
        return own, blessed

    heard = [e.execution_id for e in store.get_events_by_artifact_ids([model.id]) if e.type in INPUT_EVENTS]
    written = {e.artifact_id for e in store.get_events_by_execution_ids(heard) if e.type in OUTPUT_EVENTS}
    wanted = verdict(blessing.mlmd_artifact.custom_properties)
    for found in store.get_artifacts_by_id(sorted(written)):
        if found.type == blessing.type_name and verdict(found.custom_properties) == wanted:
            return artifact_utils.deserialize_artifact(blessing.artifact_type, found)
    return blessing


class Driver(component_driver.BaseDriver, base_driver.BaseDriver):
    """Adds the version that the model replaces to the cache key (`components.audio_example_gen.driver` says how), and
    has the first of equal verdicts stand there for the others.

    TFX 1.21 hashes the inputs after the driver ran, and hands it the very dictionary that it hashes
    (``Launcher._prepare_execution``); ML Metadata keeps the inputs as they were resolved.
    """

    def __init__(self, metadata_handle: metadata.Metadata) -> None:
        component_driver.BaseDriver.__init__(self, metadata_handle)
        base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """The replaced version as an execution property; empty where there is none."""
        inputs = execution_info.input_dict
        model = artifact_utils.get_single_instance(inputs[standard_component_specs.MODEL_KEY])
        blessing = artifact_utils.get_single_instance(inputs[standard_component_specs.MODEL_BLESSING_KEY])
        with self._metadata_handle as connection:
            first = first_of_equal_verdicts(connection.store, model, blessing)
        inputs[standard_component_specs.MODEL_BLESSING_KEY] = [first]
        served = _served_folder(execution_info.exec_properties)
        version = replaced(Path(path_utils.serving_model_path(model.uri)), served)
        output = driver_output_pb2.DriverOutput()
        output.exec_properties[REPLACES].string_value = "" if version is None else version.name
        return output


class Pusher(tfx.components.Pusher):
    """TFX's Pusher with the driver and the atomic executor of this module."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver


def _served_folder(exec_properties: dict[str, Any]) -> Path:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(exec_properties["push_destination"], destination)
    return Path(destination.filesystem.base_directory)
