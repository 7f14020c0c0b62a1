"""Where the workers of a job find each other, and what TensorFlow is told of it."""

import json
from collections.abc import Sequence

PORT = 2222
REPLICATED_JOB = "node"  # Trainer v2 knows the training container and its replicated job by this name


def worker_addresses(job: str, nodes: int) -> tuple[str, ...]:
    """Addresses of the workers of a TrainJob in its headless service, in the order of their completion index.

    A JobSet calls its pods ``<job set>-<replicated job>-<job index>-<completion index>`` and its service like itself;
    Trainer calls the JobSet like the TrainJob.
    """
    return tuple(f"{job}-{REPLICATED_JOB}-0-{index}.{job}:{PORT}" for index in range(nodes))


def tf_config(addresses: Sequence[str], index: int) -> str:
    """``TF_CONFIG`` of the worker at `index`.

    Index 0 is called chief, not worker 0: TFX's Trainer takes only a chief or master for the one that exports.

    Parameters
    ----------
    addresses : ``host:port`` of all workers, at least two.
    index : in [0, len(addresses)).

    Returns
    -------
    str
        JSON.
    """
    chief, *workers = addresses
    task = {"type": "chief", "index": 0} if index == 0 else {"type": "worker", "index": index - 1}
    return json.dumps({"cluster": {"chief": [chief], "worker": workers}, "task": task})
