"""``python -m tests.components.train_job.scaling``: two workers against one at the same global batch, one core each.

Prints examples a second from the first validation to the last, so that start-up does not count, and the efficiency:
the throughput of two workers divided by twice that of one. The tagger is the real one, the recordings are tones.
"""

import sys
import tempfile
import time
from pathlib import Path

from components.train_job.execution import folder_of, write_execution
from tests.components.train_job.job_set import JobSet
from tests.components.train_job.trainer_execution import SPEC, trainer_execution
from tests.trainers.tiny_library import Library, make_library

BATCH = 32
STEPS = 60
EVERY = 20
NETWORK = {"filters": [32, 64, 128, 128], "lyrics_units": 32, "dropout": 0.0}


def throughput(library: Library, work: Path, cores: list[list[int]]) -> float:
    """Examples a second of as many workers as there are lists of cores."""
    training = {"steps": STEPS, "batch_size": BATCH, "validate_every": EVERY, "checkpoint_every": STEPS}
    info = trainer_execution(library, work, **NETWORK, **training)
    write_execution(folder_of(info), info, SPEC)
    jobs = JobSet(folder_of(info), len(cores), work / "logs", cores=cores)
    jobs.start()
    seen: dict[int, float] = {}
    while STEPS not in seen:
        if any(worker.poll() not in (None, 0) for worker in jobs.workers):
            jobs.stop()
            sys.exit(jobs.said())
        log = jobs.log(0).read_text(errors="replace")
        for step in range(EVERY, STEPS + 1, EVERY):
            if f"step {step} of {STEPS}:" in log:
                seen.setdefault(step, time.monotonic())
        time.sleep(0.02)
    if not jobs.run():
        sys.exit(jobs.said())
    return BATCH * (STEPS - EVERY) / (seen[STEPS] - seen[EVERY])


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as scratch:
        library = make_library(Path(scratch))
        one = throughput(library, Path(scratch, "one"), [[0]])
        both = throughput(library, Path(scratch, "both"), [[0, 1]])
        two = throughput(library, Path(scratch, "two"), [[0], [1]])
    print(f"tagging, global batch {BATCH}, steps {EVERY} to {STEPS}, one core a worker")
    print("workers  cores  examples/s  efficiency")
    for workers, cores, value in ((1, 1, one), (1, 2, both), (2, 2, two)):
        print(f"{workers:>7}{cores:>7}{value:>12.1f}{value / (cores * one):>11.0%}")


if __name__ == "__main__":
    main()
