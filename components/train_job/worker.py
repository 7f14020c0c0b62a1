"""``python -m components.train_job.worker``: one worker of a training, on a machine or in a process of its own.

    python -m components.train_job.worker --execution FOLDER --addresses HOST:PORT,HOST:PORT [--index 0]

FOLDER holds the execution that the step wrote (`execution`). Index 0 is the chief: it alone writes checkpoints, the
model and the result. Exit status: 0 done, 1 failed, 2 what the user gave is wrong (trying again is of no use).
"""

import argparse
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

from tfx.orchestration.portable import data_types, python_executor_operator
from tfx.utils import path_utils

from audio.errors import DaCapoError
from components.train_job.addresses import tf_config
from components.train_job.execution import Failure, read_execution, write_failure, write_result

INDEX = "JOB_COMPLETION_INDEX"  # set by Kubernetes in every pod of an indexed Job
LOGGER = logging.getLogger("dacapo.train_job")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one worker; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m components.train_job.worker", description=__doc__)
    parser.add_argument("--execution", required=True, metavar="FOLDER")
    parser.add_argument("--addresses", required=True, type=lambda text: text.split(","))
    parser.add_argument("--index", type=int, default=int(os.environ.get(INDEX, "0")))
    options = parser.parse_args(arguments)
    if not 0 <= options.index < len(options.addresses):
        parser.error(f"--index {options.index} ({INDEX}) is not one of {len(options.addresses)} addresses")
    return work(options.execution, options.addresses, options.index)


def work(folder: str, addresses: Sequence[str], index: int) -> int:
    """Runs the executor of the execution in `folder` as the worker at `index`.

    Parameters
    ----------
    folder : written by `execution.write_execution`.
    addresses : ``host:port`` of all workers; one alone trains without ``TF_CONFIG``.
    index : of this worker in `addresses`.

    Returns
    -------
    int
        The exit status; what went wrong also stands in the folder, for the step.
    """
    if len(addresses) > 1:
        os.environ["TF_CONFIG"] = tf_config(addresses, index)
    LOGGER.info("worker %d of %d", index, len(addresses))
    try:
        info, spec = read_execution(folder)
        operator = python_executor_operator.PythonExecutorOperator(spec)
        if index == 0:
            write_result(folder, operator.run_executor(info))
        else:
            with tempfile.TemporaryDirectory() as outputs:
                operator.run_executor(_elsewhere(info, outputs))
    except DaCapoError as error:
        LOGGER.error("%s", error)
        write_failure(folder, Failure(index, True, str(error)))
        return 2
    except Exception as error:  # noqa: BLE001 (the door: the step must learn of whatever the executor raises)
        traceback.print_exc()
        summary = next(iter(str(error).splitlines()), "")
        write_failure(folder, Failure(index, False, f"{type(error).__name__}: {summary}"))
        return 1
    LOGGER.info("worker %d has ended well", index)
    return 0


def _elsewhere(info: data_types.ExecutionInfo, folder: str) -> data_types.ExecutionInfo:
    """`info` with outputs of its own: the chief alone exports, but TFX's Trainer fails where no model appears, and the
    chief's may not be there yet when this worker ends.
    """
    for key, artifacts in info.output_dict.items():
        for number, artifact in enumerate(artifacts):
            artifact.uri = os.path.join(folder, key, str(number))
            os.makedirs(path_utils.serving_model_dir(artifact.uri))
    info.execution_output_uri = os.path.join(folder, "executor_output.pb")
    return info


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("dacapo").setLevel(logging.INFO)
    logging.getLogger("absl").setLevel(logging.ERROR)  # TFX's, whose warnings are for its developers
    sys.exit(main())
