"""What step and workers tell each other, as files on storage that both see: the execution, its result, its failures.

The folder belongs to one execution in ML Metadata, so nothing in it is ever meant for another one.
"""

import base64
import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from tfx.dsl.io import fileio
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import executable_spec_pb2, execution_invocation_pb2, execution_result_pb2

from components.source_hash import CodeDiffers, source_hash

EXECUTION = "execution.json"
RESULT = "result.pb"
FAILURE = "failure-{index}.json"


@dataclass(frozen=True)
class Failure:
    """Why a worker gave up.

    Attributes
    ----------
    index : of the worker.
    user : whether what the user gave is wrong, so that trying again is of no use.
    line : one line.
    """

    index: int
    user: bool
    line: str


def folder_of(info: data_types.ExecutionInfo) -> str:
    """The folder of an execution's files, below TFX's own folder for it."""
    return os.path.join(os.path.dirname(str(info.execution_output_uri)), "train_job")


def write_execution(
    folder: str, info: data_types.ExecutionInfo, spec: executable_spec_pb2.PythonClassExecutableSpec
) -> None:
    """Describes what the workers run; an older description is replaced in one rename."""
    fileio.makedirs(folder)
    invocation = info.to_proto().SerializeToString()
    description = {
        "code": source_hash(),
        "executor": spec.class_path,
        "invocation": base64.b64encode(invocation).decode("ascii"),
        "spec": base64.b64encode(spec.SerializeToString()).decode("ascii"),
    }
    _write(os.path.join(folder, EXECUTION), json.dumps(description, indent=1).encode())


def read_execution(folder: str) -> tuple[data_types.ExecutionInfo, executable_spec_pb2.PythonClassExecutableSpec]:
    """What `write_execution` wrote.

    Raises
    ------
    CodeDiffers
        The code here is not that of the step, under whose hash the result is cached.
    """
    description = json.loads(_read(os.path.join(folder, EXECUTION)))
    here, wanted = source_hash(), description["code"]
    if here != wanted:
        raise CodeDiffers(
            f"this worker's image holds code {here}, the step's image code {wanted}: build both images from one commit"
        )
    invocation = execution_invocation_pb2.ExecutionInvocation.FromString(base64.b64decode(description["invocation"]))
    spec = executable_spec_pb2.PythonClassExecutableSpec.FromString(base64.b64decode(description["spec"]))
    return data_types.ExecutionInfo.from_proto(invocation), spec


def write_result(folder: str, output: execution_result_pb2.ExecutorOutput) -> None:
    """The chief's last act."""
    _write(os.path.join(folder, RESULT), output.SerializeToString())


def read_result(folder: str) -> execution_result_pb2.ExecutorOutput | None:
    """What the chief's executor answered; None if it did not get so far."""
    path = os.path.join(folder, RESULT)
    if not fileio.exists(path):
        return None
    return execution_result_pb2.ExecutorOutput.FromString(_read(path))


def write_failure(folder: str, failure: Failure) -> None:
    """The last act of a worker whose executor raised."""
    _write(os.path.join(folder, FAILURE.format(index=failure.index)), json.dumps(asdict(failure)).encode())


def read_failures(folder: str) -> list[Failure]:
    """Failures since the last `clear`, a user's mistake first, then by the worker's index."""
    failures = [
        Failure(**json.loads(_read(path))) for path in fileio.glob(os.path.join(folder, FAILURE.format(index="*")))
    ]
    return sorted(failures, key=lambda failure: (not failure.user, failure.index))


def clear(folder: str) -> None:
    """Takes away the result and the failures of an earlier attempt."""
    for pattern in (RESULT, FAILURE.format(index="*")):
        for path in fileio.glob(os.path.join(folder, pattern)):
            fileio.remove(path)


def _write(path: str, content: bytes) -> None:
    partial = f"{path}.{os.getpid()}.partial"
    with fileio.open(partial, "wb") as file:
        file.write(content)
    fileio.rename(partial, path, overwrite=True)


def _read(path: str) -> Any:
    with fileio.open(path, "rb") as file:
        return file.read()
