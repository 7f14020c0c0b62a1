"""The logs of all workers of a job as they come, each line once, also after a worker was started again."""

import math
import time
from collections.abc import Callable, Iterator

from components.train_job.cluster import Cluster, Unreachable

_OVERLAP_S = 5  # asked for again at every look, against clocks that differ; what was shown is told by its time stamp


class WorkerLogs:
    """What the workers of a job said since the last look.

    Logs are polled, not followed: a broken connection costs nothing, and one thread serves any number of workers.

    Parameters
    ----------
    cluster, job : whose pods.
    clock : seconds.
    """

    def __init__(self, cluster: Cluster, job: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster = cluster
        self._job = job
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}  # pod's uid -> time stamp of the last line, when it was read

    def new_lines(self) -> Iterator[tuple[int, str]]:
        """(index of the worker, line) for every line that was not given before, worker by worker.

        Raises
        ------
        Unreachable
            After the lines of all others, if a worker's could not be read: a lost node's pods stay listed for a while.
        """
        missed: Unreachable | None = None
        for pod in self._cluster.pods(self._job):
            if not pod.started:
                continue
            last, read = self._seen.get(pod.uid, ("", -math.inf))
            now = self._clock()
            since_s = None if not last else math.ceil(now - read) + _OVERLAP_S
            try:
                log = self._cluster.log(pod.name, since_s)
            except Unreachable as error:
                missed = error
                continue
            for entry in log.split("\n"):  # where Kubernetes ends a line; `str.splitlines` knows ten other places
                stamp, _, line = entry.partition(" ")
                if stamp > last:
                    last = stamp
                    yield pod.index, line
            self._seen[pod.uid] = (last, now)
        if missed is not None:
            raise missed
