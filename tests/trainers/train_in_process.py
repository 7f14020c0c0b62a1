"""``python -m tests.trainers.train_in_process ARGUMENTS.json``: `run_fn` in a process of its own, as on a machine of
its own.

ARGUMENTS holds the fields of FnArgs and ``logical_cpus``, the number of devices that the CPU is split into.
"""

import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import tensorflow as tf


def main(path: str) -> None:
    """Train as the file says."""
    logging.basicConfig(level=logging.INFO)
    arguments = json.loads(Path(path).read_text(encoding="utf-8"))
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * arguments.pop("logical_cpus")
    tf.config.set_logical_device_configuration(cpu, devices)
    from trainers.run import run_fn

    run_fn(SimpleNamespace(**arguments))


if __name__ == "__main__":
    main(sys.argv[1])
